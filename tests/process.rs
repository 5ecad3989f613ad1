//! What a machine does to a server: kills, signals, sleep, a clock that jumps, and channels that fail, hang and recover.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::receivers::{self, Answer, tls};
use crate::served::{EVERY_MINUTE, LINES, PIPELINE, Served, free_port, get, serve, shop, signal, slots, until};
use crate::support::{Ran, Workspace};

fn runs(space: &Workspace) -> Vec<Value> {
    let runs = space.run(&["runs", "list", "--output", "json"]).ok().json();
    runs.as_array().unwrap().clone()
}

fn kill(pid: u32, name: &str) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
}

/// The process of the server's run, stopped in the middle of it, where it writes nothing to the ledger.
fn stopped_run(space: &Workspace, served: &Served) -> u32 {
    let mut pid = None;
    until("a run that builds tables", || {
        let running = fs::read_dir(space.path("state/runs")).is_ok_and(|runs| {
            runs.flatten()
                .any(|run| fs::read_to_string(run.path().join("run.json")).is_ok_and(|json| json.contains("\"transform\"")))
        });
        let children = |task: fs::DirEntry| fs::read_to_string(task.path().join("children")).unwrap_or_default();
        let tasks = fs::read_dir(format!("/proc/{}/task", served.0.id())).unwrap();
        pid = tasks.flatten().map(children).find_map(|pids| pids.split(' ').next()?.parse().ok());
        running && pid.is_some()
    });
    let pid = pid.unwrap();
    thread::sleep(Duration::from_millis(100));
    kill(pid, "-STOP");
    pid
}

/// The slot that a run was begun for first.
fn first_run(space: &Workspace) -> Value {
    let slots = slots(space);
    slots.into_iter().rev().find(|slot| slot["run_id"].is_string()).unwrap()
}

fn state_of(space: &Workspace, slot: &Value) -> Value {
    slots(space).into_iter().find(|row| row["scheduled_at"] == slot["scheduled_at"]).unwrap()
}

/// Whether the run fills the slot; the two may say the same second in different words.
fn is_of(run: &Value, slot: &Value) -> bool {
    let second = |value: &Value| value["scheduled_at"].as_str().unwrap()[..19].to_owned();
    second(run) == second(slot)
}

#[test]
fn a_run_killed_with_its_server_is_run_again() {
    let (space, _) = shop(EVERY_MINUTE);
    let mut served = serve(&space, "config");
    let run = stopped_run(&space, &served);
    let slot = first_run(&space);
    assert_eq!(slot["state"], "running", "{slot}");
    kill(run, "-KILL");
    signal(&served, "-KILL");
    served.0.wait().unwrap();
    let _again = serve(&space, "config");
    until("the slot's second run", || state_of(&space, &slot)["state"].as_str().unwrap().starts_with("ran"));
    assert_eq!(state_of(&space, &slot)["attempts"], 2);
    let runs = runs(&space);
    let dead = runs.iter().find(|run| run["run_id"] == slot["run_id"]).unwrap();
    assert_eq!(dead["status"], "interrupted", "{dead}");
    let published = runs.iter().filter(|run| is_of(run, &slot) && run["status"] == "published");
    assert_eq!(published.count(), 1, "{runs:?}");
}

#[test]
fn a_run_that_outlives_its_server_is_not_run_twice_and_is_told() {
    let (hook, posted) = receivers::http(Vec::new());
    let notify = format!("notify: [{{on: [published], webhook: 'http://127.0.0.1:{hook}/hook'}}]\n");
    let (space, _) = shop(&(notify + EVERY_MINUTE));
    let mut served = serve(&space, "config");
    let run = stopped_run(&space, &served);
    let slot = first_run(&space);
    signal(&served, "-KILL");
    served.0.wait().unwrap();
    let _again = serve(&space, "config");
    thread::sleep(Duration::from_secs(2));
    assert_eq!(state_of(&space, &slot)["state"], "running");
    kill(run, "-CONT");
    until("the end of the run", || state_of(&space, &slot)["state"].as_str().unwrap().starts_with("ran"));
    assert_eq!(state_of(&space, &slot)["attempts"], 1);
    assert_eq!(runs(&space).into_iter().filter(|run| is_of(run, &slot)).count(), 1);
    // The run itself is silent, as its server was to tell.
    let mut told = Value::Null;
    while told["run_id"] != slot["run_id"] {
        told = posted.recv_timeout(Duration::from_mins(2)).unwrap().body;
    }
    assert_eq!(told["kind"], "published", "{told}");
}

