//! The slot ledger: every slot that ever came due, and what became of it.

mod bring_back;
mod change;
mod decide;
mod overlap;
mod recover;
mod row;
mod watch;

use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use crate::error::Error;
use crate::ledger::Ledger;
use crate::schedule::{OnMissed, OnOverlap, Schedule, SlotTime};
use decide::{Verdict, decide};
pub use overlap::Decision;
pub use recover::Recovered;
pub use row::{SlotEnd, SlotRecord, SlotState};
pub use watch::Watch;

/// A slot decided on within this time of its moment is on time: a scheduler that ticks once a minute may be one minute
/// behind, and a busy machine some more.
pub const GRACE: TimeDelta = TimeDelta::minutes(2);
/// How far the mark may trail behind while no slot comes due, so that an idle tick writes nothing.
const MARK_TRAILS: TimeDelta = TimeDelta::hours(1);
/// A mark so young was set by whoever ticks by another schedule, whose clock may be off by as much.
const MARK_IS_YOUNG: TimeDelta = TimeDelta::seconds(10);
/// How long the rows of settled slots are kept at least: a year, and some to compare it with.
const KEEP_SLOTS: TimeDelta = TimeDelta::days(400);

/// The slots of the pipelines, beside the index of the runs. It reads no clock: `now` is an argument everywhere.
///
/// Watching a pipeline begins when it is first ticked, when its crons or its time zone were edited, and when it is
/// resumed: no slot before that moment comes due. From then on every slot has exactly one row, which an edit of anything
/// else in its schedule leaves so: the slots since the last tick come due, and the schedule as it is now says what
/// becomes of them. Of processes that tick by different crons at a time, each gets the slots of its own. The mark up to
/// which slots were decided on moves in the transaction that writes their rows and never back, so a clock that is put
/// back repeats nothing, and a clock that is put forward is a sleep. If it was put forward by mistake, pausing and
/// resuming begins to watch now, and what was decided on moments that have not come is forgotten, unless it ran.
#[derive(Debug, Clone, Copy)]
pub struct SlotLedger<'a> {
    ledger: &'a Ledger,
}

/// A slot to run, if nothing else of the pipeline runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotDecision {
    pub pipeline: String,
    pub slot: SlotTime,
    /// When to start: the slot and its jitter, or now if that is over.
    pub start_at: DateTime<Utc>,
    /// How long after its time it was decided on.
    pub late: TimeDelta,
    /// Whether it waits for its turn behind other runs whatever `on_overlap` says, as one of several missed slots of
    /// which each is to run.
    pub in_turn: bool,
    /// How often it was started before: more than 0 if an earlier run died.
    pub attempts: u32,
    pub on_overlap: OnOverlap,
    pub timeout: Option<Duration>,
}

impl<'a> SlotLedger<'a> {
    pub(crate) fn new(ledger: &'a Ledger) -> Self {
        Self { ledger }
    }

    /// Decides on the slots of the pipeline that came due since the last tick and returns those to run, oldest first.
    /// Of several processes that tick at once, one gets each slot.
    pub fn tick(&self, pipeline: &str, schedule: &Schedule, now: DateTime<Utc>) -> Result<Vec<SlotDecision>, Error> {
        self.tick_from(pipeline, schedule, now, now)
    }

    /// What a process that is started to run what is due, and nothing else, is to run now: slots whose runs died, slots that
    /// nobody came to run, and slots of this moment; and what it settles of those that another process left.
    ///
    /// Where [`tick`](Self::tick) would begin to watch now, this begins as long ago as counts as on time, since such a
    /// process is started for the slot just past: the first start after an edit runs it.
    pub fn is_due(&self, pipeline: &str, schedule: &Schedule, now: DateTime<Utc>) -> Result<Recovered, Error> {
        let Recovered { settled, .. } = self.recover(pipeline, schedule, now)?;
        let began = now.checked_sub_signed(GRACE).unwrap_or(now);
        self.tick_from(pipeline, schedule, now, began)?;
        Ok(Recovered { due: self.due(pipeline, schedule, now)?, settled })
    }

    /// The latest `limit` slots of one pipeline or of all, newest first.
    pub fn slots(&self, pipeline: Option<&str>, limit: usize) -> Result<Vec<SlotRecord>, Error> {
        self.ledger.database.read("read slots", |connection| row::latest(connection, pipeline, limit))
    }

    /// The slot of the pipeline at this moment, if it came due.
    pub fn slot(&self, pipeline: &str, scheduled_at: DateTime<Utc>) -> Result<Option<SlotRecord>, Error> {
        self.ledger.database.read("read a slot", |connection| row::find(connection, pipeline, scheduled_at))
    }

    /// The pipeline's slots that are due, waiting or running, oldest first.
    pub fn open_slots(&self, pipeline: &str) -> Result<Vec<SlotRecord>, Error> {
        self.ledger.database.read("read open slots", |connection| row::open(connection, pipeline))
    }

    /// The waiting slot whose turn it is, once nothing of the pipeline runs.
    pub fn next_waiting(&self, pipeline: &str, schedule: &Schedule, now: DateTime<Utc>) -> Result<Option<SlotDecision>, Error> {
        let open = self.open_slots(pipeline)?;
        let waiting = open.iter().find(|row| row.state == SlotState::Waiting);
        Ok(waiting.map(|row| decision(row, schedule.slot_at(row.scheduled_at), schedule, now)))
    }

