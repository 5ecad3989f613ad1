//! Fact tables as folders of parts: `fact_sales/part-00000.parquet` and so on, in the order of the table's rows.

use std::fs::File;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use extract::{FileError, TableFile};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;

use crate::error::Error;
use crate::local;
use crate::manifest::{TableEntry, schema_hash};
use crate::publish::check_rows;

/// Names of parts have five digits, so that they stand in the order of their numbers.
pub(crate) const MOST_PARTS: u64 = 100_000;

/// Rows decoded at once.
const BATCH_ROWS: usize = 8192;

/// Whether a table may be a folder of parts: facts alone grow with the shop.
pub(crate) fn may_be(table: &str) -> bool {
    table.starts_with("fact_")
}

/// Writes a table under the staging name in parts of `most` rows, the last with the rest, each on disk and read back. A table
/// without rows has one part, so that what readers see has one shape whatever the shop sells.
pub(crate) fn stage(
    contract: &schema::Table,
    from: &Path,
    rows: u64,
    most: NonZeroU64,
    staging: &Path,
) -> Result<Vec<TableEntry>, Error> {
    let most = most.get();
    let parts = rows.div_ceil(most).max(1);
    if parts > MOST_PARTS {
        return Err(Error::TooManyParts { table: contract.name, rows, most, parts });
    }
    let folder = staging.join(contract.name);
    local::create_folder(&folder)?;
    let wrong = |source| Error::Write { table: contract.name, source };
    let mut source = Source::open(from).map_err(wrong)?;
    let mut entries = Vec::new();
    for number in 0..parts {
        let name = format!("{}/part-{number:05}.parquet", contract.name);
        let (path, rows) = (staging.join(&name), most.min(rows - number * most));
        write(contract, &path, &mut source, rows).map_err(wrong)?;
        check_rows(&path, rows)?;
        let (bytes, sha256) = local::hash_file(&path)?;
        let (table, schema_hash) = (contract.name.to_owned(), schema_hash(contract));
        entries.push(TableEntry { table, file: Some(name), rows, bytes, sha256, schema_hash });
    }
    if source.rows(1).map_err(wrong)?.is_some() {
        return Err(Error::ReadBack { path: from.display().to_string(), detail: format!("more rows than {rows}") });
    }
    local::sync_folder(&folder)?;
    Ok(entries)
}

/// Writes the rows that follow, so many of them, or as many as there are.
fn write(contract: &schema::Table, path: &Path, source: &mut Source, rows: u64) -> Result<(), FileError> {
    let mut file = TableFile::create(path, contract.arrow())?;
    let mut room = usize::try_from(rows).unwrap_or(usize::MAX);
    while room > 0
        && let Some(batch) = source.rows(room)?
    {
        file.write(&batch)?;
        room -= batch.num_rows();
    }
    file.finish_on_disk().map(|_| ())
}

/// The rows of a table's file, from the first to the last. One batch is held, however large the table is.
struct Source {
    path: PathBuf,
    batches: ParquetRecordBatchReader,
    /// What did not fit into the part before.
    rest: Option<RecordBatch>,
}

impl Source {
    fn open(path: &Path) -> Result<Self, FileError> {
        let batches = File::open(path)
            .map_err(ParquetError::from)
            .and_then(ParquetRecordBatchReaderBuilder::try_new)
            .and_then(|builder| builder.with_batch_size(BATCH_ROWS).build())
            .map_err(|source| FileError::Read { path: path.to_path_buf(), source })?;
        Ok(Self { path: path.to_path_buf(), batches, rest: None })
    }

    /// At most so many of the rows that follow; none after the last.
    fn rows(&mut self, most: usize) -> Result<Option<RecordBatch>, FileError> {
        let following = self.rest.take().map(Ok).or_else(|| self.batches.next()).transpose();
        let following = following.map_err(|e| FileError::Read { path: self.path.clone(), source: e.into() })?;
        let Some(batch) = following else { return Ok(None) };
        if batch.num_rows() > most {
            self.rest = Some(batch.slice(most, batch.num_rows() - most));
            return Ok(Some(batch.slice(0, most)));
        }
        Ok(Some(batch))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot make its files has failed")]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array};
    use arrow::compute::{cast, concat_batches};

    use super::*;

    fn contract() -> &'static schema::Table {
        schema::table("fact_tickets").unwrap()
    }

    /// A table of so many rows, in a file; each value is the number of its row.
    fn written(folder: &Path, rows: i64) -> (PathBuf, RecordBatch) {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
        let arrow = contract().arrow();
        let columns = arrow.fields().iter().map(|field| cast(&numbers, field.data_type()).unwrap()).collect();
        let batch = RecordBatch::try_new(arrow, columns).unwrap();
        let path = folder.join("table.parquet");
        let mut file = TableFile::create(&path, contract().arrow()).unwrap();
        file.write(&batch).unwrap();
        file.finish().unwrap();
        (path, batch)
    }

    fn read(path: &Path) -> RecordBatch {
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
        let schema = reader.schema().clone();
        let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
        concat_batches(&schema, &batches).unwrap()
    }

    fn staged(folder: &Path, from: &Path, rows: u64, most: u64) -> Result<Vec<TableEntry>, Error> {
        stage(contract(), from, rows, NonZeroU64::new(most).unwrap(), folder)
    }

    #[test]
    fn parts_hold_the_rows_in_their_order() {
        let cases: [(i64, u64, &[u64]); 5] = [
            (20_000, 3_000, &[3_000, 3_000, 3_000, 3_000, 3_000, 3_000, 2_000]),
            (20_000, 10_000, &[10_000, 10_000]),
            (20_000, 20_001, &[20_000]),
            (3, 1, &[1, 1, 1]),
            (0, 5, &[0]),
        ];
        for (rows, most, wanted) in cases {
            let folder = tempfile::tempdir().unwrap();
            let (path, batch) = written(folder.path(), rows);
            let entries = staged(folder.path(), &path, rows.unsigned_abs(), most).unwrap();
            assert_eq!(entries.iter().map(|entry| entry.rows).collect::<Vec<_>>(), wanted);
            let mut parts = Vec::new();
            for (number, entry) in entries.iter().enumerate() {
                assert_eq!(entry.file(), format!("fact_tickets/part-{number:05}.parquet"));
                let file = folder.path().join(entry.file());
                assert_eq!(local::hash_file(&file).unwrap(), (entry.bytes, entry.sha256.clone()));
                parts.push(read(&file));
                assert_eq!(parts.last().unwrap().num_rows() as u64, entry.rows);
            }
            let schema = parts.first().unwrap().schema();
            assert_eq!(concat_batches(&schema, &parts).unwrap().columns(), batch.columns(), "{rows} rows in parts of {most}");
        }
    }

    #[test]
    fn more_parts_than_names_have_digits_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let refused = staged(folder.path(), &folder.path().join("table.parquet"), 1_000_001, 10).unwrap_err();
        assert!(!refused.may_pass());
        let said = refused.to_string();
        assert!(said.contains("table fact_tickets has 1000001 rows, which are 100001 files of 10"), "{said}");
        assert!(said.contains("raise `rows_per_file`"), "{said}");
    }

    #[test]
    fn a_file_of_another_number_of_rows_is_told() {
        for rows in [9, 11] {
            let folder = tempfile::tempdir().unwrap();
            let (path, _) = written(folder.path(), 10);
            let error = staged(folder.path(), &path, rows, 4).unwrap_err();
            assert!(matches!(error, Error::ReadBack { .. }), "{rows}: {error}");
        }
    }
}
