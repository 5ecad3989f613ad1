//! `consumer360 serve`: one process that wakes, runs what is due, and shows how things stand.

mod actions;
pub mod child;
mod files;
mod mirrors;
pub mod slots;
mod view;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use console::{Access, App};
use scheduler::{Decision, Ledger, SlotDecision, SlotRecord, SlotState, clock};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio_cron_scheduler::{Job, JobScheduler};

use crate::cli::{Global, ServeOptions};
use crate::exit::{Failure, chain};
use crate::schedule::of_pipeline;
use crate::tell::{self, Teller};
use crate::{commands, log, run};
use actions::{Ask, Doer, Known, Wish};
use child::{Options, Stop, Task};
use files::Watched;
use slots::{Outcome, Runner};

/// A run of a pipeline without a schedule is stopped after this.
const LONGEST: Duration = Duration::from_hours(24);

/// How often the server looks whether a slot came due or a file changed.
const TICK: Duration = Duration::from_secs(1);

/// How often it tells of what was missed, and tries channels again.
const TELLS: TimeDelta = TimeDelta::minutes(1);
/// Missed slots that are told of at once, a pipeline; the ledger has them all.
const MOST_MISSED: usize = 20;

/// Serves until it is asked to stop.
pub fn command(global: &Global, options: &ServeOptions) -> Result<ExitCode, Failure> {
    log::start(global, false);
    let settings = commands::settings(global)?;
    let found = files::find(&options.pipelines)?;
    if found.is_empty() {
        return Err(Failure::usage("no pipeline file is named, and the folders named hold none"));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|e| Failure::step(&e))?;
    let runner = Runner {
        ledger: Arc::new(Ledger::open(&settings.state)?),
        options: Options::of(global),
        state: settings.state.clone(),
        places: Arc::new(Semaphore::new(settings.serve.runs_at_once)),
    };
    let listener = std::net::TcpListener::bind(settings.serve.listen)
        .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
        .map_err(|e| Failure::usage(format!("cannot listen on {}: {e}; set `serve: listen`", settings.serve.listen)))?;
    runtime.block_on(async {
        let (asks, asked) = mpsc::unbounded_channel();
        let known = Known::default();
        let doer = Doer { ledger: Arc::clone(&runner.ledger), state: runner.state.clone(), known: Arc::clone(&known), asks };
        mirrors::follow(Arc::clone(&known), runner.state.clone());
        let app = Arc::new(App {
            ledger: Arc::clone(&runner.ledger),
            pipelines: std::sync::RwLock::default(),
            actions: Arc::new(doer),
            access: match &settings.serve.token {
                Some(token) => Access::Token(console::Secret::new(token.expose())),
                None => Access::Loopback,
            },
            behind_https: false,
            now: clock::now,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        });
        let listener = tokio::net::TcpListener::from_std(listener).map_err(|e| Failure::step(&e))?;
        tracing::info!(address = format!("http://{}", settings.serve.listen), "console");
        let pages = tokio::spawn(console::serve(listener, Arc::clone(&app), std::future::pending()));
        let mut server = Server {
            app,
            known,
            asked,
            pages,
            global,
            named: &options.pipelines,
            watched: BTreeMap::new(),
            runner,
            under_way: BTreeMap::new(),
            missed_told: clock::now(),
        };
        server.serve().await
    })
}

/// A run under way.
struct UnderWay {
    stop: watch::Sender<Stop>,
    /// What takes its place when it has ended.
    next: Option<SlotDecision>,
}

struct Server<'a> {
    app: Arc<App>,
    known: Known,
    asked: mpsc::UnboundedReceiver<Ask>,
    /// The console.
    pages: tokio::task::JoinHandle<std::io::Result<()>>,
    global: &'a Global,
    /// Files and folders of the command line.
    named: &'a [PathBuf],
    watched: BTreeMap<PathBuf, Watched>,
    runner: Runner,
    /// By pipeline.
    under_way: BTreeMap<String, UnderWay>,
    /// What was missed up to this moment was told.
    missed_told: DateTime<Utc>,
}

type Ends = JoinSet<(String, PathBuf, Outcome)>;

