//! The record of a run: what `run.json` holds and what `runs list` and `runs show` read.

use std::fmt;
use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::timestamp;

/// A stage of a run, in the order they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Extract,
    Transform,
    Validate,
    Publish,
}

impl Stage {
    /// The stage as records and log lines name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Extract => "extract",
            Self::Transform => "transform",
            Self::Validate => "validate",
            Self::Publish => "publish",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What became of a run so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Under way, or its process died and no later run of the pipeline has begun yet.
    Running,
    /// A snapshot is out. See [`RunRecord::unchanged`].
    Published,
    /// Everything passed and nothing was published, as asked.
    NotPublished,
    /// A check closed the gate.
    CheckFailed,
    /// A source was stale or broke its contract.
    SourceFailed,
    /// A stage failed.
    Failed,
    /// The run was told to stop, or its process died.
    Interrupted,
    /// Everything passed and a threshold of `hold:` keeps it from readers until somebody releases it.
    Held,
    /// No run of its own: readers were led back to an earlier snapshot.
    RolledBack,
}

impl Status {
    pub const ALL: [Self; 9] = [
        Self::Running,
        Self::Held,
        Self::Published,
        Self::RolledBack,
        Self::NotPublished,
        Self::CheckFailed,
        Self::SourceFailed,
        Self::Failed,
        Self::Interrupted,
    ];

    /// The status as records and tables name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Published => "published",
            Self::NotPublished => "not_published",
            Self::CheckFailed => "check_failed",
            Self::SourceFailed => "source_failed",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Held => "held",
            Self::RolledBack => "rolled_back",
        }
    }

    /// Whether a later attempt may take the run up again.
    pub fn can_be_retried(self) -> bool {
        matches!(self, Self::CheckFailed | Self::SourceFailed | Self::Failed | Self::Interrupted | Self::Held)
    }
}

/// What becomes of a snapshot whose checks all hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Publish {
    /// Readers are led to it.
    #[default]
    Lead,
    /// Readers are led to it unless they see a later day.
    Behind,
    /// It is not made.
    Not,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One run, as its `run.json` holds it.
///
/// ```json
/// {"run_id": "superstore-20260105T110000Z", "pipeline": "superstore", "version": "0.1.0", "status": "published",
///  "day": "2026-01-05", "scheduled_at": "2026-01-05T11:00:00.000Z", "as_of": "2026-01-04",
///  "started_at": "2026-01-05T11:00:00.120Z", "finished_at": "2026-01-05T11:00:41.007Z",
///  "stages": [{"stage": "extract", "started_at": "2026-01-05T11:00:00.131Z", "seconds": 12.4,
///              "facts": {"rows": 9994}}],
///  "snapshot": "3f9c2a71", "unchanged": false, "failed_stage": null, "message": null, "facts": {"tables": 14},
///  "file": "pipelines/superstore.yaml", "host": "etl-1", "epoch": 17, "earlier_attempts": [],
///  "slot": {"local": "2026-01-05 06:00 -05:00 America/New_York", "planned_at": "2026-01-05T11:00:00.000Z",
///           "late_seconds": 0, "attempts": 1, "in_turn": false}}
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// `<pipeline>-<yyyymmddThhmmssZ>`, then `-2`, `-3` for further runs of the same second.
    pub run_id: String,
    pub pipeline: String,
    /// The version of the program that ran.
    pub version: String,
    pub status: Status,
    /// The scheduled day where the retailer is.
    #[serde(with = "timestamp")]
    pub day: NaiveDate,
    /// The scheduled moment.
    #[serde(with = "timestamp")]
    pub scheduled_at: DateTime<Utc>,
    /// The day the figures stand for, from when it is known.
    #[serde(with = "timestamp", default)]
    pub as_of: Option<NaiveDate>,
    #[serde(with = "timestamp")]
    pub started_at: DateTime<Utc>,
    /// When it finished; none for a run under way, and none for one whose process died, as nobody saw the moment.
    #[serde(with = "timestamp", default)]
    pub finished_at: Option<DateTime<Utc>>,
    /// The stages in the order they started.
    #[serde(default)]
    pub stages: Vec<StageRecord>,
    /// The snapshot that readers see through this run.
    #[serde(default)]
    pub snapshot: Option<String>,
    /// Whether the run came to the snapshot that was already published.
    #[serde(default)]
    pub unchanged: bool,
    /// The stage that stopped the run, if one did.
    #[serde(default)]
    pub failed_stage: Option<Stage>,
    /// Why the run published nothing, in a sentence for the operator.
    #[serde(default)]
    pub message: Option<String>,
    /// Whether what stopped the run may pass by itself, such as a server that is away: then it is worth another attempt.
    #[serde(default)]
    pub may_pass: bool,
    /// What the publication came to: rows, tables, bytes; of a held run what it was made by. Null before.
    #[serde(default)]
    pub facts: Value,
    /// The pipeline file, as it was named; a retry reads it again.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// What was asked of the first attempt, which a retry keeps to.
    #[serde(default, skip_serializing_if = "is_default")]
    pub publish: Publish,
    /// The host that ran it, where its folder is; none in records of versions that did not note it.
    #[serde(default)]
    pub host: Option<String>,
    /// The fencing number of the lock that the run held: larger than that of every run of the pipeline before.
    #[serde(default)]
    pub epoch: u64,
    /// What became of the attempts before this one, oldest first.
    #[serde(default)]
    pub earlier_attempts: Vec<Attempt>,
    /// The slot of the schedule that it fills; none for a run that somebody started.
    #[serde(default)]
    pub slot: Option<FilledSlot>,
}

