//! Whole runs of a shop in a PostgreSQL, and what goes wrong with increments.

use std::fs;

use chrono::Utc;
use rusqlite::Connection;
use serde_json::Value;

use super::read;
use crate::sources::postgres_server::{DATABASE, Server};
use crate::support::{Ran, Workspace};

const TABLES: &str = r"
CREATE TABLE lines (id bigserial PRIMARY KEY, order_no text, customer text, product text, sold timestamptz, pieces int,
                    price numeric, changed timestamptz);
INSERT INTO lines (order_no, customer, product, sold, pieces, price, changed)
    SELECT 'o' || n / 2, 'c' || n % 40, 'p' || n % 9, t, 1 + n % 3, 1.5 + n % 17, t
    FROM (SELECT n, timestamptz '2025-01-01 12:00:00+00' + n * interval '7 hours' AS t FROM generate_series(1, 400) AS n) AS s;
CREATE TABLE people (id text, name text, version bigint);
INSERT INTO people SELECT 'c' || n, 'Customer ' || n, n FROM generate_series(0, 39) AS n;
";

/// One week later.
const CHANGES: &str = "
INSERT INTO lines (order_no, customer, product, sold, pieces, price, changed)
    SELECT 'x' || n, 'c' || n, 'p1', timestamptz '2025-05-02 09:00:00+00', 1, 20, timestamptz '2025-05-02 09:00:00+00'
    FROM generate_series(1, 12) AS n;
UPDATE lines SET pieces = 9, changed = timestamptz '2025-05-02 10:00:00+00' WHERE id IN (3, 77);
UPDATE people SET name = 'Renamed', version = 100040 WHERE id = 'c7';
";

fn pipeline(server: &Server, to: &str, incremental: bool) -> String {
    let (lines, people) = if incremental {
        ("\n    incremental: {cursor: changed, key: [id], lookback: 3d}", "\n    incremental: {cursor: version, lookback: 20}")
    } else {
        ("", "")
    };
    format!(
        "version: 1\nname: {to}\ntimezone: America/New_York\nas_of: 2025-05-31\nconnections: {{till: {{type: postgres, url: \"{}\"}}}}\n\
         extract:\n  sales:\n    from: till\n    table: lines{lines}\n    columns: {{order_id: order_no, line_number: id, \
         customer_id: customer, product_id: product, ordered_at: sold, quantity: pieces, unit_price: price}}\n  customers:\n    \
         from: till\n    table: people{people}\n    columns: {{customer_id: id, customer_name: name}}\n\
         publish: {{to: {to}}}\n",
        server.url()
    )
}

fn run(space: &Workspace, name: &str, more: &[&str]) -> Ran {
    space.run(&[&["run", &format!("{name}.yaml"), "--quiet", "--output", "json"], more].concat())
}

/// What a run read: the rows that came and the reason why they were all, by entity.
fn came(ran: &Ran, entity: &str) -> (u64, Option<String>) {
    let increment = &ran.json()["increments"][entity];
    (increment["rows_read"].as_u64().unwrap(), increment["whole_because"].as_str().map(str::to_owned))
}

fn kept(space: &Workspace) -> Value {
    serde_json::from_slice(&fs::read(space.path("state/history/shop/sales.json")).unwrap()).unwrap()
}

#[test]
fn increments_publish_what_a_whole_run_publishes() {
    let server = Server::start();
    server.execute(DATABASE, TABLES);
    let space = Workspace::new();
    for (name, incremental) in [("shop", true), ("plain", false)] {
        space.write(&format!("{name}.yaml"), pipeline(&server, name, incremental));
    }
    let first = run(&space, "shop", &[]).ok();
    assert_eq!(came(&first, "sales"), (400, Some("nothing is kept of it yet".to_owned())));
    run(&space, "plain", &[]).ok();
    assert_eq!(space.snapshot("shop"), space.snapshot("plain"));
    let before = kept(&space);

    // What is not published is not kept.
    server.execute(DATABASE, CHANGES);
    let tried = run(&space, "shop", &["--no-publish"]).ok();
    let (rows, reason) = came(&tried, "sales");
    assert!(rows < 40 && reason.is_none(), "{rows} {reason:?}");
    assert_eq!(kept(&space), before);

    let second = run(&space, "shop", &[]).ok();
    assert_eq!(came(&second, "sales"), (rows, None));
    // The last twenty-one of before, and the one that has changed.
    assert_eq!(came(&second, "customers"), (22, None));
    run(&space, "plain", &[]).ok();
    assert_eq!(space.snapshot("shop"), space.snapshot("plain"));
    assert_eq!(space.table("shop", "dim_customer").only("customer_name", "Renamed").rows.len(), 1);
    assert_eq!(kept(&space)["increments"].as_array().unwrap().len(), 2);

    let whole = run(&space, "shop", &["--full-refresh"]).ok();
    assert_eq!(came(&whole, "sales"), (412, Some("it was asked for".to_owned())));
    assert_eq!(whole.json()["snapshot"]["unchanged"], true);

    // Rows deleted for good.
    server.execute(DATABASE, "DELETE FROM lines WHERE id = 5");
    let (rows, reason) = came(&run(&space, "shop", &[]).ok(), "sales");
    assert_eq!((rows, reason.unwrap().as_str()), (411, "it has 411 rows where the increments come to 412"));
    run(&space, "plain", &[]).ok();
    assert_eq!(space.snapshot("shop"), space.snapshot("plain"));

    // The records themselves lost or damaged.
    let file = format!("state/history/shop/sales-{}.parquet", kept(&space)["hash"].as_str().unwrap());
    fs::write(space.path(&file), "not what it was").unwrap();
    let healed = run(&space, "shop", &[]).ok();
    assert_eq!(came(&healed, "sales"), (411, Some("what was kept of it is gone or damaged".to_owned())));
    assert_eq!(healed.json()["snapshot"]["unchanged"], true);

    let text = space.run(&["run", "shop.yaml", "--quiet"]).ok().stdout;
    assert!(text.contains("read for 411 rows: those from 2025-04-29"), "{text}");
    // Nothing is kept of a source that is no longer read in increments.
    space.write("shop.yaml", pipeline(&server, "shop", false));
    run(&space, "shop", &[]).ok();
    assert_eq!(fs::read_dir(space.path("state/history/shop")).unwrap().count(), 0);
}

