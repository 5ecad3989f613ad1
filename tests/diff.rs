//! What differs between two snapshots: against plain loops over their rows, against planted changes, and within little memory.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use compare::{Basis, Change, MASK, Snapshot, TableFile};
use config::Engine;
use extract::TableFile as Writer;
use schema::{TABLES, Visibility};
use serde_json::{Value, json};

use crate::support::{Ran, Rows, Workspace, read, ten_thousandths};

const DIFFERS: i32 = 8;

// ---- Against plain loops

fn rows_of(space: &Workspace, to: &str, snapshot: &str, table: &str) -> Rows {
    read(&space.path(to).join("snapshots").join(snapshot).join(format!("{table}.parquet")))
}

type Row = Vec<Option<String>>;

fn keyed(rows: &Rows, key: &[&str]) -> BTreeMap<Row, Row> {
    let places: Vec<usize> = key.iter().map(|k| rows.names.iter().position(|name| name == k).unwrap()).collect();
    let known: BTreeMap<Row, Row> =
        rows.rows.iter().map(|row| (places.iter().map(|place| row[*place].clone()).collect(), row.clone())).collect();
    assert_eq!(known.len(), rows.rows.len());
    known
}

/// Added, removed and changed keys, and rows by column.
fn expected(before: &Rows, after: &Rows, key: &[&str]) -> (u64, u64, u64, BTreeMap<String, u64>) {
    assert_eq!(before.names, after.names);
    let (old, new) = (keyed(before, key), keyed(after, key));
    let mut columns: BTreeMap<String, u64> = BTreeMap::new();
    let (mut removed, mut changed) = (0, 0);
    for (key, row) in &old {
        let Some(now) = new.get(key) else {
            removed += 1;
            continue;
        };
        changed += u64::from(row != now);
        for (name, _) in before.names.iter().zip(row.iter().zip(now)).filter(|(_, (old, new))| old != new) {
            *columns.entry(name.clone()).or_default() += 1;
        }
    }
    (new.keys().filter(|key| !old.contains_key(*key)).count() as u64, removed, changed, columns)
}

fn assert_tables(space: &Workspace, to: &str, said: &Value) {
    let side = |side: &str| said[side]["snapshot"].as_str().unwrap().to_owned();
    let published: Vec<_> = TABLES.iter().filter(|table| table.visibility == Visibility::Published).collect();
    assert_eq!(said["tables"].as_array().unwrap().len(), published.len());
    let mut moved = 0;
    for (table, found) in published.iter().zip(said["tables"].as_array().unwrap()) {
        assert_eq!(found["table"], table.name);
        let read = |side: &str| rows_of(space, to, side, table.name);
        let (before, after) = (read(&side("before")), read(&side("after")));
        let (added, removed, changed, columns) = expected(&before, &after, table.key);
        let rows = (found["rows_before"].as_u64().unwrap(), found["rows_after"].as_u64().unwrap());
        assert_eq!(rows, (before.rows.len() as u64, after.rows.len() as u64), "{}", table.name);
        assert_eq!((&found["added"], &found["removed"], &found["changed"]), (&json!(added), &json!(removed), &json!(changed)));
        let told = found["columns"].as_array().unwrap();
        let told: BTreeMap<String, u64> =
            told.iter().map(|c| (c["column"].as_str().unwrap().to_owned(), c["rows"].as_u64().unwrap())).collect();
        assert_eq!(told, columns, "{}", table.name);
        assert_eq!(found["schema"], json!([]));
        moved += usize::from(added + removed + changed > 0);
    }
    assert!(moved > 25, "only {moved} tables differ");
}

fn figure<'a>(said: &'a Value, name: &str) -> &'a Value {
    said["figures"].as_array().unwrap().iter().find(|figure| figure["figure"] == name).unwrap()
}

