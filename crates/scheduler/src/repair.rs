//! A ledger that was lost or damaged, made again from the records on disk.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;

use crate::database::{Database, Sqlite};
use crate::error::Error;
use crate::ledger::{Adopted, DATABASE, Ledger};
use crate::lock::all_are_free;
use crate::record::{Publish, RunRecord, Status};
use crate::runs_folder::RunsFolder;

/// What SQLite keeps beside a database.
const BESIDE: [&str; 4] = ["", "-journal", "-wal", "-shm"];

/// What a repair did.
#[derive(Debug)]
pub struct Repaired {
    /// Where a damaged database lies now.
    pub moved_to: Option<PathBuf>,
    /// Whether there was no database that could be read.
    pub was_lost: bool,
    /// Runs that were added from their records.
    pub runs: usize,
    /// Slots that were added from the records of the runs that filled them.
    pub slots: usize,
    /// Why folders among the runs were left out.
    pub left_out: Vec<Error>,
}

impl Ledger {
    /// Opens the ledger in the folder `state`, after moving aside a database that is damaged, and adds to it what the run
    /// folders tell. Nothing is deleted. [`Error::Locked`] while a run is under way and the database is damaged.
    pub fn repair(state: &Path, now: DateTime<Utc>) -> Result<(Self, Repaired), Error> {
        let runs = RunsFolder::open(state.join("runs"))?;
        let path = state.join(DATABASE);
        let was_there = path.exists();
        let moved_to = match Sqlite::prove(&path) {
            Ok(()) => None,
            Err(Error::DatabaseDamaged { .. }) => {
                all_are_free(&state.join("locks"))?;
                Some(move_aside(&path, now)?)
            }
            Err(error) => return Err(error),
        };
        let ledger = Self::bare(state, runs, Database::file(&path)?)?;
        let Adopted { runs, slots, left_out } = ledger.adopt()?;
        // Of the sources nothing more is to be brought back: what they were is in the records just added, and watermarks lie in
        // files of their own, beside the rows that they belong to.
        Ok((ledger, Repaired { was_lost: !was_there || moved_to.is_some(), moved_to, runs, slots, left_out }))
    }

    /// Adds runs that neither the ledger nor a folder knows, as the manifests of their snapshots tell of them; returns how
    /// many.
    pub fn bring_back(&self, snapshots: Vec<Told>) -> Result<usize, Error> {
        let ids = self.index.unknown(snapshots.iter().map(|told| told.run_id.clone()).collect())?;
        let mut records: Vec<RunRecord> = Vec::new();
        for told in snapshots.into_iter().filter(|told| ids.contains(&told.run_id)) {
            // One run may have made the same snapshot known twice.
            if records.iter().all(|record| record.run_id != told.run_id) {
                records.push(told.record());
            }
        }
        self.index.add(&records)?;
        Ok(records.len())
    }
}

/// What a snapshot's manifest tells of the run that made it.
#[derive(Debug, Clone)]
pub struct Told {
    pub run_id: String,
    pub pipeline: String,
    pub version: String,
    pub snapshot: String,
    pub as_of: NaiveDate,
    pub published_at: DateTime<Utc>,
    /// Made of a day past, behind what readers saw: they were never led to it.
    pub behind: bool,
    pub facts: Value,
    pub file: PathBuf,
}

impl Told {
    fn record(self) -> RunRecord {
        RunRecord {
            run_id: self.run_id,
            pipeline: self.pipeline,
            version: self.version,
            status: if self.behind { Status::NotPublished } else { Status::Published },
            day: self.published_at.date_naive(),
            scheduled_at: self.published_at,
            as_of: Some(self.as_of),
            started_at: self.published_at,
            finished_at: Some(self.published_at),
            stages: Vec::new(),
            snapshot: Some(self.snapshot),
            unchanged: false,
            failed_stage: None,
            message: Some("its record was lost; this is what the manifest of its snapshot tells".to_owned()),
            may_pass: false,
            facts: self.facts,
            file: Some(self.file),
            publish: if self.behind { Publish::Behind } else { Publish::default() },
            host: None,
            epoch: 0,
            earlier_attempts: Vec::new(),
            slot: None,
        }
    }
}

/// Renames the database and what SQLite keeps beside it.
fn move_aside(path: &Path, now: DateTime<Utc>) -> Result<PathBuf, Error> {
    let named = |end: &str| path.with_file_name(format!("{DATABASE}{end}"));
    let aside = format!(".damaged-{}", now.format("%Y%m%dT%H%M%SZ"));
    for end in BESIDE {
        let (from, to) = (named(end), named(&format!("{aside}{end}")));
        match fs::rename(&from, &to) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => return Err(Error::MoveAside { path: from, source }),
            _ => {}
        }
    }
    Ok(named(&aside))
}
