//! Rows left out on purpose, and CSV files that are written in other ways.

use super::{book, csv_pipeline, pipeline, run};
use crate::support::Workspace;

const ORDERS: &str = "\
order_id,line_number,ordered_at,customer_id,product_id,quantity,unit_price,state
A1,1,2024-01-02T10:00:00,C1,P1,1,1.00,paid
A1,1,2024-01-02T10:00:00,C1,P1,1,1.00,paid
A2,1,2024-01-03T10:00:00,C2,P1,1,2.00,paid
A2,1,2024-01-04T10:00:00,C2,P1,1,4.00,paid
A2,1,2024-01-05T10:00:00,C2,P1,1,8.00,paid
A3,1,2024-01-06T10:00:00,C3,P2,1,16.00,cancelled
";

/// Runs the orders with further keys of the source.
fn with(more: &str) -> Workspace {
    let workspace = Workspace::new();
    workspace.write("data/orders.csv", ORDERS);
    run(&workspace, &csv_pipeline(more)).ok();
    workspace
}

fn rows(line: &serde_json::Value) -> [u64; 5] {
    ["rows_in", "rows_loaded", "rows_rejected", "rows_deduplicated", "rows_filtered"].map(|name| line[name].as_u64().unwrap())
}

#[test]
fn rows_for_which_the_condition_is_not_true_are_filtered() {
    let workspace =
        with("    where: state <> 'cancelled'\n    deduplicate: {keys: [order_id, line_number], keep: last_by(ordered_at)}\n");
    let line = book(&workspace, "extract", "sales");
    assert_eq!(rows(&line), [6, 2, 0, 3, 1]);
    assert_eq!(line["amount_filtered"], "16.0000");
}

#[test]
fn rows_that_are_the_same_are_one() {
    // The two lines of A2 that remain beside the first are other lines, numbered apart.
    let columns = "columns: {order_id: order_id, ordered_at: ordered_at, customer_id: customer_id, product_id: product_id, quantity: quantity, unit_price: unit_price}";
    let workspace = with(&format!("    {columns}\n    deduplicate: {{exact: true}}\n"));
    let line = book(&workspace, "extract", "sales");
    assert_eq!(rows(&line), [6, 5, 0, 1, 0]);
    assert_eq!(
        (&line["amount_in"], &line["amount_deduplicated"], &line["amount_out"]),
        (&"32.0000".into(), &"1.0000".into(), &"31.0000".into())
    );
}

#[test]
fn one_row_a_key_is_the_first_or_the_last() {
    for (keep, amount, deduplicated) in [("last_by", "8.0000", "7.0000"), ("first_by", "2.0000", "13.0000")] {
        let workspace = with(&format!("    deduplicate: {{keys: [order_id, line_number], keep: {keep}(ordered_at)}}\n"));
        let line = book(&workspace, "extract", "sales");
        assert_eq!(rows(&line), [6, 3, 0, 3, 0], "{keep}");
        assert_eq!(line["amount_deduplicated"], deduplicated, "{keep}");
        assert_eq!(workspace.table("out", "fact_sales").map("order_id", "net_amount")["A2"], amount, "{keep}");
    }
}

#[test]
fn words_for_nothing_are_nothing() {
    let workspace = Workspace::new();
    let orders = "order_id,ordered_at,customer_id,product_id,quantity,unit_price\nA1,2024-01-02,NA,P1,1,1\nA2,2024-01-02,-,P1,1,1\nA3,2024-01-02,NAN,P1,1,1\nA4,2024-01-02,,P1,1,1\n";
    workspace.write("data/orders.csv", orders);
    run(&workspace, &csv_pipeline("    csv: {null_values: [NA, '-']}\n")).ok();
    let customers = workspace.table("out", "dim_customer").map("customer_key", "customer_id");
    let keys = workspace.table("out", "fact_sales").map("order_id", "customer_key");
    let customer = |order: &str| customers[&keys[order]].as_str();
    assert_eq!(["A1", "A2", "A3", "A4"].map(customer), ["", "", "NAN", ""]);
    assert_eq!([&keys["A1"], &keys["A2"], &keys["A4"]], ["0", "0", "0"]);
}

#[test]
fn a_file_without_a_header_between_tabs() {
    let workspace = Workspace::new();
    workspace.write("data/orders.txt", "A1\t02.01.2024 13:45\tC1\tP, \"1\"\t1\t1.5\n'A\t2'\t03.01.2024 09:00\tC1\tP1\t1\t2.5\n");
    let columns = "{order_id: column_1, ordered_at: {column: column_2, format: '%d.%m.%Y %H:%M'}, customer_id: column_3, product_id: column_4, quantity: column_5, net_amount: column_6}";
    let source = format!("path: orders.txt\n    csv: {{delimiter: tab, header: false, quote: \"'\"}}\n    columns: {columns}");
    run(&workspace, &pipeline("{type: files, url: data}", &source)).ok();
    let sales = workspace.table("out", "fact_sales");
    assert_eq!(sales.column("order_id"), ["A1", "A\t2"]);
    assert_eq!(sales.column("ordered_at"), ["2024-01-02T13:45:00", "2024-01-03T09:00:00"]);
    assert!(workspace.table("out", "dim_product").column("product_id").contains(&"P, \"1\"".to_owned()));
}

#[test]
fn a_column_without_a_name_hides_no_other() {
    let workspace = Workspace::new();
    workspace.write(
        "data/orders.csv",
        ",column_1,order,day,product,pieces,price\n1,web,A1,2024-01-02,P1,1,1\n2,shop,A2,2024-01-03,P1,1,1\n",
    );
    let columns =
        "{order_id: order, ordered_at: day, product_id: product, quantity: pieces, unit_price: price, channel: column_1}";
    run(&workspace, &csv_pipeline(&format!("    columns: {columns}\n"))).ok();
    assert_eq!(workspace.table("out", "fact_sales").column("channel"), ["web", "shop"]);
}

#[test]
fn a_file_whose_name_ends_in_tsv_needs_no_delimiter() {
    let workspace = Workspace::new();
    let orders: String = ORDERS.lines().take(2).map(|line| line.replace(',', "\t") + "\n").collect();
    workspace.write("data/orders.tsv", orders);
    run(&workspace, &pipeline("{type: files, url: data}", "path: orders.tsv")).ok();
    assert_eq!(workspace.table("out", "fact_sales").column("order_id"), ["A1"]);
}
