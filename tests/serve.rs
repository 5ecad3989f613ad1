//! The server as a process: slots run by themselves, a kill loses none, two servers run each slot once, and people are told.

use std::net::TcpListener;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::served::{EVERY_MINUTE, LINES, PIPELINE, Served, free_port, get, serve, shop, signal, slots, until};
use crate::sources::postgres_server::{PASSWORD, Server, USER};
use crate::support::{Workspace, root};
use crate::{browser, receivers};

#[test]
fn a_served_slot_runs_by_itself_and_a_signal_ends_the_server() {
    let (space, port) = shop(EVERY_MINUTE);
    let mut served = serve(&space, "config");
    until("the console", || get(port, "/readyz").is_some_and(|(code, _)| code == 200));
    assert_eq!(get(port, "/healthz").unwrap().0, 200);
    // A file that breaks keeps its last good reading; one that is mended is read again.
    space.write("pipelines/shop.yaml", PIPELINE.to_owned() + EVERY_MINUTE + "schedul: {}\n");
    until("the problem on the page", || get(port, "/").unwrap().1.contains("did you mean"));
    until("a published run", || get(port, "/metrics").unwrap().1.contains("consumer360_last_success_timestamp_seconds{"));
    let slots = slots_after_mending(&space);
    assert!(slots.iter().any(|slot| slot["state"] == "ran" && slot["attempts"] == 1), "{slots:?}");
    signal(&served, "-TERM");
    assert_eq!(served.0.wait().unwrap().code(), Some(0));
}

fn slots_after_mending(space: &Workspace) -> Vec<Value> {
    space.write("pipelines/shop.yaml", PIPELINE.to_owned() + EVERY_MINUTE);
    slots(space)
}

#[test]
fn two_servers_on_one_state_run_each_slot_once() {
    let (space, _) = shop(EVERY_MINUTE);
    space.write("other/default.yaml", format!("serve: {{listen: '127.0.0.1:{}'}}\n", free_port()));
    let (_one, _two) = (serve(&space, "config"), serve(&space, "other"));
    until("a slot that ran", || slots(&space).iter().any(|slot| slot["state"] == "ran"));
    assert_each_slot_ran_once(&space);
}

#[test]
fn two_hosts_that_share_a_ledger_run_each_slot_once_and_one_outlives_the_other() {
    let server = Server::start();
    server.execute("postgres", &format!("CREATE DATABASE ledger OWNER {USER}"));
    let ledger = format!("ledger: {{postgres: '{}'}}\n", server.url_with(PASSWORD, "ledger"));
    let (space, port) = shop(EVERY_MINUTE);
    // Each has a state folder of its own, as hosts have.
    space.write("config/default.yaml", format!("serve: {{listen: '127.0.0.1:{port}'}}\n{ledger}"));
    space.write("other/default.yaml", format!("serve: {{listen: '127.0.0.1:{}'}}\nstate: elsewhere\n{ledger}", free_port()));
    let mut hosts = [("state", serve(&space, "config")), ("elsewhere", serve(&space, "other"))];
    let ran = || slots(&space).into_iter().filter(|slot| slot["state"] == "ran");
    let is_of = |slot: &Value, state: &str| space.path(state).join("runs").join(slot["run_id"].as_str().unwrap()).is_dir();
    until("a slot that ran", || ran().next().is_some());
    let first = ran().next().unwrap();
    if !is_of(&first, "state") {
        hosts.reverse();
    }
    let [(state, one), (other, _two)] = hosts;
    assert!(is_of(&first, state) && !is_of(&first, other), "{first}");
    // The host that ran it dies; the next slots are the other's.
    drop(one);
    until("a slot of the other host", || ran().any(|slot| is_of(&slot, other)));
    assert_each_slot_ran_once(&space);
    assert!(!["state", "elsewhere"].iter().any(|state| space.path(state).join("consumer360.db").exists()), "a ledger beside it");
}

/// No slot was run twice, and no two runs were published for one.
fn assert_each_slot_ran_once(space: &Workspace) {
    for slot in slots(space).iter().filter(|slot| slot["state"] == "ran") {
        assert_eq!(slot["attempts"], 1, "{slot}");
    }
    let runs = space.run(&["runs", "list", "--output", "json"]).ok().json();
    let runs = runs.as_array().unwrap();
    let mut filled: Vec<&str> =
        runs.iter().filter(|r| r["status"] == "published").map(|r| r["scheduled_at"].as_str().unwrap()).collect();
    let all = filled.len();
    filled.dedup();
    assert_eq!(filled.len(), all, "{runs:?}");
}

