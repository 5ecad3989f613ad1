//! Sources: every kind gives the same thing, batches of raw columns with the number of each record.
//!
//! Text sources (CSV, NDJSON, SQLite, PostgreSQL, MySQL, ODBC) give every value as the text the source wrote, so that one set of
//! rules reads numbers and dates and a value that does not fit can be shown as it stood. Parquet keeps its types.

mod answer;
mod csv;
mod files;
mod head;
mod json_object;
mod kept;
pub(crate) mod mysql;
mod ndjson;
mod odbc;
mod parquet;
pub(crate) mod postgres;
mod sqlite;
mod stream;
mod text_batch;
mod unpacked;
mod xlsx;

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use chrono_tz::Tz;
use config::{Compression, Connection, Format, Input, Limits};
use tokio::sync::mpsc;

use crate::error::Error;

pub use files::is_read;
pub(crate) use files::{CREDENTIALS, remote};
pub(crate) use head::Head;
pub(crate) use kept::kept;
pub(crate) use stream::Stream;
use stream::{Reader, blocking, spawned};

/// Rows of one raw batch.
pub(crate) const BATCH_ROWS: usize = 8192;

/// Raw records of one file or query, in the source's order.
pub(crate) struct Records {
    /// The file, table or query they come from.
    pub origin: Arc<str>,
    pub batch: RecordBatch,
    /// Number of each row's record in its origin, from 1.
    pub numbers: Vec<u64>,
    /// Records that do not fit the columns at all.
    pub malformed: Vec<Malformed>,
}

pub(crate) struct Malformed {
    pub number: u64,
    pub raw: String,
    pub reason: String,
}

pub(crate) type Sender = mpsc::Sender<Result<Records, Error>>;

/// A source whose columns are known and that has not been read yet.
pub(crate) struct Opened {
    pub origin: String,
    pub schema: SchemaRef,
    /// The files it consists of; none for a database.
    pub files: Vec<Head>,
    /// Which columns never hold an empty text, because they hold no texts; nothing of a source that cannot tell.
    pub never_empty: Vec<bool>,
    start: Box<dyn FnOnce(Vec<bool>) -> Reader + Send>,
}

impl Opened {
    fn new(origin: String, schema: SchemaRef, start: impl FnOnce(Vec<bool>) -> Reader + Send + 'static) -> Self {
        Self { origin, schema, files: Vec::new(), never_empty: Vec::new(), start: Box::new(start) }
    }

    fn with_files(self, files: Vec<Head>) -> Self {
        Self { files, ..self }
    }

    fn with_never_empty(self, never_empty: Vec<bool>) -> Self {
        Self { never_empty, ..self }
    }

    /// Reads the columns marked in `wanted`; the others may come as NULL.
    pub fn start(self, wanted: Vec<bool>, silence: Duration) -> Stream {
        Stream::new((self.start)(wanted), self.origin, silence)
    }
}

/// What reading needs to know beside the source itself.
#[derive(Clone)]
pub(crate) struct Reading {
    pub limits: Limits,
    pub zone: Tz,
    /// Whether the source is a table, whose values nothing reckons with before they come.
    pub of_table: bool,
    /// Whether equal rows are left out, so that a copy of a file does no harm.
    pub deduplicates: bool,
    /// Names the mapping mentions; an NDJSON column may appear first after the records looked at.
    pub mentioned: Vec<String>,
}

pub(crate) async fn open(name: &str, connection: &Connection, input: &Input, reading: &Reading) -> Result<Opened, Error> {
    let opened = match (connection, input) {
        (Connection::Files { url }, Input::Files { path, format, compression }) => {
            let files = files::find(name, url, path, &reading.limits.roots).await?;
            if !reading.deduplicates {
                let is_text = matches!(format, Format::Csv(_) | Format::Ndjson) && *compression == Compression::None;
                head::distinct(&files, is_text).await?;
            }
            match format {
                Format::Csv(csv) => csv::open(files, csv.clone(), *compression, reading).await?,
                Format::Ndjson => ndjson::open(files, *compression, reading).await?,
                Format::Parquet => parquet::open(files, reading.limits.expansion).await?,
                Format::Xlsx { sheet, skip } => xlsx::open(files, sheet.clone(), *skip, reading).await?,
            }
        }
        (Connection::Sqlite { path }, Input::Table(_) | Input::Query(_)) => {
            sqlite::open(name, path, select(connection, input), input, reading).await?
        }
        (Connection::Postgres { url }, Input::Table(_) | Input::Query(_)) => {
            postgres::open(name, url, select(connection, input), input, reading).await?
        }
        (Connection::Mysql { url }, Input::Table(_) | Input::Query(_)) => {
            mysql::open(name, url, select(connection, input), input, reading).await?
        }
        #[cfg(feature = "odbc")]
        (Connection::Odbc { connection }, Input::Table(_) | Input::Query(_)) => {
            odbc::open(name, connection, input, reading).await?
        }
        #[cfg(not(feature = "odbc"))]
        (Connection::Odbc { .. }, _) => odbc::open(name)?,
        _ => {
            return Err(Error::Connection {
                connection: name.to_owned(),
                detail: "its type does not fit the source's input".to_owned(),
                help: "files take `path:`, databases `table:` or `query:`".to_owned(),
            });
        }
    };
    if opened.schema.fields().len() > reading.limits.columns {
        let detail = format!("{} columns, the limit is {}", opened.schema.fields().len(), reading.limits.columns);
        return Err(Error::Limit { origin: opened.origin, key: "columns", detail });
    }
    Ok(opened)
}

/// The text a query or table name is read by; identifiers of `table:` are quoted, so that no name can be a statement.
pub(crate) fn select(connection: &Connection, input: &Input) -> String {
    match input {
        Input::Table(table) => {
            let parts: Vec<String> = table.split('.').map(|part| quoted(connection, part)).collect();
            format!("SELECT * FROM {}", parts.join("."))
        }
        Input::Query(query) => query.trim().trim_end_matches(';').to_owned(),
        Input::Files { path, .. } => path.clone(),
    }
}

/// A name in the quotes that the database takes in every mode; ODBC's driver is asked for a table's, and standard quotes do for
/// the rest.
pub(crate) fn quoted(connection: &Connection, name: &str) -> String {
    match connection {
        Connection::Mysql { .. } => format!("`{}`", name.replace('`', "``")),
        _ => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

#[cfg(test)]
mod tests {
    use config::Secret;

    use super::*;

    #[test]
    fn a_name_cannot_be_a_statement() {
        let mysql = Connection::Mysql { url: Secret::new(String::new()) };
        let sqlite = Connection::Sqlite { path: "shop.sqlite".into() };
        let table = |name: &str| Input::Table(name.to_owned());
        assert_eq!(select(&mysql, &table("Till.Order `1`; DROP")), "SELECT * FROM `Till`.`Order ``1``; DROP`");
        assert_eq!(select(&sqlite, &table("Till.Order \"1\"; DROP")), "SELECT * FROM \"Till\".\"Order \"\"1\"\"; DROP\"");
    }
}
