//! A generated shop with planted faults: every fault is found, none more, and the books balance.

use std::collections::BTreeMap;
use std::fs;

use crate::support::{Rows, Workspace, read, ten_thousandths};

fn pipeline(format: &str) -> String {
    format!(
        "
version: 1
name: shop
as_of: 2025-12-31
connections: {{shop: {{type: files, url: shop}}}}
extract:
  sales:
    from: shop
    path: order_lines.{format}
    columns:
      order_id: order_id
      line_number: line_no
      ordered_at: order_ts
      customer_id: customer_id
      product_id: product_id
      quantity: quantity
      unit_price: unit_price
      discount_amount: discount
      region: region
      channel: channel
    deduplicate: {{exact: true}}
    rejects: {{warn: 1%, fail: 20%}}
  customers:
    from: shop
    path: customers.{format}
    columns: {{customer_id: customer_id, customer_name: customer_name, email: email, business_segment: segment, region: region, country: country, city: city, birth_on: birth_date, signup_on: signup_date}}
  products:
    from: shop
    path: products.{format}
    columns: {{product_id: product_id, product_name: product_name, category: category, subcategory: subcategory, brand: brand, list_price: list_price, unit_cost: unit_cost}}
  payments:
    from: shop
    path: payments.{format}
    columns: {{payment_id: payment_id, customer_id: customer_id, order_id: order_id, due_on: due_date, paid_on: paid_date, amount: amount, status: status}}
  tickets:
    from: shop
    path: tickets.{format}
    columns: {{ticket_id: ticket_id, customer_id: customer_id, opened_at: opened_at, resolved_at: resolved_at, category: category, priority: priority, satisfaction: satisfaction}}
publish: {{to: out}}
"
    )
}

struct Shop {
    space: Workspace,
    summary: serde_json::Value,
    rejects: Rows,
}

fn run(format: &str, lines: &str, dirt: &str) -> Shop {
    let space = Workspace::new();
    space.run(&["sample", "--lines", lines, "--seed", "42", "--to", "shop", "--format", format, "--dirt", dirt]).ok();
    space.write("shop.yaml", pipeline(format));
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    let summary = serde_json::from_slice(&fs::read(space.path("shop/summary.json")).unwrap()).unwrap();
    let run = fs::read_dir(space.path("state/runs")).unwrap().next().unwrap().unwrap().path();
    let rejects = read(&run.join("rejects/sales.parquet"));
    Shop { space, summary, rejects }
}

fn found(shop: &Shop) -> BTreeMap<&'static str, u64> {
    let mut found = BTreeMap::new();
    for (column, reason) in shop.rejects.column("column").iter().zip(shop.rejects.column("reason")) {
        let fault = match (column.as_str(), reason.as_str()) {
            ("unit_price", "is not a number") => "unparseable_number",
            ("unit_price", "is negative") => "negative_price",
            ("ordered_at", reason) if reason.contains("lies after") => "future_date",
            ("(record)", reason) if reason.contains("not valid in the file's encoding") => "wrong_encoding",
            other => panic!("a reject nobody planted: {other:?}"),
        };
        *found.entry(fault).or_default() += 1;
    }
    let checks = shop.space.table("out", "meta_checks").map("check", "failing_rows");
    for (check, fault) in [("anonymous_sales", "missing_customer"), ("orphan_products", "orphan_product")] {
        found.insert(fault, checks.get(check).map_or(0, |n| n.parse().unwrap()));
    }
    assert!(!checks.contains_key("orphan_customers"));
    let book = shop.space.table("out", "meta_reconciliation");
    let extract = book.only("hop", "extract").only("entity", "sales");
    found.insert("duplicate_line", extract.column("rows_deduplicated")[0].parse().unwrap());
    found
}

fn assert_every_fault_is_found(format: &str) {
    let shop = run(format, "6000", "0.05");
    let found = found(&shop);
    let planted = shop.summary["planted"].as_object().unwrap();
    assert_eq!(planted.len(), 7);
    for (fault, count) in planted {
        assert_eq!(found.get(fault.as_str()).copied().unwrap_or_default(), count.as_u64().unwrap(), "{fault}");
        let only_in_csv = fault == "wrong_encoding" && format == "parquet";
        assert!(only_in_csv || count.as_u64().unwrap() > 20, "{fault} was hardly planted");
    }

    let expected = &shop.summary["expected"];
    let fact = shop.space.table("out", "fact_sales");
    assert_eq!(fact.rows.len() as u64, expected["lines_loaded"].as_u64().unwrap());
    assert_eq!(fact.sum("net_amount"), ten_thousandths(expected["net_amount"].as_str().unwrap()));
    let mut orders = fact.column("order_id");
    orders.dedup();
    assert_eq!(orders.len() as u64, expected["orders"].as_u64().unwrap());
    let book = shop.space.table("out", "meta_reconciliation");
    assert!(book.column("balanced").iter().all(|b| b == "true"), "{book:?}");
    let sales = book.only("hop", "extract").only("entity", "sales");
    assert_eq!(sales.column("rows_in"), [shop.summary["rows"]["order_lines"].to_string()]);
    // Every one of the seven entities' records has a place.
    for entity in ["payments", "tickets", "customers", "products"] {
        let hop = book.only("hop", "star").only("entity", entity);
        assert_eq!(hop.column("rows_loaded"), [shop.summary["rows"][entity].to_string()], "{entity}");
    }
}

