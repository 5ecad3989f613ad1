//! The narrowest kind that all values of a column are of.

use std::fmt;

use arrow::datatypes::DataType;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::{decimal, moment};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// No value was seen.
    Nothing,
    Whole,
    Number,
    Boolean,
    Date,
    Time,
    Text,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "nothing",
            Self::Whole => "whole numbers",
            Self::Number => "numbers",
            Self::Boolean => "true and false",
            Self::Date => "days",
            Self::Time => "days and times",
            Self::Text => "text",
        })
    }
}

impl Kind {
    /// The narrowest kind that holds both.
    pub fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, kind) | (kind, Self::Nothing) => kind,
            (a, b) if a == b => a,
            (Self::Whole | Self::Number, Self::Whole | Self::Number) => Self::Number,
            (Self::Date | Self::Time, Self::Date | Self::Time) => Self::Time,
            _ => Self::Text,
        }
    }

    /// Whether a value of `other` is one of these.
    pub fn holds(self, other: Self) -> bool {
        self == Self::Nothing || self.with(other) == self
    }

    pub fn of_text(text: &str) -> Self {
        let bytes = text.trim_ascii().as_bytes();
        let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
        match digits.first() {
            None if bytes.is_empty() => Self::Nothing,
            Some(b'0'..=b'9' | b'.' | b'+') => {
                if digits.iter().all(u8::is_ascii_digit) {
                    Self::Whole
                } else if digits.get(4) == Some(&b'-') {
                    Self::of_moment(text)
                } else if decimal::parse(text).is_ok() {
                    Self::Number
                } else {
                    Self::Text
                }
            }
            _ if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") => Self::Boolean,
            _ => Self::Text,
        }
    }

    fn of_moment(text: &str) -> Self {
        match moment::parse_time(text, None, Tz::UTC) {
            Ok(_) if text.trim().len() == 10 => Self::Date,
            Ok(_) => Self::Time,
            Err(_) => Self::Text,
        }
    }

    /// What a type's values are; none for text, whose values must be looked at.
    pub fn of_type(kind: &DataType) -> Option<Self> {
        Some(match kind {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => return None,
            DataType::Boolean => Self::Boolean,
            DataType::Date32 | DataType::Date64 => Self::Date,
            DataType::Timestamp(..) => Self::Time,
            kind if kind.is_integer() => Self::Whole,
            DataType::Decimal32(_, 0) | DataType::Decimal64(_, 0) | DataType::Decimal128(_, 0) | DataType::Decimal256(_, 0) => {
                Self::Whole
            }
            kind if kind.is_numeric() => Self::Number,
            _ => Self::Text,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_of_the_narrowest_kind() {
        for (text, kind) in [
            ("", Kind::Nothing),
            ("17", Kind::Whole),
            ("-17", Kind::Whole),
            ("17.5", Kind::Number),
            ("-.5", Kind::Number),
            ("1e3", Kind::Number),
            ("1,000", Kind::Text),
            ("2024-01-02", Kind::Date),
            ("2024-01-02 03:04:05", Kind::Time),
            ("2024-13-02", Kind::Text),
            ("TRUE", Kind::Boolean),
            ("A17", Kind::Text),
            ("-", Kind::Text),
        ] {
            assert_eq!(Kind::of_text(text), kind, "{text}");
        }
    }

    #[test]
    fn kinds_only_widen() {
        let all = [Kind::Nothing, Kind::Whole, Kind::Number, Kind::Boolean, Kind::Date, Kind::Time, Kind::Text];
        for a in all {
            for b in all {
                assert_eq!(a.with(b), b.with(a));
                assert!(a.with(b).holds(a) && a.with(b).holds(b), "{a} {b}");
                assert!(a == Kind::Nothing || b == Kind::Nothing || !a.holds(b) || a.with(b) == a);
            }
        }
        assert!(Kind::Number.holds(Kind::Whole) && !Kind::Whole.holds(Kind::Number) && !Kind::Date.holds(Kind::Whole));
    }
}
