//! Raw values into the types of the entities. A value that does not fit is reported, never guessed.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, Date32Array, Decimal128Array, Float64Array, Int32Array, PrimitiveArray,
    StringArray, StringBuilder, TimestampMicrosecondArray, new_null_array,
};
use arrow::compute::{can_cast_types, cast};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int32Type, Int64Type};
use arrow::error::ArrowError;
use chrono_tz::Tz;
use schema::Type;

use crate::{decimal, moment};

/// Values of the wanted type; NULL where the raw value was NULL or did not fit.
pub(crate) struct Fitted {
    pub values: ArrayRef,
    /// Rows whose raw value did not fit, ascending, and why.
    pub failures: Vec<(usize, String)>,
}

/// Fits a column of a source to `kind`.
pub(crate) fn fit(raw: &ArrayRef, kind: Type, format: Option<&str>, zone: Tz) -> Result<Fitted, ArrowError> {
    let text = match raw.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(cast(raw, &DataType::Utf8)?),
        DataType::Float64 if matches!(kind, Type::Money | Type::Quantity) => {
            return Ok(fit_floats(raw.as_primitive::<Float64Type>(), kind));
        }
        // Floats go through their shortest text: 0.285 is meant as 0.285, not as the binary fraction next to it.
        DataType::Float32 if decimal_kind(kind) => Some(texts(raw.as_primitive::<Float32Type>())),
        DataType::Float64 if decimal_kind(kind) => Some(texts(raw.as_primitive::<Float64Type>())),
        // What pandas writes for a column without a single value.
        DataType::Null => return Ok(Fitted { values: new_null_array(&kind.arrow(), raw.len()), failures: Vec::new() }),
        _ => None,
    };
    match text {
        Some(text) => Ok(fit_text(text.as_string(), kind, format, zone)),
        None => fit_typed(raw, kind, zone),
    }
}

fn decimal_kind(kind: Type) -> bool {
    matches!(kind, Type::Money | Type::Quantity | Type::Int)
}

fn texts<T: ArrowPrimitiveType<Native: ToString>>(values: &PrimitiveArray<T>) -> ArrayRef {
    Arc::new(values.iter().map(|x| x.map(|x| x.to_string())).collect::<StringArray>())
}

/// Ids that a source keeps as numbers, as text.
fn numerals<T: ArrowPrimitiveType<Native: itoa::Integer>>(numbers: &PrimitiveArray<T>) -> ArrayRef {
    let mut digits = itoa::Buffer::new();
    let mut texts = StringBuilder::with_capacity(numbers.len(), numbers.len() * 8);
    for number in numbers {
        match number {
            Some(number) => texts.append_value(digits.format(number)),
            None => texts.append_null(),
        }
    }
    Arc::new(texts.finish())
}

/// Amounts, which are many: the text is written only for those that have more than four places or very many digits.
fn fit_floats(values: &Float64Array, kind: Type) -> Fitted {
    let mut failures = Vec::new();
    let decimals: Decimal128Array = values
        .iter()
        .enumerate()
        .map(|(row, value)| match value.map(|x| decimal::of_float(x).map_or_else(|| decimal::parse(&x.to_string()), Ok))? {
            Ok(value) => Some(value),
            Err(reason) => {
                failures.push((row, reason.to_owned()));
                None
            }
        })
        .collect();
    Fitted { values: Arc::new(decimals.with_data_type(kind.arrow())), failures }
}

