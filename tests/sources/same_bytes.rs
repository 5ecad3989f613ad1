//! One shop in every form a source can have; the published tables are the same to the last byte.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value};

use super::csv_text::{Table, cp1252, cp1252_byte, parse, utf16, write};
use super::mysql_server;
use super::postgres_server::{DATABASE, Server};
use crate::support::{Workspace, published_bytes};

/// Entity, the source's table, and the mapping; columns and expressions both.
const SOURCES: [(&str, &str, &str); 5] = [
    (
        "sales",
        "order_lines",
        "order_id: order_id, line_number: line_no, ordered_at: order_ts, customer_id: customer_id, product_id: product_id, \
         quantity: quantity, unit_price: unit_price, discount_amount: discount, cost_amount: unit_price * quantity, region: region, \
         channel: upper(channel)",
    ),
    (
        "customers",
        "customers",
        "customer_id: customer_id, customer_name: customer_name, email: lower(email), \
         business_segment: \"CASE WHEN segment = 'Consumer' THEN 'Private' ELSE segment END\", region: region, country: country, \
         city: city, birth_on: birth_date, signup_on: signup_date",
    ),
    (
        "products",
        "products",
        "product_id: product_id, product_name: product_name, category: category, subcategory: subcategory, brand: brand, \
         list_price: list_price, unit_cost: unit_cost",
    ),
    (
        "payments",
        "payments",
        "payment_id: payment_id, customer_id: customer_id, order_id: order_id, due_on: due_date, paid_on: paid_date, amount: amount, \
         status: status",
    ),
    (
        "tickets",
        "tickets",
        "ticket_id: ticket_id, customer_id: customer_id, opened_at: opened_at, resolved_at: resolved_at, \
         category: \"concat(category, ' (', priority, ')')\", priority: priority, satisfaction: satisfaction",
    ),
];

type Shop = BTreeMap<&'static str, Table>;

#[test]
fn the_same_data_through_every_source_gives_the_same_bytes() {
    let workspace = Workspace::new();
    let shop = generate(&workspace);
    let server = Server::start();
    fill_postgres(&workspace, &server, &shop);
    let mysql = mysql_server::Server::start();
    fill_mysql(&mysql, &shop);
    fill_sqlite(&workspace, &shop);
    write_files(&workspace, &shop);

    // Form, connection, input, and the form whose tables it must equal.
    let files = |url: &str| format!("{{type: files, url: ../../{url}}}");
    let forms = [
        ("csv", files("csv"), "path: TABLE.csv", "csv"),
        ("western", files("western"), "path: TABLE.csv", "western"),
        ("parquet", files("parquet"), "path: TABLE.parquet", "csv"),
        ("postgres-table", format!("{{type: postgres, url: \"{}\"}}", server.url()), "table: public.TABLE", "csv"),
        ("postgres-query", format!("{{type: postgres, url: \"{}\"}}", server.url()), "query: SELECT * FROM TABLE;", "csv"),
        ("mysql-table", format!("{{type: mysql, url: \"{}\"}}", mysql.url()), "table: TABLE", "csv"),
        ("mysql-query", format!("{{type: mysql, url: \"{}\"}}", mysql.url()), "query: SELECT * FROM TABLE;", "csv"),
        ("sqlite", "{type: sqlite, path: ../../shop.sqlite}".to_owned(), "table: TABLE", "csv"),
        ("ndjson", files("ndjson"), "path: TABLE.ndjson", "csv"),
        ("gzip", files("packed"), "path: TABLE.csv.gz", "csv"),
        ("zstd", files("packed"), "path: TABLE.csv.zst", "csv"),
        ("cp1252", files("cp1252"), "path: TABLE.csv\n    csv: {encoding: cp1252, delimiter: ';'}", "western"),
        ("utf-16", files("utf16"), "path: TABLE.csv\n    csv: {encoding: utf-16, delimiter: ';'}", "csv"),
        ("split", files("split"), "path: TABLE-*.csv", "csv"),
    ];
    let published = std::thread::scope(|threads| {
        let workspace = &workspace;
        let runs: Vec<_> = forms
            .iter()
            .map(|(name, connection, input, _)| threads.spawn(move || (*name, published(workspace, name, connection, input))))
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect::<BTreeMap<_, _>>()
    });
    let sales = workspace.table("forms/csv/out", "fact_sales");
    assert_eq!(sales.rows.len(), shop["order_lines"].len() - 1);
    let cities = workspace.table("forms/csv/out", "dim_customer").column("city");
    assert!(cities.iter().any(|city| city == "Jyväskylä"), "no name with an accent in {cities:?}");
    for (form, .., like) in &forms {
        let (tables, others) = (&published[form], &published[like]);
        assert!(tables.keys().eq(others.keys()), "{form} has other tables than {like}");
        let differing: Vec<&String> = tables.keys().filter(|name| tables[*name] != others[*name]).collect();
        assert!(differing.is_empty(), "{form} differs from {like} in {differing:?}");
    }
    // The comparison can fail: another city's spelling is another file.
    assert_ne!(published["csv"]["dim_customer.parquet"], published["western"]["dim_customer.parquet"]);
}

