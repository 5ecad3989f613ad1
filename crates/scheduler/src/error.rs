//! What can go wrong around the ledger.

use std::io;
use std::path::PathBuf;

use crate::lock::Holder;
use crate::record::Status;

/// What can go wrong around the ledger. Each variant names the operation and the path.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process runs the pipeline. Nothing is wrong: wait, or look at the holder.
    #[error("pipeline `{pipeline}` is already running: {holder}")]
    Locked { pipeline: String, holder: Holder },

    /// Another process holds the lock and the file does not say which, so it is probably another program.
    #[error("pipeline `{pipeline}` is locked by another process, and `{path}` does not say which")]
    LockedByUnknown { pipeline: String, path: PathBuf },

    #[error("`{name}` cannot name a pipeline: its runs are folders of that name, so use letters, digits, `-`, `_` and `.`")]
    PipelineName { name: String },

    #[error("run `{run_id}` is {}, so there is nothing to take up again", .status.as_str().replace('_', " "))]
    NothingToRetry { run_id: String, status: Status },

    #[error("cannot lock `{path}`")]
    Lock { path: PathBuf, source: io::Error },

    #[error("cannot create the folder `{path}`")]
    CreateFolder { path: PathBuf, source: io::Error },

    #[error("cannot list the runs in `{path}`")]
    ListRuns { path: PathBuf, source: io::Error },

    #[error("cannot remove `{path}`")]
    Remove { path: PathBuf, source: io::Error },

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

    #[error("the ledger `{path}` holds no readable record of run `{run_id}`: move it away and start again")]
    UnreadableRow { path: PathBuf, run_id: String, source: serde_json::Error },

    #[error(
        "the ledger `{path}` is damaged or is no SQLite database: move it away and start again, \
         the next start makes a new one from the run.json files beside it"
    )]
    DatabaseDamaged { path: PathBuf, source: rusqlite::Error },

    #[error(
        "the ledger `{path}` has format {found}, written by a newer version of the program; \
         this one knows formats up to {known}: use the newer program, or another state folder"
    )]
    DatabaseNewer { path: PathBuf, found: i64, known: i64 },
}

impl Error {
    /// Whether the cause is only that another process runs the pipeline (exit code 75).
    pub fn is_locked(&self) -> bool {
        matches!(self, Self::Locked { .. } | Self::LockedByUnknown { .. })
    }
}
