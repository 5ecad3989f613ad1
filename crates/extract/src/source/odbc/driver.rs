//! A database through its ODBC driver: every value as the text that the driver writes for it.
//!
//! Values are fetched one by one and in UTF-16. Buffers for many rows at once would have to be as wide as a column is declared, which
//! cuts what a driver declares wrongly, and takes gigabytes for a `text`; and bytes in the machine's own encoding lose letters. Nothing
//! is ever committed.

use config::{Input, Secret};
use odbc_api::{Connection, ConnectionOptions, Cursor, CursorRow, Error as Fault, ResultSetMetadata, environment};

use super::super::text_batch::{TextBatch, distinct, text_schema};
use super::super::{Opened, Reading, blocking};
use crate::error::Error;

/// Attributes of a connection string that are never shown.
const SECRET_ATTRIBUTES: [&str; 4] = ["pwd", "password", "accesstoken", "token"];

/// Attributes that say where a connection string leads, the first that is there.
const PLACES: [&str; 5] = ["server", "servername", "host", "dsn", "database"];

pub(in crate::source) async fn open(name: &str, connection: &Secret, input: &Input, reading: &Reading) -> Result<Opened, Error> {
    let origin = match input {
        Input::Table(table) => format!("{name}.{table}"),
        _ => format!("{name} (query)"),
    };
    let database = Database {
        name: name.to_owned(),
        connection: connection.clone(),
        input: input.clone(),
        origin: origin.clone(),
        limit: reading.limits.record_bytes,
    };
    let looked_at = database.clone();
    let names = tokio::task::spawn_blocking(move || looked_at.names())
        .await
        .map_err(|e| Error::Read { origin: origin.clone(), detail: e.to_string() })??;
    let schema = text_schema(names);
    let columns = schema.clone();
    Ok(Opened::new(origin, schema, move |wanted| {
        blocking(move |sender| {
            let mut batch = TextBatch::new(sender, &database.origin, &columns, &wanted);
            database.read(&wanted, &mut batch)
        })
    }))
}

#[derive(Clone)]
struct Database {
    name: String,
    connection: Secret,
    input: Input,
    origin: String,
    limit: usize,
}

