//! How many snapshots stay, and what earlier crashes left behind.

use std::cmp::Reverse;
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
/// A day's own snapshots do not count, so that running a day again compares with the same one. Neither do those that readers were
/// led away from: right figures would look wrong beside wrong ones.
pub(crate) fn previous<'a>(known: &'a [Manifest], withdrawn: &[String], as_of: NaiveDate) -> Option<&'a Manifest> {
    let earlier = |m: &&Manifest| m.as_of.parse::<NaiveDate>().is_ok_and(|day| day < as_of);
    known
        .iter()
        .filter(earlier)
        .filter(|m| !withdrawn.contains(&m.snapshot))
        .max_by_key(|m| (&m.as_of, &m.published_at, &m.snapshot))
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
/// past that were added behind them go before those, the earliest first, however late they were made; what readers were led away
/// from goes before all.
pub(crate) fn surplus<'a>(known: &'a [Manifest], current: &str, withdrawn: &[String], keep: usize) -> Vec<&'a str> {
    let is_withdrawn = |m: &Manifest| withdrawn.contains(&m.snapshot);
    let others = known.iter().filter(|m| m.snapshot != current);
    let (mut aside, seen): (Vec<&Manifest>, Vec<&Manifest>) = others.partition(|m| m.behind || is_withdrawn(m));
    aside.sort_by_key(|m| (is_withdrawn(m), Reverse((&m.as_of, &m.published_at))));
    seen.into_iter().chain(aside).map(|m| m.snapshot.as_str()).skip(keep.saturating_sub(1)).collect()
}

/// Keeps the snapshots that [`surplus`] leaves. A folder without a manifest of ours is not ours to remove.
pub(crate) fn prune(to: &Path, current: &str, withdrawn: &[String], keep: usize) -> Result<(), Error> {
    for name in surplus(&snapshots(to)?, current, withdrawn, keep) {
        local::remove_folder(&to.join("snapshots").join(name))?;
    }
    Ok(())
}

/// The manifest of a snapshot folder, if it has a readable one.
pub fn manifest(snapshot: &Path) -> Option<Manifest> {
    let text = std::fs::read(snapshot.join("manifest.json")).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot make its manifests has failed")]
mod tests {
    use super::*;

    /// Snapshots of these days, named by them and published in this order, as they are listed: the last first. Those of days before
    /// the first were added behind it.
    fn known(days: &[u32]) -> Vec<Manifest> {
        let manifest = |(place, day): (usize, &u32)| {
            let told = serde_json::json!({"snapshot": format!("of-{day}"), "pipeline": "", "as_of": format!("2025-01-{day:02}"),
                "published_at": format!("2025-02-01T00:00:{place:02}Z"), "run_id": "", "version": "", "checks_passed": 0,
                "checks_warned": 0, "behind": days.first().is_some_and(|first| day < first), "tables": []});
            serde_json::from_value::<Manifest>(told).unwrap()
        };
        let mut known: Vec<Manifest> = days.iter().enumerate().map(manifest).collect();
        last_first(&mut known);
        known
    }

    #[test]
    fn what_readers_were_led_away_from_is_no_measure() {
        let known = known(&[5, 4, 6]);
        let before = |withdrawn: &[String], day: u32| {
            let day = NaiveDate::from_ymd_opt(2025, 1, day).unwrap();
            previous(&known, withdrawn, day).map(|m| m.snapshot.clone())
        };
        assert_eq!(before(&[], 7).as_deref(), Some("of-6"));
        assert_eq!(before(&["of-6".to_owned()], 7).as_deref(), Some("of-5"));
        assert_eq!(before(&["of-6".to_owned()], 5).as_deref(), Some("of-4"));
        assert_eq!(before(&["of-4".to_owned()], 5), None);
    }

    #[test]
    fn what_readers_were_led_away_from_goes_first() {
        let known = known(&[5, 3, 4, 6, 7]);
        let withdrawn = ["of-6".to_owned()];
        assert_eq!(surplus(&known, "of-7", &withdrawn, 4), ["of-6"]);
        assert_eq!(surplus(&known, "of-7", &withdrawn, 2), ["of-4", "of-3", "of-6"]);
        assert_eq!(surplus(&known, "of-7", &[], 2), ["of-5", "of-4", "of-3"]);
    }
}
