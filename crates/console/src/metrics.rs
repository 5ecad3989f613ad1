//! Figures of the latest runs in the text format of Prometheus. A figure that no record holds is left out.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use scheduler::{Error, Ledger, RunFilter, RunRecord, Status};
use serde_json::Value;

use crate::access::Server;
use crate::run_files;

/// What is known of one pipeline.
#[derive(Debug, Clone)]
pub struct PipelineFigures {
    pub pipeline: String,
    /// The latest run that ended.
    pub latest: Option<RunRecord>,
    pub last_success: Option<DateTime<Utc>>,
    pub checks_failed: Option<u64>,
}

/// Reads the figures of these pipelines from the ledger.
pub fn gather(ledger: &Ledger, pipelines: &[String]) -> Result<Vec<PipelineFigures>, Error> {
    let mut figures = Vec::with_capacity(pipelines.len());
    for pipeline in pipelines {
        let latest = ledger.runs(Some(pipeline), 5)?.into_iter().find(|run| run.status != Status::Running);
        let published = RunFilter { pipeline: Some(pipeline), status: Some(Status::Published) };
        let last_success = ledger.page(published, 0, 1)?.pop().and_then(|run| run.finished_at);
        let checks = latest.as_ref().and_then(|run| run_files::checks(&ledger.folder(&run.run_id)));
        let failed = checks.map(|all| all.iter().filter(|c| c.status == "failed").count());
        let checks_failed = failed.and_then(|n| u64::try_from(n).ok());
        figures.push(PipelineFigures { pipeline: pipeline.clone(), latest, last_success, checks_failed });
    }
    Ok(figures)
}

/// The text of `/metrics`, which a run without a server may as well write to a file for a collector.
pub fn text(figures: &[PipelineFigures]) -> String {
    let mut text = String::new();
    stages(&mut text, figures);
    let fact = |figures: &PipelineFigures, name: &str| {
        figures.latest.as_ref().and_then(|run| run.facts.get(name)).and_then(Value::as_number).map(ToString::to_string)
    };
    let late = |f: &PipelineFigures| f.latest.as_ref().map(|run| format!("{:.3}", seconds(run.late_by().num_milliseconds())));
    let success = |f: &PipelineFigures| f.last_success.map(|at| format!("{:.3}", seconds(at.timestamp_millis())));
    family(&mut text, "last_success_timestamp_seconds", "When a run last published, in seconds since 1970.", figures, success);
    family(&mut text, "rows_total", "Rows in all published tables of the latest run.", figures, |f| fact(f, "rows"));
    family(&mut text, "rows_rejected_total", "Records the latest run set aside.", figures, |f| fact(f, "rejected"));
    family(&mut text, "checks_failed", "Checks that failed in the latest run.", figures, |f| {
        f.checks_failed.map(|n| n.to_string())
    });
    family(&mut text, "slot_late_seconds", "How long after it was to begin the latest run did.", figures, late);
    let of_workers = |f: &PipelineFigures, name: &str| {
        let fact = f.latest.as_ref()?.facts.get("cluster")?.get(name)?;
        fact.as_number().map(ToString::to_string)
    };
    family(&mut text, "cluster_tasks", "Parts of statements that workers computed in the latest run.", figures, |f| {
        of_workers(f, "tasks")
    });
    family(&mut text, "cluster_sent_bytes", "Bytes that went between workers and to the driver.", figures, |f| {
        of_workers(f, "bytes_moved")
    });
    family(
        &mut text,
        "cluster_spilled_bytes",
        "Bytes that workers wrote to disk because their memory was short.",
        figures,
        |f| of_workers(f, "bytes_spilled"),
    );
    family(&mut text, "peak_memory_bytes", "Most memory the latest run held.", figures, |f| fact(f, "peak_memory_bytes"));
    text
}

fn stages(text: &mut String, figures: &[PipelineFigures]) {
    let mut lines = String::new();
    for figures in figures {
        for stage in figures.latest.iter().flat_map(|run| &run.stages) {
            let Some(seconds) = stage.seconds else { continue };
            let pipeline = escape(&figures.pipeline);
            let _ = writeln!(
                lines,
                "consumer360_run_duration_seconds{{pipeline=\"{pipeline}\",stage=\"{}\"}} {seconds}",
                stage.stage
            );
        }
    }
    write_family(text, "run_duration_seconds", "How long each stage of the latest run took.", &lines);
}

fn family(
    text: &mut String,
    name: &str,
    help: &str,
    figures: &[PipelineFigures],
    value: impl Fn(&PipelineFigures) -> Option<String>,
) {
    let mut lines = String::new();
    for figures in figures {
        if let Some(value) = value(figures) {
            let _ = writeln!(lines, "consumer360_{name}{{pipeline=\"{}\"}} {value}", escape(&figures.pipeline));
        }
    }
    write_family(text, name, help, &lines);
}

fn write_family(text: &mut String, name: &str, help: &str, lines: &str) {
    if !lines.is_empty() {
        let _ = write!(text, "# HELP consumer360_{name} {help}\n# TYPE consumer360_{name} gauge\n{lines}");
    }
}

#[allow(clippy::cast_precision_loss, reason = "milliseconds of any year fit")]
fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}

fn escape(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

pub(crate) async fn answer(State(server): State<Arc<Server>>) -> Response {
    let app = Arc::clone(&server.app);
    let gathered = tokio::task::spawn_blocking(move || {
        let names: Vec<String> = app.pipelines().iter().map(|p| p.name.clone()).collect();
        gather(&app.ledger, &names)
    });
    match gathered.await {
        Ok(Ok(figures)) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text(&figures)).into_response(),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "the ledger cannot be read\n").into_response(),
    }
}