#[test]
fn a_slot_whose_server_died_is_run_by_another_that_lives() {
    // The only slot of the hour, so that none after it takes its place.
    let minute = (chrono::Utc::now() + chrono::TimeDelta::seconds(90)).format("%-M");
    let (space, port) = shop(&format!("schedule: {{cron: '{minute} * * * *'}}\n"));
    let beside = free_port();
    space.write("other/default.yaml", format!("serve: {{listen: '127.0.0.1:{beside}'}}\n"));
    let (mut served, other) = (serve(&space, "config"), serve(&space, "other"));
    until("both", || [port, beside].iter().all(|port| get(*port, "/readyz").is_some_and(|(code, _)| code == 200)));
    // It comes too late for the slot.
    signal(&other, "-STOP");
    let run = stopped_run(&space, &served);
    signal(&other, "-CONT");
    let slot = first_run(&space);
    assert_eq!(slot["state"], "running", "{slot}");
    kill(run, "-KILL");
    signal(&served, "-KILL");
    served.0.wait().unwrap();
    until("the slot's second run", || state_of(&space, &slot)["state"].as_str().unwrap().starts_with("ran"));
    assert_eq!(state_of(&space, &slot)["attempts"], 2);
}

#[test]
fn a_signal_in_a_run_leaves_it_to_the_next_server() {
    let (space, _) = shop(EVERY_MINUTE);
    let mut served = serve(&space, "config");
    let run = stopped_run(&space, &served);
    let slot = first_run(&space);
    signal(&served, "-TERM");
    thread::sleep(Duration::from_millis(300));
    kill(run, "-CONT");
    assert_eq!(served.0.wait().unwrap().code(), Some(0));
    let left = runs(&space).into_iter().find(|run| run["run_id"] == slot["run_id"]).unwrap();
    assert_eq!(left["status"], "interrupted", "{left}");
    let _again = serve(&space, "config");
    until("the slot's second run", || state_of(&space, &slot)["state"].as_str().unwrap().starts_with("ran"));
}

#[test]
fn a_second_signal_waits_for_no_run() {
    let (space, _) = shop(EVERY_MINUTE);
    let mut served = serve(&space, "config");
    // It is stopped, so it hears no polite signal and would be waited for.
    stopped_run(&space, &served);
    let slot = first_run(&space);
    signal(&served, "-TERM");
    let said = |words: &str| fs::read_to_string(space.path("config.log")).unwrap().contains(words);
    until("the word of the first signal", || said("runs under way are left at their next safe point"));
    assert!(served.0.try_wait().unwrap().is_none(), "the first signal waits for the run");
    signal(&served, "-TERM");
    assert_eq!(served.0.wait().unwrap().code(), Some(143));
    assert!(said("stopping at once"));
    // The run is gone as well, or its slot would not begin again.
    let _again = serve(&space, "config");
    until("the slot's second run", || state_of(&space, &slot)["state"].as_str().unwrap().starts_with("ran"));
    assert_eq!(state_of(&space, &slot)["attempts"], 2);
}

/// A clock that the test moves: libfaketime reads how far it is off from a file.
struct Clock {
    library: PathBuf,
    file: PathBuf,
}

impl Clock {
    fn new(space: &Workspace) -> Option<Self> {
        let folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"];
        let library =
            folders.iter().map(|folder| PathBuf::from(folder).join("faketime/libfaketime.so.1")).find(|path| path.exists());
        if library.is_none() {
            crate::support::say("SKIPPED: no clock was moved: the package faketime is needed (tests/run installs it)");
        }
        Some(Self { library: library?, file: space.path("clock") })
    }

