//! `consumer360 unlock`: who holds a pipeline's lock, and whether anybody has to do anything about it.

use std::process::ExitCode;

use scheduler::Ledger;

use crate::cli::Global;
use crate::exit::{Failure, LOCKED};

/// The kernel frees a lock with the process that holds it, so there is nothing to break: what died left no lock, and what lives
/// must be stopped first. What it left on record is put right here at once, in place of by the next run.
pub fn unlock(global: &Global, pipeline: &str) -> Result<ExitCode, Failure> {
    let ledger = Ledger::open(&super::settings(global)?.state)?;
    if let Some(holder) = ledger.holder(pipeline)? {
        let message = format!(
            "{holder} holds the lock and is alive\n  help: let it finish, or stop process {} on {}; the lock goes with it",
            holder.pid, holder.host
        );
        return Err(Failure::Step { code: LOCKED, message });
    }
    let dead = ledger.settle_dead_runs(pipeline)?;
    super::print(&match dead.as_slice() {
        [] => format!("Nobody holds the lock of {pipeline}; the next run can start.\n"),
        dead => format!("Nobody holds the lock of {pipeline}. Marked as interrupted: {}\n", dead.join(", ")),
    })
}
