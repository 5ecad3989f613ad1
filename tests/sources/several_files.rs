//! Sources of several files: weeks that gain, lose and rename columns, copies, and files that go.

use super::{pipeline, run};
use crate::support::{Ran, Workspace};

const HEADER: &str = "order_id,ordered_at,customer_id,product_id,quantity,unit_price\n";

/// A file of ten orders of its own.
fn week(number: u32) -> String {
    let line = |n: u32| format!("{number}-{n},2024-0{number}-02,C{n},P1,2,4.50\n");
    HEADER.to_owned() + &(0..10).map(line).collect::<String>()
}

fn weeks(files: &[(&str, String)]) -> Workspace {
    let workspace = Workspace::new();
    for (name, text) in files {
        workspace.write(&format!("data/{name}"), text);
    }
    workspace
}

fn all(more: &str) -> String {
    pipeline("{type: files, url: data}", &format!("path: '*.csv'\n    {more}"))
}

fn refuses(ran: &Ran, words: &[&str]) {
    assert_eq!(ran.code, 4, "stdout:\n{}\nstderr:\n{}", ran.stdout, ran.stderr);
    for word in words {
        assert!(ran.stderr.contains(word), "`{word}` is not in:\n{}", ran.stderr);
    }
}

fn lines(workspace: &Workspace) -> usize {
    workspace.table("out", "fact_sales").rows.len()
}

#[test]
fn a_file_without_a_column_that_is_read_ends_the_run() {
    let renamed = |text: String| text.replace("quantity", "quantities");
    let workspace = weeks(&[("1.csv", week(1)), ("2.csv", renamed(week(2)))]);
    let words =
        ["data/2.csv has no column `quantity`, which data/1.csv has (is it `quantities` there?)", "its columns are: order_id"];
    refuses(&run(&workspace, &all("")), &words);
    // So does the first one, and whoever only looks hears it as well.
    let workspace = weeks(&[("1.csv", renamed(week(1))), ("2.csv", week(2))]);
    refuses(&run(&workspace, &all("")), &["data/1.csv has no column `quantity`, which data/2.csv has"]);
    let looked = workspace.run(&["validate", "shop.yaml", "--connect"]);
    assert!(looked.code != 0 && looked.stderr.contains("no column `quantity`"), "{}", looked.stderr);
}

#[test]
fn a_coalesce_reads_two_generations_of_a_file() {
    let columns = "columns: {order_id: order_id, ordered_at: ordered_at, product_id: product_id, quantity: quantity, unit_price: \
                   unit_price, customer_id: 'coalesce(customer_id, client)'}";
    let workspace = weeks(&[("1.csv", week(1)), ("2.csv", week(2).replace("customer_id", "client"))]);
    run(&workspace, &all(columns)).ok();
    assert_eq!(lines(&workspace), 20);
    let customers = workspace.table("out", "dim_customer");
    assert_eq!(customers.rows.len(), 11, "ten and the unknown one");
    // Elsewhere in an expression the column is needed.
    let other = columns.replace("coalesce(customer_id, client)", "concat(customer_id, client)");
    let workspace = weeks(&[("1.csv", week(1)), ("2.csv", week(2).replace("customer_id", "client"))]);
    refuses(&run(&workspace, &all(&other)), &["data/1.csv has no column `client`, which data/2.csv has"]);
}

#[test]
fn a_new_column_of_a_later_file_is_seen() {
    let taxed = week(2).replace("unit_price\n", "unit_price,tax\n").replace("4.50\n", "4.50,7\n");
    let shop = |contract: &str| {
        let workspace = weeks(&[("1.csv", week(1))]);
        let pipeline = all(&format!("contract: {{columns: {contract}}}\n    rejects: {{warn: 60%, fail: 70%}}"));
        run(&workspace, &pipeline).ok();
        workspace.write("data/2.csv", &taxed);
        let ran = run(&workspace, &pipeline);
        (workspace, ran)
    };
    let (workspace, told) = shop("evolve");
    assert!(told.ok().stdout.contains("column `tax` is new since the last published run"));
    assert_eq!(lines(&workspace), 20);
    refuses(&shop("freeze").1, &["column `tax` is new"]);
    let (workspace, aside) = shop("quarantine");
    aside.ok();
    assert_eq!(lines(&workspace), 10, "the records with a value in it are set aside");
}

