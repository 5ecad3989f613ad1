//! What becomes of open slots when the process that ran them is gone.

use std::collections::BTreeMap;

use chrono::{DateTime, SubsecRound, Utc};

use crate::database::Connection;
use crate::error::Error;
use crate::record::{RunRecord, Status};
use crate::schedule::{OnMissed, Schedule, length};
use crate::slots::change::end_slot;
use crate::slots::decide::reason_to_miss;
use crate::slots::row::{self, SlotEnd, SlotRecord, SlotState};
use crate::slots::watch::Watch;
use crate::slots::{GRACE, SlotDecision, SlotLedger};

/// A slot whose runs die this often is given up: what kills them is likely the run itself, such as one that wants more
/// memory than there is.
const MOST_ATTEMPTS: u32 = 3;

/// What is found of the slots that a process left open when it died.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Those to run, oldest first.
    pub due: Vec<SlotDecision>,
    /// Those that are settled by this, oldest first. Who would have told of them is gone.
    pub settled: Vec<SlotRecord>,
}

/// What is known of the run of a slot.
enum Fate {
    /// It is under way in another process.
    Alive,
    Ended(SlotEnd, Option<String>),
    /// Its process ended before the run did.
    Dead,
}

impl SlotLedger<'_> {
    /// Settles the slots that a process left open when it died, and returns them and those to run. A process that runs slots
    /// calls it when it starts, before its first tick.
    ///
    /// A running slot whose run ended gets that end. One whose run died, and one that never began, runs by the rules for
    /// missed slots, a dead one three times at most. While another process runs the pipeline, which its lock shows,
    /// that process's slots are left alone and none is to run.
    pub fn recover(&self, pipeline: &str, schedule: &Schedule, now: DateTime<Utc>) -> Result<Recovered, Error> {
        let now = now.trunc_subsecs(3);
        if self.open_slots(pipeline)?.is_empty() {
            return Ok(Recovered::default());
        }
        let lock = match self.ledger.lock(pipeline) {
            Ok(lock) => Some(lock),
            Err(error) if error.is_locked() => None,
            Err(error) => return Err(error),
        };
        if let Some(lock) = &lock {
            // A run may have left its folder but not its row. Opening the ledger warned of bad folders.
            self.ledger.adopt()?;
            self.ledger.interrupt_dead_runs(lock, pipeline)?;
        }
        let runs = self.runs_of_open_slots(pipeline)?;
        let mut settled = self.ledger.database.write("recover slots", |connection| {
            let mut settled = Vec::new();
            let paused = Watch::read(connection, pipeline)?.is_some_and(|watch| watch.paused_at.is_some());
            // Newest first, so that an older one sees whether a newer one is to run.
            for slot in row::open(connection, pipeline)?.into_iter().rev() {
                let run = slot.run_id.as_ref().and_then(|run_id| runs.get(run_id));
                let changed = match slot.state {
                    SlotState::Running => match fate(run, lock.is_some()) {
                        Fate::Alive => None,
                        Fate::Ended(end, reason) => Some(ended(slot, end, reason, now)),
                        Fate::Dead => Some(retried(connection, schedule, slot, paused, now)?),
                    },
                    _ if lock.is_none() => None,
                    _ => Some(kept(connection, schedule, slot, now)?),
                };
                if let Some(slot) = changed {
                    row::update(connection, &slot)?;
                    settled.extend(Some(slot).filter(|slot| !slot.state.is_open()));
                }
            }
            Ok(settled)
        })?;
        settled.reverse();
        let due = if lock.is_some() { self.due(pipeline, schedule, now)? } else { Vec::new() };
        Ok(Recovered { due, settled })
    }

    /// Whether a slot is left that nobody settles: its run is over, and whoever began it would have settled it at once. One whose
    /// run may be tried again is no such slot, as it may be between two attempts.
    pub fn is_left(&self, pipeline: &str) -> Result<bool, Error> {
        let running = self.open_slots(pipeline)?.into_iter().filter(|slot| slot.state == SlotState::Running);
        let mut is_over = false;
        for run_id in running.filter_map(|slot| slot.run_id) {
            is_over |= self.ledger.index.exact(&run_id)?.is_none_or(|run| !run.may_pass);
        }
        Ok(is_over && self.ledger.is_abandoned(pipeline)?)
    }

    fn runs_of_open_slots(self, pipeline: &str) -> Result<BTreeMap<String, RunRecord>, Error> {
        let mut runs = BTreeMap::new();
        for run_id in self.open_slots(pipeline)?.into_iter().filter_map(|slot| slot.run_id) {
            if let Some(run) = self.ledger.index.exact(&run_id)? {
                runs.insert(run_id, run);
            }
        }
        Ok(runs)
    }
}

