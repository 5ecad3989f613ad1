//! Publishing to an object store: `s3://`, `az://`, `gs://`.
//!
//! ```text
//! <to>/lease.json                       who publishes, and a count that grows while that one lives
//! <to>/snapshots/<snapshot_id>/...      as in a folder; manifest.json is written last of these
//! <to>/current/<table>.parquet          copied within the store
//! <to>/published.json                   written last, and only over the one that was seen when the lease was taken
//! ```
//!
//! Beside it lies the mirror, a local folder of the same layout: what a run publishes is made and proven there before it goes
//! out, and what readers on this machine need is fetched into it. So everything that reads, reads a folder.

mod bucket;
mod lease;
mod mirror;
mod publish;
mod unfinished;
mod upload;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::error::Error;
use bucket::Bucket;

pub(crate) use mirror::folder as mirror_folder;

/// An object store with its mirror, and the threads that talk to it: a publisher stays alive in the eyes of others while the
/// thread that publishes is at something else.
pub(crate) struct Store {
    bucket: Bucket,
    mirror: PathBuf,
    lease: Duration,
    keep: usize,
    /// None only while it is dropped.
    threads: Option<Runtime>,
}

impl Store {
    pub(crate) fn open(url: &str, mirror: PathBuf, keep: usize, lease: Duration) -> Result<Self, Error> {
        let bucket = Bucket::open(url)?;
        let threads = Builder::new_multi_thread().worker_threads(2).thread_name("object-store").enable_all().build();
        let threads = threads.map_err(|source| Error::Threads { to: url.to_owned(), source })?;
        Ok(Self { bucket, mirror, lease, keep, threads: Some(threads) })
    }

    pub(crate) fn url(&self) -> &str {
        &self.bucket.url
    }

    pub(crate) fn mirror(&self) -> &Path {
        &self.mirror
    }

    /// Waits for work on the store's own threads, from any thread.
    fn wait<T: Send + 'static>(&self, work: impl Future<Output = Result<T, Error>> + Send + 'static) -> Result<T, Error> {
        let ended = || Error::Threads { to: self.bucket.url.clone(), source: std::io::Error::other("a worker ended early") };
        let threads = self.threads.as_ref().ok_or_else(ended)?;
        let (done, result) = mpsc::sync_channel(1);
        threads.spawn(async move { done.send(work.await) });
        result.recv().map_err(|_| ended())?
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // It may be dropped on a thread of another runtime, which must not wait.
        if let Some(threads) = self.threads.take() {
            threads.shutdown_background();
        }
    }
}
