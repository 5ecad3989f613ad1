//! The outbox with real receivers on loopback, and the bodies against golden files. `UPDATE_GOLDEN=1` rewrites those.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use alerts::{Channel, Event, EventKind, Message, Note, Outbox, Outcome, Policy, Shape, Timing, mail, tell_unkept, webhook};
use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::Connection;
use secrecy::SecretString;
use tempfile::TempDir;

mod neighbours;
mod receivers;

use receivers::{Answer, Habit, http, smtp};

const CANARY: &str = "canaryvalue";
const ALL: [EventKind; 7] = [
    EventKind::Failed,
    EventKind::Recovered,
    EventKind::Late,
    EventKind::Missed,
    EventKind::Warned,
    EventKind::Published,
    EventKind::Held,
];

fn noon() -> DateTime<Utc> {
    "2026-01-05T12:00:00Z".parse().unwrap()
}

fn event(kind: EventKind, run: u32, headline: &str, at: DateTime<Utc>) -> Event {
    Event {
        kind,
        pipeline: "superstore".to_owned(),
        run_id: Some(format!("superstore-{run}")),
        slot: None,
        at,
        headline: headline.to_owned(),
        detail: vec![("stage".to_owned(), "extract".to_owned()), ("cause".to_owned(), "a <b> & c\nthen d".to_owned())],
        advice: Some("start the database".to_owned()),
        link: Some("https://etl.example.com/runs?a=1&b=2".to_owned()),
    }
}

fn webhook_at(port: u16) -> Channel {
    let url = SecretString::from(format!("http://127.0.0.1:{port}/{CANARY}?token={CANARY}"));
    let headers = vec![("authorization".to_owned(), SecretString::from(CANARY))];
    Channel::webhook("superstore", 1, url, Shape::Generic, headers, BTreeSet::from(ALL)).unwrap()
}

fn mail_at(port: u16) -> Channel {
    let url = SecretString::from(format!("smtp://user:{CANARY}@127.0.0.1:{port}"));
    Channel::smtp("superstore", 2, url, "etl@shop.example", &["ops@shop.example".to_owned()], BTreeSet::from(ALL)).unwrap()
}

fn policy() -> Policy {
    let millis = Duration::from_millis;
    let timing =
        Timing { connect: millis(500), whole: millis(700), attempts: 3, first_wait: millis(20), longest_wait: millis(1500) };
    Policy { timing, ..Policy::default() }
}

fn outbox(policy: Policy) -> (tempfile::TempDir, Outbox) {
    let folder = tempfile::tempdir().unwrap();
    let outbox = Outbox::open(&folder.path().join("alerts.db"), policy).unwrap();
    (folder, outbox)
}

/// What was logged by all threads.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn logs_name_the_channel_and_no_secret() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // Channels log in threads of their own, so the subscriber is everybody's; another test's lines do no harm.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    outcome_of(webhook_at(http(vec![Answer::Status("503 Down")]).0));
    outcome_of(mail_at(smtp(Habit::RejectsRecipient).0));
    let said = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(said.contains("webhook #1 to 127.0.0.1") && said.contains("mail #2 through 127.0.0.1"), "{said}");
    assert!(!said.contains(CANARY), "{said}");
}

/// What became of the messages of an outbox, oldest first.
fn states(folder: &TempDir) -> Vec<String> {
    let database = Connection::open(folder.path().join("alerts.db")).unwrap();
    let mut rows = database.prepare("SELECT state FROM alert_message ORDER BY id").unwrap();
    rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// Posts a failure, delivers once, and says what came of it.
fn outcome_of(channel: Channel) -> Outcome {
    let (folder, outbox) = outbox(policy());
    let channels = [channel];
    outbox.post(&event(EventKind::Failed, 1, "no source", noon()), &channels, noon()).unwrap();
    let deliveries = outbox.deliver(&channels, noon()).unwrap();
    let said = format!("{channels:?} {deliveries:?}");
    let stored = std::fs::read(folder.path().join("alerts.db")).unwrap();
    assert!(!said.contains(CANARY), "{said}");
    assert!(!stored.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));
    deliveries.into_iter().next().unwrap().outcome
}

