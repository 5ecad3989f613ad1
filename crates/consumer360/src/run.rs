//! One run of one pipeline.

mod outcome;

use std::fs;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use chrono::{DateTime, Utc};
use config::{Pipeline, Settings};
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use extract::{History, Place, SeenSources, Staged, Work};
use load::{RunFacts, Snapshot, Target};
pub use scheduler::Publish;
use scheduler::{Ledger, Outcome, RunRecord, Slot, Stage, Status, clock};
use serde_json::{Value, json};
use validate::{Demands, Validated};

use crate::cli::{AgainOptions, Global, RunOptions};
use crate::exit::{Failure, HELD, chain};
use crate::lineage::{Lineage, Moment};
use crate::progress::{self, Progress};
use crate::tell::Teller;
use crate::{commands, handouts, lineage, log, metrics, runtime, summary, tell, traces, workers};

pub use outcome::failure;
use outcome::{failed, may_pass, outcome};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What can end a run early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Ledger(#[from] scheduler::Error),
    #[error(transparent)]
    Extract(#[from] extract::Error),
    #[error(transparent)]
    Cluster(#[from] workers::Error),
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
    #[error("the slot of {at} is not due: it was run, or another process runs it")]
    Claimed { at: DateTime<Utc> },
    #[error("cannot compare the run with what is published")]
    Hold { source: DataFusionError },
    #[error("interrupted by signal {signal}")]
    Interrupted { signal: u8 },
}

/// A finished run, for the summary.
pub struct Finished {
    pub run_id: String,
    pub staged: Staged,
    pub validated: Validated,
    pub ending: Ending,
    pub stages: Vec<(Stage, f64)>,
    /// What other machines did, where there are some.
    pub work: Option<Work>,
}

/// How a run whose checks all held ends.
pub enum Ending {
    Published(Snapshot),
    /// Behind what readers see, which is of a later day.
    Added(Snapshot),
    /// With `--no-publish`.
    NotPublished,
    /// By a threshold of `hold:`, for these reasons.
    Held(Vec<String>),
}

/// What is run.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    pub file: &'a Path,
    pub pipeline: &'a Pipeline,
    pub settings: &'a Settings,
    pub attempt: Attempt<'a>,
}

/// Which attempt it is.
#[derive(Clone, Copy)]
pub enum Attempt<'a> {
    /// The first, of this slot.
    First {
        slot: &'a Slot,
        publish: Publish,
        /// Whether the slot is one of the schedule, which one run alone may fill.
        claims: bool,
        /// Whether every source is read whole, whatever is kept of it.
        refresh: bool,
    },
    /// Another one of a run that did not publish, which is asked the same. Released, nothing holds it back any more.
    Again { run_id: &'a str, release: bool },
}

/// `consumer360 run`.
pub fn command(global: &Global, options: &RunOptions) -> Result<ExitCode, Failure> {
    let bar = progress::wanted(global);
    log::start(global, bar);
    let (pipeline, settings) = commands::load(global, &options.pipeline)?;
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
    let file = file.map(Path::to_path_buf).or(record.file).ok_or_else(|| {
        Failure::usage(format!("run {} does not say its pipeline file; name it with --pipeline FILE", record.run_id))
    })?;
    let (pipeline, settings) = commands::load(global, &file)?;
    if pipeline.name != record.pipeline {
        let message =
            format!("{} is pipeline `{}`, run {} is of `{}`", file.display(), pipeline.name, record.run_id, record.pipeline);
        return Err(Failure::usage(message));
    }
    drop(ledger);
    let attempt = Attempt::Again { run_id: &record.run_id, release };
    to_its_end(global, Job { file: &file, pipeline: &pipeline, settings: &settings, attempt }, bar, !options.supervised)
}

/// Runs and says how it went.
fn to_its_end(global: &Global, job: Job<'_>, bar: bool, tells: bool) -> Result<ExitCode, Failure> {
    let ledger = commands::ledger(job.settings)?;
    let progress = Progress::new(bar);
    let runtime = runtime::wide(job.settings).map_err(|e| Failure::step(&e))?;
    let finished = runtime.block_on(run(job, &ledger, clock::now(), &progress));
    progress.finish();
    // Readers of sources may still wait for a server that does not answer.
    runtime.shutdown_background();
    let last = last(job, &ledger);
    if let Some(run) = &last
        && tells
    {
        Teller::new(job.pipeline, job.settings).tell(&tell::of_run(run, clock::now()));
    }
    if let Some((run, collector)) = last.zip(job.settings.telemetry.traces.as_ref()) {
        traces::send(collector, &run, clock::now());
    }
    if let Some(file) = &job.settings.telemetry.metrics {
        metrics::write(file, &ledger);
    }
    let finished = finished.map_err(|e| failure(&e))?;
    let printed = summary::print(job.pipeline, &finished, global.output);
    printed.map_err(|e| Failure::step(&e))?;
    Ok(match finished.ending {
        Ending::Published(_) | Ending::Added(_) | Ending::NotPublished => ExitCode::SUCCESS,
        Ending::Held(_) => ExitCode::from(HELD),
    })
}

/// The run that just ended.
fn last(job: Job<'_>, ledger: &Ledger) -> Option<RunRecord> {
    let last = match job.attempt {
        Attempt::First { .. } => ledger.runs(Some(&job.pipeline.name), 1).map(|mut runs| runs.pop()),
        Attempt::Again { run_id, .. } => ledger.run(run_id),
    };
    // Another process tells of the one that it runs.
    last.ok().flatten().filter(|run| run.status != Status::Running)
}

/// From sources to a published snapshot, on the workers that the settings name.
pub async fn run(job: Job<'_>, ledger: &Ledger, now: DateTime<Utc>, progress: &Progress) -> Result<Finished, Error> {
    let mut run = Recorder::begin(job, ledger, now, progress)?;
    let gathered = tokio::select! {
        gathered = workers::gather(job.settings, &job.pipeline.name, run.run.id(), progress) => gathered.map_err(Error::from),
        signal = runtime::stop_signal() => Err(Error::Interrupted { signal }),
    };
    let result = match gathered {
        Ok(cluster) => {
            let result = Box::pin(stages(job, ledger, &mut run, progress, cluster.as_ref())).await;
            run.work = workers::end(cluster).await;
            result
        }
        Err(away) => Err(away),
    };
    run.finish(result, ledger, job.settings.keep_runs)
}

/// Each stage takes what the one before it made; no other order compiles.
async fn stages(
    job: Job<'_>,
    ledger: &Ledger,
    run: &mut Recorder<'_>,
    progress: &Progress,
    cluster: Option<&workers::Cluster>,
) -> Result<(Staged, Validated, Ending), Error> {
    let Job { pipeline, settings, .. } = job;
    let session = extract::session(&settings.engine, &run.spill()?)?;
    let target = Target::open(&pipeline.publish, &settings.state)?;
    let record = run.folder.clone();
    let slot = *run.run.slot();
    let before = sources_before(ledger, &pipeline.name)?;
    let history = history(job, &slot);
    let place = Place { folder: &record, day: slot.day, as_of: slot.as_of, before: &before, history: &history };
    let staged = run.stage(Stage::Extract, stage(&session, job, &place, progress)).await?;
    run.run.set_as_of(staged.as_of)?;

    let folder = record.join("warehouse");
    let told = |table| progress.table(table);
    let at_once = settings.engine.tables_at_once;
    let previous = target.previous(staged.as_of)?;
    let build = async {
        let computing = workers::session(cluster, &session, &staged).await?;
        let options = &pipeline.transform;
        let built = transform::build(&computing, &staged, options, at_once, previous.as_deref(), &folder, &told).await?;
        workers::read_here(cluster, &session, &staged, &built).await?;
        Ok::<_, Error>(built)
    };
    let warehouse = run.stage(Stage::Transform, build).await?;
    run.lineage.columns = lineage::columns(&session, pipeline, &record).await;

    // Proven here, whoever built it.
    let demands = Demands::of(pipeline, &settings.engine.limits, previous.as_deref());
    let gate = validate::check(&session, warehouse, &staged, &demands, &record);
    let validated = run.stage(Stage::Validate, gate).await?;

    let ending = match (job.attempt, run.run.publish()) {
        (_, Publish::Not) => Ending::NotPublished,
        // Released by somebody; or a day that is long past, which differs from today's for good reasons.
        (Attempt::Again { release: true, .. }, _) | (_, Publish::Behind) => run.publish(job, &target, &staged, &validated)?,
        _ => match held(&session, pipeline, &target, &validated).await? {
            reasons if reasons.is_empty() => run.publish(job, &target, &staged, &validated)?,
            reasons => Ending::Held(reasons),
        },
    };
    if let Ending::Published(_) | Ending::Added(_) = &ending {
        // Not kept, it is read once more by the next run.
        if let Err(unkept) = extract::keep(&staged, &record, &history) {
            tracing::error!(error = chain(&unkept), "cannot keep what was read");
        }
    }
    if let Ending::Published(snapshot) = &ending {
        handouts::renew(pipeline, settings, &target, &snapshot.id);
    }
    Ok((staged, validated, ending))
}

/// What the sources hold, or what an earlier attempt of the run has staged of it.
async fn stage(session: &SessionContext, job: Job<'_>, place: &Place<'_>, progress: &Progress) -> Result<Staged, extract::Error> {
    let Job { pipeline, settings, .. } = job;
    if matches!(job.attempt, Attempt::Again { .. })
        && let Some(staged) = extract::reopen(session, pipeline, VERSION, place.folder).await?
    {
        return Ok(staged);
    }
    let read = |entity, records| progress.read(entity, records);
    let staged = extract::stage(session, pipeline, &settings.engine.limits, place, &read).await?;
    extract::record(&staged, pipeline, VERSION, place.folder)?;
    Ok(staged)
}

/// Where the records of sources are kept that are read in increments.
fn history(job: Job<'_>, slot: &Slot) -> History {
    let refresh = matches!(job.attempt, Attempt::First { refresh: true, .. });
    History::of(&job.settings.state, &job.pipeline.name, slot.scheduled_at, refresh)
}

/// What the sources gave in the last published run.
pub fn sources_before(ledger: &Ledger, pipeline: &str) -> Result<SeenSources, Error> {
    let last = ledger.latest_of_status(pipeline, Status::Published)?;
    let seen = last.and_then(|run| serde_json::from_value(run.facts.get("sources")?.clone()).ok());
    Ok(seen.unwrap_or_default())
}

/// Why the run is not to be published before somebody looked.
async fn held(
    session: &SessionContext,
    pipeline: &Pipeline,
    target: &Target,
    validated: &Validated,
) -> Result<Vec<String>, Error> {
    let published = target.published()?.map(|published| target.snapshot(&published.snapshot)).transpose()?;
    let reasons = validate::hold(session, validated, &pipeline.hold, published.as_deref()).await;
    reasons.map_err(|source| Error::Hold { source })
}

/// Keeps the ledger's record of the run while its stages go by.
struct Recorder<'a> {
    run: scheduler::Run,
    pipeline: &'a str,
    lineage: Lineage<'a>,
    folder: PathBuf,
    stages: Vec<(Stage, f64)>,
    work: Option<Work>,
    current: Stage,
    started_at: DateTime<Utc>,
    progress: &'a Progress,
}

