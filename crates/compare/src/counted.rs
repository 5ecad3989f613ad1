//! Single rows of numbers, as questions to the engine answer them.

use datafusion::common::ScalarValue;
use datafusion::dataframe::DataFrame;
use datafusion::error::Result;

/// The first row; nothing where there is none.
pub(crate) async fn first(frame: DataFrame) -> Result<Option<Vec<ScalarValue>>> {
    let batches = frame.collect().await?;
    let Some(batch) = batches.iter().find(|batch| batch.num_rows() > 0) else { return Ok(None) };
    batch.columns().iter().map(|column| ScalarValue::try_from_array(column, 0)).collect::<Result<_>>().map(Some)
}

/// The counts of a single row; NULL, which a sum over nothing is, counts as 0.
pub(crate) async fn counts(frame: DataFrame) -> Result<Vec<u64>> {
    Ok(first(frame).await?.unwrap_or_default().iter().map(|value| u64::try_from(whole(value)).unwrap_or(0)).collect())
}

pub(crate) fn whole(value: &ScalarValue) -> i64 {
    match value {
        ScalarValue::Int64(Some(number)) => *number,
        ScalarValue::Int32(Some(number)) => i64::from(*number),
        ScalarValue::UInt64(Some(number)) => i64::try_from(*number).unwrap_or(i64::MAX),
        _ => 0,
    }
}
