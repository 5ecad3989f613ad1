//! The rules of the slot ledger, one by one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "both/place.rs"]
mod place;
#[path = "both/server.rs"]
mod server;

use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone, Utc};
use cron::Cron;
use place::{Kind, Place, on_both};
use scheduler::{
    Decision, Ledger, OnMissed, OnOverlap, Outcome, Schedule, Slot, SlotDecision, SlotEnd, SlotLedger, SlotState, Stage,
};

use SlotState::{Due, Failed, Missed, Ran, RanLate, Running, Skipped, Waiting};

on_both!(
    a_slot_comes_due_once_and_is_settled,
    missed_slots_run_by_the_rule,
    skip_dates_are_recorded_and_supersede_nothing,
    edits_and_pauses_make_no_surprise_runs,
    edits_of_what_becomes_of_slots_leave_none_without_a_row,
    hosts_whose_crons_differ_get_the_slots_of_their_own,
    a_clock_put_back_repeats_nothing_and_resuming_sets_the_mark,
    overlaps_are_decided_and_recorded,
    a_run_of_another_process_overlaps_as_well,
    a_slot_whose_own_run_is_about_to_claim_it_is_left_to_it,
    missed_slots_that_all_run_wait_for_their_turn,
    a_restart_settles_what_was_left_open,
    a_restart_keeps_to_the_rule_for_missed_slots,
    a_process_started_for_a_slot_runs_what_is_due_and_nothing_else,
    jitter_puts_the_start_off_and_makes_nothing_late,
);

/// 1 June 2026 in UTC, where no clocks change.
fn at(day: u32, hour: u32, minute: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, day, hour, minute, 0).unwrap()
}

fn schedule(cron: &str, on_missed: OnMissed) -> Schedule {
    let mut schedule = Schedule::new(vec![Cron::parse(cron).unwrap()], chrono_tz::UTC);
    schedule.on_missed = on_missed;
    schedule
}

fn open(kind: Kind) -> (Place, Ledger) {
    let place = kind.place();
    let ledger = place.open();
    (place, ledger)
}

/// Which slots are to run: day and hour.
fn hours(decisions: &[SlotDecision]) -> Vec<String> {
    decisions.iter().map(|due| due.slot.at.format("%d %H:%M").to_string()).collect()
}

/// All rows, oldest first.
fn rows(slots: SlotLedger<'_>) -> Vec<(String, SlotState, Option<String>)> {
    let rows = slots.slots(Some("shop"), usize::MAX).unwrap().into_iter().rev();
    rows.map(|row| (row.scheduled_at.format("%d %H:%M").to_string(), row.state, row.reason)).collect()
}

fn states(slots: SlotLedger<'_>) -> Vec<SlotState> {
    rows(slots).into_iter().map(|(_, state, _)| state).collect()
}

fn reason(slots: SlotLedger<'_>, number: usize) -> String {
    rows(slots)[number].2.clone().unwrap_or_default()
}

