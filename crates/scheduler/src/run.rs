//! A run under way.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, SubsecRound, TimeDelta, Utc};
use serde_json::Value;

use crate::clock;
use crate::error::Error;
use crate::index::Index;
use crate::lock::PipelineLock;
use crate::outcome::Outcome;
use crate::record::{FilledSlot, Publish, RunRecord, Stage, StageRecord};
use crate::runs_folder::RunsFolder;
use crate::slot::Slot;
use crate::slots::SlotRecord;

/// A run under way, and the lock on its pipeline. Every change is on disk when the call returns.
///
/// Dropped without [`finish`](Run::finish), it frees the lock and leaves the record as `running`; the next begin of
/// the pipeline marks it interrupted.
#[derive(Debug)]
#[must_use = "a run that is dropped counts as interrupted"]
pub struct Run {
    record: RunRecord,
    slot: Slot,
    folder: PathBuf,
    runs: RunsFolder,
    index: Index,
    lock: PipelineLock,
}

impl Run {
    pub(crate) fn start(
        record: RunRecord,
        slot: Slot,
        runs: RunsFolder,
        index: Index,
        lock: PipelineLock,
    ) -> Result<Self, Error> {
        let folder = runs.of(&record.run_id);
        let run = Self { record, slot, folder, runs, index, lock };
        run.save()?;
        Ok(run)
    }

    pub fn id(&self) -> &str {
        &self.record.run_id
    }

    /// The fencing number of the pipeline's lock: larger than that of every holder before. What the run writes into the
    /// ledger carries it, so that a writer who lost the lock unawares is told from the one who took it.
    pub fn epoch(&self) -> u64 {
        self.lock.epoch()
    }

    /// Where the run keeps its files: `<state>/runs/<run_id>`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn slot(&self) -> &Slot {
        &self.slot
    }

    /// What becomes of the snapshot, as the first attempt was asked.
    pub fn publish(&self) -> Publish {
        self.record.publish
    }

    /// Notes what becomes of the snapshot, so that a retry keeps to it.
    pub fn set_publish(&mut self, publish: Publish) -> Result<(), Error> {
        self.record.publish = publish;
        self.save()
    }

    /// Notes the day that the figures stand for, once it is known.
    pub fn set_as_of(&mut self, as_of: NaiveDate) -> Result<(), Error> {
        self.record.as_of = Some(as_of);
        self.save()
    }

    /// Notes the pipeline file, so that a retry finds it.
    pub fn set_file(&mut self, file: &Path) -> Result<(), Error> {
        self.record.file = Some(file.to_path_buf());
        self.save()
    }

    /// Notes the slot of the schedule that the run fills, once it has claimed it.
    pub fn set_slot(&mut self, slot: &SlotRecord) -> Result<(), Error> {
        self.record.slot = Some(FilledSlot {
            local: slot.local.clone(),
            planned_at: slot.planned_at,
            late_seconds: slot.late_seconds,
            attempts: slot.attempts,
            in_turn: slot.in_turn,
        });
        self.save()
    }

    /// Notes whether what is about to end the run may pass by itself.
    pub fn set_may_pass(&mut self, may_pass: bool) {
        self.record.may_pass = may_pass;
    }

    /// Notes that a stage begins now.
    pub fn stage_started(&mut self, stage: Stage) -> Result<(), Error> {
        self.record.stages.push(StageRecord { stage, started_at: clock::now(), seconds: None, facts: Value::Null });
        self.save()
    }

    /// Notes that a stage ended well, how long it took, and what it says of itself. A stage that failed is not
    /// finished; the outcome names it.
    pub fn stage_finished(&mut self, stage: Stage, elapsed: Duration, facts: Value) -> Result<(), Error> {
        let seconds = Some((elapsed.as_secs_f64() * 1000.0).round() / 1000.0);
        let open = |entry: &&mut StageRecord| entry.stage == stage && entry.seconds.is_none();
        if let Some(entry) = self.record.stages.iter_mut().rev().find(open) {
            entry.seconds = seconds;
            entry.facts = facts;
        } else {
            // Its start was not noted; that it happened is still worth more than an error.
            let now = clock::now();
            let started_at = TimeDelta::from_std(elapsed).ok().and_then(|elapsed| now.checked_sub_signed(elapsed));
            let started_at = started_at.unwrap_or(now).trunc_subsecs(3);
            self.record.stages.push(StageRecord { stage, started_at, seconds, facts });
        }
        self.save()
    }

    /// Notes how the run ended, and frees the lock. [`Error::Fenced`] when another has taken the lock meanwhile: then what
    /// the other noted stands.
    pub fn finish(mut self, outcome: Outcome, now: DateTime<Utc>) -> Result<(), Error> {
        outcome.settle(&mut self.record, now.trunc_subsecs(3));
        self.save()
    }

    /// The record on disk is the truth on this host, and the index can be made from it: it is written before the index,
    /// once it is certain that nobody else has taken the lock, and also when the index cannot be reached.
    fn save(&self) -> Result<(), Error> {
        let saved = self.index.put(&self.record, || self.runs.write(&self.record));
        if let Err(error) = &saved
            && !matches!(error, Error::Fenced { .. })
        {
            self.runs.write(&self.record)?;
        }
        saved
    }
}
