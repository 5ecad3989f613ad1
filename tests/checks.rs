//! Checks of the pipeline file and guards, on a small shop: what holds, what does not, and where the limit lies.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Ran, Workspace, read};

/// Customers buy every 2 to 13 weeks up to the end of 2024; who buys more often spends more, so Champions bring the most.
const CUSTOMERS: usize = 120;

/// Order lines: order, customer, product, day, pieces, price, channel.
fn sales() -> String {
    let mut lines = String::from("order,customer,product,day,pieces,price,channel\n");
    for customer in 0..CUSTOMERS {
        let every = 14 + customer % 12 * 7;
        for (place, day) in (customer % 9..366).step_by(every).enumerate() {
            let (price, channel) = (200 - every, ["shop", "web", "phone"][customer % 3]);
            let day = 365 - day;
            let _ = writeln!(lines, "o{customer}-{place},c{customer},p{},{},1,{price},{channel}", customer % 7, date(day));
        }
    }
    lines
}

/// Day of 2024 by its number, from 0.
fn date(day: usize) -> String {
    (chrono::NaiveDate::from_ymd_opt(2024, 1, 1).unwrap() + chrono::Days::new(day as u64)).to_string()
}

fn customers() -> String {
    let row = |n: usize| {
        let email = if n < 3 { String::new() } else { format!("c{n}@example.org") };
        format!("c{n},Customer {n},{email},{}\n", ["North", "South"][n % 2])
    };
    (0..CUSTOMERS).fold("customer_id,customer_name,email,region\n".to_owned(), |text, n| text + &row(n))
}

/// Payments of every third day.
fn payments() -> String {
    let row = |n: usize| format!("y{n},c{},{},{},10\n", n % CUSTOMERS, date(n * 3), date(n * 3));
    (0..122).fold("payment_id,customer_id,due_on,paid_on,amount\n".to_owned(), |text, n| text + &row(n))
}

/// Marts that no check here looks at.
const SKIPPED: &str = "skip: [customer_clv, clv_model, clv_backtest, basket_itemsets, basket_rules, basket_run, \
    product_recommendations, next_best_product, sales_trend, product_performance, region_performance, age_band_performance, \
    value_concentration, business_segment_summary, winback_targets, cohort_average, cohort_first_purchase, retention_monthly, \
    second_purchase_survival]";

struct Shop {
    space: Workspace,
}

impl Shop {
    fn new(sales: &str) -> Self {
        let space = Workspace::new();
        space.write("drop/sales.csv", sales);
        space.write("drop/customers.csv", customers());
        space.write("drop/payments.csv", payments());
        Self { space }
    }

    /// Runs the shop with these lines at the end of its pipeline file.
    fn run(&self, as_of: &str, more: &str) -> Ran {
        let head = "version: 1\nname: shop\nconnections: {drop: {type: files, url: drop}}\nextract:\n  sales:\n    from: drop\n    \
            path: sales.csv\n    contract: {stale: warn}\n    columns: {order_id: order, customer_id: customer, \
            product_id: product, ordered_at: day, quantity: pieces, unit_price: price, channel: channel}\n  customers: {from: drop, path: customers.csv}\n  \
            payments: {from: drop, path: payments.csv}\npublish: {to: out}\n";
        let transform = if more.contains("transform:") { String::new() } else { format!("transform: {{{SKIPPED}}}\n") };
        self.space.write("shop.yaml", format!("{head}as_of: {as_of}\n{transform}{more}"));
        self.space.run(&["run", "shop.yaml", "--quiet"])
    }

    /// The folder of the latest run.
    fn folder(&self) -> PathBuf {
        let folders = fs::read_dir(self.space.path("state/runs")).unwrap().map(|e| e.unwrap().path());
        folders.max_by_key(|path| fs::metadata(path.join("run.json")).and_then(|file| file.modified()).unwrap()).unwrap()
    }

    /// Checks of the latest run, by name and table.
    fn checks(&self) -> BTreeMap<String, Value> {
        let text = fs::read(self.folder().join("checks.json")).unwrap();
        let checks: Vec<Value> = serde_json::from_slice(&text).unwrap();
        let by_name = |check: Value| (check["check"].as_str().unwrap().to_owned(), check);
        checks.into_iter().map(by_name).collect()
    }

