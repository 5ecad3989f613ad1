//! The changes that a caller makes: to start and settle slots, to pause and resume pipelines.

use chrono::{DateTime, SubsecRound, Utc};

use crate::database::Connection;
use crate::error::Error;
use crate::index;
use crate::lock::fence;
use crate::schedule::Schedule;
use crate::slots::row::{self, SlotEnd, SlotRecord, SlotState};
use crate::slots::watch::Watch;
use crate::slots::{GRACE, SlotLedger, decide, record};

impl SlotLedger<'_> {
    /// Notes that a run of the slot has begun. False if the slot is neither due nor waiting, as when another process
    /// has claimed it: then the run must not go on.
    ///
    /// A run that lost its pipeline's lock to another is refused with [`Error::Fenced`].
    pub fn claim(&self, pipeline: &str, scheduled_at: DateTime<Utc>, run_id: &str, now: DateTime<Utc>) -> Result<bool, Error> {
        let now = now.trunc_subsecs(3);
        self.change(pipeline, scheduled_at, |connection, slot| {
            if !matches!(slot.state, SlotState::Due | SlotState::Waiting) {
                return Ok(false);
            }
            if let Some(epoch) = index::epoch_of(connection, run_id)? {
                fence(connection, run_id, pipeline, epoch)?;
            }
            slot.state = SlotState::Running;
            slot.run_id = Some(run_id.to_owned());
            slot.attempts = slot.attempts.saturating_add(1);
            slot.late_seconds = (now - slot.planned_at).num_seconds().max(0);
            slot.decided_at = now;
            Ok(true)
        })
    }

    /// Notes what became of an open slot. False if it is settled already, or if a run of another host fills it by now,
    /// which that host settles; then nothing changes.
    pub fn settle(
        &self,
        pipeline: &str,
        scheduled_at: DateTime<Utc>,
        end: SlotEnd,
        reason: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<bool, Error> {
        self.change(pipeline, scheduled_at, |connection, slot| {
            if !slot.state.is_open() || self.runs_elsewhere(connection, slot)? {
                return Ok(false);
            }
            end_slot(slot, end, reason.map(ToOwned::to_owned), now.trunc_subsecs(3));
            Ok(true)
        })
    }

    /// Whether another host runs the slot: the folder of a run is on the host that runs it.
    fn runs_elsewhere(self, connection: &Connection<'_>, slot: &SlotRecord) -> Result<bool, Error> {
        match &slot.run_id {
            Some(run_id) if slot.state == SlotState::Running && !self.ledger.folder(run_id).is_dir() => {
                index::is_known(connection, run_id)
            }
            _ => Ok(false),
        }
    }

    /// Pauses the pipeline: slots that come due are recorded as skipped until it is resumed, and so are those that have
    /// not begun. A run under way goes on. Pausing again changes the reason alone.
    pub fn pause(&self, pipeline: &str, reason: Option<&str>, now: DateTime<Utc>) -> Result<(), Error> {
        let now = now.trunc_subsecs(3);
        self.ledger.database.write("pause a pipeline", |connection| {
            let mut watch = watch_or_new(connection, pipeline, now)?;
            watch.paused_at = watch.paused_at.or(Some(now));
            watch.paused_reason = reason.map(ToOwned::to_owned);
            watch.write(connection)?;
            for mut slot in row::open(connection, pipeline)? {
                if slot.state != SlotState::Running {
                    slot.state = SlotState::Skipped;
                    slot.reason = Some(watch.pause_reason());
                    slot.decided_at = now;
                    row::update(connection, &slot)?;
                }
            }
            Ok(())
        })
    }

    /// Ends the pause and begins to watch now. The slots that came due in the pause are recorded as skipped, unless the crons
    /// or the time zone were edited. False if the pipeline was not paused, and then nothing changes.
    pub fn resume(&self, pipeline: &str, schedule: &Schedule, now: DateTime<Utc>) -> Result<bool, Error> {
        let now = now.trunc_subsecs(3);
        self.ledger.database.write("resume a pipeline", |connection| {
            let watch = Watch::read(connection, pipeline)?;
            let Some(mut watch) = watch.filter(|watch| watch.paused_at.is_some()) else { return Ok(false) };
            if schedule.has_fingerprint(&watch.schedule_fingerprint) {
                let slots = schedule.slots(watch.watched_until, now).collect();
                for verdict in decide::paused(slots, &watch.pause_reason()) {
                    row::insert(connection, &record(pipeline, schedule, &verdict, now))?;
                }
            }
            watch.paused_at = None;
            watch.paused_reason = None;
            watch.write(connection)?;
            Watch::begin(connection, pipeline, Some(schedule), now, now)?;
            Ok(true)
        })
    }

    /// Stops watching the pipeline, as when its schedule was taken away: nothing comes due until it is ticked again, and
    /// watching then begins anew. A pause stays.
    pub fn unwatch(&self, pipeline: &str) -> Result<(), Error> {
        self.ledger.database.write("stop watching a pipeline", |connection| {
            if let Some(mut watch) = Watch::read(connection, pipeline)? {
                watch.schedule_fingerprint.clear();
                watch.write(connection)?;
            }
            Ok(())
        })
    }

    fn change(
        self,
        pipeline: &str,
        scheduled_at: DateTime<Utc>,
        change: impl FnOnce(&Connection<'_>, &mut SlotRecord) -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        self.ledger.database.write("change a slot", |connection| {
            let Some(mut slot) = row::find(connection, pipeline, scheduled_at)? else { return Ok(false) };
            let changed = change(connection, &mut slot)?;
            if changed {
                row::update(connection, &slot)?;
            }
            Ok(changed)
        })
    }
}

/// A pipeline may be paused before it is ever ticked.
fn watch_or_new(connection: &Connection<'_>, pipeline: &str, now: DateTime<Utc>) -> Result<Watch, Error> {
    match Watch::read(connection, pipeline)? {
        Some(watch) => Ok(watch),
        None => Watch::begin(connection, pipeline, None, now, now),
    }
}

/// Settles a slot; one that ran is late if its run began more than [`GRACE`] after it was to.
pub fn end_slot(slot: &mut SlotRecord, end: SlotEnd, reason: Option<String>, now: DateTime<Utc>) {
    slot.state = match end {
        SlotEnd::Ran if slot.late_seconds > GRACE.num_seconds() => SlotState::RanLate,
        SlotEnd::Ran => SlotState::Ran,
        SlotEnd::Missed => SlotState::Missed,
        SlotEnd::Skipped => SlotState::Skipped,
        SlotEnd::Failed => SlotState::Failed,
    };
    // A slot that ran late keeps the reason why, unless there is a better one.
    slot.reason = reason.or_else(|| slot.reason.take().filter(|_| slot.state == SlotState::RanLate));
    slot.decided_at = now;
}