impl Server<'_> {
    async fn serve(&mut self) -> Result<ExitCode, Failure> {
        let (mut ticks, _ticker) = ticker().await?;
        let mut ends: Ends = JoinSet::new();
        self.refresh();
        self.recover(&mut ends);
        self.show();
        self.notify_ready();
        let mut signals = Signals::new()?;
        loop {
            tokio::select! {
                _ = ticks.recv() => {
                    self.refresh();
                    self.tick(&mut ends);
                    self.show();
                }
                Some(ended) = ends.join_next() => {
                    self.ended(ended, &mut ends);
                    self.show();
                }
                Some(ask) = self.asked.recv() => self.answer(ask, &mut ends),
                ended = &mut self.pages => return Err(Failure::usage(format!("the console ended: {ended:?}"))),
                signal = signals.next() => {
                    tracing::info!(signal, "stopping; runs under way are left at their next safe point");
                    notify(&[sd_notify::NotifyState::Stopping]);
                    return self.stop(&mut ends, &mut signals, signal).await;
                }
            }
        }
    }

    /// Files that changed are read again, new ones are taken up, and what is gone is watched no more.
    fn refresh(&mut self) {
        let files = files::find(self.named).unwrap_or_default();
        let gone: Vec<PathBuf> = self.watched.keys().filter(|file| !files.contains(file)).cloned().collect();
        for file in gone {
            if let Some(pipeline) = self.watched.remove(&file).and_then(|watched| watched.pipeline) {
                tracing::info!(file = %file.display(), "the pipeline file is gone; it is watched no more");
                log_error(self.runner.ledger.slots().unwatch(&pipeline.name));
            }
        }
        for file in files {
            if let Some(watched) = self.watched.get_mut(&file) {
                if watched.refresh(self.global) {
                    say(watched);
                }
            } else {
                let watched = Watched::read(self.global, &file);
                say(&watched);
                self.watched.insert(file, watched);
            }
        }
    }

    /// Hands the console what there is to see.
    fn show(&self) {
        let views = self.watched.values().map(|watched| view::of(watched, &self.runner.ledger, &self.runner.state)).collect();
        self.app.replace_pipelines(views);
        let by_name = |watched: &Watched| {
            let pipeline = watched.pipeline.as_ref()?;
            Some((pipeline.name.clone(), (watched.file.clone(), Arc::clone(pipeline))))
        };
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = self.watched.values().filter_map(by_name).collect();
    }

    /// Begins what somebody asked for, unless the pipeline is at it already.
    fn answer(&mut self, ask: Ask, ends: &mut Ends) {
        let Ask { pipeline, what, reply } = ask;
        let found = self.watched.values().find(|watched| watched.pipeline.as_ref().is_some_and(|p| p.name == pipeline));
        let answer = match found {
            None => Err(format!("no pipeline {pipeline} is served")),
            Some(_) if self.under_way.contains_key(&pipeline) => Err(format!("{pipeline} is running already")),
            Some(watched) => {
                let (stop, asked) = watch::channel(Stop::No);
                let (runner, file, name) = (self.runner.clone(), watched.file.clone(), pipeline.clone());
                let to_run = watched.to_run(&self.runner.state);
                let timeout = watched.scheduled().and_then(|(_, schedule)| schedule.timeout).unwrap_or(LONGEST);
                tracing::info!(pipeline, ?what, "starts, as somebody asked");
                ends.spawn(async move {
                    let task = match &what {
                        Wish::Run => Task::Now,
                        Wish::Retry(run) => Task::Retry(run),
                        Wish::Release(run) => Task::Release(run),
                    };
                    let outcome = runner.asked(to_run, task, timeout, asked).await;
                    (name, file, outcome)
                });
                self.under_way.insert(pipeline, UnderWay { stop, next: None });
                Ok(())
            }
        };
        // Whoever asked may have left.
        let _ = reply.send(answer);
    }

    /// What an earlier server left open.
    fn recover(&mut self, ends: &mut Ends) {
        let mut due = Vec::new();
        for watched in self.watched.values() {
            if let Some((pipeline, schedule)) = watched.scheduled() {
                match self.runner.ledger.slots().recover(&pipeline.name, &schedule, clock::now()) {
                    Ok(found) => due.extend(found.into_iter().map(|slot| (watched.file.clone(), slot))),
                    Err(error) => log_error::<()>(Err(error)),
                }
            }
        }
        for (file, slot) in due {
            self.begin(&file, slot, ends);
        }
    }

    fn tick(&mut self, ends: &mut Ends) {
        let mut due = Vec::new();
        for watched in self.watched.values() {
            if let Some((pipeline, schedule)) = watched.scheduled() {
                match self.runner.ledger.slots().tick(&pipeline.name, &schedule, clock::now()) {
                    Ok(found) => due.extend(found.into_iter().map(|slot| (watched.file.clone(), slot))),
                    Err(error) => log_error::<()>(Err(error)),
                }
            }
        }
        for (file, slot) in due {
            self.begin(&file, slot, ends);
        }
        self.tell_missed();
    }

    /// Tells of the slots that were found missed since the last time, once a minute, and what could not be told before.
    fn tell_missed(&mut self) {
        let now = clock::now();
        if now - self.missed_told < TELLS {
            return;
        }
        let since = std::mem::replace(&mut self.missed_told, now);
        for watched in self.watched.values() {
            let (Some(pipeline), Some(settings)) = (&watched.pipeline, &watched.settings) else { continue };
            let slots = self.runner.ledger.slots().slots(Some(&pipeline.name), MOST_MISSED).unwrap_or_default();
            let is_new = |slot: &&SlotRecord| slot.state == SlotState::Missed && slot.decided_at > since;
            let events: Vec<_> = slots.iter().filter(is_new).map(|slot| tell::of_missed(slot, now)).collect();
            let teller = Teller::new(pipeline, &settings.state);
            drop(tokio::task::spawn_blocking(move || teller.tell(&events)));
        }
    }

    /// Begins the slot's run, or what its pipeline says where one is under way.
    fn begin(&mut self, file: &PathBuf, due: SlotDecision, ends: &mut Ends) {
        let running = self.under_way.contains_key(&due.pipeline);
        match self.runner.ledger.slots().overlap(&due, running, clock::now()) {
            Ok(Decision::Start) => self.start(file, due, ends),
            Ok(Decision::Skip) => tracing::info!(pipeline = due.pipeline, slot = %due.slot.at, "skipped: a run is under way"),
            Ok(Decision::Queue) => tracing::info!(pipeline = due.pipeline, slot = %due.slot.at, "waits behind the run under way"),
            Ok(Decision::Replace) => {
                if let Some(under_way) = self.under_way.get_mut(&due.pipeline) {
                    let _ = under_way.stop.send(Stop::Replaced);
                    under_way.next = Some(due);
                }
            }
            Err(error) => log_error::<()>(Err(error)),
        }
    }

    fn start(&mut self, file: &PathBuf, due: SlotDecision, ends: &mut Ends) {
        let Some(watched) = self.watched.get(file) else { return };
        let Some(pipeline) = watched.pipeline.clone() else { return };
        let to_run = watched.to_run(&self.runner.state);
        let (stop, asked) = watch::channel(Stop::No);
        let (runner, file, name) = (self.runner.clone(), file.clone(), due.pipeline.clone());
        tracing::info!(pipeline = name, slot = %due.slot.at, local = due.slot.local_text(), "starts");
        self.under_way.insert(name.clone(), UnderWay { stop, next: None });
        ends.spawn(async move {
            let outcome = runner.slot(to_run, pipeline, due, asked).await;
            (name, file, outcome)
        });
    }

    fn ended(&mut self, ended: Result<(String, PathBuf, Outcome), tokio::task::JoinError>, ends: &mut Ends) {
        let (pipeline, file, outcome) = match ended {
            Ok(ended) => ended,
            Err(error) => return tracing::error!(%error, "a run was lost sight of"),
        };
        let run = outcome.record.as_ref().map(|record| record.run_id.as_str());
        tracing::info!(pipeline, run, code = outcome.code, attempts = outcome.attempts, "ended");
        let replaced = self.under_way.remove(&pipeline).and_then(|under_way| under_way.next);
        let waiting = || {
            let schedule = self.watched.get(&file)?.scheduled()?.1;
            self.runner.ledger.slots().next_waiting(&pipeline, &schedule, clock::now()).ok()?
        };
        if let Some(next) = replaced.or_else(waiting) {
            self.begin(&file, next, ends);
        }
    }

    /// Lets every run come to a safe point. A second signal waits for none.
    async fn stop(&mut self, ends: &mut Ends, signals: &mut Signals, signal: u8) -> Result<ExitCode, Failure> {
        for under_way in self.under_way.values() {
            let _ = under_way.stop.send(Stop::Shutdown);
        }
        while !ends.is_empty() {
            tokio::select! {
                _ = ends.join_next() => {}
                again = signals.next() => {
                    tracing::warn!(signal = again, "stopping at once");
                    ends.abort_all();
                    return Ok(ExitCode::from(128 + again));
                }
            }
        }
        tracing::info!(signal, "stopped");
        Ok(ExitCode::SUCCESS)
    }

    fn notify_ready(&self) {
        let count = self.watched.values().filter(|watched| watched.scheduled().is_some()).count();
        tracing::info!(pipelines = self.watched.len(), scheduled = count, "serving");
        notify(&[sd_notify::NotifyState::Ready]);
    }
}

