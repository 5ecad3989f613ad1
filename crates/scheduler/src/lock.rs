//! The lock that keeps two runs of one pipeline apart.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::timestamp;

/// A holder signs the file a moment after it took the lock; whoever comes in that moment asks again, this often,
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

/// A lock held. The kernel frees it when this value is dropped and when the process dies, however it dies.
///
/// The file stays when the lock is free: were it deleted, one process could lock the deleted file while another locks
/// the new one.
#[derive(Debug)]
pub struct PipelineLock {
    file: File,
    path: PathBuf,
}

impl PipelineLock {
    /// Takes the pipeline's lock, or says who holds it.
    pub fn take(folder: &Path, pipeline: &str) -> Result<Self, Error> {
        let path = folder.join(format!("{pipeline}.lock"));
        let failed = |source| Error::Lock { path: path.clone(), source };
        // Not truncated: what stands in it may be the signature of the process that holds it.
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        for _ in 0..ATTEMPTS {
            match file.try_lock() {
                Ok(()) => {
                    // A holder that was killed left its signature, and nobody may take it for this process's.
                    file.set_len(0).map_err(failed)?;
                    return Ok(Self { file, path });
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
            if let Some(holder) = signature(&path) {
                return Err(Error::Locked { pipeline: pipeline.to_owned(), holder });
            }
            thread::sleep(PAUSE);
        }
        Err(Error::LockedByUnknown { pipeline: pipeline.to_owned(), path })
    }

    /// Writes into the file who holds it.
    pub fn sign(&mut self, holder: &Holder) -> Result<(), Error> {
        let text = serde_json::to_vec(holder).map_err(|source| Error::EncodeRecord { run_id: holder.run_id.clone(), source })?;
        self.write(&text).map_err(|source| Error::Lock { path: self.path.clone(), source })
    }

    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(text)
    }
}

impl Drop for PipelineLock {
    fn drop(&mut self) {
        // Only courtesy to people who look at the file; the lock goes with the file handle in any case.
        if let Err(error) = self.file.set_len(0) {
            tracing::debug!(path = %self.path.display(), %error, "the lock's signature stays after its release");
        }
    }
}

/// The holder that signed the file, unless nobody has or the text is no signature.
fn signature(path: &Path) -> Option<Holder> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// The name of this machine, so that a state folder on a shared disk says which machine to look at.
fn host_name() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| fs::read_to_string("/etc/hostname"))
        .ok()
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "an unnamed host".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_taker_hears_who_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let holder = Holder::this_process("weekly-20260105T110000Z", crate::clock::now());
        let mut lock = PipelineLock::take(folder.path(), "weekly").unwrap();
        lock.sign(&holder).unwrap();

        let refusal = PipelineLock::take(folder.path(), "weekly").unwrap_err();
        let said = refusal.to_string();
        assert!(refusal.is_locked());
        assert!(said.contains("run weekly-20260105T110000Z (process "), "{said}");
        assert!(matches!(refusal, Error::Locked { holder: named, .. } if named == holder));

        PipelineLock::take(folder.path(), "daily").unwrap();
        drop(lock);
        PipelineLock::take(folder.path(), "weekly").unwrap();
    }

    #[test]
    fn a_signature_of_a_dead_holder_is_wiped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weekly.lock");
        fs::write(&path, serde_json::to_vec(&Holder::this_process("dead", crate::clock::now())).unwrap()).unwrap();
        let lock = PipelineLock::take(folder.path(), "weekly").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
        let refusal = PipelineLock::take(folder.path(), "weekly").unwrap_err();
        assert!(matches!(refusal, Error::LockedByUnknown { .. }));
        drop(lock);
    }
}
