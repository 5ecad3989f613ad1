//! What people are handed: the report, walked in a browser and compared with the tables, and exports.

use std::fs;
use std::path::Path;
use std::process::Command;

use calamine::Reader as _;
use serde_json::Value;

use crate::browser;
use crate::powerbi::{ok, tools};
use crate::support::{Workspace, root, ten_thousandths};

/// A shipped pipeline whose publication keeps a report.
fn shipped(name: &str) -> Workspace {
    let space = Workspace::new();
    space.link("data");
    let text = fs::read_to_string(root().join("pipelines").join(format!("{name}.yaml"))).unwrap();
    assert!(text.contains("keep: 12}"), "{text}");
    space.write(&format!("pipelines/{name}.yaml"), text.replace("keep: 12}", "keep: 12, report: true}"));
    space
}

/// What a page must show, reckoned from the published tables by `tests/report/figures.py`; none, said loudly, without the Python
/// it needs.
fn wanted(space: &Workspace, out: &str) -> Option<Value> {
    let Some(tools) = tools() else {
        crate::support::say(&format!(
            "SKIPPED: the report in {out} was neither compared with its tables nor walked in a browser"
        ));
        return None;
    };
    let figures = root().join("tests/report/figures.py");
    let mut python = Command::new(tools.join("venv/bin/python"));
    let printed = python.arg("-B").arg(figures).arg(space.path(out).join("current")).output().unwrap();
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    Some(serde_json::from_slice(&printed.stdout).unwrap())
}

/// Walks the page that a publication keeps. One that has hardly anything to show is `small`.
fn walk(space: &Workspace, out: &str, name: &str, small: bool) {
    let report = space.path(out).join("report.html");
    assert!(fs::metadata(&report).unwrap().len() < 3_000_000);
    let Some(mut wanted) = wanted(space, out) else { return };
    wanted["small"] = small.into();
    let wanted = space.write("figures.json", wanted.to_string());
    browser::walk(space, "report", &format!("report-{name}"), &[report.as_os_str(), wanted.as_os_str()]);
}

fn walk_shipped(name: &str, days: &[&str]) {
    let space = shipped(name);
    for day in days {
        space.run(&["run", &format!("pipelines/{name}.yaml"), "--as-of", day, "--quiet"]).ok();
    }
    walk(&space, &format!("out/{name}"), name, false);
}

#[test]
fn the_report_of_superstore_is_read_in_a_browser() {
    walk_shipped("superstore", &["2017-09-30", "2017-12-30"]);
}

#[test]
fn the_report_of_chinook_is_read_in_a_browser() {
    walk_shipped("chinook", &["2013-12-22"]);
}

#[test]
fn the_report_of_commerce_is_read_in_a_browser() {
    walk_shipped("commerce", &["2025-09-30", "2025-12-15"]);
}

/// A shop of these order lines, published with its report.
fn shop(lines: &str, more: &str) -> Workspace {
    let space = Workspace::new();
    space.write("drop/lines.csv", lines);
    space.write(
        "shop.yaml",
        format!(
            "version: 1\nname: shop\nas_of: 2024-12-31\nconnections: {{drop: {{type: files, url: drop}}}}\n\
             extract: {{sales: {{from: drop, path: lines.csv}}}}\n{more}publish: {{to: out, report: true}}\n"
        ),
    );
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    space
}

const COLUMNS: &str = "order_id,line_number,customer_id,product_id,ordered_at,quantity,unit_price";

#[test]
fn the_page_of_one_customer_is_whole() {
    walk(&shop(&format!("{COLUMNS}\no1,1,c1,p1,2024-12-15,1,10\n"), ""), "out", "one", true);
}

#[test]
fn the_page_without_any_mart_is_whole() {
    let is_mart = |table: &&&schema::Table| {
        table.visibility != schema::Visibility::Working && !matches!(table.group, schema::Group::Star | schema::Group::Meta)
    };
    let marts: Vec<&str> = schema::TABLES.iter().filter(is_mart).map(|table| table.name).collect();
    let line = |n: usize| format!("o{},{},c{},p{},2024-{:02}-05,1,10\n", n / 2, n % 2 + 1, n % 40, n % 9, n % 12 + 1);
    let lines: String = (0..300).map(line).collect();
    let skip = format!("transform: {{skip: [{}]}}\n", marts.join(", "));
    walk(&shop(&format!("{COLUMNS}\n{lines}"), &skip), "out", "bare", true);
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
    let short = ["O'Brien \"North\" <b>&", "=1+1", "🛒 SÜD_OST = WWWWWWWWWWWWWW", "CON"].map(str::to_owned);
    let [quotes, formula, wide, device] = short;
    [quotes, formula, wide, "x".repeat(200), device]
}

/// A shop whose regions, segments and products have such names. The first product is bought with the second and the third with
/// the fourth, so that there are rules to show.
fn shop_of_hard_names() -> Workspace {
    let quoted = hard_names().map(|name| format!("\"{}\"", name.replace('"', "\"\"")));
    let mut lines = format!("{COLUMNS},region,business_segment,product_name\n");
    for (number, region) in quoted.iter().enumerate() {
        for order in 0..36 {
            let (year, month) = (2022 + order / 12, order % 12 + 1);
            let customer = (order * 7 + number) % 23;
            let segment = &quoted[customer % 5];
            for (line, product) in (1..).zip([number, number ^ 1]).filter(|(_, product)| *product < 5) {
                let name = &quoted[product];
                lines += &format!("o{number}-{order},{line},c{customer},p{product},{year}-{month:02}-1{number},1,10.50,");
                lines += &format!("{region},{segment},{name}\n");
            }
        }
    }
    shop(&lines, "")
}

#[test]
fn hard_names_go_through_unharmed() {
    let space = shop_of_hard_names();
    assert!(!fs::read_to_string(space.path("out/report.html")).unwrap().contains("\" <b>&"));
    walk(&space, "out", "names", false);

    for table in ["dim_region", "business_segment_summary", "dim_product"] {
        space.run(&["export", table, "--to", "names.xlsx", "--pipeline", "shop.yaml"]).ok();
        let mut book: calamine::Xlsx<_> = calamine::open_workbook(space.path("names.xlsx")).unwrap();
        let cells = book.worksheet_range(table).unwrap();
        let read: Vec<String> = cells.rows().flatten().map(ToString::to_string).collect();
        assert!(hard_names().iter().all(|name| read.contains(name)), "{table}: {read:?}");
    }
    space.run(&["export", "dim_region", "--to", "regions.csv", "--pipeline", "shop.yaml"]).ok();
    let text = fs::read_to_string(space.path("regions.csv")).unwrap();
    assert!(text.contains(",'=1+1") && text.contains(",\"O'Brien \"\"North\"\" <b>&\""), "{text}");

    space.run(&["powerbi", "shop.yaml", "--to", "bi"]).ok();
    let Some(tools) = tools() else { return };
    let project = space.path("bi");
    let check = |program: &str, script: &str, arguments: &[&Path]| {
        ok(&Command::new(program).arg(tools.join(script)).args(arguments).output().unwrap(), script)
    };
    let structure = check("python3", "model.py", &[&project, Path::new("shop")]);
    let report = check("node", "report.mjs", &[&project, Path::new("shop")]);
    let figures = check("bash", "model", &[&project.join("shop.SemanticModel"), &space.path("out")]);
    println!("{structure}{report}{figures}");
}
