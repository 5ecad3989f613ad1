//! The tables.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

const FORMAT: i64 = 1;

/// The format has its own table, as `user_version` belongs to whoever else keeps tables in the file.
///
/// `alert_message.state`: `pending`, `sent`, `dropped`; `held` while the channel has had its share of the hour, then
/// `merged` into a message of held back ones; `counted` for a repeat; `superseded` for a heartbeat's older ping.
/// `claims` counts the deliveries that took the message up, and is what a delivery proves its lease with.
const TABLES: &str = "
    CREATE TABLE alert_format (version INTEGER NOT NULL) STRICT;
    CREATE TABLE alert_message (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        channel TEXT NOT NULL,
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

/// Makes the tables when they are missing; a format newer than this program's is answered with.
pub fn make(connection: &mut Connection) -> rusqlite::Result<Option<i64>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let there: bool = transaction
        .query_row("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alert_format'", [], |_| Ok(true))
        .optional()?
        .unwrap_or(false);
    if there {
        let found: i64 = transaction.query_row("SELECT max(version) FROM alert_format", [], |row| row.get(0))?;
        return Ok((found > FORMAT).then_some(found));
    }
    transaction.execute_batch(TABLES)?;
    transaction.execute("INSERT INTO alert_format VALUES (?1)", [FORMAT])?;
    transaction.commit()?;
    Ok(None)
}