fn a_slot_comes_due_once_and_is_settled(kind: Kind) {
    let (_state, ledger) = open(kind);
    let slots = ledger.slots();
    let daily = schedule("0 6 * * *", OnMissed::Latest);
    assert_eq!(slots.tick("shop", &daily, at(1, 7, 0)).unwrap(), [], "nothing before watching began is due");
    assert_eq!(slots.tick("shop", &daily, at(2, 5, 59)).unwrap(), []);
    let due = slots.tick("shop", &daily, at(2, 6, 1)).unwrap();
    assert_eq!(hours(&due), ["02 06:00"]);
    assert_eq!((due[0].start_at, due[0].late, due[0].in_turn), (at(2, 6, 1), TimeDelta::minutes(1), false));
    assert_eq!(due[0].slot.slot().day, NaiveDate::from_ymd_opt(2026, 6, 2).unwrap());
    assert_eq!(slots.tick("shop", &daily, at(2, 6, 1)).unwrap(), []);
    assert_eq!(slots.tick("shop", &daily, at(2, 6, 2)).unwrap(), []);

    assert!(slots.claim("shop", at(2, 6, 0), "run-1", at(2, 6, 1)).unwrap());
    assert!(!slots.claim("shop", at(2, 6, 0), "run-2", at(2, 6, 1)).unwrap(), "it is claimed");
    assert!(!slots.claim("shop", at(3, 6, 0), "run-2", at(2, 6, 1)).unwrap(), "it is not due");
    let row = slots.slot("shop", at(2, 6, 0)).unwrap().unwrap();
    assert_eq!((row.state, row.run_id.as_deref(), row.attempts, row.late_seconds), (Running, Some("run-1"), 1, 60));
    assert_eq!(row.local, "2026-06-02 06:00 +00:00 UTC");
    assert!(slots.settle("shop", at(2, 6, 0), SlotEnd::Ran, None, at(2, 6, 9)).unwrap());
    assert!(!slots.settle("shop", at(2, 6, 0), SlotEnd::Failed, None, at(2, 6, 9)).unwrap(), "it is settled");
    assert_eq!(rows(slots), [("02 06:00".to_owned(), Ran, None)]);

    let due = slots.tick("shop", &daily, at(3, 9, 0)).unwrap();
    slots.claim("shop", due[0].slot.at, "run-2", at(3, 9, 0)).unwrap();
    slots.settle("shop", due[0].slot.at, SlotEnd::Ran, None, at(3, 9, 5)).unwrap();
    assert_eq!(rows(slots)[1], ("03 06:00".to_owned(), RanLate, Some("late: nobody ticked for 3 h".to_owned())));
}

fn missed_slots_run_by_the_rule(kind: Kind) {
    for (on_missed, due, expected) in [
        (OnMissed::Latest, vec!["04 00:00"], [Missed, Missed, Missed, Due]),
        (OnMissed::All, vec!["03 00:00", "03 12:00", "04 00:00"], [Missed, Due, Due, Due]),
        (OnMissed::None, vec![], [Missed; 4]),
    ] {
        let (_state, ledger) = open(kind);
        let slots = ledger.slots();
        let mut twice = schedule("0 */12 * * *", on_missed);
        twice.missed_window = Duration::from_hours(30);
        slots.tick("shop", &twice, at(2, 1, 0)).unwrap();
        let decisions = slots.tick("shop", &twice, at(4, 4, 0)).unwrap();
        assert_eq!((hours(&decisions), states(slots)), (due.iter().map(ToString::to_string).collect(), expected.to_vec()));
        assert!(reason(slots, 0).starts_with("too old: 1 d 16 h late"), "{}", reason(slots, 0));
        assert!(decisions.iter().all(|due| due.in_turn == (on_missed == OnMissed::All)));
        // A slot of the moment runs in any case.
        assert_eq!(hours(&slots.tick("shop", &twice, at(4, 12, 2)).unwrap()), ["04 12:00"]);
    }
    let (_state, ledger) = open(kind);
    let slots = ledger.slots();
    let hourly = schedule("0 * * * *", OnMissed::Latest);
    slots.tick("shop", &hourly, at(2, 1, 0)).unwrap();
    assert_eq!(hours(&slots.tick("shop", &hourly, at(2, 3, 1)).unwrap()), ["02 03:00"]);
    assert_eq!(reason(slots, 0), "superseded by the slot of 2026-06-02 03:00 +00:00 UTC");
}

fn skip_dates_are_recorded_and_supersede_nothing(kind: Kind) {
    let (_state, ledger) = open(kind);
    let slots = ledger.slots();
    let mut daily = schedule("0 6 * * *", OnMissed::Latest);
    daily.skip_on.insert(NaiveDate::from_ymd_opt(2026, 6, 3).unwrap());
    daily.missed_window = Duration::from_hours(48);
    slots.tick("shop", &daily, at(1, 7, 0)).unwrap();
    assert_eq!(hours(&slots.tick("shop", &daily, at(3, 8, 0)).unwrap()), ["02 06:00"]);
    assert_eq!(states(slots), [Due, Skipped]);
    assert_eq!(reason(slots, 1), "calendar: 2026-06-03 is a skip date");
}

