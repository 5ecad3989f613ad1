//! The ledger as one process sees it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "both/place.rs"]
mod place;
#[path = "both/server.rs"]
mod server;

use std::error::Error as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone, Utc};
use scheduler::{Error, Ledger, Outcome, Run, RunRecord, Slot, Stage, Status};
use serde_json::{Value, json};

use place::{Kind, on_both};

on_both!(
    a_run_is_recorded_step_by_step,
    each_outcome_has_its_status_stage_and_message,
    ids_within_one_second_differ_and_keep_their_order,
    a_run_is_found_by_id_by_beginning_and_as_the_latest,
    a_dropped_run_is_interrupted_by_the_next_begin_and_other_pipelines_are_left_alone,
    a_run_that_died_before_it_reached_the_database_is_settled_by_the_next_begin,
    names_that_would_leave_the_folder_are_refused,
    eight_threads_open_and_write_at_once,
    a_run_is_taken_up_again_in_its_record,
    nothing_is_removed_while_an_old_run_is_taken_up_again,
);

fn monday() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 5, 11, 0, 0).unwrap()
}

fn begin(ledger: &Ledger, pipeline: &str, now: DateTime<Utc>) -> Run {
    ledger.begin(pipeline, &Slot::manual(now, chrono_tz::America::New_York, None), now, "0.1.0").unwrap()
}

fn published(snapshot: &str) -> Outcome {
    let as_of = NaiveDate::from_ymd_opt(2026, 1, 4).unwrap();
    Outcome::Published { snapshot: snapshot.to_owned(), unchanged: false, as_of, facts: json!({"z": 1, "a": 2}) }
}

fn run_json(state: &Path, run_id: &str) -> Value {
    serde_json::from_slice(&fs::read(state.join("runs").join(run_id).join("run.json")).unwrap()).unwrap()
}

fn a_run_is_recorded_step_by_step(kind: Kind) {
    let state = kind.place();
    let ledger = state.open();
    let mut run = begin(&ledger, "weekly", monday() + TimeDelta::nanoseconds(123_456_789));
    let id = run.id().to_owned();
    assert_eq!(id, "weekly-20260105T110000Z");
    assert_eq!(run.folder(), state.state().join("runs").join(&id));

    run.stage_started(Stage::Extract).unwrap();
    let seen = ledger.run(&id).unwrap().unwrap();
    assert_eq!(seen.started_at, monday() + TimeDelta::milliseconds(123));
    assert_eq!((seen.status, seen.stages[0].stage, seen.stages[0].seconds), (Status::Running, Stage::Extract, None));
    run.stage_finished(Stage::Extract, Duration::from_micros(12_400_400), json!({"rows": 9994})).unwrap();
    run.set_as_of(NaiveDate::from_ymd_opt(2026, 1, 3).unwrap()).unwrap();
    run.stage_finished(Stage::Publish, Duration::MAX, Value::Null).unwrap();
    run.finish(published("3f9c"), monday() + TimeDelta::seconds(40)).unwrap();

    let mut truth = run_json(state.state(), &id);
    assert_eq!(serde_json::to_value(ledger.run(&id).unwrap().unwrap()).unwrap(), truth);
    assert_eq!(truth["stages"].as_array().unwrap().len(), 2);
    let extract = truth["stages"][0].as_object_mut().unwrap();
    assert!(extract.remove("started_at").unwrap().as_str().unwrap().ends_with('Z'));
    assert_eq!(Value::from(extract.clone()), json!({"stage": "extract", "seconds": 12.4, "facts": {"rows": 9994}}));
    truth.as_object_mut().unwrap().remove("stages");
    assert!(!truth.as_object_mut().unwrap().remove("host").unwrap().as_str().unwrap().is_empty());
    let expected = json!({
        "run_id": "weekly-20260105T110000Z", "pipeline": "weekly", "version": "0.1.0", "status": "published",
        "day": "2026-01-05", "scheduled_at": "2026-01-05T11:00:00.123Z", "as_of": "2026-01-04",
        "started_at": "2026-01-05T11:00:00.123Z", "finished_at": "2026-01-05T11:00:40.000Z",
        "snapshot": "3f9c", "unchanged": false, "failed_stage": null, "message": null, "may_pass": false, "facts": {"z": 1, "a": 2},
        "file": null, "epoch": 1, "earlier_attempts": [], "slot": null,
    });
    assert_eq!(truth, expected);
    if kind == Kind::File {
        assert_eq!(fs::read(state.state().join("locks/weekly.lock")).unwrap(), b"", "a free lock names nobody");
    }
}

