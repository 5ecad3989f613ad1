//! Reading a published snapshot, without what must not be seen of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

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
        let bytes = std::fs::read(&path).map_err(|source| Error::Open { path: path.clone(), source })?;
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
        let path = self.folder.join(format!("{table}.parquet"));
        let wanted: Vec<&str> = columns.iter().copied().filter(|column| !self.masks(column)).collect();
        match File::open(&path) {
            Ok(file) => read(file, &path, &wanted),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Rows::default()),
            Err(source) => Err(Error::Open { path, source }),
        }
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

fn read(file: File, path: &Path, columns: &[&str]) -> Result<Rows, Error> {
    let parquet = |source| Error::Parquet { path: PathBuf::from(path), source };
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(parquet)?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
    let batches: Result<Vec<_>, _> = builder.with_projection(mask).build().map_err(parquet)?.collect();
    batches.map(Rows::new).map_err(|source| Error::Rows { path: PathBuf::from(path), source })
}