fn edits_and_pauses_make_no_surprise_runs(kind: Kind) {
    let (_state, ledger) = open(kind);
    let slots = ledger.slots();
    let (daily, hourly) = (schedule("0 6 * * *", OnMissed::All), schedule("0 * * * *", OnMissed::All));
    slots.tick("shop", &daily, at(1, 7, 0)).unwrap();
    assert_eq!(slots.tick("shop", &hourly, at(2, 8, 30)).unwrap(), [], "watching begins anew with the edit");
    assert_eq!(hours(&slots.tick("shop", &hourly, at(2, 9, 0)).unwrap()), ["02 09:00"]);

    slots.pause("shop", Some("stocktaking"), at(2, 9, 1)).unwrap();
    assert_eq!(slots.tick("shop", &hourly, at(2, 10, 0)).unwrap(), []);
    assert_eq!(slots.watch("shop").unwrap().unwrap().paused_at, Some(at(2, 9, 1)));
    assert!(slots.resume("shop", &hourly, at(2, 11, 30)).unwrap());
    assert!(!slots.resume("shop", &hourly, at(2, 11, 30)).unwrap());
    assert_eq!(slots.tick("shop", &hourly, at(2, 11, 31)).unwrap(), []);
    assert_eq!(states(slots), [Skipped; 3]);
    assert!((0..3).all(|number| reason(slots, number) == "paused: stocktaking"));
    assert_eq!(hours(&slots.tick("shop", &hourly, at(2, 12, 0)).unwrap()), ["02 12:00"]);

    slots.unwatch("shop").unwrap();
    assert_eq!(slots.tick("shop", &hourly, at(2, 15, 30)).unwrap(), [], "watching begins anew");
    slots.pause("new", None, at(2, 9, 0)).unwrap();
    assert_eq!(slots.tick("new", &hourly, at(2, 9, 30)).unwrap(), []);
    assert_eq!(slots.tick("new", &hourly, at(2, 10, 0)).unwrap(), [], "paused before it was ever seen");
}

fn edits_of_what_becomes_of_slots_leave_none_without_a_row(kind: Kind) {
    let (_state, ledger) = open(kind);
    let slots = ledger.slots();
    let mut daily = schedule("0 6 * * *", OnMissed::Latest);
    slots.tick("shop", &daily, at(1, 7, 0)).unwrap();
    slots.is_due("once", &daily, at(1, 7, 0)).unwrap();
    // Each edit is made while nobody ticks, and the next tick comes after a slot.
    daily.skip_on.insert(NaiveDate::from_ymd_opt(2026, 6, 3).unwrap());
    assert_eq!(hours(&slots.tick("shop", &daily, at(2, 6, 5)).unwrap()), ["02 06:00"], "a day off is added");
    assert_eq!(hours(&slots.is_due("once", &daily, at(2, 6, 5)).unwrap().due), ["02 06:00"]);
    daily.on_missed = OnMissed::None;
    assert_eq!(slots.tick("shop", &daily, at(4, 9, 0)).unwrap(), []);
    assert_eq!(states(slots), [Due, Skipped, Missed], "by the rules as they are now");
    daily.missed_window = Duration::from_hours(500 * 24);
    assert_eq!(slots.tick("shop", &daily, at(4, 9, 1)).unwrap(), []);
    let window = slots.watch("shop").unwrap().unwrap().missed_window;
    assert_eq!(window, TimeDelta::days(500), "rows are kept as long from now on");

    slots.pause("shop", None, at(4, 10, 0)).unwrap();
    daily.on_missed = OnMissed::All;
    assert!(slots.resume("shop", &daily, at(5, 7, 0)).unwrap());
    assert_eq!(states(slots), [Skipped, Skipped, Missed, Skipped]);
}

