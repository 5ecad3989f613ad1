//! The Power BI project of each shipped retailer: structure, schemas, queries, every measure against `DuckDB`, forty breaks that a
//! check notices, and the published files read by three readers of today and one of 2021.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::Value;

use crate::browser::is_there;
use crate::support::{Workspace, root};

/// The checks with what they need beside them, installed once; none, said loudly, where that cannot be.
pub fn tools() -> Option<&'static Path> {
    static TOOLS: OnceLock<Option<PathBuf>> = OnceLock::new();
    let install = || {
        if !(is_there("node") && is_there("npm") && is_there("python3")) {
            crate::support::say(
                "SKIPPED: the Power BI project was not checked: node, npm and python3 are needed (tests/run installs them)",
            );
            return None;
        }
        // What is installed does not belong in the source tree, and is kept for the next time.
        let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).join("powerbi");
        let copied = Command::new("cp").args(["-rT"]).arg(root().join("tests/powerbi")).arg(&tools).status();
        assert!(copied.unwrap().success());
        for script in ["install", "install-report"] {
            ok(&Command::new("bash").arg(tools.join(script)).output().unwrap(), script);
        }
        Some(tools)
    };
    TOOLS.get_or_init(install).as_deref()
}

pub fn ok(output: &Output, what: &str) -> String {
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {said}");
    said
}

/// A published retailer and its project, `name` in the folder `bi`.
fn published(name: &str) -> Workspace {
    let space = Workspace::new();
    space.link("data");
    space.link("pipelines");
    let file = format!("pipelines/{name}.yaml");
    space.run(&["run", &file, "--quiet"]).ok();
    space.run(&["powerbi", &file, "--to", "bi"]).ok();
    space
}

/// Runs every check on the project, and tells what they counted.
fn check(name: &str) {
    let Some(tools) = tools() else { return };
    let space = published(name);
    let project = space.path("bi");
    let run = |program: &str, script: &str, arguments: &[&Path]| {
        ok(&Command::new(program).arg(tools.join(script)).args(arguments).output().unwrap(), script)
    };
    let structure = run("python3", "model.py", &[&project, Path::new(name)]);
    assert!(structure.contains("0 errors"), "{structure}");
    let report = run("node", "report.mjs", &[&project, Path::new(name)]);
    assert!(report.contains("0 errors, 0 warnings"), "{report}");
    let out = space.path(&format!("out/{name}"));
    let figures = run("bash", "model", &[&project.join(format!("{name}.SemanticModel")), &out]);
    let python = tools.join("venv/bin/python");
    let read = Command::new(python).arg(tools.join("readers.py")).arg(out.join("current")).output().unwrap();
    println!("{structure}{report}{figures}{}", ok(&read, "readers.py"));
    ask_the_old_reader(tools, &out.join("current"));
}

/// Parquet as a reader of the age found in gateways takes it: the same types, rows, NULLs and values that one of today reads.
fn ask_the_old_reader(tools: &Path, tables: &Path) {
    static IS_INSTALLED: OnceLock<bool> = OnceLock::new();
    let install = || {
        let done = Command::new("bash").arg(tools.join("install-old")).output().unwrap();
        if done.status.code() == Some(3) {
            crate::support::say(
                "SKIPPED: no reader of 2021 was asked: pyarrow 3.0.0 needs a Python 3.8 or 3.9 (OLD_PYTHON may name one)",
            );
            return false;
        }
        ok(&done, "install-old");
        true
    };
    if !*IS_INSTALLED.get_or_init(install) {
        return;
    }
    let read = |python: &str| -> Value {
        let done = Command::new(tools.join(python)).arg(tools.join("sums.py")).arg(tables).output().unwrap();
        assert!(done.status.success(), "{python}: {}", String::from_utf8_lossy(&done.stderr));
        serde_json::from_slice(&done.stdout).unwrap()
    };
    let (old, new) = (read("old/bin/python"), read("venv/bin/python"));
    assert_eq!(old["pyarrow"], "3.0.0");
    let (old, new) = (old["tables"].as_object().unwrap(), new["tables"].as_object().unwrap());
    assert!(new.len() > 30 && old.keys().eq(new.keys()), "{:?}", old.keys());
    for (table, columns) in new {
        assert_eq!(&old[table], columns, "{table}");
    }
}

#[test]
fn the_project_of_superstore_is_right() {
    check("superstore");
}

#[test]
fn the_project_of_chinook_is_right() {
    check("chinook");
}

#[test]
fn the_project_of_commerce_is_right() {
    check("commerce");
}

