//! What a tired person does at 6 a.m.: take a failed run up again, release one that is held, lead readers back.

use std::collections::BTreeMap;
use std::fs;
use std::time::Instant;

use serde_json::Value;

use crate::support::{Workspace, contents};

const PIPELINE: &str = "
version: 1
name: shop
as_of: 2024-12-31
connections: {drop: {type: files, url: drop}}
extract: {sales: {from: drop, path: lines.csv}}
publish: {to: out}
";

const HEADER: &str = "order_id,line_number,customer_id,product_id,ordered_at,quantity,unit_price\n";

/// Thirty lines of ten customers at a price.
fn lines(price: u32) -> String {
    let line = |n: u32| format!("o{},{},c{},p{},2024-{:02}-15,1,{price}\n", n / 2, n % 2 + 1, n % 10, n % 7, n % 12 + 1);
    HEADER.to_owned() + &(0..30).map(line).collect::<String>()
}

fn shop(options: &str) -> Workspace {
    let space = Workspace::new();
    space.write("shop.yaml", PIPELINE.to_owned() + options);
    space.write("drop/lines.csv", lines(10));
    space
}

/// The published files, without the lock.
fn visible(space: &Workspace) -> BTreeMap<String, Vec<u8>> {
    let mut files = contents(&space.path("out"));
    files.remove(".publish.lock");
    files
}

/// The record of the latest run.
fn latest(space: &Workspace) -> Value {
    space.run(&["runs", "show", "latest", "--output", "json"]).ok().json()["run"].clone()
}