    fn is_published(&self) -> bool {
        self.space.path("out/published.json").exists()
    }
}

fn status(checks: &BTreeMap<String, Value>, name: &str) -> String {
    checks.get(name).unwrap_or_else(|| panic!("no check {name}"))["status"].as_str().unwrap().to_owned()
}

/// Every kind once as it holds and once as it does not, and both sides of each limit. Three of 120 customers and the Unknown
/// member have no address; `c0` to `c9` are the ten with a short number.
const KINDS: &str = r#"
checks:
  - unique: {table: dim_customer, columns: [customer_id], name: ok-unique}
  - unique: {table: dim_customer, columns: region_key, where: customer_key <> 0, severity: warn, name: no-unique}
  - unique: {table: dim_customer, columns: email, name: ok-unique-of-values-that-are-there}
  - not_null: {table: dim_customer, columns: [customer_id, customer_name], where: is_known, name: ok-not-null}
  - not_null: {table: dim_customer, columns: email, where: is_known, severity: warn, name: no-not-null}
  - not_null: {table: dim_customer, columns: email, where: is_known, allow: 3, name: ok-exactly-the-count}
  - not_null: {table: dim_customer, columns: email, where: is_known, allow: 2, severity: warn, name: no-one-above-the-count}
  - not_null: {table: dim_customer, columns: email, where: is_known, allow: 2.5%, name: ok-exactly-the-share}
  - not_null: {table: dim_customer, columns: email, where: is_known, allow: 2.4999%, severity: warn, name: no-above-the-share}
  - accepted_values: {table: fact_sales, column: channel, values: [shop, web, phone], name: ok-accepted}
  - accepted_values: {table: fact_sales, column: channel, values: [shop, "it's", web], severity: warn, name: no-accepted}
  - accepted_values: {table: fact_sales, column: is_return, values: [false], name: ok-accepted-flags}
  - accepted_values: {table: fact_sales, column: line_number, values: [1], name: ok-accepted-numbers}
  - relationships: {table: staged_payments, column: customer_id, to: staged_customers, name: ok-relationship}
  - relationships: {table: fact_sales, column: customer_key, to: fact_payments, where: order_id LIKE 'o1%', name: ok-all-paid}
  - relationships: {table: dim_product, column: product_id, to: dim_customer, to_column: customer_id, where: is_known, severity: warn, name: no-relationship}
  - range: {table: fact_sales, column: unit_price, min: 109, max: 186, name: ok-range-itself}
  - range: {table: fact_sales, column: unit_price, min: 109.0001, max: 185.9999, severity: warn, name: no-range}
  - range: {table: fact_sales, column: ordered_at, min: 2024-01-01, max: as_of, name: ok-range-of-times}
  - range: {table: dim_customer, column: last_order_on, max: 2024-12-30, severity: warn, name: no-range-of-days}
  - range: {table: rfm_segment_summary, column: customer_share, max: 0.5, name: ok-range-of-shares}
  - regex: {table: dim_customer, column: email, pattern: "^c[0-9]+@example\\.org$", name: ok-regex}
  - regex: {table: dim_customer, column: customer_id, pattern: "^c[0-9]{2,}$", severity: warn, name: no-regex}
  - row_count: {table: dim_customer, min: 121, max: 121, name: ok-row-count}
  - row_count: {table: dim_customer, min: 122, severity: warn, name: no-row-count}
  - freshness: {table: fact_sales, column: date_key, max_age: 1d, name: ok-freshness}
  - freshness: {table: staged_payments, column: paid_on, max_age: 2d, name: ok-freshness-itself}
  - freshness: {table: fact_payments, column: paid_date_key, max_age: 1d, severity: warn, name: no-freshness}
  - sql: {name: ok-sql, query: "SELECT order_id FROM fact_sales WHERE ordered_at > $as_of"}
  - sql: {name: no-sql, severity: warn, query: "WITH late AS (SELECT customer_key, last_order_on FROM dim_customer) SELECT customer_key FROM late WHERE last_order_on < $as_of"}
  - sql: {name: ok-sql-of-the-snapshot-before, query: "SELECT customer_key FROM previous_customer_rfm"}
  - reconcile: {name: ok-reconcile, left: {table: fact_sales, value: SUM(net_amount)}, right: "SELECT SUM(net_amount) FROM staged_sales"}
  - reconcile: {name: ok-reconcile-itself, left: "SELECT 1000", right: "SELECT 1010", tolerance: 10}
  - reconcile: {name: ok-reconcile-share-itself, left: "SELECT 990", right: "SELECT 1000", tolerance: 1%}
  - reconcile: {name: no-reconcile, left: "SELECT 989.99", right: "SELECT 1000", tolerance: 1%, severity: warn}
  - drift: {table: dim_customer, max_drop: 0, max_rise: 0, name: ok-drift-of-the-first-run}
  - degenerate: {table: dim_customer, column: region_key, max_share: 50%, where: customer_key <> 0, name: ok-degenerate-itself}
  - degenerate: {table: dim_customer, column: region_key, max_share: 49.99%, where: customer_key <> 0, severity: warn, name: no-degenerate}
  - sql: {name: no-answer, severity: warn, query: "SELECT order_id FROM fact_sales WHERE 1 / (quantity - 1) > 0"}
