//! Publishing to a local or mounted folder.

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use validate::Validated;

use crate::error::Error;
use crate::local::{self, STAGING};
use crate::manifest::{Manifest, Published, TableEntry, pretty};
use crate::parts;
use crate::publish::{RunFacts, Snapshot, prepare};
use crate::retention;
use crate::rollback::{RolledBack, choose, still_withdrawn, withdrawn};

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
        return Ok(Snapshot::of(prepared, as_of, true, seen.as_ref()));
    }
    let withdrawn = still_withdrawn(seen.as_ref(), &prepared.manifest.snapshot, || retention::snapshots(to))?;
    let led = replace_current(to, &prepared.folder, &prepared.manifest)
        .and_then(|()| lock.confirm())
        .and_then(|()| point(to, &prepared.manifest, &withdrawn));
    or_stay(to, &lock, led)?;
    if let Err(error) = retention::prune(to, &prepared.manifest.snapshot, &withdrawn, keep) {
        // What is published is published; the next publication removes what this one could not.
        tracing::warn!(error = &error as &dyn StdError, "cannot remove old snapshots");
    }
    Ok(Snapshot::of(prepared, as_of, false, seen.as_ref()))
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

/// Leads readers to an earlier snapshot, if it still is what was published. No table is written; each is read once.
pub(crate) fn rollback(to: &Path, wanted: Option<&str>, by: &str) -> Result<RolledBack, Error> {
    let lock = Lock::take(to, by)?;
    let known = retention::snapshots(to)?;
    let (seen, manifest) = choose(&to.display().to_string(), published(to)?, &known, wanted)?;
    let withdrawn = withdrawn(&known, &seen, &manifest);
    let folder = to.join("snapshots").join(&manifest.snapshot);
    assert_whole(&folder, &manifest)?;
    lock.confirm()?;
    let led = link_current(to, &folder, &manifest).and_then(|()| lock.confirm()).and_then(|()| point(to, &manifest, &withdrawn));
    or_stay(to, &lock, led)?;
    Ok(RolledBack { from: seen.snapshot, to: manifest })
}