fn each_outcome_has_its_status_stage_and_message(kind: Kind) {
    let state = kind.place();
    let ledger = state.open();
    let message = || "why".to_owned();
    let outcomes = [
        (Outcome::NotPublished, "not_published", None, None),
        (Outcome::CheckFailed { message: message() }, "check_failed", Some(Stage::Validate), Some("why")),
        (Outcome::SourceFailed { message: message() }, "source_failed", Some(Stage::Extract), Some("why")),
        (Outcome::Failed { stage: Stage::Publish, message: message() }, "failed", Some(Stage::Publish), Some("why")),
        (Outcome::Interrupted, "interrupted", Some(Stage::Transform), Some("the run was told to stop")),
        (Outcome::Held { message: message(), facts: json!({"made_by": "1"}) }, "held", None, Some("why")),
        (Outcome::RolledBack { snapshot: "3f9c".to_owned(), message: message() }, "rolled_back", None, Some("why")),
    ];
    for (outcome, status, stage, message) in outcomes {
        let mut run = begin(&ledger, "weekly", monday());
        run.stage_started(Stage::Transform).unwrap();
        run.finish(outcome, monday()).unwrap();
        let record = ledger.runs(Some("weekly"), 1).unwrap().remove(0);
        assert_eq!((record.status.as_str(), record.failed_stage), (status, stage));
        assert_eq!(record.message.as_deref(), message);
        assert_eq!(record.finished_at, Some(monday()));
    }
}

fn ids_within_one_second_differ_and_keep_their_order(kind: Kind) {
    let state = kind.place();
    let ledger = state.open();
    let mut ids: Vec<String> = (0..12)
        .map(|_| {
            let run = begin(&ledger, "weekly", monday());
            let id = run.id().to_owned();
            run.finish(published("s"), monday()).unwrap();
            id
        })
        .collect();
    assert_eq!(ids[0], "weekly-20260105T110000Z");
    assert_eq!(ids[1], "weekly-20260105T110000Z-2");
    assert_eq!(ids[11], "weekly-20260105T110000Z-12");
    ids.reverse();
    let listed: Vec<String> = ledger.runs(None, 100).unwrap().into_iter().map(|run| run.run_id).collect();
    assert_eq!(listed, ids);
    let listed: Vec<String> = ledger.runs(Some("weekly"), 3).unwrap().into_iter().map(|run| run.run_id).collect();
    assert_eq!(listed, ids[..3]);

    ledger.prune("weekly", 0).unwrap();
    assert_eq!(begin(&ledger, "weekly", monday()).id(), "weekly-20260105T110000Z-13", "pruned ids are not given again");
}

fn a_run_is_found_by_id_by_beginning_and_as_the_latest(kind: Kind) {
    let state = kind.place();
    let ledger = state.open();
    assert_eq!(ledger.run("latest").unwrap(), None);
    for (pipeline, days) in [("weekly", 0), ("weekly", 7), ("week_y", 3), ("weekly", 0)] {
        begin(&ledger, pipeline, monday() + TimeDelta::days(days)).finish(Outcome::NotPublished, monday()).unwrap();
    }
    let found = |id: &str| ledger.run(id).unwrap().map(|run| run.run_id);
    assert_eq!(found("weekly-20260105T110000Z").as_deref(), Some("weekly-20260105T110000Z"), "exact before prefix");
    assert_eq!(found("weekly-20260112").as_deref(), Some("weekly-20260112T110000Z"));
    assert_eq!(found("week_").as_deref(), Some("week_y-20260108T110000Z"), "an underscore is no wildcard");
    assert_eq!(found("latest").as_deref(), Some("weekly-20260112T110000Z"));
    assert_eq!((found("monthly"), found(""), found("%")), (None, None, None));
    let ambiguous = ledger.run("weekly-20260105").unwrap_err().to_string();
    assert!(ambiguous.ends_with("weekly-20260105T110000Z, weekly-20260105T110000Z-2"), "{ambiguous}");
}

