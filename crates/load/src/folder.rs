//! Publishing to a local or mounted folder.

use std::error::Error as StdError;
use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use validate::Validated;

use crate::error::Error;
use crate::local;
use crate::manifest::{Manifest, Published, pretty};
use crate::publish::{RunFacts, Snapshot, prepare};
use crate::retention;
use crate::rollback::{RolledBack, choose};

/// Publishes what the gate let through. Everything before the rename of the snapshot's folder is invisible to readers.
pub(crate) fn publish(validated: &Validated, to: &Path, keep: usize, run: &RunFacts<'_>) -> Result<Snapshot, Error> {
    local::create_folder(&to.join("snapshots"))?;
    local::create_folder(&to.join("current"))?;
    let lock = Lock::take(to, run.run_id)?;
    retention::sweep(to)?;
    let as_of = validated.warehouse().as_of;
    let seen = match published(to) {
        Err(error) if run.stays_behind => return Err(error),
        // A run that leads readers on puts right what leads them.
        seen => seen.ok().flatten(),
    };
    let behind = run.stays_behind && seen.as_ref().is_some_and(|seen| seen.is_ahead_of(as_of));
    let whole = |id: &str, folder: &Path| {
        let known = retention::manifest(folder).filter(|m| m.snapshot == id && m.may_stay(behind, seen.as_ref()));
        Ok(known.filter(|m| is_whole(folder, m)))
    };
    let prepared = prepare(validated, run, behind, to, whole)?;
    lock.confirm()?;
    if behind {
        return Ok(Snapshot::of(prepared, as_of, true));
    }
    let led = replace_current(to, &prepared.folder, &prepared.manifest)
        .and_then(|()| lock.confirm())
        .and_then(|()| point(to, &prepared.manifest));
    or_stay(to, &lock, led)?;
    if let Err(error) = retention::prune(to, &prepared.manifest.snapshot, keep) {
        // What is published is published; the next publication removes what this one could not.
        tracing::warn!(error = &error as &dyn StdError, "cannot remove old snapshots");
    }
    Ok(Snapshot::of(prepared, as_of, false))
}

/// Where readers could not be led to another snapshot, `current/` becomes again what `published.json` says.
fn or_stay(to: &Path, lock: &Lock, led: Result<(), Error>) -> Result<(), Error> {
    let stays = || published(to).ok().flatten().map(|published| to.join("snapshots").join(&published.snapshot));
    if led.is_err()
        && lock.confirm().is_ok()
        && let Some(folder) = stays()
        && let Some(manifest) = retention::manifest(&folder)
        && let Err(error) = replace_current(to, &folder, &manifest)
    {
        tracing::warn!(error = &error as &dyn StdError, "current/ holds tables of two snapshots until the next run");
    }
    led
}

/// Leads readers to an earlier snapshot. Only names change; no table is written, so it takes no longer for large tables.
pub(crate) fn rollback(to: &Path, wanted: Option<&str>, by: &str) -> Result<RolledBack, Error> {
    let lock = Lock::take(to, by)?;
    let from = published(to)?.map(|published| published.snapshot);
    let (from, manifest) = choose(&to.display().to_string(), from, &retention::snapshots(to)?, wanted)?;
    let folder = to.join("snapshots").join(&manifest.snapshot);
    is_there(&folder, &manifest)?;
    lock.confirm()?;
    let led = link_current(to, &folder, &manifest).and_then(|()| lock.confirm()).and_then(|()| point(to, &manifest));
    or_stay(to, &lock, led)?;
    Ok(RolledBack { from, to: manifest })
}

/// What is published in a folder; nothing where nothing is.
pub(crate) fn published(to: &Path) -> Result<Option<Published>, Error> {
    let path = to.join("published.json");
    let text = match fs::read(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(Error::io("read", &path))?,
    };
    let unreadable = |e: serde_json::Error| Error::Manifest { path: path.display().to_string(), detail: e.to_string() };
    serde_json::from_slice(&text).map(Some).map_err(unreadable)
}

/// One publisher a folder, whatever its state folder. The kernel frees the lock when the process ends, however it ends, so no
/// heartbeat is needed. Where a file server forgets locks, a second publisher can come in meanwhile; it raises the number in the
/// file, and the first one sees before readers do that it was overtaken.
pub(crate) struct Lock {
    /// Unlocked when closed.
    _file: File,
    path: PathBuf,
    signature: String,
}

impl Lock {
    pub(crate) fn take(to: &Path, run_id: &str) -> Result<Self, Error> {
        let path = to.join(".publish.lock");
        let opened = File::options().create(true).read(true).write(true).truncate(false).open(&path);
        let mut file = opened.map_err(Error::io("open", &path))?;
        let written = |path: &Path| fs::read_to_string(path).unwrap_or_default();
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Locked { to: to.display().to_string(), holder: holder(&written(&path)) });
            }
            Err(TryLockError::Error(source)) => return Err(Error::io("lock", path)(source)),
        }
        let epoch = written(&path).lines().find_map(|line| line.strip_prefix("epoch ")?.parse::<u64>().ok()).unwrap_or(0);
        let signature = format!("run {run_id} (process {})\nepoch {}\n", std::process::id(), epoch.saturating_add(1));
        file.set_len(0).and_then(|()| file.write_all(signature.as_bytes())).map_err(Error::io("write", &path))?;
        Ok(Self { _file: file, path, signature })
    }

    /// Whether nobody came in meanwhile.
    pub(crate) fn confirm(&self) -> Result<(), Error> {
        let found = fs::read_to_string(&self.path).unwrap_or_default();
        if found == self.signature {
            return Ok(());
        }
        let to = self.path.parent().map(|to| to.display().to_string()).unwrap_or_default();
        Err(Error::Fenced { to, holder: holder(&found) })
    }
}

/// The first line of a lock file.
fn holder(text: &str) -> Option<String> {
    text.lines().next().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned)
}

/// Whether every file still has the hash the manifest states.
pub(crate) fn is_whole(folder: &Path, manifest: &Manifest) -> bool {
    manifest.tables.iter().all(|entry| {
        local::hash_file(&folder.join(format!("{}.parquet", entry.table))).is_ok_and(|(_, sha256)| sha256 == entry.sha256)
    })
}

/// Every file of the snapshot has the size its manifest states.
fn is_there(folder: &Path, manifest: &Manifest) -> Result<(), Error> {
    for entry in &manifest.tables {
        let path = folder.join(format!("{}.parquet", entry.table));
        let bytes = fs::metadata(&path).map_err(Error::io("read", &path))?.len();
        if bytes != entry.bytes {
            let detail = format!("{bytes} bytes instead of {}", entry.bytes);
            return Err(Error::ReadBack { path: path.display().to_string(), detail });
        }
    }
    Ok(())
}

/// Replaces every file of `current/` without a look at what it holds.
fn link_current(to: &Path, folder: &Path, manifest: &Manifest) -> Result<(), Error> {
    let current = to.join("current");
    for entry in &manifest.tables {
        let name = format!("{}.parquet", entry.table);
        local::link_atomically(&folder.join(&name), &current.join(&name))?;
    }
    local::sync_folder(&current)
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
fn point(to: &Path, manifest: &Manifest) -> Result<(), Error> {
    let pointer = Published::of(manifest, None);
    if published(to).ok().flatten().as_ref() == Some(&pointer) {
        return Ok(());
    }
    local::write_atomically(&to.join("published.json"), &pretty(&pointer))
}
