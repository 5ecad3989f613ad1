//! Tables of a run for a session whose statements are computed on other machines.
//!
//! Those read a table's file themselves: in a folder that all see under the same path, or in an object store, which each reaches
//! with credentials of its own environment.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path as FsPath, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use datafusion::error::DataFusionError;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt};
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::io::AsyncWriteExt;
use url::Url;

use crate::error::Error;
use crate::source::{CREDENTIALS, remote};
use crate::stage::register_staged;
use crate::staged::Staged;

/// Bytes that are sent at once; a larger file goes up in parts.
const PART: usize = 8 << 20;
/// Names the store in messages.
const SETTING: &str = "engine.cluster.storage";

/// An extension of a session's configuration: its statements are computed elsewhere.
#[derive(Debug, Clone)]
pub struct Elsewhere {
    /// None where the run's folder is seen by all.
    pub tables: Option<SharedTables>,
    pub writer: Arc<dyn TableWriter>,
}

/// Has other machines compute statements and write what comes of them.
pub trait TableWriter: fmt::Debug + Send + Sync {
    /// Returns the rows written; the file then lies at `path`, as [`crate::TableFile`] would have made it here.
    fn write<'a>(
        &'a self,
        session: &'a SessionContext,
        plan: LogicalPlan,
        table: &'static schema::Table,
        path: &'a FsPath,
    ) -> BoxFuture<'a, Result<u64, DataFusionError>>;

    /// Has one of them compute something that it knows by name, from bytes to bytes.
    fn compute<'a>(&'a self, what: &'static str, bytes: Vec<u8>) -> BoxFuture<'a, Result<Vec<u8>, DataFusionError>>;

    /// Machines that take part.
    fn machines(&self) -> usize;
}

/// Who writes the tables of a session; none where this machine does.
pub fn table_writer(session: &SessionContext) -> Option<Arc<dyn TableWriter>> {
    session.copied_config().get_extension::<Elsewhere>().map(|elsewhere| Arc::clone(&elsewhere.writer))
}

/// Why a statement that other machines computed has no answer; nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub enum WorkerFailure {
    #[error(
        "a worker was lost\n  help: look at the workers and start what is down; `retry` takes up the run and reads no source again"
    )]
    Lost { source: DataFusionError },
    #[error("the workers were not done after {} seconds\n  help: look at them; `engine.cluster.deadline` allows more", after.as_secs())]
    Late { after: Duration },
    #[error(
        "a worker does not see what this machine wrote\n  help: the state folder must lie under the same path everywhere, or \
         `engine.cluster.storage` must name a store"
    )]
    Unseen { source: DataFusionError },
}

impl WorkerFailure {
    /// The one among the causes of an error, if there is one.
    pub fn among(error: &DataFusionError) -> Option<&Self> {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(error) = cause {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            cause = match error.downcast_ref() {
                Some(DataFusionError::External(inner)) => Some(inner.as_ref()),
                Some(DataFusionError::Context(_, inner)) => Some(inner.as_ref()),
                Some(DataFusionError::Shared(inner)) => Some(inner.as_ref()),
                _ => error.source(),
            };
        }
        None
    }
}

/// The part of an object store where the tables of runs lie for other machines.
#[derive(Debug, Clone)]
pub struct SharedTables {
    store: Arc<dyn ObjectStore>,
    url: Url,
    /// Of all runs of the pipeline.
    runs: Path,
    /// Of this one.
    run: Path,
    /// Files that are there.
    there: Arc<Mutex<BTreeSet<Path>>>,
}

impl SharedTables {
    /// The part below a url of s3://, az:// or gs:// that is for the tables of one run.
    pub fn open(url: &str, pipeline: &str, run: &str) -> Result<Self, Error> {
        let (store, below) = remote(SETTING, url)?;
        let failed = |e: url::ParseError| Error::Connection {
            connection: SETTING.to_owned(),
            detail: e.to_string(),
            help: "write s3://bucket/prefix".to_owned(),
        };
        let runs = below.join(pipeline);
        Ok(Self { store, url: Url::parse(url).map_err(failed)?, run: runs.clone().join(run), runs, there: Arc::default() })
    }

    /// Lets a session, and all that share its runtime, read the store.
    pub fn open_to(&self, session: &SessionContext) {
        session.register_object_store(&self.url, Arc::clone(&self.store));
    }

    /// Brings a file up, unless one of its name is there, and returns its url.
    pub async fn bring(&self, file: &FsPath) -> std::io::Result<String> {
        let path = self.place(file);
        let url = format!("{}://{}/{path}", self.url.scheme(), self.url.host_str().unwrap_or_default());
        if self.there().contains(&path) {
            return Ok(url);
        }
        let mut from = tokio::fs::File::open(PathBuf::from(file)).await?;
        let mut to = BufWriter::with_capacity(Arc::clone(&self.store), path.clone(), PART);
        tokio::io::copy(&mut from, &mut to).await?;
        to.shutdown().await?;
        self.there().insert(path);
        Ok(url)
    }

    /// Fetches a file that another machine brought up.
    pub async fn fetch(&self, file: &FsPath) -> std::io::Result<()> {
        let path = self.place(file);
        let mut bytes = self.store.get(&path).await?.into_stream();
        let mut to = tokio::fs::File::create(PathBuf::from(file)).await?;
        while let Some(part) = bytes.try_next().await? {
            to.write_all(&part).await?;
        }
        to.flush().await?;
        self.there().insert(path);
        Ok(())
    }

    /// Where a file lies: below the name of its folder, because a table of the snapshot before has the name of this one's.
    fn place(&self, file: &FsPath) -> Path {
        let folder = file.parent().and_then(FsPath::file_name).unwrap_or_default();
        let names = [folder, file.file_name().unwrap_or_default()];
        names.into_iter().fold(self.run.clone(), |path, name| path.join(name.to_string_lossy().as_ref()))
    }

    fn there(&self) -> MutexGuard<'_, BTreeSet<Path>> {
        self.there.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes the tables of all runs of the pipeline, this one's and those of runs that died. Only who holds the pipeline's lock
    /// may do that.
    pub async fn clear(&self) -> Result<(), Error> {
        let failed = |e: object_store::Error| Error::Unreachable {
            connection: SETTING.to_owned(),
            target: self.url.to_string(),
            detail: Error::store_answer(&e).text,
        };
        let found = self.store.list(Some(&self.runs)).map_ok(|object| object.location).boxed();
        self.store.delete_stream(found).try_for_each(|_| async { Ok(()) }).await.map_err(failed)
    }
}

/// Where the statements of a session find a file: where it is, or where it was brought for them.
pub async fn location(session: &SessionContext, file: &FsPath) -> Result<String, DataFusionError> {
    match session.copied_config().get_extension::<Elsewhere>().and_then(|elsewhere| elsewhere.tables.clone()) {
        None => Ok(file.to_string_lossy().into_owned()),
        Some(tables) => tables.bring(file).await.map_err(|error| {
            DataFusionError::from(error).context(format!(
                "cannot bring {} to {}\n  help: {CREDENTIALS}",
                file.display(),
                tables.url
            ))
        }),
    }
}

/// Makes what was staged readable in another session than the one it was staged in, which shares its names of tables: one whose
/// statements are computed elsewhere, or this machine's again.
pub async fn share(session: &SessionContext, staged: &Staged) -> Result<(), Error> {
    for (entity, one) in &staged.entities {
        let failed = |source| Error::Compute { entity: *entity, step: "the staged rows", source };
        session.deregister_table(entity.name()).map_err(failed)?;
        register_staged(session, *entity, &one.path, one.in_order).await?;
    }
    Ok(())
}
