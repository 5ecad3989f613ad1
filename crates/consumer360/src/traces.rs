//! The trace of a run for an OpenTelemetry collector: a span for the run, one for each attempt if there were several, one
//! for each stage.
//!
//! It is OTLP as JSON over HTTP (opentelemetry.io/docs/specs/otlp, 1.x): identifiers in hexadecimal, times in nanoseconds
//! as text. It is made from the run's record when the run has ended, so a run costs nothing for being traced and needs no
//! other build of the program. Nothing here can fail a run.

use std::hash::Hasher;

use chrono::{DateTime, TimeDelta, Utc};
use scheduler::{RunRecord, Stage, StageRecord, Status};
use serde_json::{Value, json};
use twox_hash::XxHash64;

use crate::telemetry;

const OK: u8 = 1;
const ERROR: u8 = 2;
const INTERNAL: u8 = 1;

/// Sends the trace of a run that ended.
pub fn send(collector: &config::Secret, run: &RunRecord, now: DateTime<Utc>) {
    if let Err(error) = telemetry::post(collector, None, &document(run, now)) {
        tracing::warn!(%error, "the trace was not taken");
    }
}

fn document(run: &RunRecord, now: DateTime<Utc>) -> Value {
    let ended_at = run.finished_at.unwrap_or(now);
    let began_at = run.earlier_attempts.first().map_or(run.started_at, |first| first.started_at);
    let of_run = Span { trace: format!("{:016x}{:016x}", hash(&run.run_id, 0), hash(&run.run_id, 1)), id: hash(&run.run_id, 2) };
    let mut attributes = vec![
        text("consumer360.run_id", &run.run_id),
        text("consumer360.pipeline", &run.pipeline),
        text("consumer360.status", run.status.as_str()),
    ];
    attributes.extend(run.as_of.map(|day| text("consumer360.as_of", &day.to_string())));
    attributes.extend(run.snapshot.as_deref().map(|snapshot| text("consumer360.snapshot", snapshot)));
    let mut spans = vec![of_run.json(
        None,
        &format!("run {}", run.pipeline),
        (began_at, ended_at),
        &attributes,
        &status(run.status, run.message.as_deref()),
    )];
    for (number, attempt) in (1..).zip(&run.earlier_attempts) {
        let end = attempt.finished_at.or_else(|| attempt.stages.last().map(end_of)).unwrap_or(attempt.started_at);
        let status = status(attempt.status, attempt.message.as_deref());
        of_run.attempt(&mut spans, number, (attempt.started_at, end), &attempt.stages, attempt.failed_stage, &status);
    }
    let number = run.earlier_attempts.len() + 1;
    let status = status(run.status, run.message.as_deref());
    of_run.attempt(&mut spans, number, (run.started_at, ended_at), &run.stages, run.failed_stage, &status);
    json!({"resourceSpans": [{
        "resource": {"attributes": [text("service.name", "consumer360"), text("service.version", &run.version)]},
        "scopeSpans": [{"scope": {"name": "consumer360", "version": run.version}, "spans": spans}],
    }]})
}

/// A span that others stand under.
struct Span {
    trace: String,
    id: u64,
}

impl Span {
    /// An attempt and its stages.
    fn attempt(
        &self,
        spans: &mut Vec<Value>,
        number: usize,
        time: (DateTime<Utc>, DateTime<Utc>),
        stages: &[StageRecord],
        failed: Option<Stage>,
        status: &Value,
    ) {
        let of_attempt = self.child(&format!("attempt {number}"));
        spans.push(of_attempt.json(Some(self), &format!("attempt {number}"), time, &[], status));
        for stage in stages {
            let end = if stage.seconds.is_some() { end_of(stage) } else { time.1 };
            let failed = failed == Some(stage.stage);
            let status = json!({"code": if failed { ERROR } else { OK }});
            let span = of_attempt.child(stage.stage.as_str());
            spans.push(span.json(Some(&of_attempt), stage.stage.as_str(), (stage.started_at, end), &facts(stage), &status));
        }
    }

    fn child(&self, name: &str) -> Self {
        Self { trace: self.trace.clone(), id: hash(name, self.id) }
    }

    fn json(
        &self,
        parent: Option<&Self>,
        name: &str,
        (start, end): (DateTime<Utc>, DateTime<Utc>),
        attributes: &[Value],
        status: &Value,
    ) -> Value {
        let nanoseconds = |at: DateTime<Utc>| at.timestamp_nanos_opt().unwrap_or_default().to_string();
        json!({
            "traceId": self.trace,
            "spanId": format!("{:016x}", self.id),
            "parentSpanId": parent.map_or(String::new(), |parent| format!("{:016x}", parent.id)),
            "name": name,
            "kind": INTERNAL,
            "startTimeUnixNano": nanoseconds(start),
            "endTimeUnixNano": nanoseconds(end.max(start)),
            "attributes": attributes,
            "status": status,
        })
    }
}

fn status(status: Status, message: Option<&str>) -> Value {
    match status {
        Status::CheckFailed | Status::SourceFailed | Status::Failed | Status::Interrupted => {
            json!({"code": ERROR, "message": message.unwrap_or(status.as_str())})
        }
        Status::Running | Status::Published | Status::NotPublished | Status::Held | Status::RolledBack => json!({"code": OK}),
    }
}

fn facts(stage: &StageRecord) -> Vec<Value> {
    let facts = stage.facts.as_object().into_iter().flatten();
    let one = |(name, value): (&String, &Value)| match value {
        Value::String(value) => Some(text(&format!("consumer360.{name}"), value)),
        // 64-bit integers are text in JSON.
        Value::Number(value) => Some(json!({"key": format!("consumer360.{name}"), "value": {"intValue": value.to_string()}})),
        _ => None,
    };
    facts.filter_map(one).collect()
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

fn end_of(stage: &StageRecord) -> DateTime<Utc> {
    let seconds = stage.seconds.unwrap_or_default();
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds of a stage are far below the bounds of 64 bits")]
    let length = TimeDelta::milliseconds((seconds * 1000.0).round() as i64);
    stage.started_at + length
}

/// The same run has the same identifiers, whoever sends its trace.
fn hash(name: &str, seed: u64) -> u64 {
    let mut hash = XxHash64::with_seed(seed);
    hash.write(name.as_bytes());
    hash.finish().max(1)
}
