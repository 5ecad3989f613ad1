//! What can go wrong.

use std::io;
use std::path::PathBuf;

use arrow::error::ArrowError;
use parquet::errors::ParquetError;
use rust_xlsxwriter::XlsxError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot open {path}; is it a published snapshot?")]
    Open { path: PathBuf, source: io::Error },
    #[error("cannot read {path} as Parquet; it may be cut short")]
    Parquet { path: PathBuf, source: ParquetError },
    #[error("cannot read the rows of {path}")]
    Rows { path: PathBuf, source: ArrowError },
    #[error("cannot read {path}; it is not a file this program wrote")]
    Json { path: PathBuf, source: serde_json::Error },
    #[error("cannot write {path}")]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot write {path} as CSV")]
    Csv { path: PathBuf, source: csv::Error },
    #[error("cannot write {path} as a workbook; CSV has no such limits")]
    Workbook { path: PathBuf, source: XlsxError },
    #[error("{table} has {rows} rows, and a sheet holds {most} below its header; export it as CSV")]
    TooManyRows { table: String, rows: u64, most: u64 },
    #[error("{path} holds a column {column} of type {kind}, which no published table has")]
    Column { path: PathBuf, column: String, kind: String },
}
