//! Values of a cursor: which is the newest, and from where the next run reads.

use std::cmp::Ordering;
use std::fmt;
use std::time::Duration;

use chrono::{DateTime, FixedOffset, NaiveDateTime, SubsecRound, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use config::{Incremental, Lookback};

use crate::moment::iso_parts;

/// What late times are looked for by default, and late numbers.
const LOOKBACK: Duration = Duration::from_hours(24);
const LOOKBACK_NUMBERS: u64 = 10_000;
/// Local clocks are put back by as much, and a time may then be younger than one that was written before it.
const CLOCK_CHANGE: Duration = Duration::from_hours(1);
const SECONDS: &str = "%Y-%m-%d %H:%M:%S";
const FORM: &str = "%Y-%m-%d %H:%M:%S%.f";

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
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if !whole.is_empty() && whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
            let sign = if digits.len() < text.len() { "-" } else { "" };
            return format!("{sign}{whole}").parse().ok().map(Self::Number);
        }
        let (shown, offset) = iso_parts(text)?;
        let offset = offset.map(i32::try_from).transpose().ok()?;
        Some(Self::Time { shown, offset })
    }

    /// Which of two is the later; none for a number and a time.
    pub fn order(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => Some(a.cmp(&b)),
            (Self::Time { shown: a, .. }, Self::Time { shown: b, .. }) => Some(a.cmp(&b)),
            _ => None,
        }
    }

    /// Whether both are numbers, or times that the source shows in the same way: with an offset or without.
    pub fn is_alike(self, other: Self) -> bool {
        match (self, other) {
            (Self::Number(_), Self::Number(_)) => true,
            (Self::Time { offset: a, .. }, Self::Time { offset: b, .. }) => a.is_some() == b.is_some(),
            _ => false,
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

    /// From where on a run reads again whose watermark this is, to the second before: of texts with a `T` between day and hour it
    /// is the lesser as well. None where the lookback is of the other kind.
    pub fn from(self, how: &Incremental) -> Option<Self> {
        match (self, how.lookback) {
            (Self::Number(number), None) => Some(Self::Number(number.saturating_sub_unsigned(LOOKBACK_NUMBERS))),
            (Self::Number(number), Some(Lookback::Numbers(count))) => Some(Self::Number(number.saturating_sub_unsigned(count))),
            (Self::Time { shown, offset }, None) => Some(Self::Time { shown: late(shown, LOOKBACK, how), offset }),
            (Self::Time { shown, offset }, Some(Lookback::Span(span))) => {
                Some(Self::Time { shown: late(shown, span, how), offset })
            }
            _ => None,
        }
    }

    /// A condition in the session's SQL on texts of cursors: a window that begins here brings the rows that have them, whatever
    /// the clocks did at its border.
    pub fn brings(self, column: &str) -> String {
        match self {
            Self::Number(from) => format!("TRY_CAST(split_part(trim({column}), '.', 1) AS BIGINT) >= {from}"),
            Self::Time { shown, .. } => {
                let change = TimeDelta::from_std(CLOCK_CHANGE).ok();
                let from = change.and_then(|change| shown.checked_add_signed(change)).unwrap_or(shown);
                // A day alone is less than its midnight; that leaves out a row, and none is taken for one of the window.
                format!("replace(upper(substr(trim({column}), 1, 19)), 'T', ' ') >= '{}'", from.format(SECONDS))
            }
        }
    }
}

/// Times in UTC that do not say so are taken for the store's, and east of Greenwich `settle` would hold back nothing of them:
/// what it stands for is looked back over as well.
fn late(time: NaiveDateTime, span: Duration, how: &Incremental) -> NaiveDateTime {
    before(time, span.saturating_add(how.settle).saturating_add(CLOCK_CHANGE)).trunc_subsecs(0)
}

fn before(time: NaiveDateTime, span: Duration) -> NaiveDateTime {
    TimeDelta::from_std(span).ok().and_then(|span| time.checked_sub_signed(span)).unwrap_or(time)
}

/// As databases read it.
impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Time { shown, .. } => shown.format(FORM).fmt(f),
        }
    }
}

