//! A ledger that was lost or damaged comes back from what lies beside it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::Path;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use cron::Cron;
use scheduler::{Error, Ledger, OnMissed, Outcome, Schedule, Slot, SlotState, Stage};

const DATABASE: &str = "consumer360.db";

fn at(day: u32, hour: u32, minute: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, day, hour, minute, 0).unwrap()
}

fn daily() -> Schedule {
    let mut schedule = Schedule::new(vec![Cron::parse("0 6 * * *").unwrap()], chrono_tz::Europe::Zurich);
    schedule.on_missed = OnMissed::Latest;
    schedule
}

/// A run of the slot that is due, as the program makes one.
fn fill(ledger: &Ledger, now: DateTime<Utc>, end: Option<Outcome>) -> String {
    let due = ledger.slots().is_due("shop", &daily(), now).unwrap().due.pop().unwrap();
    let slot = Slot::scheduled(due.slot.at, chrono_tz::Europe::Zurich, None);
    let mut run = ledger.begin("shop", &slot, now, "0.1.0").unwrap();
    assert!(ledger.slots().claim("shop", due.slot.at, run.id(), now).unwrap());
    run.set_slot(&ledger.slots().slot("shop", due.slot.at).unwrap().unwrap()).unwrap();
    let id = run.id().to_owned();
    match end {
        Some(outcome) => {
            run.finish(outcome, now + TimeDelta::seconds(20)).unwrap();
            let ends = ledger.slots().recover("shop", &daily(), now + TimeDelta::seconds(21)).unwrap().due;
            assert_eq!(ends, []);
        }
        None => drop(run),
    }
    id
}

/// Three slots: one ran, one failed, one ran a minute ago.
fn three_slots(state: &Path) -> Ledger {
    let ledger = Ledger::open(state).unwrap();
    assert_eq!(ledger.slots().tick("shop", &daily(), at(1, 12, 0)).unwrap(), []);
    fill(&ledger, at(2, 4, 0), Some(Outcome::NotPublished));
    fill(&ledger, at(3, 4, 1), Some(Outcome::Failed { stage: Stage::Publish, message: "no space".to_owned() }));
    fill(&ledger, at(4, 4, 0), Some(Outcome::NotPublished));
    // Somebody starts one by hand: it is no slot.
    let by_hand = at(4, 4, 0) + TimeDelta::milliseconds(30_123);
    let slot = Slot::manual(by_hand, chrono_tz::Europe::Zurich, None);
    ledger.begin("shop", &slot, by_hand, "0.1.0").unwrap().finish(Outcome::NotPublished, by_hand).unwrap();
    ledger
}

#[test]
fn slots_that_ran_come_back_and_none_runs_again() {
    let state = tempfile::tempdir().unwrap();
    let ledger = three_slots(state.path());
    let (runs, slots) = (ledger.runs(None, 10).unwrap(), ledger.slots().slots(None, 10).unwrap());
    assert_eq!(slots.iter().map(|slot| slot.state).collect::<Vec<_>>(), [SlotState::Ran, SlotState::Failed, SlotState::Ran]);
    drop(ledger);
    fs::remove_file(state.path().join(DATABASE)).unwrap();

    let (ledger, repaired) = Ledger::repair(state.path(), at(4, 4, 1)).unwrap();
    assert_eq!((repaired.was_lost, &repaired.moved_to, repaired.runs, repaired.slots), (true, &None, 4, 3));
    assert_eq!(ledger.runs(None, 10).unwrap(), runs);
    let back = ledger.slots().slots(None, 10).unwrap();
    for (back, slot) in back.iter().zip(&slots) {
        let told = |slot: &scheduler::SlotRecord| {
            (slot.scheduled_at, slot.local.clone(), slot.state, slot.run_id.clone(), slot.attempts, slot.late_seconds)
        };
        assert_eq!(told(back), told(slot));
    }
    // A minute after its time the slot still counts as on time, and a process started for what is due looks that far back.
    assert_eq!(ledger.slots().is_due("shop", &daily(), at(4, 4, 1)).unwrap().due, []);
    assert_eq!(ledger.slots().tick("shop", &daily(), at(4, 4, 2)).unwrap(), []);
    assert_eq!(ledger.slots().tick("shop", &daily(), at(5, 4, 0)).unwrap().len(), 1);
    drop(ledger);

    let (_, again) = Ledger::repair(state.path(), at(5, 4, 0)).unwrap();
    assert_eq!((again.was_lost, again.runs, again.slots), (false, 0, 0));
}

#[test]
fn a_database_deleted_and_never_repaired_runs_no_slot_again_either() {
    let state = tempfile::tempdir().unwrap();
    drop(three_slots(state.path()));
    fs::remove_file(state.path().join(DATABASE)).unwrap();
    let ledger = Ledger::open(state.path()).unwrap();
    assert_eq!(ledger.slots().is_due("shop", &daily(), at(4, 4, 1)).unwrap().due, []);
    assert_eq!(ledger.slots().slots(None, 10).unwrap().len(), 3);
}

