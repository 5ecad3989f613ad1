//! Date keys: a day as the number yyyymmdd, by which facts find their row of `dim_date`.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int32Array};
use arrow::datatypes::{DataType, Date32Type, TimeUnit, TimestampMicrosecondType};
use chrono::{Datelike, NaiveDate};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

const MICROSECONDS_A_DAY: i64 = 86_400_000_000;

/// The SQL function `date_key(date or timestamp) -> int32`; NULL has none.
pub fn date_key() -> ScalarUDF {
    let days = vec![DataType::Date32, DataType::Timestamp(TimeUnit::Microsecond, None)];
    ScalarUDF::from(DateKey { signature: Signature::uniform(1, days, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct DateKey {
    signature: Signature,
}

impl ScalarUDFImpl for DateKey {
    fn name(&self) -> &'static str {
        "date_key"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [moments] = arrays.as_slice() else {
            return datafusion::common::exec_err!("date_key takes one date or timestamp");
        };
        Ok(ColumnarValue::Array(Arc::new(keys(moments))))
    }
}

fn keys(moments: &ArrayRef) -> Int32Array {
    let mut calendar = Calendar::default();
    if let Some(times) = moments.as_primitive_opt::<TimestampMicrosecondType>() {
        return times.iter().map(|time| calendar.key(time?.div_euclid(MICROSECONDS_A_DAY))).collect();
    }
    moments.as_primitive::<Date32Type>().iter().map(|day| calendar.key(day?.into())).collect()
}

/// Sales come by time more often than not, so that a day is mostly that of the row before.
#[derive(Default)]
struct Calendar {
    last: Option<(i64, i32)>,
}

impl Calendar {
    /// The key of a day counted since 1970-01-01; none of a day that no calendar reaches.
    fn key(&mut self, day: i64) -> Option<i32> {
        if let Some((last, key)) = self.last
            && last == day
        {
            return Some(key);
        }
        let date = NaiveDate::from_epoch_days(i32::try_from(day).ok()?)?;
        let key = date.year() * 10_000 + (date.month() * 100 + date.day()).cast_signed();
        self.last = Some((day, key));
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Date32Array, TimestampMicrosecondArray};

    use super::*;

    #[test]
    fn a_day_and_a_moment_of_it_have_one_key() {
        let days: ArrayRef = Arc::new(Date32Array::from(vec![Some(17_530), None, Some(-1), Some(0), Some(11_016)]));
        let expected = Int32Array::from(vec![Some(20_171_230), None, Some(19_691_231), Some(19_700_101), Some(20_000_229)]);
        assert_eq!(keys(&days), expected);
        let last = |day: i64| (day + 1) * MICROSECONDS_A_DAY - 1;
        let moments: ArrayRef =
            Arc::new(TimestampMicrosecondArray::from(vec![Some(last(17_530)), None, Some(-1), Some(0), Some(last(11_016))]));
        assert_eq!(keys(&moments), expected);
    }
}
