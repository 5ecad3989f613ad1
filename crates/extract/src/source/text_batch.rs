//! Batches of text columns, built row by row.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::{BATCH_ROWS, Malformed, Records, Sender};
use crate::error::Error;

/// Bytes of values after which a batch is sent before it has its rows: long values must not wait by the thousand.
const BATCH_BYTES: usize = 16 << 20;

/// A schema of nullable text columns.
pub(super) fn text_schema<N: Into<String>>(names: impl IntoIterator<Item = N>) -> SchemaRef {
    Arc::new(Schema::new(names.into_iter().map(|n| Field::new(n, DataType::Utf8, true)).collect::<Vec<_>>()))
}

/// The names, each once: of a name that comes twice none is taken for the other, and an empty one says where it stands. What is
/// made up is numbered on until no column of the source bears it: a mapping of that name means the source's own column.
pub(super) fn distinct(names: &[String]) -> Vec<String> {
    let mut given: BTreeMap<&str, usize> = BTreeMap::new();
    for name in names {
        *given.entry(name).or_default() += 1;
    }
    let mut next: BTreeMap<String, usize> = BTreeMap::new();
    let mut made = |name: String| {
        let number = next.entry(name.clone()).or_default();
        loop {
            let made = if *number == 0 { name.clone() } else { format!("{name} ({number})") };
            *number += 1;
            if !given.contains_key(made.as_str()) {
                return made;
            }
        }
    };
    let distinct = names.iter().enumerate().map(|(place, name)| match (name.as_str(), given.get(name.as_str())) {
        ("", _) => made(format!("column_{}", place + 1)),
        (name, Some(2..)) => made(name.to_owned()),
        (name, _) => name.to_owned(),
    });
    distinct.collect()
}

/// Collects rows and sends a batch each time enough have come.
pub(super) struct TextBatch<'a> {
    sender: &'a Sender,
    origin: Arc<str>,
    schema: SchemaRef,
    wanted: &'a [bool],
    columns: Vec<StringBuilder>,
    numbers: Vec<u64>,
    malformed: Vec<Malformed>,
    /// Of the values that wait.
    bytes: usize,
}

/// The run has failed elsewhere and nobody reads any more.
pub(super) struct Gone;

impl<'a> TextBatch<'a> {
    pub fn new(sender: &'a Sender, origin: &str, schema: &SchemaRef, wanted: &'a [bool]) -> Self {
        let columns = schema.fields().iter().map(|_| StringBuilder::new()).collect();
        Self {
            sender,
            origin: Arc::from(origin),
            schema: schema.clone(),
            wanted,
            columns,
            numbers: Vec::new(),
            malformed: Vec::new(),
            bytes: 0,
        }
    }

    /// Appends one record; `values` gives one value a column, in the schema's order.
    pub fn push<'v>(&mut self, number: u64, values: impl Iterator<Item = Option<&'v str>>) -> Result<(), Gone> {
        for ((column, wanted), value) in self.columns.iter_mut().zip(self.wanted).zip(values) {
            let value = value.filter(|_| *wanted);
            self.bytes += value.map_or(0, str::len);
            column.append_option(value);
        }
        self.numbers.push(number);
        if self.numbers.len() >= BATCH_ROWS || self.bytes >= BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    pub fn malformed(&mut self, number: u64, raw: String, reason: String) -> Result<(), Gone> {
        self.malformed.push(Malformed { number, raw, reason });
        if self.malformed.len() >= BATCH_ROWS { self.flush() } else { Ok(()) }
    }

    /// Sends what has been collected.
    pub fn flush(&mut self) -> Result<(), Gone> {
        if self.numbers.is_empty() && self.malformed.is_empty() {
            return Ok(());
        }
        self.bytes = 0;
        let columns: Vec<ArrayRef> = self.columns.iter_mut().map(|c| Arc::new(c.finish()) as ArrayRef).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.numbers.len()));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options);
        let message = match batch {
            Ok(batch) => Ok(Records {
                origin: Arc::clone(&self.origin),
                batch,
                numbers: std::mem::take(&mut self.numbers),
                malformed: std::mem::take(&mut self.malformed),
            }),
            Err(e) => Err(Error::Read { origin: self.origin.to_string(), detail: e.to_string() }),
        };
        self.sender.blocking_send(message).map_err(|_| Gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_comes_twice() {
        let names = |names: &[&str]| distinct(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(names(&["a", "", "b", "a", ""]), ["a (1)", "column_2", "b", "a (2)", "column_5"]);
        // Nor does a made one equal one of the source's own.
        assert_eq!(names(&["", "column_1", "order_id", ""]), ["column_1 (1)", "column_1", "order_id", "column_4"]);
        assert_eq!(names(&["", "", "column_1"]), ["column_1 (1)", "column_2", "column_1"]);
        assert_eq!(names(&["a", "a", "a (1)"]), ["a (2)", "a (3)", "a (1)"]);
        assert_eq!(names(&["a (1)", "a", "a", "a (1)"]), ["a (1) (1)", "a (2)", "a (3)", "a (1) (2)"]);
        assert_eq!(names(&["", "column_1", "column_1"]), ["column_1 (1)", "column_1 (2)", "column_1 (3)"]);
    }
}
