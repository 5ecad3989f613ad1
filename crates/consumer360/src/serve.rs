//! `consumer360 serve`: one process that wakes, runs what is due, and shows how things stand.

mod actions;
pub mod child;
mod files;
mod mirrors;
pub mod slots;
mod ticker;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use console::{Access, App};
use scheduler::{Decision, Ledger, SlotDecision, SlotRecord, SlotState, Status, clock};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use crate::cli::{Global, ServeOptions};
use crate::exit::{Failure, chain};
use crate::runtime::Signals;
use crate::schedule::{ahead, of_pipeline};
use crate::tell::{self, Event, Teller};
use crate::{commands, log, runtime};
use actions::{Ask, Doer, Known, Wish};
use child::{Options, Stop, Task};
use files::Watched;
use slots::{Outcome, Runner};
use ticker::Ticker;

/// A run of a pipeline without a schedule is stopped after this.
const LONGEST: Duration = Duration::from_hours(24);

/// How often it looks for runs that an earlier server left, tells of what was missed, and tries channels again.
const LOOKS: TimeDelta = TimeDelta::minutes(1);

/// Missed slots that are told of at once, a pipeline; the ledger has them all.
const MOST_MISSED: usize = 20;

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
            looked_after: clock::now(),
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
    /// Files whose slot an earlier server's run still fills.
    left: BTreeSet<PathBuf>,
    /// When it last looked for what nobody else does.
    looked_after: DateTime<Utc>,
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

    /// Files that changed are read again, new ones are taken up, and what is gone is watched no more.
    fn refresh(&mut self) {
        // A folder that cannot be read for a moment still holds what it held.
        let files = match files::find(self.named) {
            Ok(files) => files,
            Err(error) => return tracing::error!(error = error.in_words(), "the pipeline files are not looked at again"),
        };
        let gone: Vec<PathBuf> = self.watched.keys().filter(|file| !files.contains(file)).cloned().collect();
        for file in gone {
            let Some(watched) = self.watched.remove(&file) else { continue };
            tracing::info!(file = %file.display(), "the pipeline file is gone; it is watched no more");
            if let Some(pipeline) = watched.pipeline() {
                log_error(self.runner.ledger.slots().unwatch(&pipeline.name));
            }
        }
        for file in files {
            if let Some(watched) = self.watched.get_mut(&file) {
                if watched.refresh(self.global) {
                    say(watched);
                    tell_broken(watched);
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
        let slots = self.runner.ledger.slots();
        let found = slots.recover(&pipeline.name, &schedule, now);
        let is_left = |slot: &SlotRecord| slot.state == SlotState::Running;
        let left = slots.open_slots(&pipeline.name).is_ok_and(|open| open.iter().any(is_left));
        if left {
            self.left.insert(file.clone());
        } else {
            self.left.remove(file);
        }
        match found {
            Ok(due) => due.into_iter().for_each(|slot| self.begin(file, slot, ends)),
            Err(error) => log_error::<()>(Err(error)),
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
        for watched in self.watched.values() {
            if let Some((pipeline, schedule)) = watched.scheduled() {
                match self.runner.ledger.slots().tick(&pipeline.name, &schedule, now) {
                    Ok(found) => due.extend(found.into_iter().map(|slot| (watched.file.clone(), slot))),
                    Err(error) => log_error::<()>(Err(error)),
                }
            }
        }
        for (file, slot) in due {
            self.begin(&file, slot, ends);
        }
        self.look_after(ends);
    }

    /// Once a minute: settles what the run of an earlier server came to, and tells of what was missed and what could not be
    /// told before.
    fn look_after(&mut self, ends: &mut Ends) {
        let now = clock::now();
        if now - self.looked_after < LOOKS {
            return;
        }
        self.looked_after = now;
        for file in self.left.clone() {
            self.recover(&file, ends);
        }
        let decided = std::mem::take(&mut self.decided);
        for watched in self.watched.values() {
            let Some((pipeline, settings)) = watched.reading().filter(|_| watched.pipeline().is_some()) else { continue };
            let events = missed(&self.runner.ledger, &pipeline.name, &decided, now);
            let teller = Teller::new(pipeline, settings);
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

/// What is to be told of the slots that this process found to be missed, at one of the moments `decided`. Whoever else shares
/// the ledger sees them as well, and tells of its own.
fn missed(ledger: &Ledger, pipeline: &str, decided: &BTreeSet<DateTime<Utc>>, now: DateTime<Utc>) -> Vec<Event> {
    let slots = ledger.slots().slots(Some(pipeline), MOST_MISSED).unwrap_or_default();
    let is_ours = |slot: &&SlotRecord| slot.state == SlotState::Missed && decided.contains(&slot.decided_at);
    slots.iter().filter(is_ours).map(|slot| tell::of_missed(slot, now)).collect()
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

/// `consumer360 run --slot`: what is due now, and nothing else, for cron, systemd and Kubernetes.
pub fn due_now(global: &Global, file: &Path) -> Result<ExitCode, Failure> {
    log::start(global, false);
    let (pipeline, settings) = commands::load(global, file)?;
    let schedule = of_pipeline(&pipeline).ok_or_else(|| {
        Failure::usage(format!("{} has no `schedule:`, so no slot of it comes due; leave out --slot", file.display()))
    })?;
    let ledger = Arc::new(commands::ledger(&settings)?);
    let now = clock::now();
    let due = ledger.slots().is_due(&pipeline.name, &schedule, now)?;
    Teller::new(&pipeline, &settings).tell(&missed(&ledger, &pipeline.name, &BTreeSet::from([now]), now));
    if due.is_empty() {
        let next = ahead(&ledger, &pipeline, &schedule, file)?;
        return commands::print(&format!("{}: nothing is due{next}\n", pipeline.name));
    }
    let runtime = runtime::small().map_err(|e| Failure::step(&e))?;
    let runner =
        Runner { ledger, options: Options::of(global), settings: Arc::new(settings), places: Arc::new(Semaphore::new(1)) };
    let pipeline = Arc::new(pipeline);
    runtime.block_on(async {
        let mut code = 0;
        let mut text = String::new();
        let (stop, asked) = watch::channel(Stop::No);
        let mut signals = Signals::new().map_err(|e| Failure::step(&e))?;
        for due in due {
            let slot = due.slot.local_text();
            let work = runner.slot(file.to_path_buf(), Arc::clone(&pipeline), due, asked.clone());
            tokio::pin!(work);
            let outcome = tokio::select! {
                outcome = &mut work => outcome,
                signal = signals.next() => {
                    let _ = stop.send(Stop::Shutdown);
                    let run = work.await.record.filter(|run| run.status == Status::Published);
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
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what is not there fails the test")]
mod tests {
    use super::*;

    #[test]
    fn of_those_who_share_a_ledger_the_one_that_decided_on_a_missed_slot_tells_of_it() {
        let state = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(state.path()).unwrap();
        let hourly = scheduler::Schedule::new(vec![cron::Cron::parse("0 * * * *").unwrap()], "UTC".parse().unwrap());
        let at = |minutes| DateTime::<Utc>::UNIX_EPOCH + TimeDelta::minutes(minutes);
        ledger.slots().tick("shop", &hourly, at(30)).unwrap();
        // One process ticks after a sleep, another a minute later, and both tell of what was missed in that time.
        ledger.slots().tick("shop", &hourly, at(210)).unwrap();
        ledger.slots().tick("shop", &hourly, at(211)).unwrap();
        let told = |decided| missed(&ledger, "shop", &BTreeSet::from([decided]), at(212)).len();
        assert_eq!((told(at(210)), told(at(211))), (2, 0));
    }
}