fn a_dropped_run_is_interrupted_by_the_next_begin_and_other_pipelines_are_left_alone(kind: Kind) {
    let state = kind.place();
    let ledger = state.open();
    let other = begin(&ledger, "daily", monday());
    let mut run = begin(&ledger, "weekly", monday());
    run.stage_started(Stage::Extract).unwrap();
    let id = run.id().to_owned();
    let refusal = state.open();
    let slot = *run.slot();
    assert!(refusal.begin("weekly", &slot, monday(), "0.1.0").unwrap_err().is_locked());
    drop(run);
    assert_eq!(ledger.run(&id).unwrap().unwrap().status, Status::Running);

    begin(&ledger, "weekly", monday()).finish(published("s"), monday()).unwrap();
    let dead = ledger.run(&id).unwrap().unwrap();
    assert_eq!((dead.status, dead.finished_at, dead.failed_stage), (Status::Interrupted, None, Some(Stage::Extract)));
    assert_eq!(run_json(state.state(), &id)["status"], "interrupted");
    assert_eq!(ledger.run(other.id()).unwrap().unwrap().status, Status::Running);
}

#[test]
fn what_the_disk_says_wins_over_the_index() {
    let state = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(state.path()).unwrap();
    let before = state.path().join("before.db");
    let database = state.path().join("consumer360.db");
    let run = begin(&ledger, "weekly", monday());
    let id = run.id().to_owned();
    fs::copy(&database, &before).unwrap();
    run.finish(published("s"), monday()).unwrap();
    drop(ledger);
    // As after a power cut between the record and the row.
    fs::rename(&before, &database).unwrap();

    let ledger = Ledger::open(state.path()).unwrap();
    assert_eq!(ledger.run(&id).unwrap().unwrap().status, Status::Running);
    begin(&ledger, "weekly", monday()).finish(Outcome::NotPublished, monday()).unwrap();
    assert_eq!(ledger.run(&id).unwrap().unwrap().status, Status::Published);
}

#[test]
fn a_lost_database_comes_back_from_the_records() {
    let state = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(state.path()).unwrap();
    for days in 0..4 {
        begin(&ledger, "weekly", monday() + TimeDelta::days(days)).finish(published("s"), monday()).unwrap();
    }
    let before = ledger.runs(None, 10).unwrap();
    drop(ledger);
    fs::remove_file(state.path().join("consumer360.db")).unwrap();
    let runs = state.path().join("runs");
    fs::create_dir(runs.join("no-record")).unwrap();
    fs::create_dir(runs.join("half-written")).unwrap();
    fs::write(runs.join("half-written/run.json.part"), "{\"run_id\": \"half-wr").unwrap();
    fs::create_dir(runs.join("garbage")).unwrap();
    fs::write(runs.join("garbage/run.json"), "{\"run_id\": \"garb").unwrap();
    fs::create_dir(runs.join("copy")).unwrap();
    let copied = fs::read_to_string(runs.join(&before[0].run_id).join("run.json")).unwrap();
    fs::write(runs.join("copy/run.json"), copied.replace("\"published\"", "\"failed\"")).unwrap();
    fs::write(runs.join("notes.txt"), "not a folder").unwrap();

    assert_eq!(Ledger::open(state.path()).unwrap().runs(None, 10).unwrap(), before);
}

