//! Days, and how far apart they usually are.

use chrono::NaiveDate;

/// The day of a key such as 20171230.
pub(crate) fn of_key(key: i32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(key / 10_000, u32::try_from(key / 100 % 100).ok()?, u32::try_from(key % 100).ok()?)
}

/// The rhythm of days on which something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rhythm {
    pub last: NaiveDate,
    /// Days between the last one and `as_of`.
    pub pause: i64,
    /// The most days between two of them in the year up to the last.
    pub longest: i64,
}

/// A rhythm is heard from so many days on.
const FEWEST: usize = 30;
const YEAR: i64 = 365;

/// The rhythm of the days up to `as_of`, which ascend; none of so few that there is no rhythm.
pub(crate) fn rhythm(days: &[NaiveDate], as_of: NaiveDate) -> Option<Rhythm> {
    let last = days.iter().copied().filter(|day| *day <= as_of).max()?;
    let year: Vec<NaiveDate> = days.iter().copied().filter(|day| *day <= last && (last - *day).num_days() <= YEAR).collect();
    if year.len() < FEWEST {
        return None;
    }
    let gaps = year.iter().zip(year.iter().skip(1)).map(|(one, next)| (*next - *one).num_days());
    Some(Rhythm { last, pause: (as_of - last).num_days(), longest: gaps.max().unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: i32) -> NaiveDate {
        NaiveDate::from_epoch_days(20_000 + number).unwrap()
    }

    #[test]
    fn keys_are_days() {
        assert_eq!(of_key(20_171_230), NaiveDate::from_ymd_opt(2017, 12, 30));
        assert_eq!((of_key(20_170_230), of_key(0), of_key(-1)), (None, None, None));
    }

    #[test]
    fn a_rhythm_is_the_longest_pause_of_the_last_year() {
        let weekly: Vec<NaiveDate> = (0..40).map(|week| day(week * 7)).collect();
        let heard = rhythm(&weekly, day(39 * 7 + 20)).unwrap();
        assert_eq!((heard.last, heard.pause, heard.longest), (day(39 * 7), 20, 7));
        // A pause of two years before it is forgotten, days after as_of are not seen.
        let resumed: Vec<NaiveDate> = [day(-700)].into_iter().chain(weekly.clone()).chain([day(500)]).collect();
        assert_eq!(rhythm(&resumed, day(39 * 7)).map(|r| (r.pause, r.longest)), Some((0, 7)));
        assert_eq!(rhythm(&weekly[..29], day(300)), None);
        assert_eq!(rhythm(&[], day(0)), None);
    }
}
