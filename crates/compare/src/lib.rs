//! Two published snapshots → what differs between them.
//!
//! [`compare`] says it of all tables, of the figures a retailer looks at, and of the customers who moved between segments;
//! [`rows`] shows the rows of one table. Both only read. They run in a session of
//! `extract::that_spills`, whose joins and groups spill, so the tables may be larger than memory. Names of columns come from the files and reach the engine as identifiers, never as
//! text of a statement. The same two snapshots give the same answer however many threads there are.

mod cell;
mod columns;
mod counted;
mod error;
mod figures;
mod rows;
mod segments;
mod snapshot;
mod table;

use std::collections::BTreeSet;

use datafusion::prelude::SessionContext;
use serde::Serialize;

pub use columns::ColumnChange;
pub use error::Error;
pub use figures::{Figure, Measure};
pub use rows::{Cell, Change, DifferingRow, MASK};
pub use segments::Move;
pub use snapshot::{Snapshot, TableFile};
pub use table::{Basis, ChangedColumn, Presence, TableDifference};

/// What differs between two snapshots.
#[derive(Debug, Serialize)]
pub struct Comparison {
    pub figures: Vec<Figure>,
    /// Every table of either snapshot, in the contract's order; those that the contract does not know come last.
    pub tables: Vec<TableDifference>,
    /// Customers by segment before and after, those who stayed included.
    pub segments: Vec<Move>,
}

impl Comparison {
    pub fn differs(&self) -> bool {
        self.tables.iter().any(TableDifference::counts)
    }
}

/// Compares every table.
pub async fn compare(session: &SessionContext, before: &Snapshot, after: &Snapshot) -> Result<Comparison, Error> {
    let mut tables = Vec::new();
    for name in names(before, after) {
        tables.push(table::compare(session, &name, before, after).await?);
    }
    Ok(Comparison {
        figures: figures::compare(session, before, after).await?,
        tables,
        segments: segments::compare(session, before, after).await?,
    })
}

/// Compares one table and shows at most `limit` of its rows that differ. No value of a column that `masks` is shown.
pub async fn rows(
    session: &SessionContext,
    before: &Snapshot,
    after: &Snapshot,
    table: &str,
    limit: usize,
    masks: &(dyn Fn(&str) -> bool + Sync),
) -> Result<(TableDifference, Vec<DifferingRow>), Error> {
    let difference = table::compare(session, table, before, after).await?;
    let shown = rows::of(session, &difference, before, after, limit, masks).await?;
    Ok((difference, shown))
}

/// Names of the tables of either snapshot.
fn names(before: &Snapshot, after: &Snapshot) -> Vec<String> {
    let mut unknown: BTreeSet<&str> = before.tables.keys().chain(after.tables.keys()).map(String::as_str).collect();
    let known = schema::TABLES.iter().map(|table| table.name).filter(|name| unknown.remove(name));
    let mut names: Vec<String> = known.map(str::to_owned).collect();
    names.extend(unknown.into_iter().map(str::to_owned));
    names
}
