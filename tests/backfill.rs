//! Days past, made after the fact, and what a run would read before it does.

use serde_json::Value;

use crate::support::{Ran, Workspace};

const SHOP: &str = "version: 1\nname: shop\nconnections: {till: {type: sqlite, path: shop.sqlite}, drop: {type: files, url: drop}}\nextract:\n  \
    sales:\n    from: till\n    table: lines\n    INCREMENTAL\n    columns: {order_id: no, customer_id: customer, product_id: product, \
    ordered_at: sold, quantity: pieces, unit_price: price}\n  products:\n    from: drop\n    path: products.csv\n\
    publish: {to: out, keep: KEEP}\nMORE";

fn shop(incremental: &str, keep: usize, more: &str) -> Workspace {
    let space = Workspace::new();
    let database = rusqlite::Connection::open(space.path("shop.sqlite")).unwrap();
    database
        .execute_batch(
            "CREATE TABLE lines (no, customer, product, sold, pieces, price, changed);
             WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 199)
             INSERT INTO lines SELECT i, 'c' || i % 23, 'p' || i % 5, date('2025-01-01', i || ' days'), 1 + i % 3, 2.5,
                                      date('2025-01-01', i || ' days') FROM n;",
        )
        .unwrap();
    let products: String = (0..5).map(|p| format!("p{p},Product {p}\n")).collect();
    space.write("drop/products.csv", format!("product_id,product_name\n{products}"));
    let text = SHOP.replace("INCREMENTAL", incremental).replace("KEEP", &keep.to_string()).replace("MORE", more);
    space.write("shop.yaml", text);
    space
}

fn backfill(space: &Workspace, more: &[&str]) -> Ran {
    space.run(&[&["backfill", "shop.yaml", "--quiet"], more].concat())
}

fn published(space: &Workspace) -> Value {
    serde_json::from_slice(&std::fs::read(space.path("out/published.json")).unwrap()).unwrap()
}

#[test]
fn days_past_are_added_behind_what_readers_see() {
    let space = shop("", 6, "schedule: {cron: \"0 6 * * MON\"}\n");
    space.run(&["run", "shop.yaml", "--as-of", "2025-07-07", "--quiet"]).ok();
    let before = published(&space);
    let current = space.table("out", "rfm_segment_summary").rows;

    let made = backfill(&space, &["--from", "2025-06-10", "--to", "2025-06-30", "--output", "json"]).ok().json();
    let days: Vec<&str> = made.as_array().unwrap().iter().map(|one| one["as_of"].as_str().unwrap()).collect();
    assert_eq!(days, ["2025-06-16", "2025-06-23", "2025-06-30"]);
    assert_eq!(published(&space), before);
    assert_eq!(space.table("out", "rfm_segment_summary").rows, current);
    // Each is what a run of its day publishes.
    let plain = shop("", 6, "");
    for one in made.as_array().unwrap() {
        let run = plain.run(&["run", "shop.yaml", "--as-of", one["as_of"].as_str().unwrap(), "--quiet", "--output", "json"]);
        assert_eq!(run.ok().json()["snapshot"]["id"], one["snapshot"]);
    }
    // A second time there is nothing left to do, and too many are refused before anything is made.
    let again = backfill(&space, &["--from", "2025-06-10", "--to", "2025-06-30"]).ok();
    assert_eq!(again.stdout.matches("is there already").count(), 3, "{}", again.stdout);
    let many = backfill(&space, &["--from", "2025-03-01", "--to", "2025-06-30"]);
    assert!(many.code == 2 && many.stderr.contains("only 6 are kept"), "{}", many.stderr);
    // Where readers see nothing later, they are led on.
    let on = backfill(&space, &["--from", "2025-07-10", "--to", "2025-07-12", "--every", "5"]).ok();
    assert!(on.stdout.contains("readers see it"), "{}", on.stdout);
    assert_eq!(published(&space)["as_of"], "2025-07-10");

    let usage = |arguments: &[&str], wanted: &str| {
        let ran = backfill(&space, arguments);
        assert!(ran.code == 2 && ran.stderr.contains(wanted), "{}", ran.stderr);
    };
    usage(&["--from", "2025-06-30", "--to", "2025-06-10"], "is after");
    usage(&["--from", "2025-06-30", "--to", "2099-06-10"], "is not past yet");
    usage(&["--from", "2025-06-10", "--to", "2025-06-12"], "has no slot");
    let early = backfill(&space, &["--from", "2024-01-01", "--to", "2024-01-01", "--every", "7"]);
    assert!(early.code == 4 && early.stderr.contains("2024-01-01, after 0 days"), "{} {}", early.code, early.stderr);
}

#[test]
fn a_plan_says_what_would_be_read_and_changes_nothing() {
    let space = shop("incremental: {cursor: changed, key: [no], lookback: 2d}", 6, "");
    let plan = |code: i32| {
        let ran = space.run(&["plan", "shop.yaml", "--output", "json"]);
        assert_eq!(ran.code, code, "{}{}", ran.stdout, ran.stderr);
        ran.json()
    };
    let first = plan(8);
    assert_eq!((&first["sources"][0]["rows"], &first["sources"][0]["why"]), (&200.into(), &"nothing is kept of it yet".into()));
    assert!(!space.path("out").exists() && !space.path("state/history").exists());

    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    let quiet = plan(0);
    assert_eq!(quiet["sources"][0]["from"], "2025-07-16 23:00:00");
    assert_eq!(quiet["sources"][0]["rows"], 3);
    let text = space.run(&["plan", "shop.yaml"]).ok().stdout;
    assert!(
        text.contains("Nothing new") && text.contains("0 rows newer than 2025-07-19 00:00:00, 200 kept, 200 there"),
        "{text}"
    );

    let database = rusqlite::Connection::open(space.path("shop.sqlite")).unwrap();
    database.execute("INSERT INTO lines VALUES (900, 'c1', 'p1', '2025-07-20', 1, 2.5, '2025-07-20')", []).unwrap();
    assert_eq!(plan(8)["sources"][0]["rows"], 4);
    database.execute("DELETE FROM lines WHERE no IN (900, 17)", []).unwrap();
    assert_eq!(plan(8)["sources"][0]["why"], "0 rows newer than 2025-07-19 00:00:00, 200 kept, 199 there");
    space.write("shop.yaml", std::fs::read_to_string(space.path("shop.yaml")).unwrap().replace("2d", "3d"));
    assert_eq!(plan(8)["sources"][0]["why"], "the pipeline file describes it anew");
}
