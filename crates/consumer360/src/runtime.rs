//! The threads a command runs on, and the signal that ends it.

use std::io;

use config::Settings;
use tokio::runtime::{Builder, Runtime};

use crate::run::Error;

/// The number of the signal that asks the program to stop.
pub async fn stop_signal() -> u8 {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => 2,
            _ = terminate.recv() => 15,
        }
    }
    #[cfg(not(unix))]
    {
        match tokio::signal::ctrl_c().await {
            Ok(()) => 2,
            Err(_) => std::future::pending().await,
        }
    }
}

/// Enough to wait for other processes.
pub fn small() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// As many threads as `engine.threads` says, for queries and for what is computed beside them.
pub fn wide(settings: &Settings) -> Result<Runtime, Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(settings.engine.threads.max(1));
    pool.build_global().map_err(|e| Error::Worker(e.to_string()))?;
    Builder::new_multi_thread()
        .worker_threads(settings.engine.threads.max(1))
        .enable_all()
        .build()
        .map_err(|e| Error::Worker(e.to_string()))
}