/// The generated shop as the program writes it, and its CSV files as the test reads them.
fn generate(workspace: &Workspace) -> Shop {
    for format in ["csv", "parquet"] {
        workspace.run(&["sample", "--lines", "3000", "--seed", "7", "--format", format, "--to", format]).ok();
    }
    let read = |table: &str| parse(&fs::read_to_string(workspace.path(&format!("csv/{table}.csv"))).unwrap());
    SOURCES.iter().map(|(_, table, _)| (*table, read(table))).collect()
}

/// Runs one form in a folder of its own and gives its tables.
fn published(workspace: &Workspace, form: &str, connection: &str, input: &str) -> BTreeMap<String, Vec<u8>> {
    let mut pipeline = format!("version: 1\nname: shop\nconnections:\n  shop: {connection}\nextract:\n");
    for (entity, table, columns) in SOURCES {
        let input = input.replace("TABLE", table);
        pipeline.extend([format!("  {entity}:\n    from: shop\n    {input}\n    columns: {{{columns}}}\n")]);
    }
    pipeline += "publish: {to: out}\n";
    workspace.write(&format!("forms/{form}/shop.yaml"), pipeline);
    let ran = workspace.run(&["-C", &format!("forms/{form}"), "run", "shop.yaml"]);
    assert_eq!(ran.code, 0, "{form}:\n{}\n{}", ran.stdout, ran.stderr);
    published_bytes(&workspace.path(&format!("forms/{form}/out")))
}

/// The type a shop's database would give a column: PostgreSQL's and SQLite's.
fn types(column: &str) -> (&'static str, &'static str) {
    match column {
        "line_no" | "quantity" | "satisfaction" => ("integer", "INTEGER"),
        "unit_price" | "discount" | "list_price" | "unit_cost" | "amount" => ("numeric(10,2)", "NUMERIC(10,2)"),
        name if name.ends_with("_id") => ("bigint", "INTEGER"),
        name if name.ends_with("_ts") || name.ends_with("_at") => ("timestamp", "DATETIME"),
        name if name.ends_with("_date") => ("date", "DATETIME"),
        _ => ("text", "TEXT"),
    }
}

fn fill_postgres(workspace: &Workspace, server: &Server, shop: &Shop) {
    for (name, table) in shop {
        let columns: Vec<String> = table[0].iter().map(|column| format!("{column} {}", types(column).0)).collect();
        server.execute(DATABASE, &format!("CREATE TABLE {name} ({})", columns.join(", ")));
        let file = workspace.path(&format!("csv/{name}.csv"));
        server.execute(DATABASE, &format!("\\copy {name} FROM '{}' WITH (FORMAT csv, HEADER true)", file.display()));
    }
}