fn hosts_whose_crons_differ_get_the_slots_of_their_own(kind: Kind) {
    let (_state, ledger) = open(kind);
    let slots = ledger.slots();
    let [old, new] = ["0 * * * *", "1 * * * *"].map(|cron| schedule(cron, OnMissed::Latest));
    let mut found = [Vec::new(), Vec::new()];
    for second in 0..120 {
        let now = at(2, 0, 59) + TimeDelta::seconds(30 + second);
        for (found, schedule) in found.iter_mut().zip([&old, &new]) {
            found.extend(hours(&slots.tick("shop", schedule, now).unwrap()));
        }
    }
    assert_eq!(found, [["02 01:00"], ["02 01:01"]]);
    let edited = schedule("30 * * * *", OnMissed::All);
    assert_eq!(slots.tick("shop", &edited, at(2, 3, 0)).unwrap(), [], "an edit while nobody ticks makes nothing run");
}

fn a_clock_put_back_repeats_nothing_and_resuming_sets_the_mark(kind: Kind) {
    let (_state, ledger) = open(kind);
    let slots = ledger.slots();
    let hourly = schedule("0 * * * *", OnMissed::All);
    slots.tick("shop", &hourly, at(2, 7, 30)).unwrap();
    assert_eq!(slots.tick("shop", &hourly, at(2, 10, 0)).unwrap().len(), 3);
    assert_eq!(slots.tick("shop", &hourly, at(2, 8, 0)).unwrap(), []);
    assert_eq!(slots.tick("shop", &hourly, at(2, 9, 0)).unwrap(), []);
    // The clock was a week ahead for a moment.
    slots.tick("shop", &hourly, at(9, 10, 30)).unwrap();
    assert_eq!(slots.tick("shop", &hourly, at(2, 11, 0)).unwrap(), []);
    assert_eq!(slots.watch("shop").unwrap().unwrap().watched_until, at(9, 10, 30));
    slots.pause("shop", None, at(2, 11, 1)).unwrap();
    slots.resume("shop", &hourly, at(2, 11, 1)).unwrap();
    assert_eq!(states(slots), [Skipped, Skipped, Skipped, Missed], "paused before they ran, and too old to run at 11:00");
    assert_eq!(hours(&slots.tick("shop", &hourly, at(2, 12, 0)).unwrap()), ["02 12:00"]);
    assert_eq!(slots.watch("shop").unwrap().unwrap().watched_until, at(2, 12, 0));
}

fn overlaps_are_decided_and_recorded(kind: Kind) {
    for (on_overlap, decisions, expected) in [
        (OnOverlap::Skip, [Decision::Skip, Decision::Skip], [Running, Skipped, Skipped]),
        (OnOverlap::Queue, [Decision::Queue, Decision::Queue], [Running, Skipped, Waiting]),
        (OnOverlap::Replace, [Decision::Replace, Decision::Replace], [Running, Due, Due]),
    ] {
        let (_state, ledger) = open(kind);
        let slots = ledger.slots();
        let mut hourly = schedule("0 * * * *", OnMissed::Latest);
        hourly.on_overlap = on_overlap;
        slots.tick("shop", &hourly, at(2, 0, 30)).unwrap();
        let first = slots.tick("shop", &hourly, at(2, 1, 0)).unwrap();
        assert_eq!(slots.overlap(&first[0], false, at(2, 1, 0)).unwrap(), Decision::Start);
        slots.claim("shop", at(2, 1, 0), "run-1", at(2, 1, 0)).unwrap();
        assert_eq!(slots.overlap(&first[0], false, at(2, 1, 0)).unwrap(), Decision::Skip, "it runs by now");
        let later = [2, 3].map(|hour| {
            let due = slots.tick("shop", &hourly, at(2, hour, 0)).unwrap();
            slots.overlap(&due[0], true, at(2, hour, 0)).unwrap()
        });
        assert_eq!((later, states(slots)), (decisions, expected.to_vec()));
        let waiting = slots.next_waiting("shop", &hourly, at(2, 3, 30)).unwrap();
        assert_eq!(waiting.is_some(), on_overlap == OnOverlap::Queue);
        if let Some(waiting) = waiting {
            assert_eq!(waiting.slot.at, at(2, 3, 0));
            assert!(slots.claim("shop", waiting.slot.at, "run-2", at(2, 3, 30)).unwrap());
            assert_eq!(reason(slots, 1), "superseded in the queue by a newer slot");
        }
    }
}

