//! `consumer360 plan`: what a run would read, and whether it would find anything new.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use config::Pipeline;
use extract::{History, Outlook};
use load::{Published, Target};
use scheduler::{Status, clock};
use serde_json::json;

use crate::cli::{Global, Output};
use crate::exit::{DIFFERS, Failure};
use crate::figures::count;
use crate::run::sources_before;
use crate::{log, runtime, schedule};

pub fn plan(global: &Global, file: &Path) -> Result<ExitCode, Failure> {
    log::start(global, false);
    let (pipeline, settings) = super::load(global, file)?;
    let target = Target::open(&pipeline.publish, &settings.state).map_err(|e| Failure::step(&e))?;
    let published = target.published().map_err(|e| Failure::step(&e))?;
    let ledger = super::ledger(&settings)?;
    let before = sources_before(&ledger, &pipeline.name).map_err(|e| Failure::step(&e))?;
    let last = ledger.latest_of_status(&pipeline.name, Status::Published)?;
    let at = last.and_then(|run| run.finished_at);
    let now = clock::now();
    let history = History::of(&settings.state, &pipeline.name, now, false);
    let runtime = runtime::wide(&settings).map_err(|e| Failure::step(&e))?;
    let session = extract::session(&settings.engine, &std::env::temp_dir()).map_err(|e| Failure::step(&e))?;
    let limits = &settings.engine.limits;
    let outlook = runtime.block_on(extract::outlook(&session, &pipeline, limits, &history, &before, at));
    let outlook = outlook.map_err(|e| Failure::step(&e))?;
    runtime.shutdown_background();
    let is_due = published.is_none() || outlook.iter().any(|one| one.may_differ);
    let plan = Plan { pipeline: &pipeline, published, at, outlook, is_due, now };
    super::print(&if global.output == Output::Json { plan.as_json() } else { plan.text(file) })?;
    Ok(if is_due { ExitCode::from(DIFFERS) } else { ExitCode::SUCCESS })
}

struct Plan<'a> {
    pipeline: &'a Pipeline,
    published: Option<Published>,
    /// When the last published run ended.
    at: Option<DateTime<Utc>>,
    outlook: Vec<Outlook>,
    is_due: bool,
    now: DateTime<Utc>,
}

impl Plan<'_> {
    fn text(&self, file: &Path) -> String {
        let published = match &self.published {
            Some(published) => format!("published is {} as of {}", published.snapshot, published.as_of),
            None => "nothing is published yet".to_owned(),
        };
        let mut text = format!("{}: {published}\n\n", self.pipeline.name);
        let _ = writeln!(text, "{:<11}{:<28}{:<28}{:>13}  why", "Source", "from", "would be read", "rows");
        for one in &self.outlook {
            let read = one.from.as_ref().map_or("all".to_owned(), |from| format!("from {from} on"));
            let rows = one.rows.map_or("–".to_owned(), count);
            let _ = writeln!(text, "{:<11}{:<28}{read:<28}{rows:>13}  {}", one.entity.name(), one.origin, one.why);
        }
        let skipped: Vec<&str> = self.pipeline.transform.skip.iter().copied().collect();
        let built = super::describe::published().len();
        let _ = writeln!(text, "\n{built} tables would be built anew{}", left_out(&skipped));
        if let Some(next) = self.next() {
            let _ = writeln!(text, "The next slot is {next}");
        }
        let last = if self.is_due {
            format!("To see what would come out without publishing it: consumer360 run {} --no-publish\n", file.display())
        } else {
            "Nothing new: a run would publish the same once more.\n".to_owned()
        };
        text + &last
    }

    fn next(&self) -> Option<String> {
        let schedule = schedule::of_pipeline(self.pipeline)?;
        schedule.next(self.now, 1).first().map(scheduler::SlotTime::local_text)
    }

    fn as_json(&self) -> String {
        let one = |one: &Outlook| {
            json!({
                "entity": one.entity.name(), "origin": one.origin, "from": one.from, "rows": one.rows, "why": one.why,
                "may_differ": one.may_differ,
            })
        };
        let plan = json!({
            "pipeline": self.pipeline.name,
            "published": self.published,
            "published_at": self.at,
            "sources": self.outlook.iter().map(one).collect::<Vec<_>>(),
            "left_out": self.pipeline.transform.skip,
            "next_slot": self.next(),
            "is_due": self.is_due,
        });
        format!("{plan:#}\n")
    }
}

fn left_out(skipped: &[&str]) -> String {
    if skipped.is_empty() { String::new() } else { format!("; left empty, as asked: {}", skipped.join(", ")) }
}