"#;

#[test]
fn every_kind_holds_and_fails_as_it_should() {
    let shop = Shop::new(&sales());
    let ran = shop.run("2024-12-31", KINDS).ok();
    let checks = shop.checks();
    for (name, check) in checks.iter().filter(|(name, _)| name.starts_with("ok-") || name.starts_with("no-")) {
        let wanted = if name.starts_with("ok-") { "passed" } else { "warned" };
        assert_eq!(check["status"], wanted, "{name}: {check}");
    }
    assert_eq!(checks.keys().filter(|name| name.starts_with("ok-") || name.starts_with("no-")).count(), 39);
    let failing = |name: &str| checks[name]["failing_rows"].as_u64().unwrap();
    // Of 120 customers in two regions all but two are twins.
    assert_eq!((failing("no-unique"), failing("no-not-null"), failing("no-regex")), (118, 3, 10));
    assert_eq!((failing("no-row-count"), failing("no-relationship"), failing("no-degenerate")), (1, 7, 60));
    assert_eq!(checks["no-not-null"]["measured"], "3 of 120 rows fail");
    assert_eq!(checks["no-freshness"]["measured"], "the newest is 2024-12-29, 2 days before as_of");
    assert_eq!(checks["no-reconcile"]["measured"], "left 989.99, right 1000, 10.01 apart");
    assert!(checks["no-answer"]["measured"].as_str().unwrap().contains("cannot be answered"), "{}", checks["no-answer"]);
    assert!(checks["ok-drift-of-the-first-run"]["measured"].as_str().unwrap().contains("no snapshot of an earlier day"));
    assert_eq!(checks["ok-reconcile"]["table"], "fact_sales, staged_sales");

    assert_eq!(checks["no-not-null"]["kept"]["file"], "checks/no-not-null.parquet");
    let kept = read(&shop.folder().join("checks/no-not-null.parquet"));
    let mut without: Vec<String> = kept.column("customer_id");
    without.sort();
    assert_eq!((without, kept.column("email")), (["c0", "c1", "c2"].map(str::to_owned).into(), vec![String::new(); 3]));
    let twins = read(&shop.folder().join("checks/no-unique.parquet"));
    assert_eq!(twins.column("rows_of_key"), ["60", "60"]);
    assert!(checks["ok-exactly-the-count"]["kept"]["rows"] == 3, "rows that are let pass can be looked at");
    assert!(checks["ok-unique"].get("kept").is_none() && checks["no-row-count"].get("kept").is_none());
    assert!(
        ran.stdout.contains("rows: checks/no-regex.parquet in the run's folder holds 10 of the 10 that fail"),
        "{}",
        ran.stdout
    );

    // Every guard looks at the healthy shop and has nothing to say.
    let guards: Vec<_> = checks.iter().filter(|(name, _)| name.starts_with("guard_")).collect();
    assert_eq!(guards.len(), 8);
    assert!(guards.iter().all(|(_, check)| check["status"] == "passed"), "{guards:#?}");
    assert_eq!(shop.space.table("out", "meta_checks").map("check", "status")["no-regex"], "warned");

    let (first, snapshot) = (fs::read(shop.folder().join("checks.json")).unwrap(), shop.space.snapshot("out"));
    let again = shop.run("2024-12-31", KINDS).ok();
    assert!(again.stdout.contains("byte for byte"), "{}", again.stdout);
    assert_eq!((fs::read(shop.folder().join("checks.json")).unwrap(), shop.space.snapshot("out")), (first, snapshot));
}

