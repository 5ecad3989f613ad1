//! Workbooks: one sheet, whose first row with a value names the columns; every value as text. A record's number is its row.
//!
//! Excel keeps numbers as floats and shows 15 digits of them, and those are the number that was meant: 0.1 + 0.2 is 0.3 here as
//! it is there, and money is exact to the cent. A formula counts with the value that was saved with it. Of merged cells the first
//! holds the value and the others none.

use std::io::{BufReader, Cursor, Read, Seek};

use arrow::datatypes::{FieldRef, SchemaRef};
use calamine::{DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsx};
use object_store::{GetResultPayload, ObjectStoreExt};
use tokio::runtime::Handle;
use zip::ZipArchive;

use super::files::{self, FileRef};
use super::head::{Head, union};
use super::text_batch::{TextBatch, distinct, text_schema};
use super::unpacked::{self, Unpacked};
use super::{Opened, Reading, Sender, blocking};
use crate::error::Error;

/// Days of Excel's calendar that are days of ours: from 1900-03-01, because it has a 29 February 1900, to 9999-12-31.
const DAYS: std::ops::Range<f64> = 61.0..2_958_466.0;
/// Columns of a sheet, the last of which is XFD.
const COLUMNS: u32 = 16_384;

trait Seekable: Read + Seek + Send {}
impl<T: Read + Seek + Send> Seekable for T {}

type Workbook = Xlsx<BufReader<Box<dyn Seekable>>>;

/// What a cell holds.
#[derive(Debug, Clone, PartialEq)]
enum Held {
    Nothing,
    Text(String),
    /// Something that is no value, and what.
    Fault(String),
}

impl Held {
    fn bytes(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Text(text) | Self::Fault(text) => text.len(),
        }
    }
}

#[derive(Clone)]
struct Book {
    sheet: Option<String>,
    /// Rows above the one that names the columns.
    skip: u32,
    expansion: u64,
    record_bytes: usize,
    handle: Handle,
}

pub(super) async fn open(files: Vec<FileRef>, sheet: Option<String>, skip: u32, reading: &Reading) -> Result<Opened, Error> {
    let origin = files.first().map(|f| f.origin.clone()).unwrap_or_default();
    let book = Book {
        sheet,
        skip,
        expansion: reading.limits.expansion,
        record_bytes: reading.limits.record_bytes,
        handle: Handle::current(),
    };
    let (looking, looked_at) = (book.clone(), files.clone());
    let look = move || looked_at.iter().map(|file| Ok(Head::of(file, looking.names(file)?))).collect::<Result<_, _>>();
    let heads: Vec<Head> = tokio::task::spawn_blocking(look)
        .await
        .map_err(|e| Error::Read { origin: origin.clone(), detail: format!("it is damaged: {e}") })??;
    let schema = text_schema(union(&heads));
    let columns = schema.clone();
    let opened = Opened::new(origin, schema, move |wanted| {
        blocking(move |sender| {
            files.iter().try_for_each(|file| {
                book.read(file, &columns, &wanted, sender)?;
                book.handle.block_on(files::same(file))
            })
        })
    });
    Ok(opened.with_files(heads))
}

fn unread(file: &FileRef, error: &object_store::Error) -> Error {
    failed(file, files::told(&file.origin, error))
}

fn failed(file: &FileRef, detail: impl Into<String>) -> Error {
    Error::Read { origin: file.origin.clone(), detail: detail.into() }
}

fn damaged(file: &FileRef, error: &dyn std::error::Error) -> Error {
    failed(file, format!("{error}\n  help: the file was cut off or damaged, or is no workbook of .xlsx (see `format:`)"))
}

impl Book {
    fn open(&self, file: &FileRef) -> Result<(Workbook, String), Error> {
        self.measure(file)?;
        let workbook: Workbook = Xlsx::new(BufReader::new(self.bytes(file)?)).map_err(|e| damaged(file, &e))?;
        let sheets = workbook.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
        let named = |sheet: &&calamine::Sheet| match &self.sheet {
            Some(name) => sheet.name == *name,
            None => sheet.visible == SheetVisible::Visible,
        };
        if let Some(sheet) = sheets.clone().find(named) {
            let name = sheet.name.clone();
            return Ok((workbook, name));
        }
        let there: Vec<String> = sheets.map(|sheet| format!("`{}`", sheet.name)).collect();
        let wanted = self.sheet.as_ref().map_or("sheet that is not hidden".to_owned(), |name| format!("sheet `{name}`"));
        Err(failed(file, format!("it has no {wanted}\n  help: its sheets are {}", there.join(", "))))
    }

