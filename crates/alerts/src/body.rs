//! What is sent, by the service that reads it.

use serde_json::Value;

use crate::channel::Shape;
use crate::message::Message;

pub(crate) mod generic;
pub mod mail;
pub(crate) mod slack;
pub(crate) mod teams;

/// The JSON that a webhook of that shape is sent.
pub fn webhook(message: &Message, shape: Shape) -> Value {
    match shape {
        Shape::Generic => generic::body(message),
        Shape::Slack => slack::body(message),
        Shape::Teams => teams::body(message),
    }
}

/// Builds a body with ever shorter values until it fits a service's limit, in bytes of JSON.
fn within(limit: usize, build: impl Fn(usize) -> Value) -> Value {
    let mut value_limit = 4000;
    loop {
        let body = build(value_limit);
        if value_limit <= 60 || body.to_string().len() <= limit {
            return body;
        }
        value_limit /= 2;
    }
}

/// How many labels and values a body shows.
const MOST_LINES: usize = 30;

/// The first lines, and a last one that counts those left out.
fn shown(mut lines: Vec<(String, String)>) -> Vec<(String, String)> {
    let left_out = lines.len().saturating_sub(MOST_LINES);
    if left_out > 0 {
        lines.truncate(MOST_LINES);
        lines.push(("left out".to_owned(), format!("{left_out} more lines")));
    }
    lines
}
