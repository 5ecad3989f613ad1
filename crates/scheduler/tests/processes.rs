//! The ledger between processes. The other process is this very program, started again for one test of it.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "both/place.rs"]
mod place;
#[path = "both/server.rs"]
mod server;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use place::{Kind, Place, on_both};
use scheduler::{Error, Ledger, Outcome, RunRecord, Slot, Stage, Status, clock};

on_both!(
    a_second_process_is_refused_and_told_who_runs,
    a_killed_process_frees_the_lock_and_its_run_is_interrupted,
    whenever_it_is_killed_records_stay_whole_and_the_next_run_begins,
);

const STATE: &str = "SCHEDULER_TEST_STATE";
const URL: &str = "SCHEDULER_TEST_URL";

fn slot() -> Slot {
    Slot::manual(clock::now(), chrono_tz::UTC, None)
}

/// Starts this program again to run the one test `part` on the state folder.
fn start(part: &str, place: &Place) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    if let Some(url) = &place.url {
        command.env(URL, url);
    }
    command
        .args(["--exact", part, "--nocapture"])
        .env(STATE, place.state())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until the other process says that it holds the lock, and returns its run. Its output is returned too: it
/// still has to write there, and would fail if nobody could read it.
fn wait_for_run(child: &mut Child) -> (String, impl BufRead + use<>) {
    let mut output = BufReader::new(child.stdout.take().unwrap());
    loop {
        let mut line = String::new();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "the other process ended without a run");
        if let Some(run_id) = line.trim_end().strip_prefix("holding ") {
            return (run_id.to_owned(), output);
        }
    }
}

/// The ledger that the process which started this one works with; none in an ordinary test run.
fn of_the_starter() -> Option<Ledger> {
    let state = std::env::var(STATE).ok()?;
    Some(place::open(Path::new(&state), std::env::var(URL).ok().as_deref()).unwrap())
}

#[test]
fn hold_until_stdin_closes() {
    let Some(ledger) = of_the_starter() else { return };
    let mut run = ledger.begin("weekly", &slot(), clock::now(), "0.1.0").unwrap();
    run.stage_started(Stage::Transform).unwrap();
    println!("\nholding {}", run.id());
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    run.finish(Outcome::NotPublished, clock::now()).unwrap();
}

#[test]
fn run_without_end() {
    let Some(ledger) = of_the_starter() else { return };
    loop {
        let mut run = ledger.begin("weekly", &slot(), clock::now(), "0.1.0").unwrap();
        run.stage_started(Stage::Extract).unwrap();
        run.stage_finished(Stage::Extract, Duration::from_millis(1), serde_json::json!({"rows": 1})).unwrap();
        run.finish(Outcome::NotPublished, clock::now()).unwrap();
        ledger.prune("weekly", 3).unwrap();
    }
}

fn a_second_process_is_refused_and_told_who_runs(kind: Kind) {
    let state = kind.place();
    let mut child = start("hold_until_stdin_closes", &state);
    let (run_id, _output) = wait_for_run(&mut child);
    let ledger = state.open();

    let refusal = ledger.begin("weekly", &slot(), clock::now(), "0.1.0").unwrap_err();
    let said = refusal.to_string();
    let Error::Locked { pipeline, holder } = refusal else { panic!("{said}") };
    assert_eq!((pipeline.as_str(), holder.pid, &holder.run_id), ("weekly", child.id(), &run_id));
    assert_eq!(holder.since, ledger.run(&run_id).unwrap().unwrap().started_at);
    assert!(said.contains(&format!("run {run_id} (process {} on ", child.id())), "{said}");
    assert_eq!(ledger.run(&run_id).unwrap().unwrap().status, Status::Running, "a refusal marks nothing");
    drop(ledger.begin("daily", &slot(), clock::now(), "0.1.0").unwrap());

    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    assert_eq!(ledger.run(&run_id).unwrap().unwrap().status, Status::NotPublished);
    ledger.begin("weekly", &slot(), clock::now(), "0.1.0").unwrap().finish(Outcome::Interrupted, clock::now()).unwrap();
}

fn a_killed_process_frees_the_lock_and_its_run_is_interrupted(kind: Kind) {
    let state = kind.place();
    let mut child = start("hold_until_stdin_closes", &state);
    let (run_id, _output) = wait_for_run(&mut child);
    let ledger = state.open();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(ledger.run(&run_id).unwrap().unwrap().status, Status::Running);

    let run = ledger.begin("weekly", &slot(), clock::now(), "0.1.0").unwrap();
    let dead = ledger.run(&run_id).unwrap().unwrap();
    assert_eq!((dead.status, dead.failed_stage), (Status::Interrupted, Some(Stage::Transform)));
    assert_eq!(dead.message.as_deref(), Some("the process ended in transform, before the run could finish"));
    run.finish(Outcome::NotPublished, clock::now()).unwrap();
}

fn whenever_it_is_killed_records_stay_whole_and_the_next_run_begins(kind: Kind) {
    let state = kind.place();
    for round in 0_u64..25 {
        let mut child = start("run_without_end", &state);
        // Spread over start-up and some runs; the kill lands anywhere in between.
        std::thread::sleep(Duration::from_millis(20 + round * 13));
        child.kill().unwrap();
        child.wait().unwrap();

        let ledger = state.open();
        ledger.begin("weekly", &slot(), clock::now(), "0.1.0").unwrap().finish(Outcome::NotPublished, clock::now()).unwrap();
        let indexed = ledger.runs(None, usize::MAX).unwrap();
        assert!(indexed.iter().all(|run| run.status != Status::Running), "round {round}");
        for run in &indexed {
            if let Ok(text) = fs::read(ledger.folder(&run.run_id).join("run.json")) {
                assert_eq!(&serde_json::from_slice::<RunRecord>(&text).unwrap(), run, "round {round}");
            }
        }
    }
    let runs = state.open().runs(None, usize::MAX).unwrap();
    let interrupted = runs.iter().filter(|run| run.status == Status::Interrupted).count();
    println!("{} runs, {interrupted} of them interrupted", runs.len());
}
