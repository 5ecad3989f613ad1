//! The product's own JSON.

use serde_json::{Value, json};

use super::{shown, within};
use crate::message::{Message, Note};
use crate::text::{fit, line, plain};
use crate::timestamp;

/// Bytes of JSON.
const LIMIT: usize = 64 * 1024;

/// The product's own JSON. Fields are only ever added to a version; a field that does not apply is null.
///
/// `title` is the notification in a line, `note` what the outbox adds in a sentence, and one of `repeated`, `recovered`
/// and `held_back` says the same in numbers. Times are RFC 3339 in UTC. A message of held back ones has the kind
/// `held_back` and no pipeline.
pub fn body(message: &Message) -> Value {
    within(LIMIT, |limit| build(message, limit))
}

fn build(message: &Message, limit: usize) -> Value {
    let event = &message.event;
    let is_digest = matches!(message.note, Note::HeldBack { .. });
    let detail: Vec<Value> = shown(if is_digest { Vec::new() } else { event.detail.clone() })
        .iter()
        .map(|(label, value)| json!({"label": line(label, 200), "value": fit(value, limit, plain)}))
        .collect();
    let mut body = json!({
        "version": 1,
        "product": "consumer360",
        "kind": if is_digest { "held_back" } else { event.kind.as_str() },
        "title": line(&message.title(), 1000),
        "note": message.note_text(),
        "pipeline": (!is_digest).then_some(&event.pipeline),
        "run_id": event.run_id.as_ref().filter(|_| !is_digest),
        "slot": event.slot.filter(|_| !is_digest).map(timestamp::text),
        "at": timestamp::text(event.at),
        "headline": (!is_digest).then(|| line(&event.headline, 1000)),
        "detail": detail,
        "advice": event.advice.as_deref().filter(|_| !is_digest).map(|advice| fit(advice, limit, plain)),
        "link": message.link().filter(|_| !is_digest),
        "incident": message.thread,
        "repeated": null, "recovered": null, "held_back": null,
    });
    let (field, numbers) = match &message.note {
        Note::Nothing => return body,
        Note::Repeated { count, since } => ("repeated", json!({"count": count, "since": timestamp::text(*since)})),
        Note::Recovered { since, runs } => {
            let seconds = (event.at - *since).num_seconds();
            ("recovered", json!({"since": timestamp::text(*since), "seconds": seconds, "runs": runs}))
        }
        Note::HeldBack { messages, left_out } => {
            let messages: Vec<Value> = messages
                .iter()
                .map(|held| {
                    json!({"pipeline": held.pipeline, "kind": held.kind.as_str(), "headline": line(&held.headline, 300),
                           "at": timestamp::text(held.at)})
                })
                .collect();
            ("held_back", json!({"messages": messages, "left_out": left_out}))
        }
    };
    if let Some(fields) = body.as_object_mut() {
        fields.insert(field.to_owned(), numbers);
    }
    body
}
