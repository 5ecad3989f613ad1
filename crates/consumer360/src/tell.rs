//! What people are told of a run. Nothing here changes a run's result: a channel that is dead is logged, and tried again later.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub use alerts::Event;
use alerts::{Channel, EventKind, Outbox, Outcome, Policy, Shape};
use chrono::{DateTime, TimeDelta, Utc};
use config::{Occasion, Pipeline, Problems, Settings};
use scheduler::{RunRecord, SlotRecord, SlotState, Status, clock};
use serde_json::Value;

use crate::exit::chain;

/// A run that starts later than this after its slot is late.
const LATE: TimeDelta = TimeDelta::minutes(10);

/// The channels of a pipeline and the outbox of the state folder.
#[derive(Debug, Clone)]
pub struct Teller {
    database: PathBuf,
    channels: Vec<Channel>,
    /// Where the console is.
    console: Option<String>,
}

impl Teller {
    pub fn new(pipeline: &Pipeline, settings: &Settings) -> Self {
        // They were tried when the file was read.
        let channels = channels(pipeline).unwrap_or_default();
        Self { database: settings.state.join("alerts.db"), channels, console: settings.serve.url.clone() }
    }

    /// Tells what the events are about, and what could not be told before. Waits for the channels, at most some seconds each.
    pub fn tell(&self, events: &[Event]) {
        if self.channels.is_empty() {
            return;
        }
        let events: Vec<Event> = events.iter().map(|event| self.linked(event)).collect();
        let policy = Policy::default();
        let kept = Outbox::open(&self.database, policy).and_then(|outbox| {
            for event in &events {
                outbox.post(event, &self.channels, clock::now())?;
            }
            outbox.deliver(&self.channels, clock::now())
        });
        let deliveries = kept.unwrap_or_else(|error| {
            tracing::error!(error = chain(&error), "messages cannot be kept, so they are sent once and not tried again");
            alerts::tell_unkept(&events, &self.channels, &policy.timing)
        });
        for delivery in &deliveries {
            match &delivery.outcome {
                Outcome::Delivered => tracing::info!(channel = delivery.channel, kind = delivery.event.kind.as_str(), "told"),
                // Said where it was tried.
                Outcome::Waiting { .. } => {}
                Outcome::Dropped { reason } => tracing::error!(channel = delivery.channel, reason, "was never told"),
            }
        }
    }

    /// With the page that says more.
    fn linked(&self, event: &Event) -> Event {
        let page = |console: &String| match &event.run_id {
            Some(run) => format!("{console}/runs/{run}"),
            None => format!("{console}/pipelines/{}", event.pipeline),
        };
        Event { link: self.console.as_ref().map(page), ..event.clone() }
    }
}

/// The channels of a pipeline, in the order of the file.
///
/// # Errors
///
/// All channels that nothing can be sent through: an address that is none, a password that would go over the network as it is.
pub fn channels(pipeline: &Pipeline) -> Result<Vec<Channel>, Problems> {
    let (mut channels, mut problems) = (Vec::new(), Vec::new());
    for (number, notify) in (1..).zip(&pipeline.notify) {
        match channel(&pipeline.name, number, notify) {
            Ok(channel) => channels.push(channel),
            Err(error) => problems.push(notify.place.problem(&chain(&error), "")),
        }
    }
    if problems.is_empty() { Ok(channels) } else { Err(Problems(problems)) }
}

fn channel(pipeline: &str, number: usize, notify: &config::Notify) -> Result<Channel, alerts::Error> {
    let mut wants: BTreeSet<EventKind> = notify.on.iter().map(|occasion| kind(*occasion)).collect();
    if wants.contains(&EventKind::Published) {
        wants.insert(EventKind::Unchanged);
    }
    match &notify.channel {
        config::Channel::Webhook { url, shape, headers } => {
            let shape = match shape {
                config::Shape::Generic => Shape::Generic,
                config::Shape::Slack => Shape::Slack,
                config::Shape::Teams => Shape::Teams,
            };
            let headers = headers.iter().map(|(name, value)| (name.clone(), value.into())).collect();
            Channel::webhook(pipeline, number, url.into(), shape, headers, wants)
        }
        config::Channel::Email { server, from, to } => Channel::smtp(pipeline, number, server.into(), from, to, wants),
        config::Channel::Heartbeat { url } => Channel::heartbeat(pipeline, number, url.into(), wants),
    }
}

fn kind(occasion: Occasion) -> EventKind {
    match occasion {
        Occasion::Failed => EventKind::Failed,
        Occasion::Recovered => EventKind::Recovered,
        Occasion::Late => EventKind::Late,
        Occasion::Missed => EventKind::Missed,
        Occasion::Warned => EventKind::Warned,
        Occasion::Published => EventKind::Published,
        Occasion::Held => EventKind::Held,
    }
}