#[test]
fn what_fails_publishes_nothing_and_keeps_no_more_rows_than_it_may() {
    let shop = Shop::new(&sales());
    shop.space.write("config/default.yaml", "limits: {check_rows_kept: 4}\n");
    let checks = "checks:\n  - regex: {table: dim_customer, column: customer_id, pattern: '^c[0-9]{2,}$'}\n";
    let ran = shop.run("2024-12-31", checks);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(!shop.is_published());
    assert!(ran.stderr.contains("regex_dim_customer_customer_id on dim_customer: 10 of 121 rows fail"), "{}", ran.stderr);
    assert!(ran.stderr.contains("(wanted: customer_id like ^c[0-9]{2,}$)"), "{}", ran.stderr);
    let check = &shop.checks()["regex_dim_customer_customer_id"];
    assert_eq!((&check["status"], &check["kept"]["rows"], &check["failing_rows"]), (&"failed".into(), &4.into(), &10.into()));
    let kept = read(&shop.folder().join("checks/regex_dim_customer_customer_id.parquet"));
    let all = read(&shop.folder().join("warehouse/dim_customer.parquet"));
    let short = |rows: &crate::support::Rows| {
        rows.column("customer_key")
            .iter()
            .zip(rows.column("customer_id"))
            .filter(|(_, id)| id.len() == 2)
            .map(|(key, _)| key.parse().unwrap())
            .collect::<Vec<i64>>()
    };
    let mut expected = short(&all);
    expected.sort_unstable();
    assert_eq!(short(&kept), expected[..4], "the first by all columns, whatever the threads");
    // Taken up again with fewer customers asked, the run publishes, and rows that no longer fail are gone.
    let yaml = fs::read_to_string(shop.space.path("shop.yaml")).unwrap();
    shop.space.write("shop.yaml", yaml.replace("$'}", "$', where: customer_id > 'c9'}"));
    let run = shop.folder();
    shop.space.run(&["retry", run.file_name().unwrap().to_str().unwrap(), "--quiet"]).ok();
    assert!(shop.is_published() && !run.join("checks").exists());
    // The same check as a warning may hold the next one back.
    let held = shop.run("2024-12-31", &(checks.replace("$'}", "$', severity: warn}") + "hold: {checks_warned: 1}\n"));
    assert_eq!(held.code, 5, "{}", held.stderr);
}

#[test]
fn drift_is_measured_against_the_snapshot_before() {
    let shop = Shop::new(&sales());
    let drift = |drop: &str, rise: &str| {
        format!(
            "checks:\n  - drift: {{table: fact_sales, max_drop: {drop}, max_rise: {rise}, severity: warn, name: rows}}\n  \
             - drift: {{table: fact_sales, value: SUM(net_amount), max_drop: 0%, max_rise: 0%, severity: warn, name: amount}}\n  \
             - sql: {{name: before, severity: warn, query: SELECT customer_key FROM previous_dim_customer WHERE customer_key = 0}}\n"
        )
    };
    shop.run("2024-12-31", &drift("0", "0")).ok();
    let first = shop.checks();
    assert_eq!(["rows", "amount", "before"].map(|name| status(&first, name)), ["passed", "passed", "passed"]);
    let lines = sales();
    let before = lines.lines().count() - 1;
    // Ten lines fewer.
    let kept: Vec<&str> = lines.lines().take(before + 1 - 10).collect();
    shop.space.write("drop/sales.csv", kept.join("\n"));
    for (drop, expected) in [("10", "passed"), ("9", "warned")] {
        shop.run("2025-01-01", &drift(drop, "0")).ok();
        let checks = shop.checks();
        assert_eq!(status(&checks, "rows"), expected, "{}", checks["rows"]);
        assert_eq!(checks["rows"]["measured"], format!("from {before} to {}", before - 10));
        assert_eq!((status(&checks, "amount"), status(&checks, "before")), ("warned".to_owned(), "warned".to_owned()));
    }
}

