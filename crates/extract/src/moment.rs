//! Dates and times: from text to days and to local times of the store.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, TimestampMicrosecondArray};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{DataType, Decimal128Type, TimeUnit, TimestampMicrosecondType};
use arrow::error::ArrowError;
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};
use chrono_tz::Tz;
use datafusion::common::Result as DfResult;
use datafusion::common::{exec_err, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

pub const NOT_A_DATE: &str = "is not a date";
pub const NOT_A_TIME: &str = "is not a date and time";

/// A local time of the store from ISO 8601 text, or after a strftime pattern. A time that carries an offset is
/// moved to `zone`; a day alone is its midnight.
pub fn parse_time(text: &str, format: Option<&str>, zone: Tz) -> Result<NaiveDateTime, &'static str> {
    let text = text.trim();
    let parsed = match format {
        Some(format) => parse_as(text, format, zone),
        None => parse_iso(text, zone),
    };
    // `%Y` takes the 24 of 1.2.24 for a year of antiquity, where another pattern may tell it right.
    parsed.filter(|t| (1000..=9999).contains(&t.year())).ok_or(NOT_A_TIME)
}

/// A day; a time of day behind it is dropped.
pub fn parse_date(text: &str, format: Option<&str>, zone: Tz) -> Result<NaiveDate, &'static str> {
    parse_time(text, format, zone).map(|t| t.date()).map_err(|_| NOT_A_DATE)
}

fn parse_as(text: &str, format: &str, zone: Tz) -> Option<NaiveDateTime> {
    if let Ok(instant) = DateTime::parse_from_str(text, format) {
        return Some(instant.with_timezone(&zone).naive_local());
    }
    NaiveDateTime::parse_from_str(text, format)
        .ok()
        .or_else(|| NaiveDate::parse_from_str(text, format).ok().map(|day| day.and_time(NaiveTime::MIN)))
}

fn parse_iso(text: &str, zone: Tz) -> Option<NaiveDateTime> {
    let (local, offset) = iso_parts(text)?;
    let Some(seconds) = offset else { return Some(local) };
    let utc = local.checked_sub_signed(chrono::TimeDelta::seconds(seconds))?;
    Some(zone.from_utc_datetime(&utc).naive_local())
}

/// A time of ISO 8601 as it is shown, and the seconds its offset lies east of UTC.
pub fn iso_parts(text: &str) -> Option<(NaiveDateTime, Option<i64>)> {
    let day = text.get(..10).and_then(iso_day)?;
    let rest = text.get(10..)?;
    if rest.is_empty() {
        return Some((day.and_time(NaiveTime::MIN), None));
    }
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let clock_end = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (clock, offset) = rest.split_at_checked(clock_end)?;
    let local = day.and_time(iso_clock(clock.trim_end())?);
    if offset.is_empty() { Some((local, None)) } else { Some((local, Some(offset_seconds(offset)?))) }
}

fn iso_day(text: &str) -> Option<NaiveDate> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text.as_bytes() else { return None };
    let year = number(&[y1, y2, y3, y4])?;
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, number(&[m1, m2])?, number(&[d1, d2])?)
}

fn iso_clock(text: &str) -> Option<NaiveTime> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let (hour, minute, second) = match *whole.as_bytes() {
        [h1, h2, b':', m1, m2] if fraction.is_empty() => (number(&[h1, h2])?, number(&[m1, m2])?, 0),
        [h1, h2, b':', m1, m2, b':', s1, s2] => (number(&[h1, h2])?, number(&[m1, m2])?, number(&[s1, s2])?),
        _ => return None,
    };
    if fraction.len() > 9 || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let mut micros = 0;
    for place in 0..6 {
        let digit = fraction.as_bytes().get(place).copied().unwrap_or(b'0');
        micros = micros * 10 + number(&[digit])?;
    }
    NaiveTime::from_hms_micro_opt(hour, minute, second, micros)
}

/// `Z`, `+02`, `+0200`, `+02:00` or PostgreSQL's `+02:00:30`.
fn offset_seconds(text: &str) -> Option<i64> {
    let sign = match text.as_bytes().first()? {
        b'Z' | b'z' => return (text.len() == 1).then_some(0),
        b'+' => 1,
        _ => -1,
    };
    let digits: Vec<u8> = text.bytes().skip(1).filter(|b| *b != b':').collect();
    let mut parts = digits.chunks(2).map(number);
    let hours = parts.next()??;
    let minutes = parts.next().unwrap_or(Some(0))?;
    let seconds = parts.next().unwrap_or(Some(0))?;
    (digits.len().is_multiple_of(2) && digits.len() <= 6 && hours < 24 && minutes < 60)
        .then(|| sign * i64::from(hours * 3600 + minutes * 60 + seconds))
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |n, d| d.is_ascii_digit().then(|| n * 10 + u32::from(d - b'0')))
}

/// `to_timestamp` and `to_date` for mappings. Text is read as that of a column is, a number is a count of seconds since
/// 1970-01-01 UTC, and instants become local times of `zone`. What cannot be read is an error.
pub fn functions(zone: Tz) -> [ScalarUDF; 2] {
    [("to_timestamp", DataType::Timestamp(TimeUnit::Microsecond, None)), ("to_date", DataType::Date32)].map(|(name, returns)| {
        ScalarUDF::from(ReadMoment { name, returns, zone, signature: Signature::variadic_any(Volatility::Immutable) })
    })
}

