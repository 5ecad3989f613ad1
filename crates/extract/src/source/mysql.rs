//! MySQL and MariaDB: a prepared statement whose rows are streamed, every value as the text the server holds it by.
//!
//! The binary protocol is asked, because the text of a FLOAT has six digits and no more. The session reads and never writes, from
//! one consistent snapshot, and works in the store's time zone, so that a TIMESTAMP is the store's local time as it is with
//! PostgreSQL. A server that has not loaded the named zones gives TIMESTAMP in UTC, said with the value; a query would reckon with
//! them in UTC there, unseen, so it is refused.

pub(crate) mod login;
mod value;

use std::time::Duration;

use arrow::datatypes::SchemaRef;
use chrono_tz::Tz;
use config::{Input, Secret};
use futures::StreamExt;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row, Statement};
use tokio::sync::mpsc::Receiver;

use super::text_batch::{Gone, TextBatch, distinct, text_schema};
use super::{Opened, Reading, Sender, spawned};
use crate::error::Error;
use login::{detail, is_dropped, is_too_large, server_code};
use value::{Kind, Text};

/// Bytes of rows that are handed to the decoder at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// Rows of the same, where they hold nothing.
const CHUNK_ROWS: usize = 1024;

/// A named time zone that the server's tables lack.
const UNKNOWN_TIME_ZONE: u16 = 1298;

pub(super) async fn open(name: &str, url: &Secret, query: String, input: &Input, reading: &Reading) -> Result<Opened, Error> {
    let origin = match input {
        Input::Table(table) => format!("{name}.{table}"),
        _ => format!("{name} (query)"),
    };
    let mut connection = login::connect(name, url, reading.limits.record_bytes).await?;
    let asked = Asked { connection: name.to_owned(), query };
    let in_utc = settle(&mut connection, reading).await.map_err(|e| asked.failed(&e))?;
    // What increments ask of a table is a query as well, and reckons with none of its times.
    if in_utc && reading.zone != Tz::UTC && !reading.of_table {
        return Err(Error::Connection {
            connection: name.to_owned(),
            detail: format!(
                "the server does not know the time zone {}, so a query would reckon with TIMESTAMP in UTC",
                reading.zone.name()
            ),
            help: "load the server's time zones (mariadb-tzinfo-to-sql or mysql_tzinfo_to_sql), or read with `table:`, which needs none"
                .to_owned(),
        });
    }
    let statement = connection.prep(asked.query.as_str()).await.map_err(|e| asked.failed(&e))?;
    let names: Vec<String> = statement.columns().iter().map(|column| column.name_str().into_owned()).collect();
    if names.is_empty() {
        return Err(asked.refused("it gives no rows: only what a SELECT gives can be read"));
    }
    let schema = text_schema(distinct(&names));
    let never_empty = statement.columns().iter().map(|column| value::is_never_empty(column.column_type())).collect();
    let table = Table { asked, origin: origin.clone(), schema: schema.clone(), in_utc, limit: reading.limits.record_bytes };
    let opened = Opened::new(origin, schema, move |wanted| spawned(|sender| table.read(connection, statement, wanted, sender)));
    Ok(opened.with_never_empty(never_empty))
}

/// Sets the session up, and says whether it works in UTC instead of the store's zone.
async fn settle(connection: &mut Conn, reading: &Reading) -> Result<bool, mysql_async::Error> {
    // The server gives up on a client that does not take its rows, and the workers may be busy for a while.
    let patience = reading.limits.silence.max(Duration::from_mins(1)).as_secs();
    for setting in [
        "SET NAMES utf8mb4".to_owned(),
        format!("SET SESSION net_write_timeout = {patience}"),
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ".to_owned(),
        "SET SESSION TRANSACTION READ ONLY".to_owned(),
    ] {
        connection.query_drop(setting).await?;
    }
    if reading.zone != Tz::UTC {
        match connection.query_drop(format!("SET SESSION time_zone = '{}'", reading.zone.name())).await {
            Err(e) if server_code(&e) == Some(UNKNOWN_TIME_ZONE) => {}
            settled => return settled.map(|()| false),
        }
    }
    connection.query_drop("SET SESSION time_zone = '+00:00'").await?;
    Ok(true)
}