#[test]
fn a_copy_counts_nothing_twice() {
    let files = [("1.csv", week(1)), ("1 (1).csv", week(1)), ("2.csv", week(2))];
    let workspace = weeks(&files);
    refuses(&run(&workspace, &all("")), &["data/1.csv is a copy of data/1 (1).csv", "would count twice"]);
    run(&workspace, &all("deduplicate: {exact: true}")).ok();
    assert_eq!(lines(&workspace), 20);
    // Weeks without an order are alike, and so are as many bytes of other orders.
    let workspace = weeks(&[("1.csv", week(1)), ("2.csv", HEADER.to_owned()), ("3.csv", HEADER.to_owned()), ("4.csv", week(4))]);
    run(&workspace, &all("")).ok();
    assert_eq!(lines(&workspace), 20);
}

#[test]
fn a_file_that_goes_is_told_and_planned() {
    let workspace = weeks(&[("1.csv", week(1)), ("2.csv", week(2)), ("3.csv", week(3))]);
    run(&workspace, &all("")).ok();
    let plan = || workspace.run(&["plan", "shop.yaml"]);
    assert_eq!(plan().code, 0, "{}", plan().stdout);
    std::fs::remove_file(workspace.path("data/2.csv")).unwrap();
    assert!(plan().code == 8 && plan().stdout.contains("not the files of then"), "{}", plan().stdout);
    let told = run(&workspace, &all("")).ok().stdout;
    assert!(told.contains("data/2.csv was read in the last published run and is gone"), "{told}");
    // An old file that comes late, as `cp -p` brings it, is new all the same.
    workspace.write("data/2.csv", week(2));
    let old = std::fs::File::options().write(true).open(workspace.path("data/2.csv")).unwrap();
    old.set_modified(std::time::SystemTime::now() - std::time::Duration::from_hours(48)).unwrap();
    assert_eq!(plan().code, 8, "{}", plan().stdout);
    // Where every run has files of its own, none is missed.
    run(&workspace, &all("")).ok();
    for name in ["1", "2", "3"] {
        std::fs::rename(workspace.path(&format!("data/{name}.csv")), workspace.path(&format!("data/new-{name}.csv"))).unwrap();
    }
    let told = run(&workspace, &all("")).ok().stdout;
    assert!(!told.contains("is gone"), "{told}");
}

#[test]
fn an_encoding_that_is_another_is_told() {
    let workspace = weeks(&[("1.csv", week(1).replace("C1", "Müller"))]);
    let ran = run(&workspace, &all("csv: {encoding: cp1252}"));
    assert!(ran.code == 1 && ran.stderr.contains("data/1.csv: its text is utf-8"), "{}", ran.stderr);
    // A mark says so itself.
    let workspace = weeks(&[("1.csv", "\u{FEFF}".to_owned() + &week(1).replace("C1", "Müller"))]);
    run(&workspace, &all("csv: {encoding: cp1252}")).ok();
    assert!(workspace.table("out", "dim_customer").column("customer_id").contains(&"Müller".to_owned()));
    let workspace = Workspace::new();
    let latin: Vec<u8> = week(1).replace("C1", "M#ller").bytes().map(|byte| if byte == b'#' { 0xFC } else { byte }).collect();
    workspace.write("data/1.csv", latin);
    run(&workspace, &all("csv: {encoding: cp1252}")).ok();
    assert!(workspace.table("out", "dim_customer").column("customer_id").contains(&"Müller".to_owned()));
}

#[test]
fn lines_above_the_header_are_passed_over() {
    let title = |text: String| format!("Sales of January;;;\nmade on 2024-02-01\n{text}");
    let workspace = weeks(&[("1.csv", title(week(1))), ("2.csv", title(week(2)))]);
    run(&workspace, &all("skip_rows: 2")).ok();
    assert_eq!(lines(&workspace), 20);
    let wrong = run(&workspace, &pipeline("{type: files, url: data}", "path: '*.ndjson'\n    skip_rows: 2"));
    assert!(wrong.code == 78 && wrong.stderr.contains("`skip_rows` is for CSV files and workbooks"), "{}", wrong.stderr);
}