fn fit_text(text: &StringArray, kind: Type, format: Option<&str>, zone: Tz) -> Fitted {
    match kind {
        Type::Money | Type::Quantity => {
            let (values, failures) = each(text, decimal::parse);
            let decimals: Decimal128Array = values.into_iter().collect();
            Fitted { values: Arc::new(decimals.with_data_type(kind.arrow())), failures }
        }
        Type::Int | Type::Score | Type::DateKey => {
            let (values, failures) = each(text, whole);
            Fitted { values: Arc::new(values.into_iter().collect::<Int32Array>()), failures }
        }
        Type::Number => {
            let (values, failures) =
                each(text, |t| t.trim().parse::<f64>().ok().filter(|x| x.is_finite()).ok_or(decimal::NOT_A_NUMBER));
            Fitted { values: Arc::new(values.into_iter().collect::<Float64Array>()), failures }
        }
        Type::Date => {
            let (values, failures) = each(text, |t| moment::parse_date(t, format, zone).map(moment::days));
            Fitted { values: Arc::new(values.into_iter().collect::<Date32Array>()), failures }
        }
        Type::Time => {
            let (values, failures) =
                each(text, |t| moment::parse_time(t, format, zone).map(|time| time.and_utc().timestamp_micros()));
            Fitted { values: Arc::new(values.into_iter().collect::<TimestampMicrosecondArray>()), failures }
        }
        Type::Text | Type::Key | Type::Count | Type::Bool => {
            let values: StringArray = text.iter().map(|t| t.filter(|t| !t.is_empty())).collect();
            Fitted { values: Arc::new(values), failures: Vec::new() }
        }
    }
}

fn whole(text: &str) -> Result<i32, &'static str> {
    let value = decimal::parse(text)?;
    if value % decimal::UNIT != 0 {
        return Err("is not a whole number");
    }
    i32::try_from(value / decimal::UNIT).map_err(|_| "is too large for a whole number of 32 bits")
}

fn each<T>(text: &StringArray, read: impl Fn(&str) -> Result<T, &'static str>) -> (Vec<Option<T>>, Vec<(usize, String)>) {
    let mut failures = Vec::new();
    let values = text
        .iter()
        .enumerate()
        .map(|(row, value)| match read(value.filter(|v| !v.is_empty())?) {
            Ok(value) => Some(value),
            Err(reason) => {
                failures.push((row, reason.to_owned()));
                None
            }
        })
        .collect();
    (values, failures)
}

fn fit_typed(raw: &ArrayRef, kind: Type, zone: Tz) -> Result<Fitted, ArrowError> {
    let local = match (raw.data_type(), kind) {
        (DataType::Timestamp(_, Some(_)), Type::Time | Type::Date | Type::Text) => moment::to_local(raw, zone)?,
        _ => Arc::clone(raw),
    };
    let wanted = kind.arrow();
    if let Some(reason) = another_meaning(raw.data_type(), &wanted) {
        let failures = (0..raw.len()).filter(|row| raw.is_valid(*row)).map(|row| (row, reason.clone())).collect();
        return Ok(Fitted { values: new_null_array(&wanted, raw.len()), failures });
    }
    let values = match kind {
        // A whole number out of a decimal must be whole, which a cast would not ask.
        Type::Int if matches!(raw.data_type(), DataType::Decimal128(..) | DataType::Decimal256(..)) => {
            let text = cast(&local, &DataType::Utf8)?;
            return Ok(fit_text(text.as_string(), kind, None, zone));
        }
        Type::Text if matches!(raw.data_type(), DataType::Int64) => numerals(raw.as_primitive::<Int64Type>()),
        Type::Text if matches!(raw.data_type(), DataType::Int32) => numerals(raw.as_primitive::<Int32Type>()),
        _ => cast(&local, &wanted)?,
    };
    let values = finite(values);
    let failures = (0..raw.len())
        .filter(|row| raw.is_valid(*row) && values.is_null(*row))
        .map(|row| (row, format!("does not fit {}", kind.name())))
        .collect();
    Ok(Fitted { values, failures })
}

/// What a cast would make of it is a count of days or microseconds that nobody has said it is.
fn another_meaning(raw: &DataType, wanted: &DataType) -> Option<String> {
    if raw.is_numeric() && wanted.is_temporal() {
        return Some("is a number and no date; `to_timestamp` in the mapping takes seconds since 1970".to_owned());
    }
    if raw.is_temporal() && wanted.is_numeric() {
        return Some("is a date or a time and no number".to_owned());
    }
    (!can_cast_types(raw, wanted)).then(|| format!("is of the type {raw}, which is not read; write it as text or a number"))
}

