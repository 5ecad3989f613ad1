//! CSV: any delimiter, quote and encoding; a record that does not fit the header is set aside, not the end of the run.

mod astray;

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::rc::Rc;

use arrow::datatypes::{FieldRef, SchemaRef};
use config::{Compression, Csv, Encoding};
use csv::{ByteRecord, Reader, ReaderBuilder};
use encoding_rs_io::DecodeReaderBytesBuilder;
use tokio::runtime::Handle;

use super::files::{self, FileRef};
use super::head::{Head, union};
use super::text_batch::{Gone, TextBatch, distinct, text_schema};
use super::{Opened, Reading, Sender, blocking};
use crate::error::Error;
use astray::takes_in_records;

/// Bytes at the beginning of a file whose encoding is looked at.
const LOOKED_AT: u64 = 65_536;
/// Characters of a malformed record that are kept.
const RAW_SHOWN: usize = 500;
/// Follows the file's text. It comes back as a record of its own, unless a quote is open: without it the reader takes
/// everything behind such a quote as one value, and the lines in it would be lost without a word.
const END: &[u8] = b"\n\0";

pub(super) async fn open(files: Vec<FileRef>, csv: Csv, compression: Compression, reading: &Reading) -> Result<Opened, Error> {
    let origin = files.first().map(|f| f.origin.clone()).unwrap_or_default();
    let handle = Handle::current();
    let limits = &reading.limits;
    let table = Table { csv, compression, record_bytes: limits.record_bytes as u64, expansion: limits.expansion };
    let (looking, looker, looked_at) = (table.clone(), handle.clone(), files.clone());
    let look =
        move || looked_at.iter().map(|file| Ok(Head::of(file, looking.open(file, &looker)?.names))).collect::<Result<_, _>>();
    let heads: Vec<Head> =
        tokio::task::spawn_blocking(look).await.map_err(|e| Error::Read { origin: origin.clone(), detail: e.to_string() })??;
    let schema = text_schema(union(&heads));
    let columns = schema.clone();
    let opened = Opened::new(origin, schema, move |wanted| {
        blocking(move |sender| files.iter().try_for_each(|file| table.read(file, &handle, &columns, &wanted, sender)))
    });
    Ok(opened.with_files(heads))
}

#[derive(Clone)]
struct Table {
    csv: Csv,
    compression: Compression,
    record_bytes: u64,
    expansion: u64,
}

struct OpenTable {
    reader: Reader<RecordGuard<Box<dyn Read + Send>>>,
    names: Vec<String>,
    /// Bytes read since the last record was complete.
    pending: Rc<Cell<u64>>,
    /// Whether the text comes from a decoder, which writes U+FFFD for what it cannot read.
    decoded: bool,
}