fn log_error<T>(result: Result<T, scheduler::Error>) {
    if let Err(error) = result {
        tracing::error!(error = chain(&error), "the ledger cannot be written to");
    }
}

fn say(watched: &Watched) {
    let file = watched.file.display();
    match (&watched.problem, &watched.pipeline) {
        (Some(problem), Some(_)) => tracing::error!(%file, "the file is broken; its last good reading stays in force\n{problem}"),
        (Some(problem), None) => tracing::error!(%file, "the file cannot be used\n{problem}"),
        (None, Some(pipeline)) => {
            let times = pipeline.schedule.as_ref().map(|schedule| schedule.crons.join(", "));
            tracing::info!(%file, pipeline = pipeline.name, schedule = times.as_deref().unwrap_or("none"), "read");
        }
        (None, None) => {}
    }
}

/// The tick. It only wakes the server, which reckons from the ledger what is due: a tick that is late or lost loses no slot.
async fn ticker() -> Result<(mpsc::Receiver<()>, JobScheduler), Failure> {
    let failed = |e: tokio_cron_scheduler::JobSchedulerError| Failure::step(&e);
    let (tick, ticks) = mpsc::channel(1);
    let scheduler = JobScheduler::new().await.map_err(failed)?;
    let job = Job::new_repeated_async(TICK, move |_, _| {
        let tick = tick.clone();
        // One that is not taken yet is enough.
        Box::pin(async move { _ = tick.try_send(()) })
    });
    scheduler.add(job.map_err(failed)?).await.map_err(failed)?;
    scheduler.start().await.map_err(failed)?;
    Ok((ticks, scheduler))
}

