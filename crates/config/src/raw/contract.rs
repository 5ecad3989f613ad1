//! What a source may change, as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

/// What a source may change since the last published run, before nothing is published and the run ends with exit code 4.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contract {
    /// Columns that are new or that nothing read and are gone: `evolve` (default) tells, `quarantine` also sets aside records with
    /// a value in a new one, `freeze` ends the run. A column that was read and is gone always ends it.
    pub columns: Option<Change>,
    /// Values that are no longer whole numbers, numbers, dates or the like where all were: `evolve` (default) tells,
    /// `quarantine` sets their records aside, `freeze` ends the run.
    pub types: Option<Change>,
    /// A source that has no record any more or less than half of those it had, or whose newest sale is of an earlier day: `fail`
    /// (default) ends the run, `warn` tells.
    pub stale: Option<Stale>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Change {
    Evolve,
    Quarantine,
    Freeze,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Stale {
    Fail,
    Warn,
}
