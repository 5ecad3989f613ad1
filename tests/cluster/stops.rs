//! Runs that end before their time: at a deadline, by a signal, by a lost worker. The workers stop computing for them, keep
//! nothing of theirs on disk, and compute the next run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::sizes::bytes_in;
use super::{Workers, assert_same, begun, ended, environment, published, signal};
use crate::served::until;
use crate::support::{Workspace, published_bytes, root, say};

/// Longer than a run takes that nothing disturbs, on a busy machine as well.
const WITHIN: Duration = Duration::from_mins(10);

/// How long workers may go on with what nobody waits for any more: an operator is left between two batches.
const AT_REST_WITHIN: Duration = Duration::from_secs(10);

/// Hundredths of a second of computing, in a second, that come of being asked whether one lives.
const IDLE: u64 = 20;

/// Order lines of the shop; `LINES=10000000` for more.
fn lines() -> u64 {
    std::env::var("LINES").map_or(200_000, |lines| lines.parse().expect("LINES is a number"))
}

/// The shop and the pipeline that `tests/bench` measures.
fn shop() -> Workspace {
    let space = Workspace::new();
    space.run(&["sample", "--lines", &lines().to_string(), "--seed", "7", "--to", "shop"]).ok();
    let pipeline = fs::read_to_string(root().join("tests/bench/pipeline.yaml")).unwrap();
    space.write("pipelines/shop.yaml", pipeline.replace("to: product", "to: out/shop"));
    space.write("config/default.yaml", "engine: {threads: 2}\n");
    space.write("config/here.yaml", "");
    space
}

/// Workers that spill to a folder of their own.
fn begin_workers(space: &Workspace, number: usize, settings: &str) -> (Workers, PathBuf) {
    let spill = space.path("spill");
    fs::create_dir(&spill).unwrap();
    let environment = vec![("TMPDIR".to_owned(), spill.display().to_string())];
    (Workers::start_at(space, number, settings, environment, "127.0.0.1", None), spill)
}

/// Whether a run builds its first tables, of those whose folders are kept.
fn builds_tables(space: &Workspace) -> bool {
    let runs = fs::read_dir(space.path("state/runs")).into_iter().flatten().flatten();
    let mut tables = runs.flat_map(|run| fs::read_dir(run.path().join("warehouse")).into_iter().flatten().flatten());
    tables.any(|table| table.file_name().to_string_lossy().starts_with("fact_sales"))
}

/// Waits until the first tables of a run are being built, or until it has ended.
fn until_it_builds(space: &Workspace, run: &mut Child) {
    let start = Instant::now();
    while run.try_wait().unwrap().is_none() && !builds_tables(space) {
        assert!(start.elapsed() < WITHIN, "no table was built");
        sleep(Duration::from_millis(5));
    }
}

/// Hundredths of a second that each worker has computed for so far.
fn computed(workers: &Workers) -> Vec<u64> {
    let of_one = |worker: &Child| -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", worker.id())).unwrap();
        // The name before the last bracket may hold anything.
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        assert!(!fields.starts_with('Z'), "a worker has ended");
        fields.split(' ').skip(11).take(2).map(|time| time.parse::<u64>().unwrap()).sum()
    };
    workers.running.iter().map(|(_, worker)| of_one(worker)).collect()
}

fn since(before: &[u64], after: &[u64]) -> Vec<u64> {
    before.iter().zip(after).map(|(before, after)| after - before).collect()
}

/// Workers whose run has just ended soon compute nothing, and nothing of it lies on their disk.
fn assert_at_rest(workers: &Workers, spill: &Path) {
    let start = Instant::now();
    let first = computed(workers);
    loop {
        let before = computed(workers);
        sleep(Duration::from_secs(1));
        let after = computed(workers);
        let (busy, left) = (since(&before, &after), bytes_in(spill));
        if busy.iter().all(|time| *time < IDLE) && left == 0 {
            let more = since(&first, &after);
            say(&format!("at rest after {:.1?}; behind the run's end workers computed {more:?} hundredths", start.elapsed()));
            return;
        }
        assert!(start.elapsed() < AT_REST_WITHIN, "workers compute {busy:?} hundredths in a second, {left} bytes are spilled");
    }
}

/// A worker that computes for a twentieth of a second in three: it answers, and gets nowhere.
struct Slowed {
    is_over: Arc<AtomicBool>,
    turns: Option<JoinHandle<()>>,
}

impl Slowed {
    fn begin(worker: u32) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&is_over);
        // The worker may be gone by then.
        let send = move |name: &str| drop(Command::new("kill").args([name, &worker.to_string()]).status());
        let turns = thread::spawn(move || {
            while !ends.load(Ordering::SeqCst) {
                send("-STOP");
                let start = Instant::now();
                while start.elapsed() < Duration::from_secs(3) && !ends.load(Ordering::SeqCst) {
                    sleep(Duration::from_millis(10));
                }
                send("-CONT");
                sleep(Duration::from_millis(50));
            }
        });
        Self { is_over, turns: Some(turns) }
    }
}

impl Drop for Slowed {
    /// Lets it compute again.
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        let _ = self.turns.take().map(JoinHandle::join);
    }
}

