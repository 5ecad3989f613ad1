//! The tables.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::channel;

const FORMAT: i64 = 2;

/// The format has its own table, as `user_version` belongs to whoever else keeps tables in the file.
///
/// `channel` is what [`channel::id_of`] makes of a pipeline and a channel's name; `channel_name` is that name, for people.
///
/// `alert_message.state`: `pending`, `sent`, `dropped`; `held` while the channel has had its share of the hour, then
/// `merged` into a message of held back ones; `counted` for a repeat; `superseded` for a heartbeat's older ping.
/// `claims` counts the deliveries that took the message up, and is what a delivery proves its lease with.
const TABLES: &str = "
    CREATE TABLE alert_format (version INTEGER NOT NULL) STRICT;
    CREATE TABLE alert_message (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        channel TEXT NOT NULL,
        channel_name TEXT NOT NULL,
        pipeline TEXT NOT NULL,
        kind TEXT NOT NULL,
        headline TEXT NOT NULL,
        state TEXT NOT NULL,
        message TEXT NOT NULL,
        created_at TEXT NOT NULL,
        expires_at TEXT NOT NULL,
        not_before TEXT NOT NULL,
        claims INTEGER NOT NULL DEFAULT 0,
        lease_until TEXT,
        last_error TEXT,
        finished_at TEXT
    ) STRICT;
    CREATE INDEX alert_message_by_state ON alert_message (channel, state, id);
    CREATE TABLE alert_episode (
        channel TEXT NOT NULL,
        pipeline TEXT NOT NULL,
        kind TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        outage INTEGER NOT NULL,
        first_at TEXT NOT NULL,
        last_at TEXT NOT NULL,
        last_sent_at TEXT NOT NULL,
        runs INTEGER NOT NULL,
        unsent INTEGER NOT NULL,
        last_run TEXT,
        thread TEXT,
        event TEXT NOT NULL,
        PRIMARY KEY (channel, pipeline, kind, fingerprint)
    ) STRICT;
";

/// Format 1 put messages of several pipelines that it held back into one. Such a message that still waits is taken apart
/// again, as nobody may get all of it: what it was made of is held back anew, each for its own pipeline.
const FROM_1: &str = "
    UPDATE alert_message SET state = 'held', finished_at = NULL
    WHERE state = 'merged' AND EXISTS (
        SELECT 1 FROM alert_message AS digest
        WHERE digest.kind = 'held_back' AND digest.state = 'pending'
          AND digest.channel = alert_message.channel AND digest.created_at = alert_message.finished_at);
    UPDATE alert_message SET state = 'superseded', finished_at = created_at WHERE kind = 'held_back' AND state = 'pending';
    ALTER TABLE alert_message ADD COLUMN channel_name TEXT NOT NULL DEFAULT '';
    UPDATE alert_message SET channel_name = channel;
";

/// Makes the tables when they are missing, and brings those of an older format to the present one; a format newer than this
/// program's is answered with.
pub fn make(connection: &mut Connection) -> rusqlite::Result<Option<i64>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let there: bool = transaction
        .query_row("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alert_format'", [], |_| Ok(true))
        .optional()?
        .unwrap_or(false);
    if there {
        let found: i64 = transaction.query_row("SELECT max(version) FROM alert_format", [], |row| row.get(0))?;
        if found >= FORMAT {
            return Ok((found > FORMAT).then_some(found));
        }
        part_by_pipeline(&transaction)?;
        transaction.execute("UPDATE alert_format SET version = ?1", [FORMAT])?;
    } else {
        transaction.execute_batch(TABLES)?;
        transaction.execute("INSERT INTO alert_format VALUES (?1)", [FORMAT])?;
    }
    transaction.commit()?;
    Ok(None)
}

/// Format 1 knew a channel by its name alone, which channels of several pipelines may share. Every row says which pipeline it
/// is of, and a channel was only ever told of its own pipeline: so each row has one channel that it is for, and what waits
/// goes out to that one.
fn part_by_pipeline(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(FROM_1)?;
    let channels: Vec<(String, String)> = transaction
        .prepare("SELECT channel, pipeline FROM alert_message UNION SELECT channel, pipeline FROM alert_episode")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (name, pipeline) in channels {
        let id = channel::id_of(&pipeline, &name);
        for table in ["alert_message", "alert_episode"] {
            let sql = format!("UPDATE {table} SET channel = ?1 WHERE channel = ?2 AND pipeline = ?3");
            transaction.execute(&sql, params![id, name, pipeline])?;
        }
    }
    Ok(())
}