#[test]
fn what_is_due_runs_once_for_cron_and_systemd() {
    let (space, _) = shop(EVERY_MINUTE);
    let first = space.run(&["run", "pipelines/shop.yaml", "--slot"]).ok();
    assert!(first.stdout.contains("published"), "{}", first.stdout);
    let slots = slots(&space);
    let ran = slots.iter().filter(|slot| slot["state"].as_str().unwrap().starts_with("ran")).count();
    assert!(ran >= 1, "{slots:?}");
    // Within the same minute nothing else is due.
    let runs = || space.run(&["runs", "list", "--output", "json"]).ok().json().as_array().unwrap().len();
    let before = runs();
    let again = space.run(&["run", "pipelines/shop.yaml", "--slot"]).ok();
    assert!(again.stdout.contains("nothing is due") || runs() > before, "{}", again.stdout);
    space.run(&["schedule", "pause", "pipelines/shop.yaml", "--reason", "stocktaking"]).ok();
    let paused = space.run(&["run", "pipelines/shop.yaml", "--slot"]).ok();
    assert!(paused.stdout.contains("nothing is due"), "{}", paused.stdout);
    let told =
        ["run pipelines/shop.yaml --slot", "status", "schedule next pipelines/shop.yaml", "schedule explain pipelines/shop.yaml"];
    for command in told {
        let text = space.run(&command.split(' ').collect::<Vec<_>>()).ok().stdout;
        let says = text.contains("paused since ") && text.contains(" UTC (stocktaking), its slots are skipped");
        assert!(says && text.contains("consumer360 schedule resume pipelines/shop.yaml"), "{text}");
    }
    assert!(space.run(&["schedule", "resume", "pipelines/shop.yaml"]).ok().stdout.contains("goes on"));
    for command in [["status"].as_slice(), &["schedule", "next", "pipelines/shop.yaml"]] {
        assert!(!space.run(command).ok().stdout.contains("paused"));
    }
    let none = shop("").0.run(&["run", "pipelines/shop.yaml", "--slot"]);
    assert!(none.code == 2 && none.stderr.contains("has no `schedule:`"), "{}", none.stderr);
}

/// A run by hand of the same pipeline that does not end: its database takes the connection and says nothing.
fn endless_run(space: &Workspace, database: &TcpListener) -> Served {
    let silent = format!("{{type: postgres, url: 'postgres://shop@{}/shop'}}", database.local_addr().unwrap());
    let pipeline = PIPELINE.replace("{type: files, url: drop}", &silent).replace("path: lines.csv", "table: lines");
    space.write("by-hand.yaml", pipeline);
    let run = Served(space.command(&["run", "by-hand.yaml", "--quiet"]).stderr(Stdio::null()).spawn().unwrap());
    let is_on_record = |run: std::fs::DirEntry| run.path().join("run.json").exists();
    until("the run by hand", || {
        std::fs::read_dir(space.path("state/runs")).is_ok_and(|mut runs| runs.any(|run| run.is_ok_and(is_on_record)))
    });
    run
}

#[test]
fn a_slot_beside_a_run_by_hand_is_skipped_and_nothing_failed() {
    let (port, told) = receivers::http(Vec::new());
    let notify = format!("notify: [{{on: [failed, missed], webhook: 'http://127.0.0.1:{port}/hook'}}]\n");
    let (space, _) =
        shop(&(notify + "schedule: {cron: '* * * * *', on_overlap: skip}\nretries: {attempts: 2, first_after: 1s}\n"));
    let database = TcpListener::bind("127.0.0.1:0").unwrap();
    let _by_hand = endless_run(&space, &database);
    let ran = space.run(&["run", "pipelines/shop.yaml", "--slot"]).ok();
    assert!(ran.stdout.contains(": skipped: overlap: a run was under way"), "{}", ran.stdout);
    let slots = slots(&space);
    assert!(!slots.is_empty() && slots.iter().all(|slot| slot["state"] == "skipped"), "{slots:?}");
    assert!(told.recv_timeout(Duration::from_secs(1)).is_err(), "nothing failed");
}

