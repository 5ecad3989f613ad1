//! Coming in: the url, TLS, and what a server says that does not let us.

use config::Secret;
use mysql_async::{Conn, DriverError, Error as Fault, IoError, Opts, OptsBuilder, SslOpts};
use rustls::RootCertStore;
use url::Url;

use crate::error::Error;

/// What a packet of a row has beside its values, and the least a greeting needs.
const PACKET_MARGIN: usize = 64 * 1024;

/// Seconds of silence after which the library itself would take a connection for stale: it is asked at once here.
const WAIT_TIMEOUT: usize = 28_800;

/// User or password is wrong.
const REFUSED_LOGINS: [u16; 2] = [1045, 1698];

/// The database is not there, or not for this user.
const REFUSED_DATABASES: [u16; 2] = [1044, 1049];

/// There are too many connections now, of all or of this user.
const FULL: [u16; 2] = [1040, 1203];

/// The server shuts down, or somebody has ended the connection.
const ENDED: [u16; 3] = [1053, 1079, 1927];

/// How a connection is encrypted, by the names that MySQL's own clients have for it. Their `verify_ca` is not among them: whoever
/// checks the authority can check the host as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SslMode {
    Disabled,
    /// Where the server has it; whoever it is.
    Preferred,
    /// Always; whoever the server is.
    Required,
    /// With a certificate for this host, of an authority that this machine trusts.
    VerifyIdentity,
}

impl SslMode {
    const NAMES: &str = "disabled, preferred, required, verify_identity";

    fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().replace('-', "_").as_str() {
            "disabled" => Some(Self::Disabled),
            "preferred" => Some(Self::Preferred),
            "required" => Some(Self::Required),
            "verify_identity" => Some(Self::VerifyIdentity),
            _ => None,
        }
    }

    fn options(self) -> Option<SslOpts> {
        let options = SslOpts::default();
        match self {
            Self::Disabled => None,
            Self::Preferred | Self::Required => Some(options.with_danger_accept_invalid_certs(true)),
            Self::VerifyIdentity => Some(trusting(options)),
        }
    }
}

/// Certificates the machine trusts: a company's own authority is found there.
fn trusting(options: SslOpts) -> SslOpts {
    let mut known = RootCertStore::empty();
    let certificates = rustls_native_certs::load_native_certs().certs.into_iter();
    // One that cannot be read would refuse all the others.
    let roots = certificates.filter(|one| known.add(one.clone()).is_ok()).map(|one| one.to_vec().into());
    options.with_disable_built_in_roots(true).with_root_certs(roots.collect())
}

/// Where a url leads.
struct Address {
    options: OptsBuilder,
    mode: SslMode,
    target: String,
}

impl Address {
    /// An error says what is wrong with the url, and holds nothing of it.
    fn parse(url: &str) -> Result<Self, String> {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        // A password that was filled in may hold what would end it in a url.
        let (login, place) = rest.rsplit_once('@').unwrap_or(("", rest));
        let mut url = Url::parse(&format!("mysql://{place}")).map_err(|e| e.to_string())?;
        let (user, password) = login.split_once(':').map_or((login, None), |(user, password)| (user, Some(password)));
        if url.set_username(user).and_then(|()| url.set_password(password)).is_err() {
            return Err("it names no host".to_owned());
        }
        let (mut mode, mut socket) = (SslMode::Preferred, None);
        for (key, value) in url.query_pairs() {
            match key.as_ref() {
                "ssl-mode" => {
                    let known = SslMode::named(&value);
                    mode = known.ok_or_else(|| format!("its `ssl-mode` is none of {}", SslMode::NAMES))?;
                }
                "socket" => socket = Some(value.into_owned()),
                _ => return Err("it has an option other than `ssl-mode` and `socket`".to_owned()),
            }
        }
        url.set_query(None);
        let options = Opts::from_url(url.as_str()).map_err(|e| e.to_string())?;
        let target = socket.clone().unwrap_or_else(|| format!("{}:{}", options.ip_or_hostname(), options.tcp_port()));
        // The library would leave the url's host for a socket that the server names.
        let options = OptsBuilder::from_opts(options).prefer_socket(false).socket(socket).wait_timeout(Some(WAIT_TIMEOUT));
        Ok(Self { options, mode, target })
    }
}

/// `record_bytes` bounds what one row may take before it is read.
pub(crate) async fn connect(name: &str, url: &Secret, record_bytes: usize) -> Result<Conn, Error> {
    let address = Address::parse(url.expose()).map_err(|detail| Error::Connection {
        connection: name.to_owned(),
        detail: format!("the url is not one of MySQL: {detail}"),
        help: "write mysql://user:password@host:3306/database".to_owned(),
    })?;
    let options = address.options.max_allowed_packet(Some(record_bytes.saturating_add(PACKET_MARGIN)));
    let connected = match Conn::new(options.clone().ssl_opts(address.mode.options())).await {
        Err(Fault::Driver(DriverError::NoClientSslFlagFromServer)) if address.mode == SslMode::Preferred => {
            Conn::new(options).await
        }
        connected => connected,
    };
    connected.map_err(|fault| refused(name, address.target, &fault))
}

