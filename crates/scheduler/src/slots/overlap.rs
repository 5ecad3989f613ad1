//! What becomes of a slot that comes due while a run of the pipeline is under way.

use chrono::{DateTime, SubsecRound, Utc};

use crate::database::Connection;
use crate::error::Error;
use crate::lock::Holder;
use crate::schedule::{OnOverlap, Schedule};
use crate::slots::row::{self, SlotRecord, SlotState};
use crate::slots::{SlotDecision, SlotLedger};

/// What the caller is to do with a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Begin its run and claim it.
    Start,
    /// Nothing: it is settled.
    Skip,
    /// Nothing for now: it waits. [`SlotLedger::next_waiting`] gives it when the run under way has ended.
    Queue,
    /// Stop the run under way, which is the caller's own, and settle its slot, then begin this one's run and claim it.
    Replace,
}

impl SlotLedger<'_> {
    /// Decides on a slot to run, given whether a run of the pipeline is under way, and records it. One slot waits at
    /// most, the newest, but for missed slots of which each is to run: they all wait for their turn.
    ///
    /// A slot that is settled or running by now is skipped.
    pub fn overlap(&self, due: &SlotDecision, running: bool, now: DateTime<Utc>) -> Result<Decision, Error> {
        let now = now.trunc_subsecs(3);
        self.ledger.database.write("decide on an overlap", |connection| {
            let found = row::find(connection, &due.pipeline, due.slot.at)?;
            let Some(slot) = found.filter(|slot| matches!(slot.state, SlotState::Due | SlotState::Waiting)) else {
                return Ok(Decision::Skip);
            };
            match due.on_overlap {
                _ if !running => Ok(Decision::Start),
                _ if slot.in_turn => put(connection, slot, SlotState::Waiting, "in turn: a run is under way", now),
                OnOverlap::Skip => put(connection, slot, SlotState::Skipped, "overlap: a run was under way", now),
                OnOverlap::Queue => queue(connection, slot, now),
                OnOverlap::Replace => Ok(Decision::Replace),
            }
        })
    }

    /// As [`overlap`](Self::overlap), for a process that runs nothing of the pipeline: whether another does, such as a run by hand,
    /// the pipeline's lock shows. Only who began a run can stop it, so what is to replace another's waits for its end.
    pub fn overlap_with_others(&self, due: &SlotDecision, now: DateTime<Utc>) -> Result<Decision, Error> {
        let running = match self.ledger.holder(&due.pipeline) {
            Ok(None) => false,
            // It has the lock to fill this very slot, which it claims in a moment.
            Ok(Some(holder)) if self.fills(&holder, due)? => return Ok(Decision::Skip),
            Ok(Some(_)) => true,
            Err(error) if error.is_locked() => true,
            Err(error) => return Err(error),
        };
        let on_overlap = if due.on_overlap == OnOverlap::Replace { OnOverlap::Queue } else { due.on_overlap };
        self.overlap(&SlotDecision { on_overlap, ..due.clone() }, running, now)
    }

    /// The waiting slot whose turn has come behind the run of another process, which tells nobody that it ended. None while
    /// somebody has the pipeline's lock, nor while a slot that has begun is between two attempts.
    pub fn freed(&self, pipeline: &str, schedule: &Schedule, now: DateTime<Utc>) -> Result<Option<SlotDecision>, Error> {
        let Some(waiting) = self.next_waiting(pipeline, schedule, now)? else { return Ok(None) };
        let has_begun = self.open_slots(pipeline)?.iter().any(|slot| slot.state == SlotState::Running);
        Ok(if has_begun || self.ledger.is_held(pipeline)? { None } else { Some(waiting) })
    }

    fn fills(self, holder: &Holder, due: &SlotDecision) -> Result<bool, Error> {
        let run = self.ledger.index.exact(&holder.run_id)?;
        Ok(run.is_some_and(|run| run.pipeline == due.pipeline && run.scheduled_at == due.slot.at))
    }
}

/// Puts the slot in the queue's one place, if no newer one has it.
fn queue(connection: &Connection<'_>, slot: SlotRecord, now: DateTime<Utc>) -> Result<Decision, Error> {
    const SUPERSEDED: &str = "superseded in the queue by a newer slot";
    let open = row::open(connection, &slot.pipeline)?;
    let others = open
        .into_iter()
        .filter(|other| other.state == SlotState::Waiting && !other.in_turn && other.scheduled_at != slot.scheduled_at);
    for other in others {
        if other.scheduled_at > slot.scheduled_at {
            return put(connection, slot, SlotState::Skipped, SUPERSEDED, now);
        }
        put(connection, other, SlotState::Skipped, SUPERSEDED, now)?;
    }
    put(connection, slot, SlotState::Waiting, "overlap: a run is under way", now)
}

fn put(
    connection: &Connection<'_>,
    mut slot: SlotRecord,
    state: SlotState,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<Decision, Error> {
    slot.state = state;
    slot.reason = Some(reason.to_owned());
    slot.decided_at = now;
    row::update(connection, &slot)?;
    Ok(if state == SlotState::Waiting { Decision::Queue } else { Decision::Skip })
}
