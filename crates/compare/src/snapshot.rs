//! A snapshot's files.

use std::collections::BTreeMap;
use std::path::PathBuf;

use datafusion::dataframe::DataFrame;
use datafusion::error::Result;
use datafusion::prelude::{ParquetReadOptions, SessionContext};

/// A published snapshot: its folder and what its manifest says of the tables in it.
#[derive(Debug)]
pub struct Snapshot {
    pub folder: PathBuf,
    pub tables: BTreeMap<String, TableFile>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableFile {
    pub rows: u64,
    /// Hash of the file, or of each of its parts: equal ones need not be read.
    pub sha256: String,
}

impl Snapshot {
    /// The rows of a table; none where the snapshot has no such table.
    pub(crate) async fn read(&self, session: &SessionContext, table: &str) -> Result<Option<DataFrame>> {
        if !self.tables.contains_key(table) {
            return Ok(None);
        }
        let files = extract::table_files(&self.folder, table)?;
        let files: Vec<String> = files.iter().map(|path| path.to_string_lossy().into_owned()).collect();
        session.read_parquet(files, ParquetReadOptions::default()).await.map(Some)
    }
}
