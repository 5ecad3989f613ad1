//! The ledger: every run that began, and what became of it.

use std::error::Error as StdError;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, SubsecRound, Utc};

use crate::database::Database;
use crate::error::Error;
use crate::index::{Index, RunFilter};
use crate::lock::{Holder, PipelineLock, host_name};
use crate::record::{Publish, RunRecord, Status};
use crate::run::Run;
use crate::runs_folder::RunsFolder;
use crate::slot::Slot;
use crate::slots::SlotLedger;

pub(crate) const DATABASE: &str = "consumer360.db";

/// The runs of one state folder, or of all hosts that share a PostgreSQL. Any number of threads and processes may have it
/// open, and it may be used on the threads of an async runtime, which it blocks as a disk does.
#[derive(Debug)]
pub struct Ledger {
    pub(crate) locks: PathBuf,
    pub(crate) runs: RunsFolder,
    pub(crate) index: Index,
    pub(crate) database: Database,
}

/// What of the disk was added to a database.
pub(crate) struct Adopted {
    pub runs: usize,
    pub slots: usize,
    /// Why other folders were left out.
    pub left_out: Vec<Error>,
}

impl Ledger {
    /// Opens the ledger in the folder `state`, and makes what is missing. Runs on disk that the database does not know
    /// are added to it, so a database that was lost comes back, but for the runs whose folders were pruned.
    ///
    /// A folder that holds no readable record is left out with a warning: one bad record must not stop the next run.
    pub fn open(state: &Path) -> Result<Self, Error> {
        let runs = RunsFolder::open(state.join("runs"))?;
        Self::on(state, runs, Database::file(&state.join(DATABASE))?)
    }

    /// Opens the ledger that hosts share on the PostgreSQL of this url, and makes the tables that are missing. Run folders
    /// stay in `state` on the host that ran, and those that the database does not know are added to it as by
    /// [`open`](Self::open).
    ///
    /// The url's `sslmode` says whether TLS is used: `disable`, `prefer` (the default) or `require`.
    pub fn connect(state: &Path, url: &str) -> Result<Self, Error> {
        let runs = RunsFolder::open(state.join("runs"))?;
        Self::on(state, runs, Database::server(url)?)
    }

    fn on(state: &Path, runs: RunsFolder, database: Database) -> Result<Self, Error> {
        let ledger = Self::bare(state, runs, database)?;
        for error in ledger.adopt()?.left_out {
            tracing::warn!(error = &error as &dyn StdError, "a folder among the runs is left out");
        }
        Ok(ledger)
    }

    /// The ledger as its database is.
    pub(crate) fn bare(state: &Path, runs: RunsFolder, database: Database) -> Result<Self, Error> {
        let locks = state.join("locks");
        fs::create_dir_all(&locks).map_err(|source| Error::CreateFolder { path: locks.clone(), source })?;
        Ok(Self { locks, runs, index: Index::new(database.clone()), database })
    }

    /// Begins a run: takes the pipeline's lock, which the run keeps until it is finished or dropped, and makes its
    /// folder and its record. Earlier runs of the pipeline that still say `running` are marked interrupted, as only a
    /// process that died leaves such a record without the lock.
    ///
    /// When another process has the lock the error is [`Error::Locked`], which names the holder.
    pub fn begin(&self, pipeline: &str, slot: &Slot, now: DateTime<Utc>, version: &str) -> Result<Run, Error> {
        check_name(pipeline)?;
        let now = now.trunc_subsecs(3);
        let mut lock = self.lock(pipeline)?;
        // A run may have left its folder but not its row, if it died between the two. Opening warned of bad folders.
        self.adopt()?;
        self.interrupt_dead_runs(&lock, pipeline)?;
        self.remove_unborn(pipeline)?;
        let run_id = self.create_folder(pipeline, now)?;
        lock.sign(&Holder::this_process(&run_id, now))?;
        let record = RunRecord {
            run_id,
            pipeline: pipeline.to_owned(),
            version: version.to_owned(),
            status: Status::Running,
            day: slot.day,
            scheduled_at: slot.scheduled_at,
            as_of: slot.as_of,
            started_at: now,
            finished_at: None,
            stages: Vec::new(),
            snapshot: None,
            unchanged: false,
            failed_stage: None,
            message: None,
            may_pass: false,
            facts: serde_json::Value::Null,
            file: None,
            publish: Publish::default(),
            host: Some(host_name()),
            epoch: lock.epoch(),
            earlier_attempts: Vec::new(),
            slot: None,
        };
        Run::start(record, *slot, self.runs.clone(), self.index.clone(), lock)
    }