fn a_run_that_died_before_it_reached_the_database_is_settled_by_the_next_begin(kind: Kind) {
    let state = kind.place();
    let elsewhere = kind.place();
    let ledger = state.open();
    let run = begin(&elsewhere.open(), "weekly", monday());
    let id = run.id().to_owned();
    fs::rename(run.folder(), ledger.folder(&id)).unwrap();
    assert_eq!(ledger.run(&id).unwrap(), None);

    let next = begin(&ledger, "weekly", monday());
    assert_eq!(next.id(), format!("{id}-2"));
    assert_eq!(ledger.run(&id).unwrap().unwrap().status, Status::Interrupted);
    assert_eq!(run_json(state.state(), &id)["status"], "interrupted");
}

#[test]
fn a_newer_a_damaged_and_an_unopenable_database_are_refused_with_what_to_do() {
    let state = tempfile::tempdir().unwrap();
    let database = state.path().join("consumer360.db");
    drop(Ledger::open(state.path()).unwrap());
    rusqlite::Connection::open(&database).unwrap().pragma_update(None, "user_version", 9).unwrap();
    let newer = Ledger::open(state.path()).unwrap_err();
    assert!(matches!(newer, Error::DatabaseNewer { found: 9, known: 3, .. }));
    assert!(newer.to_string().contains("use the newer program"), "{newer}");

    fs::write(&database, "not a database at all, but long enough to hold a header of a hundred bytes".repeat(20)).unwrap();
    let damaged = Ledger::open(state.path()).unwrap_err();
    assert!(matches!(damaged, Error::DatabaseDamaged { .. }), "{damaged:?}");
    assert!(damaged.to_string().contains("run `consumer360 state repair`"), "{damaged}");
    assert!(!damaged.to_string().contains(&damaged.source().unwrap().to_string()));

    fs::remove_file(&database).unwrap();
    fs::create_dir(&database).unwrap();
    let unopenable = Ledger::open(state.path()).unwrap_err();
    assert!(unopenable.to_string().starts_with("cannot open the database in the ledger `"), "{unopenable}");
}

fn names_that_would_leave_the_folder_are_refused(kind: Kind) {
    let state = kind.place();
    let ledger = state.open();
    let slot = Slot::manual(monday(), chrono_tz::UTC, None);
    for name in ["", ".", "..", "../x", "a/b", "a\\b", "a b", "a\0", ".hidden", "c:d"] {
        let refusal = ledger.begin(name, &slot, monday(), "0.1.0");
        assert!(matches!(refusal, Err(Error::PipelineName { .. })), "{name:?}");
    }
    drop(ledger.begin("Wöchentlich_2.v-1", &slot, monday(), "0.1.0").unwrap());
}

fn eight_threads_open_and_write_at_once(kind: Kind) {
    let state = kind.place();
    std::thread::scope(|scope| {
        for worker in 0..8 {
            let state = &state;
            scope.spawn(move || {
                for _ in 0..5 {
                    let ledger = state.open();
                    let mut run = begin(&ledger, &format!("p{worker}"), monday());
                    run.stage_started(Stage::Extract).unwrap();
                    run.finish(published("s"), monday()).unwrap();
                }
            });
        }
    });
    let records = state.open().runs(None, 100).unwrap();
    assert_eq!(records.len(), 40);
    assert!(records.iter().all(|record| record.status == Status::Published));
}

#[test]
fn one_ledger_may_be_shared_by_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Ledger>();
    shared::<Run>();
}

