//! Two hosts that share a ledger on a PostgreSQL: who holds a pipeline, and what becomes of one who lost it.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "both/place.rs"]
mod place;
#[path = "both/server.rs"]
mod server;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use cron::Cron;
use place::{Kind, Place};
use scheduler::{Error, Ledger, Outcome, Run, Schedule, Slot, SlotEnd, SlotState, Stage, Status, clock};
use server::Server;

const STATE: &str = "SCHEDULER_TEST_STATE";
const URL: &str = "SCHEDULER_TEST_URL";

/// Two hosts, and the server that they share; none where PostgreSQL is not installed.
fn two_hosts() -> Option<(&'static Server, Place, Place)> {
    let server = Server::of_the_tests()?;
    let here = Kind::Server.place();
    let there = here.another_host();
    Some((server, here, there))
}

fn monday() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 5, 6, 0, 0).unwrap()
}

fn begin(ledger: &Ledger) -> Run {
    ledger.begin("weekly", &Slot::manual(monday(), chrono_tz::UTC, None), monday(), "0.1.0").unwrap()
}

/// Cuts all connections that work in the place's schema, as a server does that is restarted.
fn cut(server: &Server, place: &Place) {
    let url = place.url.as_deref().unwrap();
    let schema = url.rsplit("%3D").next().unwrap();
    let key = format!("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = '{schema}'");
    server.sql(&key);
}

/// The place whose connections can be told from those of other tests.
fn named(mut place: Place) -> Place {
    let url = place.url.take().unwrap();
    let schema = url.rsplit("%3D").next().unwrap().to_owned();
    place.url = Some(url.replace("&options=", &format!("&application_name={schema}&options=")));
    place
}

#[test]
fn a_pipeline_is_held_by_one_host_and_the_other_hears_by_which() {
    let Some((_, here, there)) = two_hosts() else { return };
    let (here, there) = (here.open(), there.open());
    let run = begin(&here);
    let refusal = there.begin("weekly", run.slot(), monday(), "0.1.0").unwrap_err();
    assert!(refusal.is_locked() && refusal.may_pass());
    let Error::Locked { holder, .. } = refusal else { panic!("{refusal}") };
    assert_eq!((holder.run_id.as_str(), holder.pid), (run.id(), std::process::id()));
    assert_eq!(there.holder("weekly").unwrap(), Some(holder));
    drop(there.begin("daily", run.slot(), monday(), "0.1.0").unwrap());
    let first = run.epoch();
    run.finish(Outcome::NotPublished, monday()).unwrap();
    assert_eq!(there.holder("weekly").unwrap(), None);
    let second = begin(&there);
    assert!(second.epoch() > first);
    let record = here.run(second.id()).unwrap().unwrap();
    assert_eq!(record.epoch, second.epoch());
    assert!(record.host.is_some());
}

