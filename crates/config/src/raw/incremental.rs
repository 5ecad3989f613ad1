//! Which rows of a source are new, as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

/// Databases: read what is new or changed since the last published run alone, and keep the rest from earlier runs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Incremental {
    /// Column of the source that grows with each insert and each change of a row: a time such as `updated_at`, or a number.
    #[schemars(length(min = 1))]
    pub cursor: String,
    /// Columns of the source whose values together are those of one row alone. Default: those the entity's key is mapped from.
    #[serde(default)]
    pub key: Vec<String>,
    /// How far behind the newest row seen rows are read again, for those that came late: a span such as `3d` for times
    /// (default `1d`), or how many for numbers (default 10000).
    pub lookback: Option<Lookback>,
    /// How long a transaction of the source may stay open: rows younger than this are read again by the next run. Default: 0s.
    pub settle: Option<String>,
    /// Rows without a value of the cursor: `read` (default) all of them with every run, or `fail`.
    pub on_null_cursor: Option<OnNullCursor>,
    /// Column of the source that marks a row as deleted: with anything but NULL, nothing, 0, f, false, n or no.
    pub tombstone: Option<String>,
    /// How rows that are gone from the source are noticed: `count` (default) counts its rows and reads all if they are not as
    /// many as were kept, `compare` reads all keys with every run, `keep` keeps what the source has no more.
    pub deletions: Option<Deletions>,
}

/// A span such as `3d`, or a number.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(crate) enum Lookback {
    Numbers(u64),
    Span(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum OnNullCursor {
    Read,
    Fail,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Deletions {
    Count,
    Compare,
    Keep,
}
