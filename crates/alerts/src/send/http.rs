//! A message over HTTP.

use std::io::Read as _;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use ureq::Agent;
use ureq::http::{Response, StatusCode};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Body, Error};
use url::Url;

use super::{Failure, Timing};
use crate::body;
use crate::channel::Shape;
use crate::event::EventKind;
use crate::message::Message;

/// How much of a refusal is read.
const ANSWER_LIMIT: u64 = 1024;

pub fn post(
    url: &SecretString,
    shape: Shape,
    headers: &[(String, SecretString)],
    message: &Message,
    timing: &Timing,
) -> Result<(), Failure> {
    post_json(url, headers, body::webhook(message, shape).to_string(), timing)
}

/// Posts a document of JSON once. The failure names no address and no header.
pub fn post_json(
    url: &SecretString,
    headers: &[(String, SecretString)],
    document: String,
    timing: &Timing,
) -> Result<(), Failure> {
    let mut request = agent(url, timing).post(url.expose_secret()).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(name, value.expose_secret());
    }
    let response = request.send(document).map_err(|error| failure(&error))?;
    let secrets: Vec<&str> = headers.iter().map(|(_, value)| value.expose_secret()).chain([url.expose_secret()]).collect();
    judge(response, &secrets)
}

pub fn ping(url: &SecretString, message: &Message, timing: &Timing) -> Result<(), Failure> {
    let failed = !matches!(message.event.kind, EventKind::Published | EventKind::Unchanged);
    let mut address = Url::parse(url.expose_secret()).map_err(|_| Failure::lasting("the address is no URL"))?;
    if failed {
        // The suffix goes to the path, before a query.
        let path = format!("{}/fail", address.path().trim_end_matches('/'));
        address.set_path(&path);
    }
    let response = agent(url, timing).get(address.as_str()).call().map_err(|error| failure(&error))?;
    judge(response, &[url.expose_secret()])
}

/// No proxy of the environment, no redirect, no error by status: a status is judged here.
fn agent(url: &SecretString, timing: &Timing) -> Agent {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .user_agent("consumer360")
        .timeout_connect(Some(timing.connect))
        .timeout_global(Some(timing.whole));
    if url.expose_secret().starts_with("https:") {
        // Certificates that cannot be read are left out, as browsers do; without any the handshake says what is wrong.
        let found = rustls_native_certs::load_native_certs().certs;
        let roots = found.iter().map(|der| Certificate::from_der(der.as_ref()).to_owned());
        config = config.tls_config(TlsConfig::builder().root_certs(RootCerts::from(roots)).build());
    }
    config.build().new_agent()
}

fn judge(response: Response<Body>, secrets: &[&str]) -> Result<(), Failure> {
    let status = response.status();
    // A body is read only of a refusal, and then a little: it may have no end.
    if status.is_success() {
        return Ok(());
    }
    let retry_after = response
        .headers()
        .get("retry-after")
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.trim().parse().ok())
        .map(Duration::from_secs);
    let passing = status.is_server_error() || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
    let mut reason = format!("the server answered {}", status.as_u16());
    if status.is_redirection() {
        reason.push_str(", a redirect, which is not followed");
    } else if let Some(word) = (!passing).then(|| word(response, secrets)).flatten() {
        reason = format!("{reason}: {word}");
    }
    Err(Failure { reason, passing, retry_after: retry_after.filter(|_| passing) })
}

/// What the server says of a refusal, when that is a name such as `invalid_blocks`. Any other text might repeat the
/// address or a header, so it is left out.
fn word(response: Response<Body>, secrets: &[&str]) -> Option<String> {
    let mut text = String::new();
    response.into_body().into_reader().take(ANSWER_LIMIT).read_to_string(&mut text).ok()?;
    let word = text.trim();
    let named = !word.is_empty() && word.len() <= 40 && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    (named && !secrets.iter().any(|secret| secret.to_ascii_lowercase().contains(word))).then(|| word.to_owned())
}

/// The reason in our own words: the library's may hold the address.
fn failure(error: &Error) -> Failure {
    match error {
        Error::Timeout(_) => Failure::passing("no answer in time"),
        Error::HostNotFound => Failure::passing("the host has no address"),
        Error::Io(error) if super::is_of_tls(error) => Failure::lasting(super::NOT_ENCRYPTED),
        Error::Io(error) => Failure::passing(format!("the connection failed: {}", error.kind())),
        Error::ConnectionFailed => Failure::passing("the connection failed"),
        Error::Tls(_) | Error::Rustls(_) | Error::Pem(_) | Error::TlsRequired => Failure::lasting(super::NOT_ENCRYPTED),
        // A connection that closes within an answer shows as a fault of the protocol.
        Error::Protocol(_) | Error::LargeResponseHeader(..) => Failure::passing("the server's answer is no HTTP"),
        _ => Failure::lasting("the request could not be made"),
    }
}
