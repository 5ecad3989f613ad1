//! Connections: the keys each type needs, and references filled in.

use std::path::PathBuf;

use super::Check;
use crate::pipeline::Connection;
use crate::raw::{self, ConnectionType};
use crate::secret::{Secret, resolve};

/// The connection with its references filled in.
pub(super) fn connection(check: &mut Check<'_>, name: &str, raw: &raw::Connection) -> Option<Connection> {
    let (key, value) = address(check, name, raw)?;
    let resolved = check.keep(&["connections", name, key], resolve(value, check.environment))?;
    if resolved.trim().is_empty() {
        let help = if value.trim().is_empty() { "give it a value" } else { "what it refers to is empty" };
        check.say(&["connections", name, key], format!("`{key}` of connection `{name}` is empty"), help);
        return None;
    }
    match raw.r#type {
        ConnectionType::Postgres => postgres(check, name, resolved),
        ConnectionType::Sqlite | ConnectionType::Files if !check.is_allowed(&["connections", name, key], &resolved) => None,
        ConnectionType::Sqlite => Some(Connection::Sqlite { path: PathBuf::from(resolved) }),
        ConnectionType::Files => files(check, name, resolved),
    }
}

/// The key that says where the connection leads, and its value as written.
pub(super) fn address<'r>(check: &mut Check<'_>, name: &str, raw: &'r raw::Connection) -> Option<(&'static str, &'r str)> {
    let (key, value, other, other_value) = match raw.r#type {
        ConnectionType::Sqlite => ("path", &raw.path, "url", &raw.url),
        ConnectionType::Files | ConnectionType::Postgres => ("url", &raw.url, "path", &raw.path),
    };
    let kind = match raw.r#type {
        ConnectionType::Files => "files",
        ConnectionType::Sqlite => "sqlite",
        ConnectionType::Postgres => "postgres",
    };
    if other_value.is_some() {
        check.say_key(
            &["connections", name, other],
            format!("a connection of type {kind} has no `{other}`"),
            format!("it has `{key}`"),
        );
        value.as_ref()?;
    }
    let Some(value) = value else {
        let example = match raw.r#type {
            ConnectionType::Files => "url: data/shop",
            ConnectionType::Sqlite => "path: data/shop.sqlite",
            ConnectionType::Postgres => "url: \"${env:ORDERS_URL}\"",
        };
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
