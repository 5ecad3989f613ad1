//! PostgreSQL's own types: each value arrives as the server holds it.

use super::postgres_server::{DATABASE, Server};
use super::{record, run};
use crate::support::{Workspace, read};

const TABLES: &str = r#"
CREATE TYPE channel AS ENUM ('web', 'shop');
CREATE SCHEMA "Till";
CREATE TABLE "Till"."Orders" (
    order_id uuid, "line no" smallint, ordered_at timestamptz, customer text, product bigint,
    quantity numeric, unit_price numeric, channel channel
);
INSERT INTO "Till"."Orders" VALUES
    ('6F1C2A30-0000-4000-8000-00000000000a', 1, '2024-07-01 02:30:00.123456+00', 'C1', 9007199254740993, 1.5, 12345678.12345, 'web'),
    ('6F1C2A30-0000-4000-8000-00000000000b', 1, '2024-01-01 03:00:00+00', NULL, 7, 1, 1234567890123.4567, NULL),
    ('6F1C2A30-0000-4000-8000-00000000000c', 1, '2024-03-10 07:30:00+00', '', 7, -2, 0.00005, 'shop'),
    ('6F1C2A30-0000-4000-8000-00000000000d', 1, '2024-03-10 07:30:00+00', 'C2', 7, 'NaN', 1, 'shop'),
    ('6F1C2A30-0000-4000-8000-00000000000e', 1, 'infinity', 'C2', 7, 1, 1, 'shop'),
    (NULL, 1, '2024-03-10 07:30:00+00', 'C2', 7, 1, 1, 'shop');
CREATE TABLE customers (id text, name text, email varchar(80), profile jsonb, address json, born date);
INSERT INTO customers VALUES
    ('C1', E'tab\there,\nline \\ back\r "quoted"', E'\\N', '{"vip": true, "tags": ["a\tb", "ü"]}', '{"city":  "Zürich"}', '1990-02-28'),
    ('C2', '', '\.', NULL, 'null', NULL),
    ('C3', NULL, ' ', '[]', '"\\"', '0044-03-15 BC');
"#;

const PIPELINE: &str = r#"
version: 1
name: shop
timezone: America/New_York
connections:
  till: {type: postgres, url: "URL"}
extract:
  sales:
    from: till
    table: Till.Orders
    columns: {order_id: order_id, line_number: line no, ordered_at: ordered_at, customer_id: customer, product_id: product, quantity: quantity, unit_price: unit_price, channel: channel}
    rejects: {warn: 10%, fail: 60%}
  customers:
    from: till
    table: customers
    columns: {customer_id: id, customer_name: name, email: email, business_segment: profile, city: address, birth_on: born}
    rejects: {warn: 10%, fail: 60%}
publish: {to: out}
"#;

#[test]
fn every_type_arrives_as_the_server_holds_it() {
    let server = Server::start();
    server.execute(DATABASE, TABLES);
    let workspace = Workspace::new();
    run(&workspace, &PIPELINE.replace("URL", &server.url())).ok();
    sales(&workspace);
    customers(&workspace);
}

fn order(last: char) -> String {
    format!("6f1c2a30-0000-4000-8000-00000000000{last}")
}

fn sales(workspace: &Workspace) {
    let sales = workspace.table("out", "fact_sales");
    let of = |last: char, column: &str| sales.only("order_id", &order(last)).column(column).concat();
    assert_eq!(sales.rows.len(), 3);
    // New York is four hours behind in summer, five in winter; 07:30 is half an hour after its clocks went forward.
    assert_eq!(
        ['a', 'b', 'c'].map(|o| of(o, "ordered_at")),
        ["2024-06-30T22:30:00.123456", "2023-12-31T22:00:00", "2024-03-10T03:30:00"]
    );
    assert_eq!(['a', 'b', 'c'].map(|o| of(o, "unit_price")), ["12345678.1235", "1234567890123.4567", "0.0001"]);
    assert_eq!(['a', 'b', 'c'].map(|o| of(o, "net_amount")), ["18518517.1853", "1234567890123.4567", "-0.0002"]);
    assert_eq!(['a', 'b', 'c'].map(|o| of(o, "quantity")), ["1.5000", "1.0000", "-2.0000"]);
    assert_eq!(['a', 'b', 'c'].map(|o| of(o, "channel")), ["web", "", "shop"]);
    assert_eq!(['b', 'c'].map(|o| of(o, "customer_key")), ["0", "0"]);
    assert!(workspace.table("out", "dim_product").column("product_id").contains(&"9007199254740993".to_owned()));

    let rejects = read(&record(workspace, "rejects/sales.parquet"));
    assert_eq!(rejects.column("origin"), ["till.Till.Orders"; 3]);
    assert_eq!(rejects.column("record"), ["4", "5", "6"]);
    assert_eq!(rejects.column("column"), ["quantity", "ordered_at", "order_id"]);
    assert_eq!(rejects.column("raw_value"), ["NaN", "infinity", ""]);
    assert_eq!(rejects.column("reason"), ["is not a number", "is not a date and time", "is missing"]);
}

fn customers(workspace: &Workspace) {
    let customers = workspace.table("out", "dim_customer");
    let of = |id: &str, column: &str| {
        let place = customers.names.iter().position(|name| name == column).unwrap();
        customers.only("customer_id", id).rows[0][place].clone()
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(of("C1", "customer_name"), some("tab\there,\nline \\ back\r \"quoted\""));
    assert_eq!(of("C1", "email"), some("\\N"));
    assert_eq!(of("C1", "business_segment"), some("{\"vip\": true, \"tags\": [\"a\\tb\", \"ü\"]}"));
    assert_eq!(of("C1", "city"), some("{\"city\":  \"Zürich\"}"));
    assert_eq!(of("C1", "age_band"), some("25-34"));
    assert_eq!([of("C2", "customer_name"), of("C2", "email"), of("C2", "business_segment")], [None, some("\\."), None]);
    // A birthday before our era is no date for us: the record is set aside, and no sale names the customer.
    assert_eq!(customers.only("customer_id", "C3").rows.len(), 0);
    let rejects = read(&record(workspace, "rejects/customers.parquet"));
    assert_eq!(
        (rejects.column("column"), rejects.column("raw_value")),
        (vec!["birth_on".to_owned()], vec!["0044-03-15 BC".to_owned()])
    );
}
