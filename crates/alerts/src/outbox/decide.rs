//! What a channel is told of an event: everything once, repeats by their number, recoveries of what was told.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{OptionalExtension, Transaction, params};

use super::{Policy, queue, time};
use crate::channel::Channel;
use crate::event::{Event, EventKind};
use crate::fingerprint;
use crate::message::{Message, Note};
use crate::timestamp::text;

/// A heartbeat that comes hours late says what is no longer so.
const HEARTBEAT_LIFE: TimeDelta = TimeDelta::hours(1);

/// A trouble that a channel was told of, and that nothing has ended since.
struct Episode {
    last_at: DateTime<Utc>,
    last_sent_at: DateTime<Utc>,
    unsent: u32,
    last_run: Option<String>,
    thread: Option<String>,
}

pub fn decide(
    transaction: &Transaction<'_>,
    channel: &Channel,
    event: &Event,
    now: DateTime<Utc>,
    policy: &Policy,
) -> rusqlite::Result<()> {
    if channel.is_heartbeat() {
        queue::supersede(transaction, channel, &event.pipeline, now)?;
        let life = HEARTBEAT_LIFE.min(policy.keep_trying);
        return queue::insert(transaction, channel, &Message::plain(event.clone()), "pending", now, now + life);
    }
    if event.kind == EventKind::Recovered {
        recovered(transaction, channel, event, now, policy)
    } else if event.kind.is_trouble() {
        trouble(transaction, channel, event, now, policy)
    } else {
        queue::put(transaction, channel, &Message::plain(event.clone()), now, policy)
    }
}

/// Sends the numbers of repeats whose time has come, though nothing happens any more.
pub fn due_digests(
    transaction: &Transaction<'_>,
    channel: &Channel,
    now: DateTime<Utc>,
    policy: &Policy,
) -> rusqlite::Result<()> {
    let due: Vec<Event> = transaction
        .prepare_cached(
            "SELECT event FROM alert_episode WHERE channel = ?1 AND unsent > 0 AND last_sent_at <= ?2 ORDER BY first_at, event",
        )?
        .query_map(params![channel.id, text(now - policy.repeat_after)], |row| queue::json(row, 0))?
        .collect::<Result<_, _>>()?;
    for event in due {
        let mark = fingerprint::of_headline(&event.headline);
        if let Some(episode) = find(transaction, channel, &event, &mark)? {
            digest(transaction, channel, &event, &mark, &episode, now, policy)?;
        }
    }
    Ok(())
}

fn trouble(
    transaction: &Transaction<'_>,
    channel: &Channel,
    event: &Event,
    now: DateTime<Utc>,
    policy: &Policy,
) -> rusqlite::Result<()> {
    let mark = fingerprint::of_headline(&event.headline);
    let run = event.run_id.clone().or_else(|| event.slot.map(text));
    // Warnings know no recovery: one that has not come for long is a new one.
    let lapsed = |episode: &Episode| !event.kind.is_outage() && now - episode.last_at > policy.repeat_after + policy.repeat_after;
    let Some(episode) = find(transaction, channel, event, &mark)?.filter(|episode| !lapsed(episode)) else {
        return begin(transaction, channel, event, &mark, run.as_deref(), now, policy);
    };
    // A caller that died after posting posts the same run again.
    if run.is_some() && run == episode.last_run {
        return Ok(());
    }
    transaction
        .prepare_cached(
            "UPDATE alert_episode SET runs = runs + 1, unsent = unsent + 1, last_at = ?5, last_run = ?6, event = ?7
             WHERE channel = ?1 AND pipeline = ?2 AND kind = ?3 AND fingerprint = ?4",
        )?
        .execute(params![channel.id, event.pipeline, event.kind.as_str(), mark, text(now), run, queue::to_json(event)?])?;
    let episode = Episode { unsent: episode.unsent + 1, ..episode };
    if now - episode.last_sent_at >= policy.repeat_after {
        digest(transaction, channel, event, &mark, &episode, now, policy)
    } else {
        queue::insert(transaction, channel, &Message::plain(event.clone()), "counted", now, now)
    }
}

