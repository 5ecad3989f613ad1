//! What can go wrong around the ledger.

use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;
use tokio_postgres::error::SqlState;

use crate::lock::Holder;
use crate::record::Status;

/// What can go wrong around the ledger. Each variant names the operation and the place.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process runs the pipeline. Nothing is wrong: wait, or look at the holder.
    #[error("pipeline `{pipeline}` is already running: {holder}")]
    Locked { pipeline: String, holder: Holder },

    /// Another process holds the lock and its place does not say which, so it is probably another program.
    #[error("pipeline `{pipeline}` is locked by another process, and `{place}` does not say which")]
    LockedByUnknown { pipeline: String, place: String },

    /// The run lost its lock and another holder has it or had it since. Nothing of this was written.
    #[error(
        "run `{run_id}` no longer holds pipeline `{pipeline}`: its lock was taken over by {}, \
         so this is not recorded (fencing number {epoch}, now {taken})", by_whom(.holder.as_deref())
    )]
    Fenced { run_id: String, pipeline: String, epoch: u64, taken: u64, holder: Option<Box<Holder>> },

    #[error("`{name}` cannot name a pipeline: its runs are folders of that name, so use letters, digits, `-`, `_` and `.`")]
    PipelineName { name: String },

    #[error("run `{run_id}` is {}, so there is nothing to take up again", .status.as_str().replace('_', " "))]
    NothingToRetry { run_id: String, status: Status },

    #[error("run `{run_id}` ran on host `{host}`, where its folder is: take it up again there")]
    RanElsewhere { run_id: String, host: String },

    #[error("cannot lock `{path}`")]
    Lock { path: PathBuf, source: io::Error },

    #[error("cannot create the folder `{path}`")]
    CreateFolder { path: PathBuf, source: io::Error },

    #[error("cannot list the runs in `{path}`")]
    ListRuns { path: PathBuf, source: io::Error },

    #[error("cannot list the locks in `{path}`")]
    ListLocks { path: PathBuf, source: io::Error },

    #[error("cannot remove `{path}`")]
    Remove { path: PathBuf, source: io::Error },

    #[error("cannot move `{path}` aside")]
    MoveAside { path: PathBuf, source: io::Error },

    #[error("cannot write the run record `{path}`")]
    WriteRecord { path: PathBuf, source: io::Error },

    #[error("cannot read the run record `{path}`")]
    ReadRecord { path: PathBuf, source: io::Error },

    /// There is text in the place of a record, and it is not a record.
    #[error("`{path}` is not a run record")]
    NotARecord { path: PathBuf, source: serde_json::Error },

    /// The folder is a copy, or was renamed.
    #[error("`{path}` is the record of run `{run_id}`, which belongs in a folder of that name")]
    RecordOutOfPlace { path: PathBuf, run_id: String },

    #[error("cannot write the record of run `{run_id}` as JSON")]
    EncodeRecord { run_id: String, source: serde_json::Error },

    #[error("`{prefix}` is the beginning of more than one run: {}", candidates.join(", "))]
    AmbiguousRun { prefix: String, candidates: Vec<String> },

    #[error("cannot {operation} in the ledger `{path}`")]
    Database { operation: &'static str, path: PathBuf, source: rusqlite::Error },

    #[error("the ledger `{place}` holds no readable record of run `{run_id}`: remove that row, or move the ledger away")]
    UnreadableRow { place: String, run_id: String, source: serde_json::Error },

    #[error("cannot {operation} in the ledger `{place}`: {detail}; another program wrote it, or it is damaged")]
    UnreadableValue { operation: &'static str, place: String, detail: String },

    #[error(
        "the ledger `{path}` is damaged or is no SQLite database\n  help: run `consumer360 state repair`: it moves the file \
         aside and makes a new one from the records of the runs"
    )]
    DatabaseDamaged { path: PathBuf, source: rusqlite::Error },

    #[error(
        "the ledger `{place}` has format {found}, written by a newer version of the program; \
         this one knows formats up to {known}: use the newer program, or another ledger"
    )]
    DatabaseNewer { place: String, found: i64, known: i64 },

    /// The url is not shown: it may hold a password.
    #[error("the url of the ledger is not one of PostgreSQL: write postgres://user:password@host:5432/database")]
    ServerUrl { source: tokio_postgres::Error },

    #[error("cannot set up TLS for the ledger's server")]
    Tls { source: rustls::Error },

    #[error("cannot start the thread that talks to the ledger's server")]
    Worker { source: io::Error },

    #[error("the thread that talks to the ledger `{server}` is gone: start the program again")]
    WorkerGone { server: String },

    #[error("cannot connect to the ledger `{server}`")]
    Connect { server: String, source: tokio_postgres::Error },

    #[error(
        "the connection to the ledger `{server}` has no schema to work in: create the one that `search_path` names, \
         or name another in the url"
    )]
    NoSchema { server: String },

    #[error("cannot {operation} in the ledger `{server}`")]
    Server { operation: &'static str, server: String, source: tokio_postgres::Error },

    #[error("cannot {operation} in the ledger `{server}`: the connection was lost, and nothing was written")]
    ConnectionLost { operation: &'static str, server: String, source: tokio_postgres::Error },

    /// The connection was lost between the commit and its answer.
    #[error(
        "it is not known whether the ledger `{server}` did {operation}: the connection was lost while it was committed; \
         look at what it says before doing it again"
    )]
    UnknownFate { operation: &'static str, server: String, source: tokio_postgres::Error },
}

impl Error {
    /// Whether the cause is only that another process runs the pipeline (exit code 75).
    pub fn is_locked(&self) -> bool {
        matches!(self, Self::Locked { .. } | Self::LockedByUnknown { .. })
    }

    /// Whether it may pass by itself, such as a server that is away for a moment: then it is worth another attempt.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Locked { .. } | Self::LockedByUnknown { .. } | Self::ConnectionLost { .. } | Self::UnknownFate { .. } => true,
            // No answer at all, or one that names the state of the server rather than the request: its connections or
            // memory are used up (53), it starts or stops (57), waiting for the one writer took too long (55), or two
            // transactions stood in each other's way (40).
            Self::Connect { source, .. } | Self::Server { source, .. } => {
                let passing = |code: &SqlState| ["08", "40", "53", "55", "57"].iter().any(|class| code.code().starts_with(class));
                source.code().map_or(matches!(self, Self::Connect { .. }), passing)
            }
            Self::Database { source, .. } => {
                matches!(source.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
            }
            _ => false,
        }
    }
}

fn by_whom(holder: Option<&Holder>) -> String {
    holder.map_or_else(|| "another process".to_owned(), ToString::to_string)
}
