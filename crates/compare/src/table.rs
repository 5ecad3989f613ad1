//! One table in two snapshots.

use arrow::datatypes::Schema;
use datafusion::common::Result;
use datafusion::dataframe::DataFrame;
use datafusion::functions_aggregate::expr_fn::{count, max, sum};
use datafusion::logical_expr::{Operator, binary_expr};
use datafusion::prelude::{Expr, JoinType, SessionContext, ident, lit, when};
use serde::Serialize;

use crate::columns::{self, ColumnChange};
use crate::counted::counts;
use crate::{Error, Snapshot};

/// The one table that differs in every run, because it names the run and its times.
const OF_THE_RUN: &str = "meta_run";

/// In which of the snapshots a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    Both,
    Added,
    Removed,
}

/// How rows were matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The files are the same, byte for byte, or only one snapshot has the table.
    File,
    /// Rows with one key are one row.
    Key,
    /// The key is missing or repeated: only equal rows match, each as often as it is there.
    Row,
}

/// A column and in how many rows it changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangedColumn {
    pub column: String,
    pub rows: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableDifference {
    pub table: String,
    /// False for what differs in every run. Its rows are compared and do not count as a change.
    pub is_data: bool,
    pub presence: Presence,
    pub rows_before: u64,
    pub rows_after: u64,
    pub schema: Vec<ColumnChange>,
    pub compared_by: Basis,
    pub added: u64,
    pub removed: u64,
    pub changed: u64,
    /// Columns that changed, the one with most rows first.
    pub columns: Vec<ChangedColumn>,
}

impl TableDifference {
    /// Whether rows differ.
    pub fn has_rows(&self) -> bool {
        self.added + self.removed + self.changed > 0
    }

    /// Whether the table makes two snapshots different.
    pub fn counts(&self) -> bool {
        self.presence != Presence::Both || !self.schema.is_empty() || (self.is_data && self.has_rows())
    }
}

/// Both sides of a table and what can be compared of them.
pub(crate) struct Pair {
    pub before: DataFrame,
    pub after: DataFrame,
    pub key: Vec<String>,
    pub shared: Vec<String>,
    schema: Vec<ColumnChange>,
}

impl Pair {
    /// Nothing where only one of the snapshots has the table.
    pub async fn read(session: &SessionContext, table: &str, before: &Snapshot, after: &Snapshot) -> Result<Option<Self>> {
        let (Some(before), Some(after)) = (before.read(session, table).await?, after.read(session, table).await?) else {
            return Ok(None);
        };
        let (old, new): (&Schema, &Schema) = (before.schema().as_arrow(), after.schema().as_arrow());
        let (shared, schema) = (columns::shared(old, new), columns::changes(old, new));
        let key = schema::table(table).map(|contract| contract.key).unwrap_or_default();
        let is_whole = key.iter().all(|name| shared.iter().any(|column| column == name));
        let key = if is_whole { key.iter().map(|name| (*name).to_owned()).collect() } else { Vec::new() };
        Ok(Some(Self { before, after, key, shared, schema }))
    }

    /// Columns beside the key.
    pub fn values(&self) -> impl Iterator<Item = &String> {
        self.shared.iter().filter(|column| !self.key.contains(column))
    }

    /// Rows of both sides side by side: `before_<column>` and `after_<column>`, and which sides there are.
    pub fn joined(&self, kind: JoinType) -> Result<DataFrame> {
        let side = |frame: &DataFrame, side: &str| {
            let columns = self.shared.iter().map(|column| ident(column).alias(format!("{side}_{column}")));
            frame.clone().select(columns.chain([lit(true).alias(format!("is_{side}"))]).collect::<Vec<_>>())
        };
        let names = |side: &str| self.key.iter().map(|column| format!("{side}_{column}")).collect::<Vec<_>>();
        let (left, right) = (names("before"), names("after"));
        let left: Vec<&str> = left.iter().map(String::as_str).collect();
        let right: Vec<&str> = right.iter().map(String::as_str).collect();
        side(&self.before, "before")?.join(side(&self.after, "after")?, kind, &left, &right, None)
    }

    /// How often each combination of these columns is there: `value_<column>`, `rows_before` and `rows_after`.
    pub fn grouped(&self, columns: &[String]) -> Result<DataFrame> {
        let names: Vec<String> = columns.iter().map(|column| format!("value_{column}")).collect();
        let side = |frame: &DataFrame, before: i64, after: i64| {
            let values = columns.iter().zip(&names).map(|(column, name)| ident(column).alias(name));
            let marks = [lit(before).alias("in_before"), lit(after).alias("in_after")];
            frame.clone().select(values.chain(marks).collect::<Vec<_>>())
        };
        side(&self.before, 1, 0)?.union(side(&self.after, 0, 1)?)?.aggregate(
            names.iter().map(ident).collect(),
            vec![sum(ident("in_before")).alias("rows_before"), sum(ident("in_after")).alias("rows_after")],
        )
    }
}

