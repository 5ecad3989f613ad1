use std::path::PathBuf;

use extract::FileError;

use crate::parts::MOST_PARTS;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("another run is publishing to {to}{}", .holder.as_ref().map(|h| format!(": {h}")).unwrap_or_default())]
    Locked { to: String, holder: Option<String> },
    #[error(
        "another run took over {to} while this one was publishing{}\n  help: this one gave no sign of life for too long; \
         nothing that readers see was changed by it",
        .holder.as_ref().map(|h| format!(": {h}")).unwrap_or_default()
    )]
    Fenced { to: String, holder: Option<String> },
    #[error(
        "{to} holds what pipeline `{theirs}` publishes, and its readers are not those of `{ours}`\n  \
         help: is another pipeline file meant? let `{ours}` publish to a place of its own; if it is to take this one over, move \
         published.json in it away"
    )]
    OfAnother { to: String, theirs: String, ours: String },
    #[error("there is no snapshot to go back to in {to}: {detail}")]
    NoSnapshot { to: String, detail: String },
    #[error("cannot {step} {path}")]
    Io { step: &'static str, path: PathBuf, source: std::io::Error },
    #[error(
        "{path} does not hold what was written: {detail}\n  help: the disk or the file system loses writes; nothing was published"
    )]
    ReadBack { path: String, detail: String },
    #[error(
        "{path} is not what was published: {detail}\n  help: readers were not led to it; `rollback FILE --list` names other snapshots, \
         and a run with --as-of makes the day anew"
    )]
    Damaged { path: String, detail: String },
    #[error("{path} leaves the profile that Power BI reads: {detail}")]
    Profile { path: PathBuf, detail: String },
    #[error(
        "{path} is not a manifest of this product: {detail}\n  help: it is damaged, or another program's: move it away, and the next \
         run writes it anew"
    )]
    Manifest { path: String, detail: String },
    #[error("cannot write table {table}")]
    Write { table: &'static str, source: FileError },
    #[error(
        "table {table} has {rows} rows, which are {parts} files of {most}, and {MOST_PARTS} are the most\n  \
         help: raise `rows_per_file` under `publish`"
    )]
    TooManyParts { table: &'static str, rows: u64, most: u64, parts: u64 },
    #[error("cannot use {to}: {detail}\n  help: {CREDENTIALS}")]
    Store { to: String, detail: String },
    #[error("cannot {step} {path}: {detail}")]
    Remote { step: &'static str, path: String, detail: String, may_pass: bool },
    #[error("{to} refuses the credentials, or they may not {step}: {detail}\n  help: {CREDENTIALS}")]
    Refused { to: String, step: &'static str, detail: String },
    #[error(
        "{to} does not honour conditional writes ({detail}), so two runs could publish at once\n  \
         help: publish to a store that knows If-Match and If-None-Match, or to a folder"
    )]
    Unconditional { to: String, detail: String },
    #[error("cannot start the threads that talk to {to}")]
    Threads { to: String, source: std::io::Error },
}

const CREDENTIALS: &str = "credentials come from the environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, \
     AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY, or GOOGLE_SERVICE_ACCOUNT; they must be allowed to read, write, \
     list and delete";

impl Error {
    /// Whether it may pass by itself: another publisher ends, a full disk is cleared, a server comes back.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Locked { .. } | Self::Fenced { .. } | Self::Io { .. } => true,
            // A full disk is met while a part is encoded, too.
            Self::Write { source, .. } => matches!(source, FileError::Io { .. } | FileError::Encode { .. }),
            Self::Remote { may_pass, .. } => *may_pass,
            _ => false,
        }
    }

    /// Whether another publisher is in the way.
    pub fn is_locked(&self) -> bool {
        matches!(self, Self::Locked { .. } | Self::Fenced { .. })
    }

    pub(crate) fn io(step: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { step, path, source }
    }
}
