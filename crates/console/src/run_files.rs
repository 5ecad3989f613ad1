//! What a run's folder holds: the book, the checks, the records set aside and the log. The folder may be pruned or half
//! written, so whatever cannot be read counts as absent.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A log can grow without end; its last part says what happened.
const LOG_BYTES: u64 = 1_048_576;

#[allow(clippy::struct_field_names, reason = "the names that the file has")]
#[derive(Debug, Clone, Deserialize)]
pub struct Hop {
    pub hop: String,
    pub entity: String,
    pub rows_in: u64,
    pub rows_loaded: u64,
    pub rows_rejected: u64,
    pub rows_deduplicated: u64,
    pub rows_filtered: u64,
    pub amount_in: Option<String>,
    #[serde(default)]
    pub amount_rejected: Option<String>,
    #[serde(default)]
    pub amount_deduplicated: Option<String>,
    #[serde(default)]
    pub amount_filtered: Option<String>,
    pub amount_out: Option<String>,
}

impl Hop {
    /// In equals out plus what was left behind on the way, in rows and to the last digit of the amounts.
    pub fn balanced(&self) -> bool {
        let rows = self.rows_loaded + self.rows_rejected + self.rows_deduplicated + self.rows_filtered;
        let left = [&self.amount_rejected, &self.amount_deduplicated, &self.amount_filtered];
        let left: i128 = left.into_iter().filter_map(|amount| units(amount.as_deref())).sum();
        let amounts = match (units(self.amount_in.as_deref()), units(self.amount_out.as_deref())) {
            (Some(before), Some(after)) => before == after + left,
            (before, after) => before.is_none() && after.is_none(),
        };
        rows == self.rows_in && amounts
    }
}

#[allow(clippy::struct_field_names, reason = "the names that the file has")]
#[derive(Debug, Clone, Deserialize)]
pub struct Check {
    pub check: String,
    pub table: String,
    pub status: String,
    pub measured: String,
    #[serde(default)]
    pub threshold: String,
    #[serde(default)]
    pub failing_rows: u64,
    #[serde(default)]
    pub remedy: String,
    #[serde(default)]
    pub kept: Option<Kept>,
}

/// Failing rows of a check.
#[derive(Debug, Clone, Deserialize)]
pub struct Kept {
    pub file: String,
}

/// Something a source has changed since the run published before.
#[derive(Debug, Clone, Deserialize)]
pub struct Change {
    pub check: String,
    pub table: String,
    pub message: String,
}

/// What was read of a source that is read in increments.
#[derive(Debug, Clone, Deserialize)]
pub struct Increment {
    pub from: Option<String>,
    pub whole_because: Option<String>,
    pub rows_read: u64,
    pub rows: u64,
}

/// What is on record of the staged sources.
#[derive(Default, Deserialize)]
struct Staged {
    #[serde(default)]
    changes: Vec<Change>,
    #[serde(default)]
    entities: BTreeMap<String, Value>,
}

/// A line of the log.
#[derive(Debug, Clone)]
pub struct Line {
    pub at: String,
    pub level: String,
    pub message: String,
    /// The other fields as `name=value`.
    pub fields: String,
}

pub fn book(folder: &Path) -> Vec<Hop> {
    read(&folder.join("reconciliation.json")).unwrap_or_default()
}

/// By table and column, what it was computed from.
pub fn lineage(folder: &Path) -> BTreeMap<String, BTreeMap<String, Vec<String>>> {
    read(&folder.join("lineage.json")).unwrap_or_default()
}

/// What the sources have changed, as it was found when they were read, and what was read of those that are read in increments.
pub fn sources(folder: &Path) -> (Vec<Change>, BTreeMap<String, Increment>) {
    let staged: Staged = read(&folder.join("staged/staged.json")).unwrap_or_default();
    let latest = |entity: &Value| {
        let increments = entity.pointer("/renewed/record/increments")?.as_array()?;
        serde_json::from_value(increments.last()?.clone()).ok()
    };
    let increments = staged.entities.iter().filter_map(|(name, entity)| Some((name.clone(), latest(entity)?))).collect();
    (staged.changes, increments)
}

pub fn checks(folder: &Path) -> Option<Vec<Check>> {
    read(&folder.join("checks.json"))
}

/// The file of a check's failing rows; it lies in one folder, whatever its name says.
pub fn kept_file(folder: &Path, kept: &Kept) -> Option<PathBuf> {
    Some(folder.join("checks").join(Path::new(&kept.file).file_name()?))
}

/// The files of records set aside, by entity.
pub fn reject_files(folder: &Path) -> Vec<(String, PathBuf)> {
    let files = fs::read_dir(folder.join("rejects")).into_iter().flatten().flatten().map(|f| f.path());
    let mut files: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|e| e == "parquet"))
        .filter_map(|path| Some((path.file_stem()?.to_str()?.to_owned(), path)))
        .collect();
    files.sort();
    files
}

/// The last lines of the log, of those at least as grave as `level`.
pub fn log(folder: &Path, level: &str, most: usize) -> Vec<Line> {
    let text = tail(&folder.join("log.ndjson")).unwrap_or_default();
    let mut lines: Vec<Line> = text.lines().filter_map(line).filter(|l| gravity(&l.level) >= gravity(level)).collect();
    lines.drain(..lines.len().saturating_sub(most));
    lines
}

/// An amount in ten-thousandths; every amount of the book is written with four decimals.
fn units(amount: Option<&str>) -> Option<i128> {
    amount?.replace('.', "").parse().ok()
}

fn gravity(level: &str) -> u8 {
    match level.to_ascii_lowercase().as_str() {
        "error" => 4,
        "warn" => 3,
        "info" => 2,
        "debug" => 1,
        _ => 0,
    }
}

fn line(text: &str) -> Option<Line> {
    let mut fields: Map<String, Value> = serde_json::from_str(text).ok()?;
    let mut take = |name: &str| fields.remove(name).map(|v| plain(&v)).unwrap_or_default();
    let (at, level, message) = (take("timestamp"), take("level"), take("message"));
    take("target");
    let fields = fields.iter().map(|(name, value)| format!("{name}={}", plain(value))).collect::<Vec<_>>().join("  ");
    Some(Line { at, level, message, fields })
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn tail(path: &Path) -> Option<String> {
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LOG_BYTES))).ok()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}
