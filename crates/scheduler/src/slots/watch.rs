//! Since when a pipeline is watched, and whether it is paused.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension};

use crate::slots::row::{forget_future, optional_time, time};
use crate::timestamp;

/// The state of a pipeline's schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    pub pipeline: String,
    /// [`Schedule::fingerprint`](crate::Schedule::fingerprint) of the schedule that is watched; empty while none is.
    pub schedule_fingerprint: String,
    /// Every slot up to this moment is decided on. It trails up to an hour behind the last tick while no slot comes due;
    /// it lies in the future only if the clock was put back.
    pub watched_until: DateTime<Utc>,
    pub paused_at: Option<DateTime<Utc>>,
    pub paused_reason: Option<String>,
}

impl Watch {
    pub(super) fn read(connection: &Connection, pipeline: &str) -> rusqlite::Result<Option<Self>> {
        let sql = "SELECT pipeline, schedule_fingerprint, watched_until, paused_at, paused_reason
                   FROM watch WHERE pipeline = ?1";
        let mut statement = connection.prepare_cached(sql)?;
        let watch = statement.query_row([pipeline], |row| {
            Ok(Self {
                pipeline: row.get(0)?,
                schedule_fingerprint: row.get(1)?,
                watched_until: time(row, 2)?,
                paused_at: optional_time(row, 3)?,
                paused_reason: row.get(4)?,
            })
        });
        watch.optional()
    }

    /// Begins to watch a schedule from `at` on, which is `now` or shortly before, and forgets what did not run after
    /// `now`. A pipeline that is paused stays so.
    pub(super) fn begin(
        connection: &Connection,
        pipeline: &str,
        fingerprint: &str,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> rusqlite::Result<Self> {
        let found = Self::read(connection, pipeline)?;
        let (paused_at, paused_reason) = found.map_or((None, None), |watch| (watch.paused_at, watch.paused_reason));
        let (pipeline, schedule_fingerprint) = (pipeline.to_owned(), fingerprint.to_owned());
        let watch = Self { pipeline, schedule_fingerprint, watched_until: at, paused_at, paused_reason };
        watch.write(connection)?;
        forget_future(connection, &watch.pipeline, now)?;
        Ok(watch)
    }

    /// Moves the mark, forward only.
    pub(super) fn advance(mut self, connection: &Connection, now: DateTime<Utc>) -> rusqlite::Result<()> {
        self.watched_until = self.watched_until.max(now);
        self.write(connection)
    }

    pub(super) fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached("INSERT OR REPLACE INTO watch VALUES (?1, ?2, ?3, ?4, ?5)")?;
        let (until, paused_at) = (timestamp::text(self.watched_until), self.paused_at.map(timestamp::text));
        statement.execute((&self.pipeline, &self.schedule_fingerprint, until, paused_at, &self.paused_reason))?;
        Ok(())
    }

    /// What the slots that come due in the pause are skipped for.
    pub(super) fn pause_reason(&self) -> String {
        match &self.paused_reason {
            Some(reason) => format!("paused: {reason}"),
            None => "paused".to_owned(),
        }
    }
}
