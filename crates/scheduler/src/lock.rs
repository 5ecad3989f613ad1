//! The lock that keeps two runs of one pipeline apart, and the fencing number that keeps out a holder who lost it.

mod file;
mod lease;

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::database::{Connection, Database};
use crate::error::Error;
use crate::timestamp;
use file::FileLock;
use lease::Lease;

/// A holder signs a moment after it took the lock; whoever comes in that moment asks again, this often,
const ATTEMPTS: u32 = 50;
/// and this long apart. Together one second, then the holder counts as unknown.
const PAUSE: Duration = Duration::from_millis(20);

/// Who holds a pipeline's lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub run_id: String,
    /// The process, on `host`.
    pub pid: u32,
    pub host: String,
    #[serde(with = "timestamp")]
    pub since: DateTime<Utc>,
}

impl Holder {
    pub(crate) fn this_process(run_id: &str, since: DateTime<Utc>) -> Self {
        Self { run_id: run_id.to_owned(), pid: std::process::id(), host: host_name(), since }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.since.format("%Y-%m-%d %H:%M:%S UTC");
        write!(f, "run {} (process {} on {}) since {since}", self.run_id, self.pid, self.host)
    }
}

/// A lock held: by the kernel where the ledger is a file, by the server where hosts share it. Either frees it when this
/// value is dropped and when the process dies, however it dies.
#[derive(Debug)]
pub struct PipelineLock {
    hold: Hold,
    database: Database,
    pipeline: String,
    epoch: u64,
}

#[derive(Debug)]
enum Hold {
    File(FileLock),
    Lease(Lease),
}

impl PipelineLock {
    /// Takes the pipeline's lock with the next fencing number, or says who holds it.
    pub fn take(folder: &Path, database: &Database, pipeline: &str) -> Result<Self, Error> {
        let mut hold = Hold::take(folder, database, pipeline)?;
        let epoch = database.write("lock a pipeline", |connection| next_epoch(connection, pipeline))?;
        if let Hold::Lease(lease) = &mut hold {
            lease.keep(epoch)?;
        }
        Ok(Self { hold, database: database.clone(), pipeline: pipeline.to_owned(), epoch })
    }

    /// Who holds the pipeline's lock, if anybody does. A holder who lost it unawares stays able to take it back.
    pub fn holder(folder: &Path, database: &Database, pipeline: &str) -> Result<Option<Holder>, Error> {
        match Hold::take(folder, database, pipeline) {
            Ok(_) => Ok(None),
            Err(Error::Locked { holder, .. }) => Ok(Some(holder)),
            Err(error) => Err(error),
        }
    }

    /// Whether nobody holds the pipeline's lock, and nobody who held it will take it back. Nobody loses it by this.
    pub fn is_abandoned(folder: &Path, database: &Database, pipeline: &str) -> Result<bool, Error> {
        match database.shared() {
            None => Self::holder(folder, database, pipeline).map(|holder| holder.is_none()),
            Some(server) => lease::is_abandoned(server, pipeline),
        }
    }

    /// Notes who holds it.
    pub fn sign(&mut self, holder: &Holder) -> Result<(), Error> {
        let encode = |source| Error::EncodeRecord { run_id: holder.run_id.clone(), source };
        let signature = serde_json::to_string(holder).map_err(encode)?;
        if let Hold::File(file) = &mut self.hold {
            file.sign(&signature)?;
        }
        let sql = "UPDATE consumer360_lock SET holder = ?1 WHERE pipeline = ?2 AND epoch = ?3";
        let parameters = [signature.into(), (&self.pipeline).into(), self.epoch.into()];
        self.database.write("sign a lock", |connection| connection.execute(sql, &parameters).map(|_| ()))
    }

    /// The fencing number: larger than that of every holder of the pipeline's lock before.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }
}

impl Hold {
    fn take(folder: &Path, database: &Database, pipeline: &str) -> Result<Self, Error> {
        match database.shared() {
            None => FileLock::take(folder, pipeline).map(Self::File),
            Some(server) => Lease::take(server, pipeline).map(Self::Lease),
        }
    }
}

/// [`Error::Locked`] while a process of this host holds the lock of any pipeline.
pub fn all_are_free(folder: &Path) -> Result<(), Error> {
    let failed = |source| Error::ListLocks { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(failed(source)),
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        if let Some(pipeline) = name.to_str().and_then(|name| name.strip_suffix(".lock")) {
            FileLock::take(folder, pipeline)?;
        }
    }
    Ok(())
}

/// Counts on from the last holder; where the row was lost, from the runs that are known.
fn next_epoch(connection: &Connection<'_>, pipeline: &str) -> Result<u64, Error> {
    let read = |row: &crate::database::Row| epoch(row.integer(0)?);
    let next = "UPDATE consumer360_lock SET epoch = epoch + 1, holder = NULL WHERE pipeline = ?1 RETURNING epoch";
    if let Some(next) = connection.query(next, &[pipeline.into()], read)?.pop() {
        return Ok(next);
    }
    let known = "SELECT coalesce(max(epoch), 0) + 1 FROM consumer360_run WHERE pipeline = ?1";
    let first = connection.query(known, &[pipeline.into()], read)?.pop().unwrap_or(1);
    connection.execute("INSERT INTO consumer360_lock (pipeline, epoch) VALUES (?1, ?2)", &[pipeline.into(), first.into()])?;
    Ok(first)
}

/// Refuses what the holder of a fencing number writes once another has taken the lock. The row that it touches keeps a
/// new holder waiting until the transaction has ended.
pub fn fence(connection: &Connection<'_>, run_id: &str, pipeline: &str, held: u64) -> Result<(), Error> {
    let touch = "UPDATE consumer360_lock SET epoch = epoch WHERE pipeline = ?1 AND epoch = ?2";
    if connection.execute(touch, &[pipeline.into(), held.into()])? > 0 {
        return Ok(());
    }
    let taken =
        connection.query("SELECT epoch, holder FROM consumer360_lock WHERE pipeline = ?1", &[pipeline.into()], |row| {
            Ok((epoch(row.integer(0)?)?, row.optional_text(1)?))
        })?;
    let (taken, holder) = taken.into_iter().next().unwrap_or_default();
    let holder = holder.and_then(|text| serde_json::from_str(&text).ok()).map(Box::new);
    Err(Error::Fenced { run_id: run_id.to_owned(), pipeline: pipeline.to_owned(), epoch: held, taken, holder })
}

pub fn epoch(stored: i64) -> Result<u64, String> {
    u64::try_from(stored).map_err(|_| format!("{stored} is no fencing number"))
}

/// The name of this machine, so that a record says which machine to look at.
pub fn host_name() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| fs::read_to_string("/etc/hostname"))
        .ok()
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "an unnamed host".to_owned())
}