#[test]
fn a_statement_past_its_deadline_ends_the_run_and_the_work_on_the_workers() {
    let space = shop();
    let (workers, spill) = begin_workers(&space, 2, "");
    space.write("config/cluster.yaml", environment(&workers, 2, 2, ", deadline: 1s"));
    let mut run = begun(&space, "shop");
    until_it_builds(&space, &mut run);
    let slowed = Slowed::begin(workers.running[0].1.id());
    let late = ended(run, Duration::from_mins(3));
    drop(slowed);
    assert_at_rest(&workers, &spill);
    assert_eq!(late.code, 1, "{}", late.stderr);
    assert!(late.stderr.contains("the workers were not done after 1 seconds"), "{}", late.stderr);
    assert!(late.stderr.contains("`engine.cluster.deadline` allows more"), "{}", late.stderr);
    assert!(!space.path("out").exists(), "something was published");
}

#[test]
fn a_run_that_is_stopped_ends_its_work_on_the_workers() {
    let space = shop();
    let here = published(&space, "shop", "here", None);
    fs::remove_dir_all(space.path("state")).unwrap();
    // So little that sorts spill at once, but for a floor that operators need.
    let memory = (lines() * 48 / (1 << 20)).max(24);
    let (workers, spill) = begin_workers(&space, 3, &format!("engine: {{memory: {memory}MiB}}\n"));
    space.write("config/cluster.yaml", environment(&workers, 4, 2, ""));
    let mut run = begun(&space, "shop");
    until_it_builds(&space, &mut run);
    // In the midst of a sort, if there is one.
    while run.try_wait().unwrap().is_none() && bytes_in(&spill) == 0 {
        sleep(Duration::from_millis(5));
    }
    let spilled = bytes_in(&spill);
    if run.try_wait().unwrap().is_none() {
        signal(&run, "-INT");
    }
    let stopped = ended(run, Duration::from_secs(30));
    assert_at_rest(&workers, &spill);
    say(&format!("{} lines, workers of {memory} MiB: stopped with {spilled} bytes spilled, exit {}", lines(), stopped.code));
    assert!(matches!(stopped.code, 0 | 130), "exit {}: {}", stopped.code, stopped.stderr);
    assert_same(&here, &published_bytes(&space.path("out/shop")), "after the run that was stopped");

    fs::remove_dir_all(space.path("out")).unwrap();
    let next = ended(begun(&space, "shop"), WITHIN);
    assert_eq!(next.code, 0, "{}", next.stderr);
    assert_same(&here, &published_bytes(&space.path("out/shop")), "after the next run");
    assert_at_rest(&workers, &spill);
}

fn runs(space: &Workspace) -> Vec<Value> {
    let runs = space.run(&["runs", "list", "--output", "json"]).ok().json();
    runs.as_array().unwrap().clone()
}

/// Whether an attempt of it came before.
fn was_taken_up(run: &Value) -> bool {
    !run["earlier_attempts"].as_array().unwrap().is_empty()
}

#[test]
fn retries_of_a_schedule_take_up_a_run_that_lost_a_worker() {
    let space = Workspace::new();
    space.link("data");
    let pipeline = fs::read_to_string(root().join("pipelines/superstore.yaml")).unwrap();
    let options = "schedule: {cron: '* * * * *'}\nretries: {attempts: 9, first_after: 2s, longest_after: 5s}\n";
    space.write("pipelines/superstore.yaml", pipeline + options);
    space.write("config/default.yaml", "engine: {threads: 2}\n");
    space.write("config/here.yaml", "");
    let here = published(&space, "superstore", "here", None);
    fs::remove_dir_all(space.path("state")).unwrap();
    fs::remove_dir_all(space.path("out")).unwrap();

    let mut workers = Workers::start(&space, 2, "", None);
    space.write("config/cluster.yaml", environment(&workers, 2, 2, ""));
    let mut command = space.command(&["run", "pipelines/superstore.yaml", "--slot", "--quiet", "--env", "cluster"]);
    let mut slot = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until_it_builds(&space, &mut slot);
    let port = workers.kill(0);
    until("the run that lost a worker", || runs(&space).iter().any(|run| run["status"] == "failed" || was_taken_up(run)));
    workers.start_on(port);
    let ran = ended(slot, WITHIN);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_same(&here, &published_bytes(&space.path("out/superstore")), "after the retry");

    // The slot before may have come due as well; its run lost nobody.
    let runs = runs(&space);
    let run = runs.iter().find(|run| was_taken_up(run)).unwrap();
    assert_eq!(run["status"], "published", "{run}");
    let first = &run["earlier_attempts"][0];
    assert_eq!((&first["status"], &first["failed_stage"]), (&"failed".into(), &"transform".into()), "{run}");
    assert!(first["message"].as_str().unwrap().contains("a worker was lost"), "{run}");
    let log = fs::read_to_string(space.path("state/runs").join(run["run_id"].as_str().unwrap()).join("log.ndjson")).unwrap();
    assert_eq!(log.matches("\"message\":\"staged\"").count(), 1, "sources were read again:\n{log}");
}
