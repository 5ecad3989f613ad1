//! Pipelines whose channels are at one host, so that the channels have the same name.

use std::collections::BTreeSet;

use alerts::{Channel, Event, EventKind, Outbox, Policy, Shape};
use chrono::TimeDelta;
use rusqlite::Connection;
use secrecy::SecretString;
use tempfile::TempDir;

use crate::receivers::{Answer, Habit, Seen, http, smtp};
use crate::{ALL, event, noon, outbox, policy, states};

const PIPELINES: [&str; 2] = ["alpha", "beta"];

fn hook(pipeline: &str, port: u16) -> [Channel; 1] {
    let url = SecretString::from(format!("http://127.0.0.1:{port}/{pipeline}"));
    [Channel::webhook(pipeline, 1, url, Shape::Generic, Vec::new(), BTreeSet::from(ALL)).unwrap()]
}

fn news_of(pipeline: &str, kind: EventKind) -> Event {
    Event { pipeline: pipeline.to_owned(), ..event(kind, 1, &format!("news of {pipeline}"), noon()) }
}

/// The paths that were asked for, oldest first, each with the pipelines that the request has news of.
fn told(seen: &Seen) -> Vec<String> {
    let words = |request: &String| {
        let news = PIPELINES.into_iter().filter(|pipeline| request.contains(&format!("news of {pipeline}")));
        request.split(' ').nth(1).into_iter().chain(news).collect::<Vec<_>>().join(" ")
    };
    seen.lock().unwrap().iter().map(words).collect()
}

#[test]
fn each_pipeline_gets_its_own_messages() {
    let (port, seen) = http(vec![Answer::Status("200 OK")]);
    let (_folder, outbox) = outbox(policy());
    let [alpha, beta] = PIPELINES.map(|pipeline| hook(pipeline, port));
    assert_eq!(alpha[0].name(), beta[0].name());
    outbox.post(&news_of("alpha", EventKind::Failed), &alpha, noon()).unwrap();
    outbox.post(&news_of("beta", EventKind::Failed), &beta, noon()).unwrap();
    outbox.deliver(&beta, noon()).unwrap();
    assert_eq!(told(&seen), ["/beta beta"]);
    outbox.deliver(&alpha, noon()).unwrap();
    assert_eq!(told(&seen), ["/beta beta", "/alpha alpha"]);
}

#[test]
fn a_failing_run_pings_its_own_heartbeat_alone() {
    let (port, seen) = http(vec![Answer::Status("200 OK")]);
    let (_folder, outbox) = outbox(policy());
    let [alpha, beta] = PIPELINES.map(|pipeline| {
        let url = SecretString::from(format!("http://127.0.0.1:{port}/{pipeline}"));
        [Channel::heartbeat(pipeline, 1, url, BTreeSet::from(ALL)).unwrap()]
    });
    outbox.post(&news_of("alpha", EventKind::Published), &alpha, noon()).unwrap();
    outbox.post(&news_of("beta", EventKind::Failed), &beta, noon()).unwrap();
    outbox.deliver(&beta, noon()).unwrap();
    assert_eq!(told(&seen), ["/beta/fail"]);
    outbox.deliver(&alpha, noon()).unwrap();
    assert_eq!(told(&seen), ["/beta/fail", "/alpha"]);
}

#[test]
fn a_mail_server_of_two_pipelines_sends_each_its_own() {
    let (port, letters) = smtp(Habit::Good);
    let (_folder, outbox) = outbox(policy());
    let [alpha, beta] = PIPELINES.map(|pipeline| {
        let url = SecretString::from(format!("smtp://127.0.0.1:{port}"));
        let to = [format!("{pipeline}@shop.example")];
        [Channel::smtp(pipeline, 1, url, "etl@shop.example", &to, BTreeSet::from(ALL)).unwrap()]
    });
    outbox.post(&news_of("alpha", EventKind::Failed), &alpha, noon()).unwrap();
    outbox.post(&news_of("beta", EventKind::Failed), &beta, noon()).unwrap();
    outbox.deliver(&beta, noon()).unwrap();
    let letters = letters.lock().unwrap();
    assert_eq!(letters.len(), 1);
    assert!(letters[0].contains("To: beta@shop.example") && letters[0].contains("news of beta"), "{}", letters[0]);
}

