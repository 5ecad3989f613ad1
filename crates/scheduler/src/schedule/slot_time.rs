//! The moment of a slot, and how a wall-clock time becomes one where the clocks change.

use std::fmt;

use chrono::{DateTime, LocalResult, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use crate::slot::Slot;

/// How far around a gap its end is searched: more than any offset from UTC, and more than the day that Samoa left out.
const GAP_SEARCH: TimeDelta = TimeDelta::hours(40);

/// The moment a pipeline is scheduled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotTime {
    pub at: DateTime<Utc>,
    /// What the wall clock of `zone` shows at `at`.
    pub local: NaiveDateTime,
    pub zone: Tz,
    pub dst: DstNote,
}

/// What a change of the clocks does to a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DstNote {
    None,
    /// The wall-clock time asked for does not exist that day, so the slot lies at the first moment after the gap.
    Gap {
        wanted_local: NaiveDateTime,
        moved_to: NaiveDateTime,
    },
    /// The wall clock shows this time twice. `first` tells the first pass from the second.
    Overlap {
        first: bool,
    },
}

impl SlotTime {
    /// A moment as the wall clock of `zone` shows it, whatever made it a slot.
    pub fn new(at: DateTime<Utc>, zone: Tz) -> Self {
        let local = at.with_timezone(&zone).naive_local();
        let dst = match zone.from_local_datetime(&local) {
            LocalResult::Ambiguous(first, _) => DstNote::Overlap { first: first.to_utc() == at },
            LocalResult::Single(_) | LocalResult::None => DstNote::None,
        };
        Self { at, local, zone, dst }
    }

    /// The slot as a run fills it: its day is the date on the wall clock.
    pub fn slot(&self) -> Slot {
        Slot { day: self.local.date(), scheduled_at: self.at, as_of: None }
    }

    /// The offset from UTC at that moment, such as `+02:00`.
    pub fn offset(&self) -> String {
        self.at.with_timezone(&self.zone).offset().fix().to_string()
    }

    /// The local time with its offset, as the ledger keeps it: `2026-03-29 03:00 +02:00 Europe/Zurich`.
    pub fn local_text(&self) -> String {
        format!("{} {} {}", self.local.format("%Y-%m-%d %H:%M"), self.offset(), self.zone)
    }
}

impl fmt::Display for SlotTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.local_text())
    }
}

/// The moments of a wall-clock time that a cron names: at most two, and two only for an interval in a repeated hour.
pub fn moments(wanted: NaiveDateTime, zone: Tz, interval: bool) -> [Option<SlotTime>; 2] {
    let slot = |at: DateTime<Tz>, dst| Some(SlotTime { at: at.to_utc(), local: at.naive_local(), zone, dst });
    match zone.from_local_datetime(&wanted) {
        LocalResult::Single(at) => [slot(at, DstNote::None), None],
        LocalResult::Ambiguous(first, second) => {
            let second = if interval { slot(second, DstNote::Overlap { first: false }) } else { None };
            [slot(first, DstNote::Overlap { first: true }), second]
        }
        LocalResult::None if interval => [None, None],
        LocalResult::None => {
            let at = end_of_gap(wanted, zone).with_timezone(&zone);
            [slot(at, DstNote::Gap { wanted_local: wanted, moved_to: at.naive_local() }), None]
        }
    }
}

/// The first moment whose wall-clock time is `wanted` or later, to the second. The wall clock only jumps ahead here, so
/// halving finds it.
fn end_of_gap(wanted: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    let (mut before, mut after) = (wanted.and_utc() - GAP_SEARCH, wanted.and_utc() + GAP_SEARCH);
    while after - before > TimeDelta::seconds(1) {
        let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
        if middle.with_timezone(&zone).naive_local() >= wanted {
            after = middle;
        } else {
            before = middle;
        }
    }
    after
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::{Australia, Europe, Pacific};

    fn local(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
    }

    fn utc(text: &str) -> DateTime<Utc> {
        local(text).and_utc()
    }

    #[test]
    fn a_time_in_a_gap_moves_to_its_end() {
        for (zone, wanted, at, moved_to) in [
            (Europe::Zurich, "2026-03-29 02:30", "2026-03-29 01:00", "2026-03-29 03:00"),
            (Europe::Zurich, "2026-03-29 02:00", "2026-03-29 01:00", "2026-03-29 03:00"),
            // Half an hour is left out, from 2:00 to 2:30.
            (Australia::Lord_Howe, "2026-10-04 02:15", "2026-10-03 15:30", "2026-10-04 02:30"),
            // A whole day is left out.
            (Pacific::Apia, "2011-12-30 06:00", "2011-12-30 10:00", "2011-12-31 00:00"),
        ] {
            let [slot, none] = moments(local(wanted), zone, false);
            let slot = slot.unwrap();
            assert_eq!((slot.at, slot.local, none), (utc(at), local(moved_to), None));
            assert_eq!(slot.dst, DstNote::Gap { wanted_local: local(wanted), moved_to: local(moved_to) });
            assert_eq!(moments(local(wanted), zone, true), [None, None]);
        }
        let [after, _] = moments(local("2026-03-29 03:00"), Europe::Zurich, false);
        assert_eq!(after.unwrap().dst, DstNote::None);
    }

    #[test]
    fn a_repeated_time_is_its_first_pass_but_for_an_interval() {
        for (zone, wanted, first, second) in [
            (Europe::Zurich, "2026-10-25 02:30", "2026-10-25 00:30", "2026-10-25 01:30"),
            // Half an hour is repeated, from 1:30 to 2:00.
            (Australia::Lord_Howe, "2026-04-05 01:45", "2026-04-04 14:45", "2026-04-04 15:15"),
        ] {
            let [single, none] = moments(local(wanted), zone, false);
            assert_eq!((single.unwrap().at, none), (utc(first), None));
            let [one, two] = moments(local(wanted), zone, true).map(Option::unwrap);
            assert_eq!((one.at, two.at), (utc(first), utc(second)));
            assert_eq!((one, two), (SlotTime::new(one.at, zone), SlotTime::new(two.at, zone)));
            assert_eq!(two.dst, DstNote::Overlap { first: false });
        }
    }
}
