//! Hosts that do the same at the same time on one PostgreSQL.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "both/place.rs"]
mod place;
#[path = "both/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::sync::{Barrier, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use cron::Cron;
use place::{Kind, Place};
use scheduler::{Decision, Ledger, OnMissed, OnOverlap, Outcome, Schedule, Slot, SlotEnd, SlotState};
use server::Server;

const HOSTS: usize = 20;

fn begin() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 10, 24, 22, 0, 0).unwrap()
}

fn hosts() -> Option<Vec<Place>> {
    Server::of_the_tests()?;
    let first = Kind::Server.place();
    let others: Vec<_> = (1..HOSTS).map(|_| first.another_host()).collect();
    Some(std::iter::once(first).chain(others).collect())
}

#[test]
fn hosts_that_start_at_once_make_the_tables_once() {
    let Some(places) = hosts() else { return };
    let barrier = Barrier::new(HOSTS);
    std::thread::scope(|scope| {
        for place in &places {
            scope.spawn(|| {
                barrier.wait();
                let ledger = place.open();
                assert_eq!(ledger.runs(None, 9).unwrap().len(), 0);
            });
        }
    });
}

/// Pauses of a length that looks random, so that the hosts fall into ever another order.
fn dawdle(host: usize, round: i64) {
    let mixed = (host as u64 * 7919 + round.unsigned_abs() * 104_729).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    std::thread::sleep(Duration::from_micros(mixed % 3000));
}

#[test]
fn of_twenty_hosts_one_runs_each_slot() {
    let Some(places) = hosts() else { return };
    let mut schedule = Schedule::new(vec![Cron::parse("*/5 * * * *").unwrap()], chrono_tz::Europe::Zurich);
    schedule.on_missed = OnMissed::All;
    places[0].open().slots().tick("shop", &schedule, begin()).unwrap();
    let (rounds, ran) = (12, Mutex::new(BTreeMap::<DateTime<Utc>, Vec<usize>>::new()));
    std::thread::scope(|scope| {
        for (host, place) in places.iter().enumerate() {
            let (schedule, ran) = (&schedule, &ran);
            scope.spawn(move || {
                let ledger = place.open();
                for round in 1..=rounds {
                    dawdle(host, round);
                    let now = begin() + TimeDelta::minutes(11 * round);
                    ledger.slots().tick("shop", schedule, now).unwrap();
                    // Whoever comes by tries every slot that is open, its own or not.
                    for open in ledger.slots().open_slots("shop").unwrap() {
                        dawdle(host, open.scheduled_at.timestamp());
                        if ledger.slots().claim("shop", open.scheduled_at, &format!("run-of-{host}"), now).unwrap() {
                            ran.lock().unwrap().entry(open.scheduled_at).or_default().push(host);
                            assert!(ledger.slots().settle("shop", open.scheduled_at, SlotEnd::Ran, None, now).unwrap());
                        }
                    }
                }
            });
        }
    });
    let ran = ran.into_inner().unwrap();
    let until = begin() + TimeDelta::minutes(11 * rounds);
    let expected: Vec<_> = schedule.slots(begin(), until).map(|slot| slot.at).collect();
    assert_eq!(ran.keys().copied().collect::<Vec<_>>(), expected);
    assert!(ran.values().all(|hosts| hosts.len() == 1), "{ran:?}");
    let rows = places[0].open().slots().slots(Some("shop"), usize::MAX).unwrap();
    assert!(rows.len() == expected.len() && rows.iter().all(|row| row.attempts == 1 && !row.state.is_open()));
}

/// A host as `serve` works: it ticks, takes the pipeline's lock, claims, and now and then dies in between.
fn serve(ledger: &Ledger, host: usize, schedule: &Schedule, round: i64, begun: &Mutex<Vec<(DateTime<Utc>, u64)>>) {
    let now = begin() + TimeDelta::minutes(5 * round);
    let mut due = ledger.slots().tick("shop", schedule, now).unwrap();
    due.extend(ledger.slots().recover("shop", schedule, now).unwrap().due);
    for due in due {
        if ledger.slots().overlap(&due, false, now).unwrap() != Decision::Start {
            continue;
        }
        let run = match ledger.begin("shop", &Slot::scheduled(due.slot.at, schedule.zone, None), now, "0.1.0") {
            Err(error) if error.is_locked() => continue,
            begun => begun.unwrap(),
        };
        if ledger.slots().claim("shop", due.slot.at, run.id(), now).unwrap() {
            begun.lock().unwrap().push((due.slot.at, run.epoch()));
            dawdle(host, round);
            // A run in five dies.
            if (host as u64 + run.epoch()).is_multiple_of(5) {
                continue;
            }
            run.finish(Outcome::NotPublished, now).unwrap();
            // A host that looks for dead runs right here finds one that ended, and settles its slot first.
            let first = ledger.slots().settle("shop", due.slot.at, SlotEnd::Ran, None, now).unwrap();
            assert!(first || !ledger.slots().slot("shop", due.slot.at).unwrap().unwrap().state.is_open());
        } else {
            run.finish(Outcome::Interrupted, now).unwrap();
        }
    }
}

#[test]
fn hosts_whose_runs_die_leave_no_slot_behind_and_numbers_only_grow() {
    let Some(places) = hosts() else { return };
    let mut schedule = Schedule::new(vec![Cron::parse("*/5 * * * *").unwrap()], chrono_tz::UTC);
    (schedule.on_missed, schedule.on_overlap) = (OnMissed::All, OnOverlap::Queue);
    places[0].open().slots().tick("shop", &schedule, begin()).unwrap();
    let (rounds, begun) = (10, Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for (host, place) in places.iter().enumerate().take(6) {
            let (schedule, begun) = (&schedule, &begun);
            scope.spawn(move || {
                let ledger = place.open();
                for round in 1..=rounds {
                    dawdle(host, round);
                    serve(&ledger, host, schedule, round, begun);
                }
            });
        }
    });
    // What was left open when all had gone is taken up by one that starts.
    let ledger = places[0].open();
    for _ in 0..4 {
        serve(&ledger, 0, &schedule, rounds, &begun);
    }
    let begun = begun.into_inner().unwrap();
    let mut epochs: Vec<_> = begun.iter().map(|(_, epoch)| *epoch).collect();
    epochs.sort_unstable();
    let all = epochs.len();
    epochs.dedup();
    assert_eq!(epochs.len(), all, "no two holders have one fencing number");
    let rows = ledger.slots().slots(Some("shop"), usize::MAX).unwrap();
    assert_eq!(rows.len(), usize::try_from(rounds).unwrap());
    for row in rows {
        let times = begun.iter().filter(|(at, _)| *at == row.scheduled_at).count();
        assert_eq!(times, row.attempts as usize, "{row:?}");
        assert!(matches!(row.state, SlotState::Ran | SlotState::RanLate | SlotState::Failed), "{row:?}");
    }
}
