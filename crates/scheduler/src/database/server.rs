//! A PostgreSQL server: how it is reached, and the one thread that talks to it.
//!
//! Callers are ordinary blocking code, some of it on the threads of an async runtime, where a second runtime may not be
//! waited on. So the connections live on a thread of their own, and callers wait for its answer as for a disk.

use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::Error;

/// How long to wait for a server to answer at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Both ends ask a silent other end for a sign of life after this time,
const KEEPALIVE_IDLE: Duration = Duration::from_secs(15);
/// this often apart,
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// and give it up after so many. So a network that is cut frees a lock within a minute.
const KEEPALIVE_RETRIES: u32 = 3;
/// The same for what was sent and never acknowledged.
const UNACKNOWLEDGED: Duration = Duration::from_secs(45);

/// What a connection is set to. A lock is waited for as long as the file's; a client that stops in the middle of a
/// transaction must not stop the others.
const SETTINGS: &str = "
    SET lock_timeout = '10s';
    SET statement_timeout = '60s';
    SET idle_in_transaction_session_timeout = '60s';
    SET default_transaction_isolation = 'read committed';
    SET tcp_keepalives_idle = 15;
    SET tcp_keepalives_interval = 10;
    SET tcp_keepalives_count = 3;
    SET tcp_user_timeout = 45000;
";

/// A server and the thread that talks to it. Clones share the thread.
#[derive(Debug, Clone)]
pub struct Server {
    name: String,
    config: Config,
    tls: Tls,
    worker: Arc<Worker>,
}

#[derive(Clone)]
struct Tls(MakeRustlsConnect);

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

impl Server {
    /// Reads the url; nothing is asked of the server yet. What the url says of timeouts and keepalives is kept.
    pub fn new(url: &str) -> Result<Self, Error> {
        let mut config: Config = url.parse().map_err(|source| Error::ServerUrl { source })?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_application_name().is_none() {
            config.application_name("consumer360");
        }
        if config.get_keepalives_interval().is_none() {
            config.keepalives_idle(KEEPALIVE_IDLE);
            config.keepalives_interval(KEEPALIVE_INTERVAL);
            config.keepalives_retries(KEEPALIVE_RETRIES);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(UNACKNOWLEDGED);
        }
        let name = name(&config);
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("ledger").enable_all().build();
        let worker = Arc::new(Worker(Some(runtime.map_err(|source| Error::Worker { source })?)));
        Ok(Self { name, config, tls: Tls(tls()?), worker })
    }

    /// The server as messages name it: host, port and database.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A new connection. It closes when the client is dropped.
    pub async fn connect(&self) -> Result<Client, Error> {
        let failed = |source| Error::Connect { server: self.name.clone(), source };
        let (client, connection) = self.config.connect(self.tls.0.clone()).await.map_err(failed)?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection of the ledger ended");
            }
        });
        client.batch_execute(SETTINGS).await.map_err(failed)?;
        Ok(client)
    }

    /// Does the work on the server's thread and waits for it.
    pub fn wait<T: Send + 'static>(&self, work: impl Future<Output = Result<T, Error>> + Send + 'static) -> Result<T, Error> {
        let (sender, answer) = mpsc::sync_channel(1);
        self.spawn(async move {
            // Nobody to hear it means that the caller's thread is gone.
            let _ = sender.send(work.await);
        });
        answer.recv().unwrap_or_else(|_| Err(Error::WorkerGone { server: self.name.clone() }))
    }

    /// Does the work on the server's thread.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.worker.0 {
            runtime.spawn(work);
        }
    }
}

/// A runtime of one thread. It may be dropped anywhere, also on the thread of another runtime.
#[derive(Debug)]
struct Worker(Option<Runtime>);

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// The url's `sslmode` says whether TLS is used; certificates are checked against those the machine trusts, where a
/// company's own authority is found.
fn tls() -> Result<MakeRustlsConnect, Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|source| Error::Tls { source })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn name(config: &Config) -> String {
    let host = config.get_hosts().first().map_or_else(String::new, |host| match host {
        Host::Tcp(host) => host.clone(),
        #[cfg(unix)]
        Host::Unix(path) => path.display().to_string(),
    });
    let port = config.get_ports().first().copied().unwrap_or(5432);
    // The server takes the user's name for the database's where none is given.
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    format!("{host}:{port}/{database}")
}
