//! How a column writes its days and times.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime};

/// Days as sources write them. Behind each of them a time may follow.
const DAYS: [&str; 16] = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%b %d, %Y",
    "%d.%m.%y",
    "%m/%d/%y",
    "%d/%m/%y",
    "%d-%b-%y",
];
const TIMES: [&str; 9] =
    ["", " %H:%M:%S", " %H:%M", "T%H:%M:%S", " %H:%M:%S%.f", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S%.f%:z", " %H:%M:%S%:z"];
/// Days that the same text can be read as.
const SWAPPED: [(&str, &str); 3] = [("%m/%d/%Y", "%d/%m/%Y"), ("%m-%d-%Y", "%d-%m-%Y"), ("%m/%d/%y", "%d/%m/%y")];
/// Years outside of these are not when a shop sold something.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2200;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dates {
    pub form: Form,
    /// Values that the form reads, of those there are.
    pub fits: usize,
    pub of: usize,
    /// Day and month could as well change places: the other pattern.
    pub or_else: Option<String>,
    /// Some value carries a time of day that is not midnight.
    pub has_time: bool,
    /// Some value carries an offset from UTC.
    pub has_offset: bool,
    /// First and last day.
    pub span: Option<(NaiveDate, NaiveDate)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    /// ISO 8601, which needs no pattern.
    Iso,
    One(String),
    Several(Vec<String>),
}

impl Dates {
    /// How these values are written as days; none where they are none. `day_first` settles 03/04/2024 if nothing else does.
    pub fn of(values: &[&str], day_first: bool) -> Option<Self> {
        let likely = values.iter().take(50).filter(|v| could_be(v)).count();
        if values.is_empty() || likely * 2 < values.len().min(50) {
            return None;
        }
        let iso = values.iter().filter(|v| iso(v).is_some()).count();
        if iso * 50 >= values.len() * 49 {
            return Some(Self::read(values, Form::Iso, None));
        }
        let patterns = covering(values, day_first);
        let covered = values.iter().filter(|v| patterns.iter().any(|p| read(v, p).is_some())).count();
        if covered * 10 < values.len() * 9 {
            return None;
        }
        match patterns.as_slice() {
            [] => None,
            [one] => {
                let (chosen, or_else) = settled(values, one, day_first);
                Some(Self::read(values, Form::One(chosen), or_else))
            }
            _ => Some(Self::read(values, Form::Several(patterns), None)),
        }
    }

    /// Seconds since 1970, which only the name of a column tells from any other number.
    pub fn epoch(values: &[&str]) -> Option<Self> {
        let fits = |v: &&&str| v.len() == 10 && v.parse::<i64>().is_ok_and(|n| (315_532_800..4_102_444_800).contains(&n));
        let all = !values.is_empty() && values.iter().filter(fits).count() == values.len();
        all.then(|| Self::read(values, Form::One("%s".to_owned()), None))
    }

    fn read(values: &[&str], form: Form, or_else: Option<String>) -> Self {
        let times: Vec<NaiveDateTime> = values
            .iter()
            .filter_map(|v| match &form {
                Form::Iso => iso(v),
                Form::One(pattern) => read(v, pattern),
                Form::Several(patterns) => patterns.iter().find_map(|p| read(v, p)),
            })
            .collect();
        let first = times.iter().min().map(NaiveDateTime::date);
        let last = times.iter().max().map(NaiveDateTime::date);
        Self {
            fits: times.len(),
            of: values.len(),
            or_else,
            has_time: times.iter().any(|t| t.time() != NaiveTime::MIN),
            has_offset: values.iter().any(|v| has_offset(v)),
            span: first.zip(last),
            form,
        }
    }

    /// True where two of the patterns read the same text differently, so that neither can be trusted.
    pub fn is_mixed_up(&self) -> bool {
        let Form::Several(patterns) = &self.form else { return false };
        let has = |day: &str| patterns.iter().any(|p| p.starts_with(day));
        SWAPPED.iter().any(|(a, b)| has(a) && has(b))
    }
}

