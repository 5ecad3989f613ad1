//! When a pipeline runs, what holds its result back, and who is told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::NaiveDate;
use cron::Cron;

use super::{Check, sizes};
use crate::operations::{Channel, Hold, Notify, Occasion, OnMissed, OnOverlap, Retries, Schedule, Shape};
use crate::raw::{self, Share};
use crate::secret::Secret;

const HOUR: u64 = 3600;

pub(super) fn schedule(check: &mut Check<'_>, raw: &raw::Schedule) -> Option<Schedule> {
    let crons = crons(check, &raw.cron);
    let mut skip_on = BTreeSet::new();
    for (place, day) in raw.calendar.iter().enumerate() {
        match NaiveDate::parse_from_str(day, "%Y-%m-%d") {
            Ok(day) => _ = skip_on.insert(day),
            Err(_) => check.say(
                &["schedule", "calendar", &place.to_string()],
                format!("`{day}` is not a day"),
                "write days such as 2026-12-25",
            ),
        }
    }
    let missed_window = span(check, &["schedule", "missed_window"], raw.missed_window.as_deref(), 7 * 24 * HOUR);
    let timeout = span(check, &["schedule", "timeout"], raw.timeout.as_deref(), 6 * HOUR);
    if timeout.is_some_and(|timeout| timeout.is_zero()) {
        check.say(
            &["schedule", "timeout"],
            "with a `timeout` of nothing every run is stopped at once",
            "write the most a run may take, such as 2h",
        );
    }
    let start_jitter = span(check, &["schedule", "start_jitter"], raw.start_jitter.as_deref(), 0);
    Some(Schedule {
        crons: crons?,
        skip_on,
        on_missed: match raw.on_missed {
            None | Some(raw::OnMissed::Latest) => OnMissed::Latest,
            Some(raw::OnMissed::All) => OnMissed::All,
            Some(raw::OnMissed::None) => OnMissed::None,
        },
        missed_window: missed_window?,
        on_overlap: match raw.on_overlap {
            None | Some(raw::OnOverlap::Skip) => OnOverlap::Skip,
            Some(raw::OnOverlap::Queue) => OnOverlap::Queue,
            Some(raw::OnOverlap::Replace) => OnOverlap::Replace,
        },
        timeout: timeout?,
        start_jitter: start_jitter?,
    })
}

fn crons(check: &mut Check<'_>, raw: &raw::OneOrMore) -> Option<Vec<Cron>> {
    let written: Vec<(Vec<String>, &String)> = match raw {
        raw::OneOrMore::One(cron) => vec![(vec!["schedule".to_owned(), "cron".to_owned()], cron)],
        raw::OneOrMore::More(crons) => {
            let path = |place: usize| vec!["schedule".to_owned(), "cron".to_owned(), place.to_string()];
            crons.iter().enumerate().map(|(place, cron)| (path(place), cron)).collect()
        }
    };
    if written.is_empty() {
        check.say(&["schedule", "cron"], "`cron` names no time", "write one such as \"0 6 * * MON\", or leave `schedule` out");
        return None;
    }
    let mut sound = Vec::new();
    for (path, cron) in &written {
        match Cron::parse(cron) {
            Ok(cron) => sound.push(cron),
            Err(error) => check.say(&path.iter().map(String::as_str).collect::<Vec<_>>(), error.to_string(), error.help()),
        }
    }
    (sound.len() == written.len()).then_some(sound)
}

pub(super) fn retries(check: &mut Check<'_>, raw: &raw::Retries) -> Option<Retries> {
    let first = span(check, &["retries", "first_after"], raw.first_after.as_deref(), 60);
    let longest = span(check, &["retries", "longest_after"], raw.longest_after.as_deref(), HOUR / 2);
    Some(Retries { attempts: raw.attempts.unwrap_or(3), first_after: first?, longest_after: longest? })
}

pub(super) fn hold(check: &mut Check<'_>, raw: &raw::Hold) -> Hold {
    let mut share = |name: &str, written: Option<&Share>| {
        let written = written?;
        check.keep(&["hold", name], sizes::share(name, written))
    };
    Hold {
        revenue_change: share("revenue_change", raw.revenue_change.as_ref()),
        segment_migration: share("segment_migration", raw.segment_migration.as_ref()),
        checks_warned: raw.checks_warned,
    }
}

pub(super) fn notify(check: &mut Check<'_>, raw: &[raw::Notify]) -> Vec<Notify> {
    raw.iter().enumerate().filter_map(|(place, raw)| one(check, &place.to_string(), raw)).collect()
}

