//! The rows of one table that differ.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::kernels::cmp::distinct;
use arrow::datatypes::Int64Type;
use datafusion::common::{DataFusionError, Result};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::SortExpr;
use datafusion::prelude::{Expr, JoinType, SessionContext, character_length, ident};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::cell;
use crate::table::{Basis, Pair, TableDifference, any_differs};
use crate::{Error, Snapshot};

/// What stands in the place of a value that must not be seen. Its length says nothing of the value's.
pub const MASK: &str = "••••••";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Added,
    Removed,
    Changed,
}

/// One value in two snapshots; NULL where a side has none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cell {
    pub column: String,
    pub before: Value,
    pub after: Value,
}

/// A row that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DifferingRow {
    pub change: Change,
    /// Its key; empty where rows are compared as they are.
    pub key: Map<String, Value>,
    /// How many rows like this one are new or gone; 1 where rows have keys.
    pub times: u64,
    /// The columns that changed. Of a row that only one snapshot has, all that both tables have.
    pub cells: Vec<Cell>,
}

type Masks<'a> = &'a (dyn Fn(&str) -> bool + Sync);

/// At most `limit` rows, in the order of the table's key or else of its columns.
pub(crate) async fn of(
    session: &SessionContext,
    difference: &TableDifference,
    before: &Snapshot,
    after: &Snapshot,
    limit: usize,
    masks: Masks<'_>,
) -> Result<Vec<DifferingRow>, Error> {
    let table = difference.table.as_str();
    if !difference.has_rows() {
        return Ok(Vec::new());
    }
    let Some(pair) = Pair::read(session, table, before, after).await.map_err(Error::of(table))? else {
        return Ok(Vec::new());
    };
    let by_key = difference.compared_by == Basis::Key;
    let shown = if by_key { keyed(&pair, table, limit, masks).await } else { whole(&pair, limit, masks).await };
    shown.map_err(Error::of(table))
}

async fn keyed(pair: &Pair, table: &str, limit: usize, masks: Masks<'_>) -> Result<Vec<DifferingRow>> {
    let one_sided = ident("is_before").is_null().or(ident("is_after").is_null());
    let differs = any_differs(pair).map_or_else(|| one_sided.clone(), |any| one_sided.clone().or(any));
    let keys = pair.key.iter().map(|column| either(column)).collect();
    let frame = pair.joined(JoinType::Full)?.filter(differs)?.sort(order(table, keys))?.limit(0, Some(limit))?;
    let mut rows = Vec::new();
    for batch in frame.collect().await? {
        let distinct: Vec<BooleanArray> = pair.values().map(|name| changed(&batch, name)).collect::<Result<_>>()?;
        for row in 0..batch.num_rows() {
            rows.push(keyed_row(pair, &batch, row, &distinct, masks)?);
        }
    }
    Ok(rows)
}

/// The key's value from the side that has it.
fn either(column: &str) -> Expr {
    coalesce(vec![ident(format!("before_{column}")), ident(format!("after_{column}"))])
}

/// As the table itself is sorted.
fn order(table: &str, keys: Vec<Expr>) -> Vec<SortExpr> {
    let shorter_first = schema::table(table).is_some_and(schema::Table::shorter_ids_first);
    let length = keys.first().filter(|_| shorter_first).map(|first| character_length(first.clone()));
    length.into_iter().chain(keys).map(|key| key.sort(true, false)).collect()
}

/// Where a column differs: by the values themselves, because masked ones look alike.
fn changed(batch: &RecordBatch, name: &str) -> Result<BooleanArray> {
    Ok(distinct(column(batch, &format!("before_{name}"))?, column(batch, &format!("after_{name}"))?)?)
}

fn keyed_row(pair: &Pair, batch: &RecordBatch, row: usize, distinct: &[BooleanArray], masks: Masks<'_>) -> Result<DifferingRow> {
    let is = |side: &str| -> Result<bool> { Ok(column(batch, side)?.is_valid(row)) };
    let value = |side: &str, name: &str| seen(column(batch, &format!("{side}_{name}"))?, row, name, masks);
    let change = match (is("is_before")?, is("is_after")?) {
        (false, _) => Change::Added,
        (_, false) => Change::Removed,
        _ => Change::Changed,
    };
    let mut key = Map::new();
    for name in &pair.key {
        let side = if change == Change::Added { "after" } else { "before" };
        key.insert(name.clone(), value(side, name)?);
    }
    let mut cells = Vec::new();
    for (name, distinct) in pair.values().zip(distinct) {
        if change != Change::Changed || distinct.value(row) {
            cells.push(Cell { column: name.clone(), before: value("before", name)?, after: value("after", name)? });
        }
    }
    Ok(DifferingRow { change, key, times: 1, cells })
}

/// Rows that are there more often on one side.
async fn whole(pair: &Pair, limit: usize, masks: Masks<'_>) -> Result<Vec<DifferingRow>> {
    let order = pair.shared.iter().map(|column| ident(format!("value_{column}")).sort(true, false)).collect();
    let frame = pair.grouped(&pair.shared)?.filter(ident("rows_before").not_eq(ident("rows_after")))?;
    let mut rows = Vec::new();
    for batch in frame.sort(order)?.limit(0, Some(limit))?.collect().await? {
        for row in 0..batch.num_rows() {
            rows.push(whole_row(pair, &batch, row, masks)?);
        }
    }
    Ok(rows)
}

fn whole_row(pair: &Pair, batch: &RecordBatch, row: usize, masks: Masks<'_>) -> Result<DifferingRow> {
    let often = |name: &str| -> Result<i64> {
        let counts = column(batch, name)?.as_primitive_opt::<Int64Type>();
        Ok(counts.map(|counts| counts.value(row)).unwrap_or_default())
    };
    let more = often("rows_after")? - often("rows_before")?;
    let change = if more > 0 { Change::Added } else { Change::Removed };
    let mut cells = Vec::new();
    for name in &pair.shared {
        let value = seen(column(batch, &format!("value_{name}"))?, row, name, masks)?;
        let (before, after) = if more > 0 { (Value::Null, value) } else { (value, Value::Null) };
        cells.push(Cell { column: name.clone(), before, after });
    }
    Ok(DifferingRow { change, key: Map::new(), times: more.unsigned_abs(), cells })
}

fn seen(column: &ArrayRef, row: usize, name: &str, masks: Masks<'_>) -> Result<Value> {
    Ok(if column.is_valid(row) && masks(name) { MASK.into() } else { cell::value(column, row)? })
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    batch.column_by_name(name).ok_or_else(|| DataFusionError::Internal(format!("the comparison has no column {name}")))
}
