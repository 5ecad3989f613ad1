//! Values of a cursor: which is the newest, and from where the next run reads.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, FixedOffset, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use config::{Incremental, Lookback};

use crate::moment::iso_parts;

/// What late times are looked for by default, and late numbers.
const LOOKBACK: Duration = Duration::from_hours(24);
const LOOKBACK_NUMBERS: u64 = 10_000;
/// Local clocks are put back by as much, and a time may then be younger than one that was written before it.
const CLOCK_CHANGE: Duration = Duration::from_hours(1);
const FORM: &str = "%Y-%m-%d %H:%M:%S";

/// A value of a cursor. Times are as the source shows them, in whatever zone that is: they are compared with one another only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Number(i64),
    Time { shown: NaiveDateTime, offset: Option<i32> },
}

impl Mark {
    /// A whole number, a decimal (taken at its whole part) or a time in ISO 8601.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.strip_prefix('-').unwrap_or(text);
        let whole = digits.split_once('.').map_or(digits, |(whole, _)| whole);
        if !whole.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            let sign = if digits.len() < text.len() { "-" } else { "" };
            return format!("{sign}{whole}").parse().ok().map(Self::Number);
        }
        let (shown, offset) = iso_parts(text)?;
        let offset = offset.map(i32::try_from).transpose().ok()?;
        Some(Self::Time { shown, offset })
    }

    /// The later of two; none for a number and a time.
    pub fn later(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => Some(Self::Number(a.max(b))),
            (Self::Time { shown: a, .. }, Self::Time { shown: b, .. }) => Some(if b > a { other } else { self }),
            _ => None,
        }
    }

    /// Not later than the run, less the time a transaction may stay open: one row dated years ahead would otherwise hide all that
    /// are written until then.
    pub fn capped(self, now: DateTime<Utc>, zone: Tz, settle: Duration) -> Self {
        let Self::Time { shown, offset } = self else { return self };
        let now = match offset.and_then(FixedOffset::east_opt) {
            Some(offset) => offset.from_utc_datetime(&now.naive_utc()).naive_local(),
            None => now.with_timezone(&zone).naive_local(),
        };
        Self::Time { shown: shown.min(before(now, settle)), offset }
    }

    /// From where on a run reads again whose watermark this is; none where the lookback is of the other kind.
    pub fn from(self, how: &Incremental) -> Option<Self> {
        match (self, how.lookback) {
            (Self::Number(number), None) => Some(Self::Number(number.saturating_sub_unsigned(LOOKBACK_NUMBERS))),
            (Self::Number(number), Some(Lookback::Numbers(count))) => Some(Self::Number(number.saturating_sub_unsigned(count))),
            (Self::Time { shown, offset }, None) => Some(Self::Time { shown: before(shown, LOOKBACK + CLOCK_CHANGE), offset }),
            (Self::Time { shown, offset }, Some(Lookback::Span(span))) => {
                Some(Self::Time { shown: before(shown, span + CLOCK_CHANGE), offset })
            }
            _ => None,
        }
    }
}

fn before(time: NaiveDateTime, span: Duration) -> NaiveDateTime {
    TimeDelta::from_std(span).ok().and_then(|span| time.checked_sub_signed(span)).unwrap_or(time)
}

/// As databases read it, to the second before: of texts with a `T` between day and hour it is the lesser as well.
impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Time { shown, .. } => shown.format(FORM).fmt(f),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use config::Deletions;

    use super::*;

    fn incremental(lookback: Option<Lookback>) -> Incremental {
        Incremental {
            cursor: "updated_at".to_owned(),
            key: Vec::new(),
            lookback,
            settle: Duration::ZERO,
            null_cursor_fails: false,
            tombstone: None,
            deletions: Deletions::Count,
        }
    }

    #[test]
    fn numbers_and_times_are_told_apart() {
        assert_eq!(Mark::parse(" 42 "), Some(Mark::Number(42)));
        assert_eq!(Mark::parse("-7.9"), Some(Mark::Number(-7)));
        assert!(matches!(Mark::parse("2026-01-05"), Some(Mark::Time { offset: None, .. })));
        assert!(matches!(Mark::parse("2026-01-05T10:00:00Z"), Some(Mark::Time { offset: Some(0), .. })));
        for neither in ["", "-", ".5", "1e9", "01/02/2026", "soon", "99999999999999999999"] {
            assert_eq!(Mark::parse(neither), None, "{neither}");
        }
        assert_eq!(Mark::parse("1").unwrap().later(Mark::parse("2026-01-05").unwrap()), None);
    }

    #[test]
    fn a_run_reads_again_what_may_have_come_late() {
        let from = |text: &str, lookback| Mark::parse(text).unwrap().from(&incremental(lookback)).map(|mark| mark.to_string());
        assert_eq!(from("2026-01-05 10:00:00.75", None).unwrap(), "2026-01-04 09:00:00");
        assert_eq!(from("2026-01-05", Some(Lookback::Span(Duration::ZERO))).unwrap(), "2026-01-04 23:00:00");
        assert_eq!(from("25000", None).unwrap(), "15000");
        assert_eq!(from("5", Some(Lookback::Numbers(7))).unwrap(), "-2");
        assert_eq!(from("5", Some(Lookback::Span(Duration::ZERO))), None);
        assert_eq!(from("2026-01-05", Some(Lookback::Numbers(7))), None);
    }

    #[test]
    fn no_watermark_lies_ahead_of_the_run() {
        let now = Utc.with_ymd_and_hms(2026, 1, 5, 12, 0, 0).unwrap();
        let capped =
            |text: &str| Mark::parse(text).unwrap().capped(now, Tz::America__New_York, Duration::from_mins(10)).to_string();
        assert_eq!(capped("2099-01-01 00:00:00"), "2026-01-05 06:50:00");
        assert_eq!(capped("2099-01-01 00:00:00Z"), "2026-01-05 11:50:00");
        assert_eq!(capped("2099-01-01 00:00:00+02"), "2026-01-05 13:50:00");
        assert_eq!(capped("2026-01-05 06:49:59"), "2026-01-05 06:49:59");
        assert_eq!(capped("7"), "7");
    }
}