#[test]
fn what_readers_were_led_away_from_is_no_measure() {
    let shop = Shop::new(&sales());
    let drift = "checks:\n  - drift: {table: fact_sales, value: SUM(net_amount), max_drop: 0%, max_rise: 0%, severity: warn, \
        name: amount}\n";
    shop.run("2024-12-31", drift).ok();
    // Of everything three times as much.
    shop.space.write("drop/sales.csv", sales().replace(",1,", ",3,"));
    shop.run("2025-01-01", drift).ok();
    assert_eq!(status(&shop.checks(), "amount"), "warned");
    shop.space.run(&["rollback", "shop.yaml"]).ok();
    shop.space.write("drop/sales.csv", sales());
    shop.run("2025-01-02", drift).ok();
    assert_eq!((status(&shop.checks(), "amount"), spoke(&shop)), ("passed".to_owned(), Vec::new()));
}

#[test]
fn sql_that_is_wrong_or_reads_what_it_may_not_is_a_problem_of_the_file() {
    let shop = Shop::new(&sales());
    let checks = r#"checks:
  - range: {table: fact_sales, column: net_amount, min: 0, where: chanel = 'web'}
  - sql: {name: a, query: SELECT order_id FROM fact_sale}
  - sql: {name: b, query: "SELECT 1; SELECT 2"}
  - sql: {name: c, query: "CREATE TABLE x AS SELECT 1 AS a"}
  - sql: {name: d, query: "SELECT a FROM 'drop/sales.csv'"}
  - sql: {name: e, query: "COPY fact_sales TO 'x.csv'"}
  - sql: {name: f, query: "SELECT value FROM generate_series(1, 9)"}
  - sql: {name: g, query: "SELECT order_id FROM fact_sales WHERE ordered_at > now()"}
  - sql: {name: h, query: "SELECT order_id FROM fact_sales WHERE ordered_at > $today"}
  - sql: {name: i, query: "SELECT order_id FROM orders"}
  - sql: {name: j, query: "SELECT order_id, SUM(net_amounts) FROM fact_sales GROUP BY order_id"}
  - regex: {table: dim_customer, column: email, pattern: "(["}
  - reconcile: {name: k, left: SELECT channel FROM fact_sales, right: "SELECT 1, 2"}
  - drift: {table: dim_customer, value: SUM(customer_name), max_drop: 5%}
  - range: {table: fact_sales, column: net_amount, min: 0, where: "TRUE) OR (TRUE", name: l}
  - sql: {name: m, query: "INSERT INTO fact_sales SELECT 1"}
  - sql: {name: n, query: "SELECT order_id FROM fact_sales WHERE order_id IN (SELECT table_name FROM information_schema.tables)"}
"#;
    let ran = shop.run("2024-12-31", checks);
    assert_eq!(ran.code, 78, "{}\n{}", ran.stdout, ran.stderr);
    for expected in [
        "there is no column `chanel`",
        "did you mean `channel`?",
        "there is no table `fact_sale` that a check can read",
        "did you mean `fact_sales`?",
        "there is more than one statement",
        "there is no table `drop/sales.csv`",
        "now() gives another answer each time",
        "the one parameter there is, is $as_of",
        "there is no table `orders`",
        "did you mean `net_amount`?",
        "`([` is no regular expression: unclosed character class",
        "the query gives Utf8, not a number",
        "shop.yaml:",
    ] {
        assert!(ran.stderr.contains(expected), "no {expected} in\n{}", ran.stderr);
    }
    assert_eq!(ran.stderr.matches("error: ").count(), 17, "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("this is no SELECT").count(), 3, "{}", ran.stderr);
    assert!(!shop.space.path("state/runs").exists(), "nothing was run");
    let sound = shop.run("2024-12-31", "checks:\n  - row_count: {table: dim_customer, min: 1}\n").ok();
    assert!(sound.stdout.contains("Published"));
    let told = shop.space.run(&["validate", "shop.yaml"]).ok();
    assert!(told.stdout.contains("1 check of its own, 8 of 8 guards on"), "{}", told.stdout);
}

// ---- Guards

/// The guards that spoke in the latest run.
fn spoke(shop: &Shop) -> Vec<String> {
    let checks = shop.checks();
    let guards = checks.iter().filter(|(name, check)| name.starts_with("guard_") && check["status"] != "passed");
    guards.map(|(name, _)| name.trim_start_matches("guard_").to_owned()).collect()
}

#[test]
fn data_that_ends_long_before_as_of_is_told() {
    let shop = Shop::new(&sales());
    let days = format!("transform: {{value: {{at_risk: days, at_risk_days: 60d}}, {SKIPPED}}}\n");
    let ran = shop.run("2025-06-30", &days).ok();
    assert_eq!(spoke(&shop), ["all_at_risk", "no_recent_orders", "stale_source"]);
    assert!(ran.stdout.contains("120 of 120 customers are at risk (wanted: at most 90 % of them)"), "{}", ran.stdout);
    assert!(ran.stdout.contains("`guards: {all_at_risk: off}`"), "{}", ran.stdout);
    let off = "guards: {all_at_risk: off, no_recent_orders: {limit: 100}, stale_source: {severity: fail}}\n";
    let ran = shop.run("2025-06-30", &format!("{days}{off}"));
    assert_eq!((ran.code, spoke(&shop)), (3, vec!["stale_source".to_owned()]), "{}", ran.stderr);
    assert!(!shop.checks().contains_key("guard_all_at_risk"));
}

#[test]
fn customers_who_are_all_alike_are_told_and_few_are_not() {
    let alike = |count: usize| {
        let head = "order,customer,product,day,pieces,price,channel\n".to_owned();
        (0..count).fold(head, |text, n| text + &format!("o{n},c{n},p1,2024-12-01,1,10,web\n"))
    };
    let shop = Shop::new(&alike(120));
    shop.run("2024-12-31", "guards: {stale_source: off}\n").ok();
    assert_eq!(spoke(&shop), ["one_segment"]);
    let shop = Shop::new(&alike(49));
    shop.run("2024-12-31", "").ok();
    assert_eq!(spoke(&shop), Vec::<String>::new());
    assert_eq!(shop.checks()["guard_one_segment"]["measured"], "49 customers, judged from 50 on");
}

#[test]
fn champions_who_spend_less_than_the_others_are_told() {
    let whales = (0..5).fold(sales(), |text, n| text + &format!("w{n},w{n},p1,2024-01-02,1,1000000,web\n"));
    let shop = Shop::new(&whales);
    shop.run("2024-12-31", "").ok();
    assert_eq!(spoke(&shop), ["champions"]);
}

#[test]
fn a_past_that_changed_is_told() {
    let shop = Shop::new(&sales());
    shop.run("2024-12-31", "").ok();
    let lines = sales();
    // Two in three customers are gone.
    let fewer: Vec<&str> = lines.lines().filter(|line| line.starts_with("order") || line.contains(",web")).collect();
    shop.space.write("drop/sales.csv", fewer.join("\n"));
    let ran = shop.run("2025-01-01", "");
    assert_eq!((ran.code, spoke(&shop)), (3, vec!["closed_cohorts".to_owned(), "revenue_drop".to_owned()]), "{}", ran.stderr);
    assert!(ran.stderr.contains("days that were published before have lost revenue"), "{}", ran.stderr);
    let tuned = "guards: {revenue_drop: {limit: 90%}, closed_cohorts: {severity: warn, limit: 100%}}\n";
    shop.run("2025-01-01", tuned).ok();
    assert_eq!(spoke(&shop), Vec::<String>::new());
}
