//! The driver's side: workers are asked who they are, and a session is made that uses them.

use std::collections::BTreeSet;
use std::io::Read;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use datafusion::common::plan_err;
use datafusion::error::DataFusionError;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion_distributed::{ChannelResolver, DistributedExt, GetWorkerInfoRequest, SessionStateBuilderExt, WorkerResolver};
use extract::{Elsewhere, SharedTables, Work};
use sha2::{Digest, Sha256};
use url::Url;

use crate::channels::Channels;
use crate::error::Error;
use crate::measured::{Measure, Told};
use crate::planner::Planner;
use crate::worker::end_on_panic;
use crate::writer::Writer;

/// How long a worker may take to say who it is.
const INTRODUCTION: Duration = Duration::from_secs(15);
/// Rows that one connection holds until they are asked for. Merging reads its inputs in turn, and what comes of the others
/// meanwhile must find room, or both sides wait.
const BYTES_ON_THE_WAY: usize = 256 << 20;

/// Workers that have introduced themselves, for the statements of one run.
pub struct Cluster {
    deal: Deal,
    tables: Option<SharedTables>,
    writer: Arc<Writer>,
}

/// How statements are dealt out.
pub(crate) struct Deal {
    pub workers: Workers,
    pub channels: Channels,
    pub settings: config::Cluster,
    pub measure: Measure,
}

#[derive(Clone)]
pub(crate) struct Workers(pub Vec<Url>);

impl WorkerResolver for Workers {
    /// The engine would run a statement here if it was told of none.
    fn get_urls(&self) -> Result<Vec<Url>, DataFusionError> {
        if self.0.is_empty() { plan_err!("the cluster has no workers") } else { Ok(self.0.clone()) }
    }
}

impl Cluster {
    /// Asks every worker of `settings` who it is; one that is away, silent or of another build is an error.
    ///
    /// `told` hears of statements as they go by. From here on a panic ends this process: see [`crate::serve`].
    pub async fn gather(settings: &config::Cluster, pipeline: &str, run: &str, told: Told) -> Result<Self, Error> {
        end_on_panic();
        let workers = Workers(addresses(&settings.workers).await?);
        let channels = Channels::new(settings)?;
        let ours = build_id()?;
        for url in &workers.0 {
            let theirs = introduction(&channels, url).await?;
            if theirs != ours {
                return Err(Error::OtherBuild { url: url.to_string(), theirs, ours });
            }
        }
        tracing::info!(workers = workers.0.len(), build = ours, "gathered");
        let tables = settings.storage.as_deref().map(|url| SharedTables::open(url, pipeline, run)).transpose()?;
        if let Some(tables) = &tables {
            // What runs that died have left there.
            tables.clear().await?;
        }
        let (measure, settings) = (Measure::new(told), settings.clone());
        let writer = Writer {
            workers: workers.0.clone(),
            channels: channels.clone(),
            settings: settings.clone(),
            tables: tables.clone(),
            pipeline: pipeline.to_owned(),
            run: run.to_owned(),
            measure: measure.clone(),
            turn: AtomicUsize::new(0),
        };
        Ok(Self { deal: Deal { workers, channels, settings, measure }, tables, writer: Arc::new(writer) })
    }

    /// The same tables as in `local`, with statements computed and tables written by the workers.
    pub fn session(&self, local: &SessionContext) -> Result<SessionContext, Error> {
        if let Some(tables) = &self.tables {
            tables.open_to(local);
        }
        let state = local.state();
        let elsewhere = Elsewhere { tables: self.tables.clone(), writer: self.writer.clone() };
        let config = state.config().clone().with_extension(Arc::new(elsewhere));
        self.deal.session(state, config)
    }

    /// Removes what was brought to the workers, and says what they did; what cannot be removed the next run removes.
    pub async fn end(&self) -> Work {
        if let Some(tables) = &self.tables
            && let Err(error) = tables.clear().await
        {
            tracing::warn!(%error, "tables of this run stay in the workers' storage until the next one");
        }
        Work { workers: self.deal.workers.0.len() as u64, ..self.deal.measure.so_far() }
    }
}

