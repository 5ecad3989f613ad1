//! Samples of sources: what a proposal is made from.

mod catalogue;
mod csv_files;
mod csv_glob;
mod csv_nulls;
mod csv_shape;
mod spread;
mod sqlite;

use std::path::PathBuf;

pub use catalogue::{Catalogue, CatalogueColumn, CatalogueKey, CatalogueRows, Dialect, database};
pub use csv_files::csv;
pub use sqlite::sqlite;

/// Why a source could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read {}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error(
        "{} is neither a CSV file nor a folder with one\n  help: init looks at CSV files and databases; a pipeline reads workbooks \
         (.xlsx), .ndjson and .parquet as well, by a file that you write yourself: README, \"The pipeline file\"", path.display()
    )]
    NoCsv { path: PathBuf },
    #[error("{} cannot be read as CSV", path.display())]
    Csv { path: PathBuf, source: csv::Error },
    #[error("{} cannot be read as SQLite", path.display())]
    Sqlite { path: PathBuf, source: rusqlite::Error },
}
