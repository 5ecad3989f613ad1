//! `consumer360 run --slot`: what is due now, and nothing else, for cron, systemd and Kubernetes.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use config::Pipeline;
use scheduler::{Decision, Ledger, Recovered, SlotDecision, Status, clock};
use tokio::sync::{Semaphore, watch};

use super::child::{self, Options, Stop};
use super::left::{missed, settled};
use super::or_log;
use super::slots::{Outcome, Runner};
use crate::cli::Global;
use crate::exit::{Failure, STEP_FAILED, chain};
use crate::runtime::Signals;
use crate::schedule::{ahead, of_pipeline};
use crate::tell::{self, Teller};
use crate::{commands, log, runtime};

/// How often a slot that waits looks whether the run of another process has ended.
const LOOKS: Duration = Duration::from_secs(2);

pub fn due_now(global: &Global, file: &Path) -> Result<ExitCode, Failure> {
    log::start(global, false);
    let (pipeline, settings) = commands::load(global, file)?;
    let schedule = of_pipeline(&pipeline).ok_or_else(|| {
        Failure::usage(format!("{} has no `schedule:`, so no slot of it comes due; leave out --slot", file.display()))
    })?;
    let now = clock::now();
    let teller = Teller::new(&pipeline, &settings);
    let look = || -> Result<(Ledger, Recovered), scheduler::Error> {
        let ledger = commands::ledger(&settings)?;
        let recovered = ledger.slots().is_due(&pipeline.name, &schedule, now)?;
        Ok((ledger, recovered))
    };
    // A timer shows nobody what is said here, and there may be no slot that could tell of it.
    let (ledger, Recovered { due, settled: left }) =
        look().inspect_err(|error| teller.tell(&[tell::of_nothing(&pipeline.name, now, &chain(error), now)]))?;
    let ledger = Arc::new(ledger);
    let mut events = settled(&ledger, &left, now);
    events.extend(or_log(missed(&ledger, &pipeline.name, &BTreeSet::from([now]), now)));
    teller.tell(&events);
    if due.is_empty() {
        let next = ahead(&ledger, &pipeline, &schedule, file)?;
        return commands::print(&format!("{}: nothing is due{next}\n", pipeline.name));
    }
    let runtime = runtime::small().map_err(|e| Failure::step(&e))?;
    let runner =
        Runner { ledger, options: Options::of(global), settings: Arc::new(settings), places: Arc::new(Semaphore::new(1)) };
    runtime.block_on(all(&runner, file, &Arc::new(pipeline), due))
}

/// Runs the slots one after the other. A signal leaves what is not done to the next start.
async fn all(runner: &Runner, file: &Path, pipeline: &Arc<Pipeline>, due: Vec<SlotDecision>) -> Result<ExitCode, Failure> {
    let mut code = 0;
    let mut text = String::new();
    let (stop, asked) = watch::channel(Stop::No);
    let mut signals = Signals::new().map_err(|e| Failure::step(&e))?;
    for due in due {
        let slot = due.slot.local_text();
        let work = in_turn(runner, file, pipeline, due, asked.clone());
        tokio::pin!(work);
        let outcome = tokio::select! {
            outcome = &mut work => outcome?,
            signal = signals.next() => {
                let _ = stop.send(Stop::Shutdown);
                let run = work.await?.record.filter(|run| run.status == Status::Published);
                commands::print(&text)?;
                // It was about to publish, and did.
                return Err(run.map_or(Failure::Interrupted { code: 128 + signal }, |run| Failure::Step {
                    code: 128 + signal,
                    message: format!("interrupted; run {} had published by then", run.run_id),
                }));
            }
        };
        let run = outcome.record.map_or_else(
            || outcome.message.unwrap_or_default(),
            |record| format!("{} {}", record.run_id, record.status.to_string().replace('_', " ")),
        );
        let _ = writeln!(text, "{}: slot {slot}: {run}", pipeline.name);
        code = code.max(outcome.code);
    }
    commands::print(&text)?;
    Ok(ExitCode::from(code))
}

/// Runs a slot once its pipeline is free, if it is to run beside what another process does.
async fn in_turn(
    runner: &Runner,
    file: &Path,
    pipeline: &Arc<Pipeline>,
    mut due: SlotDecision,
    mut stop: watch::Receiver<Stop>,
) -> Result<Outcome, scheduler::Error> {
    loop {
        match runner.ledger.slots().overlap_with_others(&due, clock::now())? {
            Decision::Start => {
                let mut outcome = runner.slot(file.to_path_buf(), Arc::clone(pipeline), due, stop.clone()).await;
                let Some(again) = outcome.again.take() else { return Ok(outcome) };
                due = again;
            }
            Decision::Skip => return passed_over(runner, &due),
            // Nobody would come back for it before the next slot.
            Decision::Queue | Decision::Replace => tokio::select! {
                () = tokio::time::sleep(LOOKS) => {}
                why = child::asked(&mut stop) => return Ok(Outcome { stopped: Some(why), ..Outcome::new(STEP_FAILED, None, 0) }),
            },
        }
    }
}

/// That a slot does not run here is no failure; the ledger says why.
fn passed_over(runner: &Runner, due: &SlotDecision) -> Result<Outcome, scheduler::Error> {
    let slot = runner.ledger.slots().slot(&due.pipeline, due.slot.at)?;
    let message = slot.map(|slot| {
        let state = slot.state.to_string().replace('_', " ");
        slot.reason.map_or_else(|| state.clone(), |reason| format!("{state}: {reason}"))
    });
    Ok(Outcome { message, ..Outcome::new(0, None, 0) })
}
