//! One run of one pipeline.

mod command;
mod outcome;

use std::fs;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use chrono::{DateTime, Utc};
use config::{Pipeline, Settings};
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use extract::{History, Place, SeenSources, Staged, Work};
use load::{RunFacts, Snapshot, Target};
pub use scheduler::Publish;
use scheduler::{Ledger, RunFilter, RunRecord, Slot, Stage, Status, clock};
use serde_json::{Value, json};
use validate::{Demands, Validated};

use crate::exit::chain;
use crate::lineage::{Lineage, Moment};
use crate::progress::Progress;
use crate::runtime::Signals;
use crate::{handouts, lineage, log, workers};

pub use command::{again, command, overtaken, unseen};
use outcome::{failed, may_pass, outcome};
pub use outcome::{failure, made_by};

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
    #[error("cannot listen for signals")]
    Signals { source: io::Error },
    #[error("the slot of {at} is not due: it was run, or another process runs it")]
    Claimed { at: DateTime<Utc> },
    #[error("the run cannot be published as it was seen: {reason}\n  help: run the pipeline anew; its own figures decide on it")]
    Unseen { reason: String },
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

/// From sources to a published snapshot, on the workers that the settings name.
pub async fn run(job: Job<'_>, ledger: &Ledger, now: DateTime<Utc>, progress: &Progress) -> Result<Finished, Error> {
    let mut run = Recorder::begin(job, ledger, now, progress)?;
    let gathered = tokio::select! {
        gathered = workers::gather(job.settings, &job.pipeline.name, run.run.id(), progress) => gathered.map_err(Error::from),
        signal = run.signals.next() => Err(Error::Interrupted { signal }),
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
    target.is_of(&pipeline.name)?;
    let record = run.folder.clone();
    let slot = *run.run.slot();
    let before = sources_before(ledger, &pipeline.name, &target.withdrawn()?)?;
    let history = history(job, &slot);
    // A clock that was set back makes nothing wrong that the slot's own day allows.
    let today = run.started_at.with_timezone(&pipeline.timezone).date_naive().max(slot.day);
    let place = Place { folder: &record, day: slot.day, today, as_of: slot.as_of, before: &before, history: &history };
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
            reasons => {
                extract::bring_to_disk(&record)?;
                Ending::Held(reasons)
            }
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
async fn stage(session: &SessionContext, job: Job<'_>, place: &Place<'_>, progress: &Progress) -> Result<Staged, Error> {
    let Job { pipeline, settings, .. } = job;
    if let Attempt::Again { release, .. } = job.attempt {
        match extract::reopen(session, pipeline, VERSION, place.folder).await? {
            Ok(staged) => return Ok(staged),
            // Nothing holds back what is released, so it must be what somebody looked at.
            Err(reason) if release => return Err(Error::Unseen { reason }),
            Err(reason) => tracing::info!(reason, "the sources are read again"),
        }
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

/// What the sources gave in the last published run that readers were not led away from: beside a wrong source a mended one would
/// look as if it had lost what is wrong.
pub fn sources_before(ledger: &Ledger, pipeline: &str, withdrawn: &[String]) -> Result<SeenSources, Error> {
    let filter = RunFilter { pipeline: Some(pipeline), status: Some(Status::Published) };
    let is_withdrawn = |run: &RunRecord| run.snapshot.as_ref().is_some_and(|snapshot| withdrawn.contains(snapshot));
    let mut place = 0;
    let last = loop {
        match ledger.page(filter, place, 1)?.pop() {
            Some(run) if is_withdrawn(&run) => place += 1,
            last => break last,
        }
    };
    let Some((run, seen)) = last.and_then(|run| run.facts.get("sources").cloned().map(|seen| (run.run_id, seen))) else {
        return Ok(SeenSources::default());
    };
    Ok(serde_json::from_value(seen).unwrap_or_else(|error| {
        tracing::error!(%error, run, "cannot read what the sources gave in the last published run; contracts hold from this run on");
        SeenSources::default()
    }))
}

/// Why the run is not to be published before somebody looked.
async fn held(
    session: &SessionContext,
    pipeline: &Pipeline,
    target: &Target,
    validated: &Validated,
) -> Result<Vec<String>, Error> {
    // Who is compared with nothing that readers see puts right what leads them, damaged or not.
    let published = match pipeline.hold.revenue_change {
        Some(_) => target.published()?.map(|published| target.snapshot(&published.snapshot)).transpose()?,
        None => None,
    };
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
    signals: Signals,
    started_at: DateTime<Utc>,
    progress: &'a Progress,
}

impl<'a> Recorder<'a> {
    fn begin(job: Job<'a>, ledger: &Ledger, now: DateTime<Utc>, progress: &'a Progress) -> Result<Self, Error> {
        let signals = Signals::new().map_err(|source| Error::Signals { source })?;
        let name = &job.pipeline.name;
        let mut run = match job.attempt {
            Attempt::First { slot, .. } => ledger.begin(name, slot, now, VERSION)?,
            Attempt::Again { run_id, .. } => ledger.begin_again(run_id, now, VERSION)?,
        };
        if let Err(error) = Self::note(&mut run, job, ledger, now) {
            // Left as it is, it would count as running until the next run.
            if let Err(unrecorded) = run.finish(failed(&error, Stage::Extract), clock::now()) {
                tracing::error!(error = chain(&unrecorded), "cannot record what became of the run");
            }
            return Err(error);
        }
        let folder = run.folder().to_path_buf();
        tracing::info!(run = run.id(), pipeline = name, "started");
        let target = job.settings.telemetry.openlineage.clone();
        let lineage = Lineage { target, pipeline: job.pipeline, run_id: run.id().to_owned(), columns: lineage::Columns::new() };
        lineage.tell(Moment::Start, now);
        let (stages, current) = (Vec::new(), Stage::Extract);
        Ok(Self { run, pipeline: name, lineage, folder, stages, work: None, current, signals, started_at: now, progress })
    }

    /// What the record says of a run before its first stage: its file, how it publishes, and the slot that it fills.
    fn note(run: &mut scheduler::Run, job: Job<'_>, ledger: &Ledger, now: DateTime<Utc>) -> Result<(), Error> {
        if let Attempt::First { publish, .. } = job.attempt
            && publish != run.publish()
        {
            run.set_publish(publish)?;
        }
        run.set_file(job.file)?;
        if let Attempt::First { slot, claims: true, .. } = job.attempt {
            let (slots, name) = (ledger.slots(), &job.pipeline.name);
            if !slots.claim(name, slot.scheduled_at, run.id(), now)? {
                return Err(Error::Claimed { at: slot.scheduled_at });
            }
            if let Some(claimed) = slots.slot(name, slot.scheduled_at)? {
                run.set_slot(&claimed)?;
            }
        }
        log::into(run.folder()).map_err(|source| Error::Folder { path: run.folder().to_path_buf(), source })
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
            signal = self.signals.next() => Err(Error::Interrupted { signal }),
        }?;
        self.end_stage(stage, started, json!({}))?;
        Ok(result)
    }

    /// Publishing is short and not stopped half-way; what a signal would leave behind a crash may leave too. One that came before
    /// is heeded.
    fn publish(&mut self, job: Job<'_>, target: &Target, staged: &Staged, validated: &Validated) -> Result<Ending, Error> {
        let pipeline = job.pipeline;
        if let Some(signal) = self.signals.waiting() {
            return Err(Error::Interrupted { signal });
        }
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
                let outcome = outcome(&staged, &validated, &ending, self.work, self.lineage.pipeline);
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
    match ledger.prune(pipeline, keep_runs) {
        Ok(_) => {}
        Err(error) if error.is_locked() => tracing::info!("what old runs left goes with the next run, which has begun"),
        Err(error) => tracing::warn!(error = chain(&error), "cannot remove what old runs left"),
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
