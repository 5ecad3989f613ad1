//! A table that is written to while it is read.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::{Connection, params};

use super::read;
use crate::support::Workspace;

const PIPELINE: &str = "version: 1\nname: shop\nconnections: {till: {type: sqlite, path: FILE}}\nextract:\n  sales:\n    from: till\n    \
    table: lines\n    incremental: {cursor: changed, key: [no], lookback: 1h, DELETIONS}\n    columns: {order_id: no, customer_id: \
    customer, product_id: product, ordered_at: sold, quantity: pieces, unit_price: price}\npublish: {to: out}\n";

/// Ends the writer, however the test ends.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn open(space: &Workspace) -> Connection {
    let database = Connection::open(space.path("shop.sqlite")).unwrap();
    // One writes and others read, as with a server.
    database.pragma_update(None, "journal_mode", "WAL").unwrap();
    database.pragma_update(None, "synchronous", "OFF").unwrap();
    database
}

/// A row a second, by the table's own clock, and now and then a change of an older one.
fn sell(database: &Connection, n: i64) {
    let insert = "INSERT INTO lines VALUES (?1, 'c' || ?1 % 50, 'p' || ?1 % 7, datetime('2026-03-01', ?1 || ' seconds'), 1, 2.5, \
                  datetime('2026-03-01', ?1 || ' seconds'))";
    database.execute(insert, [n]).unwrap();
    if n % 3 == 0 {
        let update = "UPDATE lines SET pieces = pieces + 1, changed = datetime('2026-03-01', ?1 || ' seconds') WHERE no = ?2";
        database.execute(update, params![n, n / 2]).unwrap();
    }
}

fn is_read_in_increments(deletions: &str) {
    let space = Workspace::new();
    let file = space.path("shop.sqlite").display().to_string();
    space.write("shop.yaml", PIPELINE.replace("FILE", &file).replace("DELETIONS", deletions));
    let database = open(&space);
    database.execute("CREATE TABLE lines (no INTEGER, customer, product, sold, pieces, price, changed)", []).unwrap();
    database.execute_batch("CREATE INDEX by_no ON lines (no)").unwrap();
    (1..=2000).for_each(|n| sell(&database, n));
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    let stopped = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (stopped, space) = (&stopped, &space);
        scope.spawn(move || {
            let writer = open(space);
            let mut n = 2000;
            while !stopped.load(Ordering::Relaxed) {
                n += 1;
                sell(&writer, n);
                std::thread::sleep(Duration::from_micros(200));
            }
        });
        let _stop = Stop(stopped);
        let first = read(space, "increments", now, false).unwrap();
        assert_eq!(first.increment.whole_because.as_deref(), Some("nothing is kept of it yet"));
        let mut rows = first.increment.rows;
        for _ in 0..4 {
            let next = read(space, "increments", now, false).unwrap().increment;
            assert_eq!(next.whole_because, None, "{next:?}");
            assert!(next.rows > rows, "{next:?}");
            rows = next.rows;
        }
    });
    let increment = read(&space, "increments", now, false).unwrap();
    let whole = read(&space, "whole", now, true).unwrap();
    assert!(increment.increment.from.is_some(), "{:?}", increment.increment);
    assert!(increment.sales == whole.sales && increment.book == whole.book, "{:?}", increment.increment);
}

#[test]
fn what_is_written_meanwhile_is_no_reason_to_read_everything() {
    is_read_in_increments("deletions: count");
    is_read_in_increments("deletions: compare");
}