fn id(record: &Value) -> String {
    record["run_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_failed_run_is_taken_up_again_in_its_own_record() {
    let space = shop("");
    // A file stands where a folder belongs, so that publishing fails after everything was proven.
    space.write("out/current", "in the way");
    let failed = space.run(&["run", "shop.yaml", "--quiet"]);
    assert_eq!(failed.code, 1, "{}", failed.stderr);
    let first = latest(&space);
    assert_eq!(first["status"], "failed");

    // The source changes in the meantime: the run that is taken up has read it already.
    fs::remove_file(space.path("out/current")).unwrap();
    space.write("drop/lines.csv", lines(99));
    let again = space.run(&["retry", &id(&first)]).ok();
    assert!(again.stdout.contains("Published"), "{}", again.stdout);
    let record = latest(&space);
    assert_eq!((id(&record), &record["status"]), (id(&first), &Value::from("published")));
    assert_eq!(record["day"], first["day"]);
    let attempts = record["earlier_attempts"].as_array().unwrap();
    assert_eq!((attempts.len(), &attempts[0]["status"], &attempts[0]["failed_stage"]), (1, &"failed".into(), &"publish".into()));
    assert_eq!(space.table("out", "fact_sales").sum("net_amount"), 30 * 10 * 10_000);

    // And gives the bytes that a run of its own gives.
    let other = shop("");
    other.run(&["run", "shop.yaml", "--quiet"]).ok();
    assert_eq!(space.snapshot("out"), other.snapshot("out"));
    let twice = space.run(&["retry", &id(&first)]);
    assert_eq!(twice.code, 2);
    assert!(twice.stderr.contains("is published: there is nothing to take up again"), "{}", twice.stderr);
}

#[test]
fn a_run_that_is_days_late_leaves_out_what_was_sold_since() {
    let space = shop("");
    let source = "path: lines.csv, rejects: {fail: 4%}";
    space.write("shop.yaml", PIPELINE.replace("as_of: 2024-12-31\n", "").replace("path: lines.csv", source));
    fs::remove_file(space.path("drop/lines.csv")).unwrap();
    assert_eq!(space.run(&["run", "shop.yaml", "--quiet"]).code, 1);
    let run = id(&latest(&space));
    // As if its slot had come due in November of 2024.
    let path = space.path("state/runs").join(&run).join("run.json");
    let mut record: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    record["day"] = "2024-11-30".into();
    fs::write(&path, record.to_string()).unwrap();

    // Two lines of December are left out; one of a day that has not come is still a fault.
    space.write("drop/lines.csv", lines(10) + "o99,1,c1,p1,2190-01-15,1,10\n");
    space.run(&["retry", &run]).ok();
    let book = crate::sources::book(&space, "extract", "sales");
    assert_eq!((&book["rows_filtered"], &book["rows_rejected"]), (&Value::from(2), &Value::from(1)), "{book}");
    assert_eq!(space.table("out", "fact_sales").sum("net_amount"), 28 * 10 * 10_000);
    assert_eq!(latest(&space)["as_of"], "2024-11-15");
}

#[test]
fn what_was_staged_is_read_again_if_it_is_not_what_it_was() {
    for damage in ["file", "mapping", "connection"] {
        let space = shop("");
        space.write("out/current", "in the way");
        assert_eq!(space.run(&["run", "shop.yaml", "--quiet"]).code, 1);
        fs::remove_file(space.path("out/current")).unwrap();
        space.write("drop/lines.csv", lines(20));
        let first = id(&latest(&space));
        if damage == "file" {
            let staged = space.path("state/runs").join(&first).join("staged/sales.parquet");
            let mut bytes = fs::read(&staged).unwrap();
            bytes[100] ^= 1;
            fs::write(&staged, bytes).unwrap();
        } else if damage == "connection" {
            space.write("right/lines.csv", lines(20));
            space.write("shop.yaml", PIPELINE.replace("url: drop", "url: right"));
        } else {
            space.write("shop.yaml", PIPELINE.replace("path: lines.csv", "path: lines.csv, where: quantity > 0"));
        }
        let again = space.run(&["retry", &first]).ok();
        assert!(again.stderr.contains("the sources are read again"), "{damage}: {}", again.stderr);
        assert_eq!(space.table("out", "fact_sales").sum("net_amount"), 30 * 20 * 10_000, "{damage}");
    }
}

#[test]
fn a_held_run_is_seen_by_nobody_until_it_is_released() {
    let space = shop("hold: {revenue_change: 50%}\n");
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    let before = visible(&space);

    space.write("drop/lines.csv", lines(30));
    let held = space.run(&["run", "shop.yaml", "--quiet"]);
    assert_eq!(held.code, 5, "{}{}", held.stdout, held.stderr);
    assert!(held.stdout.contains("revenue goes from 300.0000 to 900.0000 (+200.0 %)"), "{}", held.stdout);
    assert_eq!(visible(&space), before);
    let record = latest(&space);
    assert_eq!(record["status"], "held");

    // What is released is what was looked at, whatever the source says by then.
    space.write("drop/lines.csv", lines(1));
    space.run(&["publish", &id(&record)]).ok();
    assert_eq!(space.table("out", "fact_sales").sum("net_amount"), 900 * 10_000);
    assert_eq!(latest(&space)["earlier_attempts"][0]["status"], "held");
    let twice = space.run(&["publish", &id(&record)]);
    assert!(twice.code == 2 && twice.stderr.contains("not held"), "{}", twice.stderr);

    // A change within the threshold goes out by itself.
    space.write("drop/lines.csv", lines(31));
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
}

#[test]
fn a_held_run_is_released_as_it_was_seen_or_not_at_all() {
    let options = "hold: {revenue_change: 50%}\n";
    for change in ["limit", "option", "file"] {
        let space = shop(options);
        space.run(&["run", "shop.yaml", "--quiet"]).ok();
        let before = visible(&space);
        space.write("drop/lines.csv", lines(30));
        assert_eq!(space.run(&["run", "shop.yaml", "--quiet"]).code, 5);
        let held = id(&latest(&space));
        space.write("drop/lines.csv", lines(9000));
        match change {
            "limit" => {
                let limited = PIPELINE.replace("path: lines.csv", "path: lines.csv, rejects: {fail: 5%}");
                space.write("shop.yaml", limited + options);
            }
            "option" => {
                space.write("shop.yaml", PIPELINE.to_owned() + options + "transform: {value: {comeback_gap: 90d}}\n");
            }
            _ => fs::remove_file(space.path("state/runs").join(&held).join("staged/sales.parquet")).unwrap(),
        }
        let refused = space.run(&["publish", &held]);
        assert_eq!(refused.code, 2, "{change}: {}{}", refused.stdout, refused.stderr);
        for words in ["cannot be published as it was seen", "run the pipeline anew (consumer360 run shop.yaml)"] {
            assert!(refused.stderr.contains(words), "{change}: {}", refused.stderr);
        }
        assert_eq!(visible(&space), before, "{change}");
        assert_eq!(latest(&space)["status"], "held", "{change}");
        if change != "file" {
            // It was refused and not lost: with the file as it was, it goes out as it was seen.
            space.write("shop.yaml", PIPELINE.to_owned() + options);
            space.run(&["publish", &held]).ok();
            assert_eq!(space.table("out", "fact_sales").sum("net_amount"), 900 * 10_000, "{change}");
        }
    }
}

#[test]
fn what_was_held_before_the_run_that_readers_see_leads_nobody_back() {
    let space = shop("hold: {revenue_change: 50%}\n");
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    space.write("drop/lines.csv", lines(30));
    assert_eq!(space.run(&["run", "shop.yaml", "--quiet"]).code, 5);
    let held = id(&latest(&space));
    space.write("drop/lines.csv", lines(11));
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    let before = visible(&space);
    let refused = space.run(&["publish", &held]);
    assert!(refused.code == 2 && refused.stderr.contains("has published since"), "{}", refused.stderr);
    assert_eq!(visible(&space), before);
}

#[test]
fn a_place_has_the_tables_of_one_pipeline() {
    let space = shop("");
    for price in [10, 20] {
        space.write("drop/lines.csv", lines(price));
        space.run(&["run", "shop.yaml", "--quiet"]).ok();
    }
    let before = visible(&space);
    space.write("other.yaml", PIPELINE.replace("name: shop", "name: other"));
    for command in [
        "run other.yaml --quiet",
        "doctor other.yaml",
        "plan other.yaml",
        "rollback other.yaml",
        "rollback other.yaml --list",
        "show rfm_segment_summary --pipeline other.yaml",
        "export rfm_segment_summary --pipeline other.yaml --to segments.csv",
        "report other.yaml --to other.html",
        "powerbi other.yaml --to other",
        "diff other.yaml",
        "backfill other.yaml --from 2024-12-31 --to 2024-12-31 --every 7",
    ] {
        let refused = space.run(&command.split(' ').collect::<Vec<_>>());
        let said = refused.stdout + &refused.stderr;
        assert!(refused.code == 1 && said.contains("out holds what pipeline `shop` publishes"), "{command}: {said}");
    }
    assert_eq!(visible(&space), before);
    // What was refused before it began is no run of the other.
    let runs = space.run(&["runs", "list", "--pipeline", "other", "--output", "json"]).ok().json();
    assert_eq!(runs.as_array().unwrap().len(), 1, "{runs:#}");
    space.run(&["rollback", "shop.yaml"]).ok();
}

#[test]
fn a_plan_knows_what_readers_were_led_back_from_and_new_options() {
    let space = shop("");
    let plan = |code: i32| {
        let ran = space.run(&["plan", "shop.yaml"]);
        assert_eq!(ran.code, code, "{}{}", ran.stdout, ran.stderr);
        ran.stdout
    };
    plan(8);
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    plan(0);
    space.write("shop.yaml", PIPELINE.to_owned() + "transform: {value: {comeback_gap: 90d}}\n");
    assert!(plan(8).contains("are not those of the last published run"));
    let first = space.snapshot("out");
    space.write("drop/lines.csv", lines(12));
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    plan(0);
    // After a rollback the next run leads readers on again, and says so.
    space.run(&["rollback", "shop.yaml", &first]).ok();
    plan(8);
    let again = space.run(&["run", "shop.yaml", "--quiet"]).ok();
    assert!(again.stdout.contains("\nPublished: snapshot"), "{}", again.stdout);
    assert_ne!(space.snapshot("out"), first);
    let same = space.run(&["run", "shop.yaml", "--quiet"]).ok();
    assert!(same.stdout.contains("Already published, byte for byte"), "{}", same.stdout);
}

#[test]
fn a_source_that_is_mended_is_not_held_against_what_readers_were_led_away_from() {
    let space = shop("");
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    let (right, sound) = (space.snapshot("out"), lines(10));
    // A day that never was, and twice as many lines besides.
    let wrong: String = (0..70).map(|n| format!("x{n},1,c1,p1,2024-12-30,1,10\n")).collect();
    space.write("drop/lines.csv", sound.clone() + &wrong);
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    space.write("drop/lines.csv", &sound);
    // As long as readers see it, it is the measure.
    let stale = space.run(&["run", "shop.yaml", "--quiet"]);
    assert!(stale.code == 4 && stale.stderr.contains("less than half"), "{} {}", stale.code, stale.stderr);
    space.run(&["rollback", "shop.yaml"]).ok();
    assert_eq!(space.run(&["plan", "shop.yaml"]).code, 8);
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    assert_eq!(space.snapshot("out"), right);
}

#[test]
fn what_leads_readers_is_put_right_by_the_next_run() {
    let space = shop("");
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    let snapshot = space.snapshot("out");
    let damage = || space.write("out/published.json", "{\"snapshot\": ");
    damage();
    let shown = space.run(&["show", "customer_rfm", "--pipeline", "shop.yaml"]);
    assert!(shown.code == 1 && shown.stderr.contains("help: it is damaged"), "{} {}", shown.code, shown.stderr);
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    assert_eq!(space.snapshot("out"), snapshot);
    // Where a run is to be compared with what readers see, somebody has to look first. What is advised works.
    damage();
    space.write("shop.yaml", PIPELINE.to_owned() + "hold: {revenue_change: 30%}\n");
    let failed = space.run(&["run", "shop.yaml", "--quiet"]);
    assert!(failed.code == 1 && failed.stderr.contains("move it away"), "{} {}", failed.code, failed.stderr);
    fs::remove_file(space.path("out/published.json")).unwrap();
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    assert_eq!(space.snapshot("out"), snapshot);
}

#[test]
fn customers_on_the_move_hold_a_run() {
    let space = shop("hold: {segment_migration: 1%}\n");
    space.run(&["run", "shop.yaml", "--quiet", "--as-of", "2024-08-31"]).ok();
    let before = visible(&space);
    let held = space.run(&["run", "shop.yaml", "--quiet"]);
    assert_eq!(held.code, 5, "{}{}", held.stdout, held.stderr);
    assert!(held.stdout.contains("customers change their segment"), "{}", held.stdout);
    assert_eq!(visible(&space), before);
}

#[test]
fn readers_are_led_back_at_once_and_it_is_on_record() {
    let space = shop("");
    let nothing = space.run(&["rollback", "shop.yaml"]);
    assert_eq!(nothing.code, 1, "{}", nothing.stderr);
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    let (first, bytes) = (space.snapshot("out"), visible(&space));
    let alone = space.run(&["rollback", "shop.yaml"]);
    assert!(alone.code == 1 && alone.stderr.contains("there is none before"), "{}", alone.stderr);
    for price in [20, 30] {
        space.write("drop/lines.csv", lines(price));
        space.run(&["run", "shop.yaml", "--quiet"]).ok();
    }
    let last = space.snapshot("out");

    let started = Instant::now();
    let back = space.run(&["rollback", "shop.yaml", &first]).ok();
    // Nothing is computed for it; the room is for a machine that is busy with other tests.
    assert!(started.elapsed().as_secs_f64() < 10.0, "{:?}", started.elapsed());
    assert!(back.stdout.contains(&first) && back.stdout.contains(&last), "{}", back.stdout);
    // Without a schedule there is nothing to pause.
    let by_hand = "Until the cause is mended: take `run shop.yaml` out of whatever starts it, such as cron\n";
    assert!(back.stdout.ends_with(by_hand), "{}", back.stdout);
    assert_eq!(space.snapshot("out"), first);
    let now = visible(&space);
    for (name, content) in bytes.iter().filter(|(name, _)| name.starts_with("current/")) {
        assert_eq!(now.get(name), Some(content), "{name}");
    }
    // They are told what they were told then, and what they were led away from.
    let pointer = |files: &BTreeMap<String, Vec<u8>>| serde_json::from_slice::<Value>(&files["published.json"]).unwrap();
    let mut told = pointer(&now);
    let withdrawn = told.as_object_mut().unwrap().remove("withdrawn").unwrap();
    assert!(withdrawn.as_array().unwrap().contains(&Value::from(last.as_str())), "{withdrawn}");
    assert_eq!(told, pointer(&bytes));
    let record = latest(&space);
    assert_eq!((&record["status"], &record["snapshot"]), (&"rolled_back".into(), &first.as_str().into()));
    assert_eq!(record["message"], format!("readers were led back from {last} to {first}"));
    let led_back = format!("readers were led back to {first}");
    let stands = || space.run(&["status"]).ok().stdout;
    assert!(stands().contains(&led_back), "{}", stands());
    assert_eq!(space.run(&["status", "--output", "json"]).ok().json()[0]["led_back_to"], first.as_str());

    // A name that is misspelt is no run that failed.
    let unknown = space.run(&["rollback", "shop.yaml", "2023-"]);
    assert_eq!(latest(&space), record);
    assert!(unknown.code == 1 && unknown.stderr.contains("none is named 2023-") && unknown.stderr.contains(&first));
    let listed = space.run(&["rollback", "shop.yaml", "--list"]).ok();
    assert_eq!(listed.stdout.lines().count(), 4);
    let left = listed.stdout.lines().find(|line| line.starts_with(&last)).unwrap();
    assert!(left.ends_with("readers were led away from it"), "{}", listed.stdout);
    let told = space.run(&["rollback", "shop.yaml", "--list", "--output", "json"]).ok().json();
    for one in told.as_array().unwrap() {
        let is_first = one["snapshot"] == *first;
        assert_eq!((&one["is_seen"], &one["is_withdrawn"]), (&is_first.into(), &(!is_first).into()), "{one:#}");
    }
    // The next run publishes as ever.
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    assert_eq!(space.snapshot("out"), last);
    assert!(!pointer(&visible(&space))["withdrawn"].to_string().contains(&last));
    // With one, what is advised works.
    space.write("shop.yaml", PIPELINE.to_owned() + "schedule: {cron: '0 6 * * *'}\n");
    let back = space.run(&["rollback", "shop.yaml"]).ok();
    assert!(back.stdout.ends_with("Until the cause is mended: consumer360 schedule pause shop.yaml\n"), "{}", back.stdout);
    space.run(&["schedule", "pause", "shop.yaml"]).ok();
}