/// Notes a trouble that the channel does not know, and tells it.
fn begin(
    transaction: &Transaction<'_>,
    channel: &Channel,
    event: &Event,
    mark: &str,
    run: Option<&str>,
    now: DateTime<Utc>,
    policy: &Policy,
) -> rusqlite::Result<()> {
    let outage = event.kind.is_outage();
    let known: Option<String> = transaction
        .query_row(
            "SELECT thread FROM alert_episode WHERE channel = ?1 AND pipeline = ?2 AND outage = 1 LIMIT 1",
            [&channel.id, &event.pipeline],
            |row| row.get(0),
        )
        .optional()?
        .flatten();
    let opens_thread = outage && known.is_none();
    let thread = outage.then(|| known.unwrap_or_else(|| fingerprint::of(&[&channel.id, &event.pipeline, &text(now)])));
    transaction
        .prepare_cached("INSERT OR REPLACE INTO alert_episode VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, 1, 0, ?8, ?9, ?10)")?
        .execute(params![
            channel.id,
            event.pipeline,
            event.kind.as_str(),
            mark,
            outage,
            text(event.at),
            text(now),
            run,
            thread,
            queue::to_json(event)?
        ])?;
    let message = Message { event: event.clone(), note: Note::Nothing, thread, opens_thread };
    queue::put(transaction, channel, &message, now, policy)
}

fn digest(
    transaction: &Transaction<'_>,
    channel: &Channel,
    event: &Event,
    mark: &str,
    episode: &Episode,
    now: DateTime<Utc>,
    policy: &Policy,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "UPDATE alert_episode SET unsent = 0, last_sent_at = ?5
             WHERE channel = ?1 AND pipeline = ?2 AND kind = ?3 AND fingerprint = ?4",
        )?
        .execute(params![channel.id, event.pipeline, event.kind.as_str(), mark, text(now)])?;
    let note = Note::Repeated { count: episode.unsent, since: episode.last_sent_at };
    let message = Message { event: event.clone(), note, thread: episode.thread.clone(), opens_thread: false };
    queue::put(transaction, channel, &message, now, policy)
}

/// Tells of a recovery, when the channel was told that there was something to recover from.
fn recovered(
    transaction: &Transaction<'_>,
    channel: &Channel,
    event: &Event,
    now: DateTime<Utc>,
    policy: &Policy,
) -> rusqlite::Result<()> {
    let (since, runs, thread): (Option<String>, u32, Option<String>) = transaction.query_row(
        "SELECT min(first_at), coalesce(sum(runs) FILTER (WHERE kind = 'failed'), 0), min(thread)
         FROM alert_episode WHERE channel = ?1 AND pipeline = ?2 AND outage = 1",
        [&channel.id, &event.pipeline],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    transaction.execute("DELETE FROM alert_episode WHERE channel = ?1 AND pipeline = ?2", [&channel.id, &event.pipeline])?;
    let Some(since) = since else { return Ok(()) };
    let note = Note::Recovered { since: time(&since)?, runs };
    queue::put(transaction, channel, &Message { event: event.clone(), note, thread, opens_thread: false }, now, policy)
}

fn find(transaction: &Transaction<'_>, channel: &Channel, event: &Event, mark: &str) -> rusqlite::Result<Option<Episode>> {
    transaction
        .prepare_cached(
            "SELECT last_at, last_sent_at, unsent, last_run, thread FROM alert_episode
             WHERE channel = ?1 AND pipeline = ?2 AND kind = ?3 AND fingerprint = ?4",
        )?
        .query_row([channel.id.as_str(), &event.pipeline, event.kind.as_str(), mark], |row| {
            Ok(Episode {
                last_at: time(&row.get::<_, String>(0)?)?,
                last_sent_at: time(&row.get::<_, String>(1)?)?,
                unsent: row.get(2)?,
                last_run: row.get(3)?,
                thread: row.get(4)?,
            })
        })
        .optional()
}
