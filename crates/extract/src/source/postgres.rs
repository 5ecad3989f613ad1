//! PostgreSQL: streamed with COPY, so that every type comes as the text the server writes for it (numeric to its last
//! digit, timestamptz in the store's zone, uuid, enums and json as text).

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use bytes::{Buf, BytesMut};
use config::{Input, Secret, postgres_url};
use futures::{StreamExt, pin_mut};
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::text_batch::{Gone, TextBatch, distinct, text_schema};
use super::{Opened, Reading, Sender, spawned};
use crate::error::Error;

pub(super) async fn open(name: &str, url: &Secret, query: String, input: &Input, reading: &Reading) -> Result<Opened, Error> {
    let client = connect(name, url).await?;
    let settings = format!(
        "SET default_transaction_read_only = on; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'iso_8601'; \
         SET extra_float_digits = 1; SET bytea_output = 'hex'; SET TimeZone = '{}'",
        reading.zone.name()
    );
    let failed =
        |e: &tokio_postgres::Error| Error::Query { connection: name.to_owned(), query: query.clone(), detail: detail(e) };
    client.batch_execute(&settings).await.map_err(|e| failed(&e))?;
    let statement = client.prepare(&query).await.map_err(|e| failed(&e))?;
    let schema = text_schema(distinct(&statement.columns().iter().map(|column| column.name().to_owned()).collect::<Vec<_>>()));
    let origin = match input {
        Input::Table(table) => format!("{name}.{table}"),
        _ => format!("{name} (query)"),
    };
    let limit = reading.limits.record_bytes;
    let never_empty = statement.columns().iter().map(|column| is_never_empty(column.type_())).collect();
    let table = Table { connection: name.to_owned(), query, origin: origin.clone(), schema: schema.clone(), limit };
    let opened = Opened::new(origin, schema, move |wanted| spawned(|sender| table.read(client, wanted, sender)));
    Ok(opened.with_never_empty(never_empty))
}

/// Whether values of a column are numbers, times or the like, and so never an empty text.
fn is_never_empty(column: &Type) -> bool {
    let numbers = [Type::INT2, Type::INT4, Type::INT8, Type::OID, Type::FLOAT4, Type::FLOAT8, Type::NUMERIC];
    let others = [Type::DATE, Type::TIMESTAMP, Type::TIMESTAMPTZ, Type::UUID, Type::BOOL];
    numbers.contains(column) || others.contains(column)
}

pub(crate) async fn connect(name: &str, url: &Secret) -> Result<Client, Error> {
    let config: Config = postgres_url(url.expose()).parse().map_err(|e: tokio_postgres::Error| Error::Connection {
        connection: name.to_owned(),
        detail: format!("the url is not one of PostgreSQL: {}", detail(&e)),
        help: "write postgres://user:password@host:5432/database".to_owned(),
    })?;
    let (client, connection) = config.connect(tls(name)?).await.map_err(|e| refused(name, &config, &e))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "the PostgreSQL connection ended");
        }
    });
    Ok(client)
}

fn tls(name: &str) -> Result<MakeRustlsConnect, Error> {
    let mut roots = RootCertStore::empty();
    // Certificates the machine trusts: a company's own authority is found there.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::Connection {
            connection: name.to_owned(),
            detail: e.to_string(),
            help: "TLS cannot be set up".to_owned(),
        })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn refused(name: &str, config: &Config, error: &tokio_postgres::Error) -> Error {
    let connection = name.to_owned();
    let target = config
        .get_hosts()
        .iter()
        .map(|host| match host {
            tokio_postgres::config::Host::Tcp(host) => host.clone(),
            #[cfg(unix)]
            tokio_postgres::config::Host::Unix(path) => path.display().to_string(),
        })
        .collect::<Vec<_>>()
        .join(", ");
    let ports: Vec<String> = config.get_ports().iter().map(u16::to_string).collect();
    let target = if ports.is_empty() { target } else { format!("{target}:{}", ports.join(",")) };
    match error.code() {
        Some(code) if *code == SqlState::INVALID_PASSWORD || *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            Error::Credentials { connection, detail: detail(error) }
        }
        Some(code) if *code == SqlState::INVALID_CATALOG_NAME => {
            Error::Connection { connection, detail: detail(error), help: "the database is the last part of the url".to_owned() }
        }
        Some(_) => Error::Connection { connection, detail: detail(error), help: "the server answered and refused".to_owned() },
        None => Error::Unreachable { connection, target, detail: detail(error) },
    }
}

