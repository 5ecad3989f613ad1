//! Connections: the keys each type needs, and references filled in.

use std::path::PathBuf;

use super::Check;
use crate::pipeline::Connection;
use crate::raw::{self, ConnectionType};
use crate::secret::{Secret, resolve};

pub(super) fn connection(check: &mut Check<'_>, name: &str, raw: &raw::Connection) -> Option<Connection> {
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
        check.say(&["connections", name, other], format!("a connection of type {kind} has no `{other}`"), format!("it has `{key}`"));
    }
    let Some(value) = value else {
        let example = match raw.r#type {
            ConnectionType::Files => "url: data/shop",
            ConnectionType::Sqlite => "path: data/shop.sqlite",
            ConnectionType::Postgres => "url: \"${env:ORDERS_URL}\"",
        };
        check.say(&["connections", name], format!("connection `{name}` lacks `{key}`"), format!("such as {example}"));
        return None;
    };
    let resolved = check.keep(&["connections", name, key], resolve(value, check.environment))?;
    if resolved.trim().is_empty() {
        check.say(&["connections", name, key], format!("`{key}` of connection `{name}` is empty"), "");
        return None;
    }
    match raw.r#type {
        ConnectionType::Sqlite => Some(Connection::Sqlite { path: PathBuf::from(resolved) }),
        ConnectionType::Postgres => postgres(check, name, resolved),
        ConnectionType::Files => files(check, name, resolved),
    }
}

fn postgres(check: &mut Check<'_>, name: &str, url: String) -> Option<Connection> {
    // The url itself may be a secret, so the message does not hold it.
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) && !url.contains("host=") {
        let help = "write postgres://user:password@host:5432/database";
        check.say(&["connections", name, "url"], format!("the url of connection `{name}` is not one of PostgreSQL"), help);
        return None;
    }
    Some(Connection::Postgres { url: Secret::new(url) })
}

fn files(check: &mut Check<'_>, name: &str, url: String) -> Option<Connection> {
    if let Some((scheme, _)) = url.split_once("://")
        && !["s3", "az", "gs"].contains(&scheme)
    {
        check.say(&["connections", name, "url"], format!("`{scheme}://` is not a store that files are read from"), "use a folder, s3://, az:// or gs://");
        return None;
    }
    Some(Connection::Files { url })
}
