//! Days past, made after the fact, and what a run would read before it does.

use serde_json::{Value, json};

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
    // Each has its story to itself.
    for one in made.as_array().unwrap() {
        let log =
            std::fs::read_to_string(space.path(&format!("state/runs/{}/log.ndjson", one["run_id"].as_str().unwrap()))).unwrap();
        assert_eq!(log.matches("\"started\"").count(), 1, "{log}");
    }
    // Each is what a run of its day publishes.
    let plain = shop("", 6, "");
    for one in made.as_array().unwrap() {
        let run = plain.run(&["run", "shop.yaml", "--as-of", one["as_of"].as_str().unwrap(), "--quiet", "--output", "json"]);
        assert_eq!(run.ok().json()["snapshot"]["id"], one["snapshot"]);
    }
    // Where their records are lost too, they come back as what they were.
    std::fs::remove_dir_all(space.path("state")).unwrap();
    space.run(&["state", "repair", "shop.yaml"]).ok();
    let runs = space.run(&["--output", "json", "runs", "list"]).ok().json();
    let is = |status: &str| runs.as_array().unwrap().iter().filter(|run| run["status"] == status).count();
    assert_eq!((is("published"), is("not_published")), (1, 3), "{runs:#}");
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
    std::fs::remove_file(space.path("drop/products.csv")).unwrap();
    let stopped = backfill(&space, &["--from", "2025-07-14", "--to", "2025-07-14", "--every", "7"]);
    assert!(stopped.code == 1 && stopped.stderr.contains("2025-07-14, after 0 days"), "{} {}", stopped.code, stopped.stderr);
}

#[test]
fn days_before_the_first_sale_are_passed_over() {
    let space = shop("", 9, "");
    let early = |says: &str| {
        let ran = space.run(&["run", "shop.yaml", "--as-of", "2024-12-31", "--quiet"]);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains(says) && !ran.stderr.contains("mend the source"), "{}", ran.stderr);
        let last = space.run(&["runs", "list", "--output", "json"]).ok().json();
        assert_eq!(last[0]["status"], "failed");
    };
    // Whether or not there is a run that it could be compared with.
    early("no sale up to 2024-12-31; the first is of 2025-01-01");
    run(&space, "2025-07-07");
    early("no sale up to 2024-12-31; the first is of 2025-01-01");

    let before = published(&space);
    let made = backfill(&space, &["--from", "2024-12-20", "--to", "2025-01-09", "--every", "5"]).ok();
    let lines: Vec<&str> = made.stdout.lines().collect();
    assert_eq!(lines.len(), 5, "{}", made.stdout);
    for (line, day) in lines.iter().zip(["2024-12-20", "2024-12-25", "2024-12-30"]) {
        assert_eq!(*line, format!("{day}  passed over: no sale up to then; the first is of 2025-01-01"));
    }
    for (line, day) in lines.iter().skip(3).zip(["2025-01-04", "2025-01-09"]) {
        assert!(line.starts_with(&format!("{day}  snapshot {day}-")), "{line}");
    }
    assert_eq!(published(&space), before);
    // One run was enough to learn it.
    let runs = space.run(&["runs", "list", "--output", "json"]).ok().json();
    assert_eq!(runs.as_array().unwrap().iter().filter(|run| run["status"] == "failed").count(), 3);
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
    assert_eq!((&quiet["sources"][0]["to"], &quiet["sources"][0]["rows"]), (&"2025-07-19".into(), &3.into()));
    assert_eq!(quiet["tables"]["Star"][0], "fact_sales");
    let text = space.run(&["plan", "shop.yaml"]).ok().stdout;
    assert!(text.contains("from 2025-07-16 23:00:00 to 2025-07-19 "), "{text}");
    let replaced = format!("as of the newest sale, in the place of {}:\n  Star ", space.snapshot("out"));
    assert!(text.contains(&replaced) && text.contains("rfm_segment_summary"), "{text}");
    assert!(text.contains("Nothing new") && text.contains("0 rows newer than 2025-07-19, 200 kept, 200 there"), "{text}");

    let database = rusqlite::Connection::open(space.path("shop.sqlite")).unwrap();
    database.execute("INSERT INTO lines VALUES (900, 'c1', 'p1', '2025-07-20', 1, 2.5, '2025-07-20')", []).unwrap();
    assert_eq!(plan(8)["sources"][0]["rows"], 4);
    database.execute("DELETE FROM lines WHERE no IN (900, 17)", []).unwrap();
    assert_eq!(plan(8)["sources"][0]["why"], "0 rows newer than 2025-07-19, 200 kept, 199 there");
    space.write("shop.yaml", std::fs::read_to_string(space.path("shop.yaml")).unwrap().replace("2d", "3d"));
    assert_eq!(plan(8)["sources"][0]["why"], "the pipeline file describes it anew");
}

