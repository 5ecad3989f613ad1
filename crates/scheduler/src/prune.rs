//! What old runs leave on disk, and when it goes.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::ledger::Ledger;
use crate::record::Status;

/// The folders of a run that hold data rather than the story: as large as the input, and useful only to look into or
/// retry a recent run. `history`, which only a run that publishes hands on, goes after `staged`: a retry that finds what was staged
/// needs both, and one that does not reads the sources again.
const HEAVY: [&str; 3] = ["staged", "warehouse", "history"];
/// What queries put aside while they run; a run that died could not remove it.
const SPILL: &str = "spill";
/// How many finished runs of a pipeline keep their heavy folders: the last one and the one to compare it with.
const HEAVY_RUNS: usize = 2;
/// What is to be removed is first renamed to this and its name, so that nobody reads it half gone.
const REMOVING: &str = ".removing-";

impl Ledger {
    /// Removes what old finished runs of the pipeline keep on disk: the heavy folders (`staged`, `warehouse`, `history`)
    /// of all but the latest two and those that are held, and the whole folders of all but the latest `keep`. Only folders of
    /// this host are counted. Records stay in the ledger. Runs that say `running` are neither counted nor touched.
    ///
    /// The rows of old slots go too, by the rule of [`SlotLedger::prune`](crate::SlotLedger::prune).
    ///
    /// [`Error::Locked`] while a run of the pipeline is under way: it may be an old one that is taken up again. The lock is
    /// held for the moment in which folders are put aside, and not while they are removed, which takes as long as they are large.
    ///
    /// Returns the folders that were removed, newest run first.
    pub fn prune(&self, pipeline: &str, keep: usize) -> Result<Vec<PathBuf>, Error> {
        // First, because what a dead one left may have the name of what is put aside.
        self.clear_leftovers()?;
        self.slots().prune(pipeline)?;
        let lock = self.lock(pipeline)?;
        let removed = self.put_aside(pipeline, keep);
        drop(lock);
        // Also what was put aside before something failed.
        self.clear_leftovers()?;
        removed
    }

    /// Renames what is to be removed. The caller has the pipeline's lock, so a run keeps the status that is read here.
    fn put_aside(&self, pipeline: &str, keep: usize) -> Result<Vec<PathBuf>, Error> {
        let on_disk: BTreeSet<String> = self.runs.names()?.into_iter().collect();
        let statuses = self.index.statuses(pipeline)?.into_iter();
        let finished = statuses.filter(|(run_id, status)| status != Status::Running.as_str() && on_disk.contains(run_id));
        let mut removed = Vec::new();
        for (age, (run_id, status)) in finished.enumerate() {
            let folder = self.runs.of(&run_id);
            if age >= keep {
                self.rename(&folder, &run_id)?;
                removed.push(folder);
                continue;
            }
            if folder.join(SPILL).is_dir() {
                self.rename(&folder.join(SPILL), &format!("{run_id}-{SPILL}"))?;
            }
            if age >= HEAVY_RUNS && status != Status::Held.as_str() {
                for part in HEAVY {
                    let path = folder.join(part);
                    if path.is_dir() {
                        self.rename(&path, &format!("{run_id}-{part}"))?;
                        removed.push(path);
                    }
                }
            }
        }
        Ok(removed)
    }

    /// Removes what was put aside, by this prune or by one that died before it could.
    fn clear_leftovers(&self) -> Result<(), Error> {
        let failed = |source| Error::ListRuns { path: self.runs.path().to_owned(), source };
        for entry in fs::read_dir(self.runs.path()).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name().to_string_lossy().starts_with(REMOVING) {
                remove_all(&entry.path())?;
            }
        }
        Ok(())
    }

    fn rename(&self, path: &Path, name: &str) -> Result<(), Error> {
        let aside = self.runs.path().join(format!("{REMOVING}{name}"));
        match fs::rename(path, &aside) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::Remove { path: path.to_owned(), source: error }),
            _ => Ok(()),
        }
    }
}

