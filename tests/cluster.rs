//! Statements computed by workers: the same bytes as without them, and never a wrong figure when one is lost.

mod network;
mod sizes;
mod stops;

use std::collections::BTreeMap;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::store::s3_server::Server;
use crate::support::{Ran, Workspace, contents, published_bytes};

const TOKEN: &str = "a token of these tests";

/// Workers on loopback, ended with the test.
pub struct Workers {
    running: Vec<(u16, Child)>,
    /// Where they listen.
    host: String,
    /// The network they live in, if it is another than the test's.
    network: Option<String>,
    settings: PathBuf,
    environment: Vec<(String, String)>,
}

impl Workers {
    /// As many with the settings of an environment of the workspace.
    fn start(space: &Workspace, number: usize, settings: &str, store: Option<&Server>) -> Self {
        Self::start_at(space, number, settings, store.map(of_store).unwrap_or_default(), "127.0.0.1", None)
    }

    fn start_at(
        space: &Workspace,
        number: usize,
        settings: &str,
        environment: Vec<(String, String)>,
        host: &str,
        network: Option<String>,
    ) -> Self {
        let memory = std::env::var("WORKER_MEMORY").unwrap_or_else(|_| "512MiB".to_owned());
        space.write(
            "worker/default.yaml",
            format!("engine:\n  threads: 2\n  memory: {memory}\n  cluster: {{token: \"{TOKEN}\"}}\n"),
        );
        space.write("worker/worker.yaml", settings);
        let settings = space.path("worker");
        let mut workers = Self { running: Vec::new(), host: host.to_owned(), network, settings, environment };
        (0..number).for_each(|_| workers.add());
        workers
    }

    fn add(&mut self) {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        self.start_on(port);
    }

    fn start_on(&mut self, port: u16) {
        self.start_another_on(port, &crate::support::binary());
    }

    fn start_another_on(&mut self, port: u16, program: &Path) {
        let mut command = match &self.network {
            None => Command::new(program),
            Some(network) => {
                let mut inside = Command::new("ip");
                inside.args(["netns", "exec", network]).arg(program);
                inside
            }
        };
        command.args(["cluster", "worker", "--quiet", "--env", "worker", "--private-network", "--listen"]);
        command.args([&format!("{}:{port}", self.host), "--config"]);
        let child = command.arg(&self.settings).envs(self.environment.clone()).stdout(Stdio::null()).spawn().unwrap();
        self.running.push((port, child));
        let start = Instant::now();
        while std::net::TcpStream::connect((self.host.as_str(), port)).is_err() {
            assert!(start.elapsed() < Duration::from_mins(1), "the worker does not listen");
            sleep(Duration::from_millis(20));
        }
    }

    fn signal(&self, place: usize, name: &str) {
        signal(&self.running[place].1, name);
    }

    fn kill(&mut self, place: usize) -> u16 {
        let (port, mut child) = self.running.remove(place);
        child.kill().unwrap();
        child.wait().unwrap();
        port
    }

    /// For `engine.cluster.workers`.
    fn addresses(&self) -> String {
        let urls: Vec<String> = self.running.iter().map(|(port, _)| format!("http://{}:{port}", self.host)).collect();
        format!("[{}]", urls.join(", "))
    }

    /// Waits until each takes connections: a line that was cut carries nothing in the moment it is mended.
    fn reached(&self) {
        let until = Instant::now() + Duration::from_secs(30);
        for (port, _) in &self.running {
            while TcpStream::connect((self.host.as_str(), *port)).is_err() {
                assert!(Instant::now() < until, "no worker at {}:{port}", self.host);
                sleep(Duration::from_millis(100));
            }
        }
    }
}

/// What a program needs to come into the store.
fn of_store(store: &Server) -> Vec<(String, String)> {
    store.environment().into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn signal(process: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &process.id().to_string()]).status().unwrap().success());
}

impl Drop for Workers {
    fn drop(&mut self) {
        for (_, child) in &mut self.running {
            let _ = (child.kill(), child.wait());
        }
    }
}