/// Figures from the facts and the customers, where the program takes those of marts.
fn assert_figures(space: &Workspace, to: &str, said: &Value) {
    for side in ["before", "after"] {
        let table = |name: &str| rows_of(space, to, said[side]["snapshot"].as_str().unwrap(), name);
        let shown = |name: &str| ten_thousandths(figure(said, name)[side].as_str().unwrap());
        let revenue = table("fact_sales").sum("net_amount");
        assert_eq!(shown("revenue"), revenue);
        assert_eq!(shown("clv_12m"), table("customer_clv").sum("clv_12m"));
        assert_eq!(figure(said, "customers")[side], table("customer_rfm").rows.len());
        assert_eq!(figure(said, "at_risk")[side], table("customer_value").only("is_at_risk", "true").rows.len());
        let champions = table("customer_rfm").only("segment", "Champions").rows.len();
        let share = champions as f64 / table("customer_rfm").rows.len() as f64;
        assert!((figure(said, "champions_share")[side].as_f64().unwrap() - share).abs() < 1e-12);
        let months = table("retention_monthly").named();
        let rate: f64 = months.last().unwrap()["repeat_purchase_rate"].parse().unwrap();
        assert_eq!(figure(said, "repeat_rate")[side], rate);
        let months = table("sales_trend").only("period_kind", "month");
        let orders: i128 = months.column("orders").iter().map(|orders| orders.parse::<i128>().unwrap()).sum();
        assert_eq!(figure(said, "orders")[side], i64::try_from(orders).unwrap());
        assert!((shown("average_order_value") * orders - revenue).abs() * 2 <= orders, "half of the last digit");
    }
    let revenue = figure(said, "revenue");
    let [before, after, change] = ["before", "after", "change"].map(|name| ten_thousandths(revenue[name].as_str().unwrap()));
    assert_eq!(after - before, change);
    assert!((revenue["relative"].as_f64().unwrap() - change as f64 / before as f64).abs() < 1e-12);
}

fn assert_segments(space: &Workspace, to: &str, said: &Value) {
    let segments =
        |side: &str| rows_of(space, to, said[side]["snapshot"].as_str().unwrap(), "customer_rfm").map("customer_key", "segment");
    let (before, after) = (segments("before"), segments("after"));
    let customers: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut moves: BTreeMap<(Option<&String>, Option<&String>), u64> = BTreeMap::new();
    for customer in customers {
        *moves.entry((before.get(customer), after.get(customer))).or_default() += 1;
    }
    let told = said["segments"].as_array().unwrap();
    assert_eq!(told.len(), moves.len());
    for ((from, to), customers) in moves {
        let found = told.iter().find(|m| m["from"] == json!(from) && m["to"] == json!(to));
        assert_eq!(found.unwrap()["customers"], customers, "{from:?} {to:?}");
    }
}

#[test]
fn two_snapshots_of_commerce_differ_as_their_rows_do() {
    let space = Workspace::new();
    for folder in ["data", "config", "pipelines"] {
        space.link(folder);
    }
    let pipeline = "pipelines/commerce.yaml";
    for day in ["2025-09-30", "2025-12-15"] {
        space.run(&["run", pipeline, "--as-of", day, "--quiet"]).ok();
    }
    let ran = space.run(&["diff", pipeline, "2025-09", "2025-12", "--output", "json"]);
    assert_eq!(ran.code, DIFFERS, "{}", ran.stderr);
    let said = ran.json();
    assert_eq!((&said["differs"], &said["before"]["as_of"]), (&json!(true), &json!("2025-09-30")));
    assert_tables(&space, "out/commerce", &said);
    assert_figures(&space, "out/commerce", &said);
    assert_segments(&space, "out/commerce", &said);

    // Without names it is the one before and the one that readers see; for a person it is short and the same each time.
    let text = space.run(&["diff", pipeline]);
    assert_eq!(text.code, DIFFERS);
    for line in
        ["revenue  ", "Champions             Loyal Customers", "fact_sales  ", "stayed where they were", "meta_run is another"]
    {
        assert!(text.stdout.contains(line), "no `{line}` in\n{}", text.stdout);
    }
    assert!(text.stdout.lines().count() < 80 && !text.stdout.contains("meta_run  "), "{}", text.stdout);
    assert_eq!(space.run(&["diff", pipeline, "2025-09"]).stdout, text.stdout);
}

// ---- Planted changes

const SHOP: &str = "
version: 1
name: shop
as_of: 2024-12-31
connections: {drop: {type: files, url: drop}}
extract:
  sales: {from: drop, path: lines.csv}
  customers: {from: drop, path: customers.csv}
  users: {from: drop, path: users.csv}
publish: {to: out}
";

const LINES: &str = "order_id,line_number,customer_id,product_id,ordered_at,quantity,unit_price,channel,region\n";
const CUSTOMERS: &str = "customer_id,customer_name,email,region\n";
const USERS: &str = "user_principal_name,region\n";