#[test]
fn a_slot_whose_run_died_with_the_database_is_settled_by_the_rules() {
    let state = tempfile::tempdir().unwrap();
    let ledger = three_slots(state.path());
    let dead = fill(&ledger, at(5, 4, 0), None);
    drop(ledger);
    fs::remove_file(state.path().join(DATABASE)).unwrap();
    let (ledger, repaired) = Ledger::repair(state.path(), at(5, 4, 5)).unwrap();
    assert_eq!((repaired.runs, repaired.slots), (5, 4));
    let due = ledger.slots().is_due("shop", &daily(), at(5, 4, 5)).unwrap().due;
    assert_eq!(due.iter().map(|due| (due.slot.at, due.attempts)).collect::<Vec<_>>(), [(at(5, 4, 0), 1)]);
    assert_eq!(ledger.run(&dead).unwrap().unwrap().status.as_str(), "interrupted");
}

#[test]
fn a_damaged_database_is_moved_aside_and_kept() {
    for cut in [false, true] {
        let state = tempfile::tempdir().unwrap();
        let database = state.path().join(DATABASE);
        let runs = three_slots(state.path()).runs(None, 10).unwrap();
        let whole = fs::read(&database).unwrap();
        let damaged = if cut { whole[..9000].to_vec() } else { b"what a disk makes of a database".repeat(99) };
        fs::write(&database, &damaged).unwrap();
        fs::write(state.path().join("consumer360.db-wal"), "").unwrap();
        if !cut {
            let told = Ledger::open(state.path()).unwrap_err().to_string();
            assert!(told.contains("run `consumer360 state repair`"), "{told}");
        }
        let held = std::fs::File::create(state.path().join("locks/shop.lock")).unwrap();
        held.lock().unwrap();
        assert!(Ledger::repair(state.path(), at(9, 0, 0)).unwrap_err().is_locked());
        drop(held);

        let (ledger, repaired) = Ledger::repair(state.path(), at(9, 0, 0)).unwrap();
        let aside = state.path().join("consumer360.db.damaged-20260609T000000Z");
        assert_eq!((&repaired.moved_to, repaired.runs, repaired.slots), (&Some(aside.clone()), 4, 3));
        assert_eq!(fs::read(aside).unwrap(), damaged);
        assert_eq!(ledger.runs(None, 10).unwrap(), runs);
    }
}

#[test]
fn folders_without_a_record_are_told_of() {
    let state = tempfile::tempdir().unwrap();
    drop(three_slots(state.path()));
    let garbage = state.path().join("runs/shop-garbage");
    fs::create_dir(&garbage).unwrap();
    fs::write(garbage.join("run.json"), "{").unwrap();
    let (_, repaired) = Ledger::repair(state.path(), at(9, 0, 0)).unwrap();
    assert!(matches!(repaired.left_out.as_slice(), [Error::NotARecord { .. }]), "{:?}", repaired.left_out);
}

#[test]
fn a_run_that_died_before_its_first_record_leaves_nothing() {
    let state = tempfile::tempdir().unwrap();
    drop(three_slots(state.path()));
    let unborn = ["shop-20260608T040000Z", "shop-20260608T040000Z-2"].map(|id| state.path().join("runs").join(id));
    let others =
        ["shop-20260608T040000Z-3", "shop-b-20260608T040000Z", "shop-notes"].map(|id| state.path().join("runs").join(id));
    for folder in unborn.iter().chain(&others) {
        fs::create_dir(folder).unwrap();
    }
    fs::write(unborn[1].join("run.json.part"), "{").unwrap();
    fs::write(others[0].join("notes.txt"), "mine").unwrap();
    let ledger = Ledger::open(state.path()).unwrap();
    let slot = Slot::manual(at(9, 0, 0), chrono_tz::UTC, None);
    ledger.begin("shop", &slot, at(9, 0, 0), "0.1.0").unwrap().finish(Outcome::NotPublished, at(9, 0, 1)).unwrap();
    assert!(unborn.iter().all(|folder| !folder.exists()));
    assert!(others.iter().all(|folder| folder.exists()), "another pipeline's, and what is not empty");
}

#[test]
fn what_a_dead_run_spilled_goes_with_the_next_run() {
    let state = tempfile::tempdir().unwrap();
    let ledger = three_slots(state.path());
    let dead = fill(&ledger, at(5, 4, 0), None);
    let spill = ledger.folder(&dead).join("spill");
    fs::create_dir(&spill).unwrap();
    ledger.settle_dead_runs("shop").unwrap();
    ledger.prune("shop", 9).unwrap();
    assert!(!spill.exists());
    assert!(ledger.folder(&dead).join("run.json").exists());
}