/// The shipped retailers, each publishing to a folder of its own.
fn retailers() -> Workspace {
    let space = Workspace::new();
    space.link("data");
    space.link("pipelines");
    space.write("config/default.yaml", "engine: {threads: 2}\n");
    space
}

/// What a pipeline publishes in this environment, byte for byte, and what it says.
fn published(space: &Workspace, pipeline: &str, env: &str, store: Option<&Server>) -> BTreeMap<String, Vec<u8>> {
    let _ = fs::remove_dir_all(space.path("out"));
    let mut command = space.command(&["run", &format!("pipelines/{pipeline}.yaml"), "--quiet", "--env", env]);
    command.envs(store.map(Server::environment).into_iter().flatten());
    Ran::from(command.output().unwrap()).ok();
    published_bytes(&space.path("out").join(pipeline))
}

fn assert_same(here: &BTreeMap<String, Vec<u8>>, there: &BTreeMap<String, Vec<u8>>, what: &str) {
    let differ: Vec<&String> =
        here.iter().filter(|(name, bytes)| there.get(*name) != Some(*bytes)).map(|(name, _)| name).collect();
    assert!(differ.is_empty() && here.len() == there.len(), "{what}: {differ:?} differ");
}

/// How the work is dealt out: small pieces, so that small shops are dealt out at all.
fn environment(workers: &Workers, threads: usize, slots: usize, more: &str) -> String {
    format!(
        "engine:\n  threads: {threads}\n  cluster: {{workers: {}, token: \"{TOKEN}\", slots: {slots}, piece: 2KiB{more}}}\n",
        workers.addresses()
    )
}

#[test]
fn three_workers_publish_the_same_bytes_whatever_the_partitions_and_slots() {
    let space = retailers();
    space.write("config/here.yaml", "");
    let workers = Workers::start(&space, 3, "", None);
    for pipeline in ["superstore", "chinook"] {
        let here = published(&space, pipeline, "here", None);
        for (partitions, slots) in [(1, 1), (2, 2), (4, 1), (16, 2)] {
            space.write("config/cluster.yaml", environment(&workers, partitions, slots, ""));
            let there = published(&space, pipeline, "cluster", None);
            assert_same(&here, &there, &format!("{pipeline}, {partitions} partitions, {slots} slots"));
        }
    }
}

#[test]
fn workers_that_share_nothing_but_a_store_publish_the_same_bytes_and_leave_it_empty() {
    let space = retailers();
    space.write("config/here.yaml", "");
    let store = Server::start();
    let storage = "storage: \"s3://lake/staging\"";
    let workers = Workers::start(&space, 3, &format!("engine: {{cluster: {{{storage}}}}}\n"), Some(&store));
    space.write("config/cluster.yaml", environment(&workers, 4, 2, &format!(", {storage}")));
    let here = published(&space, "commerce", "here", None);
    let there = published(&space, "commerce", "cluster", Some(&store));
    assert_same(&here, &there, "commerce from a store");
    let seen = store.moods.seen();
    assert!(seen.iter().any(|request| request.contains("staging/commerce")), "nothing was read from the store");
    // What is proven is what is published, which lies here.
    let last = seen.iter().rposition(|request| request.starts_with("PUT")).unwrap();
    let reads = |request: &&String| request.starts_with("GET") && ["fact_sales", "staged/"].iter().any(|of| request.contains(of));
    assert_eq!(seen[last..].iter().filter(reads).count(), 0, "checks read the store");
    assert_eq!(contents(&store.path("staging")).len(), 0, "tables stay in the store");
}

