//! `run`, `retry` and `publish`: a run from the command line to its end, and what is told of it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use config::Pipeline;
use scheduler::{Ledger, Publish, RunFilter, RunRecord, Slot, Status, clock};

use super::outcome::{failure, is_taken, made_by};
use super::{Attempt, Ending, Job, VERSION, run};
use crate::cli::{AgainOptions, Global, RunOptions};
use crate::exit::{Failure, GATE_CLOSED, HELD, chain};
use crate::progress::{self, Progress};
use crate::tell::{self, Teller};
use crate::{commands, log, metrics, runtime, summary, traces};

/// `consumer360 run`.
pub fn command(global: &Global, options: &RunOptions) -> Result<ExitCode, Failure> {
    let bar = progress::wanted(global);
    log::start(global, bar);
    let (pipeline, settings) = commands::load(global, &options.pipeline)?;
    let today = clock::now().with_timezone(&pipeline.timezone).date_naive();
    if let Some(day) = options.as_of.filter(|day| *day > today) {
        return Err(Failure::usage(format!("--as-of {day} is not over: today is {today} in {}", pipeline.timezone)));
    }
    let slot = match options.slot_at {
        Some(at) => Slot::scheduled(at, pipeline.timezone, options.as_of),
        None => Slot::manual(clock::now(), pipeline.timezone, options.as_of),
    };
    let attempt = Attempt::First {
        slot: &slot,
        publish: if options.no_publish { Publish::Not } else { Publish::Lead },
        claims: options.slot_at.is_some(),
        refresh: options.full_refresh,
    };
    let job = Job { file: &options.pipeline, pipeline: &pipeline, settings: &settings, attempt };
    // Of a slot's run the process tells that makes its attempts.
    to_its_end(global, job, bar, options.slot_at.is_none())
}

/// The file that published last under the name, if it is another one and still has it: one of the two is a copy.
fn twin(global: &Global, job: &Job<'_>, ledger: &Ledger) -> Option<PathBuf> {
    let Job { file, pipeline, settings, .. } = job;
    let published = ledger.latest_of_status(&pipeline.name, Status::Published).ok()??;
    let other = published.file.filter(|other| other.is_file() && !other.starts_with(settings.state.join("last_good")))?;
    let is_same = file.canonicalize().ok()? == other.canonicalize().ok()? || file.starts_with(settings.state.join("last_good"));
    let names_it = || commands::load(global, &other).is_ok_and(|(twin, _)| twin.name == pipeline.name);
    (!is_same && names_it()).then_some(other)
}

/// `consumer360 retry` and `consumer360 publish`: another attempt of a run, in the same record.
pub fn again(global: &Global, options: &AgainOptions, release: bool) -> Result<ExitCode, Failure> {
    let (run, file) = (options.run.as_str(), options.pipeline.as_deref());
    let bar = progress::wanted(global);
    log::start(global, bar);
    let ledger = commands::ledger(&commands::settings(global)?)?;
    let record = ledger.run(run)?.ok_or_else(|| Failure::usage(format!("there is no run `{run}` (consumer360 runs list)")))?;
    let status = record.status.to_string().replace('_', " ");
    if release && record.status != Status::Held {
        return Err(Failure::usage(format!("run {} is {status}, not held: there is nothing to release", record.run_id)));
    }
    if !record.status.can_be_retried() && record.status != Status::Running {
        return Err(Failure::usage(format!("run {} is {status}: there is nothing to take up again", record.run_id)));
    }
    overtaken(&ledger, &record)?;
    let file = file.map(Path::to_path_buf).or_else(|| record.file.clone()).ok_or_else(|| {
        Failure::usage(format!("run {} does not say its pipeline file; name it with --pipeline FILE", record.run_id))
    })?;
    let (pipeline, settings) = commands::load(global, &file)?;
    if pipeline.name != record.pipeline {
        let message =
            format!("{} is pipeline `{}`, run {} is of `{}`", file.display(), pipeline.name, record.run_id, record.pipeline);
        return Err(Failure::usage(message));
    }
    if release {
        unseen(&ledger, &record, &pipeline, &file)?;
    }
    drop(ledger);
    let attempt = Attempt::Again { run_id: &record.run_id, release };
    to_its_end(global, Job { file: &file, pipeline: &pipeline, settings: &settings, attempt }, bar, !options.supervised)
}

/// Refuses to lead readers back to what was read before the run that they see.
pub fn overtaken(ledger: &Ledger, record: &RunRecord) -> Result<(), Failure> {
    let later = ledger.latest_of_status(&record.pipeline, Status::Published)?.filter(|run| run.started_at > record.started_at);
    match later {
        Some(later) if record.publish == Publish::Lead => Err(Failure::usage(format!(
            "run {} has published since; what run {} read is older, and readers would be led back to it\n  help: run the pipeline \
             anew; `rollback` leads readers back on purpose, `backfill` adds days past behind what they see",
            later.run_id, record.run_id
        ))),
        _ => Ok(()),
    }
}

