//! How times are written: RFC 3339 in UTC with milliseconds, so that their text sorts as they do; for people, to the
//! minute.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

pub fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

pub fn parse(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc())
}

/// Such as `2026-01-05 06:00 UTC`.
pub fn for_people(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// Such as `2 days 3 hours`, `3 hours 20 minutes`, `12 minutes`, `under a minute`.
pub fn span(length: TimeDelta) -> String {
    let (days, hours, minutes) = (length.num_days(), length.num_hours() % 24, length.num_minutes() % 60);
    let parts: Vec<String> = [(days, "day"), (hours, "hour"), (minutes, "minute")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .take(2)
        .map(|(count, unit)| format!("{count} {unit}{}", if count == 1 { "" } else { "s" }))
        .collect();
    if parts.is_empty() { "under a minute".to_owned() } else { parts.join(" ") }
}