fn ended(mut slot: SlotRecord, end: SlotEnd, reason: Option<String>, now: DateTime<Utc>) -> SlotRecord {
    end_slot(&mut slot, end, reason, now);
    slot
}

/// A slot whose run died: it runs again, or has failed.
fn retried(
    connection: &Connection<'_>,
    schedule: &Schedule,
    mut slot: SlotRecord,
    paused: bool,
    now: DateTime<Utc>,
) -> Result<SlotRecord, Error> {
    let why_not = if slot.attempts >= MOST_ATTEMPTS {
        Some(format!("{MOST_ATTEMPTS} runs of it died"))
    } else if paused {
        Some("the pipeline is paused".to_owned())
    } else {
        reason_to_miss(schedule, now - slot.scheduled_at, newer(connection, &slot)?)
    };
    if let Some(why_not) = why_not {
        return Ok(ended(slot, SlotEnd::Failed, Some(format!("its run died; it is not run again: {why_not}")), now));
    }
    slot.state = SlotState::Due;
    slot.in_turn = schedule.on_missed == OnMissed::All;
    slot.reason = Some("its run died; it is run again".to_owned());
    slot.decided_at = now;
    Ok(slot)
}

/// A slot that was to run and did not begin: it still is to run, or is missed.
fn kept(connection: &Connection<'_>, schedule: &Schedule, mut slot: SlotRecord, now: DateTime<Utc>) -> Result<SlotRecord, Error> {
    if now - slot.planned_at > GRACE {
        let late = now - slot.scheduled_at;
        slot.late_seconds = late.num_seconds();
        if let Some(reason) = reason_to_miss(schedule, late, newer(connection, &slot)?) {
            return Ok(ended(slot, SlotEnd::Missed, Some(reason), now));
        }
        slot.in_turn = schedule.on_missed == OnMissed::All;
        slot.reason = Some(format!("late: it did not begin for {}", length(late)));
    }
    slot.state = SlotState::Due;
    slot.decided_at = now;
    Ok(slot)
}

fn newer(connection: &Connection<'_>, slot: &SlotRecord) -> Result<Option<String>, Error> {
    Ok(row::has_newer(connection, slot)?.then(|| "a later time".to_owned()))
}

/// What became of a run. Under the pipeline's lock none is under way; one without a record never came to write it.
fn fate(run: Option<&RunRecord>, locked: bool) -> Fate {
    let Some(run) = run else {
        return if locked { Fate::Dead } else { Fate::Alive };
    };
    match run.status {
        Status::Published | Status::NotPublished | Status::Held | Status::RolledBack => Fate::Ended(SlotEnd::Ran, None),
        Status::CheckFailed | Status::SourceFailed | Status::Failed => Fate::Ended(SlotEnd::Failed, run.message.clone()),
        Status::Running if locked => Fate::Dead,
        Status::Running => Fate::Alive,
        // Killed, or told to stop with the server that ran it: either way nobody wanted the slot to go without.
        Status::Interrupted => Fate::Dead,
    }
}
