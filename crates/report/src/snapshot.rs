//! Reading a published snapshot, without what must not be seen of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use arrow::record_batch::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Deserialize;

use crate::Error;
use crate::rows::Rows;

/// What the manifest says of a snapshot.
#[derive(Debug, Clone, Deserialize)]
pub struct Facts {
    pub snapshot: String,
    pub as_of: String,
    pub published_at: String,
    pub run_id: String,
    pub version: String,
}

impl Facts {
    /// Reads the manifest of a snapshot's folder.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("manifest.json");
        let bytes = fs::read(&path).map_err(|source| Error::Open { path: path.clone(), source })?;
        serde_json::from_slice(&bytes).map_err(|source| Error::Json { path, source })
    }
}

/// A snapshot's folder and the columns whose values stay in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Snapshot<'a> {
    pub folder: &'a Path,
    pub masked: &'a [String],
}

impl Snapshot<'_> {
    pub fn masks(&self, column: &str) -> bool {
        self.masked.iter().any(|masked| masked.eq_ignore_ascii_case(column))
    }

    /// The named columns of a table. A masked column is not even read, so nothing of it can be shown; a table that an
    /// older program did not publish has no rows.
    pub fn rows(&self, table: &str, columns: &[&str]) -> Result<Rows, Error> {
        let wanted: Vec<&str> = columns.iter().copied().filter(|column| !self.masks(column)).collect();
        let mut batches = Vec::new();
        for path in files(self.folder, table)? {
            match File::open(&path) {
                Ok(file) => batches.extend(read(file, &path, &wanted)?),
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(Error::Open { path, source }),
            }
        }
        Ok(Rows::new(batches))
    }

    /// The texts of a dimension for some of its keys.
    pub fn names(&self, table: &str, key: &str, name: &str, keys: &BTreeSet<i64>) -> Result<BTreeMap<i64, String>, Error> {
        let rows = self.rows(table, &[key, name])?;
        let known = rows.iter().map(|row| (row.int(key), row.text(name)));
        Ok(known.filter(|(key, name)| keys.contains(key) && !name.is_empty()).map(|(key, name)| (key, name.to_owned())).collect())
    }

    /// Regions by their keys.
    pub fn regions(&self) -> Result<BTreeMap<i64, String>, Error> {
        let rows = self.rows("dim_region", &["region_key", "region_name"])?;
        Ok(rows.iter().map(|row| (row.int("region_key"), row.text("region_name").to_owned())).collect())
    }
}

/// The files of a table in the order of its rows: the one of its name, whether it is there or not, or the parts in its folder.
pub(crate) fn files(folder: &Path, table: &str) -> Result<Vec<PathBuf>, Error> {
    let parts = folder.join(table);
    let listed = match fs::read_dir(&parts) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(vec![folder.join(format!("{table}.parquet"))]),
        listed => listed,
    };
    let paths = |entries: fs::ReadDir| entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let files: io::Result<Vec<PathBuf>> = listed.and_then(paths);
    let mut files = files.map_err(|source| Error::Open { path: parts, source })?;
    files.retain(|path| path.extension().is_some_and(|ending| ending == "parquet"));
    files.sort();
    Ok(files)
}

fn read(file: File, path: &Path, columns: &[&str]) -> Result<Vec<RecordBatch>, Error> {
    let parquet = |source| Error::Parquet { path: PathBuf::from(path), source };
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(parquet)?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
    let batches: Result<Vec<_>, _> = builder.with_projection(mask).build().map_err(parquet)?.collect();
    batches.map_err(|source| Error::Rows { path: PathBuf::from(path), source })
}
