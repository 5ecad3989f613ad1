//! Tables for a spreadsheet.
//!
//! Text that a spreadsheet would take for a formula is made harmless: in CSV an apostrophe goes before it, in a workbook
//! it is written as text. Dates are dates. Numbers of more than fifteen digits, which a spreadsheet cannot hold, and keys
//! are text in a workbook; all others are numbers with their places. A file appears whole or not at all.

mod csv_file;
mod value;
mod winback;
mod workbook;

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::NamedTempFile;

pub use winback::export_winback;

use crate::Error;

/// What an export is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180 in UTF-8. Excel takes it for UTF-8 only with the byte-order mark.
    Csv { byte_order_mark: bool },
    /// A workbook of one sheet.
    Xlsx,
}

/// Rows below the header that a sheet can hold.
const SHEET_ROWS: u64 = 1_048_575;

/// Rows read and written at a time.
const BATCH_ROWS: usize = 8_192;

/// Writes a published table, `<snapshot>/<table>.parquet`, to a file; gives its rows. Columns named in `masked` are left
/// out. Memory does not grow with the table.
pub fn export(table: &Path, to: &Path, format: Format, masked: &[String]) -> Result<u64, Error> {
    let file = File::open(table).map_err(|source| Error::Open { path: table.to_path_buf(), source })?;
    let parquet = |source| Error::Parquet { path: table.to_path_buf(), source };
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(parquet)?;
    let rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
    let is_masked = |name: &str| masked.iter().any(|masked| masked.eq_ignore_ascii_case(name));
    let kept: Vec<usize> =
        builder.schema().fields().iter().enumerate().filter(|(_, f)| !is_masked(f.name())).map(|(at, _)| at).collect();
    let schema = builder.schema().project(&kept).map_err(|source| Error::Rows { path: table.to_path_buf(), source })?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), kept);
    let batches = builder.with_projection(mask).with_batch_size(BATCH_ROWS).build().map_err(parquet)?;
    let name = table.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    Sheet { name, origin: table.to_path_buf(), schema: schema.into(), rows }.write(batches, to, format)
}

/// What is to be written.
struct Sheet {
    name: String,
    /// Where the rows come from, for an error to name.
    origin: PathBuf,
    schema: SchemaRef,
    rows: u64,
}

impl Sheet {
    fn write(
        &self,
        batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
        to: &Path,
        format: Format,
    ) -> Result<u64, Error> {
        let write = |source| Error::Write { path: to.to_path_buf(), source };
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut unfinished = NamedTempFile::new_in(folder).map_err(write)?;
        let batches = batches.map(|batch| batch.map_err(|source| Error::Rows { path: self.origin.clone(), source }));
        match format {
            Format::Csv { byte_order_mark } => csv_file::write(self, batches, unfinished.as_file_mut(), to, byte_order_mark)?,
            Format::Xlsx => workbook::write(self, batches, &unfinished, to)?,
        }
        unfinished.as_file().sync_all().map_err(write)?;
        unfinished.persist(to).map_err(|e| write(e.error))?;
        Ok(self.rows)
    }

    /// How each column is read.
    fn kinds(&self) -> Result<Vec<value::Kind>, Error> {
        let unknown = |field: &arrow::datatypes::Field| Error::Column {
            path: self.origin.clone(),
            column: field.name().clone(),
            kind: field.data_type().to_string(),
        };
        self.schema.fields().iter().map(|f| value::Kind::of(f).ok_or_else(|| unknown(f))).collect()
    }
}
