//! What a source was in the last published run, and what it has changed since.
//!
//! Columns are held against the names it had, values against the narrowest kind that all of a column's values were of. What a run
//! saw is kept with the run's record once it is published, so that a run which failed is nobody's measure, and neither is one that
//! readers were led away from.

mod changes;
mod kind;
mod terms;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use config::Source;
use schema::Entity;
use serde::{Deserialize, Serialize};
use twox_hash::XxHash64;

use crate::error::Error;
use crate::source::Head;
use crate::staged::{Book, Finding};

pub(crate) use changes::mend;
pub(crate) use kind::Kind;
pub(crate) use terms::{Observed, Row, Terms};

/// Fewer records than this may well be half as many another day.
const MANY: u64 = 50;

/// What the sources of a run gave, by the name of the entity.
pub type SeenSources = BTreeMap<String, Seen>;

/// What one source gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Hash of how the pipeline file describes it: described anew, it is another source.
    source: String,
    columns: Vec<SeenColumn>,
    records: u64,
    /// The newest sale.
    newest: Option<NaiveDate>,
    /// The files it consisted of, if they were not too many.
    #[serde(default)]
    files: Vec<SeenFile>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeenFile {
    name: String,
    bytes: u64,
}

impl SeenFile {
    pub(crate) fn of(file: &Head) -> Self {
        Self { name: file.origin.clone(), bytes: file.bytes }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SeenColumn {
    name: String,
    /// What its values were; none for a column that nothing read.
    kind: Option<Kind>,
}

impl Seen {
    /// How many records it gave.
    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    /// Whether it consists of the same files as then, by their names and sizes, where those are known.
    pub(crate) fn is_of(&self, files: &[Head]) -> bool {
        self.files.is_empty() || self.files == files.iter().map(SeenFile::of).collect::<Vec<_>>()
    }

    fn column(&self, name: &str) -> Option<&SeenColumn> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// What the source was before, if the pipeline file still describes the same one.
pub(crate) fn before<'s>(seen: &'s SeenSources, entity: Entity, source: &Source) -> Option<&'s Seen> {
    seen.get(entity.name()).filter(|seen| seen.source == fingerprint(source))
}

fn fingerprint(source: &Source) -> String {
    let text = format!("{} {:?} {:?} {:?}", source.connection, source.input, source.columns, source.filter);
    format!("{:016x}", XxHash64::oneshot(0, text.as_bytes()))
}

/// A mapping that no longer fits a source that it fitted is the source's doing, not the mapping's.
pub(crate) fn lost(error: Error, before: Option<&Seen>) -> Error {
    match error {
        Error::MissingColumn { entity, origin, column, nearest, help }
            if before.is_some_and(|seen| seen.column(&column).is_some()) =>
        {
            let renamed = nearest.map(|n| format!("; is it `{n}` now?")).unwrap_or_default();
            let changes = vec![format!("column `{column}` is gone{renamed}"), help];
            Error::Contract { entity, origin, changes, help: mend("`columns:` to what the source has now") }
        }
        other => other,
    }
}

/// What is stale about a source: that it gave nothing or less than half of what it gave, or that its newest sale is older than
/// it was. A snapshot of the same day has no other to be compared with, so nothing after this would see that most of it is gone.
///
/// Sales after a fixed `as_of` are left out, and what the newest was up to an earlier day nobody has kept.
pub(crate) fn stale(before: &Seen, book: &Book, newest: Option<NaiveDate>, as_of: Option<NaiveDate>) -> Option<String> {
    if book.rows_in == 0 && before.records > 0 {
        return Some(format!("it gave {} records then and none now", before.records));
    }
    if before.records >= MANY && book.rows_in.saturating_mul(2) < before.records {
        return Some(format!("it gave {} records then and {} now, less than half", before.records, book.rows_in));
    }
    let (then, now) = (before.newest?, newest?);
    if as_of.is_some_and(|as_of| as_of < then) {
        return None;
    }
    (now < then).then(|| format!("it went back in time: its newest sale was of {then} then and is of {now} now"))
}

/// A stale source: the end of the run, or told, as the pipeline file says.
pub(crate) fn told(entity: Entity, source: &Source, origin: String, stale: String) -> Result<Finding, Error> {
    if source.contract.stale_fails {
        let help = mend("`contract: {stale: warn}`");
        return Err(Error::Contract { entity, origin, changes: vec![stale], help });
    }
    Ok(Finding { check: "stale_source".into(), table: entity.name().to_owned(), count: 1, message: format!("{origin}: {stale}") })
}

/// A run without a sale, where there were sales before.
pub(crate) fn nothing_left(error: Error, seen: &SeenSources, entity: Entity, source: Option<&Source>) -> Error {
    let before = source.and_then(|source| Some((before(seen, entity, source)?, source)));
    match (error, before) {
        (Error::NothingAccepted { read, filtered, rejected, reason, rejects }, Some((before, source))) => {
            let mut changes = vec![format!(
                "no sales line was accepted: {read} read, {filtered} filtered, {rejected} set aside, where {} were read then",
                before.records
            )];
            changes.extend(reason.map(|reason| format!("the first because {reason}; all are in {}", rejects.display())));
            let help = "mend the source, or the mapping if the source is meant to be so".to_owned();
            Error::Contract { entity, origin: format!("connection `{}`", source.connection), changes, help }
        }
        (error, _) => error,
    }
}
