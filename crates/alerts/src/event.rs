//! What happened to a run.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A run failed.
    Failed,
    /// A run ended well after one that did not.
    Recovered,
    /// A run is not done by its deadline.
    Late,
    /// A slot passed without a run.
    Missed,
    /// A run published with warnings.
    Warned,
    /// A run published.
    Published,
    /// A run came to the snapshot that readers already see. Heartbeats count it as a success.
    Unchanged,
    /// A run was kept from publishing until somebody decides.
    Held,
}

impl EventKind {
    /// The kind as bodies and tables name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Recovered => "recovered",
            Self::Late => "late",
            Self::Missed => "missed",
            Self::Warned => "warned",
            Self::Published => "published",
            Self::Unchanged => "unchanged",
            Self::Held => "held",
        }
    }

    /// The kind as a predicate of a pipeline: `superstore is late`.
    pub(crate) fn phrase(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Recovered => "recovered",
            Self::Late => "is late",
            Self::Missed => "missed a run",
            Self::Warned => "published with warnings",
            Self::Published => "published",
            Self::Unchanged => "is unchanged",
            Self::Held => "is held",
        }
    }

    /// Whether readers are left without the run's figures, until a recovery.
    pub(crate) fn is_outage(self) -> bool {
        matches!(self, Self::Failed | Self::Late | Self::Missed)
    }

    /// Whether saying it again and again helps nobody.
    pub(crate) fn is_trouble(self) -> bool {
        self.is_outage() || matches!(self, Self::Warned | Self::Held)
    }
}

/// Something that people may want to know of a run.
///
/// ```json
/// {"kind": "failed", "pipeline": "superstore", "run_id": "superstore-20260105T110000Z",
///  "slot": "2026-01-05T11:00:00Z", "at": "2026-01-05T11:02:10Z", "headline": "the source is unreachable",
///  "detail": [["stage", "extract"], ["readers see", "the snapshot of 2026-01-04"]],
///  "advice": "start the database", "link": "https://etl.example.com/runs/superstore-20260105T110000Z"}
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub kind: EventKind,
    pub pipeline: String,
    pub run_id: Option<String>,
    /// The scheduled moment that the run fills.
    pub slot: Option<DateTime<Utc>>,
    pub at: DateTime<Utc>,
    /// What happened, in a line. Events of one pipeline and kind whose headlines differ only in digits are repeats.
    pub headline: String,
    /// Labels and values, in the order they are shown.
    pub detail: Vec<(String, String)>,
    /// What to do about it.
    pub advice: Option<String>,
    /// Where to read more; shown when it is an `http` or `https` address.
    pub link: Option<String>,
}