#[test]
fn every_planted_fault_is_found_in_csv() {
    assert_every_fault_is_found("csv");
}

#[test]
fn every_planted_fault_is_found_in_parquet() {
    assert_every_fault_is_found("parquet");
}

#[test]
fn a_clean_shop_has_no_finding() {
    let shop = run("parquet", "3000", "0");
    assert!(shop.rejects.rows.is_empty());
    let warned = shop.space.table("out", "meta_checks").only("status", "warned");
    // That customers buy in several regions is no fault of the data.
    let checks: Vec<String> = warned.column("check").into_iter().filter(|c| c != "customers_in_several_regions").collect();
    assert!(checks.is_empty(), "{warned:?}");
}

#[test]
fn too_many_rejects_close_the_gate() {
    let space = Workspace::new();
    space.run(&["sample", "--lines", "2000", "--to", "shop", "--format", "csv", "--dirt", "0.1"]).ok();
    space.write("shop.yaml", pipeline("csv").replace("fail: 20%", "fail: 2%"));
    let closed = space.run(&["run", "shop.yaml", "--quiet"]);
    assert_eq!(closed.code, 3, "{}", closed.stderr);
    assert!(closed.stderr.contains("rejects on sales") && closed.stderr.contains("rejects/sales.parquet"), "{}", closed.stderr);
    assert!(!space.path("out/published.json").exists());
    let shown = space.run(&["runs", "show", "latest"]).ok();
    assert!(shown.stdout.contains("check failed"), "{}", shown.stdout);
}

#[test]
fn records_set_aside_are_shown_by_their_reasons() {
    let space = Workspace::new();
    let header = "order_id,customer_id,product_id,ordered_at,quantity,unit_price\n";
    let line =
        |n: u32| format!("o{n},c{n},p,2024-05-{:02},1,{}\n", if n == 9 { 99 } else { 1 }, if n < 3 { "1,50" } else { "2" });
    let lines: String = (0..2000).map(line).collect();
    // Only with a semicolon is a comma no delimiter.
    space.write("drop/lines.csv", (header.to_owned() + &lines).replace(',', ";").replace("1;50", "1,50"));
    space.write(
        "shop.yaml",
        "version: 1\nname: shop\nas_of: 2024-12-31\nconnections: {drop: {type: files, url: drop}}\n\
         extract: {sales: {from: drop, path: lines.csv, csv: {delimiter: ';'}}}\npublish: {to: out}\n",
    );
    // Nothing is made where somebody only looks.
    let nothing = space.run(&["status"]).ok();
    assert!(nothing.stdout.contains("No run yet in state") && !space.path("state").exists(), "{}", nothing.stdout);
    assert_eq!(space.run(&["runs", "rejects"]).code, 2);
    let ran = space.run(&["run", "shop.yaml", "--quiet"]).ok().stdout;
    assert!(ran.contains("Set aside, the first because drop/lines.csv record 1: unit_price `1,50` is not a number"), "{ran}");
    let shown = space.run(&["runs", "rejects", "--limit", "2"]).ok().stdout;
    assert!(shown.contains("4 records set aside") && shown.contains("3  sales.unit_price is not a number"), "{shown}");
    assert!(shown.contains("1  sales.ordered_at is not a date") && shown.contains("2 of 4 are shown"), "{shown}");
    let json = space.run(&["runs", "rejects", "--output", "json"]).ok().json();
    assert_eq!((json[3]["record"].as_i64(), json[3]["raw_value"].as_str()), (Some(10), Some("2024-05-99")));
    // Those that are not kept are counted all the same.
    space.write("config/default.yaml", "limits: {rejects_kept: 1}\n");
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    let few = space.run(&["runs", "rejects"]).ok().stdout;
    assert!(few.contains("4 records set aside; these are of the 1 that are kept"), "{few}");
    // No day to come is published, and no file of a source is taken for an export.
    let future = space.run(&["run", "shop.yaml", "--as-of", "2999-01-01"]);
    assert!(future.code == 2 && future.stderr.contains("--as-of 2999-01-01 is not over"), "{}", future.stderr);
    let export = |to: &str| space.run(&["export", "dim_region", "--to", to, "--pipeline", "shop.yaml"]);
    assert!(export("drop/lines.csv").stderr.contains("drop/lines.csv is a file that `extract.sales` reads"));
    assert!(export("drop/../drop/lines.csv").stderr.contains("`extract.sales` reads"));
    export("regions.csv").ok();
    export("regions.csv").ok();
}