fn notify(state: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "no service manager listens");
    }
}

/// SIGINT and SIGTERM, as often as they come.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).map_err(|e| Failure::step(&e));
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    #[cfg(unix)]
    async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => 2,
            _ = self.terminate.recv() => 15,
        }
    }

    #[cfg(not(unix))]
    #[allow(clippy::unnecessary_wraps, reason = "the same signature everywhere")]
    fn new() -> Result<Self, Failure> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn next(&mut self) -> u8 {
        match tokio::signal::ctrl_c().await {
            Ok(()) => 2,
            Err(_) => std::future::pending().await,
        }
    }
}

/// `consumer360 run --slot`: what is due now, and nothing else, for cron, systemd and Kubernetes.
pub fn due_now(global: &Global, file: &Path) -> Result<ExitCode, Failure> {
    log::start(global, false);
    let (pipeline, settings) = commands::load(global, file)?;
    let schedule = of_pipeline(&pipeline).ok_or_else(|| {
        Failure::usage(format!("{} has no `schedule:`, so no slot of it comes due; leave out --slot", file.display()))
    })?;
    let ledger = Arc::new(Ledger::open(&settings.state)?);
    let due = ledger.slots().is_due(&pipeline.name, &schedule, clock::now())?;
    if due.is_empty() {
        let next = schedule.next(clock::now(), 1).first().map(|slot| format!("; the next slot is {}", slot.local_text()));
        return commands::print(&format!("{}: nothing is due{}\n", pipeline.name, next.unwrap_or_default()));
    }
    let runtime = run::small_runtime().map_err(|e| Failure::step(&e))?;
    let runner =
        Runner { ledger, options: Options::of(global), state: settings.state.clone(), places: Arc::new(Semaphore::new(1)) };
    let pipeline = Arc::new(pipeline);
    runtime.block_on(async {
        let mut code = 0;
        let mut text = String::new();
        let (stop, asked) = watch::channel(Stop::No);
        let mut signals = Signals::new()?;
        for due in due {
            let slot = due.slot.local_text();
            let work = runner.slot(file.to_path_buf(), Arc::clone(&pipeline), due, asked.clone());
            tokio::pin!(work);
            let outcome = tokio::select! {
                outcome = &mut work => outcome,
                signal = signals.next() => {
                    let _ = stop.send(Stop::Shutdown);
                    work.await;
                    return Err(Failure::Interrupted { code: 128 + signal });
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
    })
}