const GIVING_BACK: &str = "
version: 1
name: shop
as_of: 2025-01-31
connections: {drop: {type: files, url: drop}}
extract:
  sales:
    from: drop
    path: lines.csv
    columns: {order_id: order, customer_id: customer, product_id: \"'p'\", ordered_at: day, quantity: pieces,
              net_amount: amount, region: region}
publish: {to: out}
";

/// Where another year or region is chosen than the one it is given back in, a returned order is still none, as in the marts.
#[test]
fn an_order_that_is_given_back_elsewhere_is_none() {
    let Some(tools) = tools() else { return };
    let space = Workspace::new();
    let mut lines = "order,customer,day,pieces,amount,region\n".to_owned();
    for n in 0..60 {
        let (year, region) = (2022 + n % 3, ["North", "South", "East"][n / 3 % 3]);
        let _ = writeln!(lines, "o{n},c{},{year}-12-28,2,20,{region}", n % 12);
        match n % 5 {
            0 => _ = writeln!(lines, "o{n},c{},{}-01-03,-2,-20,{region}", n % 12, year + 1),
            1 => _ = writeln!(lines, "o{n},c{},{year}-12-29,-2,-20,West", n % 12),
            2 => _ = writeln!(lines, "o{n},c{},{}-01-03,-1,-10,{region}", n % 12, year + 1),
            _ => {}
        }
    }
    space.write("drop/lines.csv", lines);
    space.write("shop.yaml", GIVING_BACK);
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    space.run(&["powerbi", "shop.yaml", "--to", "bi"]).ok();
    let kept: i64 = space.table("out", "region_performance").column("orders").iter().map(|n| n.parse::<i64>().unwrap()).sum();
    assert_eq!(kept, 36, "of five orders one is given back in the year after, and one in another region");
    let (model, out) = (space.path("bi/shop.SemanticModel"), space.path("out"));
    println!("{}", ok(&Command::new("bash").arg(tools.join("model")).args([model, out]).output().unwrap(), "model"));
}

#[test]
fn whatever_is_broken_in_a_project_is_noticed() {
    let Some(tools) = tools() else { return };
    let space = published("chinook");
    let broken = Command::new("python3").arg(tools.join("breaks.py")).arg(space.path("bi")).arg("chinook").output().unwrap();
    let said = ok(&broken, "breaks.py");
    assert!(said.contains(", 0 missed"), "{said}");
}

#[test]
fn a_project_is_kept_with_the_tables_and_edits_are_kept_with_it() {
    let space = Workspace::new();
    space.link("data");
    let text = fs::read_to_string(root().join("pipelines/chinook.yaml")).unwrap();
    space.write("pipelines/chinook.yaml", text.replace("keep: 12}", "keep: 12, powerbi: true}"));
    let run = || space.run(&["run", "pipelines/chinook.yaml"]).ok();
    run();
    let model = space.path("out/chinook/powerbi/chinook.SemanticModel/definition/expressions.tmdl");
    let written = fs::read_to_string(&model).unwrap();
    assert!(written.contains(&space.path("out/chinook").display().to_string()), "{written}");
    assert!(!run().stderr.contains("not renewed"));
    let edited = written.replace("DataLocation = \"", "DataLocation = \"elsewhere");
    fs::write(&model, &edited).unwrap();
    let again = run();
    assert!(again.stderr.contains("expressions.tmdl") && again.stderr.contains("was edited"), "{}", again.stderr);
    assert_eq!(fs::read_to_string(&model).unwrap(), edited);

    let to = |more: &[&str]| space.run(&[&["powerbi", "pipelines/chinook.yaml", "--to", "out/chinook/powerbi"], more].concat());
    let refused = to(&[]);
    assert!(refused.code == 2 && refused.stderr.contains("--force"), "{}", refused.stderr);
    assert!(to(&["--force"]).ok().stdout.contains("1 files written") || fs::read_to_string(&model).unwrap() == written);
    let placeless = space.run(&["powerbi", "pipelines/chinook.yaml", "--to", "bi", "--source", "http"]);
    assert!(placeless.code == 2 && placeless.stderr.contains("--location"), "{}", placeless.stderr);
    space
        .run(&["powerbi", "pipelines/chinook.yaml", "--to", "bi", "--source", "http", "--location", "https://shop.test/data"])
        .ok();
    let text = fs::read_to_string(space.path("bi/chinook.SemanticModel/definition/expressions.tmdl")).unwrap();
    assert!(text.contains("https://shop.test/data") && text.contains("Web.Contents(DataLocation"), "{text}");
}
