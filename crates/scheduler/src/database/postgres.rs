//! The ledger's tables on a PostgreSQL that several hosts share.
//!
//! They stand in the schema that the connection works in (`search_path`), and their names begin with `consumer360_`.

use std::hash::Hasher;
use std::sync::Arc;

use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row as Stored};
use twox_hash::XxHash64;

use super::{Row, Server, Value};
use crate::error::Error;

/// The steps from nothing to the present format, as for the file. Text is compared byte by byte, as there.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE consumer360_run (
        run_id TEXT COLLATE \"C\" NOT NULL PRIMARY KEY,
        pipeline TEXT COLLATE \"C\" NOT NULL,
        status TEXT NOT NULL,
        started_at TEXT COLLATE \"C\" NOT NULL,
        record TEXT NOT NULL,
        epoch BIGINT NOT NULL
    );
    CREATE INDEX consumer360_run_by_start ON consumer360_run (started_at, length(run_id), run_id);
    CREATE INDEX consumer360_run_by_pipeline ON consumer360_run (pipeline, started_at, length(run_id), run_id);
    CREATE INDEX consumer360_run_by_status ON consumer360_run (status, started_at, length(run_id), run_id);
    CREATE INDEX consumer360_run_by_pipeline_status
        ON consumer360_run (pipeline, status, started_at, length(run_id), run_id);
    CREATE INDEX consumer360_run_by_epoch ON consumer360_run (pipeline, epoch);
    CREATE TABLE consumer360_slot (
        pipeline TEXT COLLATE \"C\" NOT NULL,
        scheduled_at TEXT COLLATE \"C\" NOT NULL,
        local TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT,
        run_id TEXT,
        attempts BIGINT NOT NULL,
        late_seconds BIGINT NOT NULL,
        planned_at TEXT NOT NULL,
        in_turn BIGINT NOT NULL,
        decided_at TEXT NOT NULL,
        PRIMARY KEY (pipeline, scheduled_at)
    );
    CREATE INDEX consumer360_slot_by_time ON consumer360_slot (scheduled_at, pipeline);
    CREATE INDEX consumer360_slot_open ON consumer360_slot (pipeline, scheduled_at)
        WHERE state IN ('due', 'waiting', 'running');
    CREATE TABLE consumer360_watch (
        pipeline TEXT COLLATE \"C\" NOT NULL PRIMARY KEY,
        schedule_fingerprint TEXT NOT NULL,
        watched_until TEXT NOT NULL,
        paused_at TEXT,
        paused_reason TEXT,
        missed_seconds BIGINT NOT NULL
    );
    CREATE TABLE consumer360_lock (
        pipeline TEXT COLLATE \"C\" NOT NULL PRIMARY KEY,
        epoch BIGINT NOT NULL,
        holder TEXT,
        session BIGINT,
        heartbeat_at TIMESTAMPTZ
    );
"];

const FORMAT: &str = "CREATE TABLE consumer360_format (version BIGINT NOT NULL)";

/// A connection to the server.
#[derive(Debug)]
pub struct Postgres {
    server: Server,
    client: Arc<Client>,
    /// Of the advisory lock that the one writer holds.
    writer: i64,
}

impl Postgres {
    /// Connects, makes the tables where there are none, and brings them to the present format.
    pub fn open(server: &Server) -> Result<Self, Error> {
        let client = connect(server)?;
        let mut postgres = Self { server: server.clone(), client, writer: 0 };
        postgres.writer = postgres.key("writer")?;
        postgres.migrate()?;
        Ok(postgres)
    }

    pub fn server(&self) -> &Server {
        &self.server
    }

    pub fn reconnect(&mut self) -> Result<(), Error> {
        self.client = connect(&self.server)?;
        Ok(())
    }

    pub fn query(&self, operation: &'static str, sql: &str, parameters: &[Value]) -> Result<Vec<Row>, Error> {
        let (client, sql, parameters) = (Arc::clone(&self.client), numbered(sql), parameters.to_vec());
        let stored = self.ask(operation, async move { client.query_typed(&sql, &typed(&parameters)).await })?;
        stored.iter().map(row).collect::<Result<_, _>>().map_err(|source| self.failure(operation, source))
    }

    pub fn execute(&self, operation: &'static str, sql: &str, parameters: &[Value]) -> Result<u64, Error> {
        let (client, sql, parameters) = (Arc::clone(&self.client), numbered(sql), parameters.to_vec());
        self.ask(operation, async move { client.execute_typed(&sql, &typed(&parameters)).await })
    }

    pub fn command(&self, operation: &'static str, sql: &str) -> Result<(), Error> {
        let (client, sql) = (Arc::clone(&self.client), sql.to_owned());
        self.ask(operation, async move { client.batch_execute(&sql).await })
    }

    /// Begins a transaction once nobody else writes.
    pub fn begin(&self, operation: &'static str) -> Result<(), Error> {
        let begun = self.command(operation, &format!("BEGIN; SELECT pg_advisory_xact_lock({})", self.writer));
        // Waiting for the writer may have failed behind the BEGIN.
        begun.inspect_err(|_| drop(self.command(operation, "ROLLBACK")))
    }

