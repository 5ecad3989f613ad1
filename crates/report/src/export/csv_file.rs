//! CSV by RFC 4180.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use arrow::record_batch::RecordBatch;
use csv::{Terminator, WriterBuilder};

use crate::Error;
use crate::export::Sheet;
use crate::export::value::{Value, decimal};

/// Writes header and rows. NULL is an empty cell.
pub(super) fn write(
    sheet: &Sheet,
    batches: impl Iterator<Item = Result<RecordBatch, Error>>,
    file: &mut File,
    to: &Path,
    byte_order_mark: bool,
) -> Result<(), Error> {
    let wrong = |source| Error::Csv { path: to.to_path_buf(), source };
    let broken = |source| Error::Write { path: to.to_path_buf(), source };
    let mut file = BufWriter::new(file);
    if byte_order_mark {
        file.write_all("\u{feff}".as_bytes()).map_err(broken)?;
    }
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(file);
    writer.write_record(sheet.schema.fields().iter().map(|f| f.name())).map_err(wrong)?;
    let kinds = sheet.kinds()?;
    for batch in batches {
        let batch = batch?;
        for row in 0..batch.num_rows() {
            for (kind, column) in kinds.iter().zip(batch.columns()) {
                writer.write_field(kind.value(column, row).map_or(Cow::Borrowed(""), text).as_bytes()).map_err(wrong)?;
            }
            writer.write_record(None::<&[u8]>).map_err(wrong)?;
        }
    }
    writer.flush().map_err(broken)
}

fn text(value: Value<'_>) -> Cow<'_, str> {
    match value {
        Value::Text(text) => harmless(text),
        Value::Whole(number) => number.to_string().into(),
        Value::Decimal(units, places) => decimal(units, places).into(),
        Value::Number(number) => format!("{number:?}").into(),
        Value::Day(day) => day.format("%Y-%m-%d").to_string().into(),
        Value::Time(time) => time.format("%Y-%m-%d %H:%M:%S%.f").to_string().into(),
        Value::Flag(flag) => if flag { "true" } else { "false" }.into(),
    }
}

/// What makes a spreadsheet calculate; the last four, of full width, do so where Chinese or Japanese is written.
const BEGINNINGS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// Text that a spreadsheet would calculate gets an apostrophe before it, which spreadsheets take for the mark of text. Some
/// drop the spaces before it first.
fn harmless(text: &str) -> Cow<'_, str> {
    if text.trim_start_matches(' ').starts_with(BEGINNINGS) { format!("'{text}").into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_would_be_calculated_is_marked() {
        for bad in ["=1+1", "+41 44", "-5", "@SUM(A1)", "\tx", "\r=x", "  =1+1", "＝1", "＋1", "－1", "＠x"] {
            assert_eq!(harmless(bad), format!("'{bad}"));
        }
        for good in ["", " ", "a=b", " a", "O'Brien", "5-4", "\u{1f600}"] {
            assert_eq!(harmless(good), good);
        }
    }
}
