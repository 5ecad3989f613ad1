//! Since when a pipeline is watched, and whether it is paused.

use chrono::{DateTime, TimeDelta, Utc};

use crate::database::Connection;
use crate::error::Error;
use crate::schedule::Schedule;
use crate::slots::row::forget_future;

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
    /// The schedule's window for missed slots. Rows of slots are kept at least this long.
    pub missed_window: TimeDelta,
}

impl Watch {
    pub(super) fn read(connection: &Connection<'_>, pipeline: &str) -> Result<Option<Self>, Error> {
        let sql = "SELECT pipeline, schedule_fingerprint, watched_until, paused_at, paused_reason, missed_seconds
                   FROM consumer360_watch WHERE pipeline = ?1";
        let watch = connection.query(sql, &[pipeline.into()], |row| {
            Ok(Self {
                pipeline: row.text(0)?,
                schedule_fingerprint: row.text(1)?,
                watched_until: row.time(2)?,
                paused_at: row.optional_time(3)?,
                paused_reason: row.optional_text(4)?,
                missed_window: TimeDelta::try_seconds(row.integer(5)?).unwrap_or(TimeDelta::MAX),
            })
        })?;
        Ok(watch.into_iter().next())
    }

    /// Begins to watch a schedule from `at` on, which is `now` or shortly before, and forgets what did not run after
    /// `now`. A pipeline that is paused stays so; one without a schedule may be.
    pub(super) fn begin(
        connection: &Connection<'_>,
        pipeline: &str,
        schedule: Option<&Schedule>,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Self, Error> {
        let found = Self::read(connection, pipeline)?;
        let (paused_at, paused_reason) = found.map_or((None, None), |watch| (watch.paused_at, watch.paused_reason));
        let watch = Self {
            pipeline: pipeline.to_owned(),
            schedule_fingerprint: schedule.map(Schedule::fingerprint).unwrap_or_default(),
            watched_until: at,
            paused_at,
            paused_reason,
            missed_window: schedule.map_or(TimeDelta::zero(), Schedule::window),
        };
        watch.write(connection)?;
        forget_future(connection, &watch.pipeline, now)?;
        Ok(watch)
    }

    /// The same watch, with what the schedule says by now.
    pub(super) fn following(self, schedule: &Schedule) -> Self {
        Self { schedule_fingerprint: schedule.fingerprint(), missed_window: schedule.window(), ..self }
    }

    /// Moves the mark, forward only.
    pub(super) fn advance(mut self, connection: &Connection<'_>, now: DateTime<Utc>) -> Result<(), Error> {
        self.watched_until = self.watched_until.max(now);
        self.write(connection)
    }

    pub(super) fn write(&self, connection: &Connection<'_>) -> Result<(), Error> {
        let sql = "INSERT INTO consumer360_watch
                       (pipeline, schedule_fingerprint, watched_until, paused_at, paused_reason, missed_seconds)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (pipeline) DO UPDATE SET
                       schedule_fingerprint = excluded.schedule_fingerprint, watched_until = excluded.watched_until,
                       paused_at = excluded.paused_at, paused_reason = excluded.paused_reason,
                       missed_seconds = excluded.missed_seconds";
        connection.execute(
            sql,
            &[
                (&self.pipeline).into(),
                (&self.schedule_fingerprint).into(),
                self.watched_until.into(),
                self.paused_at.into(),
                self.paused_reason.as_ref().into(),
                self.missed_window.num_seconds().into(),
            ],
        )?;
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
