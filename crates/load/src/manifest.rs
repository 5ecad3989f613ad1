//! `manifest.json` and `published.json`.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What a snapshot holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub snapshot: String,
    pub pipeline: String,
    pub as_of: String,
    /// When it was first published, RFC 3339.
    pub published_at: String,
    pub run_id: String,
    pub version: String,
    pub checks_passed: u64,
    pub checks_warned: u64,
    /// Made of a day past, behind what readers saw then: they were never led to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub behind: bool,
    /// One for each file; those of one table stand together, in the order of its rows.
    pub tables: Vec<TableEntry>,
}

impl Manifest {
    /// The files of each table: one, or its parts.
    pub fn by_table(&self) -> impl Iterator<Item = &[TableEntry]> {
        self.tables.chunk_by(|one, next| one.table == next.table)
    }

    /// Whether the snapshot may stay as it is where a run comes to it once more. One that readers never saw is made anew when
    /// they are led to it, so that it is among those that they can be led back to.
    pub(crate) fn may_stay(&self, behind: bool, seen: Option<&Published>) -> bool {
        behind || !self.behind || seen.is_some_and(|seen| seen.snapshot == self.snapshot)
    }
}

/// One published file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableEntry {
    pub table: String,
    /// Where it lies below the snapshot, if that is not `<table>.parquet`: a part, such as `fact_sales/part-00000.parquet`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    pub rows: u64,
    pub bytes: u64,
    pub sha256: String,
    /// Hash of names, types and nullability of the columns.
    pub schema_hash: String,
}

impl TableEntry {
    /// Where it lies below the snapshot, and below `current/`.
    pub fn file(&self) -> String {
        self.file.clone().unwrap_or_else(|| format!("{}.parquet", self.table))
    }
}

/// `published.json`: the one file a reader needs to find a consistent set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    pub snapshot: String,
    pub pipeline: String,
    pub as_of: String,
    pub published_at: String,
    pub run_id: String,
    /// Path of the manifest below the target.
    pub manifest: String,
    /// In an object store, the number of the lease it was written under: it changes when a lease is taken over, so that the one
    /// who held it before cannot write here any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// Snapshots that readers were led away from and were not led to again: no measure for later days, and no way back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withdrawn: Vec<String>,
}

impl Published {
    pub(crate) fn of(manifest: &Manifest, epoch: Option<u64>, withdrawn: &[String]) -> Self {
        Self {
            snapshot: manifest.snapshot.clone(),
            pipeline: manifest.pipeline.clone(),
            as_of: manifest.as_of.clone(),
            published_at: manifest.published_at.clone(),
            run_id: manifest.run_id.clone(),
            manifest: format!("snapshots/{}/manifest.json", manifest.snapshot),
            epoch,
            withdrawn: withdrawn.to_vec(),
        }
    }

    /// Whether readers see a later day than this one.
    pub(crate) fn is_ahead_of(&self, day: NaiveDate) -> bool {
        // Days are written with the year first.
        self.as_of > day.to_string()
    }

    /// Whether both lead readers to the same, and away from the same.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        Self { epoch: None, ..self.clone() } == Self { epoch: None, ..other.clone() }
    }
}

/// The name of a snapshot: its day, and a hash over every table but `meta_run`, which alone holds times and the run.
pub(crate) fn snapshot_id(as_of: &str, tables: &[TableEntry]) -> String {
    let mut hash = Sha256::new();
    for entry in tables.iter().filter(|t| t.table != "meta_run") {
        // A table of one part may have the bytes of the table in one file, and is another set to readers.
        for part in [&entry.table, &entry.schema_hash, &entry.sha256].into_iter().chain(&entry.file) {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
    }
    format!("{as_of}-{}", hex(&hash.finalize()).get(..12).unwrap_or_default())
}

pub(crate) fn schema_hash(table: &schema::Table) -> String {
    hex(&Sha256::digest(table.signature().as_bytes())).get(..16).unwrap_or_default().to_owned()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(crate) fn pretty<T: Serialize>(value: &T) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(value).unwrap_or_default();
    text.push(b'\n');
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot make its files has failed")]
mod tests {
    use super::*;

    fn entry(table: &str, file: Option<&str>) -> TableEntry {
        let (file, sha256) = (file.map(str::to_owned), "a".repeat(64));
        TableEntry { table: table.to_owned(), file, rows: 1, bytes: 2, sha256, schema_hash: "b".repeat(16) }
    }

    #[test]
    fn a_table_in_one_file_is_written_as_ever() {
        let text = serde_json::to_string(&entry("fact_sales", None)).unwrap();
        assert!(text.starts_with(r#"{"table":"fact_sales","rows":1,"bytes":2,"sha256":"#), "{text}");
        let read: TableEntry = serde_json::from_str(&text).unwrap();
        assert_eq!((read.file(), read), ("fact_sales.parquet".to_owned(), entry("fact_sales", None)));
        let part = entry("fact_sales", Some("fact_sales/part-00000.parquet"));
        assert_eq!(serde_json::from_str::<TableEntry>(&serde_json::to_string(&part).unwrap()).unwrap(), part);
    }

    #[test]
    fn another_shape_of_the_same_bytes_is_another_snapshot() {
        let (one, part) = (entry("fact_sales", None), entry("fact_sales", Some("fact_sales/part-00000.parquet")));
        assert_ne!(snapshot_id("2024-12-31", &[one]), snapshot_id("2024-12-31", &[part]));
    }
}