/// Not a timed test: the figures are printed for who wants to compare them.
#[test]
fn ten_thousand_runs_are_listed_fast() {
    let state = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(state.path()).unwrap();
    let mut run = begin(&ledger, "weekly", monday());
    for stage in [Stage::Extract, Stage::Transform, Stage::Validate, Stage::Publish] {
        run.stage_finished(stage, Duration::from_secs(9), json!({"rows": 9994, "rejected": 3})).unwrap();
    }
    let id = run.id().to_owned();
    run.finish(published("s"), monday()).unwrap();
    let model = ledger.run(&id).unwrap().unwrap();
    for hour in 1..10_000 {
        let started_at = monday() + TimeDelta::hours(hour);
        let run_id = format!("weekly-{}", started_at.format("%Y%m%dT%H%M%SZ"));
        let folder = ledger.folder(&run_id);
        fs::create_dir(&folder).unwrap();
        let record = RunRecord { run_id, started_at, ..model.clone() };
        fs::write(folder.join("run.json"), serde_json::to_vec(&record).unwrap()).unwrap();
    }
    let timed = |what: &str, work: &dyn Fn() -> usize| {
        let start = Instant::now();
        let count = work();
        println!("{what}: {count} in {:?}", start.elapsed());
        count
    };
    timed("open and add", &|| usize::from(Ledger::open(state.path()).is_ok()));
    timed("open again", &|| usize::from(Ledger::open(state.path()).is_ok()));
    assert_eq!(timed("runs of all", &|| ledger.runs(None, 50).unwrap().len()), 50);
    assert_eq!(timed("runs of one", &|| ledger.runs(Some("weekly"), 50).unwrap().len()), 50);
    assert_eq!(timed("run by beginning", &|| usize::from(ledger.run("weekly-20260106T11").unwrap().is_some())), 1);
    assert_eq!(ledger.runs(None, usize::MAX).unwrap().len(), 10_000);
    timed("begin", &|| begin(&ledger, "weekly", monday()).id().len());
}

fn a_run_is_taken_up_again_in_its_record(kind: Kind) {
    let state = kind.place();
    let ledger = state.open();
    let mut run = begin(&ledger, "weekly", monday());
    let id = run.id().to_owned();
    run.stage_started(Stage::Extract).unwrap();
    run.set_may_pass(true);
    run.finish(Outcome::SourceFailed { message: "away".to_owned() }, monday()).unwrap();
    assert!(ledger.run(&id).unwrap().unwrap().may_pass);

    let later = monday() + TimeDelta::minutes(1);
    let again = ledger.begin_again(&id, later, "0.2.0").unwrap();
    assert!(ledger.begin_again(&id, later, "0.2.0").unwrap_err().is_locked());
    assert_eq!((again.id(), again.slot().scheduled_at), (id.as_str(), monday()));
    again.finish(published("3f9c"), later).unwrap();
    let record = ledger.run(&id).unwrap().unwrap();
    assert_eq!((record.status, record.started_at, record.may_pass), (Status::Published, later, false));
    let [first] = record.earlier_attempts.as_slice() else { panic!("{record:?}") };
    assert_eq!((first.status, first.message.as_deref(), first.stages.len()), (Status::SourceFailed, Some("away"), 1));
    let refusal = ledger.begin_again(&id, later, "0.2.0").unwrap_err().to_string();
    assert!(refusal.contains("is published"), "{refusal}");
    assert_eq!(ledger.runs(None, 9).unwrap().len(), 1);
}

fn nothing_is_removed_while_an_old_run_is_taken_up_again(kind: Kind) {
    let state = kind.place();
    let ledger = state.open();
    let ids = [0, 1, 2].map(|week| {
        let run = begin(&ledger, "weekly", monday() + TimeDelta::weeks(week));
        fs::create_dir(run.folder().join("staged")).unwrap();
        let id = run.id().to_owned();
        run.finish(Outcome::Interrupted, monday()).unwrap();
        id
    });
    let again = ledger.begin_again(&ids[0], monday(), "0.1.0").unwrap();
    let refused = state.open().prune("weekly", 0).unwrap_err();
    assert!(refused.is_locked(), "{refused}");
    assert!(ids.iter().all(|id| ledger.folder(id).join("staged").is_dir()));
    again.finish(Outcome::Interrupted, monday()).unwrap();
    assert_eq!(ledger.prune("weekly", 0).unwrap().len(), 3);
    assert_eq!(ledger.holder("weekly").unwrap(), None);
}