fn a_run_of_another_process_overlaps_as_well(kind: Kind) {
    for (on_overlap, decision, state) in [
        (OnOverlap::Skip, Decision::Skip, Skipped),
        (OnOverlap::Queue, Decision::Queue, Waiting),
        // Nobody but who began it can stop it.
        (OnOverlap::Replace, Decision::Queue, Waiting),
    ] {
        let (_state, ledger) = open(kind);
        let slots = ledger.slots();
        let mut hourly = schedule("0 * * * *", OnMissed::Latest);
        hourly.on_overlap = on_overlap;
        slots.tick("shop", &hourly, at(2, 0, 30)).unwrap();
        let by_hand = ledger.begin("shop", &Slot::manual(at(2, 0, 59), chrono_tz::UTC, None), at(2, 0, 59), "0.1.0").unwrap();
        let due = slots.tick("shop", &hourly, at(2, 1, 0)).unwrap();
        assert!(ledger.is_held("shop").unwrap());
        assert_eq!(slots.overlap_with_others(&due[0], at(2, 1, 0)).unwrap(), decision, "{on_overlap}");
        assert_eq!(rows(slots), [("02 01:00".to_owned(), state, Some(reason(slots, 0)))]);
        assert!(reason(slots, 0).starts_with("overlap: a run "), "{}", reason(slots, 0));
        assert_eq!(slots.freed("shop", &hourly, at(2, 1, 1)).unwrap(), None, "the run goes on");
        by_hand.finish(Outcome::NotPublished, at(2, 1, 2)).unwrap();
        assert!(!ledger.is_held("shop").unwrap());
        let freed = slots.freed("shop", &hourly, at(2, 1, 3)).unwrap();
        assert_eq!(freed.as_ref().map(|due| due.slot.at), (state == Waiting).then(|| at(2, 1, 0)));
        let Some(freed) = freed else { continue };
        assert_eq!(slots.overlap_with_others(&freed, at(2, 1, 3)).unwrap(), Decision::Start);
        slots.tick("shop", &hourly, at(2, 2, 0)).unwrap();
        assert!(slots.claim("shop", at(2, 2, 0), "gone", at(2, 2, 0)).unwrap());
        assert_eq!(slots.freed("shop", &hourly, at(2, 2, 1)).unwrap(), None, "a slot is between two attempts");
    }
}

fn a_slot_whose_own_run_is_about_to_claim_it_is_left_to_it(kind: Kind) {
    let (_state, ledger) = open(kind);
    let slots = ledger.slots();
    let hourly = schedule("0 * * * *", OnMissed::Latest);
    slots.tick("shop", &hourly, at(2, 0, 30)).unwrap();
    let due = slots.tick("shop", &hourly, at(2, 1, 0)).unwrap();
    let run = ledger.begin("shop", &due[0].slot.slot(), at(2, 1, 0), "0.1.0").unwrap();
    assert_eq!(slots.overlap_with_others(&due[0], at(2, 1, 0)).unwrap(), Decision::Skip, "another process is at it");
    assert_eq!(states(slots), [Due], "and the slot is not settled for that");
    assert!(slots.claim("shop", at(2, 1, 0), run.id(), at(2, 1, 0)).unwrap());
    run.finish(Outcome::NotPublished, at(2, 1, 1)).unwrap();
}

