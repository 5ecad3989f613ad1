//! A cron expression: which wall-clock times it names, and nothing about zones.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing))]

use std::fmt;

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime};
use croner::parser::{CronParser, Seconds, Year};

/// The nicknames, and what each stands for.
const NICKNAMES: [(&str, &str); 5] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@weekly", "0 0 * * SUN"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
];
/// The fields in their order, what each takes, and the letters each may hold, as names or as signs.
const FIELDS: [(&str, &str, &[&str]); 5] = [
    ("minute", "0 to 59", &[]),
    ("hour", "0 to 23", &[]),
    ("day of month", "1 to 31, or L for the last", &["L", "W", "LW"]),
    ("month", "1 to 12, or JAN to DEC", &MONTHS),
    ("day of week", "0 to 7, where 0 and 7 are Sunday, or SUN to SAT", &WEEKDAYS),
];
const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 8] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "L"];
/// A 29 February falls on a given weekday every 28 years, or 40 across a century without a leap day: a day that does
/// not come in this many years never comes.
const YEARS_SEARCHED: i32 = 41;
/// Where the search for a first day begins. Any year does, as the calendar repeats.
const SEARCHED_FROM: i32 = 2024;

/// A cron expression of five fields: minute, hour, day of month, month, day of week.
///
/// When both day fields are restricted, a day matches by either, as in Vixie cron; any field but `*` or `?` restricts,
/// `*/2` too, which Vixie cron takes for a wildcard. `+` before the day of week asks for both. `L`, `W` and `#` are
/// understood: `0 6 L * *` is the last day of the month, `0 6 * * MON#1` its first Monday.
#[derive(Debug, Clone)]
pub struct Cron {
    text: String,
    /// The pattern with its minute and hour set free, so that it answers for a day.
    days: croner::Cron,
    /// Every time of a day that the minute and the hour name, in order, without repetition.
    times: Vec<NaiveTime>,
    interval: bool,
}

/// What is wrong with a cron expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    #[error("the cron is empty")]
    Empty,
    #[error("`{text}` has {found} fields, and a cron here has five")]
    Seconds { text: String, found: usize },
    #[error("`{text}` has {found} of the five fields")]
    FieldCount { text: String, found: usize },
    #[error("`{text}` is no nickname that is known here")]
    Nickname { text: String },
    #[error("`{field}` is no {name} in the cron `{text}`")]
    Field { text: String, field: String, name: &'static str, takes: &'static str },
    #[error("the cron `{text}` names a day that never comes")]
    Never { text: String },
}

impl CronError {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Empty | Self::FieldCount { .. } => {
                "write minute, hour, day of the month, month and day of the week, such as \"0 6 * * MON\", or @weekly".to_owned()
            }
            Self::Seconds { .. } => "there is no field for seconds; leave out the first one".to_owned(),
            Self::Nickname { .. } => "use one of @hourly, @daily, @weekly, @monthly, @yearly, or write five fields".to_owned(),
            Self::Field { takes, .. } => format!("it takes {takes}, `*`, lists `1,2`, ranges `1-5` and steps `*/2`"),
            Self::Never { .. } => "hold the day of the month against the month".to_owned(),
        }
    }
}