fn one(check: &mut Check<'_>, place: &str, raw: &raw::Notify) -> Option<Notify> {
    let kinds = [raw.webhook.is_some(), raw.email.is_some(), raw.heartbeat.is_some()];
    if kinds.iter().filter(|is| **is).count() != 1 {
        check.say(
            &["notify", place],
            "a channel has one of `webhook`, `email` and `heartbeat`",
            "such as - {on: [failed, recovered], webhook: \"${env:OPS_HOOK}\"}",
        );
        return None;
    }
    let channel = match (&raw.webhook, &raw.email, &raw.heartbeat) {
        (Some(url), ..) => webhook(check, place, url, raw),
        (_, Some(email), _) => mail(check, place, email),
        (.., Some(url)) => address(check, &["notify", place, "heartbeat"], url).map(|url| Channel::Heartbeat { url }),
        _ => None,
    };
    if raw.webhook.is_none() && (raw.shape.is_some() || !raw.headers.is_empty()) {
        let key = if raw.shape.is_some() { "shape" } else { "headers" };
        check.say_key(&["notify", place, key], format!("`{key}` goes with `webhook` only"), format!("leave `{key}` out"));
    }
    let on = match (&raw.on, &raw.heartbeat) {
        (Some(on), _) => on.iter().map(|occasion| occasion_of(*occasion)).collect(),
        (None, Some(_)) => BTreeSet::new(),
        (None, None) => BTreeSet::from([Occasion::Failed, Occasion::Recovered, Occasion::Missed, Occasion::Held]),
    };
    let has_call = |occasion: &Occasion| matches!(occasion, Occasion::Failed | Occasion::Held | Occasion::Published);
    if raw.heartbeat.is_some() && !on.iter().all(has_call) {
        check.say(
            &["notify", place, "on"],
            "a heartbeat is called for runs that published, failed or are held, and for nothing else",
            "name `failed`, `held` or neither; for the rest add a channel with `webhook` or `email`",
        );
    }
    Some(Notify { on, channel: channel?, place: check.place(&["notify", place]) })
}

fn webhook(check: &mut Check<'_>, place: &str, url: &str, raw: &raw::Notify) -> Option<Channel> {
    let url = address(check, &["notify", place, "webhook"], url);
    let mut headers = BTreeMap::new();
    for (name, value) in &raw.headers {
        let value = check.filled(&["notify", place, "headers", name], value)?;
        headers.insert(name.clone(), Secret::new(value));
    }
    let shape = match raw.shape {
        None | Some(raw::Shape::Generic) => Shape::Generic,
        Some(raw::Shape::Slack) => Shape::Slack,
        Some(raw::Shape::Teams) => Shape::Teams,
    };
    Some(Channel::Webhook { url: url?, shape, headers })
}

/// The address with its references filled in. It may be a secret, so the message does not hold it.
fn address(check: &mut Check<'_>, path: &[&str], url: &str) -> Option<Secret> {
    let url = check.filled(path, url)?;
    if !["https://", "http://"].iter().any(|scheme| url.starts_with(scheme)) {
        check.say(path, "this is no address of the web", "it begins with https:// or http://");
        return None;
    }
    Some(Secret::new(url))
}

fn mail(check: &mut Check<'_>, place: &str, email: &raw::Email) -> Option<Channel> {
    let path = ["notify", place, "email", "server"];
    let server = check.filled(&path, &email.server)?;
    let mut is_sound = ["smtp://", "smtps://", "smtp+starttls://"].iter().any(|scheme| server.starts_with(scheme));
    if !is_sound {
        check.say(
            &path,
            "this is no mail server",
            "write smtps://user:password@host:465 or smtp+starttls://user:password@host:587",
        );
    }
    if email.to.is_empty() {
        check.say(&["notify", place, "email", "to"], "`to` names nobody", "write a list of addresses");
        is_sound = false;
    }
    for (key, address) in std::iter::once(("from", &email.from)).chain(email.to.iter().map(|to| ("to", to))) {
        if !address.contains('@') || address.contains(['\r', '\n']) {
            let path = ["notify", place, "email", key];
            check.say(&path, format!("`{}` is no mail address", address.escape_debug()), "write one such as ops@example.com");
            is_sound = false;
        }
    }
    is_sound.then(|| Channel::Email { server: Secret::new(server), from: email.from.clone(), to: email.to.clone() })
}

fn occasion_of(raw: raw::Occasion) -> Occasion {
    match raw {
        raw::Occasion::Failed => Occasion::Failed,
        raw::Occasion::Recovered => Occasion::Recovered,
        raw::Occasion::Late => Occasion::Late,
        raw::Occasion::Missed => Occasion::Missed,
        raw::Occasion::Warned => Occasion::Warned,
        raw::Occasion::Published => Occasion::Published,
        raw::Occasion::Held => Occasion::Held,
    }
}

fn span(check: &mut Check<'_>, path: &[&str], written: Option<&str>, default: u64) -> Option<Duration> {
    let Some(written) = written else { return Some(Duration::from_secs(default)) };
    let name = path.last().copied().unwrap_or_default();
    check.keep(path, sizes::span(name, written))
}
