//! Rows that Rust computed, laid out as a table's contract says.

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, RecordBatch};
use arrow::error::ArrowError;
use datafusion::common::runtime::SpawnedTask;
use schema::Type;
use tokio::task::JoinError;

use crate::build::Error;

/// A table's columns, in the contract's order, as one batch.
pub(crate) fn batch(table: &'static str, columns: Vec<ArrayRef>) -> Result<RecordBatch, Error> {
    let layout = |source| Error::Layout { table, source };
    let contract = schema::table(table).ok_or_else(|| layout(ArrowError::SchemaError("not in the contract".to_owned())))?;
    RecordBatch::try_new(contract.arrow(), columns).map_err(layout)
}

/// Runs a long computation off the threads that serve queries.
pub(crate) async fn in_background<T: Send + 'static>(
    table: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    joined(table, SpawnedTask::spawn_blocking(work)).await
}

/// What a computation came to.
pub(crate) async fn joined<T>(table: &'static str, work: impl Future<Output = Result<T, JoinError>>) -> Result<T, Error> {
    work.await.map_err(|e| Error::Worker { table, detail: e.to_string() })
}

/// An amount in the currency, from its ten-thousandths.
#[allow(clippy::cast_precision_loss, reason = "predictions are floats; amounts of 2^53 ten-thousandths are no customer's")]
pub(crate) fn units(amount: i128) -> f64 {
    amount as f64 / 10_000.0
}

/// Amounts as money, from their ten-thousandths.
pub(crate) fn exact(values: impl Iterator<Item = Option<i128>>) -> ArrayRef {
    Arc::new(values.collect::<Decimal128Array>().with_data_type(Type::Money.arrow()))
}

/// Predicted amounts as money, rounded half away from zero; one that no decimal(18,4) can hold is empty.
#[allow(clippy::cast_possible_truncation, reason = "bounded just before the cast")]
pub(crate) fn money(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    let parts = |value: f64| (value * 10_000.0).round();
    exact(values.map(|value| value.map(parts).filter(|parts| parts.abs() < 1e18).map(|parts| parts as i128)))
}
