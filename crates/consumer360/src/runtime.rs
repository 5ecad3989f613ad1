//! The threads a command runs on, and the signal that ends it.

use std::io;

use config::Settings;
use futures::FutureExt;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::run::Error;

/// SIGINT and SIGTERM, as often as they come from now on, also while nobody waits for them.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    pub fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// The number of the next signal that asks the program to stop.
    #[cfg(unix)]
    pub async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => 2,
            _ = self.terminate.recv() => 15,
        }
    }

    #[cfg(not(unix))]
    #[allow(clippy::unnecessary_wraps, reason = "the same signature everywhere")]
    pub fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    pub async fn next(&mut self) -> u8 {
        match tokio::signal::ctrl_c().await {
            Ok(()) => 2,
            Err(_) => std::future::pending().await,
        }
    }

    /// One that came and was not yet asked for.
    pub fn waiting(&mut self) -> Option<u8> {
        self.next().now_or_never()
    }
}

/// What the allocator is told: to keep what was freed for ten seconds before the system has it back, and to take pages of the
/// usual size. Of huge ones it touches a little of many, one for each size of value on each thread, and each is cleared whole.
const ALLOCATOR: [(&str, &str); 2] = [("MIMALLOC_PURGE_DELAY", "10000"), ("MIMALLOC_ALLOW_THP", "0")];

/// Begins the program anew, as the same process, with an allocator that is in no hurry to give memory back: the next statement
/// asks for as much again, and an eighth of a run's time would go into clearing the same pages over and over. The allocator reads
/// this from the environment, before `main`. Whoever has set one of it, or cannot begin anew, goes on as is.
pub fn keep_memory() {
    #[cfg(unix)]
    if ALLOCATOR.iter().all(|(name, _)| std::env::var_os(name).is_none())
        && let Ok(program) = std::env::current_exe()
    {
        use std::os::unix::process::CommandExt;
        let mut given = std::env::args_os();
        let Some(name) = given.next() else { return };
        // Begun by a loader, what runs is the loader; under another name, who knows.
        if program.file_name() == std::path::Path::new(&name).file_name() {
            let _ = std::process::Command::new(program).arg0(name).args(given).envs(ALLOCATOR).exec();
        }
    }
}

/// Enough to wait for other processes.
pub fn small() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// What a plan of many steps takes when it is walked through, and its rows are asked for, from top to bottom. Pages that are never
/// touched cost nothing.
const STACK: usize = 16 << 20;

/// A runtime whose end waits for nobody: whoever reads a source may still wait for a server that does not answer.
#[derive(Debug)]
pub struct Wide {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl Wide {
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.handle.block_on(work)
    }
}

impl Drop for Wide {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// As many threads as `engine.threads` says, for queries and for what is computed beside them.
pub fn wide(settings: &Settings) -> Result<Wide, Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(settings.engine.threads.max(1));
    pool.build_global().map_err(|e| Error::Worker(e.to_string()))?;
    let runtime = Builder::new_multi_thread()
        .worker_threads(settings.engine.threads.max(1))
        .thread_stack_size(STACK)
        // An operator computes for long before it lets go of its thread. After each, and not after the usual sixty of them, is looked
        // at what came meanwhile: that it is late, that nobody waits any more, that somebody asks whether this process lives.
        .event_interval(1)
        .enable_all()
        .build()
        .map_err(|e| Error::Worker(e.to_string()))?;
    Ok(Wide { handle: runtime.handle().clone(), runtime: Some(runtime) })
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used, reason = "what is not there fails the test")]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_comes_while_nobody_waits_is_not_lost() {
        small().unwrap().block_on(async {
            let mut signals = Signals::new().unwrap();
            assert_eq!(signals.waiting(), None);
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TERM).unwrap();
            // Work that asks for nothing goes on for a while.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            assert_eq!(signals.waiting(), Some(15));
            assert_eq!(signals.waiting(), None);
        });
    }
}
