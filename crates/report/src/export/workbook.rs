//! Workbooks of one sheet, written row by row.

use std::path::Path;

use arrow::record_batch::RecordBatch;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};
use tempfile::NamedTempFile;

use crate::Error;
use crate::export::value::{Kind, Value, decimal};
use crate::export::{SHEET_ROWS, Sheet};

/// A spreadsheet holds so many digits of a number: below this, every whole number is itself.
const DIGITS: u128 = 1_000_000_000_000_000;

/// The format names the moment of its making; ours says none, so that the same rows give the same bytes.
const MADE_ON: (u16, u8, u8) = (2000, 1, 1);

/// Writes header and rows: the header stays in sight, and columns have a width.
pub(super) fn write(
    sheet: &Sheet,
    batches: impl Iterator<Item = Result<RecordBatch, Error>>,
    file: &NamedTempFile,
    to: &Path,
) -> Result<(), Error> {
    if sheet.rows > SHEET_ROWS {
        return Err(Error::TooManyRows { table: sheet.name.clone(), rows: sheet.rows, most: SHEET_ROWS });
    }
    let wrong = |source| Error::Workbook { path: to.to_path_buf(), source };
    let kinds = sheet.kinds()?;
    let mut workbook = Workbook::new();
    let (year, month, day) = MADE_ON;
    let made = ExcelDateTime::from_ymd(year, month, day).map_err(wrong)?;
    workbook.set_properties(&DocProperties::new().set_creation_datetime(&made));
    if let Some(folder) = file.path().parent() {
        workbook.set_tempdir(folder).map_err(wrong)?;
    }
    let page = workbook.add_worksheet_with_constant_memory().map_err(wrong)?;
    header(sheet, &kinds, page).map_err(wrong)?;
    let looks: Vec<Format> = kinds.iter().map(|kind| look(*kind)).collect();
    let mut line = 0;
    for batch in batches {
        let batch = batch?;
        for row in 0..batch.num_rows() {
            line += 1;
            for (at, (column, (kind, look))) in (0..).zip(batch.columns().iter().zip(kinds.iter().zip(&looks))) {
                if let Some(value) = kind.value(column, row) {
                    cell(page, (line, at), *kind, &value, look).map_err(wrong)?;
                }
            }
        }
    }
    workbook.save(file.path()).map_err(wrong)
}

fn header(sheet: &Sheet, kinds: &[Kind], page: &mut Worksheet) -> Result<(), XlsxError> {
    page.set_name(sheet.name.chars().take(31).collect::<String>())?.set_freeze_panes(1, 0)?;
    let last = u16::try_from(kinds.len().saturating_sub(1)).unwrap_or(u16::MAX);
    page.autofilter(0, 0, u32::try_from(sheet.rows).unwrap_or(u32::MAX), last)?;
    let bold = Format::new().set_bold();
    for (at, (field, kind)) in (0..).zip(sheet.schema.fields().iter().zip(kinds)) {
        page.set_column_width(at, width(field.name(), *kind))?;
        page.write_string_with_format(0, at, field.name(), &bold)?;
    }
    Ok(())
}

/// Room for the header with its arrow, and for a usual value.
fn width(name: &str, kind: Kind) -> f64 {
    let value = match kind {
        Kind::Key | Kind::Time => 21,
        Kind::Text => 24,
        Kind::Decimal { .. } => 16,
        Kind::Number => 13,
        Kind::Day => 12,
        Kind::Whole | Kind::Flag => 9,
    };
    f64::from(u32::try_from(name.chars().count() + 4).unwrap_or(255).max(value).min(255))
}

fn look(kind: Kind) -> Format {
    match kind {
        Kind::Decimal { places: 0 } => Format::new().set_num_format("#,##0"),
        Kind::Decimal { places } => Format::new().set_num_format(format!("#,##0.{}", "0".repeat(places))),
        Kind::Day => Format::new().set_num_format("yyyy-mm-dd"),
        Kind::Time => Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"),
        _ => Format::new(),
    }
}

fn cell(page: &mut Worksheet, (line, at): (u32, u16), kind: Kind, value: &Value<'_>, look: &Format) -> Result<(), XlsxError> {
    match value {
        Value::Text(text) => page.write_string(line, at, *text)?,
        Value::Whole(number) if kind == Kind::Key || u128::from(number.unsigned_abs()) >= DIGITS => {
            page.write_string(line, at, number.to_string())?
        }
        Value::Whole(number) => page.write_number(line, at, float((*number).into(), 0))?,
        Value::Decimal(units, places) if units.unsigned_abs() >= DIGITS => {
            page.write_string(line, at, decimal(*units, *places))?
        }
        Value::Decimal(units, places) => page.write_number_with_format(line, at, float(*units, *places), look)?,
        Value::Number(number) => page.write_number(line, at, *number)?,
        Value::Day(day) => page.write_datetime_with_format(line, at, day, look)?,
        Value::Time(time) => page.write_datetime_with_format(line, at, time, look)?,
        Value::Flag(flag) => page.write_boolean(line, at, *flag)?,
    };
    Ok(())
}

/// The float nearest to a decimal of at most fifteen digits, which a spreadsheet shows as that decimal.
fn float(units: i128, places: usize) -> f64 {
    decimal(units, places).parse().unwrap_or(f64::NAN)
}
