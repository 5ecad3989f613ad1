//! Which rows of a source are new, checked.

use std::time::Duration;

/// Which rows of a database's table or query are new since the last published run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incremental {
    /// Column of the source that grows with each insert and each change of a row.
    pub cursor: String,
    /// Columns of the source that name a row; empty for those the entity's key is mapped from.
    pub key: Vec<String>,
    /// How far rows are read again; none for the default of the cursor's kind.
    pub lookback: Option<Lookback>,
    /// How far the watermark stays behind the run.
    pub settle: Duration,
    /// Whether a row without a value of the cursor ends the run; otherwise all such rows are read with every run.
    pub null_cursor_fails: bool,
    /// Column of the source that marks a row as deleted.
    pub tombstone: Option<String>,
    pub deletions: Deletions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookback {
    Span(Duration),
    Numbers(u64),
}

/// How rows that are gone from a source are noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletions {
    /// The source is counted; where the count is not that of the rows kept, all is read again.
    Count,
    /// All keys are read with every run.
    Compare,
    /// Not at all: what the source has no more is kept.
    Keep,
}
