//! What an operator is told of a slot.

use chrono::{NaiveDateTime, TimeDelta};

use crate::schedule::{DstNote, OnMissed, Schedule, SlotTime};

impl Schedule {
    /// What there is to know of a slot, a sentence a line: when it is, what the clocks do to it, whether it is skipped,
    /// and what becomes of it if the machine sleeps over it.
    pub fn explain(&self, slot: &SlotTime) -> String {
        let local = slot.local.format("%a %Y-%m-%d %H:%M");
        let utc = slot.at.format("%Y-%m-%d %H:%M");
        let mut lines = vec![format!("{local} {} ({} UTC), offset {}.", slot.zone, utc, slot.offset())];
        lines.extend(clocks(slot));
        if self.is_skipped(slot) {
            lines.push(format!("It is skipped: {} is a skip date of the calendar.", slot.local.date()));
        } else {
            lines.push(self.slept_over());
        }
        lines.join("\n")
    }

    fn slept_over(&self) -> String {
        let window = length(self.window());
        match self.on_missed {
            OnMissed::None => "If the machine sleeps over it, it is recorded as missed and does not run.".to_owned(),
            OnMissed::Latest => format!(
                "If the machine sleeps over it, it runs late, up to {window} after its time, unless a newer slot has come due; \
                 then the newer one runs and this one is recorded as missed."
            ),
            OnMissed::All => format!(
                "If the machine sleeps over it, it runs late, up to {window} after its time, in its turn with all others missed."
            ),
        }
    }
}

fn clocks(slot: &SlotTime) -> Option<String> {
    let time = |local: NaiveDateTime| local.format("%H:%M");
    match slot.dst {
        DstNote::None => None,
        DstNote::Gap { wanted_local, moved_to } => Some(format!(
            "The clocks go forward over {} that day, so it runs once at {}, the first moment after the gap.",
            time(wanted_local),
            time(moved_to)
        )),
        DstNote::Overlap { first: true } => {
            Some(format!("The clocks go back that day and show {} twice; this is the first time.", time(slot.local)))
        }
        DstNote::Overlap { first: false } => Some(format!(
            "The clocks go back that day and show {} twice; this is the second time, as the cron follows elapsed time.",
            time(slot.local)
        )),
    }
}

/// A length of time in its largest units: `1 d 6 h`, `15 min`, `40 s`.
pub fn length(delta: TimeDelta) -> String {
    let seconds = delta.num_seconds().max(0);
    let parts = [(seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let shown: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).take(2).map(|(n, unit)| format!("{n} {unit}")).collect();
    if shown.is_empty() { "0 s".to_owned() } else { shown.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{NaiveDate, TimeZone, Utc};
    use chrono_tz::Europe::Zurich;
    use cron::Cron;

    fn said(cron: &str, on_missed: OnMissed, (month, day): (u32, u32)) -> String {
        let mut schedule = Schedule::new(vec![Cron::parse(cron).unwrap()], Zurich);
        schedule.on_missed = on_missed;
        schedule.skip_on.insert(NaiveDate::from_ymd_opt(2026, 12, 25).unwrap());
        let after = Utc.with_ymd_and_hms(2026, month, day, 0, 0, 0).unwrap();
        schedule.explain(schedule.next(after, 1).first().unwrap())
    }

    #[test]
    fn a_slot_is_explained() {
        assert_eq!(
            said("0 6 * * MON", OnMissed::Latest, (1, 1)),
            "Mon 2026-01-05 06:00 Europe/Zurich (2026-01-05 05:00 UTC), offset +01:00.\n\
             If the machine sleeps over it, it runs late, up to 1 d after its time, unless a newer slot has come due; \
             then the newer one runs and this one is recorded as missed."
        );
        let gap = said("30 2 * * *", OnMissed::None, (3, 29));
        assert!(gap.starts_with("Sun 2026-03-29 03:00 Europe/Zurich (2026-03-29 01:00 UTC), offset +02:00.\n"), "{gap}");
        assert!(gap.contains("go forward over 02:30 that day, so it runs once at 03:00"), "{gap}");
        assert!(gap.ends_with("recorded as missed and does not run."), "{gap}");
        assert!(said("30 2 * * *", OnMissed::All, (10, 25)).contains("show 02:30 twice; this is the first time"));
        let skipped = said("@daily", OnMissed::All, (12, 24));
        assert!(skipped.ends_with("It is skipped: 2026-12-25 is a skip date of the calendar."), "{skipped}");
    }

    #[test]
    fn lengths_have_two_units() {
        let shown = [0, 40, 120, 3_661, 90_000, 700_000].map(|seconds| length(TimeDelta::seconds(seconds)));
        assert_eq!(shown, ["0 s", "40 s", "2 min", "1 h 1 min", "1 d 1 h", "8 d 2 h"]);
    }
}
