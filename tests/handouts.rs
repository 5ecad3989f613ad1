//! What people are handed: the report, walked in a browser and compared with the tables, and exports.

use std::fs;
use std::process::Command;

use calamine::Reader as _;
use serde_json::{Value, json};

use crate::browser;
use crate::support::{Rows, Workspace, root, ten_thousandths};

/// A shipped pipeline whose publication keeps a report.
fn shipped(name: &str) -> Workspace {
    let space = Workspace::new();
    space.link("data");
    let text = fs::read_to_string(root().join("pipelines").join(format!("{name}.yaml"))).unwrap();
    assert!(text.contains("keep: 12}"), "{text}");
    space.write(&format!("pipelines/{name}.yaml"), text.replace("keep: 12}", "keep: 12, report: true}"));
    space
}

fn money(ten_thousandths: i128) -> String {
    let sign = if ten_thousandths < 0 { "-" } else { "" };
    let whole = ten_thousandths.unsigned_abs();
    format!("{sign}{}.{:04}", whole / 10_000, whole % 10_000)
}

/// Figures of the page by name, from the published tables.
fn figures(space: &Workspace, out: &str) -> Value {
    let table = |name: &str| space.table(out, name);
    let regions = table("region_performance");
    let orders: i64 = regions.column("orders").iter().map(|n| n.parse::<i64>().unwrap()).sum();
    let mut months: Vec<_> = table("retention_monthly").map("month_start", "repeat_purchase_rate").into_iter().collect();
    months.sort();
    let champions = table("rfm_segment_summary").only("region_key", "0").only("segment", "Champions");
    let winback = table("winback_targets");
    json!({
        "revenue": money(regions.sum("net_amount")),
        "orders": orders.to_string(),
        "customers": table("customer_rfm").rows.len().to_string(),
        "at_risk": table("customer_value").only("is_at_risk", "true").rows.len().to_string(),
        "clv_12m": money(table("customer_clv").sum("clv_12m")),
        "repeat_rate": months.last().unwrap().1,
        "champions_share": champions.column("customer_share").first().cloned().unwrap_or_else(|| "0".to_owned()),
        "winback_customers": winback.rows.len().to_string(),
        "winback_value": money(winback.sum("expected_recovered_value")),
        "gini": table("value_concentration").only("group", "all").column("gini")[0],
    })
}

/// Rows that a table of the page must show: its caption, titles, and the published columns below them.
fn sheet(caption: &str, columns: &[(&str, &str)], rows: &Rows, at_most: Option<usize>) -> Value {
    let titles: Vec<&str> = columns.iter().map(|(title, _)| *title).collect();
    let rows: Vec<Vec<String>> =
        rows.named().iter().map(|row| columns.iter().map(|(_, column)| row[*column].clone()).collect()).collect();
    json!({"caption": caption, "columns": titles, "rows": rows, "at_most": at_most})
}

fn sheets(space: &Workspace, out: &str) -> Vec<Value> {
    let table = |name: &str| space.table(out, name);
    vec![
        sheet(
            "Size and worth of the segments",
            &[
                ("Segment", "segment"),
                ("Customers", "customers"),
                ("Of customers", "customer_share"),
                ("Revenue", "net_amount"),
                ("Of revenue", "revenue_share"),
                ("Days since last order", "average_recency_days"),
                ("Orders each", "average_orders"),
                ("Revenue each", "average_monetary"),
            ],
            &table("rfm_segment_summary").only("region_key", "0"),
            None,
        ),
        sheet(
            "Customers to win back",
            &[
                ("Priority", "priority"),
                ("Arm", "arm"),
                ("Tier", "value_tier"),
                ("Days since last order", "days_since_last_order"),
                ("Revenue so far", "lifetime_value"),
                ("Expected to recover", "expected_recovered_value"),
            ],
            &table("winback_targets"),
            Some(200),
        ),
        sheet(
            "Rows and money at every step",
            &[
                ("Step", "hop"),
                ("What", "entity"),
                ("Rows in", "rows_in"),
                ("Rows out", "rows_loaded"),
                ("Set aside", "rows_rejected"),
                ("Duplicates", "rows_deduplicated"),
                ("Filtered", "rows_filtered"),
                ("Amount in", "amount_in"),
                ("Amount out", "amount_out"),
            ],
            &table("meta_reconciliation"),
            None,
        ),
        sheet(
            "Active customers by month",
            &[("Active", "active"), ("New", "new"), ("Retained", "retained"), ("Reactivated", "reactivated"), ("Lost", "lost")],
            &table("retention_monthly"),
            None,
        ),
    ]
}