fn missed_slots_that_all_run_wait_for_their_turn(kind: Kind) {
    let (_state, ledger) = open(kind);
    let slots = ledger.slots();
    let hourly = schedule("0 * * * *", OnMissed::All);
    slots.tick("shop", &hourly, at(2, 0, 30)).unwrap();
    let due = slots.tick("shop", &hourly, at(2, 4, 30)).unwrap();
    slots.claim("shop", due[0].slot.at, "run-1", at(2, 4, 30)).unwrap();
    for later in &due[1..] {
        assert_eq!(slots.overlap(later, true, at(2, 4, 30)).unwrap(), Decision::Queue, "whatever on_overlap says");
    }
    assert_eq!(states(slots), [Running, Waiting, Waiting, Waiting]);
    assert_eq!(slots.next_waiting("shop", &hourly, at(2, 5, 0)).unwrap().unwrap().slot.at, at(2, 2, 0));
}

fn a_restart_settles_what_was_left_open(kind: Kind) {
    let (state, ledger) = open(kind);
    let hourly = schedule("0 * * * *", OnMissed::All);
    let slots = ledger.slots();
    slots.tick("shop", &hourly, at(2, 0, 30)).unwrap();
    let due = slots.tick("shop", &hourly, at(2, 6, 30)).unwrap();
    let outcomes = [
        Some(Outcome::NotPublished),
        Some(Outcome::CheckFailed { message: "empty".to_owned() }),
        Some(Outcome::Failed { stage: Stage::Publish, message: "full".to_owned() }),
        Some(Outcome::Interrupted),
        None,
    ];
    for (due, outcome) in due.iter().zip(outcomes) {
        let run = ledger.begin("shop", &due.slot.slot(), at(2, 6, 31), "0.1.0").unwrap();
        assert!(slots.claim("shop", due.slot.at, run.id(), at(2, 6, 31)).unwrap());
        if let Some(outcome) = outcome {
            run.finish(outcome, at(2, 6, 32)).unwrap();
        } else {
            let found = slots.recover("shop", &hourly, at(2, 6, 33)).unwrap();
            assert_eq!(found.due, [], "its run is under way");
            let settled: Vec<_> = found.settled.iter().map(|slot| (slot.scheduled_at, slot.state)).collect();
            assert_eq!(settled, [(at(2, 1, 0), RanLate), (at(2, 2, 0), Failed), (at(2, 3, 0), Failed)], "nobody told of them");
            assert_eq!(states(slots), [RanLate, Failed, Failed, Due, Running, Due]);
        }
    }
    drop(ledger);
    let ledger = state.open();
    let slots = ledger.slots();
    let again = slots.recover("shop", &hourly, at(2, 6, 40)).unwrap().due;
    assert_eq!((hours(&again).join(", "), again[0].attempts), ("02 04:00, 02 05:00, 02 06:00".to_owned(), 1));
    assert_eq!(
        ["empty", "full", "late: it did not begin for 2 h 40 min", "its run died; it is run again"],
        [1, 2, 3, 4].map(|number| reason(slots, number)).each_ref().map(String::as_str)
    );
    for attempt in 2..=3 {
        slots.claim("shop", at(2, 5, 0), &format!("gone-{attempt}"), at(2, 6, 41)).unwrap();
        let settled = slots.recover("shop", &hourly, at(2, 6, 42)).unwrap().settled;
        assert_eq!(settled.len(), usize::from(attempt == 3), "{settled:?}");
    }
    assert_eq!(states(slots)[4], Failed);
    assert_eq!(reason(slots, 4), "its run died; it is not run again: 3 runs of it died");
}