    /// Moves the clock to so many seconds after the next full hour, and so many hours on.
    fn move_to(&self, seconds: i64, hours: i64) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let to_hour = 3600 - i64::try_from(now % 3600).unwrap();
        fs::write(&self.file, format!("{:+}", to_hour + seconds + hours * 3600)).unwrap();
    }

    fn command(&self, space: &Workspace, arguments: &[&str]) -> Command {
        let mut command = space.command(arguments);
        command.env("LD_PRELOAD", &self.library).env("FAKETIME_TIMESTAMP_FILE", &self.file);
        // Timers go on by the true clock, as they do on a machine whose clock is set.
        command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        command
    }

    fn serve(&self, space: &Workspace) -> Served {
        let mut command = self.command(space, &["serve", "pipelines"]);
        let log = fs::File::create(space.path("server.log")).unwrap();
        Served(command.stdout(std::process::Stdio::null()).stderr(log).spawn().unwrap())
    }
}

fn states(space: &Workspace) -> Vec<String> {
    slots(space).iter().rev().map(|slot| slot["state"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_machine_that_slept_runs_the_latest_slot_late_and_a_clock_set_back_runs_none_twice() {
    let (hook, posted) = receivers::http(Vec::new());
    let (space, port) = shop(&format!(
        "schedule: {{cron: '0 * * * *', on_missed: latest}}\nnotify: [{{on: [missed, late], webhook: 'http://127.0.0.1:{hook}/hook'}}]\n"
    ));
    let Some(clock) = Clock::new(&space) else { return };
    clock.move_to(-4, 0);
    let served = clock.serve(&space);
    until("the console", || get(port, "/readyz").is_some_and(|(code, _)| code == 200));
    until("the first slot", || states(&space) == ["ran"]);
    // Asleep from now until forty minutes after the third hour.
    signal(&served, "-STOP");
    clock.move_to(2400, 3);
    signal(&served, "-CONT");
    until("the latest slot, late", || states(&space) == ["ran", "missed", "missed", "ran_late"]);
    let late = slots(&space)[0].clone();
    assert!((2390..2460).contains(&late["late_seconds"].as_i64().unwrap()), "{late}");
    // People hear of both, while it is as late as it is.
    let mut kinds: Vec<String> = Vec::new();
    while !(kinds.iter().any(|kind| kind == "missed") && kinds.iter().any(|kind| kind == "late")) {
        let told = posted.recv_timeout(Duration::from_mins(2)).unwrap_or_else(|e| panic!("told of {kinds:?}: {e}")).body;
        let words = if told["kind"] == "missed" { "was missed" } else { "minutes late" };
        assert!(told["headline"].as_str().unwrap().contains(words), "{told}");
        kinds.push(told["kind"].as_str().unwrap().to_owned());
    }
    // Two hours back, over slots that are settled.
    clock.move_to(-4, 2);
    thread::sleep(Duration::from_secs(8));
    assert_eq!(states(&space), ["ran", "missed", "missed", "ran_late"]);
    clock.move_to(-4, 4);
    until("the next slot", || states(&space) == ["ran", "missed", "missed", "ran_late", "ran"]);
    assert_eq!(runs(&space).iter().filter(|run| run["status"] == "published").count(), 3);
}

#[test]
fn a_clock_set_back_holds_no_message_up() {
    // The run by hand tries three times; the server does so again, within a minute or two.
    let (hook, posted) = receivers::http(vec![Answer::Says("503 Service Unavailable"); 3]);
    let (space, port) = shop(&format!("notify: [{{on: [failed], webhook: 'http://127.0.0.1:{hook}/hook'}}]\n"));
    let Some(clock) = Clock::new(&space) else { return };
    clock.move_to(0, 3);
    let _served = clock.serve(&space);
    until("the console", || get(port, "/readyz").is_some_and(|(code, _)| code == 200));
    clock.move_to(0, 1);
    space.write("drop/lines.csv", "order_id\n");
    let run: Ran = clock.command(&space, &["run", "pipelines/shop.yaml", "--quiet"]).output().unwrap().into();
    assert_eq!(run.code, 1, "{}", run.stderr);
    let posts: Vec<_> = (0..4).map(|_| posted.recv_timeout(Duration::from_mins(3)).unwrap()).collect();
    assert!(posts.iter().all(|post| post.body == posts[0].body), "{}", posts[3].body);
}

#[test]
fn channels_that_fail_hang_and_recover_lose_nothing() {
    let (hook, posted) = receivers::http(vec![Answer::Says("503 Service Unavailable"), Answer::Hangs]);
    let (post, mails) = receivers::smtp(vec![Answer::Says("451 later"); 3]);
    let (space, _) = shop(&format!(
        "notify:\n  - {{on: [failed, recovered], webhook: 'http://127.0.0.1:{hook}/hook', headers: {{x-key: 'abc'}}}}\n  \
         - {{on: [failed, recovered], email: {{server: 'smtp://127.0.0.1:{post}', from: 'etl@shop.example', to: ['ops@shop.example']}}}}\n"
    ));
    space.write("drop/lines.csv", "order_id\n");
    assert_eq!(space.run(&["run", "pipelines/shop.yaml", "--quiet"]).code, 1, "whatever the channels do");
    let posts: Vec<_> = (0..3).map(|_| posted.recv_timeout(Duration::from_mins(1)).unwrap()).collect();
    assert!(posts.iter().all(|post| post.body == posts[0].body && post.head.to_lowercase().contains("x-key: abc")));
    assert!(posts[0].body.to_string().contains("has no column"), "{}", posts[0].body);
    assert!(mails.try_recv().is_err(), "the mail server took none yet");
    space.write("drop/lines.csv", LINES);
    space.run(&["run", "pipelines/shop.yaml", "--quiet"]).ok();
    let recovered = posted.recv_timeout(Duration::from_secs(10)).unwrap();
    assert!(recovered.body.to_string().contains("recovered"), "{}", recovered.body);
    let mails: Vec<String> = (0..2).map(|_| mails.recv_timeout(Duration::from_secs(10)).unwrap()).collect();
    let all = mails.join("\n");
    assert!(all.contains("To: ops@shop.example") && all.contains("Subject: ") && all.contains("recovered"), "{all}");
}

#[test]
fn channels_behind_tls_are_told_only_if_they_are_trusted() {
    let (hook, posted) = receivers::http(Vec::new());
    let (post, mails) = receivers::smtp(Vec::new());
    let keys = tempfile::tempdir().unwrap();
    let identity = tls::identity(keys.path());
    let (hook, post) = (tls::before(hook, &identity), tls::before(post, &identity));
    let (space, _) = shop(&format!(
        "notify:\n  - {{on: [failed], webhook: 'https://127.0.0.1:{hook}/hook'}}\n  \
         - {{on: [failed], email: {{server: 'smtps://127.0.0.1:{post}', from: 'etl@shop.example', to: ['ops@shop.example']}}}}\n"
    ));
    space.write("drop/lines.csv", "order_id\n");
    let run = |trusted: &Path| -> Ran {
        let mut command = space.command(&["run", "pipelines/shop.yaml"]);
        command.env("SSL_CERT_FILE", trusted).env("SSL_CERT_DIR", keys.path().join("none")).output().unwrap().into()
    };
    space.write("nobody.pem", "");
    let distrusting = run(&space.path("nobody.pem"));
    assert_eq!(distrusting.code, 1, "{}", distrusting.stderr);
    assert!(distrusting.stderr.contains("no encrypted connection"), "{}", distrusting.stderr);
    assert!(posted.try_recv().is_err() && mails.try_recv().is_err());
    run(&identity.certificate);
    assert!(posted.recv_timeout(Duration::from_secs(10)).unwrap().body.to_string().contains("has no column"));
    assert!(mails.recv_timeout(Duration::from_secs(10)).unwrap().contains("has no column"));
}

#[test]
fn a_channel_that_can_tell_nobody_is_a_problem_of_the_file() {
    let validate = |server: &str, to: &str| {
        let email = format!("{{server: '{server}', from: 'etl@shop.example', to: ['{to}']}}");
        let (space, _) = shop(&format!("notify:\n  - {{on: [failed], email: {email}}}\n"));
        space.run(&["validate", "pipelines/shop.yaml"])
    };
    for server in ["smtp+starttls://etl:pass@mail.example:587", "smtp://etl:pass@mail.example:587?tls=required"] {
        validate(server, "ops@shop.example").ok();
    }
    let naked = validate("smtp://etl:pass@mail.example:25", "ops@shop.example");
    assert!(naked.code == 78 && naked.stderr.contains("use smtps:// or smtp+starttls://"), "{}", naked.stderr);
    assert!(naked.stderr.contains("pipelines/shop.yaml:9:5") && !naked.stderr.contains("pass@"), "{}", naked.stderr);
    let nobody = validate("smtps://etl:pass@mail.example:465", "ops at@shop.example");
    assert!(nobody.code == 78 && nobody.stderr.contains("is no mail address"), "{}", nobody.stderr);
}

#[test]
fn a_file_that_breaks_while_it_is_served_is_told() {
    let (hook, posted) = receivers::http(Vec::new());
    let (space, port) = shop(&format!("notify:\n  - {{on: [failed], webhook: 'http://127.0.0.1:{hook}/hook'}}\n"));
    space.write("config/default.yaml", format!("serve: {{listen: '127.0.0.1:{port}', url: 'http://etl.test/'}}\n"));
    let _served = serve(&space, "config");
    until("the console", || get(port, "/readyz").is_some_and(|(code, _)| code == 200));
    space.write("pipelines/shop.yaml", "version: 1\nname: shop\nextrakt: {}\n");
    let told = posted.recv_timeout(Duration::from_secs(20)).unwrap().body.to_string();
    assert!(told.contains("cannot be used; its last good reading stays in force") && told.contains("extrakt"), "{told}");
    assert!(told.contains("http://etl.test/pipelines/shop"), "{told}");
}

#[test]
fn a_folder_of_pipelines_that_is_away_for_a_moment_loses_no_slot() {
    let (space, port) = shop(EVERY_MINUTE);
    let _served = serve(&space, "config");
    until("the console", || get(port, "/readyz").is_some_and(|(code, _)| code == 200));
    fs::rename(space.path("pipelines"), space.path("away")).unwrap();
    until("the problem on the page", || get(port, "/pipelines/shop").is_some_and(|(_, page)| page.contains("no such file")));
    until("a published run", || runs(&space).iter().any(|run| run["status"] == "published"));
    fs::rename(space.path("away"), space.path("pipelines")).unwrap();
    until("the file itself", || get(port, "/pipelines/shop").is_some_and(|(_, page)| !page.contains("no such file")));
    until("its slot", || slots(&space).iter().any(|slot| slot["state"] == "ran"));
}

#[test]
fn a_secret_that_comes_later_than_the_server_puts_its_file_in_force() {
    let (space, port) = shop("");
    let seal = space.path("seal");
    let headers = format!("{{x-seal: '${{file:{}}}'}}", seal.display());
    let notify = format!("notify: [{{on: [failed], webhook: 'http://127.0.0.1:9/hook', headers: {headers}}}]\n");
    space.write("pipelines/shop.yaml", PIPELINE.to_owned() + EVERY_MINUTE + &notify);
    let _served = serve(&space, "config");
    until("the problem on the page", || get(port, "/").is_some_and(|(_, page)| page.contains("the secret file")));
    // The file itself stays as it is.
    fs::write(seal, "a-seal-of-some-length").unwrap();
    until("a slot that ran", || slots(&space).iter().any(|slot| slot["state"] == "ran"));
    assert!(!get(port, "/").unwrap().1.contains("the secret file"));
}

#[test]
fn a_schedule_that_is_taken_away_is_watched_no_more() {
    let (space, port) = shop(EVERY_MINUTE);
    let _served = serve(&space, "config");
    until("the console", || get(port, "/readyz").is_some_and(|(code, _)| code == 200));
    let database = rusqlite::Connection::open(space.path("state/consumer360.db")).unwrap();
    let is_watched = || {
        let sql = "SELECT schedule_fingerprint <> '' FROM consumer360_watch WHERE pipeline = 'shop'";
        database.query_row(sql, [], |row| row.get::<_, bool>(0)).unwrap_or(false)
    };
    until("the watch", is_watched);
    for without in [PIPELINE.to_owned(), PIPELINE.replace("name: shop", "name: store") + EVERY_MINUTE] {
        space.write("pipelines/shop.yaml", without);
        until("the end of the watch", || !is_watched());
        space.write("pipelines/shop.yaml", PIPELINE.to_owned() + EVERY_MINUTE);
        until("the watch anew", is_watched);
    }
}

#[test]
fn a_copy_beside_a_pipeline_file_does_not_run_in_its_place() {
    let (hook, posted) = receivers::http(Vec::new());
    let (space, port) = shop(&format!("notify:\n  - {{on: [failed], webhook: 'http://127.0.0.1:{hook}/hook'}}\n"));
    let served = serve(&space, "config");
    until("the console", || get(port, "/readyz").is_some_and(|(code, _)| code == 200));
    let told = || posted.recv_timeout(Duration::from_secs(20)).unwrap().body.to_string();
    let is_set_aside = || get(port, "/pipelines/shop").is_some_and(|(_, page)| page.contains("names a pipeline `shop` as well"));
    // It comes first by its name, but the other has been there.
    fs::copy(space.path("pipelines/shop.yaml"), space.path("pipelines/a-copy.yaml")).unwrap();
    let copy = told();
    assert!(copy.contains("a-copy.yaml does not run: its name is another file's as well"), "{copy}");
    assert!(copy.contains("pipelines/shop.yaml names a pipeline `shop` as well"), "{copy}");
    assert!(!is_set_aside());
    drop(served);
    // Whoever finds both cannot know which one is meant.
    let _again = serve(&space, "config");
    until("both to be set aside", is_set_aside);
    let said = fs::read_to_string(space.path("config.log")).unwrap();
    assert!(said.contains("pipelines/a-copy.yaml names a pipeline `shop` as well"), "{said}");
    assert!(said.contains("pipelines/shop.yaml names a pipeline `shop` as well"), "{said}");
    fs::remove_file(space.path("pipelines/a-copy.yaml")).unwrap();
    until("the file is in force again", || !is_set_aside());
}

#[test]
fn lineage_and_traces_are_posted_and_a_watcher_that_is_away_changes_nothing() {
    let (marquez, events) = receivers::http(vec![Answer::Says("201 Created"), Answer::Says("500 Internal Server Error")]);
    let (collector, traces) = receivers::http(Vec::new());
    let (space, _) = shop("");
    let telemetry = |lineage: u16, traces: u16| {
        format!(
            "telemetry: {{openlineage: 'http://127.0.0.1:{lineage}/api/v1/lineage', openlineage_key: k-e-y, \
             traces: 'http://127.0.0.1:{traces}/v1/traces'}}\n"
        )
    };
    space.write("config/default.yaml", telemetry(marquez, collector));
    space.run(&["run", "pipelines/shop.yaml", "--quiet"]).ok();
    let events: Vec<_> = (0..2).map(|_| events.recv_timeout(Duration::from_secs(5)).unwrap()).collect();
    assert!(events.iter().all(|event| event.head.to_lowercase().contains("authorization: bearer k-e-y")));
    assert_eq!((&events[0].body["eventType"], &events[1].body["eventType"]), (&"START".into(), &"COMPLETE".into()));
    let trace = traces.recv_timeout(Duration::from_secs(5)).unwrap().body;
    let spans = trace["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    let names: Vec<&str> = spans.iter().map(|span| span["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["run shop", "attempt 1", "extract", "transform", "validate", "publish"]);
    let nanoseconds = |span: &Value, name: &str| span[name].as_str().unwrap().parse::<u64>().unwrap();
    for span in spans {
        assert_eq!((span["traceId"].as_str().unwrap().len(), span["spanId"].as_str().unwrap().len()), (32, 16));
        let parent = spans.iter().find(|other| other["spanId"] == span["parentSpanId"]);
        assert_eq!(parent.is_none(), span["name"] == "run shop", "{span}");
        assert!(nanoseconds(span, "startTimeUnixNano") <= nanoseconds(span, "endTimeUnixNano"), "{span}");
        assert_eq!(span["status"]["code"], 1);
    }
    space.write("config/default.yaml", telemetry(free_port(), free_port()));
    space.write("drop/lines.csv", LINES.replace(",10\n", ",11\n"));
    space.run(&["run", "pipelines/shop.yaml", "--quiet"]).ok();
}
