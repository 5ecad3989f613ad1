use std::path::PathBuf;
use std::time::Duration;

use chrono::NaiveDate;
use datafusion::error::DataFusionError;
use schema::Entity;

use crate::table_file::FileError;

/// What can keep a source from being staged. Each names the source and what to do; none carries a secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot open the query session (spill folder and memory limit are set under `engine:`)")]
    Session { source: DataFusionError },

    #[error(
        "connection `{connection}`: cannot reach {target}: {detail}\n  help: is the server up, and do host and port in the connection's url fit?"
    )]
    Unreachable { connection: String, target: String, detail: String },

    #[error(
        "connection `{connection}`: the server refuses the login: {detail}\n  help: check user and password of the connection; the variable or file the url comes from may be stale"
    )]
    Credentials { connection: String, detail: String },

    #[error("connection `{connection}`: {detail}\n  help: {help}")]
    Connection { connection: String, detail: String, help: String },

    #[error("connection `{connection}`: no file matches `{path}` in {folder}{}\n  help: paths are relative to the working directory (-C DIR); a glob such as `orders*.csv` matches several files", .seen.as_ref().map(|s| format!("; found there: {s}")).unwrap_or_default())]
    NoFile { connection: String, path: String, folder: String, seen: Option<String> },

    #[error(
        "connection `{connection}`: the server ended the connection in the middle of the answer: {detail}\n  help: see the server's log; nothing was kept of the answer, so run again"
    )]
    Dropped { connection: String, detail: String },

    #[error(
        "{origin} has given nothing for {}s\n  help: is the server stuck, or a lock in the way? raise `limits.silence` in config/<env>.yaml if it needs longer", .silence.as_secs()
    )]
    Silent { origin: String, silence: Duration },

    #[error(
        "extract.{entity}: {origin} is not what it was in the last published run:\n{}\n  help: {help}", .changes.iter().map(|c| format!("- {c}")).collect::<Vec<_>>().join("\n")
    )]
    Contract { entity: Entity, origin: String, changes: Vec<String>, help: String },

    #[error("connection `{connection}`: the query fails: {detail}\n  help: run it with the database's own client: {query}")]
    Query { connection: String, query: String, detail: String },

    #[error(
        "connection `{connection}`: another program is writing to {} and keeps it locked\n  help: run again once it is done; `fuser {}` says which program it is", .path.display(), .path.display()
    )]
    Busy { connection: String, path: PathBuf },

    #[error("extract.{entity}: {origin} has no column `{column}`{}\n  help: {help}", .nearest.as_ref().map(|n| format!(" (did you mean `{n}`?)")).unwrap_or_default())]
    MissingColumn { entity: Entity, origin: String, column: String, nearest: Option<String>, help: String },

    #[error(
        "extract.{entity}: {origin} has no column `{column}`, which {other}\n  help: {help}; a column that is read in a `coalesce` alone, such as coalesce(\"{column}\", \"…\"), a file may lack"
    )]
    LackingColumn { entity: Entity, origin: String, column: String, other: String, help: String },

    #[error(
        "{origin} is a copy of {of}, so every record in it would count twice\n  help: remove one of them; if equal rows are to be left out anyway, `deduplicate: {{exact: true}}` does that"
    )]
    Copy { origin: String, of: String },

    #[error("extract.{entity}.{place}: cannot use the expression `{sql}`: {detail}")]
    Expression { entity: Entity, place: String, sql: String, detail: String },

    #[error("cannot read {origin}: {detail}")]
    Read { origin: String, detail: String },

    #[error("{origin} exceeds a limit: {detail}\n  help: raise `limits.{key}` in config/<env>.yaml if this is meant")]
    Limit { origin: String, key: &'static str, detail: String },

    #[error("extract.{entity}: cannot compute {step}")]
    Compute { entity: Entity, step: &'static str, source: DataFusionError },

    #[error("extract.{entity}: cannot store the staged rows")]
    Store { entity: Entity, source: FileError },

    #[error("cannot create {path}")]
    Folder { path: PathBuf, source: std::io::Error },

    #[error("no sales line was accepted: {read} read, {filtered} filtered, {rejected} set aside{}\n  help: a run needs at least one; the lines set aside are in {}", .reason.as_ref().map(|r| format!(", the first because {r}")).unwrap_or_default(), .rejects.display())]
    NothingAccepted { read: u64, filtered: u64, rejected: u64, reason: Option<String>, rejects: PathBuf },

    #[error(
        "no sale up to {as_of}; the first is of {first}\n  help: a run stands for a day from then on; it comes from `--as-of`, or from `as_of:` in the pipeline file"
    )]
    NoSaleYet { as_of: NaiveDate, first: NaiveDate },

    #[error("extract.{entity}.incremental: {detail}\n  help: {help}")]
    Increment { entity: Entity, detail: String, help: String },

    #[error("extract.{entity}: a worker ended early: {detail}")]
    Worker { entity: Entity, detail: String },
}

impl Error {
    /// Whether it may pass by itself: a server that is away comes back, a file that is not there may be late, and who
    /// writes to a database ends.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Dropped { .. }
                | Self::Silent { .. }
                | Self::Busy { .. }
                | Self::NoFile { .. }
                | Self::Read { .. }
                | Self::Store { .. }
                | Self::Folder { .. }
        )
    }

    /// Whether a source is stale or has changed what it may not change.
    pub fn is_broken_contract(&self) -> bool {
        matches!(self, Self::Contract { .. } | Self::Increment { .. } | Self::LackingColumn { .. } | Self::Copy { .. })
    }

    /// Whether the run was asked for a day that nothing was sold up to, which no source is to blame for.
    pub fn is_too_early(&self) -> bool {
        matches!(self, Self::NoSaleYet { .. })
    }

    /// Whether a source gave nothing for too long.
    pub fn is_silence(&self) -> bool {
        matches!(self, Self::Silent { .. })
    }
}
