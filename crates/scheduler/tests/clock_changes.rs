//! The slots of a schedule against a walk over every minute of two years.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "both/place.rs"]
mod place;
#[path = "both/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc, Weekday};
use chrono_tz::{America, Asia, Australia, Europe, Tz};
use cron::Cron;
use place::{Kind, on_both};
use scheduler::{DstNote, OnMissed, Schedule, SlotState, SlotTime};

on_both!(a_ledger_runs_every_slot_of_two_years_once, a_ledger_runs_every_quarter_of_an_hour_once);

const ZONES: [Tz; 5] = [Europe::Zurich, America::New_York, Australia::Lord_Howe, Australia::Sydney, Asia::Kolkata];

fn years() -> (DateTime<Utc>, DateTime<Utc>) {
    (Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap(), Utc.with_ymd_and_hms(2028, 1, 1, 0, 0, 0).unwrap())
}

fn schedule(crons: &[&str], zone: Tz) -> Schedule {
    Schedule::new(crons.iter().map(|cron| Cron::parse(cron).unwrap()).collect(), zone)
}

/// Every minute of the two years (the first one left out, as slots come after it) with its wall-clock time.
fn minutes(zone: Tz) -> impl Iterator<Item = (DateTime<Utc>, NaiveDateTime)> {
    let (from, until) = years();
    let count = (until - from).num_minutes();
    (1..=count).map(move |n| {
        let at = from + TimeDelta::minutes(n);
        (at, at.with_timezone(&zone).naive_local())
    })
}

/// What a person who looks at the wall clock every minute would run: at the first minute that shows the wanted time or
/// a later one, if the minute before showed an earlier one, and never twice for one wanted time.
fn naive_fixed(zone: Tz, hour: u32, minute: u32, on: impl Fn(NaiveDateTime) -> bool) -> Vec<DateTime<Utc>> {
    let mut found = BTreeMap::new();
    let mut before = years().0.with_timezone(&zone).naive_local();
    for (at, local) in minutes(zone) {
        let wanted = local.date().and_hms_opt(hour, minute, 0).unwrap();
        if before < wanted && wanted <= local && on(wanted) {
            found.entry(wanted).or_insert(at);
        }
        before = local;
    }
    found.into_values().collect()
}

fn times(slots: &[SlotTime]) -> Vec<DateTime<Utc>> {
    slots.iter().map(|slot| slot.at).collect()
}

fn slots(schedule: &Schedule) -> Vec<SlotTime> {
    let (from, until) = years();
    let slots: Vec<SlotTime> = schedule.slots(from, until).collect();
    for slot in &slots {
        assert_eq!(slot.local, slot.at.with_timezone(&schedule.zone).naive_local());
        assert_eq!(slot.zone, schedule.zone);
    }
    slots
}

#[test]
fn a_weekly_slot_keeps_its_wall_clock_time() {
    for zone in ZONES {
        let slots = slots(&schedule(&["0 6 * * MON"], zone));
        assert_eq!(times(&slots), naive_fixed(zone, 6, 0, |wanted| wanted.weekday() == Weekday::Mon), "{zone}");
        assert_eq!(slots.len(), 104, "{zone}");
        assert!(slots.iter().all(|slot| slot.local.hour() == 6 && slot.dst == DstNote::None));
    }
}

#[test]
fn a_nightly_slot_comes_once_a_day_whatever_the_clocks_do() {
    for (zone, gaps, overlaps) in [(ZONES[0], 2, 2), (ZONES[1], 2, 0), (ZONES[2], 0, 0), (ZONES[3], 2, 2), (ZONES[4], 0, 0)] {
        let slots = slots(&schedule(&["30 2 * * *"], zone));
        assert_eq!(times(&slots), naive_fixed(zone, 2, 30, |_| true), "{zone}");
        assert_eq!(slots.len(), 730, "{zone}");
        let gap = slots.iter().filter(|slot| matches!(slot.dst, DstNote::Gap { .. }));
        let overlap = slots.iter().filter(|slot| slot.dst == DstNote::Overlap { first: true });
        assert_eq!((gap.count(), overlap.count()), (gaps, overlaps), "{zone}");
    }
    let half_hours = [(Australia::Lord_Howe, "15 2 * * *", 2, 15), (Australia::Lord_Howe, "45 1 * * *", 1, 45)];
    for (zone, cron, hour, minute) in half_hours.into_iter().chain([(America::New_York, "30 1 * * *", 1, 30)]) {
        let slots = slots(&schedule(&[cron], zone));
        assert_eq!(times(&slots), naive_fixed(zone, hour, minute, |_| true), "{cron}");
        assert_eq!(slots.iter().filter(|slot| slot.dst != DstNote::None).count(), 2, "{cron}");
    }
}

