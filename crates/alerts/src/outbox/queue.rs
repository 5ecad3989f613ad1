//! The rows of messages: put in, held back, claimed, settled, dropped.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::types::Type;
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Delivery, Outcome, Policy};
use crate::channel::Channel;
use crate::message::{HeldBack, Message, Note};
use crate::send::Failure;
use crate::timestamp::text;

/// How many held back messages are named.
const MOST_NAMED: usize = 25;

/// The longest that a server's wish to be left alone is granted.
const LONGEST_REST: TimeDelta = TimeDelta::hours(1);

/// A message leased to this delivery.
pub struct Claim {
    pub id: i64,
    pub claims: i64,
    pub message: Message,
}

/// Queues a message, or holds it back when the channel had its share of the hour.
pub fn put(
    transaction: &Transaction<'_>,
    channel: &Channel,
    message: &Message,
    now: DateTime<Utc>,
    policy: &Policy,
) -> rusqlite::Result<()> {
    release(transaction, channel, now, policy)?;
    let state = if has_room(transaction, channel, now, policy)? { "pending" } else { "held" };
    insert(transaction, channel, message, state, now, now + policy.keep_trying)
}

pub fn insert(
    transaction: &Transaction<'_>,
    channel: &Channel,
    message: &Message,
    state: &str,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> rusqlite::Result<()> {
    let kind = match message.note {
        Note::HeldBack { .. } => "held_back",
        _ => message.event.kind.as_str(),
    };
    let event = &message.event;
    let finished_at = (state == "counted").then(|| text(now));
    transaction
        .prepare_cached(
            "INSERT INTO alert_message
                (channel, channel_name, pipeline, kind, headline, state, message, created_at, expires_at, not_before, finished_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?8, ?10)",
        )?
        .execute(params![
            channel.id,
            channel.name,
            event.pipeline,
            kind,
            event.headline,
            state,
            to_json(message)?,
            text(now),
            text(expires_at),
            finished_at
        ])?;
    Ok(())
}

/// Puts held back messages together into one, once the channel has room again. A single one goes out as it is.
pub fn release(transaction: &Transaction<'_>, channel: &Channel, now: DateTime<Utc>, policy: &Policy) -> rusqlite::Result<()> {
    let held: Vec<Message> = transaction
        .prepare_cached("SELECT message FROM alert_message WHERE channel = ?1 AND state = 'held' ORDER BY id")?
        .query_map([&channel.id], |row| json(row, 0))?
        .collect::<Result<_, _>>()?;
    let Some(last) = held.last() else { return Ok(()) };
    if !has_room(transaction, channel, now, policy)? {
        return Ok(());
    }
    transaction.execute(
        "UPDATE alert_message SET state = 'merged', finished_at = ?2 WHERE channel = ?1 AND state = 'held'",
        params![channel.id, text(now)],
    )?;
    let digest = if held.len() == 1 {
        last.clone()
    } else {
        let left_out = held.len().saturating_sub(MOST_NAMED);
        let messages = held.iter().take(MOST_NAMED).map(|message| HeldBack {
            pipeline: message.event.pipeline.clone(),
            kind: message.event.kind,
            headline: message.event.headline.clone(),
            at: message.event.at,
        });
        let mut event = last.event.clone();
        (event.at, event.advice, event.link) = (now, None, None);
        let note = Note::HeldBack { messages: messages.collect(), left_out };
        Message { event, note, thread: None, opens_thread: false }
    };
    insert(transaction, channel, &digest, "pending", now, now + policy.keep_trying)
}

fn has_room(transaction: &Transaction<'_>, channel: &Channel, now: DateTime<Utc>, policy: &Policy) -> rusqlite::Result<bool> {
    let queued: u32 = transaction
        .prepare_cached(
            "SELECT count(*) FROM alert_message
             WHERE channel = ?1 AND state IN ('pending', 'sent', 'dropped') AND created_at > ?2",
        )?
        .query_row([&channel.id, &text(now - TimeDelta::hours(1))], |row| row.get(0))?;
    Ok(queued < policy.most_per_hour.max(1))
}

/// Ends older pings of a pipeline that wait: the new one says what is so.
pub fn supersede(transaction: &Transaction<'_>, channel: &Channel, pipeline: &str, now: DateTime<Utc>) -> rusqlite::Result<()> {
    transaction.execute(
        "UPDATE alert_message SET state = 'superseded', finished_at = ?3
         WHERE channel = ?1 AND pipeline = ?2 AND state = 'pending' AND (lease_until IS NULL OR lease_until <= ?3)",
        params![channel.id, pipeline, text(now)],
    )?;
    Ok(())
}

/// Leases the channel's next message after `last`. While another process sends to the channel there is none, so that
/// messages go out in their order.
pub fn claim(
    transaction: &Transaction<'_>,
    channel: &Channel,
    last: i64,
    now: DateTime<Utc>,
    lease_until: DateTime<Utc>,
) -> rusqlite::Result<Option<Claim>> {
    transaction
        .prepare_cached(
            "UPDATE alert_message SET lease_until = ?4, claims = claims + 1
             WHERE id = (SELECT min(id) FROM alert_message
                         WHERE channel = ?1 AND state = 'pending' AND id > ?2 AND not_before <= ?3 AND expires_at > ?3)
               AND NOT EXISTS (SELECT 1 FROM alert_message
                               WHERE channel = ?1 AND state = 'pending' AND lease_until > ?3)
             RETURNING id, claims, message",
        )?
        .query_row(params![channel.id, last, text(now), text(lease_until)], |row| {
            Ok(Claim { id: row.get(0)?, claims: row.get(1)?, message: json(row, 2)? })
        })
        .optional()
}

/// Notes what became of a claimed message. A lease that was lost meanwhile changes nothing.
pub fn settle(
    transaction: &Transaction<'_>,
    claim: &Claim,
    sent: &Result<(), Failure>,
    now: DateTime<Utc>,
) -> rusqlite::Result<()> {
    let (state, reason) = match sent {
        Ok(()) => ("sent", None),
        Err(failure) => ("pending", Some(&failure.reason)),
    };
    let rest = sent.as_ref().err().and_then(|failure| failure.retry_after);
    let rest = rest.and_then(|rest| TimeDelta::from_std(rest).ok()).unwrap_or_default().min(LONGEST_REST);
    let finished_at = sent.is_ok().then(|| text(now));
    transaction
        .prepare_cached(
            "UPDATE alert_message
             SET state = ?3, last_error = coalesce(?4, last_error), lease_until = NULL, not_before = ?5, finished_at = ?6
             WHERE id = ?1 AND claims = ?2 AND state = 'pending'",
        )?
        .execute(params![claim.id, claim.claims, state, reason, text(now + rest), finished_at])?;
    Ok(())
}

/// Drops what was not delivered in its time.
pub fn expire(transaction: &Transaction<'_>, now: DateTime<Utc>) -> rusqlite::Result<Vec<Delivery>> {
    transaction
        .prepare_cached(
            "UPDATE alert_message SET state = 'dropped', finished_at = ?1
             WHERE state IN ('pending', 'held') AND expires_at <= ?1 AND (lease_until IS NULL OR lease_until <= ?1)
             RETURNING channel_name, message, last_error",
        )?
        .query_map([text(now)], |row| {
            let message: Message = json(row, 1)?;
            let reason = row.get::<_, Option<String>>(2)?.unwrap_or_else(|| "it was never tried".to_owned());
            Ok(Delivery { channel: row.get(0)?, event: message.event, outcome: Outcome::Dropped { reason } })
        })?
        .collect()
}

pub fn to_json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

pub fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let written: String = row.get(column)?;
    serde_json::from_str(&written).map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}