fn run(space: &Workspace, day: &str) {
    space.run(&["run", "shop.yaml", "--as-of", day, "--quiet"]).ok();
}

/// The days of the snapshots, and whether readers never saw them.
fn snapshots(space: &Workspace) -> Vec<(String, bool)> {
    let listed = space.run(&["rollback", "shop.yaml", "--list", "--output", "json"]).ok().json();
    let of = |one: &Value| (one["as_of"].as_str().unwrap().to_owned(), one["behind"].as_bool().unwrap_or(false));
    let mut snapshots: Vec<_> = listed.as_array().unwrap().iter().map(of).collect();
    snapshots.sort();
    snapshots
}

#[test]
fn a_run_that_is_retried_does_what_it_was_asked() {
    let space = shop("", 6, "");
    run(&space, "2025-07-07");
    let before = published(&space);
    let file = space.path("drop/products.csv");
    let products = std::fs::read(&file).unwrap();
    let retried = |fails: &[&str]| {
        std::fs::remove_file(&file).unwrap();
        assert_ne!(space.run(fails).code, 0);
        std::fs::write(&file, &products).unwrap();
        space.run(&["retry", "latest", "--quiet"]).ok();
        assert_eq!(published(&space), before);
    };
    retried(&["backfill", "shop.yaml", "--from", "2025-06-16", "--to", "2025-06-16", "--every", "7", "--quiet"]);
    assert_eq!(snapshots(&space), [("2025-06-16".to_owned(), true), ("2025-07-07".to_owned(), false)]);
    retried(&["run", "shop.yaml", "--as-of", "2025-07-14", "--no-publish", "--quiet"]);
    assert_eq!(snapshots(&space).len(), 2);
    let runs = space.run(&["runs", "list", "--output", "json"]).ok().json();
    assert_eq!((&runs[0]["status"], &runs[0]["publish"]), (&"not_published".into(), &"not".into()));
}

#[test]
fn readers_are_led_back_to_what_they_saw() {
    let space = shop("", 9, "");
    run(&space, "2025-07-07");
    let seen = space.snapshot("out");
    backfill(&space, &["--from", "2025-06-16", "--to", "2025-06-30", "--every", "7"]).ok();
    run(&space, "2025-07-14");
    let compared = space.run(&["diff", "shop.yaml", "--output", "json"]);
    assert_eq!((compared.code, compared.json()["before"]["snapshot"].as_str()), (8, Some(seen.as_str())));
    space.run(&["rollback", "shop.yaml"]).ok();
    assert_eq!(space.snapshot("out"), seen);
    let alone = space.run(&["rollback", "shop.yaml"]);
    assert!(alone.code == 1 && alone.stderr.contains("there is none before"), "{}", alone.stderr);
    let listed = space.run(&["rollback", "shop.yaml", "--list"]).ok().stdout;
    assert_eq!(listed.matches("added behind what readers saw").count(), 3, "{listed}");
    // One that a run leads them to after all is one that they saw.
    run(&space, "2025-06-30");
    assert_eq!(published(&space)["as_of"], "2025-06-30");
    let behind: Vec<String> = snapshots(&space).into_iter().filter(|(_, behind)| *behind).map(|(day, _)| day).collect();
    assert_eq!(behind, ["2025-06-16", "2025-06-23"]);
}