    /// Takes up a run that failed, was interrupted or is held: the same id, folder, slot and `as_of`. What its last attempt
    /// came to stays in the record.
    pub fn begin_again(&self, run_id: &str, now: DateTime<Utc>, version: &str) -> Result<Run, Error> {
        let pipeline = self.local(run_id)?.pipeline;
        let now = now.trunc_subsecs(3);
        let mut lock = self.lock(&pipeline)?;
        self.interrupt_dead_runs(&lock, &pipeline)?;
        // Read under the lock: another process may have taken it up in between.
        let mut record = self.local(run_id)?;
        if !record.status.can_be_retried() {
            return Err(Error::NothingToRetry { run_id: run_id.to_owned(), status: record.status });
        }
        lock.sign(&Holder::this_process(run_id, now))?;
        record.begin_again(now, version);
        record.host = Some(host_name());
        record.epoch = lock.epoch();
        let slot = Slot { day: record.day, scheduled_at: record.scheduled_at, as_of: record.as_of };
        Run::start(record, slot, self.runs.clone(), self.index.clone(), lock)
    }

    /// Who holds the pipeline's lock, if anybody does.
    pub fn holder(&self, pipeline: &str) -> Result<Option<Holder>, Error> {
        PipelineLock::holder(&self.locks, &self.database, pipeline)
    }

