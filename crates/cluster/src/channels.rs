//! Connections to workers: one each, with the token on every call, closed where the other side falls silent.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use config::Secret;
use datafusion::common::exec_datafusion_err;
use datafusion::error::DataFusionError;
use datafusion_distributed::grpc::{BoxCloneSyncChannel, create_worker_client};
use datafusion_distributed::{ChannelResolver, WorkerChannel};
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};
use tower::ServiceExt;
use url::Url;

use crate::error::Error;

/// How long a worker may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// A connection on which nothing moves is asked this often whether it lives.
pub(crate) const ASKED_AFTER: Duration = Duration::from_secs(10);
/// And closed when it has not answered for so long; all that runs over it fails.
pub(crate) const CLOSED_AFTER: Duration = Duration::from_secs(20);

#[derive(Clone)]
pub(crate) struct Channels {
    authorization: Option<HeaderValue>,
    tls: ClientTlsConfig,
    open: Arc<Mutex<BTreeMap<Url, BoxCloneSyncChannel>>>,
}

impl fmt::Debug for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Channels")
    }
}

impl Channels {
    pub fn new(cluster: &config::Cluster) -> Result<Self, Error> {
        let authorization = cluster.token.as_ref().map(bearer).transpose()?;
        let tls = ClientTlsConfig::new();
        let tls = match &cluster.authority {
            None => tls.with_native_roots(),
            Some(path) => {
                let pem = fs::read(path).map_err(|source| Error::File { path: path.clone(), source })?;
                tls.ca_certificate(Certificate::from_pem(pem))
            }
        };
        Ok(Self { authorization, tls, open: Arc::default() })
    }

    pub fn to(&self, url: &Url) -> Result<BoxCloneSyncChannel, DataFusionError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = open.get(url) {
            return Ok(channel.clone());
        }
        let failed = |e: tonic::transport::Error| exec_datafusion_err!("cannot connect to the worker {url}: {e}");
        let mut endpoint = Endpoint::from_shared(url.to_string())
            .map_err(failed)?
            .connect_timeout(CONNECT)
            .http2_keep_alive_interval(ASKED_AFTER)
            .keep_alive_timeout(CLOSED_AFTER)
            .keep_alive_while_idle(true);
        if url.scheme() == "https" {
            endpoint = endpoint.tls_config(self.tls.clone()).map_err(failed)?;
        }
        let authorization = self.authorization.clone();
        let channel = endpoint.connect_lazy().map_request(move |mut request: Request<_>| {
            if let Some(value) = &authorization {
                request.headers_mut().insert(AUTHORIZATION, value.clone());
            }
            request
        });
        let channel = BoxCloneSyncChannel::new(channel);
        open.insert(url.clone(), channel.clone());
        Ok(channel)
    }
}

/// What a driver says and a worker asks for.
pub(crate) fn bearer(token: &Secret) -> Result<HeaderValue, Error> {
    let written = HeaderValue::from_str(&format!("Bearer {}", token.expose()));
    let mut value = written.map_err(|e| Error::Setting { key: "token", detail: e.to_string() })?;
    value.set_sensitive(true);
    Ok(value)
}

#[async_trait]
impl ChannelResolver for Channels {
    async fn get_worker_client_for_url(&self, url: &Url) -> Result<Box<dyn WorkerChannel>, DataFusionError> {
        Ok(create_worker_client(self.to(url)?))
    }
}