/// True for the functions of this module.
pub fn reads_text(function: &str) -> bool {
    matches!(function, "to_timestamp" | "to_date")
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ReadMoment {
    name: &'static str,
    returns: DataType,
    zone: Tz,
    signature: Signature,
}

impl ScalarUDFImpl for ReadMoment {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> DfResult<DataType> {
        if self.returns == DataType::Date32 && arguments.first().is_some_and(DataType::is_numeric) {
            return plan_err!("a number is no date; of seconds since 1970 it is to_date(to_timestamp(…))");
        }
        Ok(self.returns.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let Some((values, formats)) = arrays.split_first() else {
            return exec_err!("{} takes a value and patterns", self.name);
        };
        let times = match values.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => self.read(values, formats)?,
            DataType::Timestamp(_, Some(_)) => to_local(values, self.zone)?,
            kind if kind.is_numeric() => to_local(&instants(values)?, self.zone)?,
            _ => Arc::clone(values),
        };
        Ok(ColumnarValue::Array(cast(&times, &self.returns)?))
    }
}

impl ReadMoment {
    /// Texts after the first of the patterns that fits, or of ISO 8601 where there are none.
    fn read(&self, texts: &ArrayRef, formats: &[ArrayRef]) -> DfResult<ArrayRef> {
        let texts = cast(texts, &DataType::Utf8)?;
        let formats = formats.iter().map(|f| cast(f, &DataType::Utf8)).collect::<Result<Vec<ArrayRef>, _>>()?;
        let time = |row: usize, text: &str| {
            if formats.is_empty() {
                return parse_time(text, None, self.zone).ok();
            }
            formats.iter().map(AsArray::as_string::<i32>).find_map(|f| parse_time(text, Some(f.value(row)), self.zone).ok())
        };
        let times = texts.as_string::<i32>().iter().enumerate().map(|(row, text)| {
            let Some(text) = text else { return Ok(None) };
            time(row, text).map_or_else(|| exec_err!("a text {NOT_A_TIME}"), |time| Ok(Some(time.and_utc().timestamp_micros())))
        });
        Ok(Arc::new(times.collect::<DfResult<TimestampMicrosecondArray>>()?))
    }
}

/// Counts of seconds since 1970-01-01 UTC.
fn instants(seconds: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let micros = cast_with_options(seconds, &DataType::Decimal128(27, 6), &strict)?;
    let micros = micros.as_primitive::<Decimal128Type>().try_unary::<_, TimestampMicrosecondType, _>(|micros| {
        i64::try_from(micros).map_err(|_| ArrowError::ArithmeticOverflow(NOT_A_TIME.to_owned()))
    })?;
    Ok(Arc::new(micros.with_timezone("UTC")))
}

/// Instants as local times of the store.
pub(crate) fn to_local(raw: &ArrayRef, zone: Tz) -> Result<ArrayRef, ArrowError> {
    let instants = cast(raw, &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))?;
    let local: TimestampMicrosecondArray = instants
        .as_primitive::<TimestampMicrosecondType>()
        .iter()
        .map(|micros| {
            let instant = DateTime::from_timestamp_micros(micros?)?;
            Some(zone.from_utc_datetime(&instant.naive_utc()).naive_local().and_utc().timestamp_micros())
        })
        .collect();
    Ok(Arc::new(local))
}

/// Days since 1970-01-01, as Arrow counts them.
pub fn days(day: NaiveDate) -> i32 {
    day.to_epoch_days()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what is not there fails the test")]
mod tests {
    use super::*;

    #[test]
    fn reads_times_with_and_without_offset() {
        for (text, zone, expected) in [
            ("2017-12-30", Tz::UTC, "2017-12-30T00:00:00"),
            ("2017-12-30 13:45", Tz::UTC, "2017-12-30T13:45:00"),
            ("2017-12-30T13:45:10.123456789", Tz::UTC, "2017-12-30T13:45:10.123456"),
            ("2024-07-01T22:30:00Z", Tz::Europe__Zurich, "2024-07-02T00:30:00"),
            ("2024-01-01 00:30:00+01", Tz::America__New_York, "2023-12-31T18:30:00"),
            ("2024-01-01 00:30:00-05:30", Tz::UTC, "2024-01-01T06:00:00"),
        ] {
            assert_eq!(parse_time(text, None, zone).unwrap().to_string().replace(' ', "T"), expected, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "2024-01-05 10:00:00.000000 PM",
            "2024-01-05 10:00:00.123456'x",
            "2017-13-01",
            "2017-02-29",
            "30/12/2017",
            "2017-12-30T25:00",
            "2017-12-30x",
            "infinity",
            "2017-12-30 10:00:00+99",
            "0000-01-01",
        ] {
            assert_eq!(parse_time(text, None, Tz::UTC), Err(NOT_A_TIME), "{text}");
        }
    }

    #[test]
    fn reads_after_a_pattern() {
        let day = parse_date("11/8/2016", Some("%m/%d/%Y"), Tz::UTC).unwrap();
        assert_eq!(day, NaiveDate::from_ymd_opt(2016, 11, 8).unwrap());
        assert_eq!(parse_date("11/8/16", Some("%m/%d/%y"), Tz::UTC), Ok(day));
        assert_eq!(parse_date("2016-11-08", Some("%m/%d/%Y"), Tz::UTC), Err(NOT_A_DATE));
        assert_eq!(parse_date("11/8/16", Some("%m/%d/%Y"), Tz::UTC), Err(NOT_A_DATE));
    }
}
