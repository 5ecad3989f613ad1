//! A mail.

use std::fmt::Write as _;

use super::shown;
use crate::message::Message;
use crate::text::{fit, html, line, plain};

const VALUE_LIMIT: usize = 8000;
const SUBJECT_LIMIT: usize = 200;

/// Such as `[consumer360] superstore failed: the source is unreachable`; always one line.
pub fn subject(message: &Message) -> String {
    line(&format!("[consumer360] {}", message.title()), SUBJECT_LIMIT)
}

pub fn text(message: &Message) -> String {
    let mut out = format!("{}\n", line(&message.title(), VALUE_LIMIT));
    if let Some(note) = message.note_text() {
        let _ = writeln!(out, "{note}");
    }
    out.push('\n');
    for (label, value) in shown(message.lines()) {
        // Further lines of a value stand under its first.
        let value = fit(&value, VALUE_LIMIT, plain).replace('\n', "\n    ");
        let _ = writeln!(out, "{}: {value}", line(&label, 200));
    }
    if let Some(advice) = &message.event.advice {
        let _ = writeln!(out, "\nWhat to do: {}", fit(advice, VALUE_LIMIT, plain));
    }
    if let Some(link) = message.link() {
        let _ = writeln!(out, "\n{link}");
    }
    out
}

pub fn html_text(message: &Message) -> String {
    let escaped = |text: &str| fit(text, VALUE_LIMIT * 2, html);
    let mut out = format!("<html><body><h3>{}</h3>", escaped(&line(&message.title(), VALUE_LIMIT)));
    if let Some(note) = message.note_text() {
        let _ = write!(out, "<p>{}</p>", escaped(&note));
    }
    out.push_str("<table>");
    for (label, value) in shown(message.lines()) {
        let (label, value) = (escaped(&line(&label, 200)), escaped(&value));
        let _ = write!(out, "<tr><th align=\"left\" valign=\"top\">{label}</th><td>{value}</td></tr>");
    }
    out.push_str("</table>");
    if let Some(advice) = &message.event.advice {
        let _ = write!(out, "<p><b>What to do:</b> {}</p>", escaped(advice));
    }
    if let Some(link) = message.link() {
        let _ = write!(out, "<p><a href=\"{}\">Read more</a></p>", escaped(&link));
    }
    out.push_str("</body></html>");
    out
}
