//! `consumer360 serve`: one process that wakes, runs what is due, and shows how things stand.

mod actions;
pub mod child;
mod due;
mod files;
mod left;
mod mirrors;
pub mod slots;
mod ticker;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use console::{Access, App};
use scheduler::{Decision, SlotDecision, SlotRecord, SlotState, clock};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use crate::cli::{Global, ServeOptions};
use crate::exit::{Failure, chain};
use crate::runtime::Signals;
use crate::tell::{self, Teller};
use crate::{commands, log};
use actions::{Ask, Doer, Known, Wish};
use child::{Options, Stop, Task};
pub use due::due_now;
use files::Watched;
use left::{missed, settled};
use slots::{Outcome, Runner};
use ticker::Ticker;

/// A run of a pipeline without a schedule is stopped after this.
const LONGEST: Duration = Duration::from_hours(24);

/// How often it looks for runs that an earlier server left, tells of what was missed, and tries channels again.
const LOOKS: Duration = Duration::from_mins(1);

/// Serves until it is asked to stop.
pub fn command(global: &Global, options: &ServeOptions) -> Result<ExitCode, Failure> {
    log::start(global, false);
    let settings = Arc::new(commands::settings(global)?);
    let found = files::find(&options.pipelines)?;
    if found.is_empty() {
        return Err(Failure::usage("no pipeline file is named, and the folders named hold none"));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|e| Failure::step(&e))?;
    let runner = Runner {
        ledger: Arc::new(commands::ledger(&settings)?),
        options: Options::of(global),
        settings: Arc::clone(&settings),
        places: Arc::new(Semaphore::new(settings.serve.runs_at_once)),
    };
    let listener = std::net::TcpListener::bind(settings.serve.listen)
        .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
        .map_err(|e| Failure::usage(format!("cannot listen on {}: {e}; set `serve: listen`", settings.serve.listen)))?;
    runtime.block_on(async {
        let (asks, asked) = mpsc::unbounded_channel();
        let known = Known::default();
        let doer = Doer { ledger: Arc::clone(&runner.ledger), settings: Arc::clone(&settings), known: Arc::clone(&known), asks };
        mirrors::follow(Arc::clone(&known), runner.settings.state.clone());
        let app = Arc::new(App {
            ledger: Arc::clone(&runner.ledger),
            pipelines: std::sync::RwLock::default(),
            actions: Arc::new(doer),
            access: match &settings.serve.token {
                Some(token) => Access::Token(token.into()),
                None => Access::Loopback,
            },
            behind_https: settings.serve.url.as_deref().is_some_and(|url| url.starts_with("https:")),
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
            left: BTreeSet::new(),
            looked_after: Instant::now(),
            decided: BTreeSet::new(),
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
    /// Files whose slot another process's run still fills, or may, or was left by one that died: they are looked at again.
    left: BTreeSet<PathBuf>,
    /// When it last looked for what nobody else does; a wall clock that is set back would put the next look off by as much.
    looked_after: Instant,
    /// When it decided on slots since it last told of those that were missed.
    decided: BTreeSet<DateTime<Utc>>,
}

type Ends = JoinSet<(String, PathBuf, Outcome)>;

impl Server<'_> {
    async fn serve(&mut self) -> Result<ExitCode, Failure> {
        let mut ticker = Ticker::start().await?;
        let mut ends: Ends = JoinSet::new();
        self.refresh();
        for file in self.watched.keys().cloned().collect::<Vec<_>>() {
            self.recover(&file, &mut ends);
        }
        self.show();
        self.notify_ready();
        let mut signals = Signals::new().map_err(|e| Failure::step(&e))?;
        loop {
            tokio::select! {
                () = ticker.tick() => {
                    notify(&[sd_notify::NotifyState::Watchdog]);
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

    /// Files that changed or have a problem are read again, new ones are taken up, and what is gone is watched no more.
    fn refresh(&mut self) {
        // A folder that cannot be read for a moment, or is not there, still holds what it held.
        let mut files = match files::find(self.named) {
            Ok(files) => files,
            Err(error) => return tracing::error!(error = error.in_words(), "the pipeline files are not looked at again"),
        };
        files.extend(self.watched.keys().filter(|file| files::is_away(file, self.named)).cloned());
        let scheduled = self.scheduled();
        let gone: Vec<PathBuf> = self.watched.keys().filter(|file| !files.contains(file)).cloned().collect();
        for file in gone {
            tracing::info!(file = %file.display(), "the pipeline file is gone; it is watched no more");
            self.watched.remove(&file);
        }
        for file in files {
            if let Some(watched) = self.watched.get_mut(&file) {
                let was_in_force = watched.pipeline().is_some();
                if watched.refresh(self.global) {
                    say(watched);
                    tell_broken(watched);
                }
                // What an earlier server left of it could not be looked at before.
                if !was_in_force && watched.pipeline().is_some() {
                    self.left.insert(file);
                }
            } else {
                let watched = Watched::read(self.global, &file);
                say(&watched);
                self.watched.insert(file, watched);
            }
        }
        let twins = files::part_twins(&mut self.watched);
        for watched in twins.iter().filter_map(|file| self.watched.get(file)) {
            say(watched);
            tell_broken(watched);
        }
        // Else the slots of the time without a schedule would come due once it has one again.
        for name in scheduled.difference(&self.scheduled()) {
            log_error(self.runner.ledger.slots().unwatch(name));
        }
    }

    /// The names of the pipelines that run by a schedule.
    fn scheduled(&self) -> BTreeSet<String> {
        self.watched.values().filter_map(Watched::scheduled).map(|(pipeline, _)| pipeline.name.clone()).collect()
    }

    /// Hands the console what there is to see.
    fn show(&self) {
        let views =
            self.watched.values().map(|watched| view::of(watched, &self.runner.ledger, &self.runner.settings.state)).collect();
        self.app.replace_pipelines(views);
        let by_name = |watched: &Watched| {
            let pipeline = watched.pipeline()?;
            Some((pipeline.name.clone(), (watched.file.clone(), Arc::clone(pipeline))))
        };
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = self.watched.values().filter_map(by_name).collect();
    }

    /// Begins what somebody asked for, unless the pipeline is at it already.
    fn answer(&mut self, ask: Ask, ends: &mut Ends) {
        let Ask { pipeline, what, reply } = ask;
        let found = self.watched.values().find(|watched| watched.pipeline().is_some_and(|p| p.name == pipeline));
        let answer = match found {
            None => Err(format!("no pipeline {pipeline} is served")),
            Some(_) if self.under_way.contains_key(&pipeline) => Err(format!("{pipeline} is running already")),
            Some(watched) => {
                let (stop, asked) = watch::channel(Stop::No);
                let (runner, file, name) = (self.runner.clone(), watched.file.clone(), pipeline.clone());
                let to_run = watched.to_run(&self.runner.settings.state);
                let timeout = watched.scheduled().and_then(|(_, schedule)| schedule.timeout).unwrap_or(LONGEST);
                tracing::info!(pipeline, ?what, "starts, as somebody asked");
                ends.spawn(async move {
                    let task = match &what {
                        Wish::Run => Task::Now,
                        Wish::Retry(run) => Task::Retry { run, supervised: false },
                        Wish::Release(run) => Task::Release(run),
                    };
                    let outcome = slots::whatever_happens(runner.asked(to_run, task, timeout, asked)).await;
                    (name, file, outcome)
                });
                self.under_way.insert(pipeline, UnderWay { stop, next: None });
                Ok(())
            }
        };
        // Whoever asked may have left.
        let _ = reply.send(answer);
    }

    /// What an earlier server left open: its slots run, or are settled. One whose run outlived that server is looked at again
    /// until the run has ended.
    fn recover(&mut self, file: &PathBuf, ends: &mut Ends) {
        let now = self.decide_at();
        let Some((pipeline, schedule)) = self.watched.get(file).and_then(Watched::scheduled) else { return };
        // A slot of its own that waits for its moment or its next attempt was left by nobody.
        if self.under_way.contains_key(&pipeline.name) {
            return;
        }
        let slots = self.runner.ledger.slots();
        let found = or_log(slots.recover(&pipeline.name, &schedule, now));
        let is_left = |slot: &SlotRecord| slot.state == SlotState::Running;
        let left = slots.open_slots(&pipeline.name).is_ok_and(|open| open.iter().any(is_left));
        if left {
            self.left.insert(file.clone());
        } else {
            self.left.remove(file);
        }
        self.tell_settled(file, &found.settled);
        for slot in found.due {
            self.begin(file, slot, ends);
        }
    }

    /// Tells of slots in place of the server that ran them and is gone.
    fn tell_settled(&self, file: &Path, slots: &[SlotRecord]) {
        let Some((pipeline, settings)) = self.watched.get(file).and_then(Watched::reading) else { return };
        let events = settled(&self.runner.ledger, slots, clock::now());
        if !events.is_empty() {
            let teller = Teller::new(pipeline, settings);
            drop(tokio::task::spawn_blocking(move || teller.tell(&events)));
        }
    }

    /// The moment that what is decided now is known by.
    fn decide_at(&mut self) -> DateTime<Utc> {
        let now = clock::now();
        self.decided.insert(now);
        now
    }

    fn tick(&mut self, ends: &mut Ends) {
        let (now, mut due) = (self.decide_at(), Vec::new());
        let slots = self.runner.ledger.slots();
        for watched in self.watched.values() {
            let Some((pipeline, schedule)) = watched.scheduled() else { continue };
            // What waits behind a run of this server begins when that has ended.
            let is_here = self.under_way.contains_key(&pipeline.name);
            let freed = if is_here { None } else { or_log(slots.freed(&pipeline.name, &schedule, now)) };
            let found = or_log(slots.tick(&pipeline.name, &schedule, now));
            due.extend(freed.into_iter().chain(found).map(|slot| (watched.file.clone(), slot)));
        }
        for (file, slot) in due {
            self.begin(&file, slot, ends);
        }
        self.look_after(ends);
    }

    /// Once a minute: settles what the run of an earlier server came to, or of another one that died, and tells of what was
    /// missed and what could not be told before.
    fn look_after(&mut self, ends: &mut Ends) {
        if self.looked_after.elapsed() < LOOKS {
            return;
        }
        self.looked_after = Instant::now();
        for file in self.left.clone() {
            self.recover(&file, ends);
        }
        self.find_left();
        let now = clock::now();
        let in_force = self.watched.values().filter(|watched| watched.pipeline().is_some());
        let served: Vec<_> = in_force.filter_map(Watched::reading).collect();
        let of_one = |pipeline: &str| missed(&self.runner.ledger, pipeline, &self.decided, now);
        let found: Result<Vec<_>, _> = served.iter().map(|(pipeline, _)| of_one(&pipeline.name)).collect();
        // What cannot be read now is told when it can.
        if found.is_ok() {
            self.decided.clear();
        }
        let mut found = or_log(found).into_iter();
        for (pipeline, settings) in served {
            let events = found.next().unwrap_or_default();
            let teller = Teller::new(pipeline, settings);
            drop(tokio::task::spawn_blocking(move || teller.tell(&events)));
        }
    }

    /// Slots that another server began and left when it died. They are taken up at the next look: by then a server that lives
    /// has settled one whose run had just ended.
    fn find_left(&mut self) {
        let slots = self.runner.ledger.slots();
        let is_left = |watched: &&Watched| watched.scheduled().is_some_and(|(of, _)| or_log(slots.is_left(&of.name)));
        let found: Vec<PathBuf> = self.watched.values().filter(is_left).map(|watched| watched.file.clone()).collect();
        self.left.extend(found);
    }

    /// Begins the slot's run, or what its pipeline says where one is under way.
    fn begin(&mut self, file: &PathBuf, due: SlotDecision, ends: &mut Ends) {
        let slots = self.runner.ledger.slots();
        let decided = if self.under_way.contains_key(&due.pipeline) {
            slots.overlap(&due, true, clock::now())
        } else {
            slots.overlap_with_others(&due, clock::now())
        };
        match decided {
            Ok(Decision::Start) => self.start(file, due, ends),
            Ok(Decision::Skip) => tracing::info!(pipeline = due.pipeline, slot = %due.slot.at, "skipped: a run is under way"),
            Ok(Decision::Queue) => tracing::info!(pipeline = due.pipeline, slot = %due.slot.at, "waits behind the run under way"),
            Ok(Decision::Replace) => {
                if let Some(under_way) = self.under_way.get_mut(&due.pipeline) {
                    let _ = under_way.stop.send(Stop::Replaced);
                    // The run under way may take its time, and another slot may have waited for its end.
                    if let Some(passed_over) = under_way.next.replace(due) {
                        self.runner.replaced(&passed_over);
                    }
                }
            }
            Err(error) => log_error::<()>(Err(error)),
        }
    }

    fn start(&mut self, file: &PathBuf, due: SlotDecision, ends: &mut Ends) {
        let Some(watched) = self.watched.get(file) else { return };
        let Some(pipeline) = watched.pipeline().cloned() else { return };
        let to_run = watched.to_run(&self.runner.settings.state);
        let (stop, asked) = watch::channel(Stop::No);
        let (runner, file, name) = (self.runner.clone(), file.clone(), due.pipeline.clone());
        tracing::info!(pipeline = name, slot = %due.slot.at, local = due.slot.local_text(), "starts");
        self.under_way.insert(name.clone(), UnderWay { stop, next: None });
        ends.spawn(async move {
            let outcome = slots::whatever_happens(runner.slot(to_run, pipeline, due, asked)).await;
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
        let next = if outcome.again.is_some() { replaced } else { replaced.or_else(waiting) };
        // A run of the slot that ended before goes on in another process, which settles nothing.
        if outcome.again.is_some() && outcome.attempts > 1 {
            self.left.insert(file.clone());
        }
        for slot in outcome.again.into_iter().chain(next) {
            self.begin(&file, slot, ends);
        }
        // Every look may have found a run of this server in the way.
        if self.left.contains(&file) {
            self.recover(&file, ends);
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
        tracing::info!(pipelines = self.watched.len(), scheduled = self.scheduled().len(), "serving");
        notify(&[sd_notify::NotifyState::Ready]);
    }
}

/// What cannot be read now is asked for again at the next look.
fn or_log<T: Default>(result: Result<T, scheduler::Error>) -> T {
    result.unwrap_or_else(|error| {
        log_error::<()>(Err(error));
        T::default()
    })
}

fn log_error<T>(result: Result<T, scheduler::Error>) {
    if let Err(error) = result {
        tracing::error!(error = chain(&error), "the ledger cannot be written to");
    }
}

fn say(watched: &Watched) {
    let file = watched.file.display();
    match (watched.problem(), watched.pipeline()) {
        (Some(problem), Some(_)) => tracing::error!(%file, "the file is broken; its last good reading stays in force\n{problem}"),
        (Some(problem), None) => tracing::error!(%file, "the file cannot be used\n{problem}"),
        (None, Some(pipeline)) => {
            let times = pipeline
                .schedule
                .as_ref()
                .map(|schedule| schedule.crons.iter().map(cron::Cron::as_str).collect::<Vec<_>>().join(", "));
            tracing::info!(%file, pipeline = pipeline.name, schedule = times.as_deref().unwrap_or("none"), "read");
        }
        (None, None) => {}
    }
}

/// Tells the people of the last good reading that the file is broken, or that it does not run. That it is mended the next run tells.
fn tell_broken(watched: &Watched) {
    let (Some((pipeline, settings)), Some(problem)) = (watched.reading(), watched.problem()) else { return };
    let of = if watched.pipeline().is_some() { tell::of_broken_file } else { tell::of_twin_file };
    let event = of(&pipeline.name, &watched.file, &problem, clock::now());
    let teller = Teller::new(pipeline, settings);
    drop(tokio::task::spawn_blocking(move || teller.tell(&[event])));
}

fn notify(state: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "no service manager listens");
    }
}