/// What is asked of which connection, for errors.
struct Asked {
    connection: String,
    query: String,
}

impl Asked {
    fn failed(&self, error: &mysql_async::Error) -> Error {
        if is_dropped(error) {
            return Error::Dropped { connection: self.connection.clone(), detail: detail(error) };
        }
        self.refused(&detail(error))
    }

    fn refused(&self, detail: &str) -> Error {
        Error::Query { connection: self.connection.clone(), query: self.query.clone(), detail: detail.to_owned() }
    }
}

struct Table {
    asked: Asked,
    origin: String,
    schema: SchemaRef,
    in_utc: bool,
    limit: usize,
}

impl Table {
    async fn read(self, mut connection: Conn, statement: Statement, wanted: Vec<bool>, sender: Sender) -> Result<(), Error> {
        self.hand_on(&mut connection, statement, wanted, sender).await?;
        // One that only hangs up is an aborted connection in the server's log.
        let _ = connection.disconnect().await;
        Ok(())
    }

    async fn hand_on(&self, connection: &mut Conn, statement: Statement, wanted: Vec<bool>, sender: Sender) -> Result<(), Error> {
        let failed = |e: &mysql_async::Error| if is_too_large(e) { self.too_large() } else { self.asked.failed(e) };
        connection.query_drop("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY").await.map_err(|e| failed(&e))?;
        let mut answer = connection.exec_iter(statement, ()).await.map_err(|e| failed(&e))?;
        let rows = answer.stream::<Row>().await.map_err(|e| failed(&e))?;
        let mut rows = rows.ok_or_else(|| self.asked.refused("it gives no rows"))?;
        let kinds: Vec<Kind> = rows.columns_ref().iter().map(|column| Kind::of(column, self.in_utc)).collect();
        // The sender blocks while the workers are busy, so decoding has a thread of its own.
        let (chunks, received) = tokio::sync::mpsc::channel::<Vec<Row>>(2);
        let (origin, schema) = (self.origin.clone(), self.schema.clone());
        let decoder = tokio::task::spawn_blocking(move || {
            let mut batch = TextBatch::new(&sender, &origin, &schema, &wanted);
            let _ = decode(received, &kinds, &wanted, &mut batch);
        });
        let (mut chunk, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.next().await {
            let row = row.map_err(|e| failed(&e))?;
            let size = size(&row);
            if size > self.limit {
                return Err(self.too_large());
            }
            bytes += size;
            chunk.push(row);
            if bytes >= CHUNK_BYTES || chunk.len() >= CHUNK_ROWS {
                bytes = 0;
                if chunks.send(std::mem::take(&mut chunk)).await.is_err() {
                    // Either nobody reads any more, or the decoder died, which its end says.
                    break;
                }
            }
        }
        let _ = chunks.send(chunk).await;
        drop(chunks);
        decoder.await.map_err(|e| Error::Read { origin: self.origin.clone(), detail: e.to_string() })
    }

    fn too_large(&self) -> Error {
        let detail = format!("a record is longer than {} bytes", self.limit);
        Error::Limit { origin: self.origin.clone(), key: "record_bytes", detail }
    }
}

fn size(row: &Row) -> usize {
    (0..row.len()).map(|place| row.as_ref(place).map_or(0, value::size)).sum()
}

fn decode(mut chunks: Receiver<Vec<Row>>, kinds: &[Kind], wanted: &[bool], batch: &mut TextBatch<'_>) -> Result<(), Gone> {
    let mut number = 0;
    while let Some(chunk) = chunks.blocking_recv() {
        for row in chunk {
            number += 1;
            let values = row.unwrap().into_iter().zip(kinds).zip(wanted);
            // A picture in a column that nobody reads harms no record.
            let texts: Vec<Text> =
                values.map(|((value, kind), wanted)| if *wanted { kind.text(value) } else { Text::Nothing }).collect();
            if texts.iter().any(|text| matches!(text, Text::Bytes(_))) {
                let raw: Vec<String> = texts.into_iter().map(Text::lossy).collect();
                batch.malformed(number, raw.join(","), "holds bytes that are not UTF-8".to_owned())?;
            } else {
                batch.push(number, texts.iter().map(Text::as_str))?;
            }
        }
    }
    batch.flush()
}