/// What is published in a folder; nothing where nothing is.
pub(crate) fn published(to: &Path) -> Result<Option<Published>, Error> {
    let path = to.join("published.json");
    let text = match fs::read(&path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
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
    manifest
        .tables
        .iter()
        .all(|entry| local::hash_file(&folder.join(entry.file())).is_ok_and(|(_, sha256)| sha256 == entry.sha256))
}

/// That every file of the snapshot is the one its manifest states.
fn assert_whole(folder: &Path, manifest: &Manifest) -> Result<(), Error> {
    for entry in &manifest.tables {
        let path = folder.join(entry.file());
        let damaged = |detail: String| Error::Damaged { path: path.display().to_string(), detail };
        match local::hash_file(&path) {
            Ok((bytes, _)) if bytes != entry.bytes => return Err(damaged(format!("{bytes} bytes instead of {}", entry.bytes))),
            Ok((_, sha256)) if sha256 != entry.sha256 => return Err(damaged("other bytes, as many as there were".to_owned())),
            Ok(_) => {}
            Err(_) if !path.exists() => return Err(damaged("the file is gone".to_owned())),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Replaces every file of `current/` without a look at what it holds.
fn link_current(to: &Path, folder: &Path, manifest: &Manifest) -> Result<(), Error> {
    let current = to.join("current");
    for entry in &manifest.tables {
        link(folder, &current, &entry.file())?;
    }
    settle(&current, manifest)
}

/// Replaces `current/` file by file; files that already are the snapshot's stay as they are.
fn replace_current(to: &Path, folder: &Path, manifest: &Manifest) -> Result<(), Error> {
    let current = to.join("current");
    for entry in &manifest.tables {
        let name = entry.file();
        let same = local::hash_file(&current.join(&name)).is_ok_and(|(_, sha256)| sha256 == entry.sha256);
        if !same {
            link(folder, &current, &name)?;
        }
    }
    settle(&current, manifest)
}

/// Puts a file of the snapshot into `current/`, and a part into the folder of its table.
fn link(folder: &Path, current: &Path, name: &str) -> Result<(), Error> {
    if let Some((table, _)) = name.split_once('/') {
        local::create_folder(&current.join(table))?;
    }
    local::link_atomically(&folder.join(name), &current.join(name))
}

/// Removes the tables and parts in `current/` that the snapshot does not have, and makes the names of the others last.
fn settle(current: &Path, manifest: &Manifest) -> Result<(), Error> {
    let wanted: BTreeSet<String> = manifest.tables.iter().map(TableEntry::file).collect();
    for name in local::names(current)? {
        let path = current.join(&name);
        if parts::may_be(&name) && path.is_dir() {
            settle_parts(&path, &name, &wanted)?;
        } else if name.ends_with(".parquet") && !wanted.contains(&name) {
            fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        }
    }
    local::sync_folder(current)
}

/// The same in the folder of a table, which goes with the last of its parts.
fn settle_parts(folder: &Path, table: &str, wanted: &BTreeSet<String>) -> Result<(), Error> {
    let mut stays = false;
    for name in local::names(folder)? {
        if wanted.contains(&format!("{table}/{name}")) {
            stays = true;
        } else if name.ends_with(".parquet") || name.ends_with(STAGING) {
            let path = folder.join(name);
            fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        }
    }
    if stays {
        return local::sync_folder(folder);
    }
    match fs::remove_dir(folder) {
        // What else lies there is not ours.
        Err(e) if e.kind() != ErrorKind::DirectoryNotEmpty => Err(Error::io("remove", folder)(e)),
        _ => Ok(()),
    }
}

/// Writes `published.json` unless it already says so.
fn point(to: &Path, manifest: &Manifest, withdrawn: &[String]) -> Result<(), Error> {
    let pointer = Published::of(manifest, None, withdrawn);
    if published(to).ok().flatten().as_ref() == Some(&pointer) {
        return Ok(());
    }
    local::write_atomically(&to.join("published.json"), &pretty(&pointer))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot make its files has failed")]
mod tests {
    use super::*;

    /// A snapshot of these files below a target; each holds its name and the snapshot's.
    fn snapshot(to: &Path, id: &str, files: &[&str]) -> (PathBuf, Manifest) {
        let folder = to.join("snapshots").join(id);
        let entry = |name: &&str| {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, format!("{id} {name}")).unwrap();
            let (bytes, sha256) = local::hash_file(&path).unwrap();
            let table = name.split(['.', '/']).next().unwrap().to_owned();
            TableEntry { table, file: Some((*name).to_owned()), rows: 0, bytes, sha256, schema_hash: String::new() }
        };
        let manifest = Manifest {
            snapshot: id.to_owned(),
            pipeline: String::new(),
            as_of: String::new(),
            published_at: String::new(),
            run_id: String::new(),
            version: String::new(),
            checks_passed: 0,
            checks_warned: 0,
            behind: false,
            tables: files.iter().map(entry).collect(),
        };
        (folder, manifest)
    }

    /// Files and empty folders below a folder, sorted.
    fn below(folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        for name in local::names(folder).unwrap() {
            let path = folder.join(&name);
            let inner = if path.is_dir() { below(&path) } else { Vec::new() };
            if inner.is_empty() {
                found.push(name);
            } else {
                found.extend(inner.into_iter().map(|inner| format!("{name}/{inner}")));
            }
        }
        found
    }

    #[test]
    fn current_is_the_snapshot_whatever_shape_it_had() {
        let target = tempfile::tempdir().unwrap();
        let to = target.path();
        let shapes: [&[&str]; 4] = [
            &["dim_date.parquet", "fact_sales.parquet"],
            &["dim_date.parquet", "fact_sales/part-00000.parquet"],
            &["dim_date.parquet", "fact_sales/part-00000.parquet", "fact_sales/part-00001.parquet"],
            &["dim_date.parquet"],
        ];
        let snapshots: Vec<_> = shapes.iter().zip(["a", "b", "c", "d"]).map(|(files, id)| snapshot(to, id, files)).collect();
        fs::create_dir_all(to.join("current/notes")).unwrap();
        fs::write(to.join("current/notes/mine.parquet"), "").unwrap();
        for (from, (first, before)) in snapshots.iter().enumerate() {
            for (into, (second, after)) in snapshots.iter().enumerate() {
                for links in [false, true] {
                    replace_current(to, first, before).unwrap();
                    // What a publisher that was killed left.
                    if before.tables.iter().any(|entry| entry.file().contains('/')) {
                        fs::write(to.join("current/fact_sales/.part-00007.parquet.staging"), "").unwrap();
                    }
                    let led = if links { link_current(to, second, after) } else { replace_current(to, second, after) };
                    led.unwrap();
                    let mut wanted: Vec<String> = after.tables.iter().map(TableEntry::file).collect();
                    wanted.push("notes/mine.parquet".to_owned());
                    assert_eq!(below(&to.join("current")), wanted, "from {from} to {into}");
                    for entry in &after.tables {
                        let text = fs::read_to_string(to.join("current").join(entry.file())).unwrap();
                        assert_eq!(text, format!("{} {}", after.snapshot, entry.file()));
                    }
                }
            }
        }
    }

    #[test]
    fn what_a_dead_publisher_left_among_parts_is_swept() {
        let target = tempfile::tempdir().unwrap();
        let parts = target.path().join("current/fact_sales");
        fs::create_dir_all(&parts).unwrap();
        for name in [".part-00000.parquet.staging", "part-00000.parquet"] {
            fs::write(parts.join(name), "").unwrap();
        }
        retention::sweep(target.path()).unwrap();
        assert_eq!(below(target.path()), ["current/fact_sales/part-00000.parquet"]);
    }
}