/// Refuses to release a run that would not give the tables somebody looked at, because `hold:` does not look at them any more. It
/// stays held, so that an edit can be taken back.
pub fn unseen(ledger: &Ledger, record: &RunRecord, pipeline: &Pipeline, file: &Path) -> Result<(), Failure> {
    let folder = ledger.folder(&record.run_id);
    if !folder.is_dir() {
        // It ran on another host, which is said where it is taken up.
        return Ok(());
    }
    let is_same = record.facts.get("made_by").is_some_and(|by| *by == made_by(pipeline));
    let reason = match extract::can_be_reopened(pipeline, VERSION, &folder) {
        Err(reason) => reason,
        Ok(()) if is_same => return Ok(()),
        Ok(()) => "the pipeline file, or this version of the program, makes other tables of what was read".to_owned(),
    };
    Err(Failure::usage(format!(
        "run {} cannot be published as it was seen: {reason}\n  help: take back what was changed since, or run the pipeline anew \
         (consumer360 run {}); it is held or published by its own figures",
        record.run_id,
        file.display()
    )))
}

/// Runs and says how it went.
fn to_its_end(global: &Global, job: Job<'_>, bar: bool, tells: bool) -> Result<ExitCode, Failure> {
    let began = clock::now();
    let teller = tells.then(|| Teller::new(job.pipeline, job.settings));
    let nothing = |message: &str| [tell::of_nothing(&job.pipeline.name, began, message, clock::now())];
    let ledger = match commands::ledger(job.settings) {
        Ok(ledger) => ledger,
        Err(error) => {
            if let Some(teller) = &teller {
                teller.tell(&nothing(&chain(&error)));
            }
            return Err(error.into());
        }
    };
    if let (Attempt::First { .. }, Some(other)) = (job.attempt, twin(global, &job, &ledger)) {
        tracing::warn!(
            "{} names a pipeline `{}` as well and published last: the two share one record, one schedule and one history; give one of \
             them another `name:`",
            other.display(),
            job.pipeline.name
        );
    }
    let progress = Progress::new(bar);
    let runtime = runtime::wide(job.settings).map_err(|e| Failure::step(&e))?;
    let finished = runtime.block_on(run(job, &ledger, began, &progress));
    progress.finish();
    drop(runtime);
    // Whoever is at it tells of what it does.
    let last = last(job, &ledger, began).filter(|_| !finished.as_ref().is_err_and(is_taken));
    if let Some(teller) = &teller {
        match (&last, &finished) {
            (Some(run), _) => teller.tell(&tell::of_run(run, clock::now())),
            (None, Err(error)) if !is_taken(error) => teller.tell(&nothing(&chain(error))),
            (None, _) => {}
        }
    }
    if let Some((run, collector)) = last.zip(job.settings.telemetry.traces.as_ref()) {
        traces::send(collector, &run, clock::now());
    }
    if let Some(file) = &job.settings.telemetry.metrics {
        metrics::write(file, &ledger);
    }
    let finished = finished.map_err(|error| match (failure(&error), job.attempt) {
        (Failure::Step { code, message }, Attempt::Again { .. }) if code == GATE_CLOSED => {
            let help = format!(
                "what was read at the first attempt was checked once more; if a source was mended since, `consumer360 run {}` reads it",
                job.file.display()
            );
            Failure::Step { code, message: format!("{message}\n  help: {help}") }
        }
        (failure, _) => failure,
    })?;
    // What was done is done, whether or not anybody can read of it here.
    if let Err(unprinted) = summary::print(job.pipeline, &finished, global.output) {
        eprintln!("warning: run {} ended well, but its summary cannot be printed: {unprinted}", finished.run_id);
    }
    Ok(match finished.ending {
        Ending::Published(_) | Ending::Added(_) | Ending::NotPublished => ExitCode::SUCCESS,
        Ending::Held(_) => ExitCode::from(HELD),
    })
}

/// The run that just ended, if it came to be on record.
fn last(job: Job<'_>, ledger: &Ledger, began: DateTime<Utc>) -> Option<RunRecord> {
    let last = match job.attempt {
        Attempt::First { .. } => newest(ledger, &job.pipeline.name, began),
        Attempt::Again { run_id, .. } => ledger.run(run_id).ok().flatten(),
    };
    // Another process tells of the one that it runs, and of those before was told.
    last.filter(|run| run.finished_at.is_some_and(|at| at >= began))
}

/// The run of the pipeline that began last by the clock as it is now: one that was ahead has left runs of times to come.
fn newest(ledger: &Ledger, pipeline: &str, began: DateTime<Utc>) -> Option<RunRecord> {
    let filter = RunFilter { pipeline: Some(pipeline), status: None };
    (0..).map_while(|place| ledger.page(filter, place, 1).ok()?.pop()).find(|run| run.started_at <= began)
}
