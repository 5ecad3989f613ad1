//! What an engine must do before figures are trusted to it: the same rows as this machine however a statement is cut, an arm of
//! literals as often as it is written, an end at the deadline, and spilling instead of failing where memory is short.
//!
//! Workers are threads of this process, behind their ports. What becomes of one that is killed is shown by `tests/cluster.rs` of the
//! whole program. A panic ends the process, as it does a worker's.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::future::pending;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use cluster::{Cluster, Listen, serve};
use config::{Engine, Environment};
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::dataframe::DataFrameWriteOptions;
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use extract::WorkerFailure;
use tokio::runtime::Builder;

/// Statements in the manner of the marts, with every operator that they have.
const STATEMENTS: [(&str, &str); 14] = [
    (
        "grouping",
        "SELECT customer, COUNT(DISTINCT bill) AS bills, SUM(amount) AS amount, MAX(day) AS day FROM lines GROUP BY customer",
    ),
    ("means", "SELECT product, AVG(amount) AS mean, MEDIAN(quantity) AS middle FROM lines GROUP BY product"),
    (
        "ranks",
        "SELECT customer, NTILE(5) OVER (ORDER BY amount, customer) AS fifth, RANK() OVER (ORDER BY bills) AS place
        FROM (SELECT customer, SUM(amount) AS amount, COUNT(*) AS bills FROM lines GROUP BY customer) AS spent",
    ),
    (
        "cohorts",
        "SELECT f.first_month, l.month - f.first_month AS age, COUNT(DISTINCT l.customer) AS customers
        FROM (SELECT customer, day / 30 AS month FROM lines) AS l
        INNER JOIN (SELECT customer, MIN(day) / 30 AS first_month FROM lines GROUP BY customer) AS f ON l.customer = f.customer
        GROUP BY f.first_month, l.month - f.first_month",
    ),
    (
        "rollup",
        "SELECT shop, product, GROUPING(product) AS whole, SUM(amount) AS amount FROM lines GROUP BY ROLLUP(shop, product)",
    ),
    (
        "change",
        "SELECT month, amount - LAG(amount) OVER (ORDER BY month) AS change
        FROM (SELECT day / 30 AS month, SUM(amount) AS amount FROM lines GROUP BY day / 30) AS months",
    ),
    ("running", "SELECT customer, line, SUM(quantity) OVER (PARTITION BY customer ORDER BY line) AS so_far FROM lines"),
    (
        "pairs",
        "SELECT a.product AS one, b.product AS other, COUNT(*) AS bills
        FROM lines AS a INNER JOIN lines AS b ON a.bill = b.bill AND a.product < b.product
        GROUP BY a.product, b.product",
    ),
    ("anti", "SELECT customer, name FROM customers WHERE customer NOT IN (SELECT customer FROM lines WHERE quantity > 3)"),
    ("scalar", "SELECT customer FROM customers WHERE customer > (SELECT AVG(customer) FROM lines)"),
    ("literal", "SELECT line, quantity FROM lines UNION ALL SELECT -1, 0"),
    (
        "arms",
        "SELECT line, 'line' AS what, amount FROM lines UNION ALL SELECT customer, name, 0.5 FROM customers UNION ALL SELECT -1, 'Unknown', 0.0",
    ),
    (
        "arms below",
        "SELECT m.name, COUNT(*) AS lines FROM (SELECT customer, name FROM customers UNION ALL SELECT 0, 'Unknown') AS m
        LEFT JOIN lines AS l ON m.customer = l.customer GROUP BY m.name",
    ),
    (
        "values",
        "SELECT COUNT(*) AS members FROM (SELECT customer FROM customers UNION ALL SELECT column1 FROM (VALUES (0), (-1)) AS v) AS m",
    ),
];

const LINES: &str =
    "SELECT value AS line, value / 4 AS bill, (value * 7919) % 1009 AS customer, (value * value) % 211 AS product,
    value % 9 AS shop, value % 5 + 1 AS quantity, value % 1000 AS day,
    CAST(value % 100000 AS DECIMAL(18, 4)) / 100 AS amount, CONCAT('line number ', CAST(value AS VARCHAR)) AS words
    FROM generate_series(1, 40000)";
const CUSTOMERS: &str =
    "SELECT value AS customer, CONCAT('customer ', CAST(value AS VARCHAR)) AS name FROM generate_series(1, 1200)";

fn engine() -> Engine {
    let settings = config::settings(None, None, &Environment { variable: &|_| None, cores: 2 });
    let settings = settings.unwrap_or_else(|problems| panic!("{problems}"));
    Engine { threads: 2, memory: 256 << 20, ..settings.engine }
}

/// As many workers with the settings, each behind a port of its own.
async fn workers(engine: &Engine, spill: &Path, number: usize) -> Vec<String> {
    let mut urls = Vec::new();
    for _ in 0..number {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let (engine, spill) = (engine.clone(), spill.to_path_buf());
        // Threads of its own: where they compute, those of the driver still see how late it is.
        thread::spawn(move || {
            let runtime = Builder::new_multi_thread().worker_threads(2).event_interval(1).enable_all().build().unwrap();
            runtime.block_on(serve(&engine, &spill, &Listen { address, identity: None }, reversed, pending())).unwrap();
        });
        while tokio::net::TcpStream::connect(address).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        urls.push(format!("http://{address}"));
    }
    urls
}

