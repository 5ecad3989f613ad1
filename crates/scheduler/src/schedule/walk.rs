//! The walk over the days of a schedule that yields its slots in order.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use cron::Cron;

use crate::schedule::slot_time::{DstNote, SlotTime, moments};

/// No wall clock is further ahead of UTC than 14 hours, so a day begins at most this long before it does in UTC.
const FURTHEST_AHEAD: TimeDelta = TimeDelta::hours(15);
/// The walk begins and ends a day outside of what is asked: a gap moves a slot to the next day at most, and clocks that go
/// back over midnight show the next day before.
const MARGIN: TimeDelta = TimeDelta::days(1);

/// The slots of a stretch of time, in order, each instant once.
///
/// Days are taken one by one, and what they bring is held back until no later day can bring anything before it: a day's
/// wall-clock times need not be in the order of time, and where clocks go back over midnight, nor are days.
pub struct Walk<'a> {
    crons: &'a [Cron],
    zone: Tz,
    after: DateTime<Utc>,
    until: DateTime<Utc>,
    day: Option<NaiveDate>,
    last_day: NaiveDate,
    held: BTreeMap<DateTime<Utc>, SlotTime>,
}

impl<'a> Walk<'a> {
    /// The slots after `after`, up to and with `until`.
    pub fn new(crons: &'a [Cron], zone: Tz, after: DateTime<Utc>, until: DateTime<Utc>) -> Self {
        let date = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
        let last_day = date(until).checked_add_signed(MARGIN).unwrap_or(NaiveDate::MAX);
        let first_day = date(after).checked_sub_signed(MARGIN).unwrap_or(NaiveDate::MIN);
        let day = if until > after { Some(first_day) } else { None };
        Self { crons, zone, after, until, day, last_day, held: BTreeMap::new() }
    }

    fn take_day(&mut self, day: NaiveDate) {
        for cron in self.crons {
            for wanted in cron.wall_times(day) {
                for slot in moments(wanted, self.zone, cron.is_interval()).into_iter().flatten() {
                    if slot.at > self.after && slot.at <= self.until {
                        self.hold(slot);
                    }
                }
            }
        }
    }

    /// Of several that fall on one instant, the one that was moved there is kept, as it has more to tell.
    fn hold(&mut self, slot: SlotTime) {
        let held = self.held.entry(slot.at).or_insert(slot);
        if held.dst == DstNote::None {
            *held = slot;
        }
    }
}

impl Iterator for Walk<'_> {
    type Item = SlotTime;

    fn next(&mut self) -> Option<SlotTime> {
        while let Some(day) = self.day {
            if day > self.last_day {
                self.day = None;
                break;
            }
            let first = self.held.first_key_value();
            if first.is_some_and(|(at, _)| *at < day.and_time(chrono::NaiveTime::MIN).and_utc() - FURTHEST_AHEAD) {
                break;
            }
            self.take_day(day);
            self.day = day.succ_opt();
        }
        self.held.pop_first().map(|(_, slot)| slot)
    }
}
