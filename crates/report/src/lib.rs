//! What a person is handed of a published snapshot: one file to read in a browser, and tables for a spreadsheet.
//!
//! [`html`] writes the report, [`export`] a table, [`export_winback`] the list a marketing team works from. Figures come
//! from the published tables; what is added up here is only what a chart or a card shows of them. The same snapshot gives
//! the same bytes.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod chart;
mod data_table;
mod error;
mod export;
mod figures;
mod page;
mod rows;
mod sections;
mod snapshot;

use std::path::Path;

pub use error::Error;
pub use export::{Format, export, export_winback};
pub use snapshot::Facts;

use crate::snapshot::Snapshot;

/// What the report is made from.
#[derive(Debug, Clone)]
pub struct Content<'a> {
    pub pipeline: &'a str,
    /// Folder of the snapshot: `snapshots/<id>`.
    pub snapshot: &'a Path,
    /// Folder of the snapshot to compare with: the latest of an earlier `as_of`.
    pub previous: Option<&'a Path>,
    /// What the snapshot's manifest says.
    pub facts: Facts,
    /// Columns, by name, of which no value may be seen.
    pub masked: &'a [String],
    /// Folder of the run that published it, for what it advises on its checks. It may be gone.
    pub run: Option<&'a Path>,
}

/// The report as one HTML document that needs nothing else: no server, no font, no other file.
pub fn html(content: &Content<'_>) -> Result<String, Error> {
    let before = content.previous.map(|folder| Facts::read(folder).map(|facts| (folder, facts.as_of))).transpose()?;
    let before = before.as_ref().map(|(folder, day)| (Snapshot { folder, masked: content.masked }, day.as_str()));
    let sections = sections::all(content, before)?;
    Ok(page::document(content, before.map(|(_, day)| day), &sections).into_string())
}
