//! The ledger's tables in a file of its own: the ledger of one host.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior, params_from_iter};

use super::{Row, Value};
use crate::error::Error;

/// How long a writer waits for another process's write. Writes take milliseconds; a slow disk takes longer.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The steps from an empty database to the present format. The database's `user_version` counts the steps taken, so
/// a step is never edited once released; a new one is added.
///
/// `length(run_id)` settles the order of runs that began in the same millisecond: `-10` comes after `-2`.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE run (
        run_id TEXT NOT NULL PRIMARY KEY,
        pipeline TEXT NOT NULL,
        status TEXT NOT NULL,
        started_at TEXT NOT NULL,
        record TEXT NOT NULL
    ) STRICT;
    CREATE INDEX run_by_start ON run (started_at, length(run_id), run_id);
    CREATE INDEX run_by_pipeline ON run (pipeline, started_at, length(run_id), run_id);
",
    "
    CREATE TABLE slot (
        pipeline TEXT NOT NULL,
        scheduled_at TEXT NOT NULL,
        local TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT,
        run_id TEXT,
        attempts INTEGER NOT NULL,
        late_seconds INTEGER NOT NULL,
        planned_at TEXT NOT NULL,
        in_turn INTEGER NOT NULL,
        decided_at TEXT NOT NULL,
        PRIMARY KEY (pipeline, scheduled_at)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX slot_by_time ON slot (scheduled_at, pipeline);
    CREATE INDEX slot_open ON slot (pipeline, scheduled_at) WHERE state IN ('due', 'waiting', 'running');
    CREATE TABLE watch (
        pipeline TEXT NOT NULL PRIMARY KEY,
        schedule_fingerprint TEXT NOT NULL,
        watched_until TEXT NOT NULL,
        paused_at TEXT,
        paused_reason TEXT
    ) STRICT;
",
    // The names that the tables have in a database shared with others; fencing numbers; lists of one status. The window
    // of a schedule watched so far is not known: it is taken for the longest there is, until the next tick.
    "
    ALTER TABLE run RENAME TO consumer360_run;
    ALTER TABLE slot RENAME TO consumer360_slot;
    ALTER TABLE watch RENAME TO consumer360_watch;
    ALTER TABLE consumer360_run ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX run_by_status ON consumer360_run (status, started_at, length(run_id), run_id);
    CREATE INDEX run_by_pipeline_status ON consumer360_run (pipeline, status, started_at, length(run_id), run_id);
    CREATE INDEX run_by_epoch ON consumer360_run (pipeline, epoch);
    ALTER TABLE consumer360_watch ADD COLUMN missed_seconds INTEGER NOT NULL DEFAULT 315360000;
    CREATE TABLE consumer360_lock (
        pipeline TEXT NOT NULL PRIMARY KEY,
        epoch INTEGER NOT NULL,
        holder TEXT
    ) STRICT;
",
];

/// A connection to the file.
///
/// It keeps the rollback journal that is the default: the ledger is one file, which is simple to back up and to move
/// away, and some twenty writes a run want no write-ahead log.
#[derive(Debug)]
pub struct Sqlite {
    pub path: PathBuf,
    connection: Connection,
}

impl Sqlite {
    /// Opens the database, makes it when there is none, and brings it to the present format.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let failed = |source| failure(path, "open the database", source);
        let mut connection = Connection::open(path).map_err(failed)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
        migrate(path, &mut connection)?;
        Ok(Self { path: path.to_owned(), connection })
    }

    /// [`Error::DatabaseDamaged`] if there is a file and it is not a sound database.
    pub fn prove(path: &Path) -> Result<(), Error> {
        if !path.exists() {
            return Ok(());
        }
        let failed = |source| failure(path, "examine the database", source);
        let connection = Connection::open(path).map_err(failed)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
        let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
        if found == "ok" {
            return Ok(());
        }
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        Err(failed(rusqlite::Error::SqliteFailure(code, Some(found))))
    }

    pub fn query(&self, operation: &'static str, sql: &str, parameters: &[Value]) -> Result<Vec<Row>, Error> {
        rows(&self.connection, sql, parameters).map_err(|source| failure(&self.path, operation, source))
    }

    pub fn execute(&self, operation: &'static str, sql: &str, parameters: &[Value]) -> Result<u64, Error> {
        let changed =
            self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(params_from_iter(parameters)));
        changed.map(|count| count as u64).map_err(|source| failure(&self.path, operation, source))
    }

    /// `BEGIN`, `COMMIT` or `ROLLBACK`. A transaction that is begun waits for the one writer there may be.
    pub fn command(&self, operation: &'static str, sql: &str) -> Result<(), Error> {
        self.connection.execute_batch(sql).map_err(|source| failure(&self.path, operation, source))
    }
}

fn rows(connection: &Connection, sql: &str, parameters: &[Value]) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(sql)?;
    let columns = statement.column_count();
    let read = |row: &rusqlite::Row<'_>| (0..columns).map(|column| value(row.get_ref(column)?)).collect::<Result<_, _>>();
    statement.query_map(params_from_iter(parameters), |row| read(row).map(Row))?.collect()
}

fn value(stored: ValueRef<'_>) -> rusqlite::Result<Value> {
    Ok(match stored {
        ValueRef::Null => Value::Nothing,
        ValueRef::Integer(number) => Value::Integer(number),
        other => Value::Text(other.as_str()?.to_owned()),
    })
}

/// Takes the steps that the database lacks. Of several processes that start at once, one takes them.
fn migrate(path: &Path, connection: &mut Connection) -> Result<(), Error> {
    let failed = |source| failure(path, "update the format", source);
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    // Most starts find nothing to do, and then must not wait for a writer.
    if version(path, connection, known)? == known {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let found = version(path, &transaction, known)?;
    apply(&transaction, found, known).map_err(failed)?;
    transaction.commit().map_err(failed)
}

fn apply(transaction: &Transaction<'_>, found: i64, known: i64) -> rusqlite::Result<()> {
    for step in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", known)
}

fn version(path: &Path, connection: &Connection, known: i64) -> Result<i64, Error> {
    let found = connection
        .query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))
        .map_err(|source| failure(path, "read the format", source))?;
    if found > known {
        return Err(Error::DatabaseNewer { place: path.display().to_string(), found, known });
    }
    Ok(found)
}

fn failure(path: &Path, operation: &'static str, source: rusqlite::Error) -> Error {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::DatabaseDamaged { path, source },
        _ => Error::Database { operation, path, source },
    }
}
