//! The index of the runs: a database table that holds every record, to list and to look up. It also remembers runs
//! whose folders were pruned. The database holds the slots too, which `slots.rs` reads and writes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension, Params, ToSql, Transaction, TransactionBehavior};

use crate::error::Error;
use crate::record::{RunRecord, Status};
use crate::timestamp;

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
];

/// How many runs an ambiguous beginning is answered with.
const MOST_CANDIDATES: i64 = 5;

/// Which runs to list: all of them, or those of one pipeline, of one status, or of both.
#[derive(Debug, Clone, Copy, Default)]
pub struct RunFilter<'a> {
    pub pipeline: Option<&'a str>,
    pub status: Option<Status>,
}

/// The database. Clones share one connection.
///
/// It keeps the rollback journal that is the default: the ledger is one file, which is simple to back up and to move
/// away, and some ten writes a run want no write-ahead log.
#[derive(Debug, Clone)]
pub struct Index {
    path: PathBuf,
    connection: Arc<Mutex<Connection>>,
}

impl Index {
    /// Opens the database, makes it when there is none, and brings it to the present format.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let failed = |source| failure(path, "open the database", source);
        let mut connection = Connection::open(path).map_err(failed)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
        migrate(path, &mut connection)?;
        Ok(Self { path: path.to_owned(), connection: Arc::new(Mutex::new(connection)) })
    }

    /// Writes a run's record over the one it holds.
    pub fn put(&self, record: &RunRecord) -> Result<(), Error> {
        self.insert(&self.connection(), "REPLACE", record)
    }

    /// Adds records of runs that the index does not know; a run that it came to know meanwhile keeps its record.
    pub fn add(&self, records: &[RunRecord]) -> Result<(), Error> {
        let failed = |source| failure(&self.path, "add runs", source);
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        for record in records {
            self.insert(&transaction, "IGNORE", record)?;
        }
        transaction.commit().map_err(failed)
    }

    pub fn knows(&self, run_id: &str) -> Result<bool, Error> {
        let failed = |source| failure(&self.path, "look up a run", source);
        let connection = self.connection();
        let mut statement = connection.prepare_cached("SELECT 1 FROM run WHERE run_id = ?1").map_err(failed)?;
        statement.exists([run_id]).map_err(failed)
    }

    /// The latest runs, newest first.
    pub fn latest(&self, pipeline: Option<&str>, limit: usize) -> Result<Vec<RunRecord>, Error> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        match pipeline {
            Some(pipeline) => self.select(
                "SELECT run_id, record FROM run WHERE pipeline = ?1
                 ORDER BY started_at DESC, length(run_id) DESC, run_id DESC LIMIT ?2",
                (pipeline, limit),
            ),
            None => self.select(
                "SELECT run_id, record FROM run
                 ORDER BY started_at DESC, length(run_id) DESC, run_id DESC LIMIT ?1",
                (limit,),
            ),
        }
    }

    /// The names of all pipelines that ever ran, in order.
    pub fn pipelines(&self) -> Result<Vec<String>, Error> {
        let failed = |source| failure(&self.path, "list the pipelines", source);
        let connection = self.connection();
        let mut statement = connection.prepare_cached("SELECT DISTINCT pipeline FROM run ORDER BY pipeline").map_err(failed)?;
        let rows = statement.query_map([], |row| row.get(0)).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    /// The latest run of the pipeline that has this status.
    pub fn latest_of_status(&self, pipeline: &str, status: Status) -> Result<Option<RunRecord>, Error> {
        let found = self.select(
            "SELECT run_id, record FROM run WHERE pipeline = ?1 AND status = ?2
             ORDER BY started_at DESC, length(run_id) DESC, run_id DESC LIMIT 1",
            (pipeline, status.as_str()),
        )?;
        Ok(found.into_iter().next())
    }

    /// A page of the runs that a filter lets through, newest first.
    pub fn page(&self, filter: RunFilter<'_>, offset: u64, limit: u64) -> Result<Vec<RunRecord>, Error> {
        let bound = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let status = filter.status.map(Status::as_str);
        match filter.pipeline {
            Some(pipeline) => self.select(
                "SELECT run_id, record FROM run WHERE pipeline = ?1 AND (?2 IS NULL OR status = ?2)
                 ORDER BY started_at DESC, length(run_id) DESC, run_id DESC LIMIT ?3 OFFSET ?4",
                (pipeline, status, bound(limit), bound(offset)),
            ),
            None => self.select(
                "SELECT run_id, record FROM run WHERE (?1 IS NULL OR status = ?1)
                 ORDER BY started_at DESC, length(run_id) DESC, run_id DESC LIMIT ?2 OFFSET ?3",
                (status, bound(limit), bound(offset)),
            ),
        }
    }

    /// How many runs a filter lets through.
    pub fn count(&self, filter: RunFilter<'_>) -> Result<u64, Error> {
        let failed = |source| failure(&self.path, "count runs", source);
        let connection = self.connection();
        let count = |sql: &str, parameters: &[&dyn ToSql]| {
            connection.prepare_cached(sql)?.query_row(parameters, |row| row.get::<_, i64>(0))
        };
        let counted = match (filter.pipeline, filter.status.map(Status::as_str)) {
            (None, None) => count("SELECT count(*) FROM run", &[]),
            (Some(pipeline), None) => count("SELECT count(*) FROM run WHERE pipeline = ?1", &[&pipeline]),
            (None, Some(status)) => count("SELECT count(*) FROM run WHERE status = ?1", &[&status]),
            (Some(pipeline), Some(status)) => {
                count("SELECT count(*) FROM run WHERE pipeline = ?1 AND status = ?2", &[&pipeline, &status])
            }
        };
        Ok(u64::try_from(counted.map_err(failed)?).unwrap_or(0))
    }

    /// The pipeline's runs of a status, oldest first.
    pub fn of_status(&self, pipeline: &str, status: Status) -> Result<Vec<RunRecord>, Error> {
        self.select(
            "SELECT run_id, record FROM run WHERE pipeline = ?1 AND status = ?2
             ORDER BY started_at, length(run_id), run_id",
            (pipeline, status.as_str()),
        )
    }

    /// The run of that id, or else the only one whose id begins so.
    pub fn find(&self, prefix: &str) -> Result<Option<RunRecord>, Error> {
        let exact = self.select("SELECT run_id, record FROM run WHERE run_id = ?1", (prefix,))?;
        if let Some(record) = exact.into_iter().next() {
            return Ok(Some(record));
        }
        // The last code point there is stands after every id with the prefix; unlike LIKE, `_` and `%` mean themselves.
        let mut found = self.select(
            "SELECT run_id, record FROM run WHERE run_id >= ?1 AND run_id < ?1 || char(1114111)
             ORDER BY run_id LIMIT ?2",
            (prefix, MOST_CANDIDATES),
        )?;
        if found.len() > 1 {
            let candidates = found.into_iter().map(|record| record.run_id).collect();
            return Err(Error::AmbiguousRun { prefix: prefix.to_owned(), candidates });
        }
        Ok(found.pop())
    }

    /// Reads something of the database that is no run.
    pub fn read<T>(&self, operation: &'static str, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        work(&self.connection()).map_err(|source| failure(&self.path, operation, source))
    }

    /// Does all of `work` or nothing, while no other process writes. `work` must not ask the index for anything.
    pub fn write<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        let failed = |source| failure(&self.path, operation, source);
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let done = work(&transaction).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(done)
    }

    fn insert(&self, connection: &Connection, on_conflict: &'static str, record: &RunRecord) -> Result<(), Error> {
        let failed = |source| failure(&self.path, "write a run", source);
        let text =
            serde_json::to_string(record).map_err(|source| Error::EncodeRecord { run_id: record.run_id.clone(), source })?;
        let sql = format!("INSERT OR {on_conflict} INTO run VALUES (?1, ?2, ?3, ?4, ?5)");
        let started_at = timestamp::text(record.started_at);
        connection
            .prepare_cached(&sql)
            .and_then(|mut statement| {
                statement.execute((&record.run_id, &record.pipeline, record.status.as_str(), started_at, text))
            })
            .map_err(failed)?;
        Ok(())
    }

    fn select(&self, sql: &'static str, parameters: impl Params) -> Result<Vec<RunRecord>, Error> {
        let failed = |source| failure(&self.path, "read runs", source);
        let connection = self.connection();
        let mut statement = connection.prepare_cached(sql).map_err(failed)?;
        let mut rows = statement.query(parameters).map_err(failed)?;
        let mut records = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let text: String = row.get(1).map_err(failed)?;
            match serde_json::from_str(&text) {
                Ok(record) => records.push(record),
                Err(source) => {
                    let run_id = row.get(0).map_err(failed)?;
                    return Err(Error::UnreadableRow { path: self.path.clone(), run_id, source });
                }
            }
        }
        Ok(records)
    }

    /// A panic elsewhere leaves no half-done change behind: the database rolls back what was not committed.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        .optional()
        .map_err(|source| failure(path, "read the format", source))?
        .unwrap_or(0);
    if found > known {
        return Err(Error::DatabaseNewer { path: path.to_owned(), found, known });
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
