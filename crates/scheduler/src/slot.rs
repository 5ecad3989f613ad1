//! The slot: which scheduled day a run stands for.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

/// The scheduled moment that a run fills. It is fixed before the run starts; no later stage asks for the date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// The scheduled day where the retailer is.
    pub day: NaiveDate,
    /// The scheduled moment.
    pub scheduled_at: DateTime<Utc>,
    /// The day the figures are to be computed for, when the operator named one (`--as-of`).
    pub as_of: Option<NaiveDate>,
}

impl Slot {
    /// The slot of a run that somebody starts by hand: it is due now, and its day is today's in `zone`.
    pub fn manual(now: DateTime<Utc>, zone: Tz, as_of: Option<NaiveDate>) -> Self {
        Self { day: now.with_timezone(&zone).date_naive(), scheduled_at: now, as_of }
    }

    /// The slot of a run that the schedule asked for.
    pub fn scheduled(at: DateTime<Utc>, zone: Tz, as_of: Option<NaiveDate>) -> Self {
        Self { day: at.with_timezone(&zone).date_naive(), scheduled_at: at, as_of }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    #[test]
    fn the_day_is_the_local_one() {
        let early_monday = Utc.with_ymd_and_hms(2026, 1, 5, 3, 0, 0).unwrap();
        let days = [chrono_tz::America::New_York, chrono_tz::UTC, chrono_tz::Pacific::Auckland]
            .map(|zone| Slot::manual(early_monday, zone, None).day.to_string());
        assert_eq!(days, ["2026-01-04", "2026-01-05", "2026-01-05"]);
    }
}
