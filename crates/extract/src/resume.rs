//! What was staged, on record, so that a later attempt of the same run need not read the sources again.
//!
//! `staged/staged.json` names the files with their hashes, the books and the findings. It is taken up again only for the same
//! sources, mapped in the same way by the same version of the program, and only if every file still has its hash.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::hash::Hasher;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use config::{Pipeline, RejectLimits};
use datafusion::prelude::SessionContext;
use schema::{ENTITIES, Entity};
use serde::{Deserialize, Serialize};
use twox_hash::XxHash64;

use crate::contract::Seen;
use crate::durable::{sync_folder, to_disk};
use crate::error::Error;
use crate::increment::Renewed;
use crate::staged::{Book, Finding, Origin, Staged, StagedEntity};

const FILE: &str = "staged.json";

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    /// Of what the pipeline file says about sources.
    sources: String,
    as_of: NaiveDate,
    entities: BTreeMap<String, EntityRecord>,
    findings: Vec<Finding>,
    #[serde(default)]
    changes: Vec<Finding>,
}

#[derive(Debug, Serialize, Deserialize)]
struct EntityRecord {
    origin: Origin,
    book: Book,
    in_order: bool,
    warn: Option<f64>,
    fail: Option<f64>,
    first_reject: Option<String>,
    /// Hash of the staged file, and of the rejects where there is a source.
    staged: String,
    rejects: Option<String>,
    #[serde(default)]
    seen: Option<Seen>,
    #[serde(default)]
    renewed: Option<Renewed>,
}

/// Where an entity's rows, or those set aside, lie in a run's folder.
fn file(run: &Path, folder: &str, entity: Entity) -> PathBuf {
    run.join(folder).join(format!("{}.parquet", entity.name()))
}

/// Writes down what was staged in a run's folder.
pub fn record(staged: &Staged, pipeline: &Pipeline, version: &str, run: &Path) -> Result<(), Error> {
    let path = run.join("staged").join(FILE);
    let failed = |source| Error::Folder { path: path.clone(), source };
    let mut entities = BTreeMap::new();
    for (entity, one) in &staged.entities {
        let rejects = one.rejects.as_deref().map(hash).transpose().map_err(failed)?;
        let record = EntityRecord {
            origin: one.origin,
            book: one.book.clone(),
            in_order: one.in_order,
            warn: one.limits.map(|limits| limits.warn),
            fail: one.limits.map(|limits| limits.fail),
            first_reject: one.first_reject.clone(),
            staged: hash(&one.path).map_err(failed)?,
            rejects,
            seen: one.seen.clone(),
            renewed: one.renewed.clone(),
        };
        entities.insert(entity.name().to_owned(), record);
    }
    let (findings, changes) = (staged.findings.clone(), staged.changes.clone());
    let record = Record { sources: fingerprint(pipeline, version), as_of: staged.as_of, entities, findings, changes };
    let text = serde_json::to_vec_pretty(&record).map_err(|e| failed(e.into()))?;
    fs::write(&path, text).map_err(failed)
}

/// Brings what was staged to disk, for a run that may wait long to be taken up.
pub fn bring_to_disk(run: &Path) -> Result<(), Error> {
    let folder = run.join("staged");
    let failed = |source| Error::Folder { path: folder.clone(), source };
    for entry in fs::read_dir(&folder).map_err(failed)? {
        to_disk(&entry.map_err(failed)?.path()).map_err(failed)?;
    }
    sync_folder(&folder).map_err(failed)
}

/// Takes up what an earlier attempt staged in this run's folder and registers it in the session, or says why the sources would have
/// to be read again.
pub async fn reopen(
    session: &SessionContext,
    pipeline: &Pipeline,
    version: &str,
    run: &Path,
) -> Result<Result<Staged, String>, Error> {
    let record = match sound(pipeline, version, run) {
        Ok(record) => record,
        Err(reason) => return Ok(Err(reason)),
    };
    let Record { as_of, findings, changes, entities, .. } = record;
    let mut staged = Staged { as_of, entities: BTreeMap::new(), findings, changes };
    for entity in ENTITIES {
        let Some(one) = entities.get(entity.name()) else { continue };
        let path = file(run, "staged", entity);
        crate::stage::register_staged(session, entity, &path, one.in_order).await?;
        let limits = one.warn.zip(one.fail).map(|(warn, fail)| RejectLimits { warn, fail });
        let one = StagedEntity {
            path,
            origin: one.origin,
            book: one.book.clone(),
            in_order: one.in_order,
            limits,
            rejects: one.rejects.as_ref().map(|_| file(run, "rejects", entity)),
            first_reject: one.first_reject.clone(),
            seen: one.seen.clone(),
            renewed: one.renewed.clone(),
        };
        staged.entities.insert(entity, one);
    }
    Ok(Ok(staged))
}

/// Whether [`reopen`] would take up what was staged, or why not.
pub fn can_be_reopened(pipeline: &Pipeline, version: &str, run: &Path) -> Result<(), String> {
    sound(pipeline, version, run).map(drop)
}

/// The record, if all it names is as it was, or else why not.
fn sound(pipeline: &Pipeline, version: &str, run: &Path) -> Result<Record, String> {
    let text = fs::read(run.join("staged").join(FILE)).map_err(|_| "nothing whole was staged".to_owned())?;
    let record: Record = serde_json::from_slice(&text).map_err(|_| "what was staged has another form".to_owned())?;
    if record.sources != fingerprint(pipeline, version) {
        return Err("the pipeline file reads its sources in another way now".to_owned());
    }
    for entity in ENTITIES {
        let Some(one) = record.entities.get(entity.name()) else { return Err(format!("{entity} was not staged")) };
        let is_same = |folder, wanted: &str| hash(&file(run, folder, entity)).is_ok_and(|found| found == wanted);
        if !is_same("staged", &one.staged) || one.rejects.as_ref().is_some_and(|wanted| !is_same("rejects", wanted)) {
            return Err(format!("the staged file of {entity} is not what it was"));
        }
    }
    Ok(record)
}

/// What decides which rows are staged. Secrets are not part of it: another password is not another source, another database is.
fn fingerprint(pipeline: &Pipeline, version: &str) -> String {
    let places: Vec<_> = pipeline.connections.iter().map(|(name, connection)| (name, connection.place())).collect();
    let text = format!("{version} {} {:?} {:?} {places:?}", pipeline.timezone, pipeline.as_of, pipeline.sources);
    format!("{:016x}", XxHash64::oneshot(0, text.as_bytes()))
}

pub(crate) fn hash(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = XxHash64::default();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let size = file.read(&mut buffer)?;
        match buffer.get(..size) {
            Some(bytes) if size > 0 => hash.write(bytes),
            _ => return Ok(format!("{:016x}", hash.finish())),
        }
    }
}
