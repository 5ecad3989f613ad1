//! MySQL's own types, time zones and encryption: each value arrives as the server holds it.

use std::process::Command;

use super::mysql_server::{DATABASE, PASSWORD, Server, USER};
use super::{pipeline, record, run};
use crate::receivers::tls;
use crate::support::{Ran, Workspace, read};

const TABLES: &str = r#"
SET time_zone = '+00:00';
CREATE TABLE `Order ``Lines``` (
    order_id int(7) unsigned zerofill, `line no` tinyint, ordered_at timestamp(6) NULL, customer varchar(20), product bigint unsigned,
    quantity decimal(20, 6), unit_price decimal(30, 10), channel enum('web', 'shop'), discount double, photo blob
);
INSERT INTO `Order ``Lines``` VALUES
    (10, 1, '2024-07-01 02:30:00.123456', 'C1', 18446744073709551615, 1.5, 12345678.12345, 'web', 0.1, x'ff00'),
    (11, 1, '2024-01-01 03:00:00', NULL, 7, 1, 1234567890123.4567, NULL, NULL, NULL),
    (12, 1, '2024-03-10 07:30:00', '', 7, -2, 0.00005, 'shop', 0, 'text'),
    (13, 1, NULL, 'C2', 7, 1, 1, 'shop', NULL, NULL),
    (NULL, 1, '2024-03-10 07:30:00', 'C2', 7, 1, 1, 'shop', NULL, NULL);
