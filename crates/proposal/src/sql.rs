//! Identifiers in SQL.

use crate::source::Connection;

/// Words that cannot stand bare as a name in SQLite or PostgreSQL.
const RESERVED: [&str; 34] = [
    "all", "and", "as", "between", "by", "case", "check", "column", "default", "desc", "distinct", "else", "end", "from",
    "group", "having", "in", "index", "is", "join", "left", "limit", "not", "null", "on", "or", "order", "primary", "select",
    "table", "to", "union", "user", "where",
];

/// A name in double quotes, which every dialect takes but MySQL's.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name as MySQL and MariaDB quote it.
pub(crate) fn in_backticks(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A name as a query of this database writes it: bare where that means the same.
pub(crate) fn identifier(name: &str, connection: &Connection) -> String {
    if let Connection::Mysql(_) = connection {
        // Its reserved words are many, and more with each version.
        return in_backticks(name);
    }
    let simple = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !RESERVED.contains(&name.to_ascii_lowercase().as_str());
    // PostgreSQL takes bare names for small letters.
    let kept = !matches!(connection, Connection::Postgres(_)) || !name.chars().any(|c| c.is_ascii_uppercase());
    if simple && kept { name.to_owned() } else { quoted(name) }
}

/// A table, with its schema where it has one.
pub(crate) fn table(name: &str, connection: &Connection) -> String {
    match connection {
        Connection::Postgres(_) => name.split('.').map(|part| identifier(part, connection)).collect::<Vec<_>>().join("."),
        _ => identifier(name, connection),
    }
}