/// Cheap enough to ask of every column.
fn could_be(value: &str) -> bool {
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let marks = value.chars().filter(|c| "-/.: ,".contains(*c)).count();
    (5..=20).contains(&digits) && (8..=35).contains(&value.len()) && (marks >= 2 || digits == 8 && value.len() == 8)
}

/// The patterns that read most, each of what the ones before left over; at most three.
fn covering(values: &[&str], day_first: bool) -> Vec<String> {
    let mut left: Vec<&str> = values.to_vec();
    let mut chosen: Vec<String> = Vec::new();
    while chosen.len() < 3 && left.len() * 100 > values.len() {
        let mut best: Option<(usize, String)> = None;
        for pattern in patterns(day_first) {
            let fits = left.iter().filter(|v| read(v, &pattern).is_some()).count();
            if fits > 0 && best.as_ref().is_none_or(|(most, _)| fits > *most) {
                best = Some((fits, pattern));
            }
        }
        // A pattern for a value or two is a slip of the source, which the run sets aside.
        let Some((fits, pattern)) = best.filter(|(fits, _)| fits * 50 >= values.len()) else { break };
        left.retain(|v| read(v, &pattern).is_none());
        chosen.push(pattern);
        if fits == values.len() {
            break;
        }
    }
    chosen
}

fn patterns(day_first: bool) -> impl Iterator<Item = String> {
    let mut days = DAYS.to_vec();
    // Where both fit equally, the first one stays.
    days.sort_by_key(|day| day_first && SWAPPED.iter().any(|(month, _)| month == day));
    days.into_iter().flat_map(|day| TIMES.iter().map(move |time| format!("{day}{time}")))
}

/// Which of day and month comes first where both could: a month's report is dated on one day, and files are in order.
fn settled(values: &[&str], pattern: &str, day_first: bool) -> (String, Option<String>) {
    let swap = SWAPPED.iter().flat_map(|(a, b)| [(a, b), (b, a)]).find(|(from, _)| pattern.starts_with(**from));
    let Some((from, to)) = swap else { return (pattern.to_owned(), None) };
    let other = pattern.replacen(from, to, 1);
    let mine: Vec<NaiveDate> = values.iter().filter_map(|v| read(v, pattern)).map(|t| t.date()).collect();
    let others: Vec<NaiveDate> = values.iter().filter_map(|v| read(v, &other)).map(|t| t.date()).collect();
    if others.len() < mine.len() {
        return (pattern.to_owned(), None);
    }
    let steps_back = |days: &[NaiveDate]| days.windows(2).filter(|w| matches!(w, [a, b] if b < a)).count();
    let distinct = |days: &[NaiveDate]| days.iter().map(Datelike::day).collect::<BTreeSet<_>>().len();
    let by_order = steps_back(&mine).cmp(&steps_back(&others));
    let by_day = (distinct(&mine) == 1).cmp(&(distinct(&others) == 1)).reverse();
    let takes_mine = match by_day.then(by_order) {
        std::cmp::Ordering::Less => true,
        std::cmp::Ordering::Greater => false,
        std::cmp::Ordering::Equal => pattern.starts_with("%d") == day_first,
    };
    if takes_mine { (pattern.to_owned(), Some(other)) } else { (other, Some(pattern.to_owned())) }
}

fn has_offset(value: &str) -> bool {
    let Some(clock) = value.get(11..).filter(|_| value.contains(':')) else { return false };
    clock.ends_with(['Z', 'z']) || clock.contains('+') || clock.contains('-')
}