/// Writes both tables where everybody sees them.
async fn write_tables(folder: &Path) {
    let here = SessionContext::new();
    for (name, sql) in [("lines", LINES), ("customers", CUSTOMERS)] {
        let path = folder.join(name).with_extension("parquet");
        let written = here.sql(sql).await.unwrap();
        written.write_parquet(path.to_str().unwrap(), DataFrameWriteOptions::new(), None).await.unwrap();
    }
}

async fn register(session: &SessionContext, folder: &Path) {
    for name in ["lines", "customers"] {
        extract::register(session, name, &folder.join(name).with_extension("parquet"), &[]).await.unwrap();
    }
}

/// A session over the tables whose statements the workers compute.
async fn there(engine: &Engine, urls: &[String], folder: &Path) -> (Cluster, SessionContext) {
    let mut engine = engine.clone();
    engine.cluster.workers = urls.to_vec();
    engine.cluster.piece = 16 << 10;
    let cluster = Cluster::gather(&engine.cluster, "cases", "one", Arc::new(|_: &str| {})).await.unwrap();
    let session = cluster.session(&extract::session(&engine, folder).unwrap()).unwrap();
    register(&session, folder).await;
    (cluster, session)
}

/// Every row as text, in an order of their own.
async fn rows(session: &SessionContext, sql: &str) -> Result<Vec<String>, DataFusionError> {
    let text = pretty_format_batches(&session.sql(sql).await?.collect().await?)?.to_string();
    let mut rows: Vec<String> = text.lines().map(|row| row.replace(' ', "")).collect();
    rows.sort_unstable();
    Ok(rows)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_statement_gives_the_same_rows_however_it_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    write_tables(folder.path()).await;
    let engine = engine();
    let here = extract::session(&engine, folder.path()).unwrap();
    register(&here, folder.path()).await;
    let urls = workers(&engine, folder.path(), 3).await;
    for (partitions, slots) in [(1, 1), (2, 2), (4, 1), (16, 2)] {
        let mut engine = engine.clone();
        engine.threads = partitions;
        engine.cluster.slots = slots;
        let (cluster, session) = there(&engine, &urls, folder.path()).await;
        for (name, sql) in STATEMENTS {
            let (expected, found) = (rows(&here, sql).await.unwrap(), rows(&session, sql).await.unwrap());
            assert!(
                expected == found,
                "{name}, {partitions} partitions, {slots} slots: {} rows, {}",
                expected.len(),
                found.len()
            );
        }
        let work = cluster.end().await;
        assert!(work.statements > 8 && work.tasks > work.statements && work.bytes_moved > 0, "{work:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_without_end_ends_at_its_deadline() {
    let folder = tempfile::tempdir().unwrap();
    write_tables(folder.path()).await;
    let mut hasty = engine();
    hasty.cluster.deadline = Duration::from_millis(100);
    let urls = workers(&engine(), folder.path(), 2).await;
    let (_, session) = there(&hasty, &urls, folder.path()).await;
    let started = Instant::now();
    let sql =
        "SELECT COUNT(*) AS pairs FROM lines AS a INNER JOIN lines AS b ON a.customer = b.customer AND a.amount * b.amount > 3";
    let late = rows(&session, sql).await.unwrap_err();
    assert!(matches!(WorkerFailure::among(&late), Some(WorkerFailure::Late { .. })), "{late}");
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    // The workers are free for the next.
    let (_, session) = there(&engine(), &urls, folder.path()).await;
    assert_eq!(rows(&session, "SELECT COUNT(DISTINCT customer) AS n FROM lines").await.unwrap().len(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_whose_memory_is_short_spill() {
    let folder = tempfile::tempdir().unwrap();
    write_tables(folder.path()).await;
    let engine = engine();
    let here = extract::session(&engine, folder.path()).unwrap();
    register(&here, folder.path()).await;
    let urls = workers(&Engine { memory: 4 << 20, ..engine.clone() }, folder.path(), 2).await;
    let (cluster, session) = there(&engine, &urls, folder.path()).await;
    let sql = "SELECT COUNT(*) AS groups, SUM(n) AS lines
        FROM (SELECT words, customer, COUNT(*) AS n FROM lines GROUP BY words, customer) AS grouped";
    assert!(rows(&here, sql).await.unwrap() == rows(&session, sql).await.unwrap(), "the rows differ");
    let work = cluster.end().await;
    assert!(work.bytes_spilled > 0, "{work:?}");
}

/// What the workers of these tests know by name.
fn reversed(what: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    (what == "reversed").then(|| bytes.iter().rev().copied().collect())
}

/// As partitions of baskets do, which are larger than gRPC's messages are unless it is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_workers_know_by_name_is_computed_from_bytes_to_bytes() {
    let folder = tempfile::tempdir().unwrap();
    write_tables(folder.path()).await;
    let urls = workers(&engine(), folder.path(), 2).await;
    let (cluster, session) = there(&engine(), &urls, folder.path()).await;
    let machines = extract::table_writer(&session).unwrap();
    let bytes: Vec<u8> = (0..9_000_000).map(|n: u32| n.to_le_bytes()[0]).collect();
    let answer = machines.compute("reversed", bytes.clone()).await.unwrap();
    assert!(answer.iter().eq(bytes.iter().rev()), "other bytes came back");
    assert_eq!((machines.machines(), cluster.end().await.tasks), (2, 1));
    let unknown = machines.compute("unheard of", bytes).await.unwrap_err().to_string();
    assert!(unknown.contains("this worker cannot compute unheard of"), "{unknown}");
}
