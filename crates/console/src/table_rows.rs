//! The first rows of a Parquet file, as text.

use std::fs::File;
use std::path::Path;

use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// Rows as text, in the file's order.
#[derive(Debug, Default)]
pub struct Rows {
    pub columns: Vec<String>,
    pub cells: Vec<Vec<Option<String>>>,
    /// How many rows the file holds.
    pub total: u64,
}

/// Reads `limit` rows from `offset` on; none when the file cannot be read.
pub fn read(path: &Path, offset: usize, limit: usize) -> Option<Rows> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).ok()?).ok()?;
    let total = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
    let columns: Vec<String> = builder.schema().fields().iter().map(|f| f.name().clone()).collect();
    let options = FormatOptions::default();
    let mut cells = Vec::new();
    for batch in builder.with_offset(offset).with_limit(limit).with_batch_size(limit.max(1)).build().ok()? {
        let batch = batch.ok()?;
        let formats: Vec<ArrayFormatter<'_>> =
            batch.columns().iter().filter_map(|c| ArrayFormatter::try_new(c.as_ref(), &options).ok()).collect();
        for row in 0..batch.num_rows() {
            let cell = |(column, format): (&arrow::array::ArrayRef, &ArrayFormatter<'_>)| {
                column.is_valid(row).then(|| format.value(row).to_string())
            };
            cells.push(batch.columns().iter().zip(&formats).map(cell).collect());
        }
    }
    Some(Rows { columns, cells, total })
}
