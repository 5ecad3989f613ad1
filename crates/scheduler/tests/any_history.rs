//! The slot ledger through random histories: sleeps, restarts, edits, pauses and clocks that jump. Each history is made
//! from its number, so a failure can be looked at again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "both/place.rs"]
mod place;
#[path = "both/server.rs"]
mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Barrier;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone, Utc};
use chrono_tz::{America, Asia, Australia, Europe, Tz};
use cron::Cron;
use place::{Kind, Place, on_both};
use scheduler::{Ledger, OnMissed, Schedule, SlotDecision, SlotEnd, SlotState};

on_both!(every_history_accounts_for_each_slot_once, two_ledgers_that_tick_at_once_give_each_slot_once,);

const HISTORIES: u64 = 40;
/// On a server, where each step takes its time, a part of them.
const HISTORIES_ON_A_SERVER: u64 = 10;
const STEPS: u32 = 150;
const GRACE: TimeDelta = TimeDelta::minutes(2);

/// A small generator of numbers that look random (`SplitMix64`).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u32) -> u32 {
        u32::try_from(self.next() % u64::from(end)).unwrap()
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(u32::try_from(from.len()).unwrap()) as usize]
    }
}

fn a_schedule(numbers: &mut Numbers, zone: Tz) -> Schedule {
    let crons = ["0 6 * * MON", "30 2 * * *", "*/15 * * * *", "0 */6 * * *", "45 1 * * *", "@daily"];
    let crons = [numbers.pick(&crons), numbers.pick(&crons)].map(|cron| Cron::parse(cron).unwrap());
    let mut schedule = Schedule::new(crons.to_vec(), zone);
    schedule.on_missed = numbers.pick(&[OnMissed::Latest, OnMissed::All, OnMissed::None]);
    schedule.missed_window = Duration::from_mins(numbers.pick(&[0, 90, 24 * 60, 7 * 24 * 60]));
    let days = NaiveDate::from_ymd_opt(2026, 10, 1).unwrap().iter_days().take(60);
    schedule.skip_on = days.filter(|_| numbers.below(12) == 0).collect();
    schedule
}

/// What a history must have come to, told by simple rules beside the ledger.
struct History {
    place: Place,
    ledger: Ledger,
    numbers: Numbers,
    zone: Tz,
    schedule: Schedule,
    now: DateTime<Utc>,
    /// What the ledger last saw: the fingerprint, and up to when it decided. None before the first tick.
    seen: Option<(String, DateTime<Utc>)>,
    paused: bool,
    /// Every slot that must have a row.
    expected: BTreeSet<DateTime<Utc>>,
    /// How often each slot was started.
    started: BTreeMap<DateTime<Utc>, u32>,
    /// Slots that were started and came to their end, or were settled otherwise.
    over: BTreeSet<DateTime<Utc>>,
}

impl History {
    fn new(kind: Kind, number: u64) -> Self {
        let mut numbers = Numbers(number);
        let zone = numbers.pick(&[
            Europe::Zurich,
            America::New_York,
            Australia::Lord_Howe,
            Australia::Sydney,
            Asia::Kolkata,
            America::Santiago,
        ]);
        let schedule = a_schedule(&mut numbers, zone);
        let place = kind.place();
        let ledger = place.open();
        let now = Utc.with_ymd_and_hms(2026, 10, 1, 0, 0, 0).unwrap();
        let (expected, started, over) = (BTreeSet::new(), BTreeMap::new(), BTreeSet::new());
        Self { place, ledger, numbers, zone, schedule, now, seen: None, paused: false, expected, started, over }
    }

    fn step(&mut self) {
        let minutes = match self.numbers.below(20) {
            0..=13 => self.numbers.below(3),
            14..=17 => self.numbers.below(600),
            _ => self.numbers.below(6 * 24 * 60),
        };
        self.now += TimeDelta::minutes(minutes.into()) + TimeDelta::seconds(self.numbers.below(60).into());
        match self.numbers.below(40) {
            0 => self.now -= TimeDelta::minutes(self.numbers.below(3 * 24 * 60).into()),
            1 => self.schedule = a_schedule(&mut self.numbers, self.zone),
            2 | 3 => self.restart(),
            4 => self.pause(),
            5 | 6 => self.resume(),
            7 => {
                self.ledger.slots().unwatch("shop").unwrap();
                self.seen = self.seen.take().map(|(_, until)| (String::new(), until));
            }
            _ => self.tick(),
        }
    }

    /// The slots of the time that this tick, or this end of a pause, must decide on, and those of them that have no row
    /// yet. The two differ only once a clock was put back over slots that ran.
    fn come_due(&mut self) -> (Vec<DateTime<Utc>>, Vec<DateTime<Utc>>) {
        let from = match &self.seen {
            Some((fingerprint, until)) if *fingerprint == self.schedule.fingerprint() => *until,
            _ => {
                self.begin_anew();
                self.now
            }
        };
        self.seen = Some((self.schedule.fingerprint(), from.max(self.now)));
        let slots: Vec<_> = self.schedule.slots(from, self.now).map(|slot| slot.at).collect();
        let fresh = slots.iter().copied().filter(|at| self.expected.insert(*at)).collect();
        (slots, fresh)
    }

    /// What lies ahead of a clock that was put back, and did not run, is forgotten when watching begins.
    fn begin_anew(&mut self) {
        let (now, started) = (self.now, &self.started);
        self.expected.retain(|at| *at <= now || started.contains_key(at));
        self.over.retain(|at| *at <= now || started.contains_key(at));
    }

