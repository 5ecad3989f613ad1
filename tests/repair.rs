//! A ledger that is gone or damaged: `state repair` makes it again.

use std::fs;
use std::ops::RangeInclusive;

use serde_json::Value;

use crate::served::{LINES, PIPELINE};
use crate::support::{Workspace, contents};

const DATABASE: &str = "state/consumer360.db";

/// A shop with two snapshots, one run that failed, and the folder of the first run pruned.
fn shop() -> Workspace {
    let space = Workspace::new();
    space.write("shop.yaml", PIPELINE);
    for price in [10, 11] {
        space.write("drop/lines.csv", LINES.replace(",10\n", &format!(",{price}\n")));
        space.run(&["run", "shop.yaml", "--quiet"]).ok();
    }
    let first = fs::read_dir(space.path("state/runs")).unwrap().map(|entry| entry.unwrap().path()).min().unwrap();
    fs::remove_dir_all(first).unwrap();
    space.write("drop/lines.csv", "order_id\n");
    assert_eq!(space.run(&["run", "shop.yaml", "--quiet"]).code, 4);
    space
}

fn statuses(space: &Workspace) -> Vec<(String, String)> {
    let runs = space.run(&["runs", "list", "--output", "json"]).ok().json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    runs.as_array().unwrap().iter().map(|run| (text(&run["run_id"]), text(&run["status"]))).collect()
}

#[test]
fn a_deleted_ledger_comes_back_from_records_and_manifests() {
    let space = shop();
    let before = statuses(&space);
    assert_eq!(before.iter().map(|(_, status)| status.as_str()).collect::<Vec<_>>(), ["source_failed", "published", "published"]);
    let sound = space.run(&["state", "repair"]).ok();
    assert!(sound.stdout.contains("3 on record, 0 of them brought back"), "{}", sound.stdout);
    assert!(sound.stdout.contains("nothing was changed"), "{}", sound.stdout);

    fs::remove_file(space.path(DATABASE)).unwrap();
    let published = contents(&space.path("out"));
    let repaired = space.run(&["state", "repair"]).ok();
    for told in [
        "Runs       3 on record, 3 of them brought back, 1 from manifests alone",
        "Snapshots  2 in out",
        "Not brought back: slots that were missed or skipped, and pauses",
    ] {
        assert!(repaired.stdout.contains(told), "{}", repaired.stdout);
    }
    assert_eq!(statuses(&space), before);
    assert_eq!(contents(&space.path("out")), published, "a repair changes nothing that readers see");
    let oldest = space.run(&["runs", "show", &before[2].0]).ok();
    assert!(oldest.stdout.contains("its record was lost"), "{}", oldest.stdout);
    space.write("drop/lines.csv", LINES);
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
}

#[test]
fn a_damaged_ledger_says_what_to_do_and_is_moved_aside() {
    let space = shop();
    let before = statuses(&space);
    fs::write(space.path(DATABASE), "not a database ".repeat(400)).unwrap();
    for arguments in [vec!["run", "shop.yaml", "--quiet"], vec!["runs", "list"], vec!["status"]] {
        let told = space.run(&arguments);
        assert_eq!(told.code, 1, "{}", told.stderr);
        assert!(told.stderr.contains("is damaged") && told.stderr.contains("consumer360 state repair"), "{}", told.stderr);
    }
    let repaired = space.run(&["state", "repair", "--output", "json"]).ok().json();
    assert_eq!((&repaired["was_lost"], &repaired["runs"]["known"]), (&true.into(), &3.into()), "{repaired}");
    let aside = repaired["moved_to"].as_str().unwrap();
    assert!(fs::read_to_string(space.path(aside)).unwrap().starts_with("not a database"));
    assert_eq!(statuses(&space), before);
}

#[test]
fn a_lost_state_folder_comes_back_as_far_as_a_named_pipeline_tells() {
    let space = shop();
    fs::remove_dir_all(space.path("state")).unwrap();
    let nothing = space.run(&["state", "repair"]).ok();
    assert!(nothing.stdout.contains("0 on record"), "{}", nothing.stdout);
    let named = space.run(&["state", "repair", "shop.yaml"]).ok();
    assert!(named.stdout.contains("2 on record, 2 of them brought back, 2 from manifests alone"), "{}", named.stdout);
    space.write("config/default.yaml", "ledger: {postgres: 'postgres://etl@localhost/ledger'}\n");
    let shared = space.run(&["state", "repair"]);
    assert_eq!(shared.code, 2, "{}", shared.stderr);
}

/// A shop whose sales are read in increments.
const TILL: &str = "
version: 1
name: till
connections: {till: {type: sqlite, path: till.sqlite}}
extract:
  sales:
    from: till
    table: lines
    incremental: {cursor: changed, key: [no], lookback: 2d}
    columns: {order_id: no, customer_id: customer, product_id: product, ordered_at: sold, quantity: pieces, unit_price: price}
publish: {to: out}
";

