//! What became of messages.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::Transaction;

use super::{Outbox, time};
use crate::error::Error;
use crate::timestamp::text;

/// How long messages that are done with are remembered.
const KEPT: TimeDelta = TimeDelta::days(90);

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    pub channel: String,
    pub pipeline: String,
    /// An event's kind, or `held_back`.
    pub kind: String,
    pub headline: String,
    /// `pending`, `sent`, `dropped`, `held` (the channel had its share of the hour), `merged` (into a message of held
    /// back ones), `counted` (a repeat) or `superseded` (a heartbeat's older ping).
    pub state: String,
    pub created_at: DateTime<Utc>,
    /// When it was sent, dropped, merged, counted or superseded.
    pub finished_at: Option<DateTime<Utc>>,
    /// How many deliveries took it up.
    pub deliveries: u32,
    /// Why the last of them that failed did.
    pub last_error: Option<String>,
}

impl Outbox {
    /// The latest messages, newest first, of the last 90 days.
    pub fn history(&self, limit: usize) -> Result<Vec<HistoryEntry>, Error> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.write("read the history", |transaction| {
            transaction
                .prepare_cached(
                    "SELECT channel, pipeline, kind, headline, state, created_at, finished_at, claims, last_error
                     FROM alert_message ORDER BY id DESC LIMIT ?1",
                )?
                .query_map([limit], |row| {
                    Ok(HistoryEntry {
                        channel: row.get(0)?,
                        pipeline: row.get(1)?,
                        kind: row.get(2)?,
                        headline: row.get(3)?,
                        state: row.get(4)?,
                        created_at: time(&row.get::<_, String>(5)?)?,
                        finished_at: row.get::<_, Option<String>>(6)?.map(|at| time(&at)).transpose()?,
                        deliveries: row.get(7)?,
                        last_error: row.get(8)?,
                    })
                })?
                .collect()
        })
    }
}

pub(super) fn prune(transaction: &Transaction<'_>, now: DateTime<Utc>) -> rusqlite::Result<()> {
    transaction.execute("DELETE FROM alert_message WHERE finished_at < ?1", [text(now - KEPT)])?;
    Ok(())
}