#[test]
fn what_readers_were_led_away_from_is_neither_kept_nor_a_way_back() {
    let space = shop("", 2, "");
    run(&space, "2025-07-07");
    let seen = space.snapshot("out");
    run(&space, "2025-07-08");
    let wrong = space.snapshot("out");
    space.run(&["rollback", "shop.yaml"]).ok();
    assert_eq!((space.snapshot("out"), &published(&space)["withdrawn"]), (seen.clone(), &json!([wrong])));
    run(&space, "2025-07-09");
    let mended = space.snapshot("out");
    let days: Vec<String> = snapshots(&space).into_iter().map(|(day, _)| day).collect();
    assert_eq!(days, ["2025-07-07", "2025-07-09"]);
    space.run(&["rollback", "shop.yaml"]).ok();
    assert_eq!((space.snapshot("out"), &published(&space)["withdrawn"]), (seen, &json!([mended])));
    // Led to it again, they have left nothing that is wrong.
    space.run(&["rollback", "shop.yaml", &mended]).ok();
    assert_eq!((space.snapshot("out"), &published(&space)["withdrawn"]), (mended, &Value::Null));
}

#[test]
fn a_day_that_readers_were_led_away_from_is_made_anew() {
    let space = shop("", 9, "");
    run(&space, "2025-07-07");
    run(&space, "2025-07-08");
    let wrong = space.snapshot("out");
    space.run(&["rollback", "shop.yaml"]).ok();
    let seen = published(&space);
    let day = ["--from", "2025-07-08", "--to", "2025-07-08", "--every", "1"];
    // As long as readers see an earlier day, it would lead them on.
    let passed = backfill(&space, &day).ok().stdout;
    let advice = "passed over: readers were led away from it; `consumer360 run shop.yaml --as-of 2025-07-08` leads them";
    assert!(passed.contains(advice), "{passed}");
    assert_eq!(published(&space), seen);

    run(&space, "2025-07-09");
    let same = backfill(&space, &day).ok().stdout;
    assert!(same.contains(&wrong) && same.contains("the very one that readers were led away from"), "{same}");
    let database = rusqlite::Connection::open(space.path("shop.sqlite")).unwrap();
    database.execute("UPDATE lines SET price = 3 WHERE no = 180", []).unwrap();
    let made = backfill(&space, &[&day[..], &["--output", "json"]].concat()).ok().json();
    assert!(made[0]["made"] == true && made[0]["snapshot"] != wrong.as_str(), "{made:#}");
    let again = backfill(&space, &day).ok().stdout;
    assert!(again.contains("is there already"), "{again}");
    assert_eq!(published(&space)["as_of"], "2025-07-09");
}

#[test]
fn days_past_go_before_what_readers_saw() {
    let space = shop("", 3, "");
    run(&space, "2025-07-07");
    backfill(&space, &["--from", "2025-06-23", "--to", "2025-06-30", "--every", "7"]).ok();
    run(&space, "2025-07-08");
    let left = snapshots(&space);
    let left: Vec<(&str, bool)> = left.iter().map(|(day, behind)| (day.as_str(), *behind)).collect();
    assert_eq!(left, [("2025-06-30", true), ("2025-07-07", false), ("2025-07-08", false)]);
}

#[test]
fn a_plan_is_quiet_until_there_is_something_new() {
    let space = shop("incremental: {cursor: changed, key: [no]}", 6, "as_of: 2025-07-20\n");
    let plan = |code: i32| {
        let ran = space.run(&["plan", "shop.yaml", "--output", "json"]);
        assert_eq!(ran.code, code, "{}{}", ran.stdout, ran.stderr);
    };
    // Times to the microsecond, as texts.
    let database = rusqlite::Connection::open(space.path("shop.sqlite")).unwrap();
    database.execute("UPDATE lines SET changed = changed || 'T10:00:00.250000'", []).unwrap();
    run(&space, "2025-07-19");
    // Of another day than the pipeline's.
    plan(8);
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    plan(0);
    // What changed while the last run read may not have been read by it.
    let runs = space.run(&["runs", "list", "--output", "json"]).ok().json();
    let time = |name: &str| runs[0][name].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let (started, finished) = (time("started_at"), time("finished_at"));
    let file = std::fs::File::options().write(true).open(space.path("drop/products.csv")).unwrap();
    file.set_modified((started + (finished - started) / 2).into()).unwrap();
    plan(8);
    file.set_modified((started - chrono::TimeDelta::seconds(1)).into()).unwrap();
    plan(0);
}
