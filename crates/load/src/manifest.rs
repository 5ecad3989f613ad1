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
    pub tables: Vec<TableEntry>,
}

impl Manifest {
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
    pub rows: u64,
    pub bytes: u64,
    pub sha256: String,
    /// Hash of names, types and nullability of the columns.
    pub schema_hash: String,
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
}

impl Published {
    pub(crate) fn of(manifest: &Manifest, epoch: Option<u64>) -> Self {
        Self {
            snapshot: manifest.snapshot.clone(),
            pipeline: manifest.pipeline.clone(),
            as_of: manifest.as_of.clone(),
            published_at: manifest.published_at.clone(),
            run_id: manifest.run_id.clone(),
            manifest: format!("snapshots/{}/manifest.json", manifest.snapshot),
            epoch,
        }
    }

    /// Whether readers see a later day than this one.
    pub(crate) fn is_ahead_of(&self, day: NaiveDate) -> bool {
        // Days are written with the year first.
        self.as_of > day.to_string()
    }

    /// Whether both lead readers to the same.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        Self { epoch: None, ..self.clone() } == Self { epoch: None, ..other.clone() }
    }
}

/// The name of a snapshot: its day, and a hash over every table but `meta_run`, which alone holds times and the run.
pub(crate) fn snapshot_id(as_of: &str, tables: &[TableEntry]) -> String {
    let mut hash = Sha256::new();
    for entry in tables.iter().filter(|t| t.table != "meta_run") {
        for part in [&entry.table, &entry.schema_hash, &entry.sha256] {
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
