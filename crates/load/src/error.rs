use std::path::PathBuf;

use extract::FileError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("another run is publishing to {to}{}", .holder.as_ref().map(|h| format!(": {h}")).unwrap_or_default())]
    Locked { to: PathBuf, holder: Option<String> },
    #[error("there is no snapshot to go back to in {to}: {detail}")]
    NoSnapshot { to: PathBuf, detail: String },
    #[error("cannot {step} {path}")]
    Io { step: &'static str, path: PathBuf, source: std::io::Error },
    #[error(
        "{path} does not hold what was written: {detail}\n  help: the disk or the file system loses writes; nothing was published"
    )]
    ReadBack { path: PathBuf, detail: String },
    #[error("{path} leaves the profile that Power BI reads: {detail}")]
    Profile { path: PathBuf, detail: String },
    #[error("{path} is not a manifest of this product: {detail}\n  help: move the folder away if it is not yours")]
    Manifest { path: PathBuf, detail: String },
    #[error("cannot write table {table}")]
    Write { table: &'static str, source: FileError },
}

impl Error {
    /// Whether it may pass by itself: another publisher ends, a full disk is cleared.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Locked { .. } | Self::Io { .. })
    }

    pub(crate) fn io(step: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { step, path, source }
    }
}
