//! A slot's row in the ledger.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::database::{Connection, Row, Value};
use crate::error::Error;

/// What became of a slot so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotState {
    /// It is to run and has not begun.
    Due,
    /// It is to run after the run under way.
    Waiting,
    Running,
    Ran,
    /// It ran, and began later than counts as on time.
    RanLate,
    /// Nobody was there to run it, and it will not run.
    Missed,
    /// It was not to run: the calendar, a pause or an overlap.
    Skipped,
    Failed,
}

/// How a slot is settled; see [`SlotLedger::settle`](crate::SlotLedger::settle).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotEnd {
    /// It becomes [`SlotState::RanLate`] if it began late.
    Ran,
    Missed,
    Skipped,
    Failed,
}

const STATES: [SlotState; 8] = [
    SlotState::Due,
    SlotState::Waiting,
    SlotState::Running,
    SlotState::Ran,
    SlotState::RanLate,
    SlotState::Missed,
    SlotState::Skipped,
    SlotState::Failed,
];

impl SlotState {
    /// The state as the ledger and tables name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Ran => "ran",
            Self::RanLate => "ran_late",
            Self::Missed => "missed",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }

    /// Whether something is still to become of the slot.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Due | Self::Waiting | Self::Running)
    }

    fn named(name: &str) -> Option<Self> {
        STATES.into_iter().find(|state| state.as_str() == name)
    }
}

impl fmt::Display for SlotState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A slot that came due.
///
/// | `pipeline` | `scheduled_at` | `local` | `state` | `reason` | `late_seconds` |
/// |---|---|---|---|---|---|
/// | weekly | 2026-01-05T05:00:00.000Z | 2026-01-05 06:00 +01:00 Europe/Zurich | `ran` | | 4 |
/// | weekly | 2026-01-12T05:00:00.000Z | 2026-01-12 06:00 +01:00 Europe/Zurich | `missed` | too old: … | 1209600 |
/// | weekly | 2026-12-28T05:00:00.000Z | 2026-12-28 06:00 +01:00 Europe/Zurich | `skipped` | calendar: … | 3 |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotRecord {
    pub pipeline: String,
    pub scheduled_at: DateTime<Utc>,
    /// The wall-clock time with its offset and zone.
    pub local: String,
    pub state: SlotState,
    /// Why it is in this state, where that needs a reason.
    pub reason: Option<String>,
    /// The run that fills it, the last one if there were several.
    pub run_id: Option<String>,
    /// How many runs began for it.
    pub attempts: u32,
    /// How long after its time the slot was decided on; once a run began, how long after `planned_at` that was.
    pub late_seconds: i64,
    /// When it was to start: the slot and its jitter.
    pub planned_at: DateTime<Utc>,
    /// Whether it is one of several missed slots of which each is to run.
    pub in_turn: bool,
    /// When it came into this state.
    pub decided_at: DateTime<Utc>,
}

const COLUMNS: &str = "SELECT pipeline, scheduled_at, local, state, reason, run_id, attempts, late_seconds, planned_at,
                              in_turn, decided_at FROM consumer360_slot";

/// Adds a row; false if the slot has one, which then stays as it is.
pub fn insert(connection: &Connection<'_>, slot: &SlotRecord) -> Result<bool, Error> {
    let sql = "INSERT INTO consumer360_slot (pipeline, scheduled_at, local, state, reason, run_id, attempts, late_seconds,
                   planned_at, in_turn, decided_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (pipeline, scheduled_at) DO NOTHING";
    let added = connection.execute(
        sql,
        &[
            (&slot.pipeline).into(),
            slot.scheduled_at.into(),
            (&slot.local).into(),
            slot.state.as_str().into(),
            slot.reason.as_ref().into(),
            slot.run_id.as_ref().into(),
            slot.attempts.into(),
            slot.late_seconds.into(),
            slot.planned_at.into(),
            slot.in_turn.into(),
            slot.decided_at.into(),
        ],
    )?;
    Ok(added > 0)
}

