//! Rows that Rust computed, laid out as a table's contract says.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::error::ArrowError;

use crate::build::Error;

/// A table's columns, in the contract's order, as one batch.
pub(crate) fn batch(table: &'static str, columns: Vec<ArrayRef>) -> Result<RecordBatch, Error> {
    let layout = |source| Error::Layout { table, source };
    let contract = schema::table(table).ok_or_else(|| layout(ArrowError::SchemaError("not in the contract".to_owned())))?;
    RecordBatch::try_new(contract.arrow(), columns).map_err(layout)
}
