//! The texts of MySQL's values: what its own client shows, but for floats, which come by the shortest text that is them.

use mysql_async::consts::{ColumnFlags, ColumnType};
use mysql_async::{Column, Value};

/// Decimals of a second that a value can have.
const MICROSECONDS: u8 = 6;

/// What of a column its values do not say themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    /// Whole numbers declared ZEROFILL, and years: so many digits.
    Padded(usize),
    /// A BIT: a number whose bytes come from the highest on.
    Bits,
    Day,
    /// Decimals of the second; none is for those that follow the value.
    Moment {
        decimals: Option<u8>,
        in_utc: bool,
    },
}

/// A value as text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Text {
    Nothing,
    Some(String),
    /// Not UTF-8.
    Bytes(Vec<u8>),
}

impl Text {
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Some(text) => Some(text.as_str()).filter(|text| !text.is_empty()),
            _ => None,
        }
    }

    pub fn lossy(self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Some(text) => text,
            Self::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        }
    }
}

impl Kind {
    /// `in_utc` is whether the session works in UTC instead of the store's zone: a TIMESTAMP then says so.
    pub fn of(column: &Column, in_utc: bool) -> Self {
        let decimals = Some(column.decimals()).filter(|decimals| *decimals <= MICROSECONDS);
        match column.column_type() {
            ColumnType::MYSQL_TYPE_DATE | ColumnType::MYSQL_TYPE_NEWDATE => Self::Day,
            ColumnType::MYSQL_TYPE_DATETIME | ColumnType::MYSQL_TYPE_DATETIME2 | ColumnType::MYSQL_TYPE_TIME => {
                Self::Moment { decimals, in_utc: false }
            }
            ColumnType::MYSQL_TYPE_TIMESTAMP | ColumnType::MYSQL_TYPE_TIMESTAMP2 => Self::Moment { decimals, in_utc },
            ColumnType::MYSQL_TYPE_BIT => Self::Bits,
            _ if column.flags().contains(ColumnFlags::ZEROFILL_FLAG) => {
                Self::Padded(usize::try_from(column.column_length()).unwrap_or_default())
            }
            _ => Self::Plain,
        }
    }

    pub fn text(self, value: Value) -> Text {
        Text::Some(match (value, self) {
            (Value::NULL, _) => return Text::Nothing,
            (Value::Bytes(bytes), Self::Bits) => bytes.iter().fold(0_u64, |n, byte| (n << 8) | u64::from(*byte)).to_string(),
            (Value::Bytes(bytes), _) => match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(error) => return Text::Bytes(error.into_bytes()),
            },
            (Value::Int(number), Self::Padded(digits)) => format!("{number:0>digits$}"),
            (Value::UInt(number), Self::Padded(digits)) => format!("{number:0>digits$}"),
            (Value::Int(number), _) => number.to_string(),
            (Value::UInt(number), _) => number.to_string(),
            (Value::Float(number), _) => number.to_string(),
            (Value::Double(number), _) => number.to_string(),
            (Value::Date(year, month, day, ..), Self::Day) => format!("{year:04}-{month:02}-{day:02}"),
            (Value::Date(year, month, day, hour, minute, second, micros), kind) => format!(
                "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}{}{}",
                kind.fraction(micros),
                if matches!(kind, Self::Moment { in_utc: true, .. }) { "+00:00" } else { "" }
            ),
            (Value::Time(negative, days, hours, minutes, seconds, micros), kind) => format!(
                "{}{:02}:{minutes:02}:{seconds:02}{}",
                if negative { "-" } else { "" },
                u64::from(days) * 24 + u64::from(hours),
                kind.fraction(micros)
            ),
        })
    }

    fn fraction(self, micros: u32) -> String {
        let decimals = match self {
            Self::Moment { decimals: Some(decimals), .. } => decimals,
            _ if micros == 0 => 0,
            _ => MICROSECONDS,
        };
        let digits: String = format!("{micros:06}").chars().take(usize::from(decimals)).collect();
        if digits.is_empty() { digits } else { format!(".{digits}") }
    }
}

/// Whether values of a column are numbers or times, and so never an empty text.
pub(super) fn is_never_empty(column: ColumnType) -> bool {
    let is_time = matches!(
        column,
        ColumnType::MYSQL_TYPE_DATE
            | ColumnType::MYSQL_TYPE_NEWDATE
            | ColumnType::MYSQL_TYPE_DATETIME
            | ColumnType::MYSQL_TYPE_DATETIME2
            | ColumnType::MYSQL_TYPE_TIME
            | ColumnType::MYSQL_TYPE_TIMESTAMP
            | ColumnType::MYSQL_TYPE_TIMESTAMP2
    );
    is_time || column.is_numeric_type() || column == ColumnType::MYSQL_TYPE_BIT
}

/// Bytes that a value takes, about.
pub(super) fn size(value: &Value) -> usize {
    match value {
        Value::Bytes(bytes) => bytes.len(),
        _ => size_of::<u64>(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(kind: Kind, value: Value) -> String {
        kind.text(value).lossy()
    }

    #[test]
    fn values_are_written_as_the_server_writes_them() {
        let moment = |decimals, in_utc| Kind::Moment { decimals, in_utc };
        let value = Value::Date(2024, 7, 1, 2, 30, 0, 120_000);
        assert_eq!(text(moment(Some(3), false), value.clone()), "2024-07-01 02:30:00.120");
        assert_eq!(text(moment(Some(0), true), Value::Date(2024, 7, 1, 2, 30, 0, 0)), "2024-07-01 02:30:00+00:00");
        assert_eq!(text(moment(None, false), value), "2024-07-01 02:30:00.120000");
        assert_eq!(text(Kind::Day, Value::Date(0, 0, 0, 0, 0, 0, 0)), "0000-00-00");
        assert_eq!(text(moment(Some(0), false), Value::Time(true, 34, 22, 59, 59, 0)), "-838:59:59");
        assert_eq!(text(Kind::Padded(5), Value::UInt(42)), "00042");
        assert_eq!(text(Kind::Bits, Value::Bytes(vec![1, 2])), "258");
        assert_eq!(text(Kind::Plain, Value::Float(16_777_217.0)), "16777216");
        assert_eq!(text(Kind::Plain, Value::Float(0.1)), "0.1");
        assert_eq!(text(Kind::Plain, Value::Double(1e21)), "1000000000000000000000");
        assert_eq!(text(Kind::Plain, Value::Bytes(b"0.10".to_vec())), "0.10");
    }

    #[test]
    fn nothing_and_what_is_no_text_are_told_apart() {
        assert_eq!(Kind::Plain.text(Value::NULL), Text::Nothing);
        assert_eq!(Kind::Plain.text(Value::Bytes(Vec::new())).as_str(), None);
        assert_eq!(Kind::Plain.text(Value::Bytes(vec![0xff])), Text::Bytes(vec![0xff]));
    }
}
