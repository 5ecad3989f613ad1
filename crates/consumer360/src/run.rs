//! One run of one pipeline.

use std::fs;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use chrono::{DateTime, Utc};
use config::{Pipeline, Settings};
use extract::{Place, Staged};
use load::{RunFacts, Snapshot};
use scheduler::{Ledger, Outcome, Slot, Stage, clock};
use serde_json::{Value, json};
use validate::Validated;

use crate::cli::{Global, RunOptions};
use crate::exit::{Failure, GATE_CLOSED, LOCKED, STEP_FAILED, chain};
use crate::progress::{self, Progress};
use crate::{commands, log, summary};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What can end a run early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Ledger(#[from] scheduler::Error),
    #[error(transparent)]
    Extract(#[from] extract::Error),
    #[error(transparent)]
    Transform(#[from] transform::Error),
    #[error(transparent)]
    Validate(#[from] validate::Error),
    #[error(transparent)]
    Publish(#[from] load::Error),
    #[error("cannot use {path}")]
    Folder { path: PathBuf, source: io::Error },
    #[error("a worker ended early: {0}")]
    Worker(String),
    #[error("interrupted by signal {signal}")]
    Interrupted { signal: u8 },
}

/// A finished run, for the summary.
pub struct Finished {
    pub run_id: String,
    pub staged: Staged,
    pub validated: Validated,
    /// None with `--no-publish`.
    pub snapshot: Option<Snapshot>,
    pub stages: Vec<(Stage, f64)>,
}

/// `consumer360 run`.
pub fn command(global: &Global, options: &RunOptions) -> Result<ExitCode, Failure> {
    let bar = progress::wanted(global);
    log::start(global, bar);
    let (pipeline, settings) = commands::load(global, &options.pipeline)?;
    let now = clock::now();
    let slot = Slot::manual(now, pipeline.timezone, options.as_of);
    let ledger = Ledger::open(&settings.state)?;
    let progress = Progress::new(bar);
    let runtime = runtime(&settings).map_err(|e| Failure::step(&e))?;
    let finished = runtime.block_on(run(&pipeline, &settings, &slot, &ledger, now, !options.no_publish, &progress));
    progress.finish();
    // Readers of sources may still wait for a server that does not answer.
    runtime.shutdown_background();
    let finished = finished.map_err(|e| failure(&e))?;
    let printed = summary::print(&pipeline, &finished, global.output);
    printed.map_err(|e| Failure::step(&e))?;
    Ok(ExitCode::SUCCESS)
}

/// From sources to a published snapshot. Each stage takes what the one before it made; no other order compiles.
pub async fn run(
    pipeline: &Pipeline,
    settings: &Settings,
    slot: &Slot,
    ledger: &Ledger,
    now: DateTime<Utc>,
    publish: bool,
    progress: &Progress,
) -> Result<Finished, Error> {
    let mut run = Recorder::begin(pipeline, slot, ledger, now, progress)?;
    let result = async {
        let session = extract::session(&settings.engine, &run.spill()?)?;
        let record = run.folder.clone();
        let place = Place { folder: &record, day: slot.day, as_of: slot.as_of };
        let read = |entity, records| progress.read(entity, records);
        let staged =
            run.stage(Stage::Extract, extract::stage(&session, pipeline, &settings.engine.limits, &place, &read)).await?;
        run.run.set_as_of(staged.as_of)?;

        let folder = record.join("warehouse");
        let previous = load::previous(&pipeline.publish.to, staged.as_of)?;
        let told = |table| progress.table(table);
        let at_once = settings.engine.tables_at_once;
        let build = transform::build(&session, &staged, &pipeline.transform, at_once, previous.as_deref(), &folder, &told);
        let warehouse = run.stage(Stage::Transform, build).await?;

        let validated = run.stage(Stage::Validate, validate::check(&session, warehouse, &staged, &record)).await?;

        let snapshot = if publish { Some(run.publish(pipeline, &staged, &validated)?) } else { None };
        Ok((staged, validated, snapshot))
    }
    .await;
    run.finish(result, ledger, settings.keep_runs)
}

/// Keeps the ledger's record of the run while its stages go by.
struct Recorder<'a> {
    run: scheduler::Run,
    pipeline: &'a str,
    folder: PathBuf,
    stages: Vec<(Stage, f64)>,
    current: Stage,
    started_at: DateTime<Utc>,
    progress: &'a Progress,
}

impl<'a> Recorder<'a> {
    fn begin(
        pipeline: &'a Pipeline,
        slot: &Slot,
        ledger: &Ledger,
        now: DateTime<Utc>,
        progress: &'a Progress,
    ) -> Result<Self, Error> {
        let run = ledger.begin(&pipeline.name, slot, now, VERSION)?;
        let folder = run.folder().to_path_buf();
        log::into(&folder).map_err(|source| Error::Folder { path: folder.clone(), source })?;
        tracing::info!(run = run.id(), pipeline = pipeline.name, "started");
        Ok(Self { run, pipeline: &pipeline.name, folder, stages: Vec::new(), current: Stage::Extract, started_at: now, progress })
    }

    fn spill(&self) -> Result<PathBuf, Error> {
        let path = self.folder.join("spill");
        fs::create_dir_all(&path).map_err(|source| Error::Folder { path: path.clone(), source })?;
        Ok(path)
    }

    /// Runs a stage until it ends or a signal asks to stop.
    async fn stage<T, E: Into<Error>>(&mut self, stage: Stage, work: impl Future<Output = Result<T, E>>) -> Result<T, Error> {
        self.begin_stage(stage)?;
        let started = Instant::now();
        let result = tokio::select! {
            result = work => result.map_err(Into::into),
            signal = stop_signal() => Err(Error::Interrupted { signal }),
        }?;
        self.end_stage(stage, started, json!({}))?;
        Ok(result)
    }

    /// Publishing is short and not stopped half-way; what a signal would leave behind a crash may leave too.
    fn publish(&mut self, pipeline: &Pipeline, staged: &Staged, validated: &Validated) -> Result<Snapshot, Error> {
        self.begin_stage(Stage::Publish)?;
        let started = Instant::now();
        let sources: Vec<String> =
            pipeline.sources.iter().map(|(entity, source)| format!("{entity} from {}", source.connection)).collect();
        let facts = RunFacts {
            run_id: self.run.id(),
            pipeline: &pipeline.name,
            version: VERSION,
            started_at: self.started_at,
            published_at: clock::now(),
            timezone: pipeline.timezone,
            sources: sources.join("; "),
            rows_in: staged.entities.values().filter(|e| e.origin == extract::Origin::Source).map(|e| e.book.rows_in).sum(),
        };
        let snapshot = load::publish(validated, &pipeline.publish, &facts)?;
        self.end_stage(
            Stage::Publish,
            started,
            json!({"snapshot": snapshot.id, "rows": snapshot.rows, "bytes": snapshot.bytes}),
        )?;
        Ok(snapshot)
    }

    fn begin_stage(&mut self, stage: Stage) -> Result<(), Error> {
        self.current = stage;
        self.progress.stage(stage.as_str());
        Ok(self.run.stage_started(stage)?)
    }

    fn end_stage(&mut self, stage: Stage, started: Instant, facts: Value) -> Result<(), Error> {
        let elapsed = started.elapsed();
        tracing::info!(%stage, seconds = format!("{:.2}", elapsed.as_secs_f64()), "done");
        self.stages.push((stage, elapsed.as_secs_f64()));
        Ok(self.run.stage_finished(stage, elapsed, facts)?)
    }

    fn finish(
        self,
        result: Result<(Staged, Validated, Option<Snapshot>), Error>,
        ledger: &Ledger,
        keep_runs: usize,
    ) -> Result<Finished, Error> {
        let run_id = self.run.id().to_owned();
        remove_spill(&self.folder);
        match result {
            Ok((staged, validated, snapshot)) => {
                tracing::info!(snapshot = snapshot.as_ref().map(|s| s.id.as_str()), "finished");
                // What is published is published: a ledger that cannot say so is put right by the next run.
                if let Err(unrecorded) = self.run.finish(outcome(&staged, snapshot.as_ref()), clock::now()) {
                    tracing::error!(error = chain(&unrecorded), "cannot record the finished run");
                }
                prune(ledger, self.pipeline, keep_runs);
                Ok(Finished { run_id, staged, validated, snapshot, stages: self.stages })
            }
            Err(error) => {
                tracing::error!(target: log::RECORD, error = chain(&error), "failed");
                // The run's own failure is what the reader must see, even if it cannot be recorded.
                if let Err(unrecorded) = self.run.finish(failed(&error, self.current), clock::now()) {
                    tracing::error!(error = chain(&unrecorded), "cannot record the failure");
                }
                prune(ledger, self.pipeline, keep_runs);
                Err(error)
            }
        }
    }
}

/// Removes what old runs keep; a folder that stays is no reason for a run to fail.
fn prune(ledger: &Ledger, pipeline: &str, keep_runs: usize) {
    if let Err(error) = ledger.prune(pipeline, keep_runs) {
        tracing::warn!(error = chain(&error), "cannot remove old run folders");
    }
}

fn remove_spill(folder: &Path) {
    if let Err(error) = fs::remove_dir_all(folder.join("spill"))
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "cannot remove the spill folder");
    }
}

fn outcome(staged: &Staged, snapshot: Option<&Snapshot>) -> Outcome {
    let Some(snapshot) = snapshot else { return Outcome::NotPublished };
    let sales = staged.book(schema::Entity::Sales);
    Outcome::Published {
        snapshot: snapshot.id.clone(),
        unchanged: snapshot.unchanged,
        as_of: snapshot.as_of,
        facts: json!({"sales_lines": sales.rows_loaded, "rejected": sales.rows_rejected, "tables": snapshot.tables, "rows": snapshot.rows}),
    }
}

fn failed(error: &Error, stage: Stage) -> Outcome {
    let message = chain(error);
    match error {
        Error::Interrupted { .. } => Outcome::Interrupted,
        Error::Validate(validate::Error::Closed { .. }) => Outcome::CheckFailed { message },
        Error::Extract(_) => Outcome::SourceFailed { message },
        _ => Outcome::Failed { stage, message },
    }
}

fn failure(error: &Error) -> Failure {
    let code = match error {
        Error::Interrupted { signal } => return Failure::Interrupted { code: 128 + signal },
        Error::Validate(validate::Error::Closed { .. }) => GATE_CLOSED,
        Error::Publish(load::Error::Locked { .. }) => LOCKED,
        Error::Ledger(error) if error.is_locked() => LOCKED,
        _ => STEP_FAILED,
    };
    Failure::Step { code, message: chain(error) }
}

/// The number of the signal that asks the program to stop.
async fn stop_signal() -> u8 {
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

/// As many threads as `engine.threads` says, for queries and for what is computed beside them.
pub fn runtime(settings: &Settings) -> Result<tokio::runtime::Runtime, Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(settings.engine.threads.max(1));
    pool.build_global().map_err(|e| Error::Worker(e.to_string()))?;
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(settings.engine.threads.max(1))
        .enable_all()
        .build()
        .map_err(|e| Error::Worker(e.to_string()))
}