impl Table {
    fn open(&self, file: &FileRef, handle: &Handle) -> Result<OpenTable, Error> {
        let mut bytes = files::reader(file, self.compression, self.expansion, handle)?;
        let mut start = Vec::new();
        let looked = bytes.by_ref().take(LOOKED_AT).read_to_end(&mut start);
        looked.map_err(|e| files::broken(file, self.compression, "the header", &e))?;
        // A mark of utf-8 or utf-16 goes before what the pipeline file says.
        let decoded = self.csv.encoding != Encoding::Utf8 || start.starts_with(b"\xFF\xFE") || start.starts_with(b"\xFE\xFF");
        if self.csv.encoding == Encoding::Cp1252 && is_utf8(&start) {
            let detail = "its text is utf-8, and read as cp1252 an ü would become Ã¼\n  help: leave `encoding: cp1252` out; files that are \
                          not all of one encoding are made so, or read by two pipelines";
            return Err(Error::Read { origin: file.origin.clone(), detail: detail.to_owned() });
        }
        let bytes = Cursor::new(start).chain(bytes);
        let text: Box<dyn Read + Send> = match self.csv.encoding {
            // Bytes pass as they are, so that a record that is not UTF-8 can be told from one that is.
            Encoding::Utf8 => {
                Box::new(DecodeReaderBytesBuilder::new().utf8_passthru(true).strip_bom(true).bom_override(true).build(bytes))
            }
            Encoding::Cp1252 => Box::new(
                DecodeReaderBytesBuilder::new().encoding(Some(encoding_rs::WINDOWS_1252)).bom_override(true).build(bytes),
            ),
            Encoding::Utf16 => {
                Box::new(DecodeReaderBytesBuilder::new().encoding(Some(encoding_rs::UTF_16LE)).bom_override(true).build(bytes))
            }
        };
        let pending = Rc::new(Cell::new(0));
        let mut text = BufReader::new(text);
        for _ in 0..self.csv.skip {
            let skipped = text.skip_until(b'\n');
            skipped.map_err(|e| files::broken(file, self.compression, "the lines above the header", &e))?;
        }
        let text: Box<dyn Read + Send> = Box::new(text.chain(END));
        let guard = RecordGuard { inner: text, pending: Rc::clone(&pending), limit: self.record_bytes };
        let mut reader = ReaderBuilder::new()
            .delimiter(self.csv.delimiter)
            .quote(self.csv.quote)
            .has_headers(self.csv.header)
            .flexible(true)
            .from_reader(guard);
        let first = reader.byte_headers().map_err(|e| self.failed(file, 0, &e))?;
        pending.set(0);
        if is_end(first) {
            let detail = "the file is empty\n  help: was it written whole? one without records has its header at least";
            return Err(Error::Read { origin: file.origin.clone(), detail: detail.to_owned() });
        }
        let names = if self.csv.header {
            distinct(&first.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect::<Vec<_>>())
        } else {
            (1..=first.len()).map(|n| format!("column_{n}")).collect()
        };
        Ok(OpenTable { reader, names, pending, decoded })
    }

    fn read(&self, file: &FileRef, handle: &Handle, schema: &SchemaRef, wanted: &[bool], sender: &Sender) -> Result<(), Error> {
        let mut table = self.open(file, handle)?;
        // Each file orders its columns as it likes, and may lack those that it was allowed to.
        let found = |field: &FieldRef| table.names.iter().position(|n| n == field.name()).unwrap_or(usize::MAX);
        let places: Vec<usize> = schema.fields().iter().map(found).collect();
        let mut batch = TextBatch::new(sender, &file.origin, schema, wanted);
        let mut record = ByteRecord::new();
        // Of the last record, and of the first one in it.
        let (mut number, mut began) = (0, 0);
        loop {
            let more = table.reader.read_byte_record(&mut record).map_err(|e| self.failed(file, number + 1, &e))?;
            table.pending.set(0);
            if !more {
                return Err(self.unclosed(file, began));
            }
            if is_end(&record) {
                // A file may hold the marker itself; to stop there would lose what follows without a word.
                if table.reader.read_byte_record(&mut record).map_err(|e| self.failed(file, number + 1, &e))? {
                    let detail = format!("{} is a NUL byte alone, which no table holds", place(number + 1));
                    return Err(Error::Read { origin: file.origin.clone(), detail });
                }
                // Whoever stopped reading has the error.
                let _ = batch.flush();
                return handle.block_on(files::same(file));
            }
            began = number + 1;
            let pushed = if takes_in_records(&record, self.csv.delimiter, table.names.len()) {
                self.set_aside(&mut batch, number, &record, table.names.len())
            } else {
                self.push(&mut batch, began, &record, &places, &table).map(|()| began)
            };
            let Ok(last) = pushed else { return Ok(()) };
            number = last;
        }
    }

