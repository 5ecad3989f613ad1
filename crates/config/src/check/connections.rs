//! Connections: the keys each type needs, and references filled in.

use std::path::PathBuf;

use super::Check;
use crate::connection::Connection;
use crate::raw::{self, ConnectionType};
use crate::secret::Secret;

/// The connection with its references filled in.
pub(super) fn connection(check: &mut Check<'_>, name: &str, raw: &raw::Connection) -> Option<Connection> {
    let (key, value) = address(check, name, raw)?;
    let resolved = check.filled(&["connections", name, key], value)?;
    if resolved.trim().is_empty() {
        let help = if value.trim().is_empty() { "give it a value" } else { "what it refers to is empty" };
        check.say(&["connections", name, key], format!("`{key}` of connection `{name}` is empty"), help);
        return None;
    }
    match raw.r#type {
        ConnectionType::Postgres => postgres(check, name, resolved),
        ConnectionType::Mysql => mysql(check, name, resolved),
        ConnectionType::Odbc => odbc(check, name, resolved),
        ConnectionType::Sqlite | ConnectionType::Files if !check.is_allowed(&["connections", name, key], &resolved) => None,
        ConnectionType::Sqlite => Some(Connection::Sqlite { path: PathBuf::from(resolved) }),
        ConnectionType::Files => files(check, name, resolved),
    }
}

/// The key that says where the connection leads, and its value as written.
pub(super) fn address<'r>(check: &mut Check<'_>, name: &str, raw: &'r raw::Connection) -> Option<(&'static str, &'r str)> {
    let (kind, key, example) = match raw.r#type {
        ConnectionType::Files => ("files", "url", "url: data/shop"),
        ConnectionType::Sqlite => ("sqlite", "path", "path: data/shop.sqlite"),
        ConnectionType::Postgres => ("postgres", "url", "url: \"${env:ORDERS_URL}\""),
        ConnectionType::Mysql => ("mysql", "url", "url: \"mysql://reader:${env:ORDERS_PASSWORD}@db.example:3306/shop\""),
        ConnectionType::Odbc => {
            ("odbc", "connection", "connection: \"Driver=PostgreSQL Unicode;Server=db.example;UID=reader;PWD=${env:PW}\"")
        }
    };
    let given = [("url", &raw.url), ("path", &raw.path), ("connection", &raw.attributes)];
    let value = given.iter().find(|(name, _)| *name == key).and_then(|(_, value)| value.as_ref());
    let others = given.iter().filter(|(name, value)| *name != key && value.is_some());
    let mut stray = false;
    for (other, _) in others {
        stray = true;
        check.say_key(
            &["connections", name, other],
            format!("a connection of type {kind} has no `{other}`"),
            format!("it has `{key}`"),
        );
    }
    if stray && value.is_none() {
        return None;
    }
    let Some(value) = value else {
        check.say_key(&["connections", name], format!("connection `{name}` lacks `{key}`"), format!("such as {example}"));
        return None;
    };
    Some((key, value))
}

pub(super) fn is_postgres(url: &str) -> bool {
    ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) || url.contains("host=")
}

fn postgres(check: &mut Check<'_>, name: &str, url: String) -> Option<Connection> {
    // The url itself may be a secret, so the message does not hold it.
    if !is_postgres(&url) {
        let help = "write postgres://user:password@host:5432/database";
        check.say(&["connections", name, "url"], format!("the url of connection `{name}` is not one of PostgreSQL"), help);
        return None;
    }
    Some(Connection::Postgres { url: Secret::new(url) })
}

fn mysql(check: &mut Check<'_>, name: &str, url: String) -> Option<Connection> {
    if !["mysql://", "mariadb://"].iter().any(|scheme| url.starts_with(scheme)) {
        let help = "write mysql://user:password@host:3306/database";
        check.say(&["connections", name, "url"], format!("the url of connection `{name}` is not one of MySQL or MariaDB"), help);
        return None;
    }
    Some(Connection::Mysql { url: Secret::new(url) })
}

fn odbc(check: &mut Check<'_>, name: &str, connection: String) -> Option<Connection> {
    if !check.is_shared && !check.roots.allow_all() {
        let message = format!("connection `{name}` may not be described here: a driver's attributes can name any file");
        let help = "describe it under `connections` of the settings; `limits: roots` keeps pipeline files to what they may use";
        check.say(&["connections", name, "connection"], message, help);
        return None;
    }
    let names = ["driver", "dsn", "filedsn"];
    let mut attributes = connection.split(';').filter_map(|attribute| attribute.split_once('='));
    if !attributes.any(|(key, _)| names.iter().any(|name| key.trim().eq_ignore_ascii_case(name))) {
        let message = format!("the connection string of connection `{name}` names neither a driver nor a data source");
        let help = "write Driver={name as `odbcinst -q -d` lists it};Server=…;Database=…;UID=…;PWD=…, or DSN=…";
        check.say(&["connections", name, "connection"], message, help);
        return None;
    }
    Some(Connection::Odbc { connection: Secret::new(connection) })
}

fn files(check: &mut Check<'_>, name: &str, url: String) -> Option<Connection> {
    let path = ["connections", name, "url"];
    let Some((scheme, rest)) = url.split_once("://") else { return Some(Connection::Files { url }) };
    // What a reference stood for is not shown, so the messages hold nothing of the url.
    if !["s3", "az", "gs"].contains(&scheme) {
        check.say(
            &path,
            format!("the url of connection `{name}` is not one that files are read from"),
            "write a folder, or a url that begins with s3://, az:// or gs://",
        );
        return None;
    }
    if rest.split('/').next().is_some_and(|bucket| bucket.contains('@')) {
        let help = "leave them out: the store takes them from the environment (AWS_ACCESS_KEY_ID and so on)";
        check.say(&path, format!("the url of connection `{name}` holds credentials"), help);
        return None;
    }
    Some(Connection::Files { url })
}