fn reason(outcome: Outcome) -> String {
    match outcome {
        Outcome::Waiting { reason } | Outcome::Dropped { reason } => reason,
        Outcome::Delivered => "delivered".to_owned(),
    }
}

#[test]
fn http_receivers_of_every_habit() {
    let ok = Answer::Status("200 OK");
    for (answers, want, requests) in [
        (vec![ok], "delivered", 1),
        (vec![Answer::Status("500 Oops"), ok], "delivered", 2),
        (vec![Answer::Close, ok], "delivered", 2),
        (vec![Answer::Status("429 Slow\r\nretry-after: 1"), ok], "delivered", 2),
        (vec![Answer::Status("429 Slow\r\nretry-after: 60"), ok], "the server answered 429", 1),
        (vec![Answer::Status("503 Down")], "the server answered 503", 3),
        (vec![Answer::Hang], "no answer in time", 3),
        (vec![Answer::Status("400 Bad")], "the server answered 400: invalid_payload", 1),
        (vec![Answer::Endless], "the server answered 400", 1),
    ] {
        let (port, seen) = http(answers);
        let begin = Instant::now();
        assert_eq!(reason(outcome_of(webhook_at(port))), want);
        assert!(begin.elapsed() < Duration::from_secs(5));
        assert_eq!(seen.lock().unwrap().len(), requests, "{want}");
    }
}

#[test]
fn redirects_are_not_followed() {
    let (other, others) = http(vec![Answer::Status("200 OK")]);
    let head: &'static str = format!("307 There\r\nlocation: http://localhost:{other}/x").leak();
    let (port, _) = http(vec![Answer::Status(head)]);
    assert_eq!(reason(outcome_of(webhook_at(port))), "the server answered 307, a redirect, which is not followed");
    assert!(others.lock().unwrap().is_empty());
}

#[test]
fn mail_servers_of_every_habit() {
    for (habit, want) in [
        (Habit::Good, "delivered"),
        (Habit::Busy(2), "delivered"),
        (Habit::RejectsRecipient, "the server answered 550"),
        (Habit::HangsAfterBanner, "no answer in time"),
    ] {
        assert_eq!(reason(outcome_of(mail_at(smtp(habit).0))), want);
    }
}

#[test]
fn a_mail_server_without_starttls_gets_nothing_where_it_is_demanded() {
    let (port, letters) = smtp(Habit::Good);
    let url = SecretString::from(format!("smtp+starttls://user:{CANARY}@127.0.0.1:{port}"));
    let channel = Channel::smtp("superstore", 2, url, "etl@shop.example", &["ops@shop.example".to_owned()], BTreeSet::from(ALL));
    assert_eq!(reason(outcome_of(channel.unwrap())), "the server does not offer what the address asks for");
    assert!(letters.lock().unwrap().is_empty());
}

#[test]
fn a_channel_that_comes_back_gets_what_waited_in_its_order() {
    let (port, letters) = smtp(Habit::Busy(3));
    let (folder, outbox) = outbox(policy());
    let channels = [mail_at(port)];
    let later = noon() + TimeDelta::hours(1);
    outbox.post(&event(EventKind::Failed, 1, "no source", noon()), &channels, noon()).unwrap();
    outbox.post(&event(EventKind::Recovered, 2, "published", noon()), &channels, noon()).unwrap();
    assert_eq!(outbox.deliver(&channels, noon()).unwrap().len(), 1);
    assert!(letters.lock().unwrap().is_empty());
    let outcomes: Vec<Outcome> = outbox.deliver(&channels, later).unwrap().into_iter().map(|delivery| delivery.outcome).collect();
    assert_eq!(outcomes, [Outcome::Delivered, Outcome::Delivered]);
    assert!(letters.lock().unwrap()[0].contains("superstore failed: no source"));
    assert_eq!(states(&folder), ["sent", "sent"]);
}