    fn push(
        &self,
        batch: &mut TextBatch<'_>,
        number: u64,
        record: &ByteRecord,
        places: &[usize],
        table: &OpenTable,
    ) -> Result<(), Gone> {
        let width = table.names.len();
        if record.len() != width {
            let reason = format!("has {} fields where the table has {width}", record.len());
            return batch.malformed(number, shown(record), reason);
        }
        if record.as_slice().contains(&0) {
            let reason = "holds a NUL byte, as a file does that was not written whole, or whose encoding is utf-16".to_owned();
            return batch.malformed(number, shown(record), reason);
        }
        let is_text = |field: &[u8]| {
            let replaced = table.decoded && field.windows(3).any(|w| w == "\u{FFFD}".as_bytes());
            !replaced && std::str::from_utf8(field).is_ok()
        };
        if !record.iter().all(is_text) {
            return batch.malformed(
                number,
                shown(record),
                "is not valid in the file's encoding (see `csv: {encoding: …}`)".to_owned(),
            );
        }
        let values = places.iter().map(|place| {
            let value = record.get(*place).and_then(|field| std::str::from_utf8(field).ok())?;
            (!value.is_empty() && !self.csv.null_values.iter().any(|n| n == value)).then_some(value)
        });
        batch.push(number, values)
    }

    /// Sets aside each of the records that one takes in: all are lost, so the book and the limits of rejects count all of them.
    /// `before` is the number of the record before the first; the number of the last comes back.
    fn set_aside(&self, batch: &mut TextBatch<'_>, before: u64, record: &ByteRecord, width: usize) -> Result<u64, Gone> {
        let text = astray::text(record, self.csv.delimiter);
        let records = || astray::records(&text, self.csv.delimiter, width);
        let count = records().count() as u64;
        let (first, last) = (before + 1, before + count);
        let reason =
            format!("is taken in by a quote that stands there by mistake, as are all {count} records from {first} to {last}");
        for (number, one) in (first..).zip(records()) {
            let raw = String::from_utf8_lossy(one.trim_ascii_end()).chars().take(RAW_SHOWN).collect();
            batch.malformed(number, raw, reason.clone())?;
        }
        Ok(last)
    }

    /// `number` is 0 for the header.
    fn failed(&self, file: &FileRef, number: u64, error: &csv::Error) -> Error {
        let place = place(number);
        match error.kind() {
            csv::ErrorKind::Io(e) if e.kind() == io::ErrorKind::FileTooLarge => Error::Limit {
                origin: file.origin.clone(),
                key: "record_bytes",
                detail: format!(
                    "{place} is longer than {} bytes; a quote that is never closed looks like this",
                    self.record_bytes
                ),
            },
            csv::ErrorKind::Io(e) => files::broken(file, self.compression, &place, e),
            _ => Error::Read { origin: file.origin.clone(), detail: format!("{place}: {error}") },
        }
    }

    fn unclosed(&self, file: &FileRef, number: u64) -> Error {
        let (quote, place) = (char::from(self.csv.quote), place(number));
        let detail = format!(
            "a quote {quote} that opens in {place} is never closed, so it takes in the rest of the file\n  \
             help: mend the file or fetch it again; if the character is no quote there, set `csv: {{quote: …}}` to one that does not occur"
        );
        Error::Read { origin: file.origin.clone(), detail }
    }
}

fn place(number: u64) -> String {
    if number == 0 { "the header".to_owned() } else { format!("record {number}") }
}

/// Whether the bytes hold letters beyond ASCII, and all of them as utf-8 writes them: other encodings do not come to that by chance.
fn is_utf8(bytes: &[u8]) -> bool {
    // The last character may be cut.
    let is_whole = std::str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true);
    !bytes.is_ascii() && is_whole && !bytes.starts_with(b"\xEF\xBB\xBF")
}

fn is_end(record: &ByteRecord) -> bool {
    record.len() == 1 && record.get(0) == Some(b"\0")
}

fn shown(record: &ByteRecord) -> String {
    let fields: Vec<_> = record.iter().map(String::from_utf8_lossy).collect();
    fields.join(",").chars().take(RAW_SHOWN).collect()
}

/// Ends the reading when one record swallows more than the limit.
struct RecordGuard<R> {
    inner: R,
    pending: Rc<Cell<u64>>,
    limit: u64,
}

impl<R: Read> Read for RecordGuard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.pending.get() > self.limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let size = self.inner.read(buffer)?;
        self.pending.set(self.pending.get() + size as u64);
        Ok(size)
    }
}
