//! Publishing to a local folder.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use config::Publish;
use extract::TableFile;
use serde::Serialize;
use validate::{Status, Validated};

use crate::error::Error;
use crate::local::{self, STAGING};
use crate::manifest::{Manifest, Published, TableEntry, schema_hash, snapshot_id};
use crate::{profile, retention};

/// What the publisher must be told of the run, because nothing here reads a clock.
#[derive(Debug, Clone)]
pub struct RunFacts<'a> {
    pub run_id: &'a str,
    pub pipeline: &'a str,
    pub version: &'a str,
    pub started_at: DateTime<Utc>,
    pub published_at: DateTime<Utc>,
    pub timezone: chrono_tz::Tz,
    /// The sources that were read, in words.
    pub sources: String,
    pub rows_in: u64,
}

/// A published set.
#[derive(Debug, Clone, Serialize)]
pub struct Snapshot {
    pub id: String,
    pub as_of: NaiveDate,
    pub folder: PathBuf,
    /// The same input had been published before: no byte was changed.
    pub unchanged: bool,
    pub tables: u64,
    pub rows: u64,
    pub bytes: u64,
}

/// Publishes what the gate let through. Everything before the rename of the snapshot's folder is invisible to readers.
pub fn publish(validated: &Validated, publish: &Publish, run: &RunFacts<'_>) -> Result<Snapshot, Error> {
    let to = &publish.to;
    local::create_folder(&to.join("snapshots"))?;
    local::create_folder(&to.join("current"))?;
    let _lock = lock(to, run.run_id)?;
    retention::sweep(to)?;

    let staging = to.join("snapshots").join(format!(".{}{STAGING}", run.run_id));
    local::create_folder(&staging)?;
    let mut tables = stage(validated, &staging)?;
    let as_of = validated.warehouse().as_of;
    let id = snapshot_id(&as_of.to_string(), &tables);
    let folder = to.join("snapshots").join(&id);

    let known = retention::read_manifest(&folder).filter(|m| m.snapshot == id && is_whole(&folder, m));
    let unchanged = known.is_some();
    let manifest = if let Some(manifest) = known {
        fs::remove_dir_all(&staging).map_err(Error::io("remove", &staging))?;
        manifest
    } else {
        tables.push(write_meta_run(validated, run, &staging, &tables)?);
        let manifest = manifest(validated, run, &id, tables);
        promote(&staging, &folder, &manifest)?;
        manifest
    };
    replace_current(to, &folder, &manifest)?;
    point(to, &manifest)?;
    retention::prune(to, &id, publish.keep)?;
    Ok(Snapshot {
        id,
        as_of,
        folder,
        unchanged,
        tables: manifest.tables.len() as u64,
        rows: manifest.tables.iter().map(|t| t.rows).sum(),
        bytes: manifest.tables.iter().map(|t| t.bytes).sum(),
    })
}

/// What is published at a target; nothing where nothing is.
pub fn published(to: &Path) -> Result<Option<Published>, Error> {
    let path = to.join("published.json");
    let text = match fs::read(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(Error::io("read", &path))?,
    };
    serde_json::from_slice(&text).map(Some).map_err(|e| Error::Manifest { path, detail: e.to_string() })
}

/// One publisher a target, whatever the state folder; the kernel frees the lock when the process ends, however it ends.
pub(crate) fn lock(to: &Path, run_id: &str) -> Result<File, Error> {
    let path = to.join(".publish.lock");
    let mut file =
        File::options().create(true).read(true).write(true).truncate(false).open(&path).map_err(Error::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let holder = fs::read_to_string(&path).ok().filter(|h| !h.trim().is_empty()).map(|h| h.trim().to_owned());
            return Err(Error::Locked { to: to.to_path_buf(), holder });
        }
        Err(TryLockError::Error(source)) => return Err(Error::io("lock", path)(source)),
    }
    let holder = format!("run {run_id} (process {})", std::process::id());
    file.set_len(0).and_then(|()| file.write_all(holder.as_bytes())).map_err(Error::io("write", &path))?;
    Ok(file)
}

/// Copies every table under the staging name, on disk and read back.
fn stage(validated: &Validated, staging: &Path) -> Result<Vec<TableEntry>, Error> {
    validated.tables().into_iter().map(|(contract, path, rows)| stage_table(contract, path, rows, staging)).collect()
}

fn stage_table(contract: &schema::Table, path: &Path, rows: u64, staging: &Path) -> Result<TableEntry, Error> {
    let target = staging.join(format!("{}.parquet", contract.name));
    let (bytes, sha256) = local::copy_durably(path, &target)?;
    check_rows(&target, rows)?;
    Ok(TableEntry { table: contract.name.to_owned(), rows, bytes, sha256, schema_hash: schema_hash(contract) })
}

fn check_rows(path: &Path, rows: u64) -> Result<(), Error> {
    let found = profile::assert(path)?;
    if found != rows {
        return Err(Error::ReadBack { path: path.to_path_buf(), detail: format!("{found} rows instead of {rows}") });
    }
    Ok(())
}

