//! The tables of the ledger, in one of two places: a SQLite file in the state folder, or a PostgreSQL that several hosts
//! share. Above this module nothing knows which.
//!
//! Statements are SQL that both understand alike, with parameters `?1`, `?2`, …. One writer writes at a time in either
//! place, so what a write reads nobody changes before it is done.

mod postgres;
mod server;
mod sqlite;
mod value;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::Error;
pub use postgres::{Postgres, failure as server_failure, key as advisory_key};
pub use server::Server;
pub use sqlite::Sqlite;
pub use value::{Row, Value};

/// The database. Clones share one connection.
#[derive(Debug, Clone)]
pub struct Database {
    /// None for a file.
    server: Option<Server>,
    link: Arc<Mutex<Link>>,
}

#[derive(Debug)]
enum Link {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// The database within one read or write; an error names its operation.
pub struct Connection<'a> {
    link: &'a Link,
    operation: &'static str,
}

impl Database {
    /// The file at `path`, made when there is none.
    pub fn file(path: &Path) -> Result<Self, Error> {
        Ok(Self { server: None, link: Arc::new(Mutex::new(Link::Sqlite(Sqlite::open(path)?))) })
    }

    /// The database that the url names; the tables are made when there are none.
    pub fn server(url: &str) -> Result<Self, Error> {
        let server = Server::new(url)?;
        let postgres = Postgres::open(&server)?;
        Ok(Self { server: Some(server), link: Arc::new(Mutex::new(Link::Postgres(postgres))) })
    }

    /// The server that several hosts share, unless the ledger is a file.
    pub fn shared(&self) -> Option<&Server> {
        self.server.as_ref()
    }

    /// The file or the server, as messages name it.
    pub fn place(&self) -> String {
        self.link().place()
    }

    /// Reads. A connection that was lost is made anew, once.
    pub fn read<T>(&self, operation: &'static str, work: impl Fn(&Connection<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let mut link = self.link();
        match work(&Connection { link: &link, operation }) {
            Err(Error::ConnectionLost { .. }) if link.reconnect()? => work(&Connection { link: &link, operation }),
            done => done,
        }
    }

    /// Does all of `work` or nothing, while nobody else writes. `work` must not ask the database for anything but through
    /// the connection it is given.
    ///
    /// An error means that nothing was written, but for [`Error::UnknownFate`].
    pub fn write<T>(&self, operation: &'static str, work: impl FnOnce(&Connection<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let mut link = self.link();
        match link.begin(operation) {
            Err(Error::ConnectionLost { .. }) if link.reconnect()? => link.begin(operation)?,
            begun => begun?,
        }
        match work(&Connection { link: &link, operation }) {
            Ok(done) => link.commit(operation).map(|()| done),
            Err(error) => {
                // A database that cannot even roll back has lost the connection, and then rolls back by itself.
                if let Err(second) = link.roll_back(operation) {
                    tracing::debug!(%second, operation, "the transaction was not rolled back in order");
                }
                Err(error)
            }
        }
    }

    /// A panic elsewhere may leave a transaction open, which the next one must not take for its own.
    fn link(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(|poisoned| {
            self.link.clear_poison();
            let link = PoisonError::into_inner(poisoned);
            let _ = link.roll_back("roll back");
            link
        })
    }
}

impl Link {
    fn begin(&self, operation: &'static str) -> Result<(), Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.command(operation, "BEGIN IMMEDIATE"),
            Self::Postgres(postgres) => postgres.begin(operation),
        }
    }

    fn commit(&self, operation: &'static str) -> Result<(), Error> {
        match self {
            Self::Sqlite(sqlite) => {
                let committed = sqlite.command(operation, "COMMIT");
                // A commit that failed, as for want of disk, leaves the transaction open.
                committed.inspect_err(|_| drop(sqlite.command(operation, "ROLLBACK")))
            }
            Self::Postgres(postgres) => postgres.commit(operation),
        }
    }

    fn roll_back(&self, operation: &'static str) -> Result<(), Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.command(operation, "ROLLBACK"),
            Self::Postgres(postgres) => postgres.command(operation, "ROLLBACK"),
        }
    }

    /// False for a file, to which no connection is lost.
    fn reconnect(&mut self) -> Result<bool, Error> {
        match self {
            Self::Sqlite(_) => Ok(false),
            Self::Postgres(postgres) => postgres.reconnect().map(|()| true),
        }
    }

    fn place(&self) -> String {
        match self {
            Self::Sqlite(sqlite) => sqlite.path.display().to_string(),
            Self::Postgres(postgres) => postgres.server().name().to_owned(),
        }
    }
}

impl Connection<'_> {
    /// The rows that a query answers, each as `read` reads it.
    pub fn query<T>(&self, sql: &str, parameters: &[Value], read: impl Fn(&Row) -> Result<T, String>) -> Result<Vec<T>, Error> {
        let rows = match self.link {
            Link::Sqlite(sqlite) => sqlite.query(self.operation, sql, parameters),
            Link::Postgres(postgres) => postgres.query(self.operation, sql, parameters),
        }?;
        rows.iter().map(read).collect::<Result<_, _>>().map_err(|detail| Error::UnreadableValue {
            operation: self.operation,
            place: self.link.place(),
            detail,
        })
    }

    /// Whether a query answers anything.
    pub fn exists(&self, sql: &str, parameters: &[Value]) -> Result<bool, Error> {
        Ok(!self.query(sql, parameters, |_| Ok(()))?.is_empty())
    }

    /// Changes rows; returns how many.
    pub fn execute(&self, sql: &str, parameters: &[Value]) -> Result<u64, Error> {
        match self.link {
            Link::Sqlite(sqlite) => sqlite.execute(self.operation, sql, parameters),
            Link::Postgres(postgres) => postgres.execute(self.operation, sql, parameters),
        }
    }
}