fn walk(name: &str, days: &[&str]) {
    let space = shipped(name);
    for day in days {
        space.run(&["run", &format!("pipelines/{name}.yaml"), "--as-of", day, "--quiet"]).ok();
    }
    let out = format!("out/{name}");
    let report = space.path(&out).join("report.html");
    assert!(fs::metadata(&report).unwrap().len() < 3_000_000);
    let wanted = json!({"figures": figures(&space, &out), "tables": sheets(&space, &out)});
    let wanted = space.write("figures.json", wanted.to_string());
    browser::walk(&space, "report", &format!("report-{name}"), &[report.as_os_str(), wanted.as_os_str()]);
}

#[test]
fn the_report_of_superstore_is_read_in_a_browser() {
    walk("superstore", &["2017-09-30", "2017-12-30"]);
}

#[test]
fn the_report_of_chinook_is_read_in_a_browser() {
    walk("chinook", &["2013-12-22"]);
}

#[test]
fn the_report_of_commerce_is_read_in_a_browser() {
    walk("commerce", &["2025-09-30", "2025-12-15"]);
}

#[test]
fn a_report_says_the_same_each_time_and_follows_a_rollback() {
    let space = shipped("chinook");
    let run = |day: &str| space.run(&["run", "pipelines/chinook.yaml", "--as-of", day, "--quiet"]).ok();
    let kept = || fs::read_to_string(space.path("out/chinook/report.html")).unwrap();
    run("2013-06-30");
    let first = kept();
    run("2013-12-22");
    assert!(kept().contains("2013-12-22") && kept() != first);
    space.run(&["report", "pipelines/chinook.yaml", "--to", "now.html"]).ok();
    assert_eq!(fs::read_to_string(space.path("now.html")).unwrap(), kept());
    let list = space.run(&["rollback", "pipelines/chinook.yaml", "--list", "--output", "json"]).ok().json();
    let before = list.as_array().unwrap().iter().find(|s| s["as_of"] == "2013-06-30").unwrap()["snapshot"].as_str().unwrap();
    space.run(&["report", "pipelines/chinook.yaml", "--to", "before.html", "--snapshot", before]).ok();
    assert_eq!(fs::read_to_string(space.path("before.html")).unwrap(), first);
    space.run(&["rollback", "pipelines/chinook.yaml"]).ok();
    assert_eq!(kept(), first);
    // Nobody is named unless it is asked for.
    let customers = space.table("out/chinook", "dim_customer");
    let names: Vec<String> = customers.column("customer_name").into_iter().filter(|name| name.contains(' ')).collect();
    assert!(names.len() > 50 && !names.iter().any(|name| first.contains(name)), "a name stands in the report");
    space.run(&["report", "pipelines/chinook.yaml", "--to", "named.html", "--personal"]).ok();
    let open = fs::read_to_string(space.path("named.html")).unwrap();
    assert!(names.iter().any(|name| open.contains(name)));

    let wrong = space.run(&["report", "pipelines/chinook.yaml", "--to", "x.html", "--snapshot", "1999"]);
    assert!(wrong.code == 2 && wrong.stderr.contains("none is named 1999; there are 20"), "{}", wrong.stderr);
    space.write(
        "other.yaml",
        fs::read_to_string(space.path("pipelines/chinook.yaml")).unwrap().replace("out/chinook", "out/none"),
    );
    let none = space.run(&["report", "other.yaml", "--to", "x.html"]);
    assert!(none.code == 2 && none.stderr.contains("nothing is published in out/none yet"), "{}", none.stderr);
}

