//! Blocks for a Slack webhook.

use serde_json::{Value, json};

use super::shown;
use crate::message::Message;
use crate::text::{fit, line, mrkdwn, plain};

/// What a header block takes is 150 characters, a section 3000; these are bytes, of which a character has one or more.
const HEADER_LIMIT: usize = 150;
const SECTION_LIMIT: usize = 2900;
const LABEL_LIMIT: usize = 100;

/// Blocks with a plain fallback for notifications. `&`, `<` and `>` are escaped, so that no text makes a mention or a
/// link. At most 35 blocks of the 50 that Slack takes.
pub fn body(message: &Message) -> Value {
    let title = message.title();
    let mut blocks = vec![json!({"type": "header", "text": {"type": "plain_text", "text": line(&title, HEADER_LIMIT)}})];
    // The header is short: a longer title is said again whole.
    if title.len() > HEADER_LIMIT {
        blocks.push(section(&fit(&title, SECTION_LIMIT, mrkdwn)));
    }
    if let Some(note) = message.note_text() {
        blocks.push(section(&fit(&note, SECTION_LIMIT, mrkdwn)));
    }
    for (label, value) in shown(message.lines()) {
        let label = fit(&line(&label, LABEL_LIMIT), LABEL_LIMIT * 2, mrkdwn);
        blocks.push(section(&format!("*{label}:* {}", fit(&value, SECTION_LIMIT - LABEL_LIMIT * 2, mrkdwn))));
    }
    if let Some(advice) = &message.event.advice {
        blocks.push(section(&format!("*What to do:* {}", fit(advice, SECTION_LIMIT, mrkdwn))));
    }
    // An address that was cut would lead elsewhere.
    if let Some(link) = message.link().filter(|link| link.replace('&', "&amp;").len() <= SECTION_LIMIT) {
        blocks.push(section(&format!("<{}|Read more>", link.replace('&', "&amp;"))));
    }
    json!({"text": fit(&line(&title, SECTION_LIMIT), SECTION_LIMIT, mrkdwn), "blocks": blocks})
}

fn section(text: &str) -> Value {
    json!({"type": "section", "text": {"type": "mrkdwn", "text": fit(text, 3000, plain)}})
}