#[test]
fn a_recovery_threads_with_its_failure_and_headers_take_no_line_ends() {
    let (port, letters) = smtp(Habit::Good);
    let (_folder, outbox) = outbox(policy());
    let channels = [mail_at(port)];
    outbox.post(&event(EventKind::Failed, 1, "x\r\nBcc: a@b.example", noon()), &channels, noon()).unwrap();
    let later = noon() + TimeDelta::hours(3);
    outbox.post(&event(EventKind::Recovered, 2, "published", later), &channels, later).unwrap();
    outbox.deliver(&channels, later).unwrap();
    let letters = letters.lock().unwrap();
    let header =
        |letter: &str, name: &str| letter.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned)).unwrap_or_default();
    assert!(!header(&letters[0], "Message-ID: ").is_empty());
    assert_eq!(header(&letters[0], "Message-ID: "), header(&letters[1], "In-Reply-To: "));
    assert_eq!(header(&letters[0], "Bcc"), "");
    assert_eq!(header(&letters[0], "Subject: "), "[consumer360] superstore failed: x  Bcc: a@b.example");
    assert!(letters[1].contains("it was failing for 3 hours"), "{}", letters[1]);
}

#[test]
fn repeats_are_counted_and_a_recovery_ends_them() {
    let (port, seen) = http(vec![Answer::Status("200 OK")]);
    let (_folder, outbox) = outbox(policy());
    let channels = [webhook_at(port)];
    let at = |hours| noon() + TimeDelta::hours(hours);
    outbox.post(&event(EventKind::Recovered, 0, "well", at(0)), &channels, at(0)).unwrap();
    for hour in 0..6 {
        let failed = event(EventKind::Failed, u32::try_from(hour).unwrap(), &format!("{hour} rows lost"), at(hour));
        // The same run posted again is the same failure.
        outbox.post(&failed, &channels, at(hour)).unwrap();
        outbox.post(&failed, &channels, at(hour)).unwrap();
        outbox.deliver(&channels, at(hour)).unwrap();
    }
    assert_eq!(seen.lock().unwrap().len(), 1);
    outbox.deliver(&channels, at(25)).unwrap();
    assert!(seen.lock().unwrap()[1].contains("failed 5 more times since 2026-01-05 12:00 UTC"));
    outbox.post(&event(EventKind::Recovered, 9, "well", at(26)), &channels, at(26)).unwrap();
    outbox.post(&event(EventKind::Failed, 10, "0 rows lost", at(27)), &channels, at(27)).unwrap();
    outbox.deliver(&channels, at(27)).unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 4);
    assert!(seen[2].contains("failing for 1 day 2 hours, since 2026-01-05 12:00 UTC; 6 runs failed"), "{}", seen[2]);
}

#[test]
fn a_burst_ends_in_one_message() {
    let (port, seen) = http(vec![Answer::Status("200 OK")]);
    let (_folder, outbox) = outbox(Policy { most_per_hour: 3, ..policy() });
    let channels = [webhook_at(port)];
    for run in 0..8 {
        outbox.post(&event(EventKind::Published, run, &format!("day {run}"), noon()), &channels, noon()).unwrap();
    }
    outbox.deliver(&channels, noon()).unwrap();
    assert_eq!(seen.lock().unwrap().len(), 3);
    outbox.deliver(&channels, noon() + TimeDelta::minutes(61)).unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 4);
    assert!(seen[3].contains("5 messages were held back") && seen[3].contains("day 7"));
}

#[test]
fn two_outboxes_send_a_message_once_and_a_dead_channel_blocks_no_other() {
    let (port, seen) = http(vec![Answer::Status("200 OK")]);
    let (hanging, _) = http(vec![Answer::Hang]);
    let (folder, outbox) = outbox(policy());
    let dead = Channel::webhook(
        "superstore",
        7,
        SecretString::from(format!("http://localhost:{hanging}/")),
        Shape::Slack,
        Vec::new(),
        BTreeSet::from(ALL),
    );
    let channels = [dead.unwrap(), webhook_at(port)];
    for run in 0..10 {
        outbox.post(&event(EventKind::Published, run, "done", noon()), &channels, noon()).unwrap();
    }
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let path = folder.path().join("alerts.db");
            let channels = &channels;
            scope.spawn(move || Outbox::open(&path, policy()).unwrap().deliver(channels, noon()).unwrap());
        }
    });
    assert_eq!(seen.lock().unwrap().len(), 10);
    // What stays undelivered is tried for a day, then dropped with a record.
    let dropped = outbox.deliver(&channels, noon() + TimeDelta::hours(25)).unwrap();
    assert_eq!(dropped.len(), 10);
    let states = states(&folder);
    assert_eq!(["sent", "dropped"].map(|state| states.iter().filter(|is| *is == state).count()), [10, 10]);
}

