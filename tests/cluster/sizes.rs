//! A generated shop of any size: the same bytes, what they took here and there, and workers that have less memory than rows.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::{TOKEN, Workers, assert_same};
use crate::store::s3_server::Server;
use crate::support::{Ran, Workspace, published_bytes, say};

/// Order lines of the shop; `LINES=10000000` for more.
fn lines() -> u64 {
    std::env::var("LINES").map_or(50_000, |lines| lines.parse().expect("LINES is a number"))
}

/// The shop and the pipeline that `tests/bench` measures.
fn shop() -> Workspace {
    let space = Workspace::new();
    space.run(&["sample", "--lines", &lines().to_string(), "--seed", "7", "--to", "shop"]).ok();
    space.write("shop.yaml", fs::read_to_string(crate::support::root().join("tests/bench/pipeline.yaml")).unwrap());
    space.write("config/default.yaml", "engine: {threads: 2}\n");
    space.write("config/here.yaml", "");
    space
}

/// What is published, byte for byte, and what the run says of itself.
fn run(space: &Workspace, env: &str, store: Option<&Server>) -> (BTreeMap<String, Vec<u8>>, Value) {
    let _ = fs::remove_dir_all(space.path("product"));
    let mut command = space.command(&["run", "shop.yaml", "--quiet", "--output", "json", "--env", env]);
    command.envs(store.map(Server::environment).into_iter().flatten());
    let told = Ran::from(command.output().unwrap()).ok().json();
    (published_bytes(&space.path("product")), told)
}

/// Seconds of a stage.
fn seconds(told: &Value, stage: &str) -> f64 {
    let stages = told["stages"].as_array().unwrap();
    stages.iter().find(|one| one["stage"] == stage).map_or(0.0, |one| one["seconds"].as_f64().unwrap())
}

/// Small enough that statements are cut into parts, whatever the lines and the partitions.
const PIECE: &str = "256KiB";
const STAGES: [&str; 4] = ["extract", "transform", "validate", "publish"];

fn row(name: &str, told: &Value) {
    let mut row = format!("{name:<34}");
    for stage in STAGES {
        let _ = write!(row, "{:>11.2}", seconds(told, stage));
    }
    for figure in ["tasks", "bytes_moved", "bytes_spilled"] {
        let value = told["cluster"][figure].as_u64().unwrap_or_default();
        let _ = write!(row, "{:>11}", if figure == "tasks" { value } else { value >> 20 });
    }
    say(&row);
}

/// Statements were cut into parts, and what the parts sent was counted.
fn assert_dealt_out(told: &Value) {
    let figure = |name: &str| told["cluster"][name].as_u64().unwrap_or_default();
    assert!(figure("workers") == 3 && figure("tasks") > 2 * figure("statements") && figure("bytes_moved") > 0, "{told}");
}

#[test]
fn a_generated_shop_publishes_the_same_bytes_from_a_folder_and_from_a_store() {
    let space = shop();
    let (here, told) = run(&space, "here", None);
    let columns = STAGES.into_iter().chain(["tasks", "MiB sent", "MiB spilled"]).map(|name| format!("{name:>11}"));
    say(&format!("{:<34}{}", format!("{} lines, seconds", lines()), columns.collect::<String>()));
    row("this machine alone", &told);
    let store = Server::start();
    let storage = "storage: \"s3://lake/staging\"";
    let in_folder = Workers::start(&space, 3, "", None);
    for (partitions, slots) in [(1, 1), (2, 2), (4, 1), (16, 2)] {
        let cluster = format!("{{workers: {}, token: \"{TOKEN}\", slots: {slots}, piece: {PIECE}}}", in_folder.addresses());
        space.write("config/cluster.yaml", format!("engine: {{threads: {partitions}, cluster: {cluster}}}\n"));
        let (there, told) = run(&space, "cluster", None);
        let what = format!("3 workers, {partitions} partitions, {slots} slots");
        assert_same(&here, &there, &what);
        assert_dealt_out(&told);
        row(&what, &told);
    }
    drop(in_folder);
    let in_store = Workers::start(&space, 3, &format!("engine: {{cluster: {{{storage}}}}}\n"), Some(&store));
    let cluster = format!("{{workers: {}, token: \"{TOKEN}\", piece: {PIECE}, {storage}}}", in_store.addresses());
    space.write("config/cluster.yaml", format!("engine: {{threads: 2, cluster: {cluster}}}\n"));
    let (there, told) = run(&space, "cluster", Some(&store));
    assert_same(&here, &there, "from a store");
    assert_dealt_out(&told);
    row("3 workers, tables in a store", &told);
}

/// What is gone before it is looked at counts for nothing.
pub fn bytes_in(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.metadata().map_or(0, |of| if of.is_dir() { bytes_in(&entry.path()) } else { of.len() })).sum()
}

/// The most bytes that lie in a folder while something runs.
fn most_in(folder: PathBuf, until: &Arc<AtomicBool>) -> thread::JoinHandle<u64> {
    let until = Arc::clone(until);
    thread::spawn(move || {
        let most = AtomicU64::new(0);
        while !until.load(Ordering::SeqCst) {
            most.fetch_max(bytes_in(&folder), Ordering::SeqCst);
            thread::sleep(Duration::from_millis(5));
        }
        most.into_inner()
    })
}

#[test]
fn workers_with_less_memory_than_rows_spill_and_the_bytes_are_the_same() {
    let space = shop();
    let (here, _) = run(&space, "here", None);
    // What a line takes while it is sorted or grouped, and a bound far below it, but for a floor that operators need.
    let memory = (lines() * 56 / (1 << 20)).max(24);
    // Many small parts each need memory to begin with; those of larger tables are larger.
    let piece = (lines() * 8 / 5 / 1024).max(256);
    let spill = space.path("spill");
    fs::create_dir(&spill).unwrap();
    let settings = format!("engine: {{memory: {memory}MiB}}\n");
    let environment = vec![("TMPDIR".to_owned(), spill.display().to_string())];
    let workers = Workers::start_at(&space, 3, &settings, environment, "127.0.0.1", None);
    let cluster = format!("{{workers: {}, token: \"{TOKEN}\", piece: {piece}KiB}}", workers.addresses());
    space.write("config/cluster.yaml", format!("engine: {{threads: 4, cluster: {cluster}}}\n"));
    let is_over = Arc::new(AtomicBool::new(false));
    let watched = most_in(spill, &is_over);
    let (there, told) = run(&space, "cluster", None);
    is_over.store(true, Ordering::SeqCst);
    let spilled = watched.join().unwrap();
    assert_same(&here, &there, "with little memory");
    say(&format!(
        "{} lines, workers of {memory} MiB: {} MiB spilled at once, transform {:.2} s",
        lines(),
        spilled >> 20,
        seconds(&told, "transform")
    ));
    let counted = told["cluster"]["bytes_spilled"].as_u64().unwrap_or_default();
    assert!((spilled > 0 && counted > 0) || lines() < 1_000_000, "nothing was spilled: {spilled}, {counted}");
}