/// Thirty lines of ten customers.
fn lines() -> Vec<String> {
    let line = |n: u32| format!("o{},{},c{},p{},2024-{:02}-15,1,10,web,North\n", n / 2, n % 2 + 1, n % 10, n % 7, n % 12 + 1);
    (0..30).map(line).collect()
}

fn customers() -> Vec<String> {
    (0..10).map(|n| format!("c{n},Person {n},person{n}@example.org,North\n")).collect()
}

fn drop(space: &Workspace, lines: &[String], customers: &[String], users: &str) {
    space.write("drop/lines.csv", LINES.to_owned() + &lines.concat());
    space.write("drop/customers.csv", CUSTOMERS.to_owned() + &customers.concat());
    space.write("drop/users.csv", USERS.to_owned() + users);
}

fn shop() -> Workspace {
    let space = Workspace::new();
    space.write("shop.yaml", SHOP);
    drop(&space, &lines(), &customers(), "ann@example.org,North\n");
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    space
}

fn table<'a>(said: &'a Value, name: &str) -> &'a Value {
    said["tables"].as_array().unwrap().iter().find(|table| table["table"] == name).unwrap()
}

/// The tables that differ.
fn differing(said: &Value) -> Vec<&str> {
    let moved = |table: &&Value| ["added", "removed", "changed"].iter().any(|count| table[count] != 0);
    said["tables"].as_array().unwrap().iter().filter(moved).map(|table| table["table"].as_str().unwrap()).collect()
}

#[test]
fn a_cell_a_new_key_and_a_lost_key_are_found_and_no_more() {
    let space = shop();
    // The way an order came is in the facts and in no figure.
    let mut edited = lines();
    edited[4] = edited[4].replace(",web,", ",shop,");
    drop(&space, &edited, &customers(), "ann@example.org,North\n");
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    let ran = space.run(&["diff", "shop.yaml", "--output", "json"]);
    assert_eq!((ran.code, differing(&ran.json())), (DIFFERS, vec!["fact_sales", "meta_run"]), "{}", ran.stdout);
    let facts = table(&ran.json(), "fact_sales").clone();
    assert_eq!((&facts["changed"], &facts["columns"]), (&json!(1), &json!([{"column": "channel", "rows": 1}])));
    let row = json!({
        "change": "changed",
        "key": {"order_id": "o2", "line_number": 1},
        "times": 1,
        "cells": [{"column": "channel", "before": "web", "after": "shop"}],
    });
    let rows = space.run(&["diff", "shop.yaml", "--table", "fact_sales", "--output", "json"]);
    assert_eq!((rows.code, &rows.json()["rows"]), (DIFFERS, &json!([row])));
    let text = space.run(&["diff", "shop.yaml", "--table", "fact_sales"]).stdout;
    let told: Vec<&str> = text.lines().find(|line| line.contains("channel")).unwrap().split_whitespace().collect();
    assert_eq!(told, ["o2", "1", "channel", "web", "shop"]);
    assert_eq!(space.run(&["diff", "shop.yaml", "--table", "dim_product"]).code, 0);

    // Order o10 comes behind o9, as in the table.
    let second = space.snapshot("out");
    edited.remove(29);
    edited.push("o15,1,c1,p1,2024-03-03,2,10,web,North\n".to_owned());
    drop(&space, &edited, &customers(), "ann@example.org,North\n");
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    let said = space.run(&["diff", "shop.yaml", &second, "--output", "json"]).json();
    let counted = |table: &Value| ["added", "removed", "changed"].map(|count| table[count].as_u64().unwrap());
    assert_eq!(counted(table(&said, "fact_sales")), [1, 1, 0]);
    assert!(differing(&said).contains(&"customer_rfm"));
    assert_eq!(figure(&said, "revenue")["change"], "10.0000");
    let rows = space.run(&["diff", "shop.yaml", &second, "--table", "fact_sales", "--output", "json"]).json()["rows"].clone();
    assert_eq!((&rows[0]["change"], &rows[0]["key"]), (&json!("removed"), &json!({"order_id": "o14", "line_number": 2})));
    assert_eq!((&rows[1]["change"], &rows[1]["key"]["order_id"]), (&json!("added"), &json!("o15")));
    let net = rows[1]["cells"].as_array().unwrap().iter().find(|cell| cell["column"] == "net_amount").unwrap();
    assert_eq!(net, &json!({"column": "net_amount", "before": null, "after": "20.0000"}));
    let cut = space.run(&["diff", "shop.yaml", &second, "--table", "fact_sales", "--rows", "1"]).stdout;
    assert!(cut.contains("1 added, 1 removed, 0 changed of 30 and 30 rows; 1 of 2 shown"), "{cut}");
}

