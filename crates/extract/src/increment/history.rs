//! What earlier runs read, kept beside the runs: `<state>/history/<pipeline>/<entity>.json` and the records it names.

use std::cmp::Ordering;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use config::{Connection, Pipeline, Source};
use schema::{ENTITIES, Entity};
use serde::{Deserialize, Serialize};
use twox_hash::XxHash64;

use super::cursor::Mark;
use crate::durable::{sync_folder, to_disk};
use crate::error::Error;
use crate::resume::hash;
use crate::staged::Staged;

/// Raised when the same source would be kept in another form.
const FORM: u32 = 2;
/// Increments that are remembered.
const INCREMENTS: usize = 100;

/// Where a pipeline's records are kept, and how this run treats them.
#[derive(Debug, Clone)]
pub struct History {
    folder: PathBuf,
    /// When the run is due: no watermark lies later.
    pub(super) now: DateTime<Utc>,
    /// Whether every source is read whole, whatever is kept of it.
    pub(super) refresh: bool,
}

/// What one run read of one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Increment {
    /// The cursor's value the run read from; none where it read the whole source.
    pub from: Option<String>,
    /// Why it read the whole source; none where it did not.
    pub whole_because: Option<String>,
    /// Rows that came over the wire.
    pub rows_read: u64,
    /// Rows of the source after it.
    pub rows: u64,
    /// Up to where it is known, as the source writes it; the next run reads from a lookback before.
    pub watermark: Option<String>,
    /// When the run was due.
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Of how the pipeline file describes the source, and of where it lies.
    pub source: String,
    /// Its columns in the order in which they are kept.
    pub columns: Vec<String>,
    /// Hash of the records' file, which bears it in its name.
    pub hash: String,
    /// The latest last.
    pub increments: Vec<Increment>,
}

/// New records of a source, in the run's folder until the run has published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewed {
    /// Hash of the records they were merged into.
    pub(super) base: Option<String>,
    pub(super) record: Record,
}

impl Renewed {
    /// What was read to get them.
    pub fn increment(&self) -> Option<&Increment> {
        self.record.increments.last()
    }
}

impl Record {
    /// With one increment more.
    pub fn after(before: Option<&Self>, source: String, columns: Vec<String>, hash: String, increment: Increment) -> Self {
        let mut increments = before.map(|before| before.increments.clone()).unwrap_or_default();
        increments.push(increment);
        increments.drain(..increments.len().saturating_sub(INCREMENTS));
        Self { source, columns, hash, increments }
    }

    pub fn watermark(&self) -> Option<&str> {
        self.increments.last()?.watermark.as_deref()
    }

    /// A stretch of the cursor that nothing was read of since the source was last read whole, from where one reading ended to where
    /// the next began. No run leaves one, as each begins before the end of the one it follows; a copy that somebody put back may.
    pub fn hole(&self) -> Option<(&str, &str)> {
        let whole = self.increments.iter().rposition(|increment| increment.from.is_none()).unwrap_or(0);
        self.increments.get(whole..)?.windows(2).find_map(|pair| {
            let [before, after] = pair else { return None };
            let (end, begin) = (before.watermark.as_deref()?, after.from.as_deref()?);
            let order = Mark::parse(end)?.order(Mark::parse(begin)?)?;
            (order == Ordering::Less).then_some((end, begin))
        })
    }

    pub fn rows(&self) -> u64 {
        self.increments.last().map_or(0, |increment| increment.rows)
    }
}

/// What decides which rows a source gives, how it writes them and how they are merged. Secrets are not part of it: another
/// password leads to the same rows, another database does not.
pub(super) fn fingerprint(source: &Source, pipeline: &Pipeline) -> String {
    let place = pipeline.connections.get(&source.connection).map(Connection::place);
    let Source { connection, input, incremental, .. } = source;
    let described = format!("{FORM} {connection} {place:?} {} {input:?} {incremental:?}", pipeline.timezone.name());
    format!("{:016x}", XxHash64::oneshot(0, described.as_bytes()))
}