/// Writes what may change of a slot: its state with its reason and time, and what its run brings.
pub fn update(connection: &Connection<'_>, slot: &SlotRecord) -> Result<(), Error> {
    let sql = "UPDATE consumer360_slot SET state = ?3, reason = ?4, run_id = ?5, attempts = ?6, late_seconds = ?7,
                   in_turn = ?8, decided_at = ?9
               WHERE pipeline = ?1 AND scheduled_at = ?2";
    connection.execute(
        sql,
        &[
            (&slot.pipeline).into(),
            slot.scheduled_at.into(),
            slot.state.as_str().into(),
            slot.reason.as_ref().into(),
            slot.run_id.as_ref().into(),
            slot.attempts.into(),
            slot.late_seconds.into(),
            slot.in_turn.into(),
            slot.decided_at.into(),
        ],
    )?;
    Ok(())
}

pub fn find(connection: &Connection<'_>, pipeline: &str, at: DateTime<Utc>) -> Result<Option<SlotRecord>, Error> {
    let sql = format!("{COLUMNS} WHERE pipeline = ?1 AND scheduled_at = ?2");
    Ok(all(connection, &sql, &[pipeline.into(), at.into()])?.pop())
}

pub fn open(connection: &Connection<'_>, pipeline: &str) -> Result<Vec<SlotRecord>, Error> {
    let sql = format!("{COLUMNS} WHERE pipeline = ?1 AND state IN ('due', 'waiting', 'running') ORDER BY scheduled_at");
    all(connection, &sql, &[pipeline.into()])
}

pub fn latest(connection: &Connection<'_>, pipeline: Option<&str>, limit: usize) -> Result<Vec<SlotRecord>, Error> {
    if let Some(pipeline) = pipeline {
        let sql = format!("{COLUMNS} WHERE pipeline = ?1 ORDER BY scheduled_at DESC LIMIT ?2");
        return all(connection, &sql, &[pipeline.into(), limit.into()]);
    }
    let sql = format!("{COLUMNS} ORDER BY scheduled_at DESC, pipeline DESC LIMIT ?1");
    all(connection, &sql, &[limit.into()])
}

/// Whether a later slot of the pipeline ran, failed or is to run.
pub fn has_newer(connection: &Connection<'_>, slot: &SlotRecord) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM consumer360_slot
               WHERE pipeline = ?1 AND scheduled_at > ?2 AND state NOT IN ('missed', 'skipped') LIMIT 1";
    connection.exists(sql, &[(&slot.pipeline).into(), slot.scheduled_at.into()])
}

pub fn prune(connection: &Connection<'_>, pipeline: &str, before: DateTime<Utc>) -> Result<u64, Error> {
    let sql = "DELETE FROM consumer360_slot
               WHERE pipeline = ?1 AND scheduled_at < ?2 AND state NOT IN ('due', 'waiting', 'running')";
    connection.execute(sql, &[pipeline.into(), before.into()])
}

/// Removes the slots after `now` that no run began for, as a clock that was ahead has left them: their time is yet to come.
pub fn forget_future(connection: &Connection<'_>, pipeline: &str, now: DateTime<Utc>) -> Result<(), Error> {
    let sql = "DELETE FROM consumer360_slot WHERE pipeline = ?1 AND scheduled_at > ?2 AND attempts = 0";
    connection.execute(sql, &[pipeline.into(), now.into()])?;
    Ok(())
}

fn all(connection: &Connection<'_>, sql: &str, parameters: &[Value]) -> Result<Vec<SlotRecord>, Error> {
    connection.query(sql, parameters, read)
}

fn read(row: &Row) -> Result<SlotRecord, String> {
    let state = row.text(3)?;
    Ok(SlotRecord {
        pipeline: row.text(0)?,
        scheduled_at: row.time(1)?,
        local: row.text(2)?,
        state: SlotState::named(&state).ok_or_else(|| format!("`{state}` is no state of a slot"))?,
        reason: row.optional_text(4)?,
        run_id: row.optional_text(5)?,
        attempts: u32::try_from(row.integer(6)?).map_err(|error| format!("the number of attempts: {error}"))?,
        late_seconds: row.integer(7)?,
        planned_at: row.time(8)?,
        in_turn: row.integer(9)? != 0,
        decided_at: row.time(10)?,
    })
}
