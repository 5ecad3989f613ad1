//! What a database is asked to find out what is new in it.

use config::{Connection, Incremental, Source};

use super::cursor::{Mark, Shown};
use crate::source::{quoted, select};

/// Values of a tombstone that say a row is there, beside NULL; in small letters.
const ALIVE: [&str; 6] = ["", "0", "f", "false", "n", "no"];

/// The column behind those of a window that says how many rows there are.
const COUNT: &str = "consumer360_rows";

/// A condition on the text of a tombstone: its row is not deleted.
pub(super) fn is_alive(text: &str) -> String {
    is_alive_by(text, "")
}

fn is_alive_by(text: &str, collation: &str) -> String {
    let alive = ALIVE.map(|value| format!("'{value}'")).join(", ");
    format!("coalesce(lower(trim({text})), ''){collation} IN ({alive})")
}

fn literal(mark: Mark) -> String {
    match mark {
        Mark::Number(number) => number.to_string(),
        Mark::Time { .. } => format!("'{mark}'"),
    }
}

/// Questions about one table or query, in the database's own SQL.
pub(super) struct Questions<'a> {
    connection: &'a Connection,
    from: String,
    how: &'a Incremental,
    key: Vec<String>,
    /// Of the cursor and the key the columns that may hold an empty text, which is read as NULL.
    texts: Vec<String>,
}

impl<'a> Questions<'a> {
    pub fn new(connection: &'a Connection, source: &Source, how: &'a Incremental, key: Vec<String>, texts: Vec<String>) -> Self {
        // A query may end in a comment.
        let from = format!("({}\n) source", select(connection, &source.input));
        Self { connection, from, how, key, texts }
    }

    fn column(&self, name: &str) -> String {
        quoted(self.connection, name)
    }

    /// The rows from a mark on, and those that no mark can tell from new ones.
    pub fn window(&self, from: Mark) -> String {
        format!("SELECT * FROM {} WHERE {}", self.from, self.is_new(">=", &literal(from)))
    }

    /// The same, each with the number of rows that are not deleted in its last column. It is of the same moment, because it is of
    /// the same statement: whoever writes meanwhile, the two can be held against each other.
    pub fn counted_window(&self, from: Mark) -> String {
        let (rows, is_new) = (&self.from, self.is_new(">=", &literal(from)));
        format!("SELECT source.*, (SELECT count(*) FROM {rows} WHERE {}) AS {COUNT} FROM {rows} WHERE {is_new}", self.is_there())
    }

    /// How many rows a window has.
    pub fn window_count(&self, from: Mark) -> String {
        format!("SELECT count(*) AS n FROM {} WHERE {}", self.from, self.is_new(">=", &literal(from)))
    }

    /// How many rows are newer than a watermark, or cannot be told from those that are.
    pub fn newer_count(&self, watermark: &Shown) -> String {
        let than = match (watermark.mark, self.connection) {
            (Mark::Number(_), _) => watermark.text.clone(),
            // It has no times: what it compares is how they are written.
            (Mark::Time { .. }, Connection::Sqlite { .. }) => format!("'{}'", watermark.text),
            (mark, _) => literal(mark),
        };
        format!("SELECT count(*) AS n FROM {} WHERE {}", self.from, self.is_new(">", &than))
    }

    /// The newest value of the cursor.
    pub fn newest(&self) -> String {
        format!("SELECT max({}) AS newest FROM {}", self.column(&self.how.cursor), self.from)
    }

    fn is_new(&self, compared: &str, from: &str) -> String {
        let nothing = |name: &String| {
            let column = self.column(name);
            let is_empty = format!(" OR CAST({column} AS {}) = ''", self.text());
            format!("{column} IS NULL{}", if self.texts.contains(name) { is_empty } else { String::new() })
        };
        let unknown = std::iter::once(&self.how.cursor).chain(&self.key).map(nothing);
        let cursor = self.column(&self.how.cursor);
        format!("{cursor} {compared} {from} OR {}", unknown.collect::<Vec<_>>().join(" OR "))
    }

    /// How many rows there are that are not deleted.
    pub fn count(&self) -> String {
        format!("SELECT count(*) AS n FROM {} WHERE {}", self.from, self.is_there())
    }

    /// The key of every row, and its tombstone: whether a row is deleted is decided here as it is for the rows of a window, by
    /// the text that comes, and not by what a database makes of it.
    pub fn keys(&self) -> String {
        let columns: Vec<String> = self.key.iter().chain(&self.how.tombstone).map(|name| self.column(name)).collect();
        format!("SELECT {} FROM {}", columns.join(", "), self.from)
    }

    fn is_there(&self) -> String {
        let Some(tombstone) = &self.how.tombstone else { return "1 = 1".to_owned() };
        let column = self.column(tombstone);
        let text = format!("CAST({column} AS {})", self.text());
        match self.connection {
            // A BIT is cast to its bytes, and collations differ in what they take those for.
            Connection::Mysql { .. } => {
                is_alive_by(&format!("replace({text}, char(0 using utf8mb4), '')"), " COLLATE utf8mb4_bin")
            }
            // A REAL is cast to 0.0, and read as 0.
            Connection::Sqlite { .. } => {
                is_alive(&format!("CASE WHEN typeof({column}) = 'real' AND {column} = 0 THEN '0' ELSE {text} END"))
            }
            _ => is_alive(&text),
        }
    }

    fn text(&self) -> &'static str {
        match self.connection {
            Connection::Mysql { .. } => "char",
            _ => "text",
        }
    }
}
