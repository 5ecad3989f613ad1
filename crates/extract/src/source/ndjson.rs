//! NDJSON: one object a line. Numbers keep the digits the file has, nested values stay JSON text.

use std::io::{BufRead, BufReader, Read};

use arrow::datatypes::SchemaRef;
use config::{Compression, Limits};
use tokio::runtime::Handle;

use super::files::{self, FileRef};
use super::head::Head;
use super::json_object::Object;
use super::text_batch::{Gone, TextBatch, text_schema};
use super::{Opened, Reading, Sender, blocking};
use crate::error::Error;

/// Records looked at to learn the columns. Where there are more, a name the mapping mentions counts as a column too:
/// it may stand in a later record. Where all were seen, a name that none has is a mistake and is told as one.
const RECORDS_LOOKED_AT: usize = 10_000;
/// Bytes of a malformed record that are kept.
const RAW_SHOWN: usize = 500;

/// What some programs begin a file with.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

pub(super) async fn open(files: Vec<FileRef>, compression: Compression, reading: &Reading) -> Result<Opened, Error> {
    let origin = files.first().map(|f| f.origin.clone()).unwrap_or_default();
    let handle = Handle::current();
    let limits = reading.limits.clone();
    let limit = limits.clone();
    let (looked_at, looker) = (files.clone(), handle.clone());
    let (mut names, all_seen) = tokio::task::spawn_blocking(move || names(&looked_at, compression, &looker, &limit))
        .await
        .map_err(|e| Error::Read { origin: origin.clone(), detail: e.to_string() })??;
    for mentioned in reading.mentioned.iter().filter(|_| !all_seen) {
        if !names.contains(mentioned) {
            names.push(mentioned.clone());
        }
    }
    let schema = text_schema(names);
    let columns = schema.clone();
    let heads = files.iter().map(|file| Head::of(file, Vec::new())).collect();
    let opened = Opened::new(origin, schema, move |wanted| {
        blocking(move |sender| {
            files.iter().try_for_each(|file| {
                let lines = Lines::open(file, compression, &handle, &limits)?;
                read(lines, &columns, &wanted, sender)?;
                handle.block_on(files::same(file))
            })
        })
    });
    Ok(opened.with_files(heads))
}

/// Names of the first records, and whether there are no others. A file without any may have those that the mapping mentions.
fn names(files: &[FileRef], compression: Compression, handle: &Handle, limits: &Limits) -> Result<(Vec<String>, bool), Error> {
    let mut names = Vec::new();
    let (mut seen, mut objects) = (0, 0);
    for file in files {
        let mut lines = Lines::open(file, compression, handle, limits)?;
        while let Some(line) = lines.next_line()? {
            if seen == RECORDS_LOOKED_AT {
                return Ok((names, false));
            }
            seen += 1;
            let Ok(object) = serde_json::from_slice::<Object<'_>>(line) else { continue };
            objects += 1;
            for name in object.0.into_keys() {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
    }
    if let Some(file) = files.first().filter(|_| seen > 0 && objects == 0) {
        let detail = "no line of it is a JSON object\n  help: NDJSON in UTF-8 has one object a line; an array, or an object over \
                      several lines, is none";
        return Err(Error::Read { origin: file.origin.clone(), detail: detail.to_owned() });
    }
    Ok((names, seen > 0))
}

fn read(mut lines: Lines<'_>, schema: &SchemaRef, wanted: &[bool], sender: &Sender) -> Result<(), Error> {
    let mut batch = TextBatch::new(sender, &lines.file.origin, schema, wanted);
    while let Some(line) = lines.next_line()? {
        let line = line.to_vec();
        if push(&mut batch, lines.number, &line, schema).is_err() {
            return Ok(());
        }
    }
    let _ = batch.flush();
    Ok(())
}

fn push(batch: &mut TextBatch<'_>, number: u64, line: &[u8], schema: &SchemaRef) -> Result<(), Gone> {
    let read = serde_json::from_slice::<Object<'_>>(line).map_err(|error| no_object(line, &error));
    let values = read.and_then(|object| object.texts(schema.fields().iter().map(|field| field.name().as_str())));
    match values {
        Ok(values) => batch.push(number, values.iter().map(|v| v.as_deref().filter(|v| !v.is_empty()))),
        Err(reason) => {
            let raw = String::from_utf8_lossy(line).chars().take(RAW_SHOWN).collect();
            batch.malformed(number, raw, reason)
        }
    }
}

/// What is wrong with a line. Of a broken object the parser tells where; of anything else it would tell the value itself, which
/// may be anybody's name.
fn no_object(line: &[u8], error: &serde_json::Error) -> String {
    if line.starts_with(b"{") { format!("is not a JSON object: {error}") } else { "is not a JSON object".to_owned() }
}

struct Lines<'f> {
    file: &'f FileRef,
    compression: Compression,
    reader: BufReader<Box<dyn Read + Send>>,
    line: Vec<u8>,
    number: u64,
    limit: usize,
}

impl<'f> Lines<'f> {
    fn open(file: &'f FileRef, compression: Compression, handle: &Handle, limits: &Limits) -> Result<Self, Error> {
        let reader = BufReader::new(files::reader(file, compression, limits.expansion, handle)?);
        Ok(Self { file, compression, reader, line: Vec::new(), number: 0, limit: limits.record_bytes })
    }

    /// The next line that is not blank.
    fn next_line(&mut self) -> Result<Option<&[u8]>, Error> {
        loop {
            self.line.clear();
            let limit = self.limit as u64 + 1;
            let size = self.reader.by_ref().take(limit).read_until(b'\n', &mut self.line);
            let place = format!("record {}", self.number + 1);
            let size = size.map_err(|e| files::broken(self.file, self.compression, &place, &e))?;
            if size == 0 {
                return Ok(None);
            }
            self.number += 1;
            if size > self.limit {
                let detail = format!("record {} is longer than {} bytes", self.number, self.limit);
                return Err(Error::Limit { origin: self.file.origin.clone(), key: "record_bytes", detail });
            }
            if self.number == 1 && self.line.starts_with(BYTE_ORDER_MARK) {
                self.line.drain(..BYTE_ORDER_MARK.len());
            }
            if !self.line.trim_ascii().is_empty() {
                return Ok(Some(self.line.trim_ascii()));
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what is not there fails the test")]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_no_object_is_not_told() {
        let said = |line: &str| no_object(line.as_bytes(), &serde_json::from_str::<Object<'_>>(line).err().unwrap());
        for line in [r#""ada@example.org""#, r#"["ada@example.org"]"#, "1985", "ada", r#""email": "ada@example.org","#] {
            assert_eq!(said(line), "is not a JSON object");
        }
        let broken = said(r#"{"email": "ada@example.org", "age": }"#);
        assert!(broken.contains("line 1 column 37") && !broken.contains("ada"), "{broken}");
    }
}