impl Deal {
    /// A session of this state with statements computed by the workers.
    ///
    /// A plan has two partitions at least, because one that has a single one is computed whole by whoever has a part of it.
    pub fn session(&self, state: SessionState, mut config: SessionConfig) -> Result<SessionContext, Error> {
        // Or the empty catalog of a new session would take the place of the one with the tables.
        config.options_mut().catalog.create_default_catalog_and_schema = false;
        let partitions = config.target_partitions().max(2);
        let config = config.with_target_partitions(partitions);
        let tasks = self.workers.0.len() * self.settings.slots.max(1);
        let build = || {
            SessionStateBuilder::new_from_existing(state)
                .with_config(config)
                .with_distributed_worker_resolver(self.workers.clone())
                .with_distributed_channel_resolver(self.channels.clone())
                .with_distributed_planner()
                .with_distributed_file_scan_config_bytes_per_partition(self.settings.piece)?
                .with_distributed_max_tasks_per_stage(tasks)?
                .with_distributed_metrics_collection(true)?
                .with_distributed_worker_connection_buffer_budget_bytes(BYTES_ON_THE_WAY)
        };
        let mut builder: SessionStateBuilder = build().map_err(|source| Error::Session { source })?;
        let planner = Planner::over(builder.query_planner().take(), self.settings.deadline, self.measure.clone());
        Ok(SessionContext::new_with_state(builder.with_query_planner(Arc::new(planner)).build()))
    }
}

/// The address of every worker; a name that several have stands for all that have it now, in an order of their own.
async fn addresses(written: &[String]) -> Result<Vec<Url>, Error> {
    let wrong = |detail: String| Error::Setting { key: "workers", detail };
    let mut urls = Vec::new();
    for text in written {
        let Some(name) = text.strip_prefix("dns+") else {
            urls.push(Url::parse(text).map_err(|e| wrong(e.to_string()))?);
            continue;
        };
        let url = Url::parse(name).map_err(|e| wrong(e.to_string()))?;
        let (host, port) = (url.host_str().unwrap_or_default().to_owned(), url.port_or_known_default().unwrap_or_default());
        let found = tokio::net::lookup_host((host, port)).await;
        let found: BTreeSet<_> = found.map_err(|source| Error::Nobody { name: text.clone(), source })?.collect();
        for address in found {
            urls.push(Url::parse(&format!("http://{address}")).map_err(|e| wrong(e.to_string()))?);
        }
    }
    Ok(urls)
}

async fn introduction(channels: &Channels, url: &Url) -> Result<String, Error> {
    let asked = async {
        let mut client = channels.get_worker_client_for_url(url).await?;
        client.get_worker_info(GetWorkerInfoRequest {}).await
    };
    match tokio::time::timeout(INTRODUCTION, asked).await {
        Err(_) => Err(Error::Silent { url: url.to_string(), waited: INTRODUCTION }),
        Ok(Err(source)) => Err(Error::Away { url: url.to_string(), source }),
        Ok(Ok(info)) => Ok(info.version),
    }
}

/// What tells this very program from any other: the beginning of its SHA-256.
pub fn build_id() -> Result<String, Error> {
    static KNOWN: OnceLock<String> = OnceLock::new();
    if let Some(id) = KNOWN.get() {
        return Ok(id.clone());
    }
    let failed = |source| Error::File { path: "the running program".into(), source };
    // The file may have been replaced since; what runs is still to be had here.
    let path = if cfg!(target_os = "linux") { "/proc/self/exe".into() } else { std::env::current_exe().map_err(failed)? };
    let mut file = std::fs::File::open(path).map_err(failed)?;
    let (mut digest, mut part) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        let read = file.read(&mut part).map_err(failed)?;
        let Some(bytes) = part.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        digest.update(bytes);
    }
    let start: [u8; 8] = digest.finalize().iter().copied().take(8).collect::<Vec<u8>>().try_into().unwrap_or_default();
    Ok(KNOWN.get_or_init(|| format!("{:016x}", u64::from_be_bytes(start))).clone())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "numbers are addresses")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_stands_for_all_that_have_it() {
        let written = ["https://worker.example:50051", "dns+http://127.0.0.1:50052"].map(str::to_owned);
        let urls: Vec<String> = addresses(&written).await.unwrap().iter().map(Url::to_string).collect();
        assert_eq!(urls, ["https://worker.example:50051/", "http://127.0.0.1:50052/"]);
        let nobody = addresses(&["dns+http://nobody.invalid:1".to_owned()]).await;
        assert!(matches!(nobody, Err(Error::Nobody { .. })), "{nobody:?}");
    }
}
