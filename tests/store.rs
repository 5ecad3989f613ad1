//! Object stores: real servers on loopback, killed publishers, publishers that come back from the dead, sources that lie there.

mod azurite;
mod commands;
mod parts;
pub mod s3_server;
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::{Ran, Workspace, contents, published_bytes};
use s3_server::{SECRET, Server};

const PIPELINE: &str = "
version: 1
name: shop
as_of: 2024-12-31
connections: {drop: {type: files, url: drop}}
extract: {sales: {from: drop, path: lines.csv}}
";

/// Tables that cost time to build and are published empty where none of it is about them.
const SKIPPED: &str = "sales_trend, product_performance, region_performance, age_band_performance, customer_region, \
    customer_rfm, rfm_segment_summary, rfm_validation, segment_migration, customer_clv, clv_model, clv_backtest, customer_value, \
    value_tier_summary, value_concentration, business_segment_summary, winback_targets, customer_risk, cohort_retention, \
    cohort_average, cohort_first_purchase, retention_monthly, second_purchase_survival, basket_itemsets, basket_rules, \
    basket_run, product_recommendations, next_best_product";

const HEADER: &str = "order_id,line_number,customer_id,product_id,ordered_at,quantity,unit_price\n";

/// Thirty lines of ten customers at a price.
fn lines(price: u32) -> String {
    let line = |n: u32| format!("o{},{},c{},p{},2024-{:02}-15,1,{price}\n", n / 2, n % 2 + 1, n % 10, n % 7, n % 12 + 1);
    HEADER.to_owned() + &(0..30).map(line).collect::<String>()
}

/// A shop of which `a` and `b` are two servers: each has a state folder of its own.
fn shop() -> Workspace {
    let space = Workspace::new();
    space.write("store.yaml", format!("{PIPELINE}publish: {{to: \"s3://lake/sales/shop\", lease: 5s}}\n"));
    space.write("folder.yaml", format!("{PIPELINE}publish: {{to: out}}\n"));
    space.write("drop/lines.csv", lines(10));
    for server in ["a", "b"] {
        space.write(&format!("config/{server}.yaml"), format!("state: state-{server}\n"));
    }
    space
}

/// The program as it runs on a server.
fn on(space: &Workspace, server: &str, store: &Server, arguments: &[&str]) -> Command {
    let mut command = space.command(arguments);
    command.args(["--env", server]).envs(store.environment());
    command
}

fn run_on(space: &Workspace, server: &str, store: &Server, arguments: &[&str]) -> Ran {
    on(space, server, store, arguments).output().unwrap().into()
}

