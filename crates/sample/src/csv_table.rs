//! Writes cells as CSV.

use std::fs::File;
use std::io::Write as _;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike};
use csv::Writer;

use crate::cell::{Cell, Column, push_cents};
use crate::error::Cause;

/// Large enough that the writes of a CSV cost little beside its formatting.
const BUFFER: usize = 1 << 18;

pub(crate) struct CsvTable {
    writer: Writer<File>,
    /// The field being written, kept for its allocation.
    field: Vec<u8>,
}

impl CsvTable {
    pub(crate) fn new(file: File, columns: &[Column]) -> Result<Self, Cause> {
        let mut writer = csv::WriterBuilder::new().buffer_capacity(BUFFER).from_writer(file);
        writer.write_record(columns.iter().map(|column| column.name))?;
        Ok(Self { writer, field: Vec::new() })
    }

    pub(crate) fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), Cause> {
        for &cell in cells {
            self.cell(cell)?;
        }
        self.writer.write_record(None::<&[u8]>)?;
        Ok(())
    }

    fn cell(&mut self, cell: Cell<'_>) -> Result<(), Cause> {
        let field = &mut self.field;
        field.clear();
        match cell {
            Cell::Null => {}
            Cell::Whole(number) => write!(field, "{number}")?,
            Cell::Small(number) => write!(field, "{number}")?,
            Cell::Text(text) => field.extend_from_slice(text.as_bytes()),
            Cell::Raw(bytes) => field.extend_from_slice(bytes),
            Cell::Cents(cents) => push_cents(field, cents)?,
            Cell::Date(day) => push_date(field, date(day)?)?,
            Cell::Time(micros) => push_time(field, moment(micros)?)?,
        }
        self.writer.write_field(&self.field)?;
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<(), Cause> {
        self.writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
        Ok(())
    }
}

fn date(unix_day: i32) -> Result<NaiveDate, Cause> {
    NaiveDate::from_epoch_days(unix_day).ok_or_else(|| "a day is outside the calendar".into())
}

fn moment(unix_micros: i64) -> Result<NaiveDateTime, Cause> {
    let moment = DateTime::from_timestamp_micros(unix_micros).ok_or("a moment is outside the calendar")?;
    Ok(moment.naive_utc())
}

fn push_date(field: &mut Vec<u8>, date: NaiveDate) -> std::io::Result<()> {
    write!(field, "{:04}-", date.year())?;
    push_two(field, date.month());
    field.push(b'-');
    push_two(field, date.day());
    Ok(())
}

fn push_time(field: &mut Vec<u8>, moment: NaiveDateTime) -> std::io::Result<()> {
    push_date(field, moment.date())?;
    for (mark, number) in [(b'T', moment.hour()), (b':', moment.minute()), (b':', moment.second())] {
        field.push(mark);
        push_two(field, number);
    }
    Ok(())
}

/// Two digits by hand, because the formatter is the larger part of the time a CSV takes.
fn push_two(field: &mut Vec<u8>, number: u32) {
    for digit in [number / 10 % 10, number % 10] {
        field.push(char::from_digit(digit, 10).map_or(b'0', |digit| digit as u8));
    }
}