#[test]
fn an_interval_follows_elapsed_time() {
    for zone in ZONES {
        let quarters = slots(&schedule(&["*/15 * * * *"], zone));
        let naive: Vec<_> = minutes(zone).filter(|(_, local)| local.minute() % 15 == 0).map(|(at, _)| at).collect();
        assert_eq!(times(&quarters), naive, "{zone}");
        assert!(quarters.windows(2).all(|pair| pair[1].at - pair[0].at == TimeDelta::minutes(15)), "{zone}");
        let later = slots(&schedule(&["20 * * * *", "*/15 2 * * *"], zone));
        let naive = minutes(zone).filter(|(_, local)| local.minute() == 20 || local.hour() == 2 && local.minute() % 15 == 0);
        assert_eq!(times(&later), naive.map(|(at, _)| at).collect::<Vec<_>>(), "{zone}");
    }
}

#[test]
fn crons_that_meet_make_one_slot() {
    let zone = Europe::Zurich;
    let slots = slots(&schedule(&["0 2,3 * * *", "0 3 * * *", "30 2 * * *", "0 * 29 3 *"], zone));
    assert!(slots.windows(2).all(|pair| pair[0].at < pair[1].at));
    let (gap_from, gap_until) =
        (Utc.with_ymd_and_hms(2026, 3, 29, 0, 30, 0).unwrap(), Utc.with_ymd_and_hms(2026, 3, 29, 1, 30, 0).unwrap());
    let moved: Vec<_> = slots.iter().filter(|slot| slot.at > gap_from && slot.at <= gap_until).collect();
    assert_eq!(moved.len(), 1, "three crons name 2:00, 2:30 and 3:00, which are one moment: {moved:?}");
    assert!(matches!(moved[0].dst, DstNote::Gap { wanted_local, .. } if wanted_local.hour() == 2));
}

#[test]
fn slots_are_after_the_first_bound_and_up_to_the_second() {
    for zone in [
        Europe::Zurich,
        America::St_Johns,
        America::Santiago,
        America::Asuncion,
        Asia::Beirut,
        "Atlantic/Azores".parse().unwrap(),
    ] {
        let schedule = schedule(&["*/20 * * * *", "50 23 * * *", "0 0 * * *", "10 0 * * *"], zone);
        let (from, until) =
            (Utc.with_ymd_and_hms(2004, 1, 1, 0, 0, 0).unwrap(), Utc.with_ymd_and_hms(2005, 1, 1, 0, 0, 0).unwrap());
        let whole: Vec<_> = schedule.slots(from, until).collect();
        assert!(whole.windows(2).all(|pair| pair[0].at < pair[1].at), "{zone}");
        let mut pieces = Vec::new();
        let mut at = from;
        while at < until {
            let next = (at + TimeDelta::hours(7)).min(until);
            pieces.extend(schedule.slots(at, next));
            at = next;
        }
        assert_eq!(pieces, whole, "{zone}");
        let last = whole[9];
        assert_eq!(schedule.slots(whole[8].at, last.at).collect::<Vec<_>>(), [last]);
        assert_eq!(schedule.slots(last.at, last.at).count() + schedule.slots(last.at, from).count(), 0);
        assert_eq!(schedule.next(from, 10), whole[..10]);
        assert_eq!(schedule.slot_at(last.at), last);
    }
    let leap = schedule(&["0 6 29 2 *"], Europe::Zurich).next(years().0, 2);
    assert_eq!(leap.iter().map(|slot| slot.local.year()).collect::<Vec<_>>(), [2028, 2032]);
}