#[test]
fn a_slot_is_left_once_its_run_is_over_and_nobody_settles_it() {
    let (_state, ledger) = open(Kind::File);
    let (slots, hourly) = (ledger.slots(), schedule("0 * * * *", OnMissed::Latest));
    let is_left = || slots.is_left("shop").unwrap();
    slots.tick("shop", &hourly, at(2, 0, 30)).unwrap();
    let due = slots.tick("shop", &hourly, at(2, 1, 0)).unwrap();
    assert!(!is_left(), "it did not begin");
    let run = ledger.begin("shop", &due[0].slot.slot(), at(2, 1, 0), "0.1.0").unwrap();
    assert!(slots.claim("shop", at(2, 1, 0), run.id(), at(2, 1, 0)).unwrap());
    assert!(!is_left(), "its run is under way");
    let id = run.id().to_owned();
    drop(run);
    assert!(is_left(), "its run died");
    let mut again = ledger.begin_again(&id, at(2, 1, 1), "0.1.0").unwrap();
    again.set_may_pass(true);
    again.finish(Outcome::Failed { stage: Stage::Extract, message: "away".to_owned() }, at(2, 1, 2)).unwrap();
    assert!(!is_left(), "it may be tried again");
    let again = ledger.begin_again(&id, at(2, 1, 3), "0.1.0").unwrap();
    again.finish(Outcome::NotPublished, at(2, 1, 4)).unwrap();
    assert!(is_left(), "its run ended well");
    assert!(slots.settle("shop", at(2, 1, 0), SlotEnd::Ran, None, at(2, 1, 5)).unwrap());
    assert!(!is_left());
}

fn a_restart_keeps_to_the_rule_for_missed_slots(kind: Kind) {
    for (on_missed, expected) in
        [(OnMissed::Latest, [Failed, Missed, Due]), (OnMissed::All, [Due; 3]), (OnMissed::None, [Failed, Missed, Missed])]
    {
        let (_state, ledger) = open(kind);
        let slots = ledger.slots();
        let hourly = schedule("0 * * * *", on_missed);
        slots.tick("shop", &hourly, at(2, 0, 30)).unwrap();
        for hour in [1, 2, 3] {
            assert_eq!(slots.tick("shop", &hourly, at(2, hour, 0)).unwrap().len(), 1);
        }
        slots.claim("shop", at(2, 1, 0), "gone", at(2, 1, 0)).unwrap();
        let found = slots.recover("shop", &hourly, at(2, 3, 1)).unwrap();
        assert_eq!(found.due.last().unwrap().slot.at, at(2, 3, 0), "on time");
        let later = slots.recover("shop", &hourly, at(2, 3, 30)).unwrap().settled;
        assert_eq!(states(slots), expected, "{on_missed}");
        let settled: Vec<_> = found.settled.iter().chain(&later).map(|slot| slot.state).collect();
        assert_eq!(settled, expected.into_iter().filter(|state| !state.is_open()).collect::<Vec<_>>(), "each is told of once");
    }
}

fn a_process_started_for_a_slot_runs_what_is_due_and_nothing_else(kind: Kind) {
    let (_state, ledger) = open(kind);
    let slots = ledger.slots();
    let daily = schedule("0 6 * * *", OnMissed::Latest);
    let run = |due: &SlotDecision, now| {
        assert!(slots.claim("shop", due.slot.at, "run", now).unwrap());
        slots.settle("shop", due.slot.at, SlotEnd::Ran, None, now).unwrap();
    };
    let first = slots.is_due("shop", &daily, at(2, 6, 1)).unwrap().due;
    assert_eq!(hours(&first), ["02 06:00"], "the first start is for the slot just past");
    assert_eq!(hours(&slots.is_due("shop", &daily, at(2, 6, 2)).unwrap().due), ["02 06:00"], "nobody came to run it");
    run(&first[0], at(2, 6, 2));
    assert_eq!(slots.is_due("shop", &daily, at(2, 6, 2)).unwrap().due, []);
    let edited = schedule("0 6,7 * * *", OnMissed::Latest);
    assert_eq!(slots.is_due("shop", &edited, at(2, 6, 2)).unwrap().due, [], "it ran under the schedule before");
    assert_eq!(hours(&slots.is_due("shop", &edited, at(3, 6, 30)).unwrap().due), ["03 06:00"]);
    let removed = schedule("0 5 * * *", OnMissed::Latest);
    assert_eq!(hours(&slots.is_due("shop", &removed, at(3, 6, 31)).unwrap().due), ["03 06:00"], "it came due before the edit");
}

