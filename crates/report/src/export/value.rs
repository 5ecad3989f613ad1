//! The values of a published column.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, Float64Type, Int16Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use arrow::temporal_conversions::{date32_to_datetime, timestamp_us_to_datetime};
use chrono::{NaiveDate, NaiveDateTime};

/// How a column is read: the types of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Key,
    Whole,
    Decimal { places: usize },
    Number,
    Text,
    Day,
    Time,
    Flag,
}

/// A value that is not NULL.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'a> {
    Whole(i64),
    /// Units of the last place, and how many places there are.
    Decimal(i128, usize),
    Number(f64),
    Text(&'a str),
    Day(NaiveDate),
    Time(NaiveDateTime),
    Flag(bool),
}

impl Kind {
    /// None for a type that no published table has.
    pub fn of(field: &Field) -> Option<Self> {
        Some(match field.data_type() {
            DataType::Int64 if field.name().ends_with("_key") => Self::Key,
            DataType::Int16 | DataType::Int32 | DataType::Int64 => Self::Whole,
            DataType::Decimal128(_, scale) => Self::Decimal { places: usize::try_from(*scale).ok()? },
            DataType::Float64 => Self::Number,
            DataType::Utf8 => Self::Text,
            DataType::Date32 => Self::Day,
            DataType::Timestamp(TimeUnit::Microsecond, None) => Self::Time,
            DataType::Boolean => Self::Flag,
            _ => return None,
        })
    }

    /// The value of a row; none for NULL.
    pub fn value(self, column: &ArrayRef, row: usize) -> Option<Value<'_>> {
        if column.is_null(row) {
            return None;
        }
        Some(match self {
            Self::Key | Self::Whole => Value::Whole(match column.data_type() {
                DataType::Int16 => column.as_primitive_opt::<Int16Type>()?.value(row).into(),
                DataType::Int32 => column.as_primitive_opt::<Int32Type>()?.value(row).into(),
                _ => column.as_primitive_opt::<Int64Type>()?.value(row),
            }),
            Self::Decimal { places } => Value::Decimal(column.as_primitive_opt::<Decimal128Type>()?.value(row), places),
            Self::Number => Value::Number(column.as_primitive_opt::<Float64Type>()?.value(row)),
            Self::Text => Value::Text(column.as_string_opt::<i32>()?.value(row)),
            Self::Day => Value::Day(date32_to_datetime(column.as_primitive_opt::<Date32Type>()?.value(row))?.date()),
            Self::Time => {
                Value::Time(timestamp_us_to_datetime(column.as_primitive_opt::<TimestampMicrosecondType>()?.value(row))?)
            }
            Self::Flag => Value::Flag(column.as_boolean_opt()?.value(row)),
        })
    }
}

/// A decimal with all its places.
pub(super) fn decimal(units: i128, places: usize) -> String {
    let digits = format!("{:0>width$}", units.unsigned_abs(), width = places + 1);
    let (whole, part) = digits.split_at(digits.len() - places);
    let sign = if units < 0 { "-" } else { "" };
    if places == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_every_digit() {
        assert_eq!(decimal(-5, 4), "-0.0005");
        assert_eq!(decimal(123_456_789_012_345_678, 4), "12345678901234.5678");
        assert_eq!([decimal(0, 4), decimal(42, 0)], ["0.0000", "42"]);
    }
}
