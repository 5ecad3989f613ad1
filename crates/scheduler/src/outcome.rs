//! How a run ended, as the caller of [`Run::finish`](crate::Run::finish) says it.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;

use crate::record::{RunRecord, Stage, Status};

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Readers see `snapshot`. `unchanged` when it was already the published one.
    Published { snapshot: String, unchanged: bool, as_of: NaiveDate, facts: Value },
    /// Everything passed and nothing was published, as asked with `--no-publish`.
    NotPublished,
    /// Everything passed; a threshold of `hold:` keeps it from readers. `facts` is what whoever releases it has to know.
    Held { message: String, facts: Value },
    /// Readers were led back to `snapshot`.
    RolledBack { snapshot: String, message: String },
    /// A check closed the gate.
    CheckFailed { message: String },
    /// A source was stale or broke its contract.
    SourceFailed { message: String },
    /// A stage failed.
    Failed { stage: Stage, message: String },
    /// The run was told to stop.
    Interrupted,
}

impl Outcome {
    /// Writes the outcome into the run's record.
    pub(crate) fn settle(self, record: &mut RunRecord, now: DateTime<Utc>) {
        record.finished_at = Some(now);
        match self {
            Self::Published { snapshot, unchanged, as_of, facts } => {
                record.status = Status::Published;
                record.snapshot = Some(snapshot);
                record.unchanged = unchanged;
                record.as_of = Some(as_of);
                record.facts = facts;
            }
            Self::NotPublished => record.status = Status::NotPublished,
            Self::Held { message, facts } => {
                stop(record, Status::Held, None, message);
                record.facts = facts;
            }
            Self::RolledBack { snapshot, message } => {
                stop(record, Status::RolledBack, None, message);
                record.snapshot = Some(snapshot);
            }
            Self::CheckFailed { message } => stop(record, Status::CheckFailed, Some(Stage::Validate), message),
            Self::SourceFailed { message } => stop(record, Status::SourceFailed, Some(Stage::Extract), message),
            Self::Failed { stage, message } => stop(record, Status::Failed, Some(stage), message),
            Self::Interrupted => {
                let stage = record.open_stage();
                stop(record, Status::Interrupted, stage, "the run was told to stop".to_owned());
            }
        }
    }
}

fn stop(record: &mut RunRecord, status: Status, stage: Option<Stage>, message: String) {
    record.status = status;
    record.failed_stage = stage;
    record.message = Some(message);
}
