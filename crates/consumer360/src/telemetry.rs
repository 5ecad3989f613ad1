//! Documents for other programs, over HTTP.

use std::time::Duration;

use alerts::{Failure, Timing};
use secrecy::SecretString;
use serde_json::Value;

/// Posts a document once. Nobody waits longer for a program that only watches.
pub fn post(url: &config::Secret, header: Option<(String, String)>, document: &Value) -> Result<(), Failure> {
    let timing = Timing { connect: Duration::from_secs(2), whole: Duration::from_secs(5), ..Timing::default() };
    let headers: Vec<_> = header.into_iter().map(|(name, value)| (name, SecretString::from(value))).collect();
    alerts::post_json(&url.into(), &headers, document.to_string(), &timing)
}
