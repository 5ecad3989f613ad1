//! Questions to a database about itself, for a first look at it.

use config::Secret;
use mysql_async::prelude::Queryable;
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::error::Error;
use crate::source::{mysql, postgres};

/// Bytes that one row of an answer may take.
const RECORD_BYTES: usize = 16 << 20;

/// A database behind a server that is only read, and not for long.
pub struct Asked {
    server: Server,
    name: String,
}

enum Server {
    Postgres(Client),
    Mysql(Box<mysql_async::Conn>),
}

impl Asked {
    /// `name` stands for the database in errors, which never hold its address.
    pub async fn postgres(name: &str, url: &Secret) -> Result<Self, Error> {
        let client = postgres::connect(name, url).await?;
        let mut asked = Self { server: Server::Postgres(client), name: name.to_owned() };
        asked.rows("SET default_transaction_read_only = on; SET statement_timeout = '30s'; SET DateStyle = 'ISO, YMD'").await?;
        Ok(asked)
    }

    /// The same of MySQL or MariaDB.
    pub async fn mysql(name: &str, url: &Secret) -> Result<Self, Error> {
        let connection = mysql::login::connect(name, url, RECORD_BYTES).await?;
        let mut asked = Self { server: Server::Mysql(Box::new(connection)), name: name.to_owned() };
        asked.rows("SET SESSION TRANSACTION READ ONLY").await?;
        Ok(asked)
    }

    /// What a query gives, every value as the text the server writes for it.
    pub async fn rows(&mut self, query: &str) -> Result<Vec<Vec<Option<String>>>, Error> {
        let failed = |detail: String| Error::Query { connection: self.name.clone(), query: query.to_owned(), detail };
        match &mut self.server {
            Server::Postgres(client) => {
                let messages = client.simple_query(query).await.map_err(|e| failed(postgres::detail(&e)))?;
                Ok(messages.iter().filter_map(postgres_row).collect())
            }
            Server::Mysql(connection) => {
                let rows: Vec<mysql_async::Row> = connection.query(query).await.map_err(|e| failed(mysql::login::detail(&e)))?;
                Ok(rows.into_iter().map(mysql_row).collect())
            }
        }
    }
}

fn postgres_row(message: &SimpleQueryMessage) -> Option<Vec<Option<String>>> {
    match message {
        SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|place| row.get(place).map(str::to_owned)).collect()),
        _ => None,
    }
}

/// The text protocol gives every value as text.
fn mysql_row(row: mysql_async::Row) -> Vec<Option<String>> {
    let text = |value| match value {
        mysql_async::Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        _ => None,
    };
    row.unwrap().into_iter().map(text).collect()
}