#[test]
fn who_was_cut_off_is_refused_once_another_has_taken_over() {
    let Some((server, here, there)) = two_hosts() else { return };
    let here = named(here);
    let (cut_off, other) = (here.open(), there.open());
    let mut daily = Schedule::new(vec![Cron::parse("0 6 * * *").unwrap()], chrono_tz::UTC);
    daily.on_missed = scheduler::OnMissed::All;
    let at = monday() + TimeDelta::days(1);
    cut_off.slots().tick("weekly", &daily, monday()).unwrap();
    assert_eq!(cut_off.slots().tick("weekly", &daily, at).unwrap().len(), 1);
    let mut lost = begin(&cut_off);
    let (lost_id, folder) = (lost.id().to_owned(), lost.folder().to_owned());
    lost.stage_started(Stage::Extract).unwrap();

    cut(server, &here);
    let mut taken = begin(&other);
    assert_eq!(cut_off.run(&lost_id).unwrap().unwrap().status, Status::Interrupted, "a read finds a new connection");
    let refused = cut_off.slots().claim("weekly", at, &lost_id, at).unwrap_err();
    assert!(matches!(refused, Error::Fenced { .. }), "{refused}");
    let refused = lost.stage_started(Stage::Publish).unwrap_err();
    let said = refused.to_string();
    assert!(said.contains(&format!("taken over by run {} (process ", taken.id())), "{said}");
    let Error::Fenced { epoch, taken: now, .. } = refused else { panic!("{said}") };
    assert_eq!((epoch, now), (lost.epoch(), taken.epoch()));

    assert!(other.slots().claim("weekly", at, taken.id(), at).unwrap());
    taken.stage_started(Stage::Extract).unwrap();
    let refused = lost.finish(Outcome::NotPublished, at).unwrap_err();
    assert!(matches!(refused, Error::Fenced { .. }) && !refused.may_pass(), "{refused}");
    assert!(!cut_off.slots().settle("weekly", at, SlotEnd::Failed, None, at).unwrap(), "the other host runs it");
    let on_disk = std::fs::read_to_string(folder.join("run.json")).unwrap();
    assert!(on_disk.contains("\"status\": \"running\""), "what was refused is not on disk either: {on_disk}");
    let taken_id = taken.id().to_owned();
    taken.finish(Outcome::NotPublished, at).unwrap();
    assert!(other.slots().settle("weekly", at, SlotEnd::Ran, None, at).unwrap());
    let ends = [&lost_id, &taken_id].map(|id| other.run(id).unwrap().unwrap().status);
    assert_eq!(ends, [Status::Interrupted, Status::NotPublished]);
    assert_eq!(other.slots().slot("weekly", at).unwrap().unwrap().run_id, Some(taken_id));
}

#[test]
fn who_was_cut_off_goes_on_if_nobody_has_taken_over() {
    let Some((server, here, _)) = two_hosts() else { return };
    let here = named(here);
    let ledger = here.open();
    let mut run = begin(&ledger);
    cut(server, &here);
    run.stage_started(Stage::Extract).unwrap();
    cut(server, &here);
    let id = run.id().to_owned();
    run.finish(Outcome::NotPublished, monday()).unwrap();
    assert_eq!(ledger.run(&id).unwrap().unwrap().status, Status::NotPublished);
}

#[test]
fn a_run_is_taken_up_again_where_its_folder_is() {
    let Some((_, here, there)) = two_hosts() else { return };
    let (here, there) = (here.open(), there.open());
    let run = begin(&here);
    let id = run.id().to_owned();
    drop(run);
    assert_eq!(there.settle_dead_runs("weekly").unwrap(), std::slice::from_ref(&id));
    let refused = there.begin_again(&id, monday(), "0.1.0").unwrap_err();
    assert!(matches!(&refused, Error::RanElsewhere { run_id, .. } if *run_id == id), "{refused}");
    // Its own record still says that it runs; the other host has settled it.
    let again = here.begin_again(&id, monday(), "0.1.0").unwrap();
    again.finish(Outcome::NotPublished, monday()).unwrap();
    let record = there.run(&id).unwrap().unwrap();
    assert_eq!((record.status, record.earlier_attempts.len()), (Status::NotPublished, 1));
}

#[test]
fn a_write_of_which_nobody_knows_says_so() {
    let Some((server, here, _)) = two_hosts() else { return };
    let ledger = here.open();
    let schema = here.url.as_deref().unwrap().rsplit("%3D").next().unwrap();
    // The server ends the session in the middle of the commit.
    server.sql(&format!(
        "CREATE FUNCTION {schema}.die() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';
         CREATE CONSTRAINT TRIGGER die AFTER INSERT ON {schema}.consumer360_watch
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {schema}.die()"
    ));
    let unknown = ledger.slots().pause("weekly", None, monday()).unwrap_err();
    assert!(matches!(unknown, Error::UnknownFate { .. }) && unknown.may_pass(), "{unknown:?}");
    assert!(unknown.to_string().starts_with("it is not known whether"), "{unknown}");
    server.sql(&format!("DROP TRIGGER die ON {schema}.consumer360_watch"));
    ledger.slots().pause("weekly", None, monday()).unwrap();
    assert!(ledger.slots().watch("weekly").unwrap().unwrap().paused_at.is_some());
}

