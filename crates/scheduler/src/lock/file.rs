//! A lock that the kernel keeps: it holds on one host.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread;

use super::{ATTEMPTS, Holder, PAUSE};
use crate::error::Error;

/// A locked file. The kernel frees it when this value is dropped and when the process dies, however it dies.
///
/// The file stays when the lock is free: were it deleted, one process could lock the deleted file while another locks
/// the new one.
#[derive(Debug)]
pub struct FileLock {
    file: File,
    path: PathBuf,
}

impl FileLock {
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
        Err(Error::LockedByUnknown { pipeline: pipeline.to_owned(), place: path.display().to_string() })
    }

    /// Writes into the file who holds it.
    pub fn sign(&mut self, signature: &str) -> Result<(), Error> {
        self.write(signature.as_bytes()).map_err(|source| Error::Lock { path: self.path.clone(), source })
    }

    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(text)
    }
}

impl Drop for FileLock {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_taker_hears_who_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let holder = Holder::this_process("weekly-20260105T110000Z", crate::clock::now());
        let mut lock = FileLock::take(folder.path(), "weekly").unwrap();
        lock.sign(&serde_json::to_string(&holder).unwrap()).unwrap();

        let refusal = FileLock::take(folder.path(), "weekly").unwrap_err();
        let said = refusal.to_string();
        assert!(refusal.is_locked());
        assert!(said.contains("run weekly-20260105T110000Z (process "), "{said}");
        assert!(matches!(refusal, Error::Locked { holder: named, .. } if named == holder));

        FileLock::take(folder.path(), "daily").unwrap();
        drop(lock);
        FileLock::take(folder.path(), "weekly").unwrap();
    }

    #[test]
    fn a_signature_of_a_dead_holder_is_wiped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weekly.lock");
        fs::write(&path, serde_json::to_vec(&Holder::this_process("dead", crate::clock::now())).unwrap()).unwrap();
        let lock = FileLock::take(folder.path(), "weekly").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
        let refusal = FileLock::take(folder.path(), "weekly").unwrap_err();
        assert!(matches!(refusal, Error::LockedByUnknown { .. }));
        drop(lock);
    }
}