/// Tables of the snapshot before have the names that this one's have, and lie in the same store.
#[test]
fn workers_that_share_a_store_tell_the_snapshot_before_from_this_one() {
    let space = retailers();
    space.write("config/here.yaml", "");
    let store = Server::start();
    let storage = "storage: \"s3://lake/staging\"";
    let workers = Workers::start(&space, 2, &format!("engine: {{cluster: {{{storage}}}}}\n"), Some(&store));
    space.write("config/cluster.yaml", environment(&workers, 2, 2, &format!(", {storage}")));
    let two_days = |env: &str| {
        let _ = fs::remove_dir_all(space.path("out"));
        for day in ["2025-09-30", "2025-12-15"] {
            let mut command = space.command(&["run", "pipelines/commerce.yaml", "--quiet", "--env", env, "--as-of", day]);
            Ran::from(command.envs(store.environment()).output().unwrap()).ok();
        }
        published_bytes(&space.path("out/commerce"))
    };
    let here = two_days("here");
    assert_same(&here, &two_days("cluster"), "the second of two days");
    let moves = space.table("out/commerce", "segment_migration").named();
    assert!(moves.iter().any(|row| row["from_segment"] != "New" && row["from_segment"] != row["to_segment"]), "nobody moved");
}

/// A run on workers, until it ends or `within` is over.
fn ended(mut child: Child, within: Duration) -> Ran {
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(start.elapsed() < within, "the run did not end within {within:?}");
        sleep(Duration::from_millis(10));
    }
    child.wait_with_output().unwrap().into()
}

fn begun(space: &Workspace, pipeline: &str) -> Child {
    begun_with(space, pipeline, None)
}

fn begun_with(space: &Workspace, pipeline: &str, store: Option<&Server>) -> Child {
    let mut command = space.command(&["run", &format!("pipelines/{pipeline}.yaml"), "--quiet", "--env", "cluster"]);
    command.envs(store.map(Server::environment).into_iter().flatten());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until the first table of a run is being built.
fn building(space: &Workspace) {
    let start = Instant::now();
    while !contents(&space.path("state/runs")).keys().any(|file| file.contains("warehouse/fact_sales")) {
        assert!(start.elapsed() < Duration::from_mins(1), "no table was built");
        sleep(Duration::from_millis(2));
    }
}

/// How often a worker is killed; `KILLS=20` for more.
fn kills() -> u32 {
    std::env::var("KILLS").map_or(6, |kills| kills.parse().expect("KILLS is a number"))
}

#[test]
fn a_worker_killed_at_any_moment_ends_the_run_with_the_right_figures_or_an_error() {
    let space = retailers();
    space.write("config/here.yaml", "");
    let mut workers = Workers::start(&space, 3, "", None);
    space.write("config/cluster.yaml", environment(&workers, 2, 2, ""));
    let here = published(&space, "superstore", "here", None);
    let start = Instant::now();
    let first = ended(begun(&space, "superstore"), Duration::from_mins(3));
    assert_eq!(first.code, 0, "{}", first.stderr);
    let undisturbed = start.elapsed();
    let (mut lost, mut passed) = (0, 0);
    for kill in 0..kills() {
        let child = begun(&space, "superstore");
        sleep(undisturbed * (kill * 7 % kills()) / kills());
        let port = workers.kill(kill as usize % 3);
        let ran = ended(child, Duration::from_mins(3));
        assert_same(&here, &published_bytes(&space.path("out/superstore")), &format!("after kill {kill}"));
        match ran.code {
            0 => passed += 1,
            1 => {
                lost += 1;
                assert!(ran.stderr.contains("worker"), "kill {kill}: {}", ran.stderr);
            }
            code => panic!("kill {kill}: exit {code}\n{}", ran.stderr),
        }
        workers.start_on(port);
    }
    crate::support::say(&format!(
        "{} kills: {lost} runs ended with an error, {passed} passed; what readers see was right after each",
        kills()
    ));
    assert!(lost > 0 && passed + lost == kills());
    assert_eq!(ended(begun(&space, "superstore"), Duration::from_mins(3)).code, 0);
}

#[test]
fn a_worker_that_is_away_stopped_strange_or_of_another_build_is_told_before_anything_is_read() {
    let space = retailers();
    let mut workers = Workers::start(&space, 2, "", None);
    let run = |settings: String| {
        space.write("config/cluster.yaml", settings);
        ended(begun(&space, "superstore"), Duration::from_mins(2))
    };
    let good = environment(&workers, 2, 2, "");

    let strange = run(good.replace(TOKEN, "another token of another test"));
    assert_eq!(strange.code, 1);
    assert!(strange.stderr.contains("the token is not this worker's"), "{}", strange.stderr);

    workers.signal(1, "-STOP");
    let stopped = run(good.clone());
    workers.signal(1, "-CONT");
    assert_eq!(stopped.code, 1);
    assert!(stopped.stderr.contains("gave no answer for 15 seconds"), "{}", stopped.stderr);

    let port = workers.kill(1);
    let away = run(good.clone());
    assert_eq!(away.code, 1);
    assert!(away.stderr.contains(&format!("cannot reach the worker http://127.0.0.1:{port}")), "{}", away.stderr);

    // The same program with a byte behind its end is another build.
    let other = space.path("other");
    fs::copy(crate::support::binary(), &other).unwrap();
    let mut bytes = fs::OpenOptions::new().append(true).open(&other).unwrap();
    std::io::Write::write_all(&mut bytes, b"\n").unwrap();
    drop(bytes);
    workers.start_another_on(port, &other);
    let build = run(good);
    assert_eq!(build.code, 1);
    assert!(build.stderr.contains("is not of this build"), "{}", build.stderr);
    assert!(!space.path("out").exists(), "nothing was published");
}

#[test]
fn a_worker_that_stands_still_in_a_run_ends_it_within_a_minute() {
    let space = retailers();
    let workers = Workers::start(&space, 2, "", None);
    space.write("config/cluster.yaml", environment(&workers, 2, 2, ""));
    let child = begun(&space, "superstore");
    building(&space);
    workers.signal(0, "-STOP");
    let ran = ended(child, Duration::from_secs(75));
    workers.signal(0, "-CONT");
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("a worker was lost"), "{}", ran.stderr);
}