/// One sale on each of these days, counted from the first of 2025, of so many pieces.
fn sell(space: &Workspace, days: RangeInclusive<u32>, pieces: &str) {
    let till = rusqlite::Connection::open(space.path("till.sqlite")).unwrap();
    let sale = |day: u32| {
        let date = format!("date('2025-01-01', '{day} days')");
        format!("({day}, 'c{}', 'p{}', {date}, {pieces}, 2.5, {date})", day % 23, day % 5)
    };
    let sales: Vec<String> = days.map(sale).collect();
    let create = "CREATE TABLE IF NOT EXISTS lines (no, customer, product, sold, pieces, price, changed)";
    till.execute_batch(&format!("{create}; INSERT INTO lines VALUES {}", sales.join(", "))).unwrap();
}

fn run(space: &Workspace, more: &[&str]) -> Value {
    space.run(&[&["run", "till.yaml", "--quiet", "--output", "json"], more].concat()).ok().json()
}

/// The rows that came over the wire, and why they were all.
fn came(run: &Value) -> (u64, Option<&str>) {
    let increment = &run["increments"]["sales"];
    (increment["rows_read"].as_u64().unwrap(), increment["whole_because"].as_str())
}

#[test]
fn what_was_read_and_what_a_source_was_outlive_the_ledger() {
    let space = Workspace::new();
    space.write("till.yaml", TILL);
    sell(&space, 0..=59, "2");
    assert_eq!(came(&run(&space, &[])), (60, Some("nothing is kept of it yet")));
    sell(&space, 60..=60, "2");
    // The new one, and those of two days before the newest that was known.
    assert_eq!(came(&run(&space, &[])), (4, None));

    let kept = contents(&space.path("state/history"));
    fs::remove_file(space.path(DATABASE)).unwrap();
    let repaired = space.run(&["state", "repair"]).ok();
    assert!(repaired.stdout.contains("2 on record, 2 of them brought back"), "{}", repaired.stdout);
    assert_eq!(contents(&space.path("state/history")), kept, "a repair changes nothing of what was read");
    let plan = space.run(&["plan", "till.yaml", "--output", "json"]).ok().json();
    assert_eq!((&plan["sources"][0]["from"], &plan["sources"][0]["rows"]), (&"2025-02-27 23:00:00".into(), &3.into()), "{plan}");

    // The window alone is read, and what the column was before it is known.
    sell(&space, 61..=61, "1.5");
    space.write("till.yaml", TILL.replace("    table: lines\n", "    table: lines\n    contract: {types: freeze}\n"));
    let frozen = space.run(&["run", "till.yaml", "--quiet"]);
    assert_eq!(frozen.code, 4, "{}{}", frozen.stdout, frozen.stderr);
    assert!(frozen.stderr.contains("column `pieces` held whole numbers and now `1.5`"), "{}", frozen.stderr);
    space.write("till.yaml", TILL);
    let third = run(&space, &[]);
    assert_eq!(came(&third), (4, None));
    let changes = third["source_changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!((&changes[0]["check"], &changes[0]["table"]), (&"changed_type".into(), &"sales.pieces".into()), "{changes:?}");
    assert_eq!(run(&space, &["--full-refresh"])["snapshot"]["unchanged"], true);

    // Without the folder nothing is known of the source any more: it is read whole, and comes to the same.
    fs::remove_dir_all(space.path("state")).unwrap();
    space.run(&["state", "repair", "till.yaml"]).ok();
    let anew = run(&space, &[]);
    assert_eq!(came(&anew), (62, Some("nothing is kept of it yet")));
    assert_eq!(anew["snapshot"]["unchanged"], true);
}

/// No run leaves a hole. Somebody who puts back an older copy of what is kept may.
#[test]
fn a_hole_in_what_was_read_is_told_and_filled() {
    let space = Workspace::new();
    space.write("till.yaml", TILL);
    sell(&space, 0..=30, "2");
    run(&space, &[]);
    for day in [45, 60] {
        sell(&space, day..=day, "2");
        assert_eq!(came(&run(&space, &[])).1, None);
    }
    let sound = space.run(&["plan", "till.yaml"]);
    assert!(!sound.stdout.contains("nothing is kept of it between"), "{}", sound.stdout);

    let path = space.path("state/history/till/sales.json");
    let mut record: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    record["increments"].as_array_mut().unwrap().remove(1);
    fs::write(&path, record.to_string()).unwrap();
    let plan = space.run(&["plan", "till.yaml"]);
    assert!(plan.stdout.contains("nothing is kept of it between"), "{}{}", plan.stdout, plan.stderr);
    let filled = run(&space, &[]);
    let (rows, because) = came(&filled);
    assert!(rows == 33 && because.unwrap().starts_with("nothing is kept of it between 2025-"), "{filled}");
    assert_eq!(filled["snapshot"]["unchanged"], true);
    assert_eq!(came(&run(&space, &[])).1, None, "one interval again");
}
