//! A worker: it computes parts of statements for drivers of the same build, and keeps nothing.

use std::fs;
use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use config::Engine;
use datafusion::execution::FunctionRegistry;
use datafusion::prelude::SessionContext;
use datafusion_distributed::{DistributedExt, Worker, WorkerQueryContext};
use extract::SharedTables;
use http::HeaderValue;
use subtle::ConstantTimeEq;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Request, Status};

use crate::channels::{ASKED_AFTER, CLOSED_AFTER, Channels, bearer};
use crate::driver::build_id;
use crate::error::Error;
use crate::scribe::{Computes, Scribe};

/// Where a worker listens, and as whom.
#[derive(Debug, Clone)]
pub struct Listen {
    pub address: SocketAddr,
    /// PEM files of the certificate and its key; none for plain connections.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// Serves until `stop`; then what runs is finished and nothing more is taken.
///
/// All statements share the memory and the spill space of `engine`. A panic ends the process: the engine would take the rows of
/// a task that is gone for all the rows there are.
///
/// `computes` is what it knows beside statements.
pub async fn serve(
    engine: &Engine,
    spill: &Path,
    listen: &Listen,
    computes: Computes,
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    end_on_panic();
    let shared = extract::session(engine, spill)?;
    if let Some(url) = &engine.cluster.storage {
        SharedTables::open(url, "", "")?.open_to(&shared);
    }
    let channels = Channels::new(&engine.cluster)?;
    let worker = worker(engine, &channels, &shared)?;
    let scribe = Scribe::new(engine, channels, shared, spill, computes);
    let token = engine.cluster.token.as_ref().map(bearer).transpose()?;
    let admitted = move |request| admitted(token.as_ref(), request);
    let parts = InterceptedService::new(worker.into_worker_server(), admitted.clone());
    let tables = InterceptedService::new(scribe, admitted);

    let failed = |e: tonic::transport::Error| Error::Listen { address: listen.address, detail: chain(&e) };
    let mut server = Server::builder().http2_keepalive_interval(Some(ASKED_AFTER)).http2_keepalive_timeout(Some(CLOSED_AFTER));
    if let Some((certificate, key)) = &listen.identity {
        let read = |path: &PathBuf| fs::read(path).map_err(|source| Error::File { path: path.clone(), source });
        let identity = Identity::from_pem(read(certificate)?, read(key)?);
        server = server.tls_config(ServerTlsConfig::new().identity(identity)).map_err(failed)?;
    }
    server.add_service(parts).add_service(tables).serve_with_shutdown(listen.address, stop).await.map_err(failed)
}

fn worker(engine: &Engine, channels: &Channels, shared: &SessionContext) -> Result<Worker, Error> {
    let (engine, channels) = (engine.clone(), channels.clone());
    let session = move |context: WorkerQueryContext| {
        let (engine, channels) = (engine.clone(), channels.clone());
        async move {
            let mut builder = context.builder;
            extract::configure(builder.config().get_or_insert_default(), &engine);
            let mut state = builder.with_distributed_channel_resolver(channels).build();
            for function in extract::functions() {
                state.register_udf(Arc::new(function))?;
            }
            Ok(state)
        }
    };
    Ok(Worker::from_session_builder(session).with_runtime_env(shared.runtime_env()).with_version(build_id()?))
}

fn admitted(token: Option<&HeaderValue>, request: Request<()>) -> Result<Request<()>, Status> {
    let Some(token) = token else { return Ok(request) };
    let said = request.metadata().get("authorization").map(|value| value.as_bytes().to_vec()).unwrap_or_default();
    if bool::from(said.ct_eq(token.as_bytes())) {
        Ok(request)
    } else {
        Err(Status::unauthenticated("the token is not this worker's"))
    }
}

/// Says what happened and ends this process at once, whichever thread it was.
pub(crate) fn end_on_panic() {
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        told(panic);
        std::process::abort();
    }));
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
