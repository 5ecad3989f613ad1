//! The url of a PostgreSQL server, as the library that connects is to read it.

/// What a url may say behind its `?`: the names that tokio-postgres knows.
const OPTIONS: [&str; 19] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "options",
    "password",
    "port",
    "sslmode",
    "sslnegotiation",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

/// The url with each `@` written as `%40` but the one that ends user and password; `key=value` pairs stay as they are.
///
/// A password that was filled in may hold an `@`. The library ends the login at the first one and takes the rest of the password
/// for the host, which messages name.
pub fn postgres_url(written: &str) -> String {
    let is_postgres = |(scheme, _): &(&str, &str)| ["postgres", "postgresql"].contains(scheme);
    let Some((scheme, rest)) = written.split_once("://").filter(is_postgres) else { return written.to_owned() };
    let begins_options = |(at, _): &(usize, &str)| {
        let option = rest.get(at + 1..).and_then(|behind| behind.split_once('='));
        option.is_some_and(|(name, _)| OPTIONS.contains(&name))
    };
    // A password may hold a `?` as well, but hardly one that an option follows.
    let end = rest.match_indices('?').find(begins_options).map_or(rest.len(), |(at, _)| at);
    let (address, options) = rest.split_at(end);
    let options = options.replace('@', "%40");
    match address.rsplit_once('@') {
        Some((login, place)) => format!("{scheme}://{}@{place}{options}", login.replace('@', "%40")),
        None => format!("{scheme}://{address}{options}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_may_hold_what_ends_it() {
        for (written, read) in [
            ("postgres://reader:abc@tail@db:5432/shop", "postgres://reader:abc%40tail@db:5432/shop"),
            ("postgresql://r@b:@@a/b?c=d@@db", "postgresql://r%40b:%40%40a/b?c=d%40@db"),
            ("postgres://a:b@c@db/shop?sslmode=require", "postgres://a:b%40c@db/shop?sslmode=require"),
            ("postgres://a:b@c@db/shop?user=x@y&password=p@q", "postgres://a:b%40c@db/shop?user=x%40y&password=p%40q"),
            ("postgres://db/shop?user=reader&password=abc@tail", "postgres://db/shop?user=reader&password=abc%40tail"),
        ] {
            assert_eq!(postgres_url(written), read);
            assert_eq!(postgres_url(read), read);
        }
    }

    #[test]
    fn what_is_clear_stays_as_it_is() {
        for written in [
            "postgres://reader:p%40ss@db/shop",
            "postgres://reader:50%off:/?#@[::1]:5432,db:5433/shop?application_name=etl",
            "postgres:///shop?host=/run/postgresql&user=reader",
            "postgres://db",
            "host=db user=reader password=abc@tail",
            "host=db password='postgres://a@b@c'",
            "mysql://reader:abc@tail@db/shop",
        ] {
            assert_eq!(postgres_url(written), written);
        }
    }
}