#[test]
fn jitter_is_fixed_and_within_its_span() {
    let mut schedule = schedule(&["0 * * * *"], Europe::Zurich);
    assert!(schedule.jitter("weekly", years().0).is_zero());
    schedule.start_jitter = Duration::from_mins(10);
    let jitters: Vec<_> = schedule.next(years().0, 1000).iter().map(|slot| schedule.jitter("weekly", slot.at)).collect();
    let again: Vec<_> = schedule.next(years().0, 1000).iter().map(|slot| schedule.jitter("weekly", slot.at)).collect();
    assert_eq!(jitters, again);
    assert!(jitters.iter().all(|jitter| *jitter < schedule.start_jitter));
    let mean = jitters.iter().map(Duration::as_secs).sum::<u64>() / 1000;
    assert!((270..330).contains(&mean), "{mean} s is far from the middle of ten minutes");
    assert_ne!(schedule.jitter("weekly", years().0), schedule.jitter("daily", years().0));
}

/// The moments of a scheduler that looks every minute in the hours around a change of the clocks, and otherwise twice a
/// day, which shows the same and is done in seconds.
fn looks(zone: Tz) -> Vec<DateTime<Utc>> {
    let (from, until) = years();
    let shown = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local() - at.naive_utc();
    let mut looks = Vec::new();
    let mut at = from;
    while at < until {
        let next = at + TimeDelta::hours(12);
        if shown(at - TimeDelta::hours(3)) == shown(next + TimeDelta::hours(3)) {
            looks.push(next);
        } else {
            looks.extend((1..=720).map(|minute| at + TimeDelta::minutes(minute)));
        }
        at = next;
    }
    looks
}

/// Lets the ledger decide on every slot of two years and returns what was to run, on time or by the rule for missed slots.
fn tick_two_years(kind: Kind, schedule: &Schedule) -> Vec<DateTime<Utc>> {
    let place = kind.place();
    let ledger = place.open();
    let slots = ledger.slots();
    assert_eq!(slots.tick("shop", schedule, years().0).unwrap(), []);
    let mut due = Vec::new();
    for now in looks(schedule.zone) {
        due.extend(slots.tick("shop", schedule, now).unwrap().into_iter().map(|decision| decision.slot));
        assert!(due.last().is_none_or(|slot| slot.at <= now));
    }
    let rows = slots.slots(Some("shop"), usize::MAX).unwrap();
    assert!(rows.iter().all(|row| row.state == SlotState::Due));
    let listed = rows.iter().rev().map(|row| (row.scheduled_at, row.local.clone()));
    assert!(listed.eq(due.iter().map(|slot| (slot.at, slot.local_text()))), "a row a slot, newest first");
    times(&due)
}

fn a_ledger_runs_every_slot_of_two_years_once(kind: Kind) {
    std::thread::scope(|scope| {
        for zones in [&ZONES[..2], &ZONES[2..]] {
            scope.spawn(move || {
                for zone in zones {
                    let weekly = schedule(&["0 6 * * MON"], *zone);
                    assert_eq!(
                        tick_two_years(kind, &weekly),
                        naive_fixed(*zone, 6, 0, |at| at.weekday() == Weekday::Mon),
                        "{zone}"
                    );
                    let nightly = schedule(&["30 2 * * *"], *zone);
                    assert_eq!(tick_two_years(kind, &nightly), naive_fixed(*zone, 2, 30, |_| true), "{zone}");
                }
            });
        }
    });
}

fn a_ledger_runs_every_quarter_of_an_hour_once(kind: Kind) {
    // The other zones shift by an hour, as Zurich does; this one by half of one.
    let zones = [Australia::Lord_Howe, Europe::Zurich];
    // Seventy thousand rows take a server a while, and the last zone differs in nothing that it does.
    let zones = if kind == Kind::File { &zones[..] } else { &zones[..1] };
    for zone in zones.iter().copied() {
        let mut quarters = schedule(&["*/15 * * * *"], zone);
        quarters.on_missed = OnMissed::All;
        let naive: Vec<_> = minutes(zone).filter(|(_, local)| local.minute() % 15 == 0).map(|(at, _)| at).collect();
        assert_eq!(tick_two_years(kind, &quarters), naive, "{zone}");
    }
}