#[test]
fn a_run_held_back_keeps_nothing_until_it_is_released() {
    let server = Server::start();
    server.execute(DATABASE, TABLES);
    let space = Workspace::new();
    space.write("shop.yaml", pipeline(&server, "shop", true));
    run(&space, "shop", &[]).ok();
    let before = kept(&space);
    server.execute(DATABASE, CHANGES);
    space.write("shop.yaml", pipeline(&server, "shop", true) + "hold: {revenue_change: 0.1%}\n");
    let held = run(&space, "shop", &[]);
    assert_eq!(held.code, 5, "{}{}", held.stdout, held.stderr);
    assert_eq!(kept(&space), before);
    let name = held.json()["run_id"].as_str().unwrap().to_owned();
    space.run(&["publish", &name, "--quiet"]).ok();
    assert_eq!(kept(&space)["increments"].as_array().unwrap().len(), 2);

    // After a later one it is not released any more, and takes back nothing that that one read.
    server.execute(DATABASE, "UPDATE lines SET pieces = 50, changed = timestamptz '2025-05-03 10:00:00+00' WHERE id < 30");
    let held = run(&space, "shop", &[]).json()["run_id"].as_str().unwrap().to_owned();
    space.write("shop.yaml", pipeline(&server, "shop", true));
    run(&space, "shop", &[]).ok();
    let later = kept(&space);
    assert_eq!(space.run(&["publish", &held, "--quiet"]).code, 2);
    assert_eq!(kept(&space), later);
}

/// What a reading of a small SQLite table ends with.
fn refused(incremental: &str, rows: &str) -> String {
    let space = Workspace::new();
    let file = space.path("shop.sqlite");
    let database = Connection::open(&file).unwrap();
    database.execute("CREATE TABLE t (id, at, customer, product, n, price, changed)", []).unwrap();
    database.execute(&format!("INSERT INTO t VALUES {rows}"), []).unwrap();
    space.write(
        "shop.yaml",
        format!(
            "version: 1\nname: shop\nconnections: {{till: {{type: sqlite, path: {}}}}}\nextract:\n  sales:\n    from: till\n    \
             table: t\n    incremental: {{{incremental}}}\n    columns: {{order_id: id, customer_id: customer, product_id: product, \
             ordered_at: at, quantity: n, unit_price: price}}\npublish: {{to: out}}\n",
            file.display()
        ),
    );
    match read(&space, "state", Utc::now(), false) {
        Ok(read) => format!("{:?}", read.increment),
        Err(error) => {
            assert!(error.is_broken_contract(), "{error}");
            error.to_string()
        }
    }
}

#[test]
fn what_cannot_be_read_in_increments_is_said() {
    let two = "(1, '2026-01-01', 'a', 'p', 1, 2, '2026-01-01'), (2, '2026-01-02', 'b', 'p', 1, 2, '2026-01-02')";
    let untimed = "(1, '2026-01-01', 'a', 'p', 1, 2, '2026-01-01'), (2, '2026-01-02', 'b', 'p', 1, 2, NULL)";
    let words = "(1, '2026-01-01', 'a', 'p', 1, 2, 'soon')";
    let mixed = "(1, '2026-01-01', 'a', 'p', 1, 2, '2026-01-01'), (2, '2026-01-02', 'b', 'p', 1, 2, 17)";
    let cases = [
        ("cursor: changed, key: [id]", two, "watermark: Some(\"2026-01-02\")"),
        ("cursor: changed", two, "`line_number`, which is part of the key, is read from no column of the source"),
        ("cursor: updated, key: [id]", two, "has no column `updated`, which `incremental` names"),
        ("cursor: changed, key: [product]", two, "two of its rows have the same key"),
        ("cursor: changed, key: [id], on_null_cursor: fail", untimed, "1 rows have no value of the cursor `changed`"),
        ("cursor: changed, key: [id]", untimed, "watermark: Some(\"2026-01-01\")"),
        ("cursor: changed, key: [id]", words, "holds a value that is not a number or a time"),
        ("cursor: changed, key: [id]", mixed, "holds a value that is not a time as the others are"),
        ("cursor: changed, key: [id], lookback: 5", two, "holds times, `lookback` is of another kind"),
        ("cursor: id, key: [id], lookback: 3d", two, "holds numbers, `lookback` is of another kind"),
        ("cursor: id, key: [id], settle: 5m", two, "holds numbers, `settle` is for times"),
        ("cursor: id, key: [id]", two, "watermark: Some(\"2\")"),
    ];
    for (incremental, rows, wanted) in cases {
        let said = refused(incremental, rows);
        assert!(said.contains(wanted), "{incremental}: {said}");
        // A value may be one that only the source may show.
        assert!(!said.contains("soon"), "{incremental}: {said}");
    }
}