#[test]
fn a_snapshot_and_itself_do_not_differ_and_those_that_are_not_there_are_told() {
    let space = shop();
    let alone = space.run(&["diff", "shop.yaml"]);
    let id = space.snapshot("out");
    assert!(alone.code == 2 && alone.stderr.contains("there is none before") && alone.stderr.contains(&id), "{}", alone.stderr);
    let same = space.run(&["diff", "shop.yaml", &id, &id]).ok();
    assert!(same.stdout.contains("Nothing differs; 39 tables are the same."), "{}", same.stdout);
    let said = space.run(&["diff", "shop.yaml", "2024", "2024", "--output", "json"]).ok().json();
    assert_eq!((&said["differs"], differing(&said)), (&json!(false), Vec::new()));
    assert_eq!(
        (&figure(&said, "revenue")["before"], &figure(&said, "revenue")["change"]),
        (&json!("300.0000"), &json!("0.0000"))
    );
    assert!(said["segments"].as_array().unwrap().iter().all(|m| m["from"] == m["to"]));
    let keys: Vec<&String> = said.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["pipeline", "before", "after", "differs", "figures", "segments", "tables"]);

    for wrong in [&["diff", "shop.yaml", "1999"][..], &["diff", "shop.yaml", "2024", "1999"]] {
        let ran = space.run(wrong);
        assert!(ran.code == 2 && ran.stderr.contains(&format!("none is named 1999; there are {id}")), "{}", ran.stderr);
    }
    let unknown = space.run(&["diff", "shop.yaml", "--table", "customer"]);
    assert!(unknown.code == 2 && unknown.stderr.contains("did you mean"), "{}", unknown.stderr);
    space.write("other.yaml", SHOP.replace("to: out", "to: none"));
    let nothing = space.run(&["diff", "other.yaml"]);
    assert!(nothing.code == 2 && nothing.stderr.contains("nothing is published in none yet"), "{}", nothing.stderr);
}

#[test]
fn persons_are_masked_unless_asked_for() {
    let space = shop();
    let mut edited = customers();
    edited[3] = "c3,Person 3,other@example.org,North\n".to_owned();
    drop(&space, &lines(), &edited, "ann@example.org,North\nbob@example.org,North\n");
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    let said = space.run(&["diff", "shop.yaml", "--output", "json"]).json();
    assert_eq!(table(&said, "dim_customer")["columns"], json!([{"column": "email", "rows": 1}]));
    let seen = |more: &[&str], table: &str| -> Ran {
        let ran = space.run(&[&["diff", "shop.yaml", "--table", table], more].concat());
        assert_eq!(ran.code, DIFFERS, "{}", ran.stderr);
        ran
    };
    let masked = seen(&[], "dim_customer").stdout;
    assert!(masked.contains(MASK) && masked.contains("email") && !masked.contains('@'), "{masked}");
    let row = seen(&["--output", "json"], "dim_customer").json()["rows"][0].clone();
    assert_eq!(row["cells"], json!([{"column": "email", "before": MASK, "after": MASK}]));
    let open = seen(&["--personal"], "dim_customer").stdout;
    assert!(open.contains("person3@example.org") && open.contains("other@example.org"), "{open}");
    // A key may name a person as well.
    let user = seen(&["--output", "json"], "security_user_region").json()["rows"][0].clone();
    assert_eq!((&user["change"], &user["key"]["user_principal_name"]), (&json!("added"), &json!(MASK)));
    space.write("shop.yaml", SHOP.to_owned() + "pii: []\n");
    assert!(seen(&[], "dim_customer").stdout.contains("other@example.org"));
}

// ---- Tables of another shape

