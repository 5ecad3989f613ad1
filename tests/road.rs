//! Two real retailers from source to a published, proven star schema; and what users do besides.

use std::fs;

use crate::support::{Workspace, contents, published_bytes, ten_thousandths};

/// A workspace in which the shipped pipelines run.
fn shipped() -> Workspace {
    let space = Workspace::new();
    space.link("data");
    space.link("pipelines");
    space
}

/// Every hop of a published book balances.
fn assert_balanced(space: &Workspace, to: &str) {
    let book = space.table(to, "meta_reconciliation");
    assert!(book.rows.len() >= 10);
    assert!(book.column("balanced").iter().all(|b| b == "true"), "{book:?}");
}

#[test]
fn superstore_is_accounted_for_to_the_cent() {
    let space = shipped();
    space.run(&["run", "pipelines/superstore.yaml"]).ok();
    let to = "out/superstore";
    let fact = space.table(to, "fact_sales");
    assert_eq!(fact.rows.len(), 9994);
    assert_eq!(fact.sum("net_amount"), ten_thousandths("2297200.8603"));
    let mut orders = fact.column("order_id");
    orders.dedup();
    assert_eq!(orders.len(), 5009);
    assert_eq!(space.table(to, "customer_rfm").rows.len(), 793);
    assert_eq!(space.table(to, "dim_region").rows.len(), 5);
    assert_eq!(space.table(to, "region_performance").sum("net_amount"), ten_thousandths("2297200.8603"));

    let segments = space.table(to, "dim_customer").map("customer_key", "business_segment");
    let totals = [("Consumer", "1161401.3450"), ("Corporate", "706146.3668"), ("Home Office", "429653.1485")];
    for (segment, total) in totals {
        let keys = fact.column("customer_key").into_iter().zip(fact.column("net_amount"));
        let sum: i128 = keys.filter(|(key, _)| segments[key] == segment).map(|(_, amount)| ten_thousandths(&amount)).sum();
        assert_eq!(sum, ten_thousandths(total), "{segment}");
    }
    let checks = space.table(to, "meta_checks").only("status", "warned");
    let found = checks.map("check", "failing_rows");
    assert_eq!(found["customers_in_several_regions"], "766");
    assert_eq!(found["conflicting_attribute"], "32");
    // Order US-2014-150119 has one line twice.
    assert_eq!(found["repeated_lines"], "1");
    assert_eq!(found.len(), 3, "{checks:?}");
    assert_balanced(&space, to);
}

#[test]
fn chinook_is_accounted_for_to_the_cent() {
    let space = shipped();
    space.run(&["run", "pipelines/chinook.yaml"]).ok();
    let to = "out/chinook";
    let fact = space.table(to, "fact_sales");
    assert_eq!(fact.rows.len(), 2240);
    assert_eq!(fact.sum("net_amount"), ten_thousandths("2328.60"));
    let mut orders = fact.column("order_id");
    orders.dedup();
    assert_eq!(orders.len(), 412);
    assert_eq!(space.table(to, "customer_rfm").rows.len(), 59);
    // 59 customers and the Unknown member.
    assert_eq!(space.table(to, "dim_customer").rows.len(), 60);
    let days = space.table(to, "sales_trend").only("period_kind", "month");
    assert_eq!(days.sum("net_amount"), ten_thousandths("2328.60"));
    assert_balanced(&space, to);
}