    /// A local file as it lies there, one of a store as bytes in memory.
    fn bytes(&self, file: &FileRef) -> Result<Box<dyn Seekable>, Error> {
        let got = self.handle.block_on(file.store.get(&file.meta.location)).map_err(|e| unread(file, &e))?;
        match got.payload {
            GetResultPayload::File(local, _) => Ok(Box::new(local)),
            GetResultPayload::Stream(_) => {
                let bytes = self.handle.block_on(got.bytes()).map_err(|e| unread(file, &e))?;
                Ok(Box::new(Cursor::new(bytes)))
            }
        }
    }

    /// That the parts unpack to no more than they may: the library reads some of them whole.
    fn measure(&self, file: &FileRef) -> Result<(), Error> {
        let mut archive = ZipArchive::new(BufReader::new(self.bytes(file)?)).map_err(|e| damaged(file, &e))?;
        let limit = unpacked::limit(file.meta.size, self.expansion);
        let mut left = limit;
        for place in 0..archive.len() {
            let part = archive.by_index(place).map_err(|e| damaged(file, &e))?;
            // What the archive says of its parts' sizes need not be so.
            let copied = std::io::copy(&mut Unpacked::new(part, left), &mut std::io::sink());
            left = left.saturating_sub(copied.map_err(|e| match e.get_ref() {
                Some(over) if over.is::<unpacked::Overgrown>() => {
                    let detail = format!("{} bytes unpack to more than {limit}", file.meta.size);
                    Error::Limit { origin: file.origin.clone(), key: "expansion", detail }
                }
                _ => damaged(file, &e),
            })?);
        }
        Ok(())
    }

    fn names(&self, file: &FileRef) -> Result<Vec<String>, Error> {
        let (mut workbook, sheet) = self.open(file)?;
        let mut rows = Rows::open(&mut workbook, &sheet, file)?;
        rows.header(self.skip)
    }

    fn read(&self, file: &FileRef, schema: &SchemaRef, wanted: &[bool], sender: &Sender) -> Result<(), Error> {
        let (mut workbook, sheet) = self.open(file)?;
        let mut rows = Rows::open(&mut workbook, &sheet, file)?;
        let names = rows.header(self.skip)?;
        let place = |field: &FieldRef| names.iter().position(|n| n == field.name()).unwrap_or(usize::MAX);
        let places: Vec<usize> = schema.fields().iter().map(place).collect();
        let mut batch = TextBatch::new(sender, &file.origin, schema, wanted);
        while let Some((number, cells)) = rows.next_row()? {
            if cells.iter().map(Held::bytes).sum::<usize>() > self.record_bytes {
                let detail = format!("record {number} is longer than {} bytes", self.record_bytes);
                return Err(Error::Limit { origin: file.origin.clone(), key: "record_bytes", detail });
            }
            let fault = places.iter().zip(wanted).zip(schema.fields()).find_map(|((place, wanted), field)| {
                match cells.get(*place).filter(|_| *wanted)? {
                    Held::Fault(fault) => Some(format!("holds {fault} in `{}`", field.name())),
                    _ => None,
                }
            });
            let value = |place: &usize| match cells.get(*place) {
                Some(Held::Text(text)) if !text.is_empty() => Some(text.as_str()),
                _ => None,
            };
            let pushed = match fault {
                Some(fault) => batch.malformed(number, shown(&cells), fault),
                None => batch.push(number, places.iter().map(value)),
            };
            if pushed.is_err() {
                return Ok(());
            }
        }
        // Whoever stopped reading has the error.
        let _ = batch.flush();
        Ok(())
    }
}

fn shown(cells: &[Held]) -> String {
    let text = |held: &Held| match held {
        Held::Nothing => String::new(),
        Held::Text(text) | Held::Fault(text) => text.clone(),
    };
    cells.iter().map(text).collect::<Vec<_>>().join(",").chars().take(500).collect()
}

/// The rows of a sheet that hold anything, with their numbers.
struct Rows<'w> {
    file: &'w FileRef,
    sheet: &'w str,
    cells: calamine::XlsxCellReader<'w, BufReader<Box<dyn Seekable>>>,
    /// The first cell of the next row.
    next: Option<(u32, u32, Held)>,
    /// Behind the last cell the library reads on, into what is no cell.
    ended: bool,
}

impl<'w> Rows<'w> {
    fn open(workbook: &'w mut Workbook, sheet: &'w str, file: &'w FileRef) -> Result<Self, Error> {
        let cells = workbook.worksheet_cells_reader(sheet).map_err(|e| damaged(file, &e))?;
        Ok(Self { file, sheet, cells, next: None, ended: false })
    }

    fn header(&mut self, skip: u32) -> Result<Vec<String>, Error> {
        let cells = loop {
            match self.next_row()? {
                Some((row, _)) if row <= u64::from(skip) => {}
                Some((_, cells)) => break cells,
                None => return Err(failed(self.file, format!("sheet `{}` is empty", self.sheet))),
            }
        };
        let names = cells.into_iter().map(|held| match held {
            Held::Text(text) => text.trim().to_owned(),
            Held::Nothing | Held::Fault(_) => String::new(),
        });
        Ok(distinct(&names.collect::<Vec<_>>()))
    }

