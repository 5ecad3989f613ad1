//! Other machines for the statements of a run, where the settings name some.

use std::process::ExitCode;

use config::Settings;
use datafusion::prelude::SessionContext;
use extract::{Staged, Work};
use transform::Warehouse;

use crate::cli::{Global, WorkerOptions};
use crate::exit::Failure;
use crate::progress::Progress;
use crate::{commands, log};

#[cfg(feature = "cluster")]
pub use cluster::{Cluster, Error};
#[cfg(not(feature = "cluster"))]
pub use without::{Cluster, Error};

/// The workers of the settings, once each has said who it is; none where the settings name none.
pub async fn gather(settings: &Settings, pipeline: &str, run: &str, progress: &Progress) -> Result<Option<Cluster>, Error> {
    let cluster = &settings.engine.cluster;
    if cluster.workers.is_empty() {
        return Ok(None);
    }
    Cluster::gather(cluster, pipeline, run, progress.beside_table()).await.map(Some)
}

/// The session that tables are built in: the workers' if there are some, or this machine's.
pub async fn session(
    cluster: Option<&Cluster>,
    local: &SessionContext,
    staged: &Staged,
) -> Result<SessionContext, crate::run::Error> {
    let Some(cluster) = cluster else { return Ok(local.clone()) };
    let session = cluster.session(local)?;
    extract::share(&session, staged).await?;
    Ok(session)
}

/// From here on `local` reads the files that are to be published, not what the workers read in their place.
pub async fn read_here(
    cluster: Option<&Cluster>,
    local: &SessionContext,
    staged: &Staged,
    warehouse: &Warehouse,
) -> Result<(), crate::run::Error> {
    if cluster.is_some() {
        extract::share(local, staged).await?;
        warehouse.share(local).await?;
    }
    Ok(())
}

/// Clears away what was brought to the workers, and says what they did.
pub async fn end(cluster: Option<Cluster>) -> Option<Work> {
    match cluster {
        None => None,
        Some(cluster) => Some(cluster.end().await),
    }
}

/// `consumer360 cluster worker`.
pub fn command(global: &Global, options: &WorkerOptions) -> Result<ExitCode, Failure> {
    log::start(global, false);
    let settings = commands::settings(global)?;
    let identity = options.certificate.clone().zip(options.key.clone());
    if !options.listen.ip().is_loopback() {
        if settings.engine.cluster.token.is_none() {
            return Err(Failure::usage("other than loopback needs `engine: {cluster: {token: …}}`"));
        }
        if identity.is_none() && !options.private_network {
            return Err(Failure::usage(
                "without --certificate and --key, rows and the token can be read on the way; --private-network says that nobody is there to",
            ));
        }
    }
    serve(&settings, options, identity)
}

#[cfg(feature = "cluster")]
fn serve(
    settings: &Settings,
    options: &WorkerOptions,
    identity: Option<(std::path::PathBuf, std::path::PathBuf)>,
) -> Result<ExitCode, Failure> {
    let spill = std::env::temp_dir();
    let listen = cluster::Listen { address: options.listen, identity };
    let runtime = crate::runtime::wide(settings).map_err(|e| Failure::step(&e))?;
    runtime.block_on(async {
        let build = cluster::build_id().map_err(|e| Failure::step(&e))?;
        tracing::info!(address = %options.listen, build, "a worker");
        let mut signals = crate::runtime::Signals::new().map_err(|e| Failure::step(&e))?;
        let stop = async { _ = signals.next().await };
        cluster::serve(&settings.engine, &spill, &listen, transform::compute, stop).await.map_err(|e| Failure::step(&e))
    })?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(not(feature = "cluster"))]
fn serve(_: &Settings, _: &WorkerOptions, _: Option<(std::path::PathBuf, std::path::PathBuf)>) -> Result<ExitCode, Failure> {
    Err(Failure::step(&Error::NotBuilt))
}

/// What stands there in a program that was built without workers.
#[cfg(not(feature = "cluster"))]
mod without {
    use datafusion::prelude::SessionContext;

    #[derive(Debug, thiserror::Error)]
    pub enum Error {
        #[error(
            "this program was built without workers\n  help: cargo build --release --features cluster, or leave `engine.cluster.workers` empty"
        )]
        NotBuilt,
    }

    pub enum Cluster {}

    impl Cluster {
        #[allow(clippy::unused_async, reason = "it has the shape of the one that asks workers")]
        pub async fn gather(_: &config::Cluster, _: &str, _: &str, _: crate::progress::Told) -> Result<Self, Error> {
            Err(Error::NotBuilt)
        }

        pub fn session(&self, _: &SessionContext) -> Result<SessionContext, Error> {
            match *self {}
        }

        #[allow(clippy::unused_async, reason = "it has the shape of the one that clears a store")]
        pub async fn end(&self) -> extract::Work {
            match *self {}
        }
    }
}
