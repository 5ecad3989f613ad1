//! Sources that lie in a store: the tables of the same files in a folder, and what is said where they cannot be read.

use std::fs;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::arrow::ArrowWriter;

use super::s3_server::{Blow, KEY, SECRET, Server};
use super::{SKIPPED, lines, on, run_on};
use crate::support::{Ran, Workspace, contents, published_bytes};

/// A workspace whose files lie in the folder `drop` and in the store below `in`.
fn shop(store: &Server) -> Workspace {
    let space = Workspace::new();
    let put = |name: &str, content: &[u8]| {
        space.write(&format!("drop/{name}"), content);
        let path = store.path(&format!("in/{name}"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    put("2023/lines.csv", lines(10).as_bytes());
    put("2024/lines.csv", lines(20).replace("\no", "\nx").as_bytes());
    put("products.ndjson.gz", &products());
    put("customers.parquet", &customers());
    for server in ["a", "b"] {
        space.write(&format!("config/{server}.yaml"), format!("state: state-{server}\n"));
    }
    space
}

fn products() -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    for n in 0..7 {
        writeln!(packed, "{{\"product_id\": \"p{n}\", \"product_name\": \"Product {n}\"}}").unwrap();
    }
    packed.finish().unwrap()
}

fn customers() -> Vec<u8> {
    let column = |of: fn(u32) -> String| Arc::new(StringArray::from_iter_values((0..10).map(of))) as ArrayRef;
    let columns = [("customer_id", column(|n| format!("c{n}"))), ("customer_name", column(|n| format!("Customer {n}")))];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn pipeline(url: &str, to: &str) -> String {
    format!(
        "version: 1\nname: shop\nas_of: 2024-12-31\nconnections: {{lake: {{type: files, url: \"{url}\"}}}}\nextract:\n  \
         sales: {{from: lake, path: \"*/lines.csv\"}}\n  products: {{from: lake, path: products.ndjson.gz}}\n  \
         customers: {{from: lake, path: customers.parquet}}\npublish: {{to: {to}}}\n"
    )
}

#[test]
fn sources_in_a_store_give_the_tables_of_the_same_files_in_a_folder() {
    let store = Server::start();
    let space = shop(&store);
    space.write("stored.yaml", pipeline("s3://lake/in", "stored"));
    space.write("filed.yaml", pipeline("drop", "filed"));
    run_on(&space, "a", &store, &["run", "stored.yaml", "--quiet"]).ok();
    run_on(&space, "b", &store, &["run", "filed.yaml", "--quiet"]).ok();
    assert_eq!(space.snapshot("stored"), space.snapshot("filed"));
    assert!(published_bytes(&space.path("stored")) == published_bytes(&space.path("filed")));
    let sales = space.table("stored", "fact_sales");
    assert_eq!((sales.rows.len(), sales.sum("net_amount")), (60, 900 * 10_000));
    assert!(space.table("stored", "dim_customer").column("customer_name").contains(&"Customer 7".to_owned()));

    // They are listed and read, and nothing of the store is written.
    let seen = store.moods.seen();
    let has = |like: &str| seen.iter().any(|asked| asked.contains(like));
    assert!(has("list-type=2") && has("GET /lake/in/2023/lines.csv") && has("GET /lake/in/customers.parquet"), "{seen:?}");
    assert!(seen.iter().all(|asked| asked.starts_with("GET ") || asked.starts_with("HEAD ")), "{seen:?}");

    // A store that is busy, and a connection that breaks, are tried again.
    store.moods.failures.store(3, Ordering::SeqCst);
    store.moods.strike_first(|asked| asked.starts_with("GET /lake/in/2024/lines.csv"), Blow::Cut);
    let again = run_on(&space, "a", &store, &["run", "stored.yaml"]).ok();
    assert!(again.stdout.contains("Already published, byte for byte"), "{}", again.stdout);
    assert_eq!(store.moods.failures.load(Ordering::SeqCst), 0);
    assert!(store.moods.seen().iter().filter(|asked| asked.starts_with("GET /lake/in/2024/lines.csv")).count() > 2);
}

/// A run that finds no source ends with 1, says each of the words and none of what is secret, and publishes nothing.
fn assert_says(space: &Workspace, ran: &Ran, may_pass: bool, words: &[&str]) {
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    for word in words {
        assert!(ran.stderr.contains(word), "`{word}` is not in:\n{}", ran.stderr);
    }
    assert!(!space.path("stored").join("published.json").exists());
    let secret = ["canary", SECRET, KEY, "Signature="];
    let told = |text: &str| secret.iter().any(|secret| text.contains(secret));
    assert!(!told(&ran.stderr) && !told(&ran.stdout), "{}{}", ran.stdout, ran.stderr);
    for (name, content) in contents(&space.path("state-a")) {
        assert!(!told(&String::from_utf8_lossy(&content)), "{name}");
    }
    let shown = space.run(&["runs", "show", "latest", "--output", "json", "--env", "a"]).ok().json();
    assert_eq!((&shown["run"]["status"], &shown["run"]["may_pass"]), (&"source_failed".into(), &may_pass.into()), "{shown:#}");
}

#[test]
fn a_store_whose_files_cannot_be_read_says_why() {
    let store = Server::start();
    let space = shop(&store);
    // One source, so that the first request is the only one that can fail.
    let sales = |url: &str, path: &str| {
        let text = format!(
            "version: 1\nname: shop\nas_of: 2024-12-31\nconnections: {{lake: {{type: files, url: \"{url}\"}}}}\n\
             extract: {{sales: {{from: lake, path: \"{path}\"}}}}\ntransform: {{skip: [{SKIPPED}]}}\npublish: {{to: stored}}\n"
        );
        space.write("stored.yaml", text);
        on(&space, "a", &store, &["run", "stored.yaml", "--quiet"])
    };
    let run = |url: &str, path: &str| -> Ran { sales(url, path).output().unwrap().into() };

    let mut wrong = sales("s3://lake/in", "*/lines.csv");
    let refused: Ran = wrong.env("AWS_SECRET_ACCESS_KEY", "canary-of-another-secret").output().unwrap().into();
    let words = ["connection `lake`: s3://lake/in refuses the credentials", "403 SignatureDoesNotMatch", "AWS_ACCESS_KEY_ID"];
    assert_says(&space, &refused, false, &words);
    assert!(!refused.stderr.contains("is the server up"), "{}", refused.stderr);
    assert_eq!(store.moods.seen().len(), 1, "{:?}", store.moods.seen());

    store.moods.strike_first(|asked| asked.starts_with("GET /lake/in/2023/lines.csv"), Blow::Refuse);
    let words = ["cannot read s3://lake/in/2023/lines.csv: 403 from the server", "AWS_ACCESS_KEY_ID"];
    assert_says(&space, &run("s3://lake/in", "*/lines.csv"), true, &words);

    let words = ["connection `lake`: no file matches `orders.csv` in s3://lake/in", "customers.parquet, products.ndjson.gz"];
    assert_says(&space, &run("s3://lake/in", "orders.csv"), true, &words);
    let empty = run("s3://lake/nothing", "*/lines.csv");
    assert_says(&space, &empty, true, &["connection `lake`: no file matches `*/lines.csv` in s3://lake/nothing"]);
    assert!(!empty.stderr.contains("found there"), "{}", empty.stderr);

    let none = run("s3://attic/in", "*/lines.csv");
    assert_says(
        &space,
        &none,
        false,
        &["connection `lake`: cannot list s3://attic/in: 404 NoSuchBucket", "is there such a bucket"],
    );
}
