//! How many snapshots stay, and what earlier crashes left behind.

use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use crate::error::Error;
use crate::local::{self, STAGING};
use crate::manifest::Manifest;
use crate::parts;

/// Removes what a run that died left under staging names.
pub(crate) fn sweep(to: &Path) -> Result<(), Error> {
    let snapshots = to.join("snapshots");
    for name in local::names(&snapshots)?.iter().filter(|n| n.ends_with(STAGING)) {
        let path = snapshots.join(name);
        std::fs::remove_dir_all(&path).map_err(Error::io("remove", &path))?;
        tracing::info!(path = %path.display(), "removed what an interrupted run left");
    }
    let current = to.join("current");
    let of_tables = local::names(&current)?.into_iter().filter(|name| parts::may_be(name)).map(|name| current.join(name));
    let of_tables: Vec<PathBuf> = of_tables.filter(|path| path.is_dir()).collect();
    for folder in [to.to_path_buf(), current].into_iter().chain(of_tables) {
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
pub(crate) fn previous(known: &[Manifest], as_of: NaiveDate) -> Option<&Manifest> {
    let earlier = |m: &&Manifest| m.as_of.parse::<NaiveDate>().is_ok_and(|day| day < as_of);
    known.iter().filter(earlier).max_by_key(|m| (&m.as_of, &m.published_at, &m.snapshot))
}

/// The snapshots of a folder, the one published last first; those without a readable manifest are not among them.
pub(crate) fn snapshots(to: &Path) -> Result<Vec<Manifest>, Error> {
    let folder = to.join("snapshots");
    let names = local::names(&folder)?;
    let whole = names.iter().filter(|name| !name.ends_with(STAGING));
    // What bears another's name cannot be found under it.
    let mut known: Vec<Manifest> =
        whole.filter_map(|name| manifest(&folder.join(name)).filter(|m| m.snapshot == *name)).collect();
    last_first(&mut known);
    Ok(known)
}

pub(crate) fn last_first(known: &mut [Manifest]) {
    known.sort_by(|a, b| (&b.published_at, &b.snapshot).cmp(&(&a.published_at, &a.snapshot)));
}

/// Names of the snapshots beyond the `keep` that readers saw last; the current one always stays. `known` has the last first. Days
/// past that were added behind them go before those, the earliest first, however late they were made.
pub(crate) fn surplus<'a>(known: &'a [Manifest], current: &str, keep: usize) -> Vec<&'a str> {
    let others = known.iter().filter(|m| m.snapshot != current);
    let (mut behind, seen): (Vec<&Manifest>, Vec<&Manifest>) = others.partition(|m| m.behind);
    behind.sort_by(|a, b| (&b.as_of, &b.published_at).cmp(&(&a.as_of, &a.published_at)));
    seen.into_iter().chain(behind).map(|m| m.snapshot.as_str()).skip(keep.saturating_sub(1)).collect()
}

/// Keeps the snapshots that [`surplus`] leaves. A folder without a manifest of ours is not ours to remove.
pub(crate) fn prune(to: &Path, current: &str, keep: usize) -> Result<(), Error> {
    for name in surplus(&snapshots(to)?, current, keep) {
        local::remove_folder(&to.join("snapshots").join(name))?;
    }
    Ok(())
}

/// The manifest of a snapshot folder, if it has a readable one.
pub fn manifest(snapshot: &Path) -> Option<Manifest> {
    let text = std::fs::read(snapshot.join("manifest.json")).ok()?;
    serde_json::from_slice(&text).ok()
}
