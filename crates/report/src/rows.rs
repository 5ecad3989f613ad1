//! Rows of a published table by the names of their columns.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Float64Type, Int16Type, Int32Type, Int64Type};
use arrow::record_batch::RecordBatch;
use chrono::{Days, NaiveDate};

use crate::figures::Money;

#[derive(Debug, Default)]
pub(crate) struct Rows {
    batches: Vec<RecordBatch>,
}

/// A row. What is NULL, masked or not a column of this snapshot is absent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    batch: &'a RecordBatch,
    at: usize,
}

impl Rows {
    pub fn new(batches: Vec<RecordBatch>) -> Self {
        Self { batches }
    }

    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        self.batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |at| Row { batch, at }))
    }

    pub fn len(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows in which a text column has this value.
    pub fn of<'a>(&'a self, column: &'static str, value: &'a str) -> impl Iterator<Item = Row<'a>> {
        self.iter().filter(move |row| row.text(column) == value)
    }
}

impl<'a> Row<'a> {
    fn column(self, name: &str) -> Option<&'a dyn Array> {
        let column = self.batch.column_by_name(name)?.as_ref();
        column.is_valid(self.at).then_some(column)
    }

    pub fn maybe_int(self, name: &str) -> Option<i64> {
        let column = self.column(name)?;
        match column.data_type() {
            DataType::Int16 => Some(column.as_primitive::<Int16Type>().value(self.at).into()),
            DataType::Int32 => Some(column.as_primitive::<Int32Type>().value(self.at).into()),
            DataType::Int64 => Some(column.as_primitive::<Int64Type>().value(self.at)),
            _ => None,
        }
    }

    pub fn int(self, name: &str) -> i64 {
        self.maybe_int(name).unwrap_or(0)
    }

    /// Orders of a row of sales, each counted in one row only; snapshots of before that was told have them once in each region.
    pub fn orders(self) -> i64 {
        self.maybe_int("orders_begun").unwrap_or_else(|| self.int("orders"))
    }

    pub fn number(self, name: &str) -> Option<f64> {
        Some(self.column(name)?.as_primitive_opt::<Float64Type>()?.value(self.at))
    }

    pub fn maybe_money(self, name: &str) -> Option<Money> {
        Some(Money(self.column(name)?.as_primitive_opt::<Decimal128Type>()?.value(self.at)))
    }

    pub fn money(self, name: &str) -> Money {
        self.maybe_money(name).unwrap_or_default()
    }

    pub fn text(self, name: &str) -> &'a str {
        self.column(name).and_then(|c| c.as_string_opt::<i32>()).map_or("", |c| c.value(self.at))
    }

    pub fn maybe_flag(self, name: &str) -> Option<bool> {
        Some(self.column(name)?.as_boolean_opt()?.value(self.at))
    }

    pub fn flag(self, name: &str) -> bool {
        self.maybe_flag(name).unwrap_or(false)
    }

    pub fn day(self, name: &str) -> Option<NaiveDate> {
        let days = self.column(name)?.as_primitive_opt::<Date32Type>()?.value(self.at);
        let epoch = NaiveDate::default();
        let distance = Days::new(days.unsigned_abs().into());
        if days < 0 { epoch.checked_sub_days(distance) } else { epoch.checked_add_days(distance) }
    }
}