pub(crate) async fn compare(
    session: &SessionContext,
    table: &str,
    before: &Snapshot,
    after: &Snapshot,
) -> Result<TableDifference, Error> {
    let (old, new) = (before.tables.get(table), after.tables.get(table));
    let rows = |file: Option<&crate::TableFile>| file.map(|file| file.rows).unwrap_or_default();
    let mut difference = TableDifference {
        table: table.to_owned(),
        is_data: table != OF_THE_RUN,
        presence: match (old, new) {
            (None, Some(_)) => Presence::Added,
            (Some(_), None) => Presence::Removed,
            _ => Presence::Both,
        },
        rows_before: rows(old),
        rows_after: rows(new),
        schema: Vec::new(),
        compared_by: Basis::File,
        added: 0,
        removed: 0,
        changed: 0,
        columns: Vec::new(),
    };
    if old.zip(new).is_none_or(|(old, new)| old.sha256 == new.sha256) {
        return Ok(difference);
    }
    let read = Pair::read(session, table, before, after).await.map_err(Error::of(table))?;
    if let Some(pair) = read {
        fill(&mut difference, &pair).await.map_err(Error::of(table))?;
        difference.schema = pair.schema;
    }
    Ok(difference)
}

async fn fill(difference: &mut TableDifference, pair: &Pair) -> Result<()> {
    if !pair.key.is_empty()
        && let Some((added, removed)) = keys(pair).await?
    {
        (difference.compared_by, difference.added, difference.removed) = (Basis::Key, added, removed);
        (difference.changed, difference.columns) = changed(pair).await?;
        return Ok(());
    }
    difference.compared_by = Basis::Row;
    if !pair.shared.is_empty() {
        (difference.added, difference.removed) = balance(pair).await?;
    }
    Ok(())
}

/// Keys that are new and keys that are gone; nothing where a key is NULL or repeated, so that rows have no names.
async fn keys(pair: &Pair) -> Result<Option<(u64, u64)>> {
    let (before, after) = (ident("rows_before"), ident("rows_after"));
    let is_null = pair.key.iter().map(|column| ident(format!("value_{column}")).is_null()).reduce(Expr::or);
    let how_many = vec![
        count(when(before.clone().eq(lit(0_i64)), lit(1)).end()?).alias("added"),
        count(when(after.clone().eq(lit(0_i64)), lit(1)).end()?).alias("removed"),
        count(when(is_null.unwrap_or_else(|| lit(false)), lit(1)).end()?).alias("nameless"),
        max(before).alias("most_before"),
        max(after).alias("most_after"),
    ];
    let found = counts(pair.grouped(&pair.key)?.aggregate(Vec::new(), how_many)?).await?;
    Ok(match found.as_slice() {
        [added, removed, 0, 0..=1, 0..=1] => Some((*added, *removed)),
        _ => None,
    })
}

/// Rows of one key that differ, and in which columns.
async fn changed(pair: &Pair) -> Result<(u64, Vec<ChangedColumn>)> {
    let Some(any) = any_differs(pair) else { return Ok((0, Vec::new())) };
    let mut how_many = vec![count(when(any, lit(1)).end()?).alias("rows")];
    for column in pair.values() {
        how_many.push(count(when(differs(column), lit(1)).end()?).alias(format!("rows_{column}")));
    }
    let mut found = counts(pair.joined(JoinType::Inner)?.aggregate(Vec::new(), how_many)?).await?.into_iter();
    let rows = found.next().unwrap_or_default();
    let columns = pair.values().cloned().zip(found).map(|(column, rows)| ChangedColumn { column, rows });
    let mut columns: Vec<ChangedColumn> = columns.filter(|column| column.rows > 0).collect();
    // A stable sort: of columns with as many rows the table's order stands.
    columns.sort_by_key(|column| std::cmp::Reverse(column.rows));
    Ok((rows, columns))
}

/// Whether a column of a joined row differs, NULL being a value like others.
pub(crate) fn differs(column: &str) -> Expr {
    binary_expr(ident(format!("before_{column}")), Operator::IsDistinctFrom, ident(format!("after_{column}")))
}

/// Whether any column of a joined row differs; nothing where there is none beside the key.
pub(crate) fn any_differs(pair: &Pair) -> Option<Expr> {
    pair.values().map(|column| differs(column)).reduce(Expr::or)
}

/// How many rows are there more often after, and more often before.
async fn balance(pair: &Pair) -> Result<(u64, u64)> {
    let (before, after) = (ident("rows_before"), ident("rows_after"));
    let more = |more: &Expr, less: &Expr| when(more.clone().gt(less.clone()), more.clone() - less.clone()).end();
    let how_many = vec![sum(more(&after, &before)?).alias("added"), sum(more(&before, &after)?).alias("removed")];
    let found = counts(pair.grouped(&pair.shared)?.aggregate(Vec::new(), how_many)?).await?;
    Ok((found.first().copied().unwrap_or_default(), found.get(1).copied().unwrap_or_default()))
}
