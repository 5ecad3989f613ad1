//! The local folder beside a store: the usual layout, filled with what readers on this machine need.

use std::fs;
use std::path::{Path, PathBuf};

use futures::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};

use super::bucket::{AT_ONCE, Bucket};
use super::lease::POINTER;
use crate::error::Error;
use crate::manifest::{Manifest, Published, hex, pretty};
use crate::{local, retention};

/// Where a url's mirror lies: named by the url as far as file names can be, and by a hash of all of it.
pub(crate) fn folder(state: &Path, url: &str) -> PathBuf {
    let readable: String = url.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(60).collect();
    let hash = hex(&Sha256::digest(url.as_bytes()));
    state.join("mirror").join(format!("{}-{}", readable.replace("---", "-"), hash.get(..8).unwrap_or_default()))
}

/// What is published; what the mirror says follows.
pub(super) async fn published(bucket: &Bucket, mirror: &Path) -> Result<Option<Published>, Error> {
    let Some((text, _)) = bucket.read(POINTER).await? else {
        match fs::remove_file(mirror.join(POINTER)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(Error::io("remove", mirror.join(POINTER))(e)),
            _ => return Ok(None),
        }
    };
    let unreadable = |e: serde_json::Error| Error::Manifest { path: bucket.shown(POINTER), detail: e.to_string() };
    let published: Published = serde_json::from_slice(&text).map_err(unreadable)?;
    place(&mirror.join(POINTER), &text)?;
    Ok(Some(published))
}

/// The manifests of all snapshots, the one published last first; each lies in the mirror afterwards.
pub(super) async fn snapshots(bucket: &Bucket, mirror: &Path) -> Result<Vec<Manifest>, Error> {
    let listed = bucket.list("snapshots").await?;
    let mut reads = Vec::new();
    for (name, _) in &listed {
        if let Some(id) = name.strip_prefix("snapshots/").and_then(|name| name.strip_suffix("/manifest.json")) {
            reads.push(manifest(bucket, mirror, id));
        }
    }
    let found: Vec<Option<Manifest>> = stream::iter(reads).buffer_unordered(AT_ONCE).try_collect().await?;
    let mut known: Vec<Manifest> = found.into_iter().flatten().collect();
    retention::last_first(&mut known);
    Ok(known)
}

/// The manifest of one snapshot; none where there is none that can be read.
pub(super) async fn manifest(bucket: &Bucket, mirror: &Path, id: &str) -> Result<Option<Manifest>, Error> {
    let Some((text, _)) = bucket.read(&format!("snapshots/{id}/manifest.json")).await? else { return Ok(None) };
    let Some(manifest) = serde_json::from_slice::<Manifest>(&text).ok().filter(|m| m.snapshot == id) else { return Ok(None) };
    let folder = mirror.join("snapshots").join(id);
    local::create_folder(&folder)?;
    place(&folder.join("manifest.json"), &pretty(&manifest))?;
    Ok(Some(manifest))
}

/// Fetches the files of a snapshot that are not there as its manifest states, and returns their folder.
pub(super) async fn fetch(bucket: &Bucket, mirror: &Path, manifest: &Manifest) -> Result<PathBuf, Error> {
    let folder = mirror.join("snapshots").join(&manifest.snapshot);
    local::create_folder(&folder)?;
    for entry in &manifest.tables {
        let file = entry.file();
        if let Some((table, _)) = file.split_once('/') {
            local::create_folder(&folder.join(table))?;
        }
        let to = folder.join(&file);
        if local::hash_file(&to).is_ok_and(|(_, sha256)| sha256 == entry.sha256) {
            continue;
        }
        let name = format!("snapshots/{}/{file}", manifest.snapshot);
        let part = aside(&to);
        let (bytes, sha256) = bucket.hash(&name, Some(&part)).await?;
        if sha256 != entry.sha256 {
            let _ = fs::remove_file(&part);
            let detail = format!("{bytes} bytes with hash {sha256}, its manifest states {} with {}", entry.bytes, entry.sha256);
            return Err(Error::ReadBack { path: bucket.shown(&name), detail });
        }
        fs::rename(&part, &to).map_err(Error::io("replace", &to))?;
    }
    Ok(folder)
}

/// Writes a file of the mirror in one step, unless it says the same already. Several processes may do so at once.
pub(super) fn place(path: &Path, content: &[u8]) -> Result<(), Error> {
    if fs::read(path).is_ok_and(|found| found == content) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        local::create_folder(folder)?;
    }
    let part = aside(path);
    fs::write(&part, content).map_err(Error::io("write", &part))?;
    fs::rename(&part, path).map_err(Error::io("replace", path))
}

/// Removes what processes that died left half-way. One that lives may be at its own.
pub(super) fn sweep(mirror: &Path) -> Result<(), Error> {
    let mut folders = vec![mirror.to_path_buf()];
    for snapshot in folders_in(&mirror.join("snapshots"))? {
        folders.extend(folders_in(&snapshot)?);
        folders.push(snapshot);
    }
    for folder in folders {
        for path in local::names(&folder)?.iter().filter(|name| is_of_a_dead_process(name)).map(|name| folder.join(name)) {
            fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        }
    }
    Ok(())
}

fn folders_in(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    Ok(local::names(folder)?.into_iter().map(|name| folder.join(name)).filter(|path| path.is_dir()).collect())
}

/// Whether a name is one of [`aside`] and its process is gone. A system that does not tell of its processes keeps them all.
fn is_of_a_dead_process(name: &str) -> bool {
    let pid = name.strip_suffix(".part").and_then(|name| name.rsplit_once('.')).and_then(|(_, pid)| pid.parse::<u32>().ok());
    let processes = Path::new("/proc");
    name.starts_with('.') && processes.join("self").exists() && pid.is_some_and(|pid| !processes.join(pid.to_string()).exists())
}

/// A name beside a file's that no other process takes.
fn aside(path: &Path) -> PathBuf {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!(".{name}.{}.part", std::process::id()))
}