    /// Commits. Where the connection is lost before the answer comes, nobody here can know what the server did.
    pub fn commit(&self, operation: &'static str) -> Result<(), Error> {
        self.command(operation, "COMMIT").map_err(|error| match error {
            Error::ConnectionLost { operation, server, source } => Error::UnknownFate { operation, server, source },
            other => other,
        })
    }

    /// The key of an advisory lock. Locks are the whole database's, so it holds the schema's name.
    pub fn key(&self, purpose: &str) -> Result<i64, Error> {
        let schema = self.query("read the schema", "SELECT current_schema()::text", &[])?;
        match schema.first().and_then(|row| row.text(0).ok()) {
            Some(schema) => Ok(key(&schema, purpose)),
            None => Err(Error::NoSchema { server: self.server.name().to_owned() }),
        }
    }

    /// Takes the steps that the tables lack. Of several hosts that start at once, one takes them.
    fn migrate(&self) -> Result<(), Error> {
        const OPERATION: &str = "update the format";
        let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
        if self.version(known)? == Some(known) {
            return Ok(());
        }
        self.begin(OPERATION)?;
        let done = self.version(known).and_then(|found| self.apply(OPERATION, found, known));
        match done {
            Ok(()) => self.commit(OPERATION),
            Err(error) => {
                let _ = self.command(OPERATION, "ROLLBACK");
                Err(error)
            }
        }
    }

    fn apply(&self, operation: &'static str, found: Option<i64>, known: i64) -> Result<(), Error> {
        if found.is_none() {
            self.command(operation, FORMAT)?;
            self.command(operation, "INSERT INTO consumer360_format (version) VALUES (0)")?;
        }
        for step in MIGRATIONS.iter().skip(found.and_then(|steps| usize::try_from(steps).ok()).unwrap_or(0)) {
            self.command(operation, step)?;
        }
        self.execute(operation, "UPDATE consumer360_format SET version = ?1", &[known.into()])?;
        Ok(())
    }

    /// The format of the tables; none where there are none.
    fn version(&self, known: i64) -> Result<Option<i64>, Error> {
        const OPERATION: &str = "read the format";
        // `to_regclass` would answer from a cache that does not hear of what another host has just created.
        let table = "SELECT 1 FROM pg_class JOIN pg_namespace ON pg_namespace.oid = pg_class.relnamespace
                     WHERE pg_namespace.nspname = current_schema() AND pg_class.relname = 'consumer360_format'";
        if self.query(OPERATION, table, &[])?.is_empty() {
            return Ok(None);
        }
        let found = self.query(OPERATION, "SELECT version FROM consumer360_format", &[])?;
        let found = found.first().and_then(|row| row.integer(0).ok()).unwrap_or(0);
        if found > known {
            return Err(Error::DatabaseNewer { place: self.server.name().to_owned(), found, known });
        }
        Ok(Some(found))
    }

    fn ask<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T, tokio_postgres::Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let server = self.server.name().to_owned();
        self.server.wait(async move { work.await.map_err(|source| failure(operation, &server, source)) })
    }

    fn failure(&self, operation: &'static str, source: tokio_postgres::Error) -> Error {
        failure(operation, self.server.name(), source)
    }
}

/// The key of an advisory lock: 64 bits, so that no two of a database's fall together.
pub fn key(schema: &str, purpose: &str) -> i64 {
    let mut hash = XxHash64::with_seed(0);
    hash.write(format!("consumer360\0{schema}\0{purpose}").as_bytes());
    hash.finish().cast_signed()
}

/// What went wrong, told apart by whether the connection still stands.
pub fn failure(operation: &'static str, server: &str, source: tokio_postgres::Error) -> Error {
    let server = server.to_owned();
    // An end that the server announces closes the connection right after.
    let ended = [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT];
    let lost = match source.code() {
        Some(code) => ended.contains(code) || code.code().starts_with("08"),
        None => source.is_closed() || has_io_cause(&source),
    };
    if lost { Error::ConnectionLost { operation, server, source } } else { Error::Server { operation, server, source } }
}

fn has_io_cause(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
}

fn connect(server: &Server) -> Result<Arc<Client>, Error> {
    let owned = server.clone();
    server.wait(async move { owned.connect().await.map(Arc::new) })
}

/// PostgreSQL writes parameters with another sign. No text of a statement holds a question mark.
fn numbered(sql: &str) -> String {
    sql.replace('?', "$")
}

fn typed(parameters: &[Value]) -> Vec<(&(dyn ToSql + Sync), Type)> {
    parameters.iter().map(|value| (value as &(dyn ToSql + Sync), value.postgres_type())).collect()
}

fn row(stored: &Stored) -> Result<Row, tokio_postgres::Error> {
    let value = |(place, column): (usize, &tokio_postgres::Column)| {
        Ok(match *column.type_() {
            Type::INT8 => stored.try_get::<_, Option<i64>>(place)?.into(),
            Type::INT4 => stored.try_get::<_, Option<i32>>(place)?.map(i64::from).into(),
            _ => stored.try_get::<_, Option<String>>(place)?.into(),
        })
    };
    stored.columns().iter().enumerate().map(value).collect::<Result<_, _>>().map(Row)
}
