//! Serves the console over a state folder, with actions that only pretend:
//! `demo PORT STATE OUT [TOKEN]`. A run that is asked for goes through its stages in a few seconds and publishes nothing.

use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use chrono::TimeDelta;
use console::{Access, ActionRefused, ActionStarted, Actions, App, Edge, NextSlot, PiiPolicy, PipelineView, SlotRow};
use scheduler::{Ledger, Outcome, Slot, Stage};
use secrecy::SecretString;

struct Pretend {
    ledger: Arc<Ledger>,
    out: PathBuf,
}

fn refused(error: impl std::fmt::Display) -> ActionRefused {
    ActionRefused { message: error.to_string() }
}

impl Actions for Pretend {
    fn run(&self, pipeline: &str) -> Result<ActionStarted, ActionRefused> {
        let now = scheduler::clock::now();
        let slot = Slot::manual(now, chrono_tz::UTC, None);
        let mut run = self.ledger.begin(pipeline, &slot, now, "demo").map_err(refused)?;
        let run_id = run.id().to_owned();
        std::thread::spawn(move || {
            for stage in [Stage::Extract, Stage::Transform, Stage::Validate] {
                let _ = run.stage_started(stage);
                std::thread::sleep(Duration::from_millis(900));
                let _ = run.stage_finished(stage, Duration::from_millis(900), serde_json::Value::Null);
            }
            let _ = run.finish(Outcome::NotPublished, scheduler::clock::now());
        });
        Ok(ActionStarted { run_id: Some(run_id) })
    }

    fn retry(&self, _run_id: &str) -> Result<ActionStarted, ActionRefused> {
        Ok(ActionStarted::default())
    }

    fn release(&self, _run_id: &str) -> Result<ActionStarted, ActionRefused> {
        Ok(ActionStarted::default())
    }

    fn discard(&self, _run_id: &str) -> Result<ActionStarted, ActionRefused> {
        Ok(ActionStarted::default())
    }

    fn rollback(&self, pipeline: &str, snapshot: &str) -> Result<ActionStarted, ActionRefused> {
        let path = self.out.join(pipeline).join("published.json");
        let text = std::fs::read(&path).map_err(refused)?;
        let mut published: serde_json::Value = serde_json::from_slice(&text).map_err(refused)?;
        if let Some(fields) = published.as_object_mut() {
            fields.insert("snapshot".to_owned(), snapshot.into());
        }
        std::fs::write(&path, published.to_string()).map_err(refused)?;
        Ok(ActionStarted::default())
    }

    fn pause(&self, _pipeline: &str) -> Result<ActionStarted, ActionRefused> {
        Ok(ActionStarted::default())
    }

    fn resume(&self, _pipeline: &str) -> Result<ActionStarted, ActionRefused> {
        Err(refused("The demo resumes nothing."))
    }
}

fn view(name: &str, out: &Path) -> PipelineView {
    let now = scheduler::clock::now();
    let edge = |table: &str, reads: &[&str]| Edge { table: table.into(), reads: reads.iter().map(|r| (*r).into()).collect() };
    let slot = |days: i64| NextSlot {
        utc: now + TimeDelta::days(days),
        local: (now + TimeDelta::days(days)).format("%a %d %b, 06:00").to_string(),
        note: String::new(),
    };
    let past = |days: i64, state: &str, reason: &str| SlotRow {
        scheduled: now - TimeDelta::days(days),
        state: state.into(),
        reason: reason.into(),
        run_id: None,
    };
    PipelineView {
        is_in_force: true,
        name: name.into(),
        file: format!("pipelines/{name}.yaml"),
        timezone: "Europe/London".into(),
        schedule_text: vec!["every day at 06:00".into()],
        is_paused: name == "commerce",
        next_slots: vec![slot(1), slot(2), slot(3)],
        last_slots: vec![past(0, "done", ""), past(1, "skipped", "the pipeline was paused"), past(2, "done", "")],
        publish_to: out.join(name),
        problem: (name == "chinook")
            .then(|| "pipelines/chinook.yaml:12:3: unknown key `schedul`\n  help: did you mean `schedule`?".into()),
        pii: PiiPolicy::default(),
        lineage: vec![
            edge("fact_sales", &["sales"]),
            edge("dim_region", &["sales", "customers"]),
            edge("dim_customer", &["customers", "fact_sales"]),
            edge("dim_product", &["products", "fact_sales"]),
            edge("sales_trend", &["fact_sales", "dim_product"]),
            edge("customer_rfm", &["fact_sales", "dim_customer"]),
            edge("rfm_segment_summary", &["customer_rfm"]),
        ],
        sources: vec![("sales".into(), "shop (postgres)".into()), ("customers".into(), "shop (postgres)".into())],
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [port, state, out, rest @ ..] = words.as_slice() else { return Err("demo PORT STATE OUT [TOKEN]".into()) };
    let ledger = Arc::new(Ledger::open(Path::new(state))?);
    let out = PathBuf::from(out);
    let app = App {
        ledger: Arc::clone(&ledger),
        pipelines: RwLock::new(Arc::new(["superstore", "chinook", "commerce"].map(|name| view(name, &out)).to_vec())),
        actions: Arc::new(Pretend { ledger, out }),
        access: rest.first().map_or(Access::Loopback, |token| Access::Token(SecretString::from(token.as_str()))),
        behind_https: false,
        now: scheduler::clock::now,
        version: "0.1.0".into(),
    };
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://127.0.0.1:{port}/");
    console::serve(listener, Arc::new(app), async {
        let _ = tokio::signal::ctrl_c().await;
    })
    .await?;
    Ok(())
}
