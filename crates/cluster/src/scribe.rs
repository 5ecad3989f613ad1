//! The worker's side of writing tables: a statement is planned here, computed by all workers, and its rows written by this one.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use config::Engine;
use datafusion::common::runtime::SpawnedTask;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::prelude::SessionContext;
use datafusion_proto::bytes::logical_plan_from_bytes;
use extract::{FileError, SharedTables, TableFile, WorkerFailure};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use url::Url;

use crate::channels::Channels;
use crate::driver::{Deal, Workers};
use crate::measured::Measure;
use crate::order::{Answer, COMPUTE, Question, TableOrder, WRITE, Written, status};

/// What a worker can compute by name, from bytes to bytes; none where it knows no such thing or cannot read the bytes.
pub type Computes = fn(&str, &[u8]) -> Option<Vec<u8>>;

/// The name of what has no whole file yet.
const HALF: &str = "part";

/// Takes orders for tables. Orders share the memory of the worker's other tasks.
#[derive(Clone)]
pub(crate) struct Scribe(Arc<Desk>);

struct Desk {
    engine: Engine,
    channels: Channels,
    /// With the functions, the memory and the stores of this worker.
    session: SessionContext,
    spill: PathBuf,
    computes: Computes,
    orders: AtomicU64,
}

impl Scribe {
    pub fn new(engine: &Engine, channels: Channels, session: SessionContext, spill: &Path, computes: Computes) -> Self {
        let (engine, spill, orders) = (engine.clone(), spill.to_path_buf(), AtomicU64::new(0));
        Self(Arc::new(Desk { engine, channels, session, spill, computes, orders }))
    }
}

impl NamedService for Scribe {
    const NAME: &'static str = "consumer360.Tables";
}

impl tower::Service<http::Request<Body>> for Scribe {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let desk = Self(Arc::clone(&self.0));
        async move {
            Ok(match request.uri().path() {
                WRITE => answered::<TableOrder>(desk, request).await,
                COMPUTE => answered::<Question>(desk, request).await,
                _ => Status::unimplemented("unknown").into_http(),
            })
        }
        .boxed()
    }
}

/// Reads one question, has it answered and writes the answer.
async fn answered<Q>(desk: Scribe, request: http::Request<Body>) -> http::Response<Body>
where
    Q: prost::Message + Default + 'static,
    Scribe: UnaryService<Q>,
    <Scribe as UnaryService<Q>>::Response: prost::Message + 'static,
{
    let grpc = Grpc::new(ProstCodec::<<Scribe as UnaryService<Q>>::Response, Q>::default());
    grpc.max_decoding_message_size(usize::MAX).max_encoding_message_size(usize::MAX).unary(desk, request).await
}

impl UnaryService<Question> for Scribe {
    type Response = Answer;
    type Future = BoxFuture<'static, Result<Response<Answer>, Status>>;

    fn call(&mut self, request: Request<Question>) -> Self::Future {
        let desk = Arc::clone(&self.0);
        async move {
            let answer = desk.compute(request.into_inner()).await;
            answer.map(Response::new).map_err(|error| status(&error))
        }
        .boxed()
    }
}

impl UnaryService<TableOrder> for Scribe {
    type Response = Written;
    type Future = BoxFuture<'static, Result<Response<Written>, Status>>;

    fn call(&mut self, request: Request<TableOrder>) -> Self::Future {
        let desk = Arc::clone(&self.0);
        async move {
            let written = desk.write(request.into_inner()).await;
            written.map(Response::new).map_err(|error| status(&error))
        }
        .boxed()
    }
}

impl Desk {
    async fn write(&self, order: TableOrder) -> Result<Written> {
        let unknown = || DataFusionError::Execution(format!("{} is no table of the contract", order.table));
        let table = schema::table(&order.table).ok_or_else(unknown)?;
        let (session, measure) = self.session(&order)?;
        let plan = logical_plan_from_bytes(&order.plan, &session.task_ctx())?;
        let mut rows = session.execute_logical_plan(plan).await?.execute_stream().await?;
        let place = Place::of(&order, &self.spill, self.orders.fetch_add(1, Ordering::Relaxed))?;
        let mut file = TableFile::of(&place.file, table).map_err(unwritten)?;
        while let Some(batch) = rows.next().await {
            file.write(&batch?).map_err(unwritten)?;
        }
        // Whether a folder that machines share took it all is told only then.
        let rows = file.finish_on_disk().map_err(unwritten)?;
        let bytes = std::fs::metadata(&place.file)?.len();
        if !order.run.is_empty() {
            self.tables(&order)?.bring(&place.file).await?;
        }
        let work = measure.so_far();
        let (statements, tasks) = (work.statements, work.tasks);
        Ok(Written { rows, bytes, statements, tasks, bytes_moved: work.bytes_moved, bytes_spilled: work.bytes_spilled })
    }

