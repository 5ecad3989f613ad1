//! The first rows of a Parquet file, as text.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// Rows as text, in the file's order.
#[derive(Debug, Default)]
pub struct Rows {
    pub columns: Vec<String>,
    pub cells: Vec<Vec<Option<String>>>,
    /// How many rows there are in all.
    pub total: u64,
}

/// Reads the first rows of a table of a snapshot, which is a file or a folder of parts; none when a file cannot be read.
pub fn first(snapshot: &Path, table: &str, limit: usize) -> Option<Rows> {
    let mut rows = Rows::default();
    for file in files(snapshot, table)? {
        let part = read(&file, 0, limit.saturating_sub(rows.cells.len()))?;
        rows.columns = part.columns;
        rows.cells.extend(part.cells);
        rows.total += part.total;
    }
    Some(rows)
}

/// The files of a table in the order of its rows.
fn files(snapshot: &Path, table: &str) -> Option<Vec<PathBuf>> {
    let parts = snapshot.join(table);
    if !parts.is_dir() {
        return Some(vec![snapshot.join(format!("{table}.parquet"))]);
    }
    let mut files: Vec<PathBuf> = fs::read_dir(parts).ok()?.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "parquet"));
    files.sort();
    Some(files).filter(|files| !files.is_empty())
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot make its files has failed")]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    use parquet::arrow::ArrowWriter;

    use super::*;

    fn write(path: &Path, numbers: std::ops::Range<i64>) {
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(numbers));
        let batch = RecordBatch::try_from_iter([("number", column)]).unwrap();
        let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    #[test]
    fn the_first_rows_go_on_in_the_next_part() {
        let folder = tempfile::tempdir().unwrap();
        let snapshot = folder.path();
        fs::create_dir(snapshot.join("fact_sales")).unwrap();
        write(&snapshot.join("fact_sales/part-00001.parquet"), 3..5);
        write(&snapshot.join("fact_sales/part-00000.parquet"), 0..3);
        write(&snapshot.join("dim_date.parquet"), 0..2);
        let shown = |table: &str, limit: usize| -> (Vec<String>, u64) {
            let rows = first(snapshot, table, limit).unwrap();
            (rows.cells.into_iter().flatten().flatten().collect(), rows.total)
        };
        assert_eq!(shown("fact_sales", 4), (["0", "1", "2", "3"].map(str::to_owned).to_vec(), 5));
        assert_eq!(shown("fact_sales", 2), (["0", "1"].map(str::to_owned).to_vec(), 5));
        assert_eq!(shown("dim_date", 20), (["0", "1"].map(str::to_owned).to_vec(), 2));
        assert!(first(snapshot, "dim_region", 20).is_none());
    }
}