#[test]
fn refusals_say_what_is_wrong_and_whether_it_may_pass() {
    let Some((server, here, _)) = two_hosts() else { return };
    let connect = |url: &str| Ledger::connect(here.state(), url).unwrap_err();
    let no_url = connect("mysql://reader:Tulip-7f3a@localhost/shop");
    assert!(matches!(no_url, Error::ServerUrl { .. }) && !format!("{no_url:?}{no_url}").contains("Tulip"), "{no_url:?}");
    let nobody = connect("postgres://reader:Tulip-7f3a@127.0.0.1:9/shop?connect_timeout=2");
    assert_eq!((nobody.to_string().as_str(), nobody.may_pass()), ("cannot connect to the ledger `127.0.0.1:9/shop`", true));
    let no_database = connect(&server.url("public").replace("/postgres?", "/nowhere?"));
    assert!(matches!(no_database, Error::Connect { .. }) && !no_database.may_pass(), "{no_database:?}");
    let no_schema = connect(&server.url("nowhere"));
    assert!(matches!(no_schema, Error::NoSchema { .. }), "{no_schema:?}");
    drop(here.open());
    let schema = here.url.as_deref().unwrap().rsplit("%3D").next().unwrap();
    server.sql(&format!("UPDATE {schema}.consumer360_format SET version = 9"));
    let newer = here.try_open().unwrap_err();
    assert!(matches!(newer, Error::DatabaseNewer { found: 9, .. }), "{newer}");
}

#[test]
fn a_ledger_works_on_the_threads_of_any_runtime() {
    if Server::of_the_tests().is_none() {
        return;
    }
    let several = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let current = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for runtime in [several, current] {
        let place = Kind::Server.place();
        let work = async move {
            let ledger = place.open();
            let mut run = begin(&ledger);
            tokio::task::yield_now().await;
            run.stage_started(Stage::Extract).unwrap();
            run.finish(Outcome::NotPublished, monday()).unwrap();
            // Dropped here as well, on the runtime's thread.
            ledger.runs(None, 9).unwrap().len()
        };
        assert_eq!(runtime.block_on(async { tokio::spawn(work).await.unwrap() }), 1);
    }
}

#[test]
fn hold_and_sleep() {
    let Ok(state) = std::env::var(STATE) else { return };
    let ledger = place::open(Path::new(&state), std::env::var(URL).ok().as_deref()).unwrap();
    let run = ledger.begin("weekly", &Slot::manual(clock::now(), chrono_tz::UTC, None), clock::now(), "0.1.0").unwrap();
    println!("\nholding {}", run.id());
    std::io::stdin().read_line(&mut String::new()).unwrap();
    println!("{}", if run.finish(Outcome::NotPublished, clock::now()).is_err() { "refused" } else { "accepted" });
}

/// This program again, as the process of another host that holds the pipeline.
fn holder(place: &Place) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "hold_and_sleep", "--nocapture"])
        .env(STATE, place.state())
        .env(URL, place.url.as_deref().unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    wait_for(&mut output, "holding ");
    (child, output)
}

fn wait_for(output: &mut impl BufRead, beginning: &str) -> String {
    loop {
        let mut line = String::new();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "the other process ended before it said `{beginning}`");
        if line.starts_with(beginning) {
            return line;
        }
    }
}

