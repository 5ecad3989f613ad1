//! Changes of a source in words.

use config::Change;
use schema::Entity;

use super::{Kind, Seen};
use crate::error::Error;
use crate::source::Head;
use crate::staged::Finding;

/// What to do about a change that ended the run.
pub(crate) fn mend(accept: &str) -> String {
    format!("mend the source; if it is meant to be so, set {accept} in the pipeline file")
}

/// Columns that came and went: told, or the end of the run.
pub(super) fn columns(
    entity: Entity,
    origin: &str,
    names: &[&str],
    before: &Seen,
    change: Change,
) -> Result<Vec<Finding>, Error> {
    let fresh: Vec<&str> = names.iter().copied().filter(|name| before.column(name).is_none()).collect();
    let gone = before.columns.iter().filter(|column| !names.contains(&column.name.as_str()));
    let (read, unread): (Vec<_>, Vec<_>) = gone.partition(|column| column.kind.is_some());
    let came = fresh.iter().map(|name| ("new_column", *name, format!("column `{name}` is new")));
    let went =
        unread.iter().map(|c| ("lost_column", c.name.as_str(), format!("column `{}`, which nothing read, is gone", c.name)));
    let told: Vec<(&'static str, &str, String)> = came.chain(went).collect();
    let lost = read.iter().map(|c| format!("column `{}`, which was read, is gone", c.name));
    if !read.is_empty() || (change == Change::Freeze && !told.is_empty()) {
        let changes = lost.chain(told.into_iter().map(|(_, _, words)| words)).collect();
        let accept = if read.is_empty() { "`contract: {columns: evolve}`" } else { "`columns:` to what the source has now" };
        return Err(Error::Contract { entity, origin: origin.to_owned(), changes, help: mend(accept) });
    }
    let finding = |(check, column, words): (&'static str, &str, String)| Finding {
        check: check.into(),
        table: format!("{entity}.{column}"),
        count: 1,
        message: format!("{origin}: {words} since the last published run"),
    };
    Ok(told.into_iter().map(finding).collect())
}

/// Files that are gone where others are still there: their records are gone as well. Where none is left, every run has files of
/// its own.
pub(super) fn files(entity: Entity, now: &[Head], before: &Seen) -> Vec<Finding> {
    let is_there = |name: &str| now.iter().any(|file| file.origin == name);
    let (stayed, gone): (Vec<_>, Vec<_>) = before.files.iter().partition(|file| is_there(&file.name));
    let finding = |name: &String| Finding {
        check: "lost_file".into(),
        table: entity.name().to_owned(),
        count: 1,
        message: format!("{name} was read in the last published run and is gone, and its records with it"),
    };
    if stayed.is_empty() { Vec::new() } else { gone.iter().map(|file| finding(&file.name)).collect() }
}

/// One value that is not of the kind its column was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offence {
    pub origin: String,
    pub record: u64,
    /// None for a column that nobody may see.
    pub value: Option<String>,
    /// The key of the row as far as anybody may see it, such as `order_id A17`; empty where it has none.
    pub key: String,
}

impl Offence {
    /// A column's change in a sentence.
    pub fn of(&self, column: &str, was: Kind, offending: u64) -> String {
        let value = self.value.as_ref().map_or("a value that is masked".to_owned(), |value| format!("`{value}`"));
        let key = if self.key.is_empty() { String::new() } else { format!(" ({})", self.key) };
        let others = match offending {
            0 | 1 => String::new(),
            many => format!(", the first of {many}"),
        };
        format!("column `{column}` held {was} and now {value} in record {} of {}{key}{others}", self.record, self.origin)
    }
}