SET sql_mode = '';
CREATE TABLE customers (
    id varchar(10), name text, email varchar(80), profile json, flags bit(10), born date, score float, opened time(3), joined datetime(3),
    country varbinary(20)
) CHARACTER SET latin1;
INSERT INTO customers VALUES
    ('C1', 'tab\there,\nline \\ back\r "quoted" é', '\\N', '{"vip": true, "tags": ["ü"]}', b'1000000001', '1990-02-28', 16777216.5,
        '-26:03:04.5', '2023-05-01 10:00:00.120', 'DE'),
    ('C2', '', 'NULL', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    ('C3', 'zero', ' ', '[]', b'0', '0000-00-00', 0.1, '00:00:00', NULL, 'FR'),
    ('C4', 'bytes', 'x', '[]', b'1', '1980-01-01', 0.1, '838:59:59', NULL, x'4445ff');
"#;

const PIPELINE: &str = r#"
version: 1
name: shop
timezone: America/New_York
connections:
  till: {type: mysql, url: "URL"}
extract:
  sales:
    from: till
    INPUT
    columns: {order_id: order_id, line_number: line no, ordered_at: ordered_at, customer_id: customer, product_id: product, quantity: quantity, unit_price: unit_price, discount_amount: discount, channel: channel}
    rejects: {warn: 10%, fail: 60%}
  customers:
    from: till
    table: customers
    columns: {customer_id: id, customer_name: name, email: email, business_segment: "concat(profile, '|', flags, '|', score)", city: opened, signup_on: joined, birth_on: born, country: country}
    rejects: {warn: 10%, fail: 60%}
publish: {to: out}
"#;

/// Through `table:`, whose name has backticks and blanks.
const TABLE: &str = "table: Order `Lines`";
/// The same through `query:`, with a day that the server reckons.
const QUERY: &str = "query: SELECT *, DATE(ordered_at) AS region FROM `Order ``Lines``` ORDER BY order_id IS NULL, order_id";

#[test]
fn every_type_arrives_as_the_server_holds_it() {
    let server = Server::start();
    server.execute(DATABASE, TABLES);
    let of = |input: &str| PIPELINE.replace("URL", &server.url()).replace("INPUT", input);

    // A server that knows no zone by its name gives instants in UTC, which are moved here.
    let without = Workspace::new();
    run(&without, &of(TABLE)).ok();
    sales(&without, "till.Order `Lines`");
    customers(&without);
    // Nor do the questions reckon that are asked of a table beside that.
    let planned = without.run(&["plan", "shop.yaml"]);
    assert!(planned.code == 8 && planned.stdout.contains("5 rows then"), "{}{}", planned.stdout, planned.stderr);
    // What a query reckons there nobody could move, so it is not asked.
    let refused = run(&Workspace::new(), &of(QUERY));
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    for word in ["`till`", "the server does not know the time zone America/New_York", "tzinfo-to-sql", "`table:`"] {
        assert!(refused.stderr.contains(word), "`{word}` is not in:\n{}", refused.stderr);
    }

    server.load_zone("America/New_York");
    for input in [TABLE, QUERY] {
        let with = Workspace::new();
        run(
            &with,
            &of(input).replace(
                "channel: channel}",
                if input == QUERY { "channel: channel, region: region}" } else { "channel: channel}" },
            ),
        )
        .ok();
        sales(&with, if input == QUERY { "till (query)" } else { "till.Order `Lines`" });
        customers(&with);
        if input == QUERY {
            // The day of the store, not that of Greenwich.
            let days = with.table("out", "dim_region").column("region_name");
            assert!(days.contains(&"2024-06-30".to_owned()) && !days.contains(&"2024-07-01".to_owned()), "{days:?}");
        }
    }
}

fn sales(workspace: &Workspace, origin: &str) {
    let sales = workspace.table("out", "fact_sales");
    let of = |last: u8, column: &str| sales.only("order_id", &format!("00000{last}")).column(column).concat();
    assert_eq!(sales.rows.len(), 3);
    // New York is four hours behind in summer, five in winter; 07:30 is half an hour after its clocks went forward.
    assert_eq!(
        [10, 11, 12].map(|o| of(o, "ordered_at")),
        ["2024-06-30T22:30:00.123456", "2023-12-31T22:00:00", "2024-03-10T03:30:00"]
    );
    assert_eq!([10, 11, 12].map(|o| of(o, "unit_price")), ["12345678.1235", "1234567890123.4567", "0.0001"]);
    assert_eq!([10, 11, 12].map(|o| of(o, "quantity")), ["1.5000", "1.0000", "-2.0000"]);
    assert_eq!([10, 11, 12].map(|o| of(o, "discount_amount")), ["0.1000", "0.0000", "0.0000"]);
    assert_eq!([10, 11, 12].map(|o| of(o, "channel")), ["web", "", "shop"]);
    assert_eq!([11, 12].map(|o| of(o, "customer_key")), ["0", "0"]);
    assert!(workspace.table("out", "dim_product").column("product_id").contains(&"18446744073709551615".to_owned()));

    // The picture that is no text harms nobody, because its column is not read.
    let rejects = read(&record(workspace, "rejects/sales.parquet"));
    assert_eq!(rejects.column("origin"), [origin; 2]);
    assert_eq!(rejects.column("record"), ["4", "5"]);
    assert_eq!(rejects.column("column"), ["ordered_at", "order_id"]);
    assert_eq!(rejects.column("reason"), ["is missing", "is missing"]);
}

fn customers(workspace: &Workspace) {
    let customers = workspace.table("out", "dim_customer");
    let of = |id: &str, column: &str| {
        let place = customers.names.iter().position(|name| name == column).unwrap();
        customers.only("customer_id", id).rows[0][place].clone()
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(of("C1", "customer_name"), some("tab\there,\nline \\ back\r \"quoted\" é"));
    assert_eq!(of("C1", "email"), some("\\N"));
    // JSON as it was written, ten bits as their number, and a FLOAT that its six digits would round.
    assert_eq!(of("C1", "business_segment"), some("{\"vip\": true, \"tags\": [\"ü\"]}|513|16777216"));
    assert_eq!((of("C1", "city"), of("C1", "age_band")), (some("-26:03:04.500"), some("25-34")));
    assert_eq!([of("C2", "customer_name"), of("C2", "email")], [None, some("NULL")]);
    let rejects = read(&record(workspace, "rejects/customers.parquet"));
    assert_eq!(rejects.column("record"), ["3", "4"]);
    assert_eq!(rejects.column("raw_value")[0], "0000-00-00");
    assert!(rejects.column("raw_value")[1].starts_with("C4,bytes,"), "{:?}", rejects.column("raw_value"));
    assert_eq!(rejects.column("reason"), ["is not a date", "holds bytes that are not UTF-8"]);
}

const ORDERS: &str = "CREATE TABLE orders (order_id varchar(10), ordered_at date, product_id varchar(10), quantity int, unit_price decimal(10, 2)); \
                      INSERT INTO orders VALUES ('A1', '2024-01-02', 'P1', 1, 1.10)";

#[test]
fn a_table_without_rows_keeps_its_columns() {
    let server = Server::start();
    server.execute(DATABASE, ORDERS);
    server.execute(DATABASE, "CREATE TABLE people (customer_id int, customer_name text)");
    let connection = format!("{{type: mysql, url: \"{}\"}}", server.url());
    let workspace = Workspace::new();
    let source = |table: &str| pipeline(&connection, &format!("table: orders\n  customers:\n    from: shop\n    {table}"));
    run(&workspace, &source("table: people")).ok();
    let ran = run(&workspace, &source("query: SELECT 1 AS customer, customer_name FROM people LIMIT 0"));
    assert!(ran.code == 1 && ran.stderr.contains("has no column `customer_id` (did you mean `customer`?)"), "{}", ran.stderr);
    // The mapping is held against the columns without a run as well.
    let checked = workspace.run(&["validate", "shop.yaml", "--connect"]);
    assert!(checked.code != 0 && (checked.stdout + &checked.stderr).contains("customer_id"));
    workspace.write("shop.yaml", source("table: people"));
    let doctor = workspace.run(&["doctor", "shop.yaml"]).ok();
    assert!(
        doctor.stdout.contains("answers with 5 columns") && doctor.stdout.contains("answers with 2 columns"),
        "{}",
        doctor.stdout
    );
}

#[test]
fn a_record_longer_than_the_limit_ends_the_run() {
    let server = Server::start();
    server.execute(DATABASE, ORDERS);
    let connection = format!("{{type: mysql, url: \"{}\"}}", server.url());
    for length in [200_000, 8_000_000] {
        let workspace = Workspace::new();
        workspace.write("config/small.yaml", "limits: {record_bytes: 100KiB}\n");
        let query = format!("query: SELECT o.*, repeat('x', {length}) AS channel FROM orders AS o");
        workspace.write("shop.yaml", pipeline(&connection, &query));
        let ran = workspace.run(&["--env", "small", "run", "shop.yaml"]);
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        for word in ["shop (query) exceeds a limit", "a record is longer than 102400 bytes", "limits.record_bytes"] {
            assert!(ran.stderr.contains(word), "`{word}` is not in:\n{}", ran.stderr);
        }
    }
}

#[test]
fn a_connection_is_as_secret_as_its_url_says() {
    let folder = tempfile::tempdir().unwrap();
    let identity = tls::identity(folder.path());
    let path = |path: &std::path::Path| path.display().to_string();
    let server = Server::start_with(&[
        format!("--ssl-cert={}", path(&identity.certificate)),
        format!("--ssl-key={}", path(&identity.key)),
    ]);
    server.execute(DATABASE, ORDERS);
    let run = |url: &str, trusted: bool| -> Ran {
        let workspace = Workspace::new();
        workspace.write("shop.yaml", pipeline(&format!("{{type: mysql, url: \"{url}\"}}"), "table: orders"));
        let mut command: Command = workspace.command(&["run", "shop.yaml"]);
        if trusted {
            command.env("SSL_CERT_FILE", &identity.certificate);
        }
        command.output().unwrap().into()
    };
    let url = |mode: &str| format!("{}?ssl-mode={mode}", server.url());
    // Everything that is allowed to be plain still is; the server says when it was not encrypted.
    run(&url("disabled"), false).ok();
    server.execute("mysql", &format!("ALTER USER {USER} REQUIRE SSL"));
    let plain = run(&url("disabled"), false);
    assert!(plain.code == 1 && plain.stderr.contains("refuses the login"), "{}", plain.stderr);
    for (mode, trusted) in [("preferred", false), ("REQUIRED", false), ("VERIFY_IDENTITY", true)] {
        run(&url(mode), trusted).ok();
    }
    run(&server.url(), false).ok();
    let unknown = run(&url("verify_identity"), false);
    assert_eq!(unknown.code, 1, "{}", unknown.stderr);
    assert!(unknown.stderr.contains("certificate") && unknown.stderr.contains("ssl-mode"), "{}", unknown.stderr);
    // The certificate is for an address, not for a name.
    let named = url("verify_identity").replace("127.0.0.1", "localhost");
    let named = run(&named, true);
    assert!(named.code == 1 && named.stderr.contains("certificate"), "{}", named.stderr);
    let wrong = run(&url(PASSWORD), true);
    assert!(wrong.stderr.contains("its `ssl-mode` is none of disabled, preferred"), "{}", wrong.stderr);
    assert!(!wrong.stderr.contains(PASSWORD), "{}", wrong.stderr);
    // A server that cannot encrypt is not asked in plain words.
    let open = Server::start();
    let refused = run(&format!("{}?ssl-mode=required", open.url()), false);
    assert!(refused.code == 1 && refused.stderr.contains("server does not have this capability"), "{}", refused.stderr);
}
