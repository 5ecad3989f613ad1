//! How many snapshots stay, and what earlier crashes left behind.

use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use crate::error::Error;
use crate::local::{self, STAGING};
use crate::manifest::Manifest;

/// Removes what a run that died left under staging names.
pub(crate) fn sweep(to: &Path) -> Result<(), Error> {
    let snapshots = to.join("snapshots");
    for name in local::names(&snapshots)?.iter().filter(|n| n.ends_with(STAGING)) {
        let path = snapshots.join(name);
        std::fs::remove_dir_all(&path).map_err(Error::io("remove", &path))?;
        tracing::info!(path = %path.display(), "removed what an interrupted run left");
    }
    for folder in [to.to_path_buf(), to.join("current")] {
        for name in local::names(&folder)?.iter().filter(|n| n.starts_with('.') && n.ends_with(STAGING)) {
            let path = folder.join(name);
            std::fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        }
    }
    Ok(())
}

/// The snapshot that was current before `as_of`: of those seen from the latest earlier day the one published last.
///
/// A day's own snapshots do not count, so that running a day again compares with the same one.
pub fn previous(to: &Path, as_of: NaiveDate) -> Result<Option<PathBuf>, Error> {
    let snapshots = to.join("snapshots");
    let mut known = Vec::new();
    for name in local::names(&snapshots)?.into_iter().filter(|n| !n.ends_with(STAGING)) {
        let folder = snapshots.join(name);
        let Some(manifest) = read_manifest(&folder) else { continue };
        if let Some(day) = manifest.as_of.parse::<NaiveDate>().ok().filter(|day| *day < as_of) {
            known.push((day, manifest.published_at, folder));
        }
    }
    Ok(known.into_iter().max().map(|(_, _, folder)| folder))
}

/// Keeps the `keep` snapshots published last; the current one always stays.
pub(crate) fn prune(to: &Path, current: &str, keep: usize) -> Result<(), Error> {
    let snapshots = to.join("snapshots");
    let mut known = Vec::new();
    for name in local::names(&snapshots)? {
        // A folder without a manifest of ours is not ours to remove.
        if let Some(manifest) = read_manifest(&snapshots.join(&name)) {
            known.push((manifest.snapshot == current, manifest.published_at, name));
        }
    }
    known.sort();
    let surplus = known.len().saturating_sub(keep);
    for (is_current, _, name) in known.into_iter().take(surplus) {
        if !is_current {
            local::remove_folder(&snapshots.join(&name))?;
        }
    }
    Ok(())
}

/// The manifest of a snapshot folder, if it has a readable one.
pub fn manifest(snapshot: &Path) -> Option<Manifest> {
    read_manifest(snapshot)
}

pub(crate) fn read_manifest(snapshot: &Path) -> Option<Manifest> {
    let text = std::fs::read(snapshot.join("manifest.json")).ok()?;
    serde_json::from_slice(&text).ok()
}
