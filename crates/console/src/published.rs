//! What a pipeline has published: `published.json` and the manifests of its snapshots.

use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::view::PipelineView;

#[allow(clippy::struct_field_names, reason = "the names that the file has")]
#[derive(Debug, Clone, Deserialize)]
pub struct Published {
    pub snapshot: String,
    /// Whose it is.
    #[serde(default)]
    pipeline: Option<String>,
    pub as_of: String,
    pub published_at: String,
    /// Snapshots that readers were led away from.
    #[serde(default)]
    pub withdrawn: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Manifest {
    pub snapshot: String,
    pub as_of: String,
    pub published_at: String,
    #[serde(default)]
    pub run_id: String,
    /// Made of a day past, behind what readers saw then: they were never led to it.
    #[serde(default)]
    pub behind: bool,
    #[serde(default, deserialize_with = "by_table")]
    pub tables: Vec<TableEntry>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct TableEntry {
    pub table: String,
    pub rows: u64,
    pub bytes: u64,
}

/// A table in parts has an entry for each of them, and is one table to a person.
fn by_table<'de, D: Deserializer<'de>>(of: D) -> Result<Vec<TableEntry>, D::Error> {
    let mut tables: Vec<TableEntry> = Vec::new();
    for entry in Vec::<TableEntry>::deserialize(of)? {
        match tables.last_mut() {
            Some(last) if last.table == entry.table => {
                last.rows += entry.rows;
                last.bytes += entry.bytes;
            }
            _ => tables.push(entry),
        }
    }
    Ok(tables)
}

impl Manifest {
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|t| t.rows).sum()
    }

    pub fn bytes(&self) -> u64 {
        self.tables.iter().map(|t| t.bytes).sum()
    }

    pub fn table(&self, name: &str) -> Option<&TableEntry> {
        self.tables.iter().find(|t| t.table == name)
    }
}

/// The set that readers see, if there is one. One of another pipeline is not shown as this one's: commands refuse it, and what is
/// masked of one may be open of the other.
pub fn current(pipeline: &PipelineView) -> Option<Published> {
    seen(pipeline).filter(|seen| seen.is_of(pipeline))
}

/// The other pipeline whose tables lie where this one is to publish.
pub fn other(pipeline: &PipelineView) -> Option<String> {
    seen(pipeline).filter(|seen| !seen.is_of(pipeline))?.pipeline
}

fn seen(pipeline: &PipelineView) -> Option<Published> {
    read(&pipeline.publish_to.join("published.json"))
}

impl Published {
    fn is_of(&self, pipeline: &PipelineView) -> bool {
        self.pipeline.as_ref().is_none_or(|name| *name == pipeline.name)
    }
}

/// The manifest of one snapshot. A name that would leave the folder is none.
pub fn manifest(pipeline: &PipelineView, snapshot: &str) -> Option<Manifest> {
    if other(pipeline).is_some() { None } else { find(&pipeline.publish_to, snapshot) }
}

fn find(publish_to: &Path, snapshot: &str) -> Option<Manifest> {
    if snapshot.contains(['/', '\\']) || snapshot.starts_with('.') {
        return None;
    }
    read(&publish_to.join("snapshots").join(snapshot).join("manifest.json"))
}

/// Every snapshot that is kept, the one published last first.
pub fn snapshots(pipeline: &PipelineView) -> Vec<Manifest> {
    if other(pipeline).is_some() {
        return Vec::new();
    }
    let folders = fs::read_dir(pipeline.publish_to.join("snapshots")).into_iter().flatten().flatten();
    let names = folders.filter_map(|f| f.file_name().into_string().ok());
    let mut known: Vec<Manifest> = names.filter_map(|name| find(&pipeline.publish_to, &name)).collect();
    known.sort_by(|a, b| (&b.published_at, &b.snapshot).cmp(&(&a.published_at, &a.snapshot)));
    known
}

fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot make its files has failed")]
mod tests {
    use super::*;

    #[test]
    fn a_table_in_parts_is_one_table() {
        let text = r#"{"snapshot": "2024-12-31-a", "as_of": "2024-12-31", "published_at": "", "tables": [
            {"table": "dim_date", "rows": 3, "bytes": 30},
            {"table": "fact_sales", "file": "fact_sales/part-00000.parquet", "rows": 7, "bytes": 70},
            {"table": "fact_sales", "file": "fact_sales/part-00001.parquet", "rows": 2, "bytes": 20}]}"#;
        let manifest: Manifest = serde_json::from_str(text).unwrap();
        assert_eq!((manifest.tables.len(), manifest.rows(), manifest.bytes()), (2, 12, 120));
        let sales = manifest.table("fact_sales").unwrap();
        assert_eq!((sales.rows, sales.bytes), (9, 90));
    }
}