/// The one table that holds times and the run's name; the snapshot's name does not depend on it.
fn write_meta_run(validated: &Validated, run: &RunFacts<'_>, staging: &Path, tables: &[TableEntry]) -> Result<TableEntry, Error> {
    const NAME: &str = "meta_run";
    let path = staging.join("meta_run.parquet");
    let contract = schema::table(NAME)
        .ok_or_else(|| Error::Manifest { path: path.clone(), detail: "meta_run is not in the contract".to_owned() })?;
    let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value])) };
    let count = |value: u64| -> ArrayRef { Arc::new(Int64Array::from(vec![i64::try_from(value).unwrap_or(i64::MAX)])) };
    let time = |at: DateTime<Utc>| -> ArrayRef {
        Arc::new(TimestampMicrosecondArray::from(vec![
            at.with_timezone(&run.timezone).naive_local().and_utc().timestamp_micros(),
        ]))
    };
    let counted = |status: Status| validated.checks().iter().filter(|c| c.status == status).count() as u64;
    let columns = vec![
        text(run.run_id),
        text(run.pipeline),
        Arc::new(Date32Array::from(vec![validated.warehouse().as_of.to_epoch_days()])) as ArrayRef,
        time(run.started_at),
        time(run.published_at),
        text(&run.sources),
        count(run.rows_in),
        count(tables.iter().map(|t| t.rows).sum()),
        count(counted(Status::Passed)),
        count(counted(Status::Warned)),
        text(run.version),
    ];
    let batch = RecordBatch::try_new(contract.arrow(), columns)
        .map_err(|e| Error::Manifest { path: path.clone(), detail: format!("meta_run does not fit its columns: {e}") })?;
    let write = || {
        let mut file = TableFile::create(&path, contract.arrow())?;
        file.write(&batch)?;
        file.finish()
    };
    let rows = write().map_err(|source| Error::Write { table: NAME, source })?;
    check_rows(&path, 1)?;
    let (bytes, sha256) = local::hash_file(&path)?;
    Ok(TableEntry { table: NAME.to_owned(), rows, bytes, sha256, schema_hash: schema_hash(contract) })
}

fn manifest(validated: &Validated, run: &RunFacts<'_>, id: &str, tables: Vec<TableEntry>) -> Manifest {
    let counted = |status: Status| validated.checks().iter().filter(|c| c.status == status).count() as u64;
    Manifest {
        snapshot: id.to_owned(),
        pipeline: run.pipeline.to_owned(),
        as_of: validated.warehouse().as_of.to_string(),
        published_at: run.published_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        run_id: run.run_id.to_owned(),
        version: run.version.to_owned(),
        checks_passed: counted(Status::Passed),
        checks_warned: counted(Status::Warned),
        tables,
    }
}

/// Gives the finished folder its name. From here on the snapshot exists, though nothing points at it yet.
fn promote(staging: &Path, folder: &Path, manifest: &Manifest) -> Result<(), Error> {
    local::write_atomically(&staging.join("manifest.json"), &pretty(manifest))?;
    local::sync_folder(staging)?;
    if folder.exists() {
        // A snapshot of this name that is not whole: damaged since, and about to be replaced by its equal.
        local::remove_folder(folder)?;
    }
    local::rename(staging, folder)
}

/// Whether every file still has the hash the manifest states.
fn is_whole(folder: &Path, manifest: &Manifest) -> bool {
    manifest.tables.iter().all(|entry| {
        local::hash_file(&folder.join(format!("{}.parquet", entry.table))).is_ok_and(|(_, sha256)| sha256 == entry.sha256)
    })
}

/// Replaces `current/` file by file; files that already are the snapshot's stay as they are.
fn replace_current(to: &Path, folder: &Path, manifest: &Manifest) -> Result<(), Error> {
    let current = to.join("current");
    for entry in &manifest.tables {
        let name = format!("{}.parquet", entry.table);
        let target = current.join(&name);
        let same = local::hash_file(&target).is_ok_and(|(_, sha256)| sha256 == entry.sha256);
        if !same {
            local::link_atomically(&folder.join(&name), &target)?;
        }
    }
    let wanted: Vec<String> = manifest.tables.iter().map(|t| format!("{}.parquet", t.table)).collect();
    for name in local::names(&current)?.into_iter().filter(|n| n.ends_with(".parquet") && !wanted.contains(n)) {
        let path = current.join(name);
        fs::remove_file(&path).map_err(Error::io("remove", &path))?;
    }
    local::sync_folder(&current)
}

/// Writes `published.json` unless it already says so.
pub(crate) fn point(to: &Path, manifest: &Manifest) -> Result<(), Error> {
    let pointer = Published {
        snapshot: manifest.snapshot.clone(),
        pipeline: manifest.pipeline.clone(),
        as_of: manifest.as_of.clone(),
        published_at: manifest.published_at.clone(),
        run_id: manifest.run_id.clone(),
        manifest: format!("snapshots/{}/manifest.json", manifest.snapshot),
    };
    if published(to).ok().flatten().as_ref() == Some(&pointer) {
        return Ok(());
    }
    local::write_atomically(&to.join("published.json"), &pretty(&pointer))
}

fn pretty<T: Serialize>(value: &T) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(value).unwrap_or_default();
    text.push(b'\n');
    text
}