/// What a pattern makes of a value, as a run reads it.
fn read(value: &str, pattern: &str) -> Option<NaiveDateTime> {
    let value = value.trim();
    // chrono takes one digit for %Y; a year of a shop has four.
    let parsed = DateTime::parse_from_str(value, pattern)
        .map(|instant| instant.naive_utc())
        .or_else(|_| NaiveDateTime::parse_from_str(value, pattern))
        .or_else(|_| NaiveDate::parse_from_str(value, pattern).map(|day| day.and_time(NaiveTime::MIN)))
        .ok()?;
    (YEARS.contains(&parsed.year()) && (pattern != "%Y%m%d" || value.len() == 8)).then_some(parsed)
}

/// ISO 8601: a day, and a time with or without fraction and offset behind it.
fn iso(value: &str) -> Option<NaiveDateTime> {
    let value = value.trim();
    let day = NaiveDate::parse_from_str(value.get(..10)?, "%Y-%m-%d").ok().filter(|d| YEARS.contains(&d.year()))?;
    let rest = value.get(10..)?;
    if rest.is_empty() {
        return Some(day.and_time(NaiveTime::MIN));
    }
    let clock = rest.strip_prefix(['T', 't', ' '])?;
    let clock = clock.split(['Z', 'z', '+', '-']).next()?.trim_end();
    let clock = clock.split(['.', ',']).next()?;
    let time = NaiveTime::parse_from_str(clock, "%H:%M:%S").or_else(|_| NaiveTime::parse_from_str(clock, "%H:%M")).ok()?;
    Some(day.and_time(time))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what is not there fails the test")]
mod tests {
    use super::*;

    fn form(values: &[&str]) -> Option<Form> {
        Dates::of(values, false).map(|d| d.form)
    }

    #[test]
    fn finds_the_pattern() {
        for (values, pattern) in [
            (&["11/8/2016", "12/31/2016"][..], "%m/%d/%Y"),
            (&["31/12/2016", "8/11/2016"], "%d/%m/%Y"),
            (&["31.12.2016 10:00", "01.01.2017 00:00"], "%d.%m.%Y %H:%M"),
            (&["20161231", "20170101"], "%Y%m%d"),
            (&["08-Nov-2016", "31-Dec-2016"], "%d-%b-%Y"),
            (&["12/1/10 8:26", "12/31/10 18:00"], "%m/%d/%y %H:%M"),
            (&["1/2/2016 1:05 PM", "1/13/2016 11:00 AM"], "%m/%d/%Y %I:%M %p"),
        ] {
            assert_eq!(form(values), Some(Form::One(pattern.to_owned())), "{values:?}");
        }
        assert_eq!(form(&["2016-12-31", "2016-12-31T10:00:00Z", "2016-12-31 10:00:00.5+01:00"]), Some(Form::Iso));
        assert_eq!(form(&["12.50", "261.96", "CA-2016-152156"]), None);
        assert_eq!(form(&["42420000", "90036111"]), None);
    }

    #[test]
    fn day_and_month_are_told_by_order_or_by_the_first_of_the_month() {
        let by_order = Dates::of(&["01/02/2024", "02/02/2024", "03/02/2024", "01/03/2024"], false).unwrap();
        assert_eq!(by_order.form, Form::One("%d/%m/%Y".to_owned()));
        let firsts = Dates::of(&["03/01/2024", "01/01/2024", "02/01/2024"], true).unwrap();
        assert_eq!(firsts.form, Form::One("%m/%d/%Y".to_owned()));
        let open = Dates::of(&["03/04/2024"], true).unwrap();
        assert_eq!((open.form, open.or_else.as_deref()), (Form::One("%d/%m/%Y".to_owned()), Some("%m/%d/%Y")));
    }

    #[test]
    fn two_ways_of_writing_in_one_column() {
        let mixed = Dates::of(&["2024-01-31", "2024-02-01", "31.01.2024", "01.02.2024"], true).unwrap();
        assert_eq!(mixed.form, Form::Several(vec!["%Y-%m-%d".to_owned(), "%d.%m.%Y".to_owned()]));
        assert!(!mixed.is_mixed_up());
    }
}