/// Removes a folder. That somebody else removed it at the same time is no failure.
fn remove_all(path: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::Remove { path: path.to_owned(), source: error }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Outcome, Slot};
    use chrono::{TimeDelta, TimeZone, Utc};

    /// Five finished runs of `weekly` with heavy folders, one of `daily`, and one of `weekly` that died and says that it runs.
    fn five_runs(state: &Path) -> (Ledger, Vec<PathBuf>, PathBuf) {
        let ledger = Ledger::open(state).unwrap();
        let monday = Utc.with_ymd_and_hms(2026, 1, 5, 11, 0, 0).unwrap();
        let begin = |pipeline, week| {
            let now = monday + TimeDelta::weeks(week);
            let run = ledger.begin(pipeline, &Slot::manual(now, chrono_tz::UTC, None), now, "0.1.0").unwrap();
            for part in ["staged", "warehouse", "history", "rejects"] {
                fs::create_dir(run.folder().join(part)).unwrap();
                fs::write(run.folder().join(part).join("sales.parquet"), "PAR1").unwrap();
            }
            run
        };
        let finish = |pipeline, week| {
            let run = begin(pipeline, week);
            let folder = run.folder().to_owned();
            run.finish(Outcome::NotPublished, monday).unwrap();
            folder
        };
        finish("daily", 0);
        let folders = (0..5).map(|week| finish("weekly", week)).collect();
        let dead = begin("weekly", 5).folder().to_owned();
        (ledger, folders, dead)
    }

    #[test]
    fn the_latest_two_keep_all_and_the_rest_goes_by_age() {
        let state = tempfile::tempdir().unwrap();
        let (ledger, weekly, dead) = five_runs(state.path());

        let removed = ledger.prune("weekly", 3).unwrap();
        let mut expected = HEAVY.map(|part| weekly[2].join(part)).to_vec();
        expected.extend([weekly[1].clone(), weekly[0].clone()]);
        assert_eq!(removed, expected);
        assert!(!weekly[2].join("history").exists());
        assert!(expected.iter().all(|path| !path.exists()));
        assert!(weekly[2].join("rejects/sales.parquet").is_file() && weekly[2].join("run.json").is_file());
        for folder in [&weekly[3], &weekly[4], &dead, &ledger.folder("daily-20260105T110000Z")] {
            assert!(folder.join("staged/sales.parquet").is_file(), "{}", folder.display());
            assert!(folder.join("warehouse/sales.parquet").is_file(), "{}", folder.display());
        }
        assert_eq!(ledger.runs(Some("weekly"), 10).unwrap().len(), 6, "the ledger remembers pruned runs");
        assert_eq!(ledger.prune("weekly", 3).unwrap(), Vec::<PathBuf>::new());
        assert_eq!(ledger.prune("weekly", 0).unwrap().len(), 3);
        assert!(dead.join("staged/sales.parquet").is_file());
    }

    #[test]
    fn what_a_dead_prune_left_is_removed_and_is_no_run() {
        let state = tempfile::tempdir().unwrap();
        let (ledger, weekly, _) = five_runs(state.path());
        let aside = state.path().join("runs/.removing-weekly-20260105T110000Z");
        fs::rename(&weekly[0], &aside).unwrap();
        assert_eq!(ledger.runs.names().unwrap().len(), 6);
        assert_eq!(ledger.prune("weekly", 9).unwrap().len(), 6, "three heavy folders of two runs");
        assert!(!aside.exists());
    }

    #[test]
    fn putting_aside_renames_and_what_it_renamed_goes_afterwards() {
        let state = tempfile::tempdir().unwrap();
        let (ledger, weekly, _) = five_runs(state.path());
        assert_eq!(ledger.put_aside("weekly", 4).unwrap().len(), 7, "three heavy folders of two runs, and a run");
        for path in ["weekly-20260105T110000Z/staged", "weekly-20260112T110000Z-staged", "weekly-20260119T110000Z-warehouse"] {
            assert!(state.path().join(format!("runs/.removing-{path}/sales.parquet")).is_file(), "{path}");
        }
        assert!(!weekly[0].exists() && weekly[1].join("run.json").is_file());
        ledger.clear_leftovers().unwrap();
        assert_eq!(ledger.runs.names().unwrap().len(), fs::read_dir(state.path().join("runs")).unwrap().count());
    }
}