fn jitter_puts_the_start_off_and_makes_nothing_late(kind: Kind) {
    let (_state, ledger) = open(kind);
    let slots = ledger.slots();
    let mut hourly = schedule("0 * * * *", OnMissed::None);
    hourly.start_jitter = Duration::from_mins(30);
    slots.tick("shop", &hourly, at(2, 0, 30)).unwrap();
    let due = slots.tick("shop", &hourly, at(2, 1, 0)).unwrap();
    let jitter = TimeDelta::from_std(hourly.jitter("shop", at(2, 1, 0))).unwrap();
    assert!(jitter > TimeDelta::minutes(3), "{jitter}");
    assert_eq!(due[0].start_at, at(2, 1, 0) + jitter);
    assert_eq!(slots.recover("shop", &hourly, due[0].start_at).unwrap().due.len(), 1, "it is not late yet");
    slots.claim("shop", at(2, 1, 0), "run", due[0].start_at).unwrap();
    slots.settle("shop", at(2, 1, 0), SlotEnd::Ran, None, at(2, 2, 0)).unwrap();
    assert_eq!(states(slots), [Ran]);
}

#[test]
fn a_database_of_the_first_format_keeps_its_runs_and_learns_slots() {
    let (state, ledger) = open(Kind::File);
    let run = ledger.begin("shop", &Slot::manual(at(2, 6, 0), chrono_tz::UTC, None), at(2, 6, 0), "0.1.0").unwrap();
    run.finish(Outcome::NotPublished, at(2, 6, 1)).unwrap();
    drop(ledger);
    let database = rusqlite::Connection::open(state.state().join("consumer360.db")).unwrap();
    database.execute_batch(FIRST_FORMAT).unwrap();
    drop(database);
    let ledger = state.open();
    assert_eq!((ledger.runs(None, 9).unwrap().len(), ledger.slots().slots(None, 9).unwrap().len()), (1, 0));
}

#[test]
fn what_a_version_before_watched_is_watched_on() {
    let (state, ledger) = open(Kind::File);
    let daily = schedule("0 6 * * *", OnMissed::Latest);
    ledger.slots().tick("shop", &daily, at(1, 7, 0)).unwrap();
    drop(ledger);
    let database = rusqlite::Connection::open(state.state().join("consumer360.db")).unwrap();
    // The hash of `{"0 6 * * *"} UTC {} latest 86400s`.
    let before = "UPDATE consumer360_watch SET schedule_fingerprint = '1b8bbe94f741261f'";
    assert_eq!(database.execute(before, []).unwrap(), 1);
    drop(database);
    let ledger = state.open();
    let slots = ledger.slots();
    assert_eq!(hours(&slots.tick("shop", &daily, at(2, 9, 0)).unwrap()), ["02 06:00"]);
    assert_eq!(slots.watch("shop").unwrap().unwrap().schedule_fingerprint, daily.fingerprint());
    let hourly = schedule("0 * * * *", OnMissed::Latest);
    assert_eq!(slots.tick("shop", &hourly, at(2, 12, 30)).unwrap(), [], "other crons are watched from now on");
}

/// What takes the database back to its first format.
const FIRST_FORMAT: &str = "
    DROP TABLE consumer360_slot; DROP TABLE consumer360_watch; DROP TABLE consumer360_lock;
    DROP INDEX run_by_status; DROP INDEX run_by_pipeline_status; DROP INDEX run_by_epoch;
    ALTER TABLE consumer360_run RENAME TO run; ALTER TABLE run DROP COLUMN epoch;
    PRAGMA user_version = 1;
";