/// Rewrites a snapshot's manifest.
fn edit_manifest(folder: &Path, edit: impl FnOnce(&mut Vec<Value>)) {
    let path = folder.join("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    edit(manifest["tables"].as_array_mut().unwrap());
    fs::write(path, manifest.to_string()).unwrap();
}

fn rewrite(path: &Path, edit: impl Fn(RecordBatch) -> RecordBatch) {
    let file = fs::File::open(path).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let batches: Vec<RecordBatch> = reader.map(|batch| edit(batch.unwrap())).collect();
    write(path, batches[0].schema(), &batches);
}

fn write(path: &Path, schema: SchemaRef, batches: &[RecordBatch]) {
    let mut file = Writer::create(path, schema).unwrap();
    for batch in batches {
        file.write(batch).unwrap();
    }
    file.finish().unwrap();
}

#[test]
fn columns_of_one_snapshot_alone_are_told_and_not_compared() {
    let space = shop();
    let first = space.snapshot("out");
    let mut edited = lines();
    edited[4] = edited[4].replace(",web,", ",shop,");
    drop(&space, &edited, &customers(), "ann@example.org,North\n");
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    // The first one is made one of another version: a column less, one of another type, a table less and one more.
    let folder = space.path("out/snapshots").join(first);
    rewrite(&folder.join("fact_sales.parquet"), |batch| {
        let kept: Vec<usize> = (0..batch.num_columns()).filter(|c| batch.schema().field(*c).name() != "channel").collect();
        batch.project(&kept).unwrap()
    });
    rewrite(&folder.join("dim_region.parquet"), |batch| {
        let keys = arrow::compute::cast(batch.column(0), &arrow::datatypes::DataType::Utf8).unwrap();
        RecordBatch::try_from_iter([("region_key", keys), ("region_name", Arc::clone(batch.column(1)))]).unwrap()
    });
    edit_manifest(&folder, |tables| {
        tables.retain(|table| table["table"] != "basket_run");
        tables.push(json!({"table": "old_mart", "rows": 3, "bytes": 1, "sha256": "0", "schema_hash": "0"}));
        for table in tables.iter_mut().filter(|t| t["table"] == "fact_sales" || t["table"] == "dim_region") {
            table["sha256"] = "another".into();
        }
    });
    let ran = space.run(&["diff", "shop.yaml", "--output", "json"]);
    assert_eq!(ran.code, DIFFERS, "{}", ran.stderr);
    let said = ran.json();
    let facts = table(&said, "fact_sales");
    assert_eq!(facts["schema"], json!([{"column": "channel", "before": null, "after": "text?"}]));
    assert_eq!((&facts["compared_by"], &facts["changed"]), (&json!("key"), &json!(0)));
    let regions = table(&said, "dim_region");
    assert_eq!(regions["schema"][0], json!({"column": "region_key", "before": "text", "after": "int64"}));
    assert_eq!((&regions["compared_by"], &regions["added"]), (&json!("row"), &json!(0)));
    assert_eq!(differing(&said), ["meta_run"]);
    assert_eq!(
        (&table(&said, "basket_run")["presence"], &table(&said, "old_mart")["presence"]),
        (&json!("added"), &json!("removed"))
    );
    assert_eq!(said["tables"].as_array().unwrap().last().unwrap()["table"], "old_mart");
    let text = space.run(&["diff", "shop.yaml"]).stdout;
    for line in
        ["fact_sales.channel: new, text?", "dim_region.region_key: int64, was text", "basket_run: new, 1 rows", "old_mart: gone"]
    {
        assert!(text.contains(line), "no `{line}` in\n{text}");
    }
}

// ---- By the engine alone

fn engine(memory: usize, threads: usize) -> Engine {
    let limits = config::settings(None, None, &config::Environment::process()).unwrap().engine.limits;
    Engine { memory, threads, tables_at_once: 1, spill_limit: 4 << 30, cluster: config::Cluster::default(), limits }
}

/// A snapshot of payments alone; each is `(id, day, order)`.
fn payments(folder: &Path, rows: &[(String, i32, Option<&str>)]) -> Snapshot {
    fs::create_dir_all(folder).unwrap();
    let contract = schema::table("fact_payments").unwrap();
    let batches: Vec<RecordBatch> = rows
        .chunks(4096)
        .map(|rows| {
            let days = || Arc::new(rows.iter().map(|(_, day, _)| *day).collect::<Int32Array>()) as ArrayRef;
            let amounts = rows.iter().map(|_| Some(10_000)).collect::<Decimal128Array>();
            let columns: Vec<ArrayRef> = vec![
                Arc::new(rows.iter().map(|(id, _, _)| Some(id)).collect::<StringArray>()),
                Arc::new(rows.iter().map(|(_, _, order)| *order).collect::<StringArray>()),
                Arc::new(Int64Array::from(vec![1; rows.len()])),
                days(),
                days(),
                Arc::new(amounts.with_precision_and_scale(18, 4).unwrap()),
                Arc::new(BooleanArray::from(vec![false; rows.len()])),
                days(),
            ];
            RecordBatch::try_new(contract.arrow(), columns).unwrap()
        })
        .collect();
    write(&folder.join("fact_payments.parquet"), contract.arrow(), &batches);
    let file = TableFile { rows: rows.len() as u64, sha256: folder.display().to_string() };
    Snapshot { folder: folder.to_path_buf(), tables: [("fact_payments".to_owned(), file)].into() }
}

#[tokio::test]
async fn rows_without_a_key_of_their_own_are_compared_as_often_as_they_are_there() {
    let space = Workspace::new();
    fs::create_dir_all(space.path("spill")).unwrap();
    let row = |id: &str, day: i32| (id.to_owned(), day, None);
    let before = payments(&space.path("a"), &[row("p1", 1), row("p1", 1), row("p1", 1), row("p2", 2), row("p3", 3)]);
    let after = payments(&space.path("b"), &[row("p1", 1), row("p2", 2), row("p3", 4), row("p4", 4), row("p4", 4)]);
    let mut answers = Vec::new();
    for threads in [1, 5] {
        let session = extract::that_spills(&extract::session(&engine(64 << 20, threads), &space.path("spill")).unwrap());
        answers.push(compare::rows(&session, &before, &after, "fact_payments", 20, &|_| false).await.unwrap());
    }
    let (found, rows) = &answers[0];
    assert_eq!(answers[0], answers[1]);
    assert_eq!((found.compared_by, found.added, found.removed, found.changed), (Basis::Row, 3, 3, 0));
    let told: Vec<_> =
        rows.iter().map(|row| (row.change, row.times, row.cells[0].before.clone(), row.cells[0].after.clone())).collect();
    let null = Value::Null;
    assert_eq!(
        told,
        [
            (Change::Removed, 2, json!("p1"), null.clone()),
            (Change::Removed, 1, json!("p3"), null.clone()),
            (Change::Added, 1, null.clone(), json!("p3")),
            (Change::Added, 2, null, json!("p4")),
        ]
    );
}

/// One side alone is more than the engine may hold, so that a join or a group in memory ends here.
#[tokio::test]
async fn tables_larger_than_memory_are_compared() {
    let space = Workspace::new();
    fs::create_dir_all(space.path("spill")).unwrap();
    let padding = "x".repeat(400);
    let row = |n: usize, day: i32, order| (format!("{n:08}{padding}"), day, order);
    let before: Vec<_> = (0..45_000).map(|n| row(n, 1, None)).collect();
    // Every hundredth payment is gone, as many are new, every tenth of the others is of another day, one of them got an order.
    let others = (0..45_000).filter(|n| n % 100 != 7).map(|n| row(n, 1 + i32::from(n % 10 == 0), (n == 20).then_some("o1")));
    let after: Vec<_> = others.chain((45_000..45_450).map(|n| row(n, 1, None))).collect();
    let (before, after) = (payments(&space.path("a"), &before), payments(&space.path("b"), &after));
    let session = extract::that_spills(&extract::session(&engine(24 << 20, 2), &space.path("spill")).unwrap());
    // A batch is a small part of what the engine may hold, as it is with the memory that a pipeline has.
    session.sql("SET datafusion.execution.batch_size = 128").await.unwrap();
    let (found, rows) = compare::rows(&session, &before, &after, "fact_payments", 20, &|_| false).await.unwrap();
    assert_eq!((found.compared_by, found.added, found.removed, found.changed), (Basis::Key, 450, 450, 4_500));
    let columns: Vec<_> = found.columns.iter().map(|column| (column.column.as_str(), column.rows)).collect();
    assert_eq!(columns, [("due_date_key", 4_500), ("paid_date_key", 4_500), ("days_late", 4_500), ("order_id", 1)]);
    assert_eq!(rows.len(), 20);
}
