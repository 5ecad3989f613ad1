//! A slot's row in the ledger.

use std::fmt;

use chrono::{DateTime, Utc};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Params, Row};

use crate::timestamp::{self, Written};

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
                              in_turn, decided_at FROM slot";

/// Adds a row; false if the slot has one, which then stays as it is.
pub fn insert(connection: &Connection, slot: &SlotRecord) -> rusqlite::Result<bool> {
    let mut statement =
        connection.prepare_cached("INSERT OR IGNORE INTO slot VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")?;
    let added = statement.execute((
        &slot.pipeline,
        timestamp::text(slot.scheduled_at),
        &slot.local,
        slot.state.as_str(),
        &slot.reason,
        &slot.run_id,
        slot.attempts,
        slot.late_seconds,
        timestamp::text(slot.planned_at),
        slot.in_turn,
        timestamp::text(slot.decided_at),
    ))?;
    Ok(added > 0)
}

/// Writes what may change of a slot: its state with its reason and time, and what its run brings.
pub fn update(connection: &Connection, slot: &SlotRecord) -> rusqlite::Result<()> {
    let sql = "UPDATE slot SET state = ?3, reason = ?4, run_id = ?5, attempts = ?6, late_seconds = ?7, in_turn = ?8,
                   decided_at = ?9
               WHERE pipeline = ?1 AND scheduled_at = ?2";
    connection.prepare_cached(sql)?.execute((
        &slot.pipeline,
        timestamp::text(slot.scheduled_at),
        slot.state.as_str(),
        &slot.reason,
        &slot.run_id,
        slot.attempts,
        slot.late_seconds,
        slot.in_turn,
        timestamp::text(slot.decided_at),
    ))?;
    Ok(())
}

pub fn find(connection: &Connection, pipeline: &str, at: DateTime<Utc>) -> rusqlite::Result<Option<SlotRecord>> {
    let sql = format!("{COLUMNS} WHERE pipeline = ?1 AND scheduled_at = ?2");
    connection.prepare_cached(&sql)?.query_row((pipeline, timestamp::text(at)), read).optional()
}

pub fn open(connection: &Connection, pipeline: &str) -> rusqlite::Result<Vec<SlotRecord>> {
    let sql = format!("{COLUMNS} WHERE pipeline = ?1 AND state IN ('due', 'waiting', 'running') ORDER BY scheduled_at");
    all(connection, &sql, [pipeline])
}

pub fn latest(connection: &Connection, pipeline: Option<&str>, limit: usize) -> rusqlite::Result<Vec<SlotRecord>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    match pipeline {
        Some(pipeline) => {
            let sql = format!("{COLUMNS} WHERE pipeline = ?1 ORDER BY scheduled_at DESC LIMIT ?2");
            all(connection, &sql, (pipeline, limit))
        }
        None => all(connection, &format!("{COLUMNS} ORDER BY scheduled_at DESC, pipeline DESC LIMIT ?1"), [limit]),
    }
}

/// Whether a later slot of the pipeline ran, failed or is to run.
pub fn has_newer(connection: &Connection, slot: &SlotRecord) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM slot WHERE pipeline = ?1 AND scheduled_at > ?2 AND state NOT IN ('missed', 'skipped')";
    connection.prepare_cached(sql)?.exists((&slot.pipeline, timestamp::text(slot.scheduled_at)))
}

pub fn prune(connection: &Connection, pipeline: &str, keep: usize) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM slot WHERE pipeline = ?1 AND state NOT IN ('due', 'waiting', 'running') AND scheduled_at <=
                   (SELECT scheduled_at FROM slot WHERE pipeline = ?1 ORDER BY scheduled_at DESC LIMIT 1 OFFSET ?2)";
    connection.execute(sql, (pipeline, i64::try_from(keep).unwrap_or(i64::MAX)))
}

/// Removes the slots after `now` that no run began for, as a clock that was ahead has left them: their time is yet to come.
pub fn forget_future(connection: &Connection, pipeline: &str, now: DateTime<Utc>) -> rusqlite::Result<()> {
    let sql = "DELETE FROM slot WHERE pipeline = ?1 AND scheduled_at > ?2 AND attempts = 0";
    connection.execute(sql, (pipeline, timestamp::text(now)))?;
    Ok(())
}

fn all(connection: &Connection, sql: &str, parameters: impl Params) -> rusqlite::Result<Vec<SlotRecord>> {
    connection.prepare_cached(sql)?.query_map(parameters, read)?.collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<SlotRecord> {
    let state: String = row.get(3)?;
    let unknown = || conversion(3, format!("`{state}` is no state of a slot"));
    Ok(SlotRecord {
        pipeline: row.get(0)?,
        scheduled_at: time(row, 1)?,
        local: row.get(2)?,
        state: SlotState::named(&state).ok_or_else(unknown)?,
        reason: row.get(4)?,
        run_id: row.get(5)?,
        attempts: row.get(6)?,
        late_seconds: row.get(7)?,
        planned_at: time(row, 8)?,
        in_turn: row.get(9)?,
        decided_at: time(row, 10)?,
    })
}

pub fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<DateTime<Utc>> {
    let text: String = row.get(column)?;
    Written::from_text(Some(&text)).map_err(|message| conversion(column, message))
}

pub fn optional_time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<DateTime<Utc>>> {
    let text: Option<String> = row.get(column)?;
    Written::from_text(text.as_deref()).map_err(|message| conversion(column, message))
}

fn conversion(column: usize, message: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, message.into())
}
