//! The columns and values of a table, the same for every file format.

use std::io::Write as _;

/// What a column holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// 64 bits.
    Whole,
    /// 32 bits.
    Small,
    Text,
    /// Hundredths, in a decimal of this many digits.
    Cents(u8),
    Date,
    /// A moment without a zone.
    Time,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

pub(crate) const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind }
}

/// One value of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cell<'a> {
    Null,
    Whole(i64),
    Small(i32),
    Text(&'a str),
    /// A text that need not be UTF-8; only CSV can hold it.
    Raw(&'a [u8]),
    /// A number of hundredths. A text column takes it as decimal text.
    Cents(i64),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01.
    Time(i64),
}

impl Cell<'_> {
    pub(crate) fn date_or_null(day: Option<i32>) -> Self {
        day.map_or(Self::Null, Self::Date)
    }
}

/// Appends the amount as decimal text with two decimals.
pub(crate) fn push_cents(text: &mut Vec<u8>, cents: i64) -> std::io::Result<()> {
    let sign = if cents < 0 { "-" } else { "" };
    let size = cents.unsigned_abs();
    write!(text, "{sign}{}.{:02}", size / 100, size % 100)
}
