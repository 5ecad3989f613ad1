//! Why a shop could not be made.

use std::path::{Path, PathBuf};

use crate::shop::{MAX_DIRT, MAX_LINES};

/// What a writer of some format reports; the path is added where it is known.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot make a shop of {lines} lines: the number of lines is from 1 to {MAX_LINES}")]
    LinesOutOfRange { lines: u64 },
    #[error("cannot spoil a share of {dirt} of the lines: the share is from 0 to {MAX_DIRT}")]
    DirtOutOfRange { dirt: f64 },
    #[error("cannot create the folder {path}")]
    CreateFolder { path: PathBuf, source: std::io::Error },
    #[error("{path} is there already and stays as it is, being of no generated shop: name another folder or move it away")]
    Taken { path: PathBuf },
    #[error("cannot remove {path}, which belongs to the earlier shop in this folder")]
    Remove { path: PathBuf, source: std::io::Error },
    #[error("cannot write {path}")]
    Write { path: PathBuf, source: Cause },
}

impl Error {
    pub(crate) fn write(path: &Path, source: impl Into<Cause>) -> Self {
        Self::Write { path: path.to_path_buf(), source: source.into() }
    }
}
