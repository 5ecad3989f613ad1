//! What one channel is told of an event.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::event::{Event, EventKind};
use crate::timestamp;

/// An event, and what the outbox has to add to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub event: Event,
    pub note: Note,
    /// Names the incident that the message belongs to, the same from the first failure to the recovery.
    pub thread: Option<String>,
    /// Whether this message is the first of its incident.
    pub opens_thread: bool,
}

/// What the outbox has to add to an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    Nothing,
    /// The event happened `count` more times since the message before, which was at `since`.
    Repeated {
        count: u32,
        since: DateTime<Utc>,
    },
    /// The incident began at `since`; `runs` runs failed in it.
    Recovered {
        since: DateTime<Utc>,
        runs: u32,
    },
    /// Messages that were held back because the channel had its share; `left_out` more are not named.
    HeldBack {
        messages: Vec<HeldBack>,
        left_out: usize,
    },
}

/// A message that was held back, in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBack {
    pub pipeline: String,
    pub kind: EventKind,
    pub headline: String,
    pub at: DateTime<Utc>,
}

impl Message {
    pub fn plain(event: Event) -> Self {
        Self { event, note: Note::Nothing, thread: None, opens_thread: false }
    }

    /// The line that a notification shows, such as `superstore failed: the source is unreachable`.
    pub fn title(&self) -> String {
        match &self.note {
            Note::HeldBack { messages, left_out } => format!("{} messages were held back", messages.len() + left_out),
            _ => format!("{} {}: {}", self.event.pipeline, self.event.kind.phrase(), self.event.headline),
        }
    }

    /// What the outbox adds, in a sentence.
    pub fn note_text(&self) -> Option<String> {
        match &self.note {
            Note::Nothing => None,
            Note::Repeated { count, since } => {
                let times = if *count == 1 { "time" } else { "times" };
                let kind = self.event.kind.as_str();
                Some(format!("{kind} {count} more {times} since {}", timestamp::for_people(*since)))
            }
            Note::Recovered { since, runs } => {
                let span = timestamp::span(self.event.at - *since);
                let runs = match runs {
                    0 => "no run failed".to_owned(),
                    1 => "1 run failed".to_owned(),
                    runs => format!("{runs} runs failed"),
                };
                Some(format!("it was failing for {span}, since {}; {runs}", timestamp::for_people(*since)))
            }
            Note::HeldBack { .. } => Some("so many messages came within an hour that the last ones are put together".to_owned()),
        }
    }

    /// Labels and values: what the event says, or what was held back.
    pub fn lines(&self) -> Vec<(String, String)> {
        let Note::HeldBack { messages, left_out } = &self.note else {
            let run = self.event.run_id.iter().map(|run| ("run".to_owned(), run.clone()));
            let slot = self.event.slot.iter().map(|slot| ("slot".to_owned(), timestamp::for_people(*slot)));
            return run.chain(slot).chain(self.event.detail.iter().cloned()).collect();
        };
        let mut lines: Vec<_> = messages
            .iter()
            .map(|held| {
                let text = format!("{} {}: {}", held.pipeline, held.kind.phrase(), held.headline);
                (timestamp::for_people(held.at), text)
            })
            .collect();
        if *left_out > 0 {
            lines.push(("and".to_owned(), format!("{left_out} more")));
        }
        lines
    }

    /// Where to read more, if that is an address that a browser opens.
    pub fn link(&self) -> Option<String> {
        let url = Url::parse(self.event.link.as_deref()?).ok()?;
        let shown = matches!(url.scheme(), "http" | "https") && url.as_str().len() <= 2000;
        shown.then(|| url.to_string().replace('|', "%7C"))
    }
}