    /// Whether anybody holds the pipeline's lock.
    pub fn is_held(&self, pipeline: &str) -> Result<bool, Error> {
        match self.holder(pipeline) {
            Ok(holder) => Ok(holder.is_some()),
            Err(error) if error.is_locked() => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Whether a run of the pipeline that is not ended has died: nobody holds the pipeline's lock, nor will take it back. On a server
    /// that is known a minute and a half after the last sign of life.
    pub fn is_abandoned(&self, pipeline: &str) -> Result<bool, Error> {
        PipelineLock::is_abandoned(&self.locks, &self.database, pipeline)
    }

    pub(crate) fn lock(&self, pipeline: &str) -> Result<PipelineLock, Error> {
        PipelineLock::take(&self.locks, &self.database, pipeline)
    }

    /// The record of a run that is to be taken up again: its folder must be here.
    fn local(&self, run_id: &str) -> Result<RunRecord, Error> {
        if !self.runs.of(run_id).is_dir()
            && let Some(RunRecord { host: Some(host), .. }) = self.index.exact(run_id)?
            && self.database.shared().is_some()
        {
            return Err(Error::RanElsewhere { run_id: run_id.to_owned(), host });
        }
        let record = self.runs.read(run_id)?;
        // Another host may have settled a run that died here; here it says that it runs.
        match record.status {
            Status::Running => Ok(self.index.exact(run_id)?.unwrap_or(record)),
            _ => Ok(record),
        }
    }

    /// The latest `limit` runs of one pipeline or of all, newest first.
    pub fn runs(&self, pipeline: Option<&str>, limit: usize) -> Result<Vec<RunRecord>, Error> {
        self.index.latest(pipeline, limit)
    }

    /// The names of all pipelines that ever ran, in order.
    pub fn pipelines(&self) -> Result<Vec<String>, Error> {
        self.index.pipelines()
    }

    /// The latest run of the pipeline that ended, or stands, so.
    pub fn latest_of_status(&self, pipeline: &str, status: Status) -> Result<Option<RunRecord>, Error> {
        self.index.latest_of_status(pipeline, status)
    }

    /// A page of the runs that a filter lets through, newest first.
    pub fn page(&self, filter: RunFilter<'_>, offset: u64, limit: u64) -> Result<Vec<RunRecord>, Error> {
        self.index.page(filter, offset, limit)
    }

    /// How many runs a filter lets through.
    pub fn count(&self, filter: RunFilter<'_>) -> Result<u64, Error> {
        self.index.count(filter)
    }

    /// The run of this id, or the only one whose id begins so, or the newest of all for `latest`.
    pub fn run(&self, id: &str) -> Result<Option<RunRecord>, Error> {
        match id {
            "" => Ok(None),
            "latest" => Ok(self.index.latest(None, 1)?.pop()),
            id => self.index.find(id),
        }
    }

    /// The slots of the pipelines' schedules, in the same database.
    pub fn slots(&self) -> SlotLedger<'_> {
        SlotLedger::new(self)
    }

    /// Where the run of this id keeps its files. The folder may have been pruned.
    pub fn folder(&self, run_id: &str) -> PathBuf {
        self.runs.of(run_id)
    }

    /// Adds the runs on disk that the index does not know, and the slots that they filled.
    pub(crate) fn adopt(&self) -> Result<Adopted, Error> {
        let mut found = Vec::new();
        let mut left_out = Vec::new();
        for name in self.index.unknown(self.runs.names()?)? {
            match self.runs.read(&name) {
                Ok(record) => found.push(record),
                Err(error) => left_out.push(error),
            }
        }
        let mut slots = 0;
        if !found.is_empty() {
            self.index.add(&found)?;
            slots = self.slots().bring_back(&found)?;
        }
        Ok(Adopted { runs: found.len(), slots, left_out })
    }

    /// Marks as interrupted the runs of the pipeline that say `running` though no process holds its lock; returns their ids.
    pub fn settle_dead_runs(&self, pipeline: &str) -> Result<Vec<String>, Error> {
        let lock = self.lock(pipeline)?;
        let running = self.index.of_status(pipeline, Status::Running)?;
        self.interrupt_dead_runs(&lock, pipeline)?;
        Ok(running.into_iter().map(|record| record.run_id).collect())
    }

    /// Settles the runs that the index believes to be under way. The caller has the pipeline's lock, so none is.
    pub(crate) fn interrupt_dead_runs(&self, lock: &PipelineLock, pipeline: &str) -> Result<(), Error> {
        for indexed in self.index.of_status(pipeline, Status::Running)? {
            // The record on disk is the truth: the run may have finished and died before it told the index.
            let mut record = self.runs.read(&indexed.run_id).unwrap_or(indexed);
            if record.status == Status::Running {
                record.interrupt();
                tracing::warn!(run_id = %record.run_id, "an earlier run died; it is marked interrupted");
                if self.runs.of(&record.run_id).is_dir() {
                    self.runs.write(&record)?;
                }
            }
            self.index.put_of_dead(&record, lock.epoch())?;
        }
        Ok(())
    }

    /// Removes the folders of runs of the pipeline that died before they had a record. The caller has the pipeline's lock.
    fn remove_unborn(&self, pipeline: &str) -> Result<(), Error> {
        let is_of_it = |name: &str| name.strip_prefix(pipeline).and_then(|rest| rest.strip_prefix('-')).is_some_and(is_stamp);
        let names = self.runs.names()?.into_iter().filter(|name| is_of_it(name)).collect();
        self.index.unknown(names)?.iter().try_for_each(|name| self.runs.remove_unborn(name))
    }

    /// Makes the folder of a new run, and so its id. The lock keeps other runs of the pipeline from the same id.
    fn create_folder(&self, pipeline: &str, now: DateTime<Utc>) -> Result<String, Error> {
        let first = format!("{pipeline}-{}", now.format("%Y%m%dT%H%M%SZ"));
        let mut run_id = first.clone();
        let mut number = 1_u64;
        // The index remembers runs whose folders were pruned; their ids are not given again either.
        while self.index.knows(&run_id)? || !self.runs.create(&run_id)? {
            number += 1;
            run_id = format!("{first}-{number}");
        }
        Ok(run_id)
    }
}

/// What follows a pipeline's name in the id of a run: `20260105T110000Z`, or that and `-2`.
fn is_stamp(text: &str) -> bool {
    let (stamp, number) = text.split_once('-').unwrap_or((text, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let day_and_time = stamp.strip_suffix('Z').and_then(|stamp| stamp.split_once('T'));
    day_and_time.is_some_and(|(day, time)| is_number(day) && is_number(time)) && is_number(number)
}

/// A pipeline's name becomes a file name and part of a folder name.
fn check_name(name: &str) -> Result<(), Error> {
    let plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
        return Err(Error::PipelineName { name: name.to_owned() });
    }
    Ok(())
}