/// A naive recomputation of three marts from the fact table, in plain loops.
#[test]
fn marts_equal_a_naive_recomputation() {
    let space = shipped();
    space.run(&["run", "pipelines/superstore.yaml", "--quiet"]).ok();
    let to = "out/superstore";
    let fact = space.table(to, "fact_sales");
    let lines: Vec<(String, String, String, String, i128)> = fact
        .column("product_key")
        .into_iter()
        .zip(fact.column("region_key"))
        .zip(fact.column("date_key"))
        .zip(fact.column("order_id"))
        .zip(fact.column("net_amount"))
        .map(|((((product, region), day), order), amount)| (product, region, day, order, ten_thousandths(&amount)))
        .collect();

    let trend = space.table(to, "sales_trend").only("period_kind", "month");
    for row in &trend.rows {
        let month = row[1].as_deref().unwrap()[..7].replace('-', "");
        let region = row[2].as_deref().unwrap();
        let inside: Vec<_> = lines.iter().filter(|l| l.2.starts_with(&month) && l.1 == region).collect();
        let mut orders: Vec<&str> = inside.iter().map(|l| l.3.as_str()).collect();
        orders.sort_unstable();
        orders.dedup();
        assert_eq!(row[3].as_deref().unwrap(), orders.len().to_string());
        assert_eq!(ten_thousandths(row[8].as_deref().unwrap()), inside.iter().map(|l| l.4).sum::<i128>());
    }

    let products = space.table(to, "product_performance");
    let amounts = products.map("product_key", "net_amount");
    let ranks = products.map("product_key", "revenue_rank");
    let mut best: Vec<(i128, &String)> = amounts.iter().map(|(key, amount)| (ten_thousandths(amount), key)).collect();
    for (amount, key) in &best {
        assert_eq!(*amount, lines.iter().filter(|l| l.0 == **key).map(|l| l.4).sum::<i128>());
    }
    best.sort_by_key(|(amount, key)| (-amount, key.parse::<i64>().unwrap()));
    for (place, (_, key)) in best.iter().enumerate() {
        assert_eq!(ranks[*key], (place + 1).to_string());
    }
}

#[test]
fn the_calendar_is_right() {
    use chrono::{Datelike, NaiveDate};
    let space = shipped();
    space.run(&["run", "pipelines/superstore.yaml", "--quiet"]).ok();
    let dates = space.table("out/superstore", "dim_date");
    let days = dates.column("date");
    assert_eq!((days.first().unwrap().as_str(), days.last().unwrap().as_str()), ("2014-01-01", "2017-12-31"));
    let columns = ["iso_year", "iso_week", "day_of_week", "week_start", "month_start", "quarter", "day_name", "month_name"]
        .map(|n| dates.column(n));
    for (place, day) in days.iter().enumerate() {
        let day: NaiveDate = day.parse().unwrap();
        let monday = day - chrono::TimeDelta::days(i64::from(day.weekday().num_days_from_monday()));
        let expected = [
            day.iso_week().year().to_string(),
            day.iso_week().week().to_string(),
            day.weekday().number_from_monday().to_string(),
            monday.to_string(),
            day.with_day(1).unwrap().to_string(),
            day.month().div_ceil(3).to_string(),
            day.format("%A").to_string(),
            day.format("%B").to_string(),
        ];
        for (column, expected) in columns.iter().zip(expected) {
            assert_eq!(column[place], expected, "{day}");
        }
    }
    // as_of is 30 December: the last month has not ended.
    let complete = dates.map("date", "is_complete_month");
    assert_eq!((complete["2017-11-30"].as_str(), complete["2017-12-01"].as_str()), ("true", "false"));
}

#[test]
fn the_same_input_is_the_same_snapshot_and_no_byte_changes() {
    let space = shipped();
    space.run(&["run", "pipelines/superstore.yaml", "--quiet"]).ok();
    let before = contents(&space.path("out/superstore"));
    let again = space.run(&["run", "pipelines/superstore.yaml", "--output", "json", "--quiet"]).ok().json();
    assert_eq!(again["snapshot"]["unchanged"], true);
    let mut after = contents(&space.path("out/superstore"));
    // The lock names who held it last.
    after.insert(".publish.lock".to_owned(), before[".publish.lock"].clone());
    assert_eq!(before, after);
}

#[test]
fn the_thread_count_changes_no_byte() {
    let spaces = [1, 2, 5].map(|threads| {
        let space = shipped();
        space.write("config/t.yaml", format!("engine: {{threads: {threads}}}\n"));
        space.run(&["run", "pipelines/superstore.yaml", "--env", "t", "--quiet"]).ok();
        space
    });
    let [one, two, five] = &spaces;
    assert_eq!(published_bytes(&one.path("out/superstore")), published_bytes(&two.path("out/superstore")));
    assert_eq!(published_bytes(&one.path("out/superstore")), published_bytes(&five.path("out/superstore")));
    assert_eq!(one.snapshot("out/superstore"), five.snapshot("out/superstore"));
}