/// A cursor's value as the source writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    pub mark: Mark,
    pub text: String,
}

impl Shown {
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self { mark: Mark::parse(text)?, text: text.trim().to_owned() })
    }

    /// [`Mark::capped`]; what is left as it is stays as it was written.
    pub fn capped(self, now: DateTime<Utc>, zone: Tz, settle: Duration) -> Self {
        let mark = self.mark.capped(now, zone, settle);
        if mark == self.mark {
            return self;
        }
        let offset = match mark {
            Mark::Time { offset, .. } => offset.and_then(FixedOffset::east_opt),
            Mark::Number(_) => None,
        };
        Self { mark, text: format!("{mark}{}", offset.map(|offset| offset.to_string()).unwrap_or_default()) }
    }
}

/// The later of a value and a text; none where the text is no cursor, or one of another kind. Of one moment written in two ways
/// it is the one that comes later as a text, as it does in a database that has times as texts.
pub(super) fn later<'t>(known: Option<(Mark, &'t str)>, text: &'t str) -> Option<(Mark, &'t str)> {
    let mark = Mark::parse(text)?;
    let Some((newest, written)) = known else { return Some((mark, text)) };
    let order = newest.order(mark)?.then_with(|| written.cmp(text));
    Some(if order == Ordering::Less { (mark, text) } else { (newest, written) })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what is not there fails the test")]
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
        for neither in ["", "-", ".5", "1e9", "01/02/2026", "soon", "1.2.3", "99999999999999999999"] {
            assert_eq!(Mark::parse(neither), None, "{neither}");
        }
        let number = Mark::parse("1").unwrap();
        assert_eq!(later(Some((number, "1")), "2026-01-05"), None);
        assert_eq!(later(Some((number, "1")), "10").unwrap().1, "10");
        assert_eq!(later(None, "soon"), None);
        let time = |text: &'static str| Some((Mark::parse(text).unwrap(), text));
        assert_eq!(later(time("2026-01-05T00:00:00"), "2026-01-05").unwrap().1, "2026-01-05T00:00:00");
        assert_eq!(later(time("2026-01-05"), "2026-01-05T00:00:00.000001").unwrap().1, "2026-01-05T00:00:00.000001");
        let alike = |a: &str, b: &str| Mark::parse(a).unwrap().is_alike(Mark::parse(b).unwrap());
        assert!(
            alike("1", "2") && alike("2026-01-05 10:00:00-05", "2026-07-05 10:00:00-04") && alike("2026-01-05", "2026-07-05")
        );
        assert!(!alike("1", "2026-01-05") && !alike("2026-01-05 10:00:00Z", "2026-01-05 10:00:00"));
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
        let settling = Incremental { settle: Duration::from_mins(10), ..incremental(Some(Lookback::Span(Duration::ZERO))) };
        let from = |text: &str| Mark::parse(text).unwrap().from(&settling).unwrap().to_string();
        assert_eq!(from("2026-01-05 10:00:00.75"), "2026-01-05 08:50:00");
    }

    #[test]
    fn a_watermark_is_kept_as_the_source_writes_it() {
        let now = Utc.with_ymd_and_hms(2026, 1, 5, 12, 0, 0).unwrap();
        let kept = |text: &str| Shown::parse(text).unwrap().capped(now, Tz::UTC, Duration::ZERO).text;
        for text in ["2026-01-05T10:00:00.250000", "2026-01-05 06:00:00.123456-05", "2026-01-05", "7.9"] {
            assert_eq!(kept(text), text);
        }
        assert_eq!(kept("2099-01-01 00:00:00+02"), "2026-01-05 14:00:00+02:00");
        assert_eq!(kept("2099-01-01"), "2026-01-05 12:00:00");
        assert_eq!(Mark::parse("2026-01-05 10:00:00.25").unwrap().to_string(), "2026-01-05 10:00:00.250");
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
