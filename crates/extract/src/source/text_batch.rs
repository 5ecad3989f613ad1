//! Batches of text columns, built row by row.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::{BATCH_ROWS, Malformed, Records, Sender};
use crate::error::Error;

/// A schema of nullable text columns.
pub(super) fn text_schema<N: Into<String>>(names: impl IntoIterator<Item = N>) -> SchemaRef {
    Arc::new(Schema::new(names.into_iter().map(|n| Field::new(n, DataType::Utf8, true)).collect::<Vec<_>>()))
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
        }
    }

    /// Appends one record; `values` gives one value a column, in the schema's order.
    pub fn push<'v>(&mut self, number: u64, values: impl Iterator<Item = Option<&'v str>>) -> Result<(), Gone> {
        for ((column, wanted), value) in self.columns.iter_mut().zip(self.wanted).zip(values) {
            column.append_option(value.filter(|_| *wanted));
        }
        self.numbers.push(number);
        if self.numbers.len() >= BATCH_ROWS { self.flush() } else { Ok(()) }
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
