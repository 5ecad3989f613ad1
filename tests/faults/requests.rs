//! Faults of an object store and of the way there, by a server that knows what it is asked.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{Good, Struck, Tally, copy, ends, left, published, sell, set, shop, side_by_side, stride};
use crate::store::s3_server::{Blow, Server};
use crate::support::{Ran, Workspace, say};

const TARGET: &str = "sales/shop";
/// Kills wait for a lease to run out, and need no processor for it.
const AT_ONCE: usize = 6;

fn command(space: &Workspace, store: &Server) -> Command {
    let mut command = space.command(&["run", "shop.yaml", "--quiet"]);
    command.envs(store.environment()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn run(space: &Workspace, store: &Server) -> Ran {
    command(space, store).output().unwrap().into()
}

/// The same shop and store, apart from all others.
fn twin(base: &Workspace, store: &Server) -> (Workspace, Server) {
    let space = Workspace::new();
    copy(&base.path(""), &space.path(""));
    (space, Server::like(store))
}

/// What a request asks for: requests of one kind are alike but for the table.
fn kind(request: &str) -> String {
    let (method, address) = request.split_once(' ').unwrap();
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let part = |part: &str| {
        let is_table = Path::new(part).extension().is_some_and(|ending| ending == "parquet");
        if is_table { "*.parquet".to_owned() } else { part.to_owned() }
    };
    let is_listing = if query.contains("list-type") { " list" } else { "" };
    format!("{method} {}{is_listing}", path.split('/').map(part).collect::<Vec<_>>().join("/"))
}

fn strike(base: &Workspace, stored: &Server, good: &Good, (at, blow): (usize, Blow)) -> Result<Struck, String> {
    let (space, store) = twin(base, stored);
    store.moods.strike(at, blow);
    let mut child = command(&space, &store).spawn().unwrap();
    let start = Instant::now();
    loop {
        if child.try_wait().unwrap().is_some() {
            break;
        }
        if store.moods.waiting.load(Ordering::SeqCst) > 0 {
            child.kill().unwrap();
            break;
        }
        assert!(start.elapsed() < Duration::from_mins(3), "{blow:?} at request {at}: neither ended nor struck");
        sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    let killed = output.status.signal() == Some(9);
    let ran = Ran::from(output);
    let what = format!("{blow:?} at request {at}, {}", store.moods.seen().get(at - 1).cloned().unwrap_or_default());
    let wrong = |detail: String| format!("{what}: {detail} (exit {}, {})", ran.code, ran.stderr.trim());
    store.moods.calm();

    let target = store.path(TARGET);
    let sees = good.assert_one_of_them(&target).map_err(&wrong)?;
    if !killed {
        if !good.is_at_one(&target) {
            return Err(wrong("current/ is not the published set".to_owned()));
        }
        if (ran.code == 0) != (sees == good.latest()) {
            return Err(wrong(format!("readers see {sees}")));
        }
    }
    let next = run(&space, &store);
    if next.code != 0 {
        return Err(wrong(format!("the next run: exit {} {}", next.code, next.stderr)));
    }
    let after = good.assert_one_of_them(&target).map_err(&wrong)?;
    if after != good.latest() || !good.is_at_one(&target) {
        return Err(wrong(format!("after the next run readers see {after}")));
    }
    let mut left = left::in_target(&target);
    left.extend(left::in_state(&space.path("state")));
    let lease: serde_json::Value = serde_json::from_slice(&std::fs::read(target.join("lease.json")).unwrap()).unwrap();
    if !lease["holder"].is_null() || store.parts() > 0 {
        left.push(format!("{} parts, lease {lease}", store.parts()));
    }
    if left.is_empty() { Ok(Struck { ran, killed, sees }) } else { Err(wrong(format!("left over: {left:?}"))) }
}

const BLOWS: [Blow; 5] = [Blow::KillBefore, Blow::Refuse, Blow::Cut, Blow::KillAfter, Blow::Fail];

fn chosen(requests: &[String]) -> Vec<(usize, Blow)> {
    let all = |place: usize| BLOWS.into_iter().map(move |blow| (place + 1, blow));
    if let Some(stride) = stride() {
        return (0..requests.len()).step_by(stride).flat_map(all).collect();
    }
    let kinds = requests.iter().map(|request| kind(request)).enumerate();
    let places = ends(kinds);
    let mut chosen = Vec::new();
    for (turn, place) in places.into_iter().enumerate() {
        if requests[place].contains("published.json") && requests[place].starts_with("PUT") {
            chosen.extend(all(place));
        } else {
            chosen.push((place + 1, BLOWS[turn % BLOWS.len()]));
        }
    }
    chosen
}

#[test]
fn a_store_that_fails_at_any_request_leaves_the_old_or_the_new_set_and_nothing_over() {
    let base = shop("\"s3://lake/sales/shop\", lease: 5s");
    let stored = Server::start();
    let known = |store: &Server| {
        let snapshot = published(&store.path(TARGET));
        (snapshot.clone(), set(&store.path(TARGET).join("snapshots").join(snapshot)))
    };
    for version in [0, 1] {
        sell(&base, version);
        run(&base, &stored).ok();
    }
    let old = known(&stored);
    sell(&base, 2);
    let (space, store) = twin(&base, &stored);
    run(&space, &store).ok();
    let requests = store.moods.seen();
    let good = Good { sets: [old, known(&store)] };
    assert!(requests.len() > 100);

    let tally = Mutex::new(Tally::default());
    let chosen = chosen(&requests);
    say(&format!("store: {} requests in a run; {} faults to inject", requests.len(), chosen.len()));
    side_by_side(AT_ONCE, chosen, |case| {
        let result = strike(&base, &stored, &good, case);
        if let Err(wrong) = &result {
            say(wrong);
        }
        tally.lock().unwrap().add(&good, result);
    });
    tally.into_inner().unwrap().close("store");
}