#[test]
fn a_driver_that_is_stopped_leaves_the_workers_to_the_next_run() {
    let space = retailers();
    space.write("config/here.yaml", "");
    let workers = Workers::start(&space, 2, "", None);
    space.write("config/cluster.yaml", environment(&workers, 2, 2, ""));
    let here = published(&space, "superstore", "here", None);
    fs::remove_dir_all(space.path("state")).unwrap();
    let child = begun(&space, "superstore");
    building(&space);
    signal(&child, "-INT");
    let stopped = ended(child, Duration::from_secs(30));
    assert!(matches!(stopped.code, 0 | 130), "exit {}: {}", stopped.code, stopped.stderr);
    assert_eq!(ended(begun(&space, "superstore"), Duration::from_mins(3)).code, 0);
    assert_same(&here, &published_bytes(&space.path("out/superstore")), "after the next run");
}

/// No signal can be caught: nothing is cleared away, and nothing is said.
#[test]
fn a_driver_that_is_killed_changes_nothing_and_the_next_run_succeeds() {
    let space = retailers();
    space.write("config/here.yaml", "");
    let store = Server::start();
    let storage = "storage: \"s3://lake/staging\"";
    let workers = Workers::start(&space, 2, &format!("engine: {{cluster: {{{storage}}}}}\n"), Some(&store));
    space.write("config/cluster.yaml", environment(&workers, 2, 2, &format!(", {storage}")));
    let here = published(&space, "superstore", "here", None);
    let begun = || begun_with(&space, "superstore", Some(&store));
    let start = Instant::now();
    assert_eq!(ended(begun(), Duration::from_mins(3)).code, 0);
    let undisturbed = start.elapsed();
    for kill in 0..kills().div_ceil(2) {
        let mut child = begun();
        sleep(undisturbed * (2 * kill + 1) / (2 * kills().div_ceil(2)));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_same(&here, &published_bytes(&space.path("out/superstore")), &format!("after kill {kill}"));
        let next = ended(begun(), Duration::from_mins(3));
        assert_eq!(next.code, 0, "after kill {kill}: {}", next.stderr);
        assert_same(&here, &published_bytes(&space.path("out/superstore")), &format!("after the run that follows kill {kill}"));
        assert_eq!(contents(&store.path("staging")).len(), 0, "tables stay in the store");
    }
}