#[test]
fn a_run_can_hold_back_and_look_back() {
    let space = shipped();
    let held = space.run(&["run", "pipelines/chinook.yaml", "--no-publish"]).ok();
    assert!(held.stdout.contains("Not published"), "{}", held.stdout);
    assert!(!space.path("out/chinook/published.json").exists());

    for day in ["2010-12-31", "2010-06-30", "2011-06-30"] {
        let run = space.run(&["run", "pipelines/chinook.yaml", "--as-of", day, "--output", "json", "--quiet"]).ok().json();
        assert_eq!(run["as_of"], day);
        let sales =
            run["book"].as_array().unwrap().iter().find(|h| h["hop"] == "extract" && h["entity"] == "sales").unwrap().clone();
        // What was sold later is not lost: it is counted as filtered, with its amount.
        assert!(sales["rows_filtered"].as_u64().unwrap() > 0);
        let amounts = ["amount_filtered", "amount_out"].map(|n| ten_thousandths(sales[n].as_str().unwrap()));
        assert_eq!(amounts.iter().sum::<i128>(), ten_thousandths("2328.60"));
        assert!(space.snapshot("out/chinook").starts_with(day));
    }
    assert_eq!(fs::read_dir(space.path("out/chinook/snapshots")).unwrap().count(), 3);
    let listed = space.run(&["runs", "list", "--output", "json"]).ok().json();
    assert_eq!(listed.as_array().unwrap().len(), 4);
    let shown = space.run(&["runs", "show"]).ok();
    assert!(
        shown.stdout.contains("published") && shown.stdout.contains("fact_sales") || shown.stdout.contains("extract"),
        "{}",
        shown.stdout
    );
}

#[test]
fn old_snapshots_go_and_the_current_one_stays() {
    let space = Workspace::new();
    space.link("data");
    let pipeline = fs::read_to_string(crate::support::root().join("pipelines/chinook.yaml")).unwrap();
    space.write("chinook.yaml", pipeline.replace("keep: 12", "keep: 2"));
    for day in ["2009-12-31", "2010-12-31", "2011-12-22"] {
        space.run(&["run", "chinook.yaml", "--as-of", day, "--quiet"]).ok();
    }
    let left: Vec<String> =
        contents(&space.path("out/chinook/snapshots")).into_keys().filter(|k| k.ends_with("manifest.json")).collect();
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left.iter().any(|l| l.starts_with(&space.snapshot("out/chinook"))));
}