#[test]
fn a_killed_host_frees_the_pipeline() {
    let Some((_, here, there)) = two_hosts() else { return };
    let (mut child, _output) = holder(&there);
    let ledger = here.open();
    assert!(ledger.holder("weekly").unwrap().is_some());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!ledger.is_abandoned("weekly").unwrap(), "a network that was cut ends sessions as well");
    // The server hears of the end at once, and takes a moment to act on it: until then the lock has a holder.
    let until = Instant::now() + Duration::from_secs(20);
    let slot = Slot::manual(monday(), chrono_tz::UTC, None);
    let run = loop {
        match ledger.begin("weekly", &slot, monday(), "0.1.0") {
            Err(error) if error.is_locked() && Instant::now() < until => std::thread::sleep(Duration::from_millis(20)),
            begun => break begun.unwrap(),
        }
    };
    assert!(!ledger.is_abandoned("weekly").unwrap(), "it is held");
    assert!(ledger.runs(None, 9).unwrap().iter().any(|run| run.status == Status::Interrupted));
    run.finish(Outcome::NotPublished, monday()).unwrap();
}

#[test]
fn a_host_that_stands_still_loses_its_lease_and_is_refused_when_it_goes_on() {
    let Some((server, here, there)) = two_hosts() else { return };
    let (mut child, mut output) = holder(&there);
    let signal = |name: &str| assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
    let ledger = here.open();
    signal("-STOP");
    let slot = Slot::manual(monday(), chrono_tz::UTC, None);
    assert!(ledger.begin("weekly", &slot, monday(), "0.1.0").unwrap_err().is_locked(), "its lease has not ended");
    let schema = here.url.as_deref().unwrap().rsplit("%3D").next().unwrap();
    server.sql(&format!("UPDATE {schema}.consumer360_lock SET heartbeat_at = now() - interval '95 seconds'"));
    assert!(!ledger.is_abandoned("weekly").unwrap(), "it has its session");
    let run = begin(&ledger);
    signal("-CONT");
    drop(child.stdin.take());
    assert_eq!(wait_for(&mut output, "refused"), "refused\n");
    child.wait().unwrap();
    run.finish(Outcome::NotPublished, monday()).unwrap();
}

#[test]
fn a_host_that_is_silent_and_has_no_session_is_dead() {
    let Some((server, here, there)) = two_hosts() else { return };
    let ledger = here.open();
    assert!(ledger.is_abandoned("weekly").unwrap(), "nobody ever held it");
    let (mut child, _output) = holder(&there);
    assert!(!ledger.is_abandoned("weekly").unwrap());
    child.kill().unwrap();
    child.wait().unwrap();
    let schema = here.url.as_deref().unwrap().rsplit("%3D").next().unwrap();
    server.sql(&format!("UPDATE {schema}.consumer360_lock SET heartbeat_at = now() - interval '95 seconds'"));
    // The server takes a moment to end the session.
    let until = Instant::now() + Duration::from_secs(20);
    while !ledger.is_abandoned("weekly").unwrap() {
        assert!(Instant::now() < until, "its session goes on");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(ledger.runs(None, 1).unwrap()[0].status, Status::Running, "looking changes nothing");
}

#[test]
fn a_slot_whose_host_died_is_run_by_the_other() {
    let Some((_, here, there)) = two_hosts() else { return };
    let (dying, other) = (here.open(), there.open());
    let hourly = Schedule::new(vec![Cron::parse("0 * * * *").unwrap()], chrono_tz::UTC);
    let at = monday() + TimeDelta::hours(1);
    dying.slots().tick("weekly", &hourly, monday()).unwrap();
    assert_eq!(dying.slots().tick("weekly", &hourly, at).unwrap().len(), 1);
    assert_eq!(other.slots().tick("weekly", &hourly, at).unwrap(), [], "one host gets it");
    let run = begin(&dying);
    assert!(dying.slots().claim("weekly", at, run.id(), at).unwrap());
    assert_eq!(other.slots().recover("weekly", &hourly, at).unwrap().due, [], "its run is under way");
    drop((run, dying));
    assert_eq!(other.slots().recover("weekly", &hourly, at).unwrap().due.len(), 1);
    let row = other.slots().slot("weekly", at).unwrap().unwrap();
    assert_eq!((row.state, row.attempts), (SlotState::Due, 1));
}