#[test]
fn a_slot_of_a_process_of_its_own_waits_for_a_run_by_hand() {
    let (space, _) = shop("schedule: {cron: '* * * * *', on_overlap: queue}\n");
    let database = TcpListener::bind("127.0.0.1:0").unwrap();
    let by_hand = endless_run(&space, &database);
    let mut slot = Served(space.command(&["run", "pipelines/shop.yaml", "--slot"]).stdout(Stdio::null()).spawn().unwrap());
    until("a slot that waits", || slots(&space).iter().any(|slot| slot["state"] == "waiting"));
    drop(by_hand);
    assert_eq!(slot.0.wait().unwrap().code(), Some(0));
    let slots = slots(&space);
    assert!(slots.iter().all(|slot| slot["state"].as_str().unwrap().starts_with("ran")), "{slots:?}");
}

#[test]
fn a_served_slot_waits_for_a_run_by_hand_and_nothing_failed() {
    let (hook, told) = receivers::http(Vec::new());
    let notify = format!("notify: [{{on: [failed, missed], webhook: 'http://127.0.0.1:{hook}/hook'}}]\n");
    let (space, _) = shop(&(notify + "schedule: {cron: '* * * * *', on_overlap: queue}\n"));
    let database = TcpListener::bind("127.0.0.1:0").unwrap();
    let by_hand = endless_run(&space, &database);
    let _served = serve(&space, "config");
    let waiting = || slots(&space).into_iter().find(|slot| slot["state"] == "waiting");
    until("a slot that waits", || waiting().is_some());
    assert!(told.recv_timeout(Duration::from_secs(1)).is_err(), "nothing failed");
    drop(by_hand);
    until("a slot that ran", || slots(&space).iter().any(|slot| slot["state"].as_str().unwrap().starts_with("ran")));
    let slots = slots(&space);
    assert!(slots.iter().all(|slot| slot["state"] != "failed"), "{slots:?}");
    assert!(told.try_recv().is_err(), "nothing failed");
}

#[test]
fn a_failure_and_its_recovery_are_told_and_a_dead_channel_changes_nothing() {
    let (port, told) = receivers::http(Vec::new());
    let dead = free_port();
    let (space, _) = shop(&format!(
        "notify:\n  - {{on: [failed, recovered], webhook: 'http://127.0.0.1:{port}/hook'}}\n  \
         - {{on: [failed, published], webhook: 'http://127.0.0.1:{dead}/dead'}}\n"
    ));
    space.write("drop/lines.csv", "order_id\n");
    assert_eq!(space.run(&["run", "pipelines/shop.yaml", "--quiet"]).code, 1);
    let failed = told.recv_timeout(Duration::from_secs(10)).unwrap().body;
    assert!(failed.to_string().contains("failed") && failed.to_string().contains("has no column"), "{failed}");
    // The same failure is not told twice.
    assert_eq!(space.run(&["run", "pipelines/shop.yaml", "--quiet"]).code, 1);
    assert!(told.recv_timeout(Duration::from_secs(1)).is_err());
    space.write("drop/lines.csv", LINES);
    space.run(&["run", "pipelines/shop.yaml", "--quiet"]).ok();
    let recovered = told.recv_timeout(Duration::from_secs(10)).unwrap().body;
    assert!(recovered.to_string().contains("recovered"), "{recovered}");
}

#[test]
fn a_run_that_leaves_no_record_is_not_taken_for_the_one_before() {
    let (port, told) = receivers::http(Vec::new());
    let (space, _) = shop(&format!("notify: [{{on: [published, failed], webhook: 'http://127.0.0.1:{port}/hook'}}]\n"));
    space.run(&["run", "pipelines/shop.yaml", "--quiet"]).ok();
    let published = told.recv_timeout(Duration::from_secs(10)).unwrap().body;
    assert!(published.to_string().contains("published"), "{published}");
    // A file lies where the folders of runs belong.
    std::fs::rename(space.path("state/runs"), space.path("state/aside")).unwrap();
    space.write("state/runs", "in the way");
    assert_eq!(space.run(&["run", "pipelines/shop.yaml", "--quiet"]).code, 1);
    let failed = told.recv_timeout(Duration::from_secs(10)).unwrap().body.to_string();
    assert!(failed.contains("failed") && failed.contains("runs"), "{failed}");
}

