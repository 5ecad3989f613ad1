//! What a database is asked to find out what is new in it.

use config::{Connection, Incremental, Source};

use super::cursor::Mark;
use crate::source::{quoted, select};

/// Values of a tombstone that say a row is there, beside NULL; in small letters.
pub(super) const ALIVE: [&str; 6] = ["", "0", "f", "false", "n", "no"];

/// Questions about one table or query, in the database's own SQL.
pub(super) struct Questions<'a> {
    connection: &'a Connection,
    from: String,
    how: &'a Incremental,
    key: &'a [String],
}

impl<'a> Questions<'a> {
    pub fn new(connection: &'a Connection, source: &Source, how: &'a Incremental, key: &'a [String]) -> Self {
        let from = format!("({}) source", select(connection, &source.input));
        Self { connection, from, how, key }
    }

    fn column(&self, name: &str) -> String {
        quoted(self.connection, name)
    }

    /// The rows from a mark on, and those that no mark can tell from new ones.
    pub fn window(&self, from: Mark) -> String {
        format!("SELECT * FROM {} WHERE {}", self.from, self.is_new(from))
    }

    /// How many rows that are.
    pub fn window_count(&self, from: Mark) -> String {
        format!("SELECT count(*) AS n FROM {} WHERE {}", self.from, self.is_new(from))
    }

    /// How many rows are newer than a mark, or cannot be told from those that are.
    pub fn newer_count(&self, mark: Mark) -> String {
        format!("SELECT count(*) AS n FROM {} WHERE {}", self.from, self.is_new(mark).replacen(">=", ">", 1))
    }

    fn is_new(&self, from: Mark) -> String {
        let cursor = self.column(&self.how.cursor);
        let from = match from {
            Mark::Number(number) => number.to_string(),
            Mark::Time { .. } => format!("'{from}'"),
        };
        let unknown = std::iter::once(&self.how.cursor).chain(self.key).map(|name| format!("{} IS NULL", self.column(name)));
        format!("{cursor} >= {from} OR {}", unknown.collect::<Vec<_>>().join(" OR "))
    }

    /// How many rows there are that are not deleted.
    pub fn count(&self) -> String {
        format!("SELECT count(*) AS n FROM {} WHERE {}", self.from, self.is_alive())
    }

    /// The key of every row that is not deleted.
    pub fn keys(&self) -> String {
        let key: Vec<String> = self.key.iter().map(|name| self.column(name)).collect();
        format!("SELECT {} FROM {} WHERE {}", key.join(", "), self.from, self.is_alive())
    }

    fn is_alive(&self) -> String {
        let Some(tombstone) = &self.how.tombstone else { return "1 = 1".to_owned() };
        let text = format!("lower(trim(CAST({} AS {})))", self.column(tombstone), self.text());
        let alive = ALIVE.map(|value| format!("'{value}'")).join(", ");
        format!("coalesce({text}, '') IN ({alive})")
    }

    fn text(&self) -> &'static str {
        match self.connection {
            Connection::Mysql { .. } => "char",
            Connection::Odbc { .. } => "varchar(100)",
            _ => "text",
        }
    }
}