    fn next_row(&mut self) -> Result<Option<(u64, Vec<Held>)>, Error> {
        let Some((row, column, held)) = self.next.take().map_or_else(|| self.next_cell(), |cell| Ok(Some(cell)))? else {
            return Ok(None);
        };
        let mut cells = Vec::new();
        put(&mut cells, column, held);
        while let Some((other, column, held)) = self.next_cell()? {
            if other < row {
                return Err(failed(
                    self.file,
                    format!("row {} of sheet `{}` comes behind row {}", other + 1, self.sheet, row + 1),
                ));
            }
            if other > row {
                self.next = Some((other, column, held));
                break;
            }
            put(&mut cells, column, held);
        }
        Ok(Some((u64::from(row) + 1, cells)))
    }

    /// The next cell that holds anything.
    fn next_cell(&mut self) -> Result<Option<(u32, u32, Held)>, Error> {
        while !self.ended {
            let Some(cell) = self.cells.next_cell_with_formula_metadata().map_err(|e| damaged(self.file, &e))? else {
                self.ended = true;
                break;
            };
            let held = match cell.value {
                DataRef::Empty if cell.formula.is_some() => Held::Fault("a formula without a value".to_owned()),
                value => text(value),
            };
            let (row, column) = cell.pos;
            if column >= COLUMNS {
                let detail =
                    format!("row {} of sheet `{}` has a cell beyond the last column of a sheet", u64::from(row) + 1, self.sheet);
                return Err(failed(self.file, format!("{detail}\n  help: the file was damaged, or no spreadsheet wrote it")));
            }
            if held != Held::Nothing {
                return Ok(Some((row, column, held)));
            }
        }
        Ok(None)
    }
}

fn put(cells: &mut Vec<Held>, column: u32, held: Held) {
    let place = column as usize;
    if cells.len() <= place {
        cells.resize(place + 1, Held::Nothing);
    }
    if let Some(cell) = cells.get_mut(place) {
        *cell = if *cell == Held::Nothing { held } else { Held::Fault("two values".to_owned()) };
    }
}

fn text(value: DataRef<'_>) -> Held {
    Held::Text(match value {
        DataRef::Empty | DataRef::SharedString("") => return Held::Nothing,
        DataRef::String(text) if text.is_empty() => return Held::Nothing,
        DataRef::Error(error) => return Held::Fault(error.to_string()),
        DataRef::Int(n) => n.to_string(),
        DataRef::Float(x) => digits(x),
        DataRef::Bool(flag) => flag.to_string(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text,
        DataRef::SharedString(text) => text.to_owned(),
        DataRef::DateTime(moment) => day_and_time(moment),
    })
}

/// A number as Excel shows it: 15 digits, and what follows is the float's and not the person's.
fn digits(value: f64) -> String {
    format!("{value:.14e}").parse::<f64>().map_or_else(|_| value.to_string(), |shown| shown.to_string())
}

/// What lies outside the calendar, and a time without a day, stays the number it is, which no column takes for a date.
fn day_and_time(moment: ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, milli) = moment.to_ymd_hms_milli();
    if moment.is_duration() || year < 1900 || !DAYS.contains(&moment.as_f64()) {
        return digits(moment.as_f64());
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    if (hour, minute, second, milli) == (0, 0, 0, 0) {
        return date;
    }
    format!("{date}T{hour:02}:{minute:02}:{second:02}.{milli:03}")
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType;

    use super::*;

    #[test]
    fn numbers_are_what_excel_shows() {
        for (value, shown) in [
            (0.1 + 0.2, "0.3"),
            (3.0 * 13.206_666_666_666_666, "39.62"),
            (1234.5, "1234.5"),
            (-0.285, "-0.285"),
            (99_999_999_999.99, "99999999999.99"),
            (1e21, "1000000000000000000000"),
        ] {
            assert_eq!(digits(value), shown);
        }
    }

    #[test]
    fn days_are_days_and_the_rest_is_none() {
        let told = |value, kind, is_1904| day_and_time(ExcelDateTime::new(value, kind, is_1904));
        assert_eq!(told(45_293.0, ExcelDateTimeType::DateTime, false), "2024-01-02");
        assert_eq!(told(43_831.0, ExcelDateTimeType::DateTime, true), "2024-01-02");
        assert_eq!(told(45_293.562_5, ExcelDateTimeType::DateTime, false), "2024-01-02T13:30:00.000");
        assert_eq!(told(0.562_5, ExcelDateTimeType::DateTime, false), "0.5625");
        assert_eq!(told(60.0, ExcelDateTimeType::DateTime, false), "60");
        assert_eq!(told(3_000_000.0, ExcelDateTimeType::DateTime, false), "3000000");
        assert_eq!(told(1.5, ExcelDateTimeType::TimeDelta, false), "1.5");
    }
}
