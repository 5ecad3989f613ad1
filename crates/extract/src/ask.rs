//! Questions to a database about itself, for a first look at it.

use config::Secret;
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::error::Error;
use crate::source::postgres;

/// A PostgreSQL that is only read, and not for long.
pub struct Asked {
    client: Client,
    name: String,
}

impl Asked {
    /// `name` stands for the database in errors, which never hold its address.
    pub async fn postgres(name: &str, url: &Secret) -> Result<Self, Error> {
        let client = postgres::connect(name, url).await?;
        let asked = Self { client, name: name.to_owned() };
        asked.rows("SET default_transaction_read_only = on; SET statement_timeout = '30s'; SET DateStyle = 'ISO, YMD'").await?;
        Ok(asked)
    }

    /// What a query gives, every value as the text the server writes for it.
    pub async fn rows(&self, query: &str) -> Result<Vec<Vec<Option<String>>>, Error> {
        let messages = self.client.simple_query(query).await.map_err(|e| Error::Query {
            connection: self.name.clone(),
            query: query.to_owned(),
            detail: postgres::detail(&e),
        })?;
        let values =
            |row: &tokio_postgres::SimpleQueryRow| (0..row.len()).map(|place| row.get(place).map(str::to_owned)).collect();
        Ok(messages
            .iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some(values(row)),
                _ => None,
            })
            .collect())
    }
}