#[test]
fn a_failure_is_told_after_a_clock_that_was_ahead() {
    let (port, told) = receivers::http(Vec::new());
    let (space, _) = shop(&format!("notify: [{{on: [failed], webhook: 'http://127.0.0.1:{port}/hook'}}]\n"));
    space.run(&["run", "pipelines/shop.yaml", "--quiet"]).ok();
    let database = rusqlite::Connection::open(space.path("state/consumer360.db")).unwrap();
    let ahead = "UPDATE consumer360_run SET started_at = ?1, record = json_set(record, '$.started_at', ?1, '$.finished_at', ?1)";
    assert_eq!(database.execute(ahead, ["2099-01-01T00:00:00.000Z"]).unwrap(), 1);
    drop(database);
    space.write("drop/lines.csv", "order_id\n");
    assert_ne!(space.run(&["run", "pipelines/shop.yaml", "--quiet"]).code, 0);
    let said = told.recv_timeout(Duration::from_secs(10)).unwrap().body;
    assert_eq!(said["kind"], "failed", "{said}");
}

#[test]
fn a_failure_is_told_where_nothing_can_be_kept() {
    let (port, told) = receivers::http(Vec::new());
    let (space, _) = shop(&(format!("notify: [{{on: [failed], webhook: 'http://127.0.0.1:{port}/hook'}}]\n") + EVERY_MINUTE));
    // A folder lies where the messages belong, and a file where the folders of runs belong.
    std::fs::create_dir_all(space.path("state/alerts.db")).unwrap();
    space.write("state/runs", "in the way");
    assert_eq!(space.run(&["run", "pipelines/shop.yaml", "--quiet"]).code, 1);
    let said = told.recv_timeout(Duration::from_secs(10)).unwrap().body;
    assert_eq!(said["kind"], "failed", "{said}");
}

#[test]
fn a_ledger_that_cannot_be_used_is_told_where_slots_are_looked_for() {
    let (port, told) = receivers::http(Vec::new());
    let (space, _) = shop(&(format!("notify: [{{on: [failed], webhook: 'http://127.0.0.1:{port}/hook'}}]\n") + EVERY_MINUTE));
    space.write("state/consumer360.db", "no database at all");
    assert_eq!(space.run(&["run", "pipelines/shop.yaml", "--slot"]).code, 1);
    let said = told.recv_timeout(Duration::from_secs(10)).unwrap().body;
    assert!(said["kind"] == "failed" && said["headline"].as_str().unwrap().contains("is damaged"), "{said}");
}

#[test]
fn slots_that_were_missed_are_told_without_a_server_too() {
    let (port, told) = receivers::http(Vec::new());
    let notify = format!("notify: [{{on: [missed], webhook: 'http://127.0.0.1:{port}/hook'}}]\n");
    let (space, _) = shop(&(notify + "schedule: {cron: '0 * * * *', on_missed: latest}\n"));
    space.run(&["run", "pipelines/shop.yaml", "--slot"]).ok();
    // As if nobody had looked for four hours.
    let database = rusqlite::Connection::open(space.path("state/consumer360.db")).unwrap();
    let until = (chrono::Utc::now() - chrono::TimeDelta::hours(4)).to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    assert_eq!(database.execute("UPDATE consumer360_watch SET watched_until = ?1", [until]).unwrap(), 1);
    drop(database);
    space.run(&["run", "pipelines/shop.yaml", "--slot"]).ok();
    let missed = slots(&space).iter().filter(|slot| slot["state"] == "missed").count();
    assert!((2..=4).contains(&missed), "{missed}");
    let said = told.recv_timeout(Duration::from_secs(10)).unwrap().body;
    assert_eq!(said["kind"], "missed", "{said}");
    // They are told once.
    while told.try_recv().is_ok() {}
    space.run(&["run", "pipelines/shop.yaml", "--slot"]).ok();
    assert!(told.recv_timeout(Duration::from_secs(1)).is_err());
}

#[test]
fn a_slot_that_is_given_up_is_told() {
    let (port, told) = receivers::http(Vec::new());
    let (space, _) = shop(&(format!("notify: [{{on: [failed], webhook: 'http://127.0.0.1:{port}/hook'}}]\n") + EVERY_MINUTE));
    space.run(&["run", "pipelines/shop.yaml", "--slot"]).ok();
    // As if whatever ran them had died in every attempt.
    let database = rusqlite::Connection::open(space.path("state/consumer360.db")).unwrap();
    let died = "UPDATE consumer360_slot SET state = 'running', attempts = 3, run_id = 'gone'";
    assert!(database.execute(died, []).unwrap() > 0);
    drop(database);
    space.run(&["run", "pipelines/shop.yaml", "--slot"]).ok();
    let said = told.recv_timeout(Duration::from_secs(10)).unwrap().body;
    assert_eq!((&said["kind"], &said["run_id"]), (&"failed".into(), &"gone".into()), "{said}");
    assert!(said["headline"].as_str().unwrap().contains("3 runs of it died"), "{said}");
}