#[test]
fn tables_are_exported_whole_without_names_unless_asked_for() {
    let space = shipped("chinook");
    space.run(&["run", "pipelines/chinook.yaml", "--quiet"]).ok();
    let facts = space.run(&["export", "fact_sales", "--to", "sales.csv", "--output", "json"]).ok().json();
    let published = space.table("out/chinook", "fact_sales");
    assert_eq!(facts["rows"], published.rows.len());
    let text = fs::read_to_string(space.path("sales.csv")).unwrap();
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let place = header.iter().position(|name| *name == "net_amount").unwrap();
    let sum: i128 = lines.map(|line| ten_thousandths(line.split(',').nth(place).unwrap())).sum();
    assert_eq!(sum, published.sum("net_amount"));

    let said = space.run(&["export", "dim_customer", "--to", "customers.csv"]).ok().stdout;
    assert!(said.contains("names and addresses are left out"), "{said}");
    let text = fs::read_to_string(space.path("customers.csv")).unwrap();
    assert!(text.starts_with("customer_key,customer_id,") && !text.contains('@'), "{}", text.lines().next().unwrap());
    space.run(&["export", "winback_targets", "--to", "winback.csv", "--personal", "--pipeline", "pipelines/chinook.yaml"]).ok();
    let list = fs::read_to_string(space.path("winback.csv")).unwrap();
    assert!(list.contains("Luis Rojas") && list.contains('@'), "{list}");
    assert_eq!(list.lines().count(), space.table("out/chinook", "winback_targets").rows.len() + 1);
    space.run(&["export", "winback_targets", "--to", "winback.xlsx"]).ok();
    assert!(fs::read(space.path("winback.xlsx")).unwrap().starts_with(b"PK"));

    let wrong = space.run(&["export", "fact_sales", "--to", "sales.pdf"]);
    assert!(wrong.code == 2 && wrong.stderr.contains("neither with .csv nor with .xlsx"), "{}", wrong.stderr);
    let unknown = space.run(&["export", "fact_sale", "--to", "x.csv"]);
    assert!(unknown.code == 2 && unknown.stderr.contains("fact_sale"), "{}", unknown.stderr);
}

/// Names that break what takes them for something else.
fn hard_names() -> [String; 5] {
    ["O'Brien \"North\" <b>&".to_owned(), "=1+1".to_owned(), "🛒 Süd".to_owned(), "x".repeat(200), "CON".to_owned()]
}

#[test]
fn hard_names_go_through_unharmed() {
    let space = Workspace::new();
    let mut lines = "order_id,line_number,customer_id,product_id,ordered_at,quantity,unit_price,region\n".to_owned();
    for (number, name) in hard_names().iter().enumerate() {
        for order in 0..36 {
            let quoted = format!("\"{}\"", name.replace('"', "\"\""));
            let (year, month) = (2022 + order / 12, order % 12 + 1);
            let customer = (order * 7 + number) % 23;
            lines += &format!("o{number}-{order},1,c{customer},p{number},{year}-{month:02}-1{number},1,10.50,{quoted}\n");
        }
    }
    space.write("drop/lines.csv", lines);
    space.write(
        "shop.yaml",
        "version: 1\nname: shop\nas_of: 2024-12-31\nconnections: {drop: {type: files, url: drop}}\n\
         extract: {sales: {from: drop, path: lines.csv}}\npublish: {to: out, report: true}\n",
    );
    space.run(&["run", "shop.yaml", "--quiet"]).ok();

    let keys = space.table("out", "dim_region").map("region_key", "region_name");
    let mut regions = space.table("out", "region_performance");
    let place = regions.names.iter().position(|name| name == "region_key").unwrap();
    for row in &mut regions.rows {
        row[place] = row[place].take().map(|key| keys[&key].clone());
    }
    let columns = [("Region", "region_key"), ("Orders", "orders"), ("Revenue", "net_amount")];
    let wanted = json!({"figures": {}, "tables": [sheet("Sales by region", &columns, &regions, None)]});
    let wanted = space.write("figures.json", wanted.to_string());
    let report = space.path("out/report.html");
    assert!(!fs::read_to_string(&report).unwrap().contains("\" <b>&"));
    browser::walk(&space, "report", "report-names", &[report.as_os_str(), wanted.as_os_str()]);

    space.run(&["export", "dim_region", "--to", "regions.xlsx", "--pipeline", "shop.yaml"]).ok();
    let mut book: calamine::Xlsx<_> = calamine::open_workbook(space.path("regions.xlsx")).unwrap();
    let cells = book.worksheet_range("dim_region").unwrap();
    let read: Vec<String> = cells.rows().map(|row| row[1].to_string()).collect();
    assert!(hard_names().iter().all(|name| read.contains(name)), "{read:?}");
    space.run(&["export", "dim_region", "--to", "regions.csv", "--pipeline", "shop.yaml"]).ok();
    let text = fs::read_to_string(space.path("regions.csv")).unwrap();
    assert!(text.contains(",'=1+1") && text.contains(",\"O'Brien \"\"North\"\" <b>&\""), "{text}");

    space.run(&["powerbi", "shop.yaml", "--to", "bi"]).ok();
    if browser::is_there("python3") {
        let model = root().join("tests/powerbi/model.py");
        let checked = Command::new("python3").arg("-B").arg(model).arg(space.path("bi")).arg("shop").output().unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    }
}