/// A run that stands still while it uploads a table.
fn held_at(space: &Workspace, server: &str, store: &Server, address: &str) -> Child {
    store.moods.waiting.store(0, Ordering::SeqCst);
    store.moods.hold(address);
    let child = on(space, server, store, &["run", "store.yaml", "--quiet"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let start = Instant::now();
    while store.moods.waiting.load(Ordering::SeqCst) == 0 {
        assert!(start.elapsed() < Duration::from_mins(2), "nothing was uploaded");
        sleep(Duration::from_millis(5));
    }
    child.unwrap()
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// What readers of the store see: everything but the lease.
fn visible(store: &Server) -> BTreeMap<String, Vec<u8>> {
    let mut files = contents(&store.path("sales/shop"));
    files.remove("lease.json");
    files
}

fn json(store: &Server, name: &str) -> serde_json::Value {
    serde_json::from_slice(&fs::read(store.path("sales/shop").join(name)).unwrap()).unwrap()
}

fn published(store: &Server) -> String {
    json(store, "published.json")["snapshot"].as_str().unwrap().to_owned()
}

/// Whatever lies below `snapshots/` belongs to a snapshot with a manifest, nobody holds the lease, and no upload is half-way.
fn assert_clean(store: &Server) {
    let snapshots = store.path("sales/shop/snapshots");
    for entry in fs::read_dir(snapshots).unwrap().map(|e| e.unwrap().path()) {
        let left = fs::read_dir(&entry).unwrap().count();
        assert!(left == 0 || entry.join("manifest.json").is_file(), "{} is an orphan of {left} files", entry.display());
    }
    let lease = json(store, "lease.json");
    assert!(lease["holder"].is_null(), "{lease}");
    assert_eq!((&lease["uploads"], store.parts(), store.unfinished()), (&serde_json::json!([]), 0, 0));
}

#[test]
fn a_store_holds_what_a_folder_would() {
    let (space, store) = (shop(), Server::start());
    space.run(&["run", "folder.yaml", "--quiet"]).ok();
    let first = run_on(&space, "a", &store, &["run", "store.yaml"]).ok();
    assert!(first.stdout.contains("s3://lake/sales/shop/current"), "{}", first.stdout);
    assert_eq!(published(&store), space.snapshot("out"));
    assert_eq!(published_bytes(&store.path("sales/shop")), published_bytes(&space.path("out")));
    let snapshot = format!("snapshots/{}", published(&store));
    assert_eq!(contents(&store.path("sales/shop").join(&snapshot)).len(), contents(&space.path("out").join(&snapshot)).len());
    assert_clean(&store);

    // From another server the same input is the same set: nothing that readers see is written.
    let before = visible(&store);
    let again = run_on(&space, "b", &store, &["run", "store.yaml"]).ok();
    assert!(again.stdout.contains("Already published, byte for byte"), "{}", again.stdout);
    assert_eq!(visible(&store), before);

    for server in ["a", "b"] {
        fs::remove_dir_all(space.path(&format!("state-{server}/mirror"))).unwrap();
        let shown = run_on(&space, server, &store, &["show", "rfm_segment_summary", "--pipeline", "store.yaml"]).ok();
        let there = space.run(&["show", "rfm_segment_summary", "--pipeline", "folder.yaml"]).ok();
        assert_eq!(shown.stdout, there.stdout);
    }
    let status = run_on(&space, "a", &store, &["status", "--max-age", "1d"]).ok();
    assert!(status.stdout.contains("shop"), "{}", status.stdout);
    let doctor = run_on(&space, "a", &store, &["doctor", "store.yaml"]).ok();
    assert!(doctor.stdout.contains("honours conditional writes"), "{}", doctor.stdout);
    assert_eq!(visible(&store), before);
}

#[test]
fn days_follow_each_other_and_readers_are_led_back() {
    let (space, store) = (shop(), Server::start());
    let mut snapshots = Vec::new();
    for (server, day, price) in [("a", "2024-12-31", 10), ("b", "2025-01-31", 20), ("a", "2025-02-28", 30)] {
        for file in ["store.yaml", "folder.yaml"] {
            let text = fs::read_to_string(space.path(file)).unwrap();
            let text = text.replacen(text.lines().find(|l| l.starts_with("as_of")).unwrap(), &format!("as_of: {day}"), 1);
            space.write(file, text.replace("to: out}", "to: out, keep: 2}").replace("lease: 5s}", "lease: 5s, keep: 2}"));
        }
        space.write("drop/lines.csv", lines(price));
        run_on(&space, server, &store, &["run", "store.yaml", "--quiet"]).ok();
        space.run(&["run", "folder.yaml", "--quiet"]).ok();
        // The snapshot before was made on the other server, and is read from the store.
        assert_eq!(published(&store), space.snapshot("out"), "{day}");
        assert_eq!(published_bytes(&store.path("sales/shop")), published_bytes(&space.path("out")), "{day}");
        snapshots.push((published(&store), published_bytes(&store.path("sales/shop"))));
    }
    let kept = || -> BTreeSet<String> {
        visible(&store).keys().filter_map(|name| Some(name.strip_prefix("snapshots/")?.split_once('/')?.0.to_owned())).collect()
    };
    assert_eq!(kept(), BTreeSet::from([snapshots[1].0.clone(), snapshots[2].0.clone()]));

    let back = run_on(&space, "b", &store, &["rollback", "store.yaml"]).ok();
    assert!(back.stdout.contains(&snapshots[1].0), "{}", back.stdout);
    assert_eq!((&published(&store), &published_bytes(&store.path("sales/shop"))), (&snapshots[1].0, &snapshots[1].1));
    let listed = run_on(&space, "a", &store, &["rollback", "store.yaml", "--list"]).ok();
    let marked = listed.stdout.lines().find(|line| line.contains("readers see this")).unwrap();
    assert!(marked.starts_with(&snapshots[1].0), "{}", listed.stdout);
    let gone = run_on(&space, "a", &store, &["rollback", "store.yaml", &snapshots[0].0]);
    assert!(gone.code == 1 && gone.stderr.contains("none is named"), "{}", gone.stderr);

    // What they were led away from is neither kept in the place of what they saw, nor led back to.
    assert_eq!(json(&store, "published.json")["withdrawn"], serde_json::json!([snapshots[2].0]));
    let text = fs::read_to_string(space.path("store.yaml")).unwrap();
    space.write("store.yaml", text.replace("as_of: 2025-02-28", "as_of: 2025-03-31"));
    run_on(&space, "a", &store, &["run", "store.yaml", "--quiet"]).ok();
    assert_eq!(kept(), BTreeSet::from([snapshots[1].0.clone(), published(&store)]));
    run_on(&space, "b", &store, &["rollback", "store.yaml"]).ok();
    assert_eq!(published(&store), snapshots[1].0);
    assert_clean(&store);
}

#[test]
fn a_second_server_is_told_who_publishes() {
    let (space, store) = (shop(), Server::start());
    let first = held_at(&space, "a", &store, "/fact_sales.parquet");
    let second = run_on(&space, "b", &store, &["run", "store.yaml", "--quiet"]);
    assert_eq!(second.code, 75, "{}", second.stderr);
    let named = format!("(process {}", first.id());
    assert!(second.stderr.contains("another run is publishing to s3://lake/sales/shop"), "{}", second.stderr);
    assert!(second.stderr.contains(&named), "{}", second.stderr);
    let unlock = run_on(&space, "b", &store, &["unlock", "shop"]);
    assert!(unlock.code == 75 && unlock.stderr.contains(&named), "{}{}", unlock.stdout, unlock.stderr);
    assert!(visible(&store).keys().all(|name| name.starts_with("snapshots/")));
    store.moods.let_go();
    let ended = Ran::from(first.wait_with_output().unwrap());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_clean(&store);
}

#[test]
fn a_killed_publisher_leaves_the_old_set_and_no_orphan() {
    let (space, store) = (shop(), Server::start());
    run_on(&space, "a", &store, &["run", "store.yaml", "--quiet"]).ok();
    let old = published_bytes(&store.path("sales/shop"));
    space.write("drop/lines.csv", lines(20));
    for address in ["/rfm_segment_summary.parquet", "/current/fact_sales.parquet"] {
        let before = published(&store);
        let mut victim = held_at(&space, "a", &store, address);
        victim.kill().unwrap();
        victim.wait().unwrap();
        store.moods.let_go();
        assert_eq!(published(&store), before);
        if address.starts_with("/rfm") {
            assert_eq!(published_bytes(&store.path("sales/shop")), old);
            // Another set: what the dead one began belongs to nobody.
            space.write("drop/lines.csv", lines(30));
        }
        let started = Instant::now();
        let next = run_on(&space, "b", &store, &["run", "store.yaml"]).ok();
        assert!(started.elapsed() > Duration::from_secs(5), "the lease was taken over before it had run out");
        assert!(next.stderr.contains("no sign of life"), "{}", next.stderr);
        assert_clean(&store);
        space.run(&["run", "folder.yaml", "--quiet"]).ok();
        assert_eq!(published(&store), space.snapshot("out"));
        assert_eq!(published_bytes(&store.path("sales/shop")), published_bytes(&space.path("out")));
        space.write("drop/lines.csv", lines(40));
    }
}

#[test]
fn a_publisher_thought_dead_cannot_write_any_more() {
    let (space, store) = (shop(), Server::start());
    run_on(&space, "a", &store, &["run", "store.yaml", "--quiet"]).ok();
    for address in ["/fact_sales.parquet", "/shop/published.json"] {
        space.write("drop/lines.csv", lines(20));
        let zombie = held_at(&space, "a", &store, address);
        signal(&zombie, "-STOP");
        // What it had sent already arrives late, and is one of its own writes; nothing of it comes after.
        store.moods.let_go();
        if address.ends_with("json") {
            sleep(Duration::from_millis(300));
        }
        space.write("drop/lines.csv", lines(30));
        run_on(&space, "b", &store, &["run", "store.yaml", "--quiet"]).ok();
        let (snapshot, seen) = (published(&store), visible(&store));
        let current = published_bytes(&store.path("sales/shop"));

        signal(&zombie, "-CONT");
        let ended = Ran::from(zombie.wait_with_output().unwrap());
        if address.ends_with("json") {
            // Its pointer had arrived before it was stopped: it had published, and was overtaken afterwards.
            assert!(ended.code == 0 || ended.code == 75, "{}", ended.stderr);
        } else {
            assert_eq!(ended.code, 75, "{}", ended.stderr);
            assert!(ended.stderr.contains("took over s3://lake/sales/shop"), "{}", ended.stderr);
        }
        assert_eq!((published(&store), published_bytes(&store.path("sales/shop"))), (snapshot, current));
        let seen: BTreeMap<_, _> = seen.into_iter().filter(|(name, _)| !name.starts_with("snapshots/")).collect();
        let now: BTreeMap<_, _> = visible(&store).into_iter().filter(|(name, _)| !name.starts_with("snapshots/")).collect();
        assert_eq!(now, seen);
        space.write("drop/lines.csv", lines(10));
        run_on(&space, "b", &store, &["run", "store.yaml", "--quiet"]).ok();
        assert_clean(&store);
    }
}

#[test]
fn what_passes_by_itself_is_tried_again() {
    let (space, store) = (shop(), Server::start());
    store.moods.failures.store(4, Ordering::SeqCst);
    run_on(&space, "a", &store, &["run", "store.yaml", "--quiet"]).ok();
    assert_eq!(store.moods.failures.load(Ordering::SeqCst), 0);
    assert_clean(&store);
}

#[test]
fn a_store_that_cannot_be_used_says_why() {
    let (space, store) = (shop(), Server::start());
    let run = |name: &str, value: &str| -> Ran {
        on(&space, "a", &store, &["run", "store.yaml", "--quiet"]).env(name, value).output().unwrap().into()
    };
    let refused = run("AWS_SECRET_ACCESS_KEY", "canary-of-another-secret");
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    assert!(refused.stderr.contains("s3://lake/sales/shop refuses the credentials"), "{}", refused.stderr);
    assert!(refused.stderr.contains("403 SignatureDoesNotMatch"), "{}", refused.stderr);
    // What does not pass by itself is asked for once.
    assert_eq!(store.moods.seen().len(), 1, "{:?}", store.moods.seen());

    store.moods.ignores_conditions.store(true, Ordering::SeqCst);
    let careless = run("AWS_REGION", "us-east-1");
    assert_eq!(careless.code, 1, "{}", careless.stderr);
    assert!(careless.stderr.contains("does not honour conditional writes (it ignores If-Match)"), "{}", careless.stderr);
    assert!(!store.path("sales/shop/published.json").exists());

    let away = run("AWS_ENDPOINT", "http://127.0.0.1:9");
    assert_eq!(away.code, 1, "{}", away.stderr);
    assert!(away.stderr.contains("Connection refused"), "{}", away.stderr);
    let run = run_on(&space, "a", &store, &["runs", "show", "latest", "--output", "json"]).ok();
    assert_eq!(run.json()["run"]["status"], "failed", "{}", run.stdout);

    for text in [refused.stderr, careless.stderr, away.stderr, run.stdout] {
        assert!(!text.contains("canary") && !text.contains(SECRET), "{text}");
    }
    for (name, content) in contents(&space.path("state-a")) {
        let text = String::from_utf8_lossy(&content);
        assert!(!text.contains("canary") && !text.contains(SECRET), "{name}");
    }
}