#[test]
fn what_cannot_be_kept_is_sent_once() {
    let (port, seen) = http(vec![Answer::Status("200 OK")]);
    let channels = [webhook_at(port), mail_at(smtp(Habit::RejectsRecipient).0)];
    let events = [EventKind::Recovered, EventKind::Failed].map(|kind| event(kind, 1, "the disk is full", noon()));
    let told = tell_unkept(&events, &channels, &policy().timing);
    let outcomes: Vec<&Outcome> = told.iter().map(|delivery| &delivery.outcome).collect();
    assert!(matches!(outcomes[..], [Outcome::Delivered, Outcome::Dropped { .. }]), "{told:?}");
    assert!(told.iter().all(|delivery| delivery.event.kind == EventKind::Failed), "{told:?}");
    let seen = seen.lock().unwrap();
    assert!(seen.len() == 1 && seen[0].contains("the disk is full"), "{seen:?}");
}

#[test]
fn heartbeats_are_pinged() {
    let (port, seen) = http(vec![Answer::Status("200 OK")]);
    let (_folder, outbox) = outbox(policy());
    let channels = [true, false].map(|is_told_of_failures| {
        let url = SecretString::from(format!("http://127.0.0.1:{port}/{is_told_of_failures}?q=1"));
        let wants = if is_told_of_failures { BTreeSet::from(ALL) } else { BTreeSet::new() };
        Channel::heartbeat("superstore", 1 + usize::from(is_told_of_failures), url, wants).unwrap()
    });
    for kind in [EventKind::Unchanged, EventKind::Failed, EventKind::Late] {
        outbox.post(&event(kind, 1, "x", noon()), &channels, noon()).unwrap();
        outbox.deliver(&channels, noon()).unwrap();
    }
    let firsts: Vec<String> = seen.lock().unwrap().iter().map(|text| text.lines().next().unwrap().to_owned()).collect();
    assert_eq!(firsts, ["GET /true?q=1 HTTP/1.1", "GET /false?q=1 HTTP/1.1", "GET /true/fail?q=1 HTTP/1.1"]);
}

#[test]
fn wrong_channels_are_named_without_their_secrets() {
    let url = SecretString::from(format!("smtp://user:{CANARY}@mail.shop.example"));
    let error = Channel::smtp("superstore", 3, url, "a@b.example", &["c@d.example".to_owned()], BTreeSet::new()).unwrap_err();
    assert!(error.to_string().contains("mail #3 through mail.shop.example") && !format!("{error:?}").contains(CANARY));
    assert!(Channel::heartbeat("superstore", 1, SecretString::from(format!("ftp://x/{CANARY}")), BTreeSet::new()).is_err());
}

#[test]
fn bodies_are_as_written() {
    let message = Message {
        event: event(EventKind::Failed, 1, "the source <shop> & co. is unreachable", noon()),
        note: Note::Repeated { count: 5, since: noon() - TimeDelta::days(1) },
        thread: Some("0123456789abcdef".to_owned()),
        opens_thread: false,
    };
    for (name, shape) in [("generic", Shape::Generic), ("slack", Shape::Slack), ("teams", Shape::Teams)] {
        golden(&format!("{name}.json"), &format!("{:#}\n", webhook(&message, shape)));
    }
    golden("mail.txt", &mail::text(&message));
    golden("mail.html", &mail::html_text(&message));
}

#[test]
fn bodies_keep_to_the_limits_of_the_services() {
    let mut big = event(EventKind::Failed, 1, &"<é\n".repeat(5000), noon());
    big.detail = (0..200).map(|line| (format!("line {line}"), "&\"😀\n".repeat(3000))).collect();
    let message = Message::plain(big);
    assert!(webhook(&message, Shape::Teams).to_string().len() < 28_000);
    let slack = webhook(&message, Shape::Slack);
    let blocks = slack["blocks"].as_array().unwrap();
    assert!(blocks.len() <= 50);
    for block in blocks {
        assert!(block["text"]["text"].as_str().unwrap().chars().count() <= 3000);
    }
    assert!(webhook(&message, Shape::Generic).to_string().len() <= 64 * 1024);
}

fn golden(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "{}", path.display());
}