/// What the ledger knew of a slot when a run began to fill it, so that the slot's row can be made again from the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilledSlot {
    /// The wall-clock time with its offset and zone.
    pub local: String,
    #[serde(with = "timestamp")]
    pub planned_at: DateTime<Utc>,
    /// How long after `planned_at` the run began.
    pub late_seconds: i64,
    /// How many runs had begun for it, this one included.
    pub attempts: u32,
    pub in_turn: bool,
}

/// An attempt that a later one took up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    #[serde(with = "timestamp")]
    pub started_at: DateTime<Utc>,
    #[serde(with = "timestamp", default)]
    pub finished_at: Option<DateTime<Utc>>,
    pub status: Status,
    #[serde(default)]
    pub failed_stage: Option<Stage>,
    #[serde(default)]
    pub message: Option<String>,
    #[serde(default)]
    pub stages: Vec<StageRecord>,
}

/// One stage of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageRecord {
    pub stage: Stage,
    #[serde(with = "timestamp")]
    pub started_at: DateTime<Utc>,
    /// How long it took, in seconds; none while it is under way or when it did not end well.
    #[serde(default)]
    pub seconds: Option<f64>,
    /// What the stage reports of itself, as an object. Null before it finished.
    #[serde(default)]
    pub facts: Value,
}

impl RunRecord {
    /// Notes that the process of this run died before the run finished.
    pub(crate) fn interrupt(&mut self) {
        self.status = Status::Interrupted;
        self.failed_stage = self.open_stage();
        self.message = Some(match self.failed_stage {
            Some(stage) => format!("the process ended in {stage}, before the run could finish"),
            None => "the process ended before the run could finish".to_owned(),
        });
    }

    /// Begins a new attempt: what is known of the last one is kept beside it.
    pub(crate) fn begin_again(&mut self, now: DateTime<Utc>, version: &str) {
        self.earlier_attempts.push(Attempt {
            started_at: self.started_at,
            finished_at: self.finished_at.take(),
            status: self.status,
            failed_stage: self.failed_stage.take(),
            message: self.message.take(),
            stages: std::mem::take(&mut self.stages),
        });
        self.status = Status::Running;
        self.may_pass = false;
        self.started_at = now;
        version.clone_into(&mut self.version);
    }

    /// When the first attempt began.
    pub fn first_started_at(&self) -> DateTime<Utc> {
        self.earlier_attempts.first().map_or(self.started_at, |attempt| attempt.started_at)
    }

    /// How long after it was to begin the run did: after its slot and the slot's share of `start_jitter`.
    pub fn late_by(&self) -> TimeDelta {
        let planned_at = self.slot.as_ref().map_or(self.scheduled_at, |slot| slot.planned_at);
        (self.started_at - planned_at).max(TimeDelta::zero())
    }

    /// The stage that began and did not end well.
    pub(crate) fn open_stage(&self) -> Option<Stage> {
        self.stages.iter().rev().find(|stage| stage.seconds.is_none()).map(|stage| stage.stage)
    }
}
