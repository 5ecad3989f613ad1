//! An Adaptive Card for a Teams workflow.

use serde_json::{Value, json};

use super::{shown, within};
use crate::event::EventKind;
use crate::message::Message;
use crate::text::{fit, line, plain};

/// Teams takes 28 KiB; the rest is for what it adds.
const LIMIT: usize = 26 * 1024;

/// The card in the envelope that a workflow's webhook takes. Text stands in `RichTextBlock`s, which know no markdown,
/// so that nothing in it makes a link or a mention.
pub fn body(message: &Message) -> Value {
    within(LIMIT, |limit| build(message, limit))
}

fn build(message: &Message, limit: usize) -> Value {
    let mut parts = vec![block(&[json!({
        "type": "TextRun", "text": line(&message.title(), limit.min(1000)), "size": "Large", "weight": "Bolder",
        "color": color(message.event.kind),
    })])];
    if let Some(note) = message.note_text() {
        parts.push(block(&[run(&note, limit)]));
    }
    for (label, value) in shown(message.lines()) {
        parts.push(block(&[bold(&line(&label, 100)), run(&value, limit)]));
    }
    if let Some(advice) = &message.event.advice {
        parts.push(block(&[bold("What to do"), run(advice, limit)]));
    }
    let actions: Vec<Value> =
        message.link().iter().map(|link| json!({"type": "Action.OpenUrl", "title": "Read more", "url": link})).collect();
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "msteams": {"width": "Full"},
                "body": parts,
                "actions": actions,
            },
        }],
    })
}

fn block(inlines: &[Value]) -> Value {
    json!({"type": "RichTextBlock", "inlines": inlines})
}

fn bold(label: &str) -> Value {
    json!({"type": "TextRun", "text": format!("{label}: "), "weight": "Bolder"})
}

fn run(text: &str, limit: usize) -> Value {
    json!({"type": "TextRun", "text": fit(text, limit, plain)})
}

fn color(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Failed | EventKind::Missed => "Attention",
        EventKind::Late | EventKind::Warned | EventKind::Held => "Warning",
        EventKind::Recovered | EventKind::Published | EventKind::Unchanged => "Good",
    }
}
