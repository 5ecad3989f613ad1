//! What the console must be told of each pipeline, because it reads no pipeline file itself.

use std::path::PathBuf;

use chrono::{DateTime, Utc};

/// A pipeline as the console shows it.
#[derive(Debug, Clone, Default)]
pub struct PipelineView {
    pub name: String,
    /// The pipeline's file, as a person would type it.
    pub file: String,
    pub timezone: String,
    /// The schedule in words, one line a rule; empty when it is run by hand alone.
    pub schedule_text: Vec<String>,
    pub is_paused: bool,
    pub next_slots: Vec<NextSlot>,
    /// Newest first.
    pub last_slots: Vec<SlotRow>,
    /// The folder that holds `published.json`.
    pub publish_to: PathBuf,
    /// Whether a reading of the file is in force; a file that never was good runs nothing.
    pub is_in_force: bool,
    /// Why the file cannot be used as it stands; the last good reading, if there is any, is in use meanwhile.
    pub problem: Option<String>,
    pub pii: PiiPolicy,
    /// What each table reads.
    pub lineage: Vec<Edge>,
    /// Entity and connection of each source.
    pub sources: Vec<(String, String)>,
}

/// A slot to come.
#[derive(Debug, Clone)]
pub struct NextSlot {
    pub utc: DateTime<Utc>,
    /// The same moment where the retailer is, as text.
    pub local: String,
    /// What is special about it, such as a clock change; empty otherwise.
    pub note: String,
}

/// A slot that has passed.
#[derive(Debug, Clone)]
pub struct SlotRow {
    pub scheduled: DateTime<Utc>,
    pub state: String,
    pub reason: String,
    pub run_id: Option<String>,
}

/// A table and what its statement reads.
#[derive(Debug, Clone)]
pub struct Edge {
    pub table: String,
    pub reads: Vec<String>,
}

/// Whether values of persons may be shown. The default masks them.
#[derive(Debug, Clone, Default)]
pub struct PiiPolicy {
    pub show_personal: bool,
    /// Columns that are personal here besides those that always are.
    pub also_personal: Vec<String>,
}
