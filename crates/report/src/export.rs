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
use std::io;
use std::path::{Path, PathBuf};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::NamedTempFile;

pub use winback::export_winback;

use crate::Error;
use crate::snapshot::files;

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

/// Writes a table of a snapshot, in one file or in parts, to a file; gives its rows. Columns named in `masked` are left
/// out. Memory does not grow with the table.
pub fn export(snapshot: &Path, table: &str, to: &Path, format: Format, masked: &[String]) -> Result<u64, Error> {
    let files = files(snapshot, table)?;
    let missing = || Error::Open { path: snapshot.join(table), source: io::ErrorKind::NotFound.into() };
    let origin = files.first().ok_or_else(missing)?;
    let builder = open(origin)?;
    let mut rows = 0;
    for file in &files {
        rows += u64::try_from(open(file)?.metadata().file_metadata().num_rows()).unwrap_or(0);
    }
    let is_masked = |name: &str| masked.iter().any(|masked| masked.eq_ignore_ascii_case(name));
    let kept: Vec<usize> =
        builder.schema().fields().iter().enumerate().filter(|(_, f)| !is_masked(f.name())).map(|(at, _)| at).collect();
    let schema = builder.schema().project(&kept).map_err(|source| Error::Rows { path: origin.clone(), source })?;
    let batches = files.iter().flat_map(|file| batches(file, &kept));
    Sheet { name: table.to_owned(), origin: origin.clone(), schema: schema.into(), rows }.write(batches, to, format)
}

fn open(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, Error> {
    let file = File::open(path).map_err(|source| Error::Open { path: path.to_path_buf(), source })?;
    ParquetRecordBatchReaderBuilder::try_new(file).map_err(|source| Error::Parquet { path: path.to_path_buf(), source })
}

/// The rows of a file, which is opened when the first of them is asked for.
fn batches<'a>(path: &'a Path, kept: &[usize]) -> Box<dyn Iterator<Item = Result<RecordBatch, Error>> + 'a> {
    let opened = open(path).and_then(|builder| {
        let mask = ProjectionMask::roots(builder.parquet_schema(), kept.iter().copied());
        let reader = builder.with_projection(mask).with_batch_size(BATCH_ROWS).build();
        reader.map_err(|source| Error::Parquet { path: path.to_path_buf(), source })
    });
    match opened {
        Ok(reader) => Box::new(reader.map(|batch| batch.map_err(|source| Error::Rows { path: path.to_path_buf(), source }))),
        Err(error) => Box::new(std::iter::once(Err(error))),
    }
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
    fn write(&self, batches: impl Iterator<Item = Result<RecordBatch, Error>>, to: &Path, format: Format) -> Result<u64, Error> {
        let write = |source| Error::Write { path: to.to_path_buf(), source };
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut unfinished = NamedTempFile::new_in(folder).map_err(write)?;
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