#[test]
fn tables_can_be_looked_at() {
    let space = shipped();
    let early = space.run(&["show", "customer_rfm", "--pipeline", "pipelines/chinook.yaml"]);
    assert_eq!(early.code, 2);
    assert!(early.stderr.contains("nothing is published"), "{}", early.stderr);
    space.run(&["run", "pipelines/chinook.yaml", "--quiet"]).ok();

    let shown = space.run(&["show", "customer_rfm", "--where", "segment = 'Champions'", "--limit", "5"]).ok();
    assert!(shown.stdout.contains("customer_rfm: 5 of 11 rows that match"), "{}", shown.stdout);
    let json = space.run(&["show", "dim_region", "--output", "json", "--limit", "100"]).ok().json();
    assert_eq!(json.as_array().unwrap().len(), 25);
    assert_eq!(json[0]["region_name"], "Unknown");
    let empty = space.run(&["show", "security_user_region"]).ok();
    assert!(empty.stdout.contains("no rows"), "{}", empty.stdout);
    let rules = space.run(&["show", "basket_rules", "--top", "2"]).ok();
    assert!(rules.stdout.contains("who buys") && rules.stdout.contains("basket_rules: 2 of 4 rows"), "{}", rules.stdout);
    let best = space.run(&["show", "customer_value", "--top", "1", "--personal"]).ok();
    assert!(best.stdout.contains("Helena Hol") && best.stdout.contains("--all"), "{}", best.stdout);
    // Without being asked for, nobody's name comes on a screen.
    let best = space.run(&["show", "customer_value", "--top", "1"]).ok();
    assert!(!best.stdout.contains("Helena Hol") && best.stdout.contains(" 6 "), "{}", best.stdout);
    let people = space.run(&["show", "dim_customer", "--output", "json", "--limit", "2"]).ok().json();
    assert!(people[1]["customer_id"] == "49" && people[1]["customer_name"] == "••••••", "{people}");
    let grid = space.run(&["show", "cohort_retention", "--pivot"]).ok();
    assert!(grid.stdout.contains("Retention by first_purchase") && grid.stdout.contains("2007-01"), "{}", grid.stdout);
    let scores = space.run(&["show", "customer_rfm", "--pivot"]).ok();
    assert!(scores.stdout.contains("Champions") && scores.stdout.contains("FM"), "{}", scores.stdout);
    let flat = space.run(&["show", "dim_region", "--pivot"]);
    assert!(flat.code == 2 && flat.stderr.contains("is no grid"), "{}", flat.stderr);
    let bad = space.run(&["show", "customer_rfm", "--where", "segmnt = 'x'"]);
    assert_eq!(bad.code, 2);
    assert!(bad.stderr.contains("segmnt") && !bad.stderr.contains("?table?"), "{}", bad.stderr);

    let described = space.run(&["describe", "basket_rules"]).ok();
    assert!(described.stdout.contains("empty"), "{}", described.stdout);
    let unknown = space.run(&["describe", "custmer_rfm"]);
    assert_eq!(unknown.code, 2);
}

#[test]
fn who_shares_a_name_is_told_apart() {
    let space = Workspace::new();
    let pipeline = "version: 1\nname: shop\nas_of: 2024-12-31\nconnections: {drop: {type: files, url: drop}}\n\
        extract: {sales: {from: drop, path: lines.csv}}\npublish: {to: out}\n";
    space.write("shop.yaml", pipeline);
    let lines = "o1,c1,Ann Smith,p1,Mug,2024-05-01,1,10\no2,c2,Bob Smith,p2,Mug,2024-05-02,1,10\n\
        o3,c3,Ann Smith,p3,Cup,2024-05-03,1,10\n";
    let header = "order_id,customer_id,customer_name,product_id,product_name,ordered_at,quantity,unit_price\n";
    space.write("drop/lines.csv", header.to_owned() + lines);
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    let people = space.run(&["show", "customer_value", "--personal"]).ok().stdout;
    assert!(people.contains("Ann Smith (c1)") && people.contains("Ann Smith (c3)"), "{people}");
    assert!(people.contains("Bob Smith ") && !people.contains("Bob Smith ("), "{people}");
    let products = space.run(&["show", "product_performance"]).ok().stdout;
    assert!(products.contains("Mug (p1)") && products.contains("Mug (p2)") && !products.contains("Cup ("), "{products}");
    // Nor does an id come on a screen that is masked.
    space.write("shop.yaml", pipeline.to_owned() + "pii: [product_id]\n");
    let products = space.run(&["show", "product_performance"]).ok().stdout;
    assert!(products.contains("Mug (") && !products.contains("(p1)"), "{products}");
}

#[test]
fn wrong_words_have_their_exit_codes() {
    let space = shipped();
    assert_eq!(space.run(&["rum"]).code, 2);
    assert_eq!(space.run(&["run", "pipelines/nothing.yaml"]).code, 78);
    space.write("wrong.yaml", "version: 1\nname: wrong\n");
    let wrong = space.run(&["run", "wrong.yaml"]);
    assert_eq!(wrong.code, 78);
    assert!(wrong.stderr.contains("extract") && wrong.stderr.contains("publish"), "{}", wrong.stderr);
    assert!(!space.path("state").exists(), "a wrong file must leave nothing behind");
    for arguments in [&["completions", "bash"][..], &["schema"], &["schema", "settings"], &["--version"], &["describe"]] {
        space.run(arguments).ok();
    }
}