impl Cron {
    /// Reads five fields, or one of `@hourly`, `@daily`, `@weekly`, `@monthly` and `@yearly`. Letters may be of either
    /// case. An expression of which no day ever comes, such as 30 February, is an error.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let pattern = expand(&text)?;
        let fields: Vec<String> = pattern.split(' ').map(str::to_uppercase).collect();
        let [minute, hour, day, month, weekday] = fields.as_slice() else {
            let found = fields.len();
            return Err(match found {
                6 | 7 => CronError::Seconds { text, found },
                _ => CronError::FieldCount { text, found },
            });
        };
        for (at, field) in fields.iter().enumerate() {
            check_field(&text, at, field)?;
        }
        // Fields that stand alone stand together too; an error here would be one of the whole, such as a year's.
        let parse = |pattern: &str| parser().parse(pattern).map_err(|_| CronError::Never { text: text.clone() });
        let whole = parse(&fields.join(" "))?.pattern;
        let days = parse(&format!("* * {day} {month} {weekday}"))?;
        let (hours, minutes) = (whole.hours.values(), whole.minutes.values());
        let time = |hour: u16, minute: u16| NaiveTime::from_hms_opt(hour.into(), minute.into(), 0);
        let times = hours.iter().flat_map(|hour| minutes.iter().filter_map(|minute| time(*hour, *minute))).collect();
        let interval = [minute, hour].iter().any(|field| field.contains(['*', '/']));
        let cron = Self { text, days, times, interval };
        if cron.ever_comes() { Ok(cron) } else { Err(CronError::Never { text: cron.text }) }
    }

    /// The expression as it was written, but for the spaces.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the minute or the hour is a wildcard or has a step (`*`, `*/15`, `0-30/10`). Such a cron follows elapsed
    /// time where the clocks change, and any other follows the wall clock.
    pub fn is_interval(&self) -> bool {
        self.interval
    }

    /// The wall-clock times that the expression names on a date, in order. Some of them may not exist in a zone.
    pub fn wall_times(&self, date: NaiveDate) -> impl Iterator<Item = NaiveDateTime> + '_ {
        let times: &[NaiveTime] = if self.is_on(date) { &self.times } else { &[] };
        times.iter().map(move |time| date.and_time(*time))
    }

    fn is_on(&self, date: NaiveDate) -> bool {
        // The matcher wants an instant; what it reads of it is the wall time, so UTC stands for any zone.
        self.days.is_time_matching(&date.and_time(NaiveTime::MIN).and_utc()).unwrap_or(false)
    }

    fn ever_comes(&self) -> bool {
        let first = NaiveDate::from_ymd_opt(SEARCHED_FROM, 1, 1).unwrap_or_default();
        first.iter_days().take_while(|date| date.year() < SEARCHED_FROM + YEARS_SEARCHED).any(|date| self.is_on(date))
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Cron {}

fn parser() -> CronParser {
    CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build()
}

fn expand(text: &str) -> Result<&str, CronError> {
    if text.is_empty() {
        return Err(CronError::Empty);
    }
    if !text.contains('@') {
        return Ok(text);
    }
    let known = NICKNAMES.iter().find(|(nickname, _)| nickname.eq_ignore_ascii_case(text));
    known.map(|(_, pattern)| *pattern).ok_or_else(|| CronError::Nickname { text: text.to_owned() })
}

/// Reads the field by itself, so that the error can name it. Names are looked at first: the parser would take `MON` for
/// a 1 in any field.
fn check_field(text: &str, at: usize, field: &str) -> Result<(), CronError> {
    let Some((name, takes, letters)) = FIELDS.get(at).copied() else { return Ok(()) };
    let words = field.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    let named = words.clone().all(|word| letters.contains(&word) || WEEKDAY_LAST.contains(&word) && at == 4);
    let alone: Vec<&str> = (0..FIELDS.len()).map(|place| if place == at { field } else { "*" }).collect();
    if named && parser().parse(&alone.join(" ")).is_ok() {
        return Ok(());
    }
    Err(CronError::Field { text: text.to_owned(), field: field.to_owned(), name, takes })
}

/// The last such weekday of the month: `FRIL`, as `5L`.
const WEEKDAY_LAST: [&str; 7] = ["SUNL", "MONL", "TUEL", "WEDL", "THUL", "FRIL", "SATL"];

#[cfg(test)]
mod tests {
    use super::*;

    fn days(cron: &str, month: u32) -> Vec<u32> {
        let cron = Cron::parse(cron).unwrap();
        let first = NaiveDate::from_ymd_opt(2026, month, 1).unwrap();
        let dates = first.iter_days().take_while(|date| date.month() == month);
        dates.filter(|date| cron.wall_times(*date).next().is_some()).map(|date| date.day()).collect()
    }

    #[test]
    fn fields_and_nicknames_name_days_and_times() {
        assert_eq!(days("0 6 * * MON", 1), [5, 12, 19, 26]);
        assert_eq!(days("@weekly", 1), [4, 11, 18, 25]);
        assert_eq!(days("0 6 * * 7", 1), days("@Weekly", 1));
        assert_eq!(days("@monthly", 2), [1]);
        assert_eq!(days("@yearly", 1), [1]);
        assert_eq!(days("@yearly", 2), [0; 0]);
        assert_eq!(days("0 6 L * *", 2), [28]);
        assert_eq!(days("0 6 * * MON#1", 2), [2]);
        assert_eq!(days("0 6 * * FRIL", 1), days("0 6 * * 5L", 1));
        assert_eq!(days("0 6 13 * FRI", 2), [6, 13, 20, 27], "either day field");
        assert_eq!(days("0 6 12 * FRI", 2), [6, 12, 13, 20, 27], "either day field");
        assert_eq!(days("0 6 13 * +FRI", 2), [13], "both day fields");
        assert_eq!(days("0 6 1-5 feb,MAR mon-wed", 4), [0; 0]);
        let day = NaiveDate::from_ymd_opt(2026, 1, 5).unwrap();
        let count = |cron: &str| Cron::parse(cron).unwrap().wall_times(day).count();
        assert_eq!(["@hourly", "@daily", "*/15 * * * *", "0,30 8-17/3 * * *"].map(count), [24, 1, 96, 8]);
    }

    #[test]
    fn intervals_are_those_with_a_wildcard_or_a_step_in_minute_or_hour() {
        let is_interval = |cron: &str| Cron::parse(cron).unwrap().is_interval();
        assert!(
            ["*/15 * * * *", "30 * * * *", "*/15 2 * * *", "0 */6 * * *", "0-30/10 2 * * *", "@hourly"]
                .iter()
                .all(|c| is_interval(c))
        );
        assert!(!["30 2 * * *", "0 6,18 * * *", "0 9-17 * * *", "30 2 */2 * *", "@daily"].iter().any(|c| is_interval(c)));
    }

    #[test]
    fn errors_say_what_is_wrong_and_what_to_do() {
        let said = |cron: &str| {
            let error = Cron::parse(cron).unwrap_err();
            format!("{error}: {}", error.help())
        };
        assert!(said("  ").contains("write minute, hour"));
        assert!(said("0 0 6 * * MON").contains("no field for seconds"), "{}", said("0 0 6 * * MON"));
        assert!(said("0 6 * *").contains("has 4 of the five fields"));
        assert!(said("@reboot").contains("use one of @hourly"));
        assert!(said("@weekly 5").contains("no nickname"));
        assert!(said("60 6 * * *").contains("`60` is no minute in the cron `60 6 * * *`: it takes 0 to 59"));
        assert!(said("0 24 * * *").contains("is no hour"));
        assert!(said("MON 6 * * *").contains("is no minute"));
        assert!(said("0 6 * MON *").contains("is no month"));
        assert!(said("0 6 * * JAN").contains("is no day of week"));
        assert!(said("0 6 * * SUNDAY").contains("is no day of week"));
        assert!(said("0 6 * * 5-").contains("is no day of week"));
        assert!(said("0 6 30 2 *").contains("never comes"));
        assert!(Cron::parse("0 6 29 2 +MON").is_ok());
    }
}