/// The server's own words; the library's Display says only "db error".
pub(crate) fn detail(error: &tokio_postgres::Error) -> String {
    if let Some(db) = error.as_db_error() {
        let hint = db.hint().map(|h| format!(" (hint: {h})")).unwrap_or_default();
        return format!("{} [{}]{hint}", db.message(), db.code().code());
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    text
}

/// Whether the connection ended, rather than the query.
fn is_dropped(error: &tokio_postgres::Error) -> bool {
    let ended = [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW, SqlState::CONNECTION_FAILURE];
    match error.code() {
        Some(code) => ended.contains(code),
        None => error.is_closed() || std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<std::io::Error>),
    }
}

struct Table {
    connection: String,
    query: String,
    origin: String,
    schema: SchemaRef,
    limit: usize,
}

impl Table {
    async fn read(self, client: Client, wanted: Vec<bool>, sender: Sender) -> Result<(), Error> {
        let failed = |e: &tokio_postgres::Error| {
            let (connection, detail) = (self.connection.clone(), detail(e));
            if is_dropped(e) {
                return Error::Dropped { connection, detail };
            }
            Error::Query { connection, query: self.query.clone(), detail }
        };
        // A query may end in a comment.
        let copy = format!("COPY ({}\n) TO STDOUT", self.query);
        let stream = client.copy_out(&copy).await.map_err(|e| failed(&e))?;
        pin_mut!(stream);
        // The sender blocks while the workers are busy, so decoding has a thread of its own.
        let (lines, mut received) = tokio::sync::mpsc::channel::<BytesMut>(2);
        let (origin, schema, limit) = (self.origin.clone(), self.schema.clone(), self.limit);
        let decoder = tokio::task::spawn_blocking(move || {
            let mut batch = TextBatch::new(&sender, &origin, &schema, &wanted);
            let mut number = 0;
            while let Some(mut chunk) = received.blocking_recv() {
                while let Some(end) = chunk.iter().position(|b| *b == b'\n') {
                    let line = chunk.split_to(end);
                    chunk.advance(1);
                    number += 1;
                    if push(&mut batch, number, &line).is_err() {
                        return;
                    }
                }
            }
            let _ = batch.flush();
        });
        let mut pending = BytesMut::new();
        while let Some(chunk) = stream.next().await {
            pending.extend_from_slice(&chunk.map_err(|e| failed(&e))?);
            if pending.len() > limit.max(1 << 20) && !pending.contains(&b'\n') {
                let detail = format!("a record is longer than {limit} bytes");
                return Err(Error::Limit { origin: self.origin, key: "record_bytes", detail });
            }
            if pending.len() < 64 * 1024 {
                continue;
            }
            if let Some(end) = pending.iter().rposition(|b| *b == b'\n') {
                let whole = pending.split_to(end + 1);
                if lines.send(whole).await.is_err() {
                    // Either nobody reads any more, or the decoder died, which its end says.
                    break;
                }
            }
        }
        let _ = lines.send(pending).await;
        drop(lines);
        decoder.await.map_err(|e| Error::Read { origin: self.origin, detail: e.to_string() })
    }
}

/// One line of COPY's text format: tabs between values, `\N` for NULL, backslash escapes.
fn push(batch: &mut TextBatch<'_>, number: u64, line: &[u8]) -> Result<(), Gone> {
    let Ok(line) = std::str::from_utf8(line) else {
        return batch.malformed(number, String::from_utf8_lossy(line).into_owned(), "is not UTF-8".to_owned());
    };
    let values: Vec<Option<String>> = line.split('\t').map(unescape).collect();
    batch.push(number, values.iter().map(|v| v.as_deref().filter(|v| !v.is_empty())))
}

fn unescape(field: &str) -> Option<String> {
    if field == "\\N" {
        return None;
    }
    let mut text = String::with_capacity(field.len());
    let mut chars = field.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        // The server writes no other escapes than these.
        text.push(match chars.next() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('v') => '\u{b}',
            Some(other) => other,
            None => '\\',
        });
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copy_text_is_read_as_the_server_means_it() {
        assert_eq!(unescape("\\N"), None);
        assert_eq!(unescape("\\\\N").as_deref(), Some("\\N"));
        assert_eq!(unescape("a\\tb\\nc\\\\d").as_deref(), Some("a\tb\nc\\d"));
    }
}
