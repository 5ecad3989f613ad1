//! What became of a run: for the ledger, for the scheduler, and for the exit code.

use config::Pipeline;
use extract::{Staged, Work};
use scheduler::{Outcome, Stage};
use serde_json::json;
use twox_hash::XxHash64;
use validate::Validated;

use super::{Ending, Error};
use crate::exit::{Failure, GATE_CLOSED, LOCKED, SOURCE_BROKEN, STEP_FAILED, TIMED_OUT, chain};
use crate::metrics;

/// What decides, beside the sources, which tables come out: the program's version and the options of the pipeline file.
pub fn made_by(pipeline: &Pipeline) -> String {
    let options = format!("{} {:?} {:?}", super::VERSION, pipeline.transform, pipeline.publish.rows_per_file);
    format!("{:016x}", XxHash64::oneshot(0, options.as_bytes()))
}

pub(super) fn outcome(
    staged: &Staged,
    validated: &Validated,
    ending: &Ending,
    work: Option<Work>,
    pipeline: &Pipeline,
) -> Outcome {
    let snapshot = match ending {
        Ending::Published(snapshot) => snapshot,
        // Readers were led nowhere.
        Ending::NotPublished | Ending::Added(_) => return Outcome::NotPublished,
        Ending::Held(reasons) => {
            return Outcome::Held { message: reasons.join("\n"), facts: json!({"made_by": made_by(pipeline)}) };
        }
    };
    let sales = staged.book(schema::Entity::Sales);
    let rejected: u64 = staged.entities.values().map(|entity| entity.book.rows_rejected).sum();
    let warned = validated.checks().iter().filter(|check| check.status == validate::Status::Warned).count();
    Outcome::Published {
        snapshot: snapshot.id.clone(),
        unchanged: snapshot.unchanged,
        as_of: snapshot.as_of,
        facts: json!({
            "sales_lines": sales.rows_loaded,
            "rejected": rejected,
            "checks_warned": warned,
            "source_changes": staged.changes.len(),
            "sources": staged.seen(),
            "increments": staged.increments(),
            "made_by": made_by(pipeline),
            "tables": snapshot.tables,
            "rows": snapshot.rows,
            "bytes": snapshot.bytes,
            "peak_memory_bytes": metrics::peak_memory(),
            "cluster": work,
        }),
    }
}

pub(super) fn failed(error: &Error, stage: Stage) -> Outcome {
    let message = chain(error);
    match error {
        Error::Interrupted { .. } => Outcome::Interrupted,
        Error::Validate(validate::Error::Closed { .. }) => Outcome::CheckFailed { message },
        Error::Extract(error) if !error.is_too_early() => Outcome::SourceFailed { message },
        _ => Outcome::Failed { stage, message },
    }
}

/// Whether another attempt may go better though nobody does anything.
pub(super) fn may_pass(error: &Error) -> bool {
    match error {
        Error::Extract(error) => error.may_pass(),
        Error::Publish(error) => error.may_pass(),
        Error::Folder { .. } | Error::Cluster(_) => true,
        Error::Transform(error) => error.may_pass(),
        Error::Ledger(error) => error.may_pass(),
        Error::Validate(_)
        | Error::Hold { .. }
        | Error::Worker(_)
        | Error::Signals { .. }
        | Error::Claimed { .. }
        | Error::Unseen { .. }
        | Error::Interrupted { .. } => false,
    }
}

/// Whether somebody else is at it, and tells of it.
pub(super) fn is_taken(error: &Error) -> bool {
    match error {
        Error::Ledger(error) => error.is_locked(),
        Error::Claimed { .. } => true,
        _ => false,
    }
}

pub fn failure(error: &Error) -> Failure {
    let code = match error {
        Error::Interrupted { signal } => return Failure::Interrupted { code: 128 + signal },
        Error::Extract(early) if early.is_too_early() => return Failure::Usage(chain(error)),
        Error::Validate(validate::Error::Closed { .. }) => GATE_CLOSED,
        Error::Extract(error) if error.is_broken_contract() => SOURCE_BROKEN,
        Error::Extract(error) if error.is_silence() => TIMED_OUT,
        Error::Publish(error) if error.is_locked() => LOCKED,
        taken if is_taken(taken) => LOCKED,
        _ => STEP_FAILED,
    };
    Failure::Step { code, message: chain(error) }
}