/// Where a run has its new records until it has published.
pub(super) fn in_run(run: &Path, entity: Entity) -> PathBuf {
    run.join("history").join(format!("{entity}.parquet"))
}

impl History {
    /// That of a pipeline, in the state folder.
    pub fn of(state: &Path, pipeline: &str, now: DateTime<Utc>, refresh: bool) -> Self {
        Self { folder: state.join("history").join(pipeline), now, refresh }
    }

    fn record_path(&self, entity: Entity) -> PathBuf {
        self.folder.join(format!("{entity}.json"))
    }

    /// The records of an entity.
    pub(super) fn records_path(&self, entity: Entity, hash: &str) -> PathBuf {
        self.folder.join(format!("{entity}-{hash}.parquet"))
    }

    /// What is kept of an entity; none where nothing is that can be read.
    pub(super) fn record(&self, entity: Entity) -> Option<Record> {
        serde_json::from_slice(&fs::read(self.record_path(entity)).ok()?).ok()
    }

    /// Whether the records are those that were kept.
    pub(super) fn is_sound(&self, entity: Entity, record: &Record) -> bool {
        hash(&self.records_path(entity, &record.hash)).is_ok_and(|found| found == record.hash)
    }
}

/// Keeps what a run read, now that it has published, and forgets sources that are no longer read in increments. Where another run
/// has published since this one read, what that one kept stays: it is the later.
pub fn keep(staged: &Staged, run: &Path, history: &History) -> Result<(), Error> {
    for entity in ENTITIES {
        let known = history.record(entity);
        let renewed = staged.entities.get(&entity).and_then(|one| one.renewed.as_ref());
        let path = history.record_path(entity);
        match renewed {
            Some(renewed) if known.as_ref().map(|record| &record.hash) == renewed.base.as_ref() => {
                let stored = store(history, entity, renewed, run);
                stored.map_err(|source| Error::Folder { path: path.clone(), source })?;
            }
            Some(_) => tracing::info!(%entity, "another run has kept its records meanwhile"),
            None if known.is_some() => {
                fs::remove_file(&path).map_err(|source| Error::Folder { path: path.clone(), source })?;
            }
            None => {}
        }
        let kept = history.record(entity).map(|record| history.records_path(entity, &record.hash));
        sweep(&history.folder, entity, kept.as_deref());
    }
    // What is left there came over the wire and is merged.
    let _ = fs::remove_dir_all(run.join("history"));
    Ok(())
}

/// The records first, under a name nobody knows yet, then the name.
fn store(history: &History, entity: Entity, renewed: &Renewed, run: &Path) -> io::Result<()> {
    fs::create_dir_all(&history.folder)?;
    let (from, to) = (in_run(run, entity), history.records_path(entity, &renewed.record.hash));
    if from.exists() {
        to_disk(&from)?;
        fs::rename(&from, &to)?;
    }
    let path = history.record_path(entity);
    let staged = path.with_extension("json.staging");
    let mut file = File::create(&staged)?;
    file.write_all(&serde_json::to_vec_pretty(&renewed.record)?)?;
    file.sync_all()?;
    fs::rename(&staged, &path)?;
    sync_folder(&history.folder)
}

/// Removes records of an entity that nothing names; what stays costs space and nothing else.
fn sweep(folder: &Path, entity: Entity, kept: Option<&Path>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let of_entity = |path: &Path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with(&format!("{entity}-")) && name.ends_with(".parquet")
    };
    for path in entries.flatten().map(|entry| entry.path()).filter(|path| of_entity(path) && Some(path.as_path()) != kept) {
        if let Err(error) = fs::remove_file(&path) {
            tracing::warn!(%error, path = %path.display(), "cannot remove records nobody needs");
        }
    }
}
