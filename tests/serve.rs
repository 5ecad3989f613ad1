//! The server as a process: slots run by themselves, a kill loses none, two servers run each slot once, and people are told.

use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::served::{EVERY_MINUTE, LINES, PIPELINE, free_port, get, serve, shop, signal, slots, until};
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
    for slot in slots(&space).iter().filter(|slot| slot["state"] == "ran") {
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
    assert!(space.run(&["schedule", "resume", "pipelines/shop.yaml"]).ok().stdout.contains("goes on"));
    let none = shop("").0.run(&["run", "pipelines/shop.yaml", "--slot"]);
    assert!(none.code == 2 && none.stderr.contains("has no `schedule:`"), "{}", none.stderr);
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
    for days in [["superstore", "2017-12-30"], ["superstore", "2018-01-06"], ["chinook", "2013-12-22"]] {
        space.run(&["run", &format!("pipelines/{}.yaml", days[0]), "--as-of", days[1], "--quiet"]).ok();
    }
    let _served = serve(&space, "config");
    until("the console", || get(port, "/readyz").is_some_and(|(code, _)| code == 200));
    browser::walk(&space, "console", "console", &[&format!("http://127.0.0.1:{port}"), token]);
}