    /// Since when and whether the pipeline is watched; none if it never was.
    pub fn watch(&self, pipeline: &str) -> Result<Option<Watch>, Error> {
        self.ledger.database.read("read the watch", |connection| Watch::read(connection, pipeline))
    }

    /// Removes the settled slots of the pipeline that are older, by its newest slot, than 400 days and than the schedule's
    /// window for missed slots. What is left answers for each slot of a year, and for each that could still run. Returns
    /// how many are gone.
    pub fn prune(&self, pipeline: &str) -> Result<u64, Error> {
        self.ledger.database.write("remove old slots", |connection| {
            let newest = row::latest(connection, Some(pipeline), 1)?.pop().map(|slot| slot.scheduled_at);
            let window = Watch::read(connection, pipeline)?.map_or(TimeDelta::zero(), |watch| watch.missed_window);
            match newest.and_then(|newest| newest.checked_sub_signed(KEEP_SLOTS.max(window))) {
                Some(before) => row::prune(connection, pipeline, before),
                None => Ok(0),
            }
        })
    }

    fn tick_from(
        self,
        pipeline: &str,
        schedule: &Schedule,
        now: DateTime<Utc>,
        began: DateTime<Utc>,
    ) -> Result<Vec<SlotDecision>, Error> {
        let (now, began) = (now.trunc_subsecs(3), began.trunc_subsecs(3));
        if self.watch(pipeline)?.is_some_and(|watch| is_idle(&watch, schedule, now)) {
            return Ok(Vec::new());
        }
        self.ledger.database.write("decide on slots", |connection| {
            let watch = Watch::read(connection, pipeline)?;
            let watch = match watch {
                Some(watch) if schedule.has_fingerprint(&watch.schedule_fingerprint) => watch.following(schedule),
                before => {
                    let (from, decided) = begins_from(before.as_ref(), began, now);
                    Watch::begin(connection, pipeline, Some(schedule), from, decided)?
                }
            };
            let slots: Vec<SlotTime> = schedule.slots(watch.watched_until, now).collect();
            let verdicts = match &watch.paused_at {
                Some(_) => decide::paused(slots, &watch.pause_reason()),
                None => decide(schedule, slots, now),
            };
            let mut due = Vec::new();
            for verdict in verdicts {
                let record = record(pipeline, schedule, &verdict, now);
                if row::insert(connection, &record)? && record.state == SlotState::Due {
                    due.push(decision(&record, verdict.slot, schedule, now));
                }
            }
            watch.advance(connection, now)?;
            Ok(due)
        })
    }

    /// The slots to run that nobody runs, oldest first.
    fn due(self, pipeline: &str, schedule: &Schedule, now: DateTime<Utc>) -> Result<Vec<SlotDecision>, Error> {
        let open = self.open_slots(pipeline)?;
        let due = open.iter().filter(|row| row.state == SlotState::Due);
        Ok(due.map(|row| decision(row, schedule.slot_at(row.scheduled_at), schedule, now)).collect())
    }
}

/// From when on a schedule is watched that is another than before, and up to when others may have decided on slots. That is from
/// `began`, unless somebody ticked by the other one a moment ago. Hosts whose files differ, as in a rollout, would else begin anew at
/// each other's ticks, and no slot of either came due. So watching goes back behind that tick; a slot that has a row keeps it.
fn begins_from(before: Option<&Watch>, began: DateTime<Utc>, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    let young = before.map(|watch| watch.watched_until).filter(|mark| (now - *mark).abs() <= MARK_IS_YOUNG);
    young.map_or((began, now), |mark| (mark.min(began) - MARK_IS_YOUNG, mark.max(now)))
}

/// Whether a tick has nothing to write. It may be outdated at once, so the answer no is not relied on.
fn is_idle(watch: &Watch, schedule: &Schedule, now: DateTime<Utc>) -> bool {
    watch.schedule_fingerprint == schedule.fingerprint()
        && watch.missed_window.num_seconds() == schedule.window().num_seconds()
        && now - watch.watched_until < MARK_TRAILS
        && schedule.slots(watch.watched_until, now).next().is_none()
}

fn record(pipeline: &str, schedule: &Schedule, verdict: &Verdict, now: DateTime<Utc>) -> SlotRecord {
    let slot = verdict.slot;
    let jitter = TimeDelta::from_std(schedule.jitter(pipeline, slot.at)).unwrap_or_default();
    SlotRecord {
        pipeline: pipeline.to_owned(),
        scheduled_at: slot.at,
        local: slot.local_text(),
        state: verdict.state,
        reason: verdict.reason.clone(),
        run_id: None,
        attempts: 0,
        late_seconds: (now - slot.at).num_seconds().max(0),
        planned_at: slot.at.checked_add_signed(jitter).unwrap_or(slot.at),
        in_turn: verdict.late && schedule.on_missed == OnMissed::All,
        decided_at: now,
    }
}

fn decision(row: &SlotRecord, slot: SlotTime, schedule: &Schedule, now: DateTime<Utc>) -> SlotDecision {
    SlotDecision {
        pipeline: row.pipeline.clone(),
        slot,
        start_at: row.planned_at.max(now),
        late: (now - row.scheduled_at).max(TimeDelta::zero()),
        in_turn: row.in_turn,
        attempts: row.attempts,
        on_overlap: schedule.on_overlap,
        timeout: schedule.timeout,
    }
}
