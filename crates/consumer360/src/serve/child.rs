//! A run as a process of its own: what it does to memory or to itself, the server survives.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::cli::Global;

/// Time from the polite signal to the one that cannot be refused. A stage is left at its next safe point.
const GRACE: Duration = Duration::from_secs(60);

/// What a process is to do.
#[derive(Debug, Clone)]
pub enum Task<'a> {
    Slot(DateTime<Utc>),
    Retry(&'a str),
    Release(&'a str),
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this code; none if a signal from elsewhere ended it.
    Code(Option<i32>),
    /// It was stopped because it took longer than it may.
    TimedOut,
    /// It was stopped because somebody asked for it.
    Stopped,
}

/// The options of this process that its runs need as well.
#[derive(Debug, Clone)]
pub struct Options {
    pub config: OsString,
    pub env: Option<String>,
}

impl Options {
    pub fn of(global: &Global) -> Self {
        Self { config: global.config.clone().into_os_string(), env: global.env.clone() }
    }

    fn command(&self, file: &Path, task: &Task<'_>) -> io::Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--config").arg(&self.config);
        if let Some(env) = &self.env {
            command.arg("--env").arg(env);
        }
        match task {
            Task::Slot(at) => {
                let at = at.to_rfc3339_opts(SecondsFormat::Secs, true);
                command.arg("run").arg(file).args(["--slot-at", &at]);
            }
            Task::Retry(run) => _ = command.args(["retry", run, "--pipeline"]).arg(file),
            Task::Release(run) => _ = command.args(["publish", run, "--pipeline"]).arg(file),
        }
        // Its figures are in the ledger, its story in the run's folder.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
        Ok(command)
    }
}

/// Runs a process to its end. `stop` turns true when the run is to be left.
pub async fn run(
    options: &Options,
    file: &Path,
    task: &Task<'_>,
    timeout: Duration,
    mut stop: watch::Receiver<bool>,
) -> io::Result<Ended> {
    let mut child = options.command(file, task)?.spawn()?;
    let asked = async {
        // A sender that is gone asks for nothing any more.
        if stop.wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        ended = child.wait() => return Ok(Ended::Code(code(ended?))),
        () = tokio::time::sleep(timeout) => {}
        () = asked => {
            end(&mut child).await?;
            return Ok(Ended::Stopped);
        }
    }
    end(&mut child).await?;
    Ok(Ended::TimedOut)
}

fn code(status: ExitStatus) -> Option<i32> {
    status.code()
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