impl<'a> Recorder<'a> {
    fn begin(job: Job<'a>, ledger: &Ledger, now: DateTime<Utc>, progress: &'a Progress) -> Result<Self, Error> {
        let name = &job.pipeline.name;
        let mut run = match job.attempt {
            Attempt::First { slot, .. } => ledger.begin(name, slot, now, VERSION)?,
            Attempt::Again { run_id, .. } => ledger.begin_again(run_id, now, VERSION)?,
        };
        if let Attempt::First { publish, .. } = job.attempt
            && publish != run.publish()
        {
            run.set_publish(publish)?;
        }
        run.set_file(job.file)?;
        if let Attempt::First { slot, claims: true, .. } = job.attempt {
            let slots = ledger.slots();
            if !slots.claim(name, slot.scheduled_at, run.id(), now)? {
                let error = Error::Claimed { at: slot.scheduled_at };
                run.finish(Outcome::Failed { stage: Stage::Extract, message: chain(&error) }, clock::now())?;
                return Err(error);
            }
            if let Some(claimed) = slots.slot(name, slot.scheduled_at)? {
                run.set_slot(&claimed)?;
            }
        }
        let folder = run.folder().to_path_buf();
        log::into(&folder).map_err(|source| Error::Folder { path: folder.clone(), source })?;
        tracing::info!(run = run.id(), pipeline = name, "started");
        let target = job.settings.telemetry.openlineage.clone();
        let lineage = Lineage { target, pipeline: job.pipeline, run_id: run.id().to_owned(), columns: lineage::Columns::new() };
        lineage.tell(Moment::Start, now);
        let (stages, current) = (Vec::new(), Stage::Extract);
        Ok(Self { run, pipeline: name, lineage, folder, stages, work: None, current, started_at: now, progress })
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
            signal = runtime::stop_signal() => Err(Error::Interrupted { signal }),
        }?;
        self.end_stage(stage, started, json!({}))?;
        Ok(result)
    }

    /// Publishing is short and not stopped half-way; what a signal would leave behind a crash may leave too.
    fn publish(&mut self, job: Job<'_>, target: &Target, staged: &Staged, validated: &Validated) -> Result<Ending, Error> {
        let pipeline = job.pipeline;
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
            stays_behind: self.run.publish() == Publish::Behind,
            rows_per_file: pipeline.publish.rows_per_file,
        };
        let snapshot = target.publish(validated, &facts)?;
        let told = json!({"snapshot": snapshot.id, "rows": snapshot.rows, "bytes": snapshot.bytes});
        // From here on the run has published, whatever the ledger can take of it.
        if let Err(unrecorded) = self.end_stage(Stage::Publish, started, told) {
            tracing::error!(error = chain(&unrecorded), "cannot record the publication");
        }
        Ok(if snapshot.behind { Ending::Added(snapshot) } else { Ending::Published(snapshot) })
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
        mut self,
        result: Result<(Staged, Validated, Ending), Error>,
        ledger: &Ledger,
        keep_runs: usize,
    ) -> Result<Finished, Error> {
        let run_id = self.run.id().to_owned();
        remove_spill(&self.folder);
        match result {
            Ok((staged, validated, ending)) => {
                let outcome = outcome(&staged, &validated, &ending, self.work);
                let published = match &ending {
                    Ending::Published(snapshot) | Ending::Added(snapshot) => load::manifest(&snapshot.folder),
                    Ending::NotPublished | Ending::Held(_) => None,
                };
                self.lineage.tell(Moment::Complete(published.as_ref()), clock::now());
                tracing::info!(outcome = ending.name(), "finished");
                // What is published is published: a ledger that cannot say so is put right by the next run.
                if let Err(unrecorded) = self.run.finish(outcome, clock::now()) {
                    tracing::error!(error = chain(&unrecorded), "cannot record the finished run");
                }
                prune(ledger, self.pipeline, keep_runs);
                Ok(Finished { run_id, staged, validated, ending, stages: self.stages, work: self.work })
            }
            Err(error) => {
                tracing::error!(target: log::RECORD, error = chain(&error), "failed");
                self.run.set_may_pass(may_pass(&error));
                let message = chain(&error);
                let moment = if matches!(error, Error::Interrupted { .. }) { Moment::Abort } else { Moment::Fail(&message) };
                self.lineage.tell(moment, clock::now());
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

/// Removes what old runs keep, and slots nobody asks about any more; what stays is no reason for a run to fail.
fn prune(ledger: &Ledger, pipeline: &str, keep_runs: usize) {
    if let Err(error) = ledger.prune(pipeline, keep_runs) {
        tracing::warn!(error = chain(&error), "cannot remove old run folders");
    }
    if let Err(error) = ledger.slots().prune(pipeline) {
        tracing::warn!(error = chain(&error), "cannot remove old slots");
    }
}

fn remove_spill(folder: &Path) {
    if let Err(error) = fs::remove_dir_all(folder.join("spill"))
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "cannot remove the spill folder");
    }
}

impl Ending {
    fn name(&self) -> &'static str {
        match self {
            Self::Published(_) => "published",
            Self::Added(_) => "added behind what readers see",
            Self::NotPublished => "not published",
            Self::Held(_) => "held",
        }
    }
}