    fn tick(&mut self) {
        let (slots, fresh) = self.come_due();
        let due = self.ledger.slots().tick("shop", &self.schedule, self.now).unwrap();
        let runnable = |at: &DateTime<Utc>| !self.schedule.skip_on.contains(&at.with_timezone(&self.zone).date_naive());
        let newest = slots.iter().rev().find(|at| runnable(at));
        let window = TimeDelta::from_std(self.schedule.missed_window).unwrap();
        let mut to_run = fresh.clone();
        to_run.retain(|at| {
            let late = self.now - *at;
            let by_rule = match self.schedule.on_missed {
                OnMissed::Latest => newest == Some(at),
                OnMissed::All => true,
                OnMissed::None => false,
            };
            runnable(at) && (late <= GRACE || (late <= window && by_rule))
        });
        if self.paused {
            to_run.clear();
        }
        assert_eq!(due.iter().map(|due| due.slot.at).collect::<Vec<_>>(), to_run);
        self.over.extend(fresh.iter().filter(|at| !to_run.contains(at)));
        for due in &due {
            self.run(due);
        }
    }

    /// Runs a slot, or dies before or after it begins.
    fn run(&mut self, due: &SlotDecision) {
        let (slots, at) = (self.ledger.slots(), due.slot.at);
        assert!(!self.over.contains(&at), "{at} is over and came due again");
        assert_eq!(self.started.get(&at).copied().unwrap_or(0), due.attempts);
        let dies = self.numbers.below(10);
        if dies == 0 {
            return;
        }
        assert!(slots.claim("shop", at, "a-run-without-a-record", self.now).unwrap());
        *self.started.entry(at).or_default() += 1;
        if dies > 1 {
            let end = self.numbers.pick(&[SlotEnd::Ran, SlotEnd::Failed]);
            assert!(slots.settle("shop", at, end, None, self.now).unwrap());
            self.over.insert(at);
        }
    }

    fn restart(&mut self) {
        self.ledger = self.place.open();
        let due = self.ledger.slots().recover("shop", &self.schedule, self.now).unwrap().due;
        let open: Vec<_> = self.ledger.slots().open_slots("shop").unwrap();
        assert!(open.iter().map(|row| row.scheduled_at).eq(due.iter().map(|due| due.slot.at)), "what is open is to run");
        assert!(!self.paused || due.is_empty(), "a paused pipeline runs nothing");
        self.over.extend(self.expected.iter().filter(|at| due.iter().all(|due| due.slot.at != **at)));
        for due in &due {
            self.run(due);
        }
    }

    fn pause(&mut self) {
        self.ledger.slots().pause("shop", None, self.now).unwrap();
        self.paused = true;
        if self.seen.is_none() {
            self.seen = Some((String::new(), self.now));
        }
    }

    fn resume(&mut self) {
        assert_eq!(self.ledger.slots().resume("shop", &self.schedule, self.now).unwrap(), self.paused);
        if self.paused {
            let (_, fresh) = self.come_due();
            self.over.extend(fresh);
            self.begin_anew();
            self.seen = Some((self.schedule.fingerprint(), self.now));
            self.paused = false;
        }
    }

    fn check(&self) {
        let rows = self.ledger.slots().slots(Some("shop"), usize::MAX).unwrap();
        let listed: BTreeSet<_> = rows.iter().map(|row| row.scheduled_at).collect();
        assert_eq!((listed.len(), &listed), (rows.len(), &self.expected), "a row a slot, and no other");
        for row in rows {
            let started = self.started.get(&row.scheduled_at).copied().unwrap_or(0);
            assert_eq!(row.attempts, started);
            assert!(started <= 3, "{row:?}");
            let ran = matches!(row.state, SlotState::Ran | SlotState::RanLate | SlotState::Failed | SlotState::Running);
            assert!(!ran || started > 0, "{row:?}");
            assert!(!self.over.contains(&row.scheduled_at) || !row.state.is_open(), "{row:?}");
        }
    }
}

fn every_history_accounts_for_each_slot_once(kind: Kind) {
    let histories = if kind == Kind::File { HISTORIES } else { HISTORIES_ON_A_SERVER };
    let halves = [0, histories / 2].map(|first| first..first + histories / 2);
    std::thread::scope(|scope| {
        for half in halves {
            scope.spawn(move || {
                for number in half {
                    let mut history = History::new(kind, number);
                    for step in 0..STEPS {
                        // Seen only when the test fails.
                        println!("history {number}, step {step}, at {}", history.now);
                        history.step();
                        if step % 15 == 14 {
                            history.check();
                        }
                    }
                }
            });
        }
    });
}

fn two_ledgers_that_tick_at_once_give_each_slot_once(kind: Kind) {
    let place = kind.place();
    let mut schedule = Schedule::new(vec![Cron::parse("*/5 * * * *").unwrap()], Europe::Zurich);
    schedule.on_missed = OnMissed::All;
    let begin = Utc.with_ymd_and_hms(2026, 10, 24, 22, 0, 0).unwrap();
    place.open().slots().tick("shop", &schedule, begin).unwrap();
    let (barrier, rounds) = (Barrier::new(2), 60);
    let tick_all = || {
        let ledger = place.open();
        let mut found = Vec::new();
        for round in 1..=rounds {
            barrier.wait();
            let now = begin + TimeDelta::minutes(7 * round);
            for due in ledger.slots().tick("shop", &schedule, now).unwrap() {
                assert!(ledger.slots().claim("shop", due.slot.at, "run", now).unwrap());
                found.push(due.slot.at);
            }
        }
        found
    };
    let mut found = std::thread::scope(|scope| {
        let both = [scope.spawn(tick_all), scope.spawn(tick_all)];
        both.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    found.sort_unstable();
    let until = begin + TimeDelta::minutes(7 * rounds);
    assert_eq!(found, schedule.slots(begin, until).map(|slot| slot.at).collect::<Vec<_>>());
}