#[test]
fn a_source_that_is_away_is_tried_again_in_one_record() {
    let (space, _) = shop("schedule: {cron: '* * * * *'}\nretries: {attempts: 3, first_after: 3s}\n");
    let late = space.path("drop/lines.csv");
    std::fs::remove_file(&late).unwrap();
    thread::spawn(move || {
        thread::sleep(Duration::from_secs(2));
        std::fs::write(late, LINES).unwrap();
    });
    let run = space.run(&["run", "pipelines/shop.yaml", "--slot"]).ok();
    assert!(run.stdout.contains("published"), "{}{}", run.stdout, run.stderr);
    // The slot before may have come due as well, and then a run of it was made after this one.
    let runs = space.run(&["runs", "list", "--output", "json"]).ok().json();
    let attempts = runs.as_array().unwrap().iter().flat_map(|run| run["earlier_attempts"].as_array().unwrap());
    let statuses: Vec<&Value> = attempts.map(|attempt| &attempt["status"]).collect();
    assert!(!statuses.is_empty() && statuses.iter().all(|status| *status == "source_failed"), "{runs}");
}

#[test]
fn a_run_that_takes_too_long_is_stopped_and_its_slot_says_so() {
    // A database that takes the connection and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("{{type: postgres, url: 'postgres://shop@{}/shop'}}", listener.local_addr().unwrap());
    let (space, _) = shop("");
    let pipeline = PIPELINE.replace("{type: files, url: drop}", &silent).replace("path: lines.csv", "table: lines");
    space.write("pipelines/shop.yaml", pipeline + "schedule: {cron: '* * * * *', timeout: 1s}\n");
    let ran = space.run(&["run", "pipelines/shop.yaml", "--slot"]);
    assert_eq!(ran.code, 124, "{}{}", ran.stdout, ran.stderr);
    let says_so = |slot: &Value| slot["state"] == "failed" && slot["reason"].as_str().unwrap().contains("stopped after 1 s");
    assert!(slots(&space).iter().any(says_so), "{:?}", slots(&space));
    let next = space.run(&["schedule", "next", "pipelines/shop.yaml", "-n", "10", "--output", "json"]).ok().json();
    assert_eq!(next.as_array().unwrap().len(), 10, "{next}");
    let explained = space.run(&["schedule", "explain", "pipelines/shop.yaml"]).ok().stdout;
    assert!(explained.contains("UTC") && explained.contains("If the machine sleeps over it"), "{explained}");
}

#[test]
fn the_console_is_walked_in_a_browser() {
    let space = Workspace::new();
    space.link("data");
    for name in ["superstore", "chinook"] {
        let text = std::fs::read_to_string(root().join("pipelines").join(format!("{name}.yaml"))).unwrap();
        space.write(&format!("pipelines/{name}.yaml"), text);
    }
    let port = free_port();
    let token = "a-token-of-twenty-letters";
    space.write("config/default.yaml", format!("serve: {{listen: '127.0.0.1:{port}', token: {token}}}\n"));
    // A shop with a schedule that can be paused, and a run that waits for somebody to release it.
    let options = "schedule: {cron: '0 6 1 1 *'}\nhold: {revenue_change: 50%}\n";
    space.write("pipelines/shop.yaml", PIPELINE.replace("to: out", "to: out/shop") + options);
    space.write("drop/lines.csv", LINES);
    space.run(&["run", "pipelines/shop.yaml", "--quiet"]).ok();
    space.write("drop/lines.csv", LINES.replace(",10\n", ",30\n"));
    assert_eq!(space.run(&["run", "pipelines/shop.yaml", "--quiet"]).code, 5);
    for days in [["superstore", "2017-12-30"], ["superstore", "2018-01-06"], ["chinook", "2013-12-22"]] {
        space.run(&["run", &format!("pipelines/{}.yaml", days[0]), "--as-of", days[1], "--quiet"]).ok();
    }
    let _served = serve(&space, "config");
    until("the console", || get(port, "/readyz").is_some_and(|(code, _)| code == 200));
    if browser::walk(&space, "console", "console", &[&format!("http://127.0.0.1:{port}"), token]).is_some() {
        assert_eq!(space.table("out/shop", "fact_sales").sum("net_amount"), 90 * 10_000, "what was held is published");
    }
}