impl Database {
    fn connect(&self) -> Result<Connection<'static>, Error> {
        let environment = environment().map_err(|e| self.refused(&e))?;
        let connected = environment.connect_with_connection_string(self.connection.expose(), ConnectionOptions::default());
        let connection = connected.map_err(|e| self.refused(&e))?;
        // What is not committed is undone when the connection ends.
        connection.set_autocommit(false).map_err(|e| self.refused(&e))?;
        Ok(connection)
    }

    /// The query itself, or the table's name as this database quotes it, so that no name can be a statement.
    fn query(&self, connection: &Connection<'_>) -> Result<String, Error> {
        let table = match &self.input {
            Input::Table(table) => table,
            Input::Query(text) | Input::Files { path: text, .. } => return Ok(text.trim().trim_end_matches(';').to_owned()),
        };
        let quote = connection.identifier_quote_char().map_err(|e| self.refused(&e))?;
        let is_plain = |part: &str| part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let quoted: Option<Vec<String>> = table
            .split('.')
            .map(|part| match quote.filter(|quote| !quote.is_whitespace()) {
                Some(quote) => Some(format!("{quote}{}{quote}", part.replace(quote, &format!("{quote}{quote}")))),
                None => is_plain(part).then(|| part.to_owned()),
            })
            .collect();
        match quoted {
            Some(parts) => Ok(format!("SELECT * FROM {}", parts.join("."))),
            None => Err(Error::Connection {
                connection: self.name.clone(),
                detail: format!("its driver cannot quote the name of the table `{table}`"),
                help: "read it with `query:`".to_owned(),
            }),
        }
    }

    fn names(&self) -> Result<Vec<String>, Error> {
        let connection = self.connect()?;
        let query = self.query(&connection)?;
        let mut statement = connection.prepare(&query).map_err(|e| self.failed(&query, &e))?;
        let names: Result<Vec<String>, Fault> = statement.column_names().and_then(Iterator::collect);
        let names = names.map_err(|e| self.failed(&query, &e))?;
        if names.is_empty() {
            let detail = "it gives no rows: only what a SELECT gives can be read".to_owned();
            return Err(Error::Query { connection: self.name.clone(), query, detail });
        }
        Ok(distinct(&names))
    }

    fn read(&self, wanted: &[bool], batch: &mut TextBatch<'_>) -> Result<(), Error> {
        let connection = self.connect()?;
        let query = self.query(&connection)?;
        let failed = |e: Fault| self.failed(&query, &e);
        let Some(mut rows) = connection.execute(&query, (), None).map_err(failed)? else { return Ok(()) };
        let (mut number, mut wide) = (0, Vec::new());
        while let Some(mut row) = rows.next_row().map_err(failed)? {
            number += 1;
            let record = self.record(&mut row, wanted, &mut wide).map_err(failed)?;
            if record.bytes > self.limit {
                let detail = format!("a record is longer than {} bytes", self.limit);
                return Err(Error::Limit { origin: self.origin.clone(), key: "record_bytes", detail });
            }
            let pushed = if record.is_broken {
                let raw: Vec<&str> = record.values.iter().map(|v| v.as_deref().unwrap_or_default()).collect();
                batch.malformed(number, raw.join(","), "holds text that is no Unicode".to_owned())
            } else {
                batch.push(number, record.values.iter().map(Option::as_deref))
            };
            if pushed.is_err() {
                return Ok(());
            }
        }
        let _ = batch.flush();
        Ok(())
    }

    /// Columns that nobody reads are not asked for.
    fn record(&self, row: &mut CursorRow<'_>, wanted: &[bool], wide: &mut Vec<u16>) -> Result<Record, Fault> {
        let mut record = Record { values: Vec::with_capacity(wanted.len()), bytes: 0, is_broken: false };
        for (place, wanted) in (1_u16..).zip(wanted) {
            // Behind a record that is too long no more is fetched.
            let there = *wanted && record.bytes <= self.limit && row.get_wide_text(place, wide)?;
            let text = there.then(|| {
                record.is_broken |= char::decode_utf16(wide.iter().copied()).any(|unit| unit.is_err());
                String::from_utf16_lossy(wide)
            });
            record.bytes += text.as_ref().map_or(0, String::len);
            record.values.push(text.filter(|text| !text.is_empty()));
        }
        Ok(record)
    }

    fn refused(&self, fault: &Fault) -> Error {
        let (connection, detail) = (self.name.clone(), self.detail(fault));
        match state(fault) {
            Some("28000") => Error::Credentials { connection, detail },
            Some("08001" | "08004" | "08S01" | "HYT00" | "HYT01") => {
                let target = PLACES.iter().find_map(|place| attribute(self.connection.expose(), place));
                Error::Unreachable { connection, target: target.unwrap_or_else(|| "its database".to_owned()), detail }
            }
            Some("IM002" | "IM003" | "01000") => {
                let help = "the driver manager does not know the driver: `odbcinst -q -d` lists those it knows".to_owned();
                Error::Connection { connection, detail, help }
            }
            _ => Error::Connection { connection, detail, help: "the driver refuses the connection string".to_owned() },
        }
    }

    fn failed(&self, query: &str, fault: &Fault) -> Error {
        let (connection, detail) = (self.name.clone(), self.detail(fault));
        match state(fault) {
            // Lost, or ended by PostgreSQL; a driver may say either when the first part is fetched, which is while it executes.
            Some(state) if state.starts_with("08") || state.starts_with("57P") => Error::Dropped { connection, detail },
            _ => Error::Query { connection, query: query.to_owned(), detail },
        }
    }

    /// The driver's words, without the secrets that it may have read out of the connection string.
    fn detail(&self, fault: &Fault) -> String {
        let text = match fault {
            Fault::Diagnostics { record, .. } => record.to_string(),
            other => other.to_string(),
        };
        let secrets = SECRET_ATTRIBUTES.iter().filter_map(|key| attribute(self.connection.expose(), key));
        secrets.filter(|secret| !secret.is_empty()).fold(text, |text, secret| text.replace(&secret, "***"))
    }
}

/// One row; columns that were not asked for are NULL.
struct Record {
    values: Vec<Option<String>>,
    bytes: usize,
    is_broken: bool,
}

fn state(fault: &Fault) -> Option<&str> {
    match fault {
        Fault::Diagnostics { record, .. } => Some(record.state.as_str()),
        _ => None,
    }
}

/// The value of an attribute of a connection string: `key=value;`, in braces where it holds a `;`.
fn attribute(text: &str, key: &str) -> Option<String> {
    let mut rest = text;
    while let Some((name, behind)) = rest.split_once('=') {
        let (value, next) = match behind.trim_start().strip_prefix('{') {
            Some(braced) => in_braces(braced),
            None => behind.split_once(';').map_or((behind.to_owned(), ""), |(value, next)| (value.to_owned(), next)),
        };
        if name.trim_matches([' ', ';']).eq_ignore_ascii_case(key) {
            return Some(value);
        }
        rest = next;
    }
    None
}

/// What stands before the brace that closes, and behind it. Two of them stand for one.
fn in_braces(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('}') {
        value.push_str(before);
        match behind.strip_prefix('}') {
            Some(next) => {
                value.push('}');
                rest = next;
            }
            None => return (value, behind),
        }
    }
    value.push_str(rest);
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_whatever_stands_in_them() {
        let text = "Driver={PostgreSQL Unicode};Server=db.example; UID=shop;PWD={a;b}}c};Database=till";
        assert_eq!(attribute(text, "pwd").as_deref(), Some("a;b}c"));
        assert_eq!(attribute(text, "uid").as_deref(), Some("shop"));
        assert_eq!(attribute(text, "database").as_deref(), Some("till"));
        assert_eq!(attribute(text, "port"), None);
    }
}