/// PostgreSQL's types mean the same here, but for a time without a zone.
fn fill_mysql(server: &mysql_server::Server, shop: &Shop) {
    let text = |value: &String| if value.is_empty() { "NULL".to_owned() } else { format!("'{}'", value.replace('\'', "''")) };
    for (name, table) in shop {
        let columns: Vec<String> =
            table[0].iter().map(|column| format!("{column} {}", types(column).0.replace("timestamp", "datetime"))).collect();
        let rows: Vec<String> =
            table[1..].iter().map(|row| format!("({})", row.iter().map(text).collect::<Vec<_>>().join(", "))).collect();
        let sql = format!("CREATE TABLE {name} ({}); INSERT INTO {name} VALUES {};", columns.join(", "), rows.join(", "));
        server.execute(mysql_server::DATABASE, &sql);
    }
}

fn fill_sqlite(workspace: &Workspace, shop: &Shop) {
    let mut database = rusqlite::Connection::open(workspace.path("shop.sqlite")).unwrap();
    let filling = database.transaction().unwrap();
    for (name, table) in shop {
        let columns: Vec<String> = table[0].iter().map(|column| format!("{column} {}", types(column).1)).collect();
        filling.execute(&format!("CREATE TABLE {name} ({})", columns.join(", ")), []).unwrap();
        let places = vec!["?"; columns.len()].join(", ");
        let mut insert = filling.prepare(&format!("INSERT INTO {name} VALUES ({places})")).unwrap();
        for row in &table[1..] {
            insert.execute(rusqlite::params_from_iter(row.iter().map(|value| Some(value).filter(|v| !v.is_empty())))).unwrap();
        }
    }
    filling.commit().unwrap();
}

fn write_files(workspace: &Workspace, shop: &Shop) {
    for (name, table) in shop {
        workspace.write(&format!("ndjson/{name}.ndjson"), ndjson(table));
        let western = in_cp1252(table);
        workspace.write(&format!("western/{name}.csv"), write(&western, ','));
        workspace.write(&format!("cp1252/{name}.csv"), cp1252(&write(&western, ';')));
        workspace.write(&format!("utf16/{name}.csv"), utf16(&write(table, ';')));
        let (first, second) = table.split_at(table.len() / 2);
        workspace.write(&format!("split/{name}-1.csv"), write(first, ','));
        workspace.write(&format!("split/{name}-2.csv"), reordered(&table[0], second));
        let plain = workspace.path(&format!("csv/{name}.csv"));
        pack(&["gzip", "-c"], &plain, workspace, &format!("packed/{name}.csv.gz"));
        pack(&["zstd", "-q", "-c"], &plain, workspace, &format!("packed/{name}.csv.zst"));
    }
}

/// Names from further east have letters that Windows-1252 lacks; a shop that exports in it writes a question mark.
fn in_cp1252(table: &Table) -> Table {
    let value = |text: &String| text.chars().map(|c| if cp1252_byte(c).is_some() { c } else { '?' }).collect();
    table.iter().map(|row| row.iter().map(value).collect()).collect()
}

/// The second of two files has its columns the other way round, as exports of different years do.
fn reordered(header: &[String], rows: &[Vec<String>]) -> String {
    let table: Table =
        std::iter::once(header).chain(rows.iter().map(Vec::as_slice)).map(|row| row.iter().rev().cloned().collect()).collect();
    write(&table, ',')
}

/// Numbers as numbers, nothing as null every other time and left out otherwise.
fn ndjson(table: &Table) -> String {
    let mut text = String::new();
    for (number, row) in table[1..].iter().enumerate() {
        let mut object = Map::new();
        for (column, value) in table[0].iter().zip(row) {
            let is_number = !matches!(types(column).0, "text" | "date" | "timestamp");
            let json = match value.as_str() {
                "" if number % 2 == 0 => continue,
                "" => Value::Null,
                digits if is_number => serde_json::from_str(digits).unwrap(),
                text => Value::from(text),
            };
            object.insert(column.clone(), json);
        }
        text += &(Value::Object(object).to_string() + "\n");
    }
    text
}

fn pack(program: &[&str], plain: &Path, workspace: &Workspace, name: &str) {
    let output = Command::new(program[0]).args(&program[1..]).arg(plain).output();
    let output = output.unwrap_or_else(|e| panic!("{} is needed to pack a source (tests/run installs it): {e}", program[0]));
    assert!(output.status.success(), "{output:?}");
    workspace.write(name, output.stdout);
}
