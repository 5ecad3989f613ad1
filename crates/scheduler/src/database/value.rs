//! What goes into a statement and what comes out: the few types that both databases hold alike.

use bytes::BytesMut;
use chrono::{DateTime, Utc};
use rusqlite::types::{ToSqlOutput, ValueRef};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::timestamp::{self, Written};

/// A text, a whole number or nothing. Times are text that sorts as they do, and yes and no are 1 and 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Nothing,
    Integer(i64),
    Text(String),
}

impl Value {
    /// The type that PostgreSQL is told; what may be nothing is text in every table here.
    pub fn postgres_type(&self) -> Type {
        match self {
            Self::Integer(_) => Type::INT8,
            Self::Nothing | Self::Text(_) => Type::TEXT,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

/// Numbers too large for a database's are its largest: they are limits, and counts that never come so far.
impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Self::Integer(yes.into())
    }
}

impl From<DateTime<Utc>> for Value {
    fn from(at: DateTime<Utc>) -> Self {
        Self::Text(timestamp::text(at))
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Into::into)
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Nothing => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

impl ToSql for Value {
    fn to_sql(&self, wanted: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Nothing => Ok(IsNull::Yes),
            Self::Integer(number) => number.to_sql(wanted, out),
            Self::Text(text) => text.to_sql(wanted, out),
        }
    }

    fn accepts(wanted: &Type) -> bool {
        matches!(*wanted, Type::INT8 | Type::TEXT)
    }

    to_sql_checked!();
}

/// A row of an answer. What it cannot be read as is said in words.
#[derive(Debug)]
pub struct Row(pub Vec<Value>);

impl Row {
    pub fn text(&self, column: usize) -> Result<String, String> {
        self.optional_text(column)?.ok_or_else(|| format!("column {column} is empty"))
    }

    pub fn optional_text(&self, column: usize) -> Result<Option<String>, String> {
        match self.0.get(column) {
            Some(Value::Text(text)) => Ok(Some(text.clone())),
            Some(Value::Nothing) => Ok(None),
            other => Err(format!("column {column} holds no text but {other:?}")),
        }
    }

    pub fn integer(&self, column: usize) -> Result<i64, String> {
        match self.0.get(column) {
            Some(Value::Integer(number)) => Ok(*number),
            other => Err(format!("column {column} holds no number but {other:?}")),
        }
    }

    pub fn time(&self, column: usize) -> Result<DateTime<Utc>, String> {
        Written::from_text(self.optional_text(column)?.as_deref())
    }

    pub fn optional_time(&self, column: usize) -> Result<Option<DateTime<Utc>>, String> {
        Written::from_text(self.optional_text(column)?.as_deref())
    }
}
