//! Files and names that are to last through a power cut.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Brings a file to disk that was written before. Windows does so only for whoever may write to it.
pub(crate) fn to_disk(file: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).open(file)?.sync_all()
}

/// Makes names created, renamed or removed in a folder last.
#[cfg(unix)]
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Windows opens no folder as a file and keeps its names by itself.
#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "the same signature everywhere")]
pub fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