#[test]
fn a_pipeline_of_many_messages_takes_no_share_of_another() {
    let (port, seen) = http(vec![Answer::Status("200 OK")]);
    let (_folder, outbox) = outbox(Policy { most_per_hour: 1, ..policy() });
    let [alpha, beta] = PIPELINES.map(|pipeline| hook(pipeline, port));
    for _ in 0..3 {
        outbox.post(&news_of("alpha", EventKind::Published), &alpha, noon()).unwrap();
    }
    outbox.post(&news_of("beta", EventKind::Published), &beta, noon()).unwrap();
    outbox.deliver(&beta, noon()).unwrap();
    assert_eq!(told(&seen), ["/beta beta"]);
}

#[test]
fn a_hook_that_is_given_a_new_address_gets_what_waited() {
    let (gone, _) = http(vec![Answer::Status("404 Gone")]);
    let (port, seen) = http(vec![Answer::Status("200 OK")]);
    let (_folder, outbox) = outbox(policy());
    let channel = hook("alpha", gone);
    outbox.post(&news_of("alpha", EventKind::Failed), &channel, noon()).unwrap();
    outbox.deliver(&channel, noon()).unwrap();
    outbox.deliver(&hook("alpha", port), noon() + TimeDelta::minutes(1)).unwrap();
    assert_eq!(told(&seen), ["/alpha alpha"]);
}

#[test]
fn what_is_dropped_names_its_channel() {
    let (port, _) = http(vec![Answer::Status("503 Down")]);
    let (_folder, outbox) = outbox(policy());
    outbox.post(&news_of("alpha", EventKind::Failed), &hook("alpha", port), noon()).unwrap();
    let dropped = outbox.deliver(&[], noon() + TimeDelta::hours(25)).unwrap();
    assert_eq!(dropped[0].channel, "webhook #1 to 127.0.0.1");
}

/// An outbox where a failure of each pipeline waits, in the format that knew channels by their names alone, with `more` done
/// to it, opened again.
fn of_format_1(port: u16, more: &str) -> (TempDir, Outbox) {
    let (folder, outbox) = outbox(policy());
    for pipeline in PIPELINES {
        outbox.post(&news_of(pipeline, EventKind::Failed), &hook(pipeline, port), noon()).unwrap();
    }
    drop(outbox);
    let file = folder.path().join("alerts.db");
    let database = Connection::open(&file).unwrap();
    let back = "UPDATE alert_format SET version = 1;
        UPDATE alert_message SET channel = channel_name;
        UPDATE alert_episode SET channel = (SELECT min(channel_name) FROM alert_message);
        ALTER TABLE alert_message DROP COLUMN channel_name;";
    database.execute_batch(back).unwrap();
    database.execute_batch(more).unwrap();
    drop(database);
    let outbox = Outbox::open(&file, policy()).unwrap();
    (folder, outbox)
}

#[test]
fn what_waits_in_the_format_before_goes_to_its_pipeline() {
    let (port, seen) = http(vec![Answer::Status("200 OK")]);
    let (folder, outbox) = of_format_1(port, "");
    for pipeline in ["beta", "alpha"] {
        let channel = hook(pipeline, port);
        // What was told stays known: the same run is no news.
        outbox.post(&news_of(pipeline, EventKind::Failed), &channel, noon()).unwrap();
        outbox.deliver(&channel, noon()).unwrap();
    }
    assert_eq!(told(&seen), ["/beta beta", "/alpha alpha"]);
    assert_eq!(states(&folder), ["sent", "sent"]);
    drop(outbox);
    Outbox::open(&folder.path().join("alerts.db"), policy()).unwrap();
}

#[test]
fn what_was_put_together_for_two_pipelines_is_taken_apart() {
    let (port, seen) = http(vec![Answer::Status("200 OK")]);
    let put_together = "UPDATE alert_message SET state = 'merged', finished_at = '2026-01-05T13:00:00.000Z';
        INSERT INTO alert_message (channel, pipeline, kind, headline, state, message, created_at, expires_at, not_before)
        SELECT channel, pipeline, 'held_back', headline, 'pending', message, finished_at, expires_at, finished_at
        FROM alert_message WHERE pipeline = 'beta';";
    let (folder, outbox) = of_format_1(port, put_together);
    for pipeline in ["beta", "alpha"] {
        outbox.deliver(&hook(pipeline, port), noon() + TimeDelta::hours(2)).unwrap();
    }
    assert_eq!(told(&seen), ["/beta beta", "/alpha alpha"]);
    assert_eq!(states(&folder), ["merged", "merged", "superseded", "sent", "sent"]);
}