fn refused(name: &str, target: String, fault: &Fault) -> Error {
    let (connection, detail) = (name.to_owned(), detail(fault));
    match server_code(fault) {
        Some(code) if REFUSED_LOGINS.contains(&code) => Error::Credentials { connection, detail },
        Some(code) if REFUSED_DATABASES.contains(&code) => {
            let help = "the database is the last part of the url, and the user needs rights in it".to_owned();
            Error::Connection { connection, detail, help }
        }
        Some(code) if FULL.contains(&code) => Error::Unreachable { connection, target, detail },
        Some(_) => Error::Connection { connection, detail, help: "the server answered and refused".to_owned() },
        None if is_tls(fault) => {
            let help = format!("`?ssl-mode=` in the url says how the connection is encrypted: {}", SslMode::NAMES);
            Error::Connection { connection, detail, help }
        }
        None if matches!(fault, Fault::Io(_) | Fault::Driver(DriverError::ConnectionClosed)) => {
            Error::Unreachable { connection, target, detail }
        }
        None => {
            Error::Connection { connection, detail, help: "the server speaks otherwise than MySQL and MariaDB do".to_owned() }
        }
    }
}

/// Whether encrypting the connection failed.
fn is_tls(fault: &Fault) -> bool {
    match fault {
        Fault::Io(IoError::Tls(_)) | Fault::Driver(DriverError::NoClientSslFlagFromServer) => true,
        Fault::Io(IoError::Io(error)) => matches!(error.get_ref(), Some(inner) if inner.is::<rustls::Error>()),
        _ => false,
    }
}

/// The number of what the server says.
pub(super) fn server_code(fault: &Fault) -> Option<u16> {
    match fault {
        Fault::Server(error) => Some(error.code),
        _ => None,
    }
}

/// The server's own words, where it has said something.
pub(crate) fn detail(fault: &Fault) -> String {
    match fault {
        Fault::Server(error) => format!("{} [{}]", error.message, error.code),
        Fault::Io(IoError::Io(error)) => error.to_string(),
        Fault::Io(IoError::Tls(error)) => format!("TLS: {error}"),
        fault => fault.to_string(),
    }
}

/// Whether the connection ended, rather than the query.
pub(super) fn is_dropped(fault: &Fault) -> bool {
    match fault {
        Fault::Io(_) | Fault::Driver(DriverError::ConnectionClosed) => true,
        fault => server_code(fault).is_some_and(|code| ENDED.contains(&code)),
    }
}

/// Whether a row was longer than the limit; the library's type for it is not public.
pub(super) fn is_too_large(fault: &Fault) -> bool {
    match fault {
        Fault::Io(IoError::Io(error)) => error.get_ref().is_some_and(|inner| inner.to_string().contains("max_allowed_packet")),
        _ => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what is not there fails the test")]
mod tests {
    use super::*;

    fn parsed(url: &str) -> (Opts, SslMode, String) {
        let Address { options, mode, target } = Address::parse(url).unwrap();
        (Opts::from(options), mode, target)
    }

    #[test]
    fn a_url_says_where_to_go_and_how() {
        let (options, mode, target) = parsed("mysql://shop:s3cret@db.example/till");
        assert_eq!((options.user(), options.pass(), options.db_name()), (Some("shop"), Some("s3cret"), Some("till")));
        assert_eq!((mode, target.as_str()), (SslMode::Preferred, "db.example:3306"));
        assert!(!options.prefer_socket());
        let (options, mode, target) = parsed("mariadb://shop@[::1]:3307/till?ssl-mode=VERIFY_IDENTITY");
        assert_eq!((options.pass(), mode), (None, SslMode::VerifyIdentity));
        assert!(target.ends_with(":3307"), "{target}");
        let (options, _, target) = parsed("mysql://shop@localhost/till?socket=/run/mysqld/mysqld.sock");
        assert_eq!((options.socket(), target.as_str()), (Some("/run/mysqld/mysqld.sock"), "/run/mysqld/mysqld.sock"));
    }

    #[test]
    fn a_password_may_hold_anything() {
        for (written, password) in [("p@ss:w/o#r?d", "p@ss:w/o#r?d"), ("p%40ss", "p@ss"), ("50%off", "50%off")] {
            assert_eq!(parsed(&format!("mysql://shop:{written}@db/till")).0.pass(), Some(password), "{written}");
        }
    }

    #[test]
    fn a_wrong_url_is_told_without_its_words() {
        for url in [
            "mysql://shop:canary@db:port/till",
            "mysql://shop:canary@",
            "mysql://shop:canary@db/till?ssl-mode=canary",
            "mysql://shop:canary@db/till?canary=canary",
        ] {
            let told = Address::parse(url).err().unwrap();
            assert!(!told.contains("canary"), "{told}");
        }
    }
}
