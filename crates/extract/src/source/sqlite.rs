//! SQLite: read-only, streamed, every value as text.
//!
//! A column declared NUMERIC holds floats; their shortest decimal text is the number that was stored, so 0.99 stays
//! 0.99 and sums are exact.

use std::path::{Path, PathBuf};

use config::Input;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::text_batch::{TextBatch, distinct, text_schema};
use super::{Opened, Reading, blocking};
use crate::error::Error;

pub(super) async fn open(name: &str, path: &Path, query: String, input: &Input, reading: &Reading) -> Result<Opened, Error> {
    let limit = reading.limits.record_bytes;
    let database = Database { name: name.to_owned(), path: path.to_path_buf(), query, limit };
    let origin = match input {
        Input::Table(table) => format!("{name}.{table}"),
        _ => format!("{name} (query)"),
    };
    let looked_at = database.clone();
    let names = tokio::task::spawn_blocking(move || looked_at.names())
        .await
        .map_err(|e| Error::Read { origin: origin.clone(), detail: e.to_string() })??;
    let schema = text_schema(names);
    let (columns, label) = (schema.clone(), origin.clone());
    Ok(Opened::new(origin, schema, move |wanted| {
        blocking(move |sender| {
            let connection = database.connect()?;
            let mut batch = TextBatch::new(sender, &label, &columns, &wanted);
            database.read(&connection, &wanted, &mut batch)
        })
    }))
}

#[derive(Clone)]
struct Database {
    name: String,
    path: PathBuf,
    query: String,
    /// Bytes of a row's texts.
    limit: usize,
}

impl Database {
    fn connect(&self) -> Result<Connection, Error> {
        let failed =
            |detail: String, help: &str| Error::Connection { connection: self.name.clone(), detail, help: help.to_owned() };
        if !self.path.is_file() {
            let detail = format!("there is no file {}", self.path.display());
            return Err(failed(detail, "paths are relative to the working directory (-C DIR)"));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(&self.path, flags)
            .map_err(|e| failed(e.to_string(), "the file must be a readable SQLite database"))
    }

    fn failed(&self, error: &rusqlite::Error) -> Error {
        let connection = self.name.clone();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Error::Connection {
                connection,
                detail: format!("{} is not a SQLite database", self.path.display()),
                help: "is the path right, and was the file copied whole?".to_owned(),
            },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Busy { connection, path: self.path.clone() },
            _ => Error::Query { connection, query: self.query.clone(), detail: error.to_string() },
        }
    }

    fn too_long(&self, number: u64) -> Error {
        let detail = format!("record {number} is longer than {} bytes", self.limit);
        Error::Limit { origin: self.name.clone(), key: "record_bytes", detail }
    }

    fn names(&self) -> Result<Vec<String>, Error> {
        let connection = self.connect()?;
        let statement = connection.prepare(&self.query).map_err(|e| self.failed(&e))?;
        Ok(distinct(&statement.column_names().into_iter().map(str::to_owned).collect::<Vec<_>>()))
    }

    fn read(&self, connection: &Connection, wanted: &[bool], batch: &mut TextBatch<'_>) -> Result<(), Error> {
        let mut statement = connection.prepare(&self.query).map_err(|e| self.failed(&e))?;
        let mut rows = statement.query([]).map_err(|e| self.failed(&e))?;
        let mut number = 0;
        let mut values: Vec<Option<String>> = vec![None; wanted.len()];
        while let Some(row) = rows.next().map_err(|e| self.failed(&e))? {
            number += 1;
            let (mut undecoded, mut bytes_of_row) = (false, 0);
            for (place, value) in values.iter_mut().enumerate().filter(|(place, _)| wanted.get(*place) == Some(&true)) {
                // A picture in a column that nobody reads harms no record.
                *value = match row.get_ref(place).map_err(|e| self.failed(&e))? {
                    ValueRef::Null => None,
                    ValueRef::Integer(n) => Some(n.to_string()),
                    ValueRef::Real(x) => Some(x.to_string()),
                    ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                        bytes_of_row += bytes.len();
                        if bytes_of_row > self.limit {
                            return Err(self.too_long(number));
                        }
                        undecoded |= std::str::from_utf8(bytes).is_err();
                        Some(String::from_utf8_lossy(bytes).into_owned()).filter(|t| !t.is_empty())
                    }
                };
            }
            let pushed = if undecoded {
                let raw: Vec<&str> = values.iter().map(|v| v.as_deref().unwrap_or_default()).collect();
                batch.malformed(number, raw.join(","), "holds bytes that are not UTF-8".to_owned())
            } else {
                batch.push(number, values.iter().map(Option::as_deref))
            };
            if pushed.is_err() {
                return Ok(());
            }
        }
        let _ = batch.flush();
        Ok(())
    }
}
