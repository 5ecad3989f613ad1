//! One message over the network, with a few attempts.

use std::error::Error;
use std::io;
use std::thread;
use std::time::Duration;

use crate::channel::{Channel, Target};
use crate::fingerprint;
use crate::message::Message;

mod http;
mod smtp;

pub use http::post_json;

/// How long is waited for a channel.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// For a connection.
    pub connect: Duration,
    /// For an attempt from the name's look-up to the answer.
    pub whole: Duration,
    /// How many attempts a message gets in one delivery, at least one.
    pub attempts: u32,
    /// The wait before the second attempt; it doubles, and a quarter of it is shifted by chance.
    pub first_wait: Duration,
    /// The longest wait before an attempt. A server that asks for a longer one is left alone until the next delivery.
    pub longest_wait: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            whole: Duration::from_secs(15),
            attempts: 3,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(10),
        }
    }
}

impl Timing {
    /// The longest that one message can take.
    pub(crate) fn longest(&self) -> Duration {
        (self.whole + self.longest_wait).saturating_mul(self.attempts.max(1))
    }
}

/// Why a message was not delivered. The reason names no address and no header.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct Failure {
    pub reason: String,
    /// Whether it may go better in a moment.
    pub passing: bool,
    /// How long the server asked to be left alone.
    pub retry_after: Option<Duration>,
}

/// What is said of a handshake that fails.
const NOT_ENCRYPTED: &str = "no encrypted connection: the certificate or the protocol does not fit";

/// Whether a failed connection is a handshake that failed: it comes up as data of a wrong kind.
fn is_of_tls(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        if cause.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::InvalidData) {
            return true;
        }
        next = cause.source();
    }
    false
}

impl Failure {
    fn passing(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), passing: true, retry_after: None }
    }

    fn lasting(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), passing: false, retry_after: None }
    }
}

/// Sends a message, with further attempts where they may help. `id` settles the jitter.
pub(crate) fn send(channel: &Channel, message: &Message, id: i64, timing: &Timing) -> Result<(), Failure> {
    let mut attempt = 1;
    loop {
        let failure = match once(channel, message, id, timing) {
            Ok(()) => return Ok(()),
            Err(failure) => failure,
        };
        let wait = failure.retry_after.unwrap_or_else(|| backoff(id, attempt, timing));
        if !failure.passing || attempt >= timing.attempts || wait > timing.longest_wait {
            return Err(failure);
        }
        thread::sleep(wait);
        attempt += 1;
    }
}

fn once(channel: &Channel, message: &Message, id: i64, timing: &Timing) -> Result<(), Failure> {
    match &channel.target {
        Target::Webhook { url, shape, headers } => http::post(url, *shape, headers, message, timing),
        Target::Heartbeat { url } => http::ping(url, message, timing),
        Target::Smtp { url, from, to } => smtp::mail(url, from, to, message, id, timing),
    }
}

fn backoff(id: i64, attempt: u32, timing: &Timing) -> Duration {
    let wait = timing.first_wait.saturating_mul(1 << (attempt - 1).min(10)).min(timing.longest_wait);
    // From three quarters of the wait to the whole of it, so that channels of one failure do not come back at once.
    wait.mul_f64(0.75) + wait.mul_f64(0.25).saturating_mul(u32::try_from(fingerprint::per_mille(id, attempt)).unwrap_or(0)) / 1000
}
