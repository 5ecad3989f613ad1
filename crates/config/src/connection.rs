//! Where data lies, checked.

use std::fmt;
use std::path::PathBuf;

use crate::secret::Secret;

/// Where data lies. It prints its kind alone, because any address may have been filled in from a secret.
#[derive(Clone)]
pub enum Connection {
    /// A folder, or `s3://bucket/prefix`, `az://container/prefix`, `gs://bucket/prefix` with credentials from the environment.
    Files {
        url: String,
    },
    Sqlite {
        path: PathBuf,
    },
    Postgres {
        url: Secret,
    },
    /// MySQL or MariaDB.
    Mysql {
        url: Secret,
    },
    /// A driver's connection string.
    Odbc {
        connection: Secret,
    },
}

impl Connection {
    /// Where it leads, without who comes in and by what password: two that lead to the same place say the same. It is to be
    /// compared and not to be shown, because any address may have been filled in from a secret.
    pub fn place(&self) -> String {
        match self {
            Self::Files { url } => format!("files {url}"),
            Self::Sqlite { path } => format!("sqlite {}", path.display()),
            Self::Postgres { url } => match url.expose().split_once("://") {
                Some((_, rest)) => format!("postgres {}", behind_the_login(rest)),
                None => format!("postgres {}", without_login(url.expose(), char::is_whitespace, ('\'', '\''))),
            },
            Self::Mysql { url } => {
                let rest = url.expose().split_once("://").map_or(url.expose(), |(_, rest)| rest);
                format!("mysql {}", behind_the_login(rest))
            }
            Self::Odbc { connection } => format!("odbc {}", without_login(connection.expose(), |c| c == ';', ('{', '}'))),
        }
    }
}

/// What of a url stands behind user and password: host, port, database, and the options that are no secrets.
fn behind_the_login(rest: &str) -> String {
    let is_address = |(address, options): (&str, &str)| address.contains('/') && options.contains('=');
    // A password that was filled in may hold what would end it in a url, and an option may hold an `@`.
    let place = match rest.rsplit_once('@') {
        Some((before, _)) if before.split_once('?').is_some_and(is_address) => {
            let (address, _) = rest.split_once('?').unwrap_or((rest, ""));
            let options = rest.get(address.len()..).unwrap_or_default();
            format!("{}{options}", address.rsplit_once('@').map_or(address, |(_, place)| place))
        }
        Some((_, place)) => place.to_owned(),
        None => rest.to_owned(),
    };
    let Some((address, options)) = place.split_once('?') else { return place };
    format!("{address}?{}", without_login(options, |c| c == '&', ('\0', '\0')))
}

/// The `key=value` pairs of a text that do not say who comes in, in its order. A value may stand in quotes, and be cut by none of
/// the characters in it then.
fn without_login(text: &str, cuts: impl Fn(char) -> bool, (open, close): (char, char)) -> String {
    let secret = ["user", "uid", "pass", "pwd", "token", "secret"];
    let names_no_login = |pair: &String| {
        let key = pair.split_once('=').map_or(pair.as_str(), |(key, _)| key).to_lowercase();
        !pair.is_empty() && !secret.iter().any(|part| key.contains(part))
    };
    let (mut pairs, mut pair, mut quoted) = (Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\\' if quoted && close == '\'' => pair.extend(characters.next()),
            // A brace that is meant stands there twice.
            _ if quoted && c == close && open != close && characters.peek() == Some(&close) => pair.extend(characters.next()),
            _ if quoted && c == close => quoted = false,
            _ if !quoted && c == open && pair.trim_end().ends_with('=') => quoted = true,
            _ if !quoted && cuts(c) => pairs.push(std::mem::take(&mut pair)),
            _ => pair.push(c),
        }
    }
    pairs.push(pair);
    let kept: Vec<String> = pairs.into_iter().map(|pair| pair.trim().to_owned()).filter(names_no_login).collect();
    kept.join("&")
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Files { .. } => "Files(***)",
            Self::Sqlite { .. } => "Sqlite(***)",
            Self::Postgres { .. } => "Postgres(***)",
            Self::Mysql { .. } => "Mysql(***)",
            Self::Odbc { .. } => "Odbc(***)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_the_same_whoever_comes_in() {
        let postgres = |url: &str| Connection::Postgres { url: Secret::new(url.to_owned()) }.place();
        let mysql = |url: &str| Connection::Mysql { url: Secret::new(url.to_owned()) }.place();
        let odbc = |text: &str| Connection::Odbc { connection: Secret::new(text.to_owned()) }.place();
        assert_eq!(postgres("postgres://reader:old@db/shop"), postgres("postgresql://robot:n/e?w@@db/shop"));
        assert_eq!(postgres("postgres://reader:old@db/shop?password=a&sslmode=require"), "postgres db/shop?sslmode=require");
        assert_eq!(postgres("postgres://a:b@db/shop?application_name=etl@night"), "postgres db/shop?application_name=etl@night");
        assert_eq!(postgres("postgres://db/shop?application_name=etl@night"), "postgres db/shop?application_name=etl@night");
        assert_eq!(postgres(r"host=db user=reader password='a b\' c' dbname=shop"), "postgres host=db&dbname=shop");
        assert_eq!(mysql("mysql://reader:old@db:3306/shop"), mysql("mariadb://robot:new@db:3306/shop"));
        assert_eq!(odbc("Driver={X;Y};UID=reader;PWD={a}};b};Server=db"), "odbc Driver=X;Y&Server=db");
        assert_eq!(odbc("DSN=shop;AccessToken=abc"), "odbc DSN=shop");
        for (one, other) in [("db/shop", "db/crm"), ("db/shop", "test/shop"), ("db/shop", "db:5433/shop")] {
            assert_ne!(postgres(&format!("postgres://a:b@{one}")), postgres(&format!("postgres://a:b@{other}")));
            assert_ne!(mysql(&format!("mysql://a:b@{one}")), mysql(&format!("mysql://a:b@{other}")));
        }
        assert_ne!(postgres("postgres://db/shop"), mysql("mysql://db/shop"));
    }
}