fn finite(values: ArrayRef) -> ArrayRef {
    match values.as_primitive_opt::<Float64Type>() {
        Some(numbers) if numbers.iter().flatten().any(|x| !x.is_finite()) => {
            Arc::new(numbers.iter().map(|x| x.filter(|x| x.is_finite())).collect::<Float64Array>())
        }
        _ => values,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what is not there fails the test")]
mod tests {
    use arrow::array::Float32Array;
    use arrow::datatypes::{Decimal128Type, TimestampMicrosecondType};

    use super::*;

    #[test]
    fn floats_become_the_decimal_they_show() {
        let raw: ArrayRef = Arc::new(Float64Array::from(vec![Some(0.285), Some(39.619_999_999_999_99), None, Some(f64::NAN)]));
        let fitted = fit(&raw, Type::Money, None, Tz::UTC).unwrap();
        let values: Vec<_> = fitted.values.as_primitive::<Decimal128Type>().iter().collect();
        assert_eq!(values, [Some(2_850), Some(396_200), None, None]);
        assert_eq!(fitted.failures.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [3]);
        let raw: ArrayRef = Arc::new(Float32Array::from(vec![12_345.67, 0.1]));
        let fitted = fit(&raw, Type::Money, None, Tz::UTC).unwrap();
        assert_eq!(fitted.values.as_primitive::<Decimal128Type>().values(), &[123_456_700, 1_000]);
    }

    #[test]
    fn numbers_become_the_ids_they_show() {
        let raw: ArrayRef = Arc::new(arrow::array::Int64Array::from(vec![Some(i64::MIN), None, Some(0), Some(i64::MAX)]));
        let fitted = fit(&raw, Type::Text, None, Tz::UTC).unwrap();
        let shown: Vec<_> = fitted.values.as_string::<i32>().iter().collect();
        assert_eq!(shown, [Some("-9223372036854775808"), None, Some("0"), Some("9223372036854775807")]);
        assert!(fitted.failures.is_empty());
        let raw: ArrayRef = Arc::new(Int32Array::from(vec![-7, i32::MAX]));
        let fitted = fit(&raw, Type::Text, None, Tz::UTC).unwrap();
        assert_eq!(fitted.values.as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["-7", "2147483647"]);
    }

    #[test]
    fn instants_become_local_times() {
        let raw: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![0]).with_timezone("UTC"));
        let fitted = fit(&raw, Type::Time, None, Tz::America__New_York).unwrap();
        assert_eq!(fitted.values.as_primitive::<TimestampMicrosecondType>().value(0), -5 * 3600 * 1_000_000);
    }

    #[test]
    fn numbers_are_no_times_and_times_no_numbers() {
        let epoch: ArrayRef = Arc::new(arrow::array::Int64Array::from(vec![Some(1_700_000_000_000), None]));
        for kind in [Type::Time, Type::Date] {
            let fitted = fit(&epoch, kind, None, Tz::UTC).unwrap();
            assert_eq!((fitted.values.null_count(), fitted.failures.len()), (2, 1), "{}", kind.name());
        }
        let none: ArrayRef = Arc::new(arrow::array::NullArray::new(3));
        let fitted = fit(&none, Type::Key, None, Tz::UTC).unwrap();
        assert_eq!((fitted.values.null_count(), fitted.failures.len()), (3, 0));
        let day: ArrayRef = Arc::new(Date32Array::from(vec![19_000]));
        assert_eq!(fit(&day, Type::Int, None, Tz::UTC).unwrap().failures.len(), 1);
    }

    #[test]
    fn whole_numbers_are_whole() {
        let raw: ArrayRef = Arc::new(StringArray::from(vec!["3.0", "3.5", "99999999999"]));
        let fitted = fit(&raw, Type::Int, None, Tz::UTC).unwrap();
        assert_eq!(fitted.failures.len(), 2);
    }
}
