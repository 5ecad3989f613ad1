//! The two years a shop covers: 2024-01-01 to 2025-12-30. Days and seconds count from the first day's midnight.

pub(crate) const DAYS: i32 = 730;

pub(crate) const DAY_SECONDS: i64 = 86_400;

/// The first second after the last day.
pub(crate) const END_SECONDS: i64 = DAYS as i64 * DAY_SECONDS;

/// The first day of 2025.
pub(crate) const SECOND_YEAR: i32 = 366;

/// The first day of 2199, the year of the planted future dates.
pub(crate) const FAR_FUTURE: i64 = 63_918;

/// 2024-01-01 in days since 1970-01-01.
const START: i32 = 19_723;

/// Days since 1970-01-01.
pub(crate) fn unix_day(day: i32) -> i32 {
    START + day
}

/// Microseconds since 1970-01-01.
pub(crate) fn unix_micros(seconds: i64) -> i64 {
    (i64::from(START) * DAY_SECONDS + seconds) * 1_000_000
}

/// The day a moment falls on.
pub(crate) fn day_of(seconds: u32) -> i32 {
    i32::try_from(i64::from(seconds) / DAY_SECONDS).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Datelike};

    use super::*;

    #[test]
    fn the_constants_agree_with_the_calendar() {
        let date = |days: i64| {
            let moment = DateTime::from_timestamp_micros(unix_micros(days * DAY_SECONDS));
            moment.map(|moment| (moment.year(), moment.month(), moment.day()))
        };
        assert_eq!(date(0), Some((2024, 1, 1)));
        assert_eq!(date(i64::from(DAYS) - 1), Some((2025, 12, 30)));
        assert_eq!(date(i64::from(SECOND_YEAR)), Some((2025, 1, 1)));
        assert_eq!(date(FAR_FUTURE), Some((2199, 1, 1)));
    }
}
