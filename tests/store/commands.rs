//! What looks at more than one snapshot does so in a store as in a folder: `plan`, `backfill`, `diff`.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;

use super::s3_server::Server;
use super::{SKIPPED, assert_clean, json, lines, on, published, visible};
use crate::support::{Ran, Workspace, contents, published_bytes};

/// One shop that publishes to a store and to a folder.
struct Both {
    space: Workspace,
    store: Server,
}

impl Both {
    fn new() -> Self {
        let (space, store) = (Workspace::new(), Server::start());
        // Segments and figures are compared, so their tables are built.
        let built = ["customer_rfm", "rfm_segment_summary", "segment_migration", "sales_trend"];
        let skipped: Vec<&str> = SKIPPED.split(", ").filter(|name| !built.contains(name)).collect();
        let pipeline = format!(
            "version: 1\nname: shop\nconnections: {{drop: {{type: files, url: drop}}}}\n\
             extract: {{sales: {{from: drop, path: lines.csv}}}}\ntransform: {{skip: [{}]}}\n",
            skipped.join(", ")
        );
        space.write("store.yaml", format!("{pipeline}publish: {{to: \"s3://lake/sales/shop\", keep: 4}}\n"));
        space.write("folder.yaml", format!("{pipeline}publish: {{to: out, keep: 4}}\n"));
        for server in ["a", "b", "folder"] {
            space.write(&format!("config/{server}.yaml"), format!("state: state-{server}\n"));
        }
        space.write("drop/lines.csv", lines(10));
        Self { space, store }
    }

    /// Runs a command on the store, from a server, and on the folder. Both end with the code.
    fn run(&self, server: &str, code: i32, command: &str, arguments: &str) -> [Ran; 2] {
        let of = |server: &str, file: &str| {
            let arguments: Vec<&str> = [command, file].into_iter().chain(arguments.split_whitespace()).collect();
            let mut command = on(&self.space, server, &self.store, &arguments);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let both = [of(server, "store.yaml"), of("folder", "folder.yaml")];
        both.map(|child| {
            let ran = Ran::from(child.wait_with_output().unwrap());
            assert_eq!(ran.code, code, "{command} {arguments}\n{}{}", ran.stdout, ran.stderr);
            ran
        })
    }

    /// What a command says of the store, whose parts of these names it says of the folder too.
    fn same(&self, server: &str, code: i32, command: &str, arguments: &str, names: &[&str]) -> Value {
        let [stored, filed] = self.run(server, code, command, &format!("{arguments} --output json")).map(|ran| ran.json());
        for name in names {
            assert!(!stored[*name].is_null(), "{command} says no {name}: {stored:#}");
            assert_eq!(stored[*name], filed[*name], "{command} {arguments}: {name}");
        }
        stored
    }

    /// The tables of a snapshot, of the store and of the folder.
    fn tables(&self, snapshot: &str) -> [Vec<(String, Vec<u8>)>; 2] {
        let tables = |target: PathBuf| {
            let files = contents(&target.join("snapshots").join(snapshot)).into_iter();
            files.filter(|(name, _)| name != "meta_run.parquet" && name != "manifest.json").collect()
        };
        [tables(self.store.path("sales/shop")), tables(self.space.path("out"))]
    }
}

#[test]
fn plan_backfill_and_diff_do_in_a_store_what_they_do_in_a_folder() {
    let both = Both::new();
    let planned = ["sources", "tables", "left_out", "is_due"];
    assert_eq!(both.same("a", 8, "plan", "", &planned)["published"], Value::Null);
    assert!(!both.store.path("sales/shop").exists(), "a plan wrote into the store");

    both.run("a", 0, "run", "--as-of 2024-12-15 --quiet");
    let plan = both.same("a", 0, "plan", "", &planned);
    assert_eq!(plan["published"]["snapshot"].as_str().unwrap(), published(&both.store));

    // Days past, behind what readers see, which stays to the last byte.
    let pointer = json(&both.store, "published.json");
    let current = published_bytes(&both.store.path("sales/shop"));
    let days = "--from 2024-10-15 --to 2024-11-15 --every 31";
    let made = both.run("a", 0, "backfill", &format!("{days} --quiet --output json")).map(|ran| ran.json());
    // But for the names of the runs, which hold their times.
    let [made, there] = made.each_ref().map(|made| -> Vec<(&str, &str)> {
        made.as_array().unwrap().iter().map(|one| (one["as_of"].as_str().unwrap(), one["snapshot"].as_str().unwrap())).collect()
    });
    assert_eq!(made, there);
    assert_eq!(made.iter().map(|(day, _)| *day).collect::<Vec<_>>(), ["2024-10-15", "2024-11-15"]);
    assert_eq!(json(&both.store, "published.json"), pointer);
    assert!(published_bytes(&both.store.path("sales/shop")) == current);
    for (_, snapshot) in &made {
        let [stored, filed] = both.tables(snapshot);
        assert!(stored.len() > 30 && stored == filed, "{snapshot} holds {} and {} tables", stored.len(), filed.len());
    }

    // Another server compares them, which has them from the store alone.
    let differing = ["differs", "figures", "segments", "tables"];
    let said = both.same("b", 8, "diff", "2024-10 2024-12", &differing);
    assert_eq!((&said["before"]["snapshot"], &said["after"]["as_of"]), (&made[0].1.into(), &"2024-12-15".into()));
    both.same("b", 8, "diff", "2024-10 2024-11 --table fact_sales", &["rows"]);
    both.same("b", 0, "diff", "2024-11 2024-11", &differing);
    for alone in both.run("b", 2, "diff", "") {
        assert!(alone.stderr.contains("there is none before 2024-12-15"), "{}", alone.stderr);
    }

    let [again, there] = both.run("b", 0, "backfill", &format!("{days} --quiet"));
    assert!(again.stdout == there.stdout && again.stdout.matches("is there already").count() == 2, "{}", again.stdout);
    for many in both.run("b", 2, "backfill", "--from 2024-08-15 --to 2024-11-15 --every 31 --quiet") {
        assert!(many.stderr.contains("only 4 are kept"), "{}", many.stderr);
    }
    // Where readers see nothing later, they are led on.
    for led in both.run("a", 0, "backfill", "--from 2025-01-15 --to 2025-01-15 --every 7 --quiet") {
        assert!(led.stdout.contains("readers see it"), "{}", led.stdout);
    }
    assert_eq!((published(&both.store), &published(&both.store)[..10]), (both.space.snapshot("out"), "2025-01-15"));
    assert!(published_bytes(&both.store.path("sales/shop")) == published_bytes(&both.space.path("out")));
    let compared = both.same("a", 8, "diff", "", &differing);
    assert_eq!(compared["before"]["as_of"], "2024-12-15");
    assert_clean(&both.store);

    // Nothing of it is in the mirror alone.
    let seen = visible(&both.store);
    fs::remove_dir_all(both.space.path("state-b/mirror")).unwrap();
    both.same("b", 8, "diff", "2024-10 2025-01", &differing);
    assert!(visible(&both.store) == seen, "a comparison wrote into the store");
}
