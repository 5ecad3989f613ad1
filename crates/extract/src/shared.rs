//! Tables of a run for a session whose statements are computed on other machines.
//!
//! Those read a table's file themselves: in a folder that all see under the same path, or in an object store, which each reaches
//! with credentials of its own environment.

use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStore;
use object_store::buffered::BufWriter;
use object_store::path::Path;
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
        Ok(Self { store, url: Url::parse(url).map_err(failed)?, run: runs.clone().join(run), runs })
    }

    /// Lets a session, and all that share its runtime, read the store.
    pub fn open_to(&self, session: &SessionContext) {
        session.register_object_store(&self.url, Arc::clone(&self.store));
    }

    /// Brings a file up and returns its url.
    async fn bring(&self, file: &FsPath) -> std::io::Result<String> {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let path = self.run.clone().join(name);
        let url = format!("{}://{}/{path}", self.url.scheme(), self.url.host_str().unwrap_or_default());
        let mut from = tokio::fs::File::open(PathBuf::from(file)).await?;
        let mut to = BufWriter::with_capacity(Arc::clone(&self.store), path, PART);
        tokio::io::copy(&mut from, &mut to).await?;
        to.shutdown().await?;
        Ok(url)
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

/// Makes what was staged readable in a session whose statements are computed elsewhere, which shares the names of tables with
/// the one it was staged in.
pub async fn share(session: &SessionContext, staged: &Staged) -> Result<(), Error> {
    for (entity, one) in &staged.entities {
        let failed = |source| Error::Compute { entity: *entity, step: "the staged rows", source };
        session.deregister_table(entity.name()).map_err(failed)?;
        register_staged(session, *entity, &one.path, one.in_order).await?;
    }
    Ok(())
}