    /// Holds twice what came: as bytes, and laid out.
    async fn compute(&self, question: Question) -> Result<Answer> {
        let Question { what, bytes } = question;
        let room = MemoryConsumer::new(what.as_str()).register(&self.session.runtime_env().memory_pool);
        room.try_grow(bytes.len().saturating_mul(2))?;
        let computes = self.computes;
        let named = what.clone();
        let answer = SpawnedTask::spawn_blocking(move || computes(&named, &bytes)).await;
        let answer = answer.map_err(|e| DataFusionError::Execution(e.to_string()))?;
        let unknown = || DataFusionError::Execution(format!("this worker cannot compute {what}"));
        Ok(Answer { bytes: answer.ok_or_else(unknown)? })
    }

    /// The workers' session for one order.
    fn session(&self, order: &TableOrder) -> Result<(SessionContext, Measure)> {
        let whole = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        let wrong = |e: url::ParseError| DataFusionError::Execution(e.to_string());
        let urls = order.workers.iter().map(|url| Url::parse(url)).collect::<Result<Vec<_>, _>>().map_err(wrong)?;
        let mut settings = self.engine.cluster.clone();
        (settings.slots, settings.piece) = (whole(order.slots), whole(order.piece));
        settings.deadline = Duration::from_millis(order.deadline_ms);
        let measure = Measure::new(Arc::new(|_: &str| {}));
        let deal = Deal { workers: Workers(urls), channels: self.channels.clone(), settings, measure: measure.clone() };
        let state = self.session.state();
        let mut config = state.config().clone().with_target_partitions(whole(order.partitions));
        config.options_mut().optimizer.prefer_hash_join = order.hash_joins;
        let failed = |e: crate::Error| DataFusionError::External(Box::new(e));
        Ok((deal.session(state, config).map_err(failed)?, measure))
    }

    fn tables(&self, order: &TableOrder) -> Result<SharedTables> {
        let failed = |e: extract::Error| DataFusionError::External(Box::new(e));
        let url = self.engine.cluster.storage.as_deref();
        let url = url.ok_or_else(|| DataFusionError::Execution("this worker has no `engine.cluster.storage`".to_owned()))?;
        SharedTables::open(url, &order.pipeline, &order.run).map_err(failed)
    }
}

/// Where a worker writes: a new file beside the run's tables, or one of its own that goes up to the store and is removed here.
struct Place {
    file: PathBuf,
    own: Option<PathBuf>,
}

impl Place {
    fn of(order: &TableOrder, spill: &Path, number: u64) -> Result<Self> {
        let asked = Path::new(&order.file);
        if order.run.is_empty() {
            let is_half = asked.is_absolute() && asked.extension().is_some_and(|extension| extension == HALF);
            if !is_half || asked.exists() {
                return Err(DataFusionError::Execution(format!("{} is no new file for a table", asked.display())));
            }
            return Ok(Self { file: asked.to_path_buf(), own: None });
        }
        let own = spill.join(format!("consumer360-{}-{number}", std::process::id()));
        let (folder, name) = (asked.parent().and_then(Path::file_name), asked.file_name());
        let folder = own.join(folder.unwrap_or_default());
        std::fs::create_dir_all(&folder)?;
        Ok(Self { file: folder.join(name.unwrap_or_default()), own: Some(own) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(own) = &self.own {
            let _ = std::fs::remove_dir_all(own);
        }
    }
}

/// A folder that is not there is one that this machine does not see.
fn unwritten(error: FileError) -> DataFusionError {
    let is_away = matches!(&error, FileError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound);
    let error = DataFusionError::External(Box::new(error));
    if is_away { DataFusionError::External(Box::new(WorkerFailure::Unseen { source: error })) } else { error }
}
