//! Who may see a page: host names, the token, the session, and the headers that keep other sites out.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::App;
use crate::pages;

pub const COOKIE: &str = "console_session";

/// Wrong tokens a minute at the sign-in before further ones are not looked at. Bearers are not counted: a collector that still has
/// the old token would lock people out, and a token is too long to be guessed.
const MOST_GUESSES: usize = 10;

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Who is let in.
#[derive(Debug, Clone)]
pub enum Access {
    /// Anybody on this machine, under a loopback name: another site's page cannot come in under its own.
    Loopback,
    /// Whoever knows the token.
    Token(SecretString),
}

/// What the handlers share.
pub struct Server {
    pub app: Arc<App>,
    /// Everything a browser is handed is derived from this; it never leaves the process.
    key: Vec<u8>,
    guesses: Mutex<Vec<DateTime<Utc>>>,
}

impl Server {
    pub fn new(app: Arc<App>) -> Self {
        let key = match &app.access {
            // Sessions outlive a restart, and end when the token changes.
            Access::Token(token) => token.expose_secret().as_bytes().to_vec(),
            Access::Loopback => random_key(),
        };
        Self { app, key, guesses: Mutex::new(Vec::new()) }
    }

    /// The value of the session cookie.
    pub fn session(&self) -> String {
        self.derive(b"consumer360 console session")
    }

    /// The value that every form carries.
    pub fn csrf(&self) -> String {
        self.derive(b"consumer360 console form")
    }

    pub fn needs_token(&self) -> bool {
        matches!(self.app.access, Access::Token(_))
    }

    /// Whether this is the token. The time it takes tells nothing of how much of it was right.
    pub fn is_token(&self, text: &str) -> bool {
        match &self.app.access {
            Access::Token(token) => same(&seal(&self.key, token.expose_secret().as_bytes()), &seal(&self.key, text.as_bytes())),
            Access::Loopback => false,
        }
    }

    /// Whether the request may pass: on loopback, with the token as bearer, or with a session.
    pub fn admits(&self, headers: &HeaderMap) -> bool {
        !self.needs_token() || self.has_bearer(headers) || cookie(headers).is_some_and(|value| same(value, &self.session()))
    }

    /// A program that sends the token by itself; no browser does so for another site.
    pub fn has_bearer(&self, headers: &HeaderMap) -> bool {
        let sent = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
        sent.and_then(|v| v.strip_prefix("Bearer ")).is_some_and(|token| self.is_token(token))
    }

    /// Whether a form was made by this server and sent from one of its own pages.
    pub fn is_own_form(&self, headers: &HeaderMap, csrf: &str) -> bool {
        from_own_page(headers) && (same(csrf, &self.csrf()) || self.has_bearer(headers))
    }

    pub fn guessed_too_often(&self) -> bool {
        let now = (self.app.now)();
        let mut guesses = self.guesses.lock().unwrap_or_else(PoisonError::into_inner);
        guesses.retain(|at| now - *at < TimeDelta::minutes(1));
        guesses.len() >= MOST_GUESSES
    }

    pub fn note_guess(&self) {
        let now = (self.app.now)();
        self.guesses.lock().unwrap_or_else(PoisonError::into_inner).push(now);
    }

    fn derive(&self, what: &[u8]) -> String {
        seal(&self.key, what)
    }
}

/// Without randomness no form could be told from a forged one, so an empty key refuses them all.
fn random_key() -> Vec<u8> {
    let mut key = vec![0; 32];
    if let Err(error) = getrandom::fill(&mut key) {
        tracing::error!(%error, "the system gives no random bytes; the console takes no forms");
        key.clear();
    }
    key
}

fn seal(key: &[u8], what: &[u8]) -> String {
    use std::fmt::Write as _;
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(what);
    mac.finalize().into_bytes().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Equal, and not empty.
fn same(a: &str, b: &str) -> bool {
    !a.is_empty() && bool::from(a.as_bytes().ct_eq(b.as_bytes()))
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

/// Browsers say where a form comes from; what says nothing is no browser of this age, and its form token decides.
fn from_own_page(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    let site_is_own = text("sec-fetch-site").is_none_or(|site| site == "same-origin" || site == "none");
    let origin_is_own = text("origin").is_none_or(|origin| {
        let host = origin.split_once("://").map(|(_, host)| host);
        host.is_some() && host == text("host")
    });
    site_is_own && origin_is_own
}

/// On loopback, answers only under a loopback name: a page of another site that points its own name here is refused.
pub async fn check_host(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    if server.needs_token() || is_loopback(request.headers()) {
        return next.run(request).await;
    }
    (StatusCode::MISDIRECTED_REQUEST, "This console answers only under localhost, 127.0.0.1 or [::1].\n").into_response()
}

fn is_loopback(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|v| v.to_str().ok()) else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Sends whoever has no session to the form that makes one.
pub async fn admit(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    if server.admits(request.headers()) {
        return next.run(request).await;
    }
    let wants_page = request.method() == Method::GET
        && request.headers().get(header::ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains("text/html"));
    if wants_page {
        return Redirect::to("/login").into_response();
    }
    let mut refusal = pages::refusal(&server, StatusCode::UNAUTHORIZED, "This console needs its token.");
    refusal.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    refusal
}

pub async fn add_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    // `same-origin` and not `no-referrer`: with the latter, browsers send `Origin: null` with the console's own forms.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
