//! A table that goes up in parts: the same bytes as in a folder, and whatever request of it fails or is the last, readers see
//! one set or the other and nothing is left over.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use super::s3_server::{Blow, Server};
use super::{SKIPPED, assert_clean, lines, on, published, run_on};
use crate::support::{Ran, Workspace, published_bytes};

const TARGET: &str = "sales/shop";

/// Names of 30,000 letters that nothing makes shorter: the table of 300 such customers is larger than one part of 8 MiB.
fn customers() -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_~";
    let mut state = 88_172_645_463_325_252_u64;
    let mut letter = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(LETTERS[(state >> 58) as usize])
    };
    let mut text = "customer_id,customer_name\n".to_owned();
    for customer in 0..300 {
        text += &format!("c{customer},");
        text.extend((0..30_000).map(|_| letter()));
        text.push('\n');
    }
    text
}

fn shop() -> Workspace {
    let space = Workspace::new();
    let pipeline = format!(
        "version: 1\nname: shop\nas_of: 2024-12-31\nconnections: {{drop: {{type: files, url: drop}}}}\n\
         extract: {{sales: {{from: drop, path: lines.csv}}, customers: {{from: drop, path: customers.csv}}}}\n\
         transform: {{skip: [{SKIPPED}]}}\n"
    );
    space.write("store.yaml", format!("{pipeline}publish: {{to: \"s3://lake/{TARGET}\", lease: 5s}}\n"));
    space.write("folder.yaml", format!("{pipeline}publish: {{to: out}}\n"));
    space.write("config/a.yaml", "state: state-a\n");
    space.write("drop/lines.csv", lines(10));
    space.write("drop/customers.csv", customers());
    space
}

/// A set that readers may see: its snapshot and its tables.
#[derive(PartialEq)]
struct Set(String, BTreeMap<String, Vec<u8>>);

impl Set {
    fn of_store(store: &Server) -> Self {
        Self(published(store), published_bytes(&store.path(TARGET)))
    }

    fn of_folder(space: &Workspace) -> Self {
        Self(space.snapshot("out"), published_bytes(&space.path("out")))
    }
}

/// Whether a request, by its method and address, is of a kind.
type Kind = fn(&str) -> bool;

fn begins(asked: &str) -> bool {
    asked.starts_with("POST ") && asked.contains("/dim_customer.parquet?uploads=")
}

fn is_first_part(asked: &str) -> bool {
    asked.starts_with("PUT ") && asked.contains("/dim_customer.parquet?partNumber=1&")
}

fn is_last_part(asked: &str) -> bool {
    asked.starts_with("PUT ") && asked.contains("/dim_customer.parquet?partNumber=2&")
}

fn completes(asked: &str) -> bool {
    asked.starts_with("POST ") && asked.contains("/dim_customer.parquet?uploadId=")
}

/// A blow on the first request of a kind, and what the run that meets it ends with.
struct Case {
    kind: Kind,
    blow: Blow,
    end: End,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Published,
    Failed,
    Killed,
}

const CASES: [Case; 8] = [
    // The store has begun an upload that the program knows nothing of.
    Case { kind: begins, blow: Blow::Cut, end: End::Published },
    Case { kind: begins, blow: Blow::KillAfter, end: End::Killed },
    Case { kind: is_first_part, blow: Blow::Cut, end: End::Published },
    Case { kind: is_first_part, blow: Blow::KillBefore, end: End::Killed },
    Case { kind: is_last_part, blow: Blow::KillAfter, end: End::Killed },
    Case { kind: completes, blow: Blow::Refuse, end: End::Failed },
    // The table is whole in the store, and the program is not told so.
    Case { kind: completes, blow: Blow::Cut, end: End::Published },
    Case { kind: completes, blow: Blow::KillAfter, end: End::Killed },
];

/// Runs until it ends, or stands still to be killed.
fn run_under_a_blow(space: &Workspace, store: &Server) -> (Ran, bool) {
    let mut command = on(space, "a", store, &["run", "store.yaml", "--quiet"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if store.moods.waiting.load(Ordering::SeqCst) > 0 {
            child.kill().unwrap();
            break;
        }
        assert!(start.elapsed() < Duration::from_mins(3), "neither ended nor struck");
        sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    let killed = output.status.signal() == Some(9);
    store.moods.calm();
    (output.into(), killed)
}

fn strike(base: &Workspace, stored: &Server, old: &Set, new: &Set, case: &Case) {
    let (space, store) = (Workspace::new(), Server::like(stored));
    let mut copy = Command::new("cp");
    assert!(copy.arg("-a").arg(base.path(".")).arg(space.path("")).status().unwrap().success());
    store.moods.strike_first(case.kind, case.blow);
    let (ran, killed) = run_under_a_blow(&space, &store);
    let asked = store.moods.seen().into_iter().find(|asked| (case.kind)(asked)).unwrap_or_default();
    let told = format!("{:?} at {asked}: exit {} {}", case.blow, ran.code, ran.stderr);
    let end = match ran.code {
        0 => End::Published,
        _ if killed => End::Killed,
        _ => End::Failed,
    };
    assert_eq!(end, case.end, "{told}");
    let wanted = if end == End::Published { new } else { old };
    assert!(Set::of_store(&store) == *wanted, "{told}: readers see another set");
    // One that lives clears up after itself, and cannot know of the upload whose beginning it was not told of.
    let unknown = usize::from(begins(&asked));
    match end {
        End::Killed => assert!(store.unfinished() == 1 || completes(&asked), "{told}: nothing was begun"),
        End::Failed | End::Published => assert_eq!((store.parts(), store.unfinished()), (0, unknown), "{told}"),
    }

    let next = run_on(&space, "a", &store, &["run", "store.yaml", "--quiet"]);
    assert_eq!(next.code, 0, "{told}: the next run: {}", next.stderr);
    assert!(Set::of_store(&store) == *new, "{told}: readers see another set after the next run");
    assert_clean(&store);
}

#[test]
fn a_table_larger_than_a_part_survives_any_blow() {
    let (base, store) = (shop(), Server::start());
    run_on(&base, "a", &store, &["run", "store.yaml", "--quiet"]).ok();
    let seen = store.moods.seen();
    let kinds: [Kind; 4] = [begins, is_first_part, is_last_part, completes];
    assert_eq!(kinds.map(|kind| seen.iter().filter(|asked| kind(asked)).count()), [1; 4], "{seen:?}");
    base.run(&["run", "folder.yaml", "--quiet"]).ok();
    let old = Set::of_folder(&base);
    assert!(Set::of_store(&store) == old);
    assert_clean(&store);

    base.write("drop/lines.csv", lines(20));
    base.run(&["run", "folder.yaml", "--quiet"]).ok();
    let new = Set::of_folder(&base);
    assert!(old.0 != new.0 && old.1["dim_customer.parquet"].len() > 8 << 20);
    let (base, store, old, new) = (&base, &store, &old, &new);
    scope(|threads| {
        for case in &CASES {
            threads.spawn(move || strike(base, store, old, new, case));
        }
    });
}
