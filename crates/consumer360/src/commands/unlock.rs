//! `consumer360 unlock`: who holds a pipeline's lock, and whether anybody has to do anything about it.

use std::path::Path;
use std::process::ExitCode;

use load::Target;

use crate::cli::Global;
use crate::exit::{Failure, LOCKED, chain};

/// The kernel frees a lock with the process that holds it, so there is nothing to break: what died left no lock, and what lives
/// must be stopped first. What it left on record is put right here at once, in place of by the next run.
///
/// An object store has no kernel. The lease of a publisher that died there runs out by itself; here one can wait for that.
pub fn unlock(global: &Global, pipeline: &str) -> Result<ExitCode, Failure> {
    let ledger = super::ledger(&super::settings(global)?)?;
    let pipeline = &super::on_record(global, &ledger, pipeline)?;
    if let Some(holder) = ledger.holder(pipeline)? {
        let message = format!(
            "{holder} holds the lock and is alive\n  help: let it finish, or stop process {} on {}; the lock goes with it",
            holder.pid, holder.host
        );
        return Err(Failure::Step { code: LOCKED, message });
    }
    let dead = ledger.settle_dead_runs(pipeline)?;
    let mut text = match dead.as_slice() {
        [] => format!("Nobody holds the lock of {pipeline}; the next run can start.\n"),
        dead => format!("Nobody holds the lock of {pipeline}. Marked as interrupted: {}\n", dead.join(", ")),
    };
    // Without any file, nothing was published from here.
    if let Some(file) = super::state::file_of(&ledger, pipeline)? {
        text += &lease(global, &file)?;
    }
    super::print(&text)
}

/// What is to be said of the lease on the target.
fn lease(global: &Global, file: &Path) -> Result<String, Failure> {
    let (pipeline, settings) = super::load(global, file)?;
    let to = &pipeline.publish.to;
    if matches!(to, config::Target::Folder(_)) {
        return Ok(String::new());
    }
    let target = Target::open(&pipeline.publish, &settings.state).map_err(|e| Failure::step(&e))?;
    match target.unlock("unlock") {
        Ok(None) => Ok(format!("Nobody holds the lease of {to}.\n")),
        Ok(Some(holder)) => Ok(format!("The lease of {to} was held by {holder}, which gave no sign of life; it is free now.\n")),
        Err(error) => {
            let code = if error.is_locked() { LOCKED } else { 1 };
            let help = if error.is_locked() { "\n  help: it is alive; let it finish, or stop it where it runs" } else { "" };
            Err(Failure::Step { code, message: chain(&error) + help })
        }
    }
}