/// What there is to tell of a run that ended. A recovery is told only where a failure was.
pub fn of_run(run: &RunRecord, now: DateTime<Utc>) -> Vec<Event> {
    let event = |kind, headline: String| Event {
        kind,
        pipeline: run.pipeline.clone(),
        run_id: Some(run.run_id.clone()),
        slot: Some(run.scheduled_at),
        at: now,
        headline,
        detail: detail(run),
        advice: advice(run),
        link: None,
    };
    let mut events = Vec::new();
    if run.late_by() > LATE && run.earlier_attempts.is_empty() {
        let minutes = run.late_by().num_minutes();
        events.push(event(EventKind::Late, format!("the run of {} started {minutes} minutes late", day(run.scheduled_at))));
    }
    match run.status {
        Status::Published => {
            let snapshot = run.snapshot.clone().unwrap_or_default();
            let (kind, words) = if run.unchanged {
                (EventKind::Unchanged, "already published, byte for byte")
            } else {
                (EventKind::Published, "published")
            };
            events.push(event(kind, format!("{words}: {snapshot}")));
            let warned = run.facts.get("checks_warned").and_then(Value::as_u64).unwrap_or(0);
            if warned > 0 {
                events.push(event(EventKind::Warned, format!("{warned} checks warned")));
            }
            events.push(event(EventKind::Recovered, format!("published again: {snapshot}")));
        }
        Status::Held => events.push(event(EventKind::Held, "a finished run waits to be released".to_owned())),
        Status::CheckFailed | Status::SourceFailed | Status::Failed | Status::Interrupted => {
            let said = run.message.as_ref().and_then(|message| message.lines().next()).unwrap_or("it did not end well");
            events.push(event(EventKind::Failed, said.to_owned()));
        }
        Status::Running | Status::NotPublished | Status::RolledBack => {}
    }
    events
}

/// A slot that nobody ran.
pub fn of_missed(slot: &SlotRecord, now: DateTime<Utc>) -> Event {
    let reason = slot.reason.clone().unwrap_or_else(|| "nothing ran".to_owned());
    Event {
        kind: EventKind::Missed,
        pipeline: slot.pipeline.clone(),
        run_id: None,
        slot: Some(slot.scheduled_at),
        at: now,
        headline: format!("the slot of {} was missed", slot.local),
        detail: vec![("reason".to_owned(), reason)],
        advice: Some("was the machine off, or the server stopped? consumer360 schedule slots FILE".to_owned()),
        link: None,
    }
}

/// What there is to tell of a slot that was settled for a process that had died, and of its run, if that is on record.
pub fn of_settled(slot: &SlotRecord, run: Option<&RunRecord>, now: DateTime<Utc>) -> Vec<Event> {
    match (slot.state, run) {
        // The run knows only that it died; the slot, why there is no other.
        (SlotState::Failed, run) if run.is_none_or(|run| run.status == Status::Interrupted) => {
            let reason = slot.reason.as_deref().unwrap_or("its run died");
            vec![Event { run_id: slot.run_id.clone(), ..of_nothing(&slot.pipeline, slot.scheduled_at, reason, now) }]
        }
        (SlotState::Failed | SlotState::Ran | SlotState::RanLate, Some(run)) => of_run(run, now),
        // Missed slots are told of together, whoever found them.
        _ => Vec::new(),
    }
}

/// A run that left no record, such as one that could not be started.
pub fn of_nothing(pipeline: &str, slot: DateTime<Utc>, message: &str, now: DateTime<Utc>) -> Event {
    Event {
        kind: EventKind::Failed,
        pipeline: pipeline.to_owned(),
        run_id: None,
        slot: Some(slot),
        at: now,
        headline: message.lines().next().unwrap_or("it could not run").to_owned(),
        detail: Vec::new(),
        advice: Some("consumer360 doctor FILE tries out what a run needs".to_owned()),
        link: None,
    }
}

/// A pipeline file that broke while it was served.
pub fn of_broken_file(pipeline: &str, file: &Path, problem: &str, now: DateTime<Utc>) -> Event {
    let mended = format!("consumer360 validate {} says the same until it is mended", file.display());
    let headline = format!("{} cannot be used; its last good reading stays in force", file.display());
    Event { headline, advice: Some(mended), ..of_file(pipeline, problem, now) }
}

/// Of a file that does not run, because another one names its pipeline.
pub fn of_twin_file(pipeline: &str, file: &Path, problem: &str, now: DateTime<Utc>) -> Event {
    Event {
        headline: format!("{} does not run: its name is another file's as well", file.display()),
        ..of_file(pipeline, problem, now)
    }
}

fn of_file(pipeline: &str, problem: &str, now: DateTime<Utc>) -> Event {
    Event {
        kind: EventKind::Failed,
        pipeline: pipeline.to_owned(),
        run_id: None,
        slot: None,
        at: now,
        headline: String::new(),
        detail: vec![("what was said".to_owned(), problem.to_owned())],
        advice: None,
        link: None,
    }
}

fn day(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

fn detail(run: &RunRecord) -> Vec<(String, String)> {
    let mut lines = vec![("slot".to_owned(), day(run.scheduled_at))];
    let mut say = |label: &str, value: Option<String>| lines.extend(value.map(|value| (label.to_owned(), value)));
    say("as of", run.as_of.map(|day| day.to_string()));
    say("stage", run.failed_stage.map(|stage| stage.to_string()));
    say("attempts", (!run.earlier_attempts.is_empty()).then(|| (run.earlier_attempts.len() + 1).to_string()));
    let fact = |name: &str| run.facts.get(name).and_then(Value::as_u64).map(|count| count.to_string());
    say("order lines", fact("sales_lines"));
    say("records set aside", fact("rejected"));
    say("checks warned", fact("checks_warned"));
    say("what was said", run.message.clone());
    if !matches!(run.status, Status::Published) {
        say("readers", Some("see what they saw before".to_owned()));
    }
    lines
}

fn advice(run: &RunRecord) -> Option<String> {
    let id = &run.run_id;
    match run.status {
        Status::Held => Some(format!("look at it with: consumer360 runs show {id}; publish it with: consumer360 publish {id}")),
        Status::CheckFailed | Status::SourceFailed | Status::Failed | Status::Interrupted => {
            Some(format!("consumer360 runs show {id} says more; when it is mended: consumer360 retry {id}"))
        }
        _ => None,
    }
}
