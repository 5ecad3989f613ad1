//! What is published: the tables the gate let through, their manifest, and the one table that tells of the run.

use std::fs;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use extract::TableFile;
use serde::Serialize;
use validate::{Status, Validated};

use crate::error::Error;
use crate::local::{self, STAGING};
use crate::manifest::{Manifest, Published, TableEntry, pretty, schema_hash, snapshot_id};
use crate::{parts, profile};

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
    /// Whether readers who see a later day stay with it: the snapshot is then kept beside what they see.
    pub stays_behind: bool,
    /// Rows of a part, where fact tables are folders of parts.
    pub rows_per_file: Option<NonZeroU64>,
}

/// A published set.
#[derive(Debug, Clone, Serialize)]
pub struct Snapshot {
    pub id: String,
    pub as_of: NaiveDate,
    /// Where it can be read on this machine.
    pub folder: PathBuf,
    /// Readers saw it already, or it was kept behind what they see: no byte was changed.
    pub unchanged: bool,
    /// Readers see a later day, and still do.
    pub behind: bool,
    pub tables: u64,
    pub rows: u64,
    pub bytes: u64,
}

impl Snapshot {
    pub(crate) fn of(prepared: Prepared, as_of: NaiveDate, behind: bool, seen: Option<&Published>) -> Self {
        let Prepared { manifest, folder, was_there } = prepared;
        let was_seen = seen.is_some_and(|seen| seen.snapshot == manifest.snapshot);
        Self {
            as_of,
            folder,
            unchanged: was_there && (behind || was_seen),
            behind,
            tables: manifest.by_table().count() as u64,
            rows: manifest.tables.iter().map(|t| t.rows).sum(),
            bytes: manifest.tables.iter().map(|t| t.bytes).sum(),
            id: manifest.snapshot,
        }
    }
}

/// A snapshot that lies under its name in a local folder, though nothing points at it yet.
pub(crate) struct Prepared {
    pub manifest: Manifest,
    pub folder: PathBuf,
    /// A whole snapshot of its name lay there before.
    pub was_there: bool,
}

/// Writes the tables below `to` under a staging name, and gives them the name of their content; unless `known` has a whole
/// snapshot of that name, which stays as it is. `behind` is whether readers will not be led to it.
pub(crate) fn prepare(
    validated: &Validated,
    run: &RunFacts<'_>,
    behind: bool,
    to: &Path,
    known: impl FnOnce(&str, &Path) -> Result<Option<Manifest>, Error>,
) -> Result<Prepared, Error> {
    let staging = to.join("snapshots").join(format!(".{}{STAGING}", run.run_id));
    local::create_folder(&staging)?;
    let mut tables = stage(validated, run.rows_per_file, &staging)?;
    let id = snapshot_id(&validated.warehouse().as_of.to_string(), &tables);
    let folder = to.join("snapshots").join(&id);
    if let Some(manifest) = known(&id, &folder)? {
        fs::remove_dir_all(&staging).map_err(Error::io("remove", &staging))?;
        return Ok(Prepared { manifest, folder, was_there: true });
    }
    tables.push(write_meta_run(validated, run, &staging, &tables)?);
    let manifest = manifest(validated, run, behind, &id, tables);
    promote(&staging, &folder, &manifest)?;
    Ok(Prepared { manifest, folder, was_there: false })
}

/// Copies every table under the staging name, on disk and read back.
fn stage(validated: &Validated, rows_per_file: Option<NonZeroU64>, staging: &Path) -> Result<Vec<TableEntry>, Error> {
    let mut entries = Vec::new();
    for (contract, path, rows) in validated.tables() {
        match rows_per_file.filter(|_| parts::may_be(contract.name)) {
            Some(most) => entries.extend(parts::stage(contract, path, rows, most, staging)?),
            None => entries.push(stage_table(contract, path, rows, staging)?),
        }
    }
    Ok(entries)
}

fn stage_table(contract: &schema::Table, path: &Path, rows: u64, staging: &Path) -> Result<TableEntry, Error> {
    let target = staging.join(format!("{}.parquet", contract.name));
    let (bytes, sha256) = local::copy_durably(path, &target)?;
    check_rows(&target, rows)?;
    Ok(TableEntry { table: contract.name.to_owned(), file: None, rows, bytes, sha256, schema_hash: schema_hash(contract) })
}

pub(crate) fn check_rows(path: &Path, rows: u64) -> Result<(), Error> {
    let found = profile::assert(path)?;
    if found != rows {
        return Err(Error::ReadBack { path: path.display().to_string(), detail: format!("{found} rows instead of {rows}") });
    }
    Ok(())
}

/// The one table that holds times and the run's name; the snapshot's name does not depend on it.
fn write_meta_run(validated: &Validated, run: &RunFacts<'_>, staging: &Path, tables: &[TableEntry]) -> Result<TableEntry, Error> {
    const NAME: &str = "meta_run";
    let path = staging.join("meta_run.parquet");
    let contract = schema::table(NAME).ok_or_else(|| Error::Manifest {
        path: path.display().to_string(),
        detail: "meta_run is not in the contract".to_owned(),
    })?;
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
    let batch = RecordBatch::try_new(contract.arrow(), columns).map_err(|e| Error::Manifest {
        path: path.display().to_string(),
        detail: format!("meta_run does not fit its columns: {e}"),
    })?;
    let write = || {
        let mut file = TableFile::create(&path, contract.arrow())?;
        file.write(&batch)?;
        file.finish_on_disk()
    };
    let rows = write().map_err(|source| Error::Write { table: NAME, source })?;
    check_rows(&path, 1)?;
    let (bytes, sha256) = local::hash_file(&path)?;
    Ok(TableEntry { table: NAME.to_owned(), file: None, rows, bytes, sha256, schema_hash: schema_hash(contract) })
}

fn manifest(validated: &Validated, run: &RunFacts<'_>, behind: bool, id: &str, tables: Vec<TableEntry>) -> Manifest {
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
        behind,
        tables,
    }
}

/// Gives the finished folder its name. From here on the snapshot exists, though nothing points at it yet.
fn promote(staging: &Path, folder: &Path, manifest: &Manifest) -> Result<(), Error> {
    local::write_atomically(&staging.join("manifest.json"), &pretty(manifest))?;
    local::sync_folder(staging)?;
    if folder.exists() {
        // A snapshot of this name that is damaged or that nobody saw, and is about to be replaced by its equal.
        local::remove_folder(folder)?;
    }
    local::rename(staging, folder)
}
