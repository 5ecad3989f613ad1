//! A run as a process of its own: what it does to memory or to itself, the server survives.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::cli::{Global, LogForm};

/// Time from the polite signal to the one that cannot be refused. A stage is left at its next safe point.
const GRACE: Duration = Duration::from_mins(1);

/// What a process is to do.
#[derive(Debug, Clone)]
pub enum Task<'a> {
    /// A run of now, by hand.
    Now,
    Slot(DateTime<Utc>),
    /// Supervised, somebody else tells how it went.
    Retry {
        run: &'a str,
        supervised: bool,
    },
    Release(&'a str),
}

/// Whether, and why, a run is to be left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    No,
    /// The server stops; what was begun is taken up when it starts again.
    Shutdown,
    /// A newer slot takes its place.
    Replaced,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this code; none if a signal from elsewhere ended it.
    Code(Option<i32>),
    /// It was stopped because it took longer than it may.
    TimedOut,
    Stopped(Stop),
}

/// The options of this process that its runs need as well.
#[derive(Debug, Clone)]
pub struct Options {
    config: OsString,
    env: Option<String>,
    log: LogForm,
    quiet: bool,
}

impl Options {
    pub fn of(global: &Global) -> Self {
        Self { config: global.config.clone().into_os_string(), env: global.env.clone(), log: global.log, quiet: global.quiet }
    }

    fn command(&self, file: &Path, task: &Task<'_>) -> io::Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--config").arg(&self.config);
        if let Some(env) = &self.env {
            command.arg("--env").arg(env);
        }
        if self.log == LogForm::Json {
            command.args(["--log", "json"]);
        }
        if self.quiet {
            command.arg("--quiet");
        }
        match task {
            Task::Now => _ = command.arg("run").arg(file),
            Task::Slot(at) => {
                let at = at.to_rfc3339_opts(SecondsFormat::Millis, true);
                command.arg("run").arg(file).args(["--slot-at", &at]);
            }
            Task::Retry { run, supervised } => {
                let silently = supervised.then_some("--supervised");
                command.args(["retry", run]).args(silently).arg("--pipeline").arg(file);
            }
            Task::Release(run) => _ = command.args(["publish", run, "--pipeline"]).arg(file),
        }
        // Its figures are in the ledger, its story in the run's folder. A server that is killed takes its runs with it: the
        // next one takes them up again.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true);
        Ok(command)
    }
}

/// Runs a process to its end.
pub async fn run(
    options: &Options,
    file: &Path,
    task: &Task<'_>,
    timeout: Duration,
    mut stop: watch::Receiver<Stop>,
) -> io::Result<Ended> {
    let mut child = options.command(file, task)?.spawn()?;
    let ended = tokio::select! {
        ended = child.wait() => return Ok(Ended::Code(ended?.code())),
        () = tokio::time::sleep(timeout) => Ended::TimedOut,
        why = asked(&mut stop) => Ended::Stopped(why),
    };
    end(&mut child).await?;
    Ok(ended)
}

/// Waits until somebody asks to stop; a sender that is gone asks for nothing any more.
pub async fn asked(stop: &mut watch::Receiver<Stop>) -> Stop {
    // The borrow ends before anything else is awaited.
    let why = stop.wait_for(|stop| *stop != Stop::No).await.map(|why| *why);
    match why {
        Ok(why) => why,
        Err(_) => std::future::pending().await,
    }
}

/// First politely, so that the run is put on record; then for good.
async fn end(child: &mut Child) -> io::Result<()> {
    terminate(child);
    if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
        child.kill().await?;
    }
    Ok(())
}

#[cfg(unix)]
fn terminate(child: &Child) {
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid
        && let Err(error) = rustix::process::kill_process(pid, rustix::process::Signal::TERM)
    {
        tracing::debug!(%error, "the run had ended");
    }
}

#[cfg(not(unix))]
fn terminate(child: &mut Child) {
    let _ = child.start_kill();
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what is not there fails the test")]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_a_retry_decides_who_tells_of_it() {
        let options = Options { config: "config".into(), env: None, log: LogForm::Text, quiet: false };
        let is_silent = |supervised| {
            let command = options.command(Path::new("shop.yaml"), &Task::Retry { run: "shop-1", supervised }).unwrap();
            command.as_std().get_args().any(|argument| argument == "--supervised")
        };
        assert!(is_silent(true) && !is_silent(false));
    }
}
