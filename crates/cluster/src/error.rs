use std::path::PathBuf;
use std::time::Duration;

use datafusion::error::DataFusionError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "cannot reach the worker {url}\n  help: start it with `consumer360 cluster worker`, or take it out of `engine.cluster.workers`"
    )]
    Away { url: String, source: DataFusionError },
    #[error("the worker {url} gave no answer for {} seconds\n  help: is it stopped, or is something between that drops what it sends?", waited.as_secs())]
    Silent { url: String, waited: Duration },
    #[error(
        "the worker {url} is not of this build ({theirs}, this is {ours})\n  help: workers and driver must be the very same program, \
         or their functions differ"
    )]
    OtherBuild { url: String, theirs: String, ours: String },
    #[error("no worker bears the name {name}\n  help: the name must lead to the workers' addresses when a run begins")]
    Nobody { name: String, source: std::io::Error },
    #[error("the session of the cluster cannot be made")]
    Session { source: DataFusionError },
    #[error("cannot read {path}\n  help: `engine.cluster.authority` and the worker's certificate and key are PEM files")]
    File { path: PathBuf, source: std::io::Error },
    #[error("`engine.cluster.{key}` cannot be used: {detail}")]
    Setting { key: &'static str, detail: String },
    #[error("cannot listen on {address}: {detail}")]
    Listen { address: std::net::SocketAddr, detail: String },
    #[error(transparent)]
    Tables(#[from] extract::Error),
}
