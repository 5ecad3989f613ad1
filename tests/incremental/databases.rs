//! What one database does otherwise than another: bits, zones, texts, comments, and where it lies.

use rusqlite::Connection;

use super::read;
use crate::sources::mysql_server::{DATABASE, Server};
use crate::support::Workspace;

#[test]
fn a_mysql_table_is_read_in_increments() {
    let server = Server::start();
    server.execute(
        DATABASE,
        "CREATE TABLE `order ``lines``` (id bigint, customer text, product text, sold datetime, pieces int, price decimal(9, 2),
                                         changed datetime(6), gone tinyint(1));
         INSERT INTO `order ``lines``` SELECT seq, concat('c', seq % 9), 'p', '2026-01-01' + INTERVAL seq HOUR, 1, 2.5,
                                              '2026-01-01' + INTERVAL seq HOUR, 0 FROM seq_1_to_300;",
    );
    let space = Workspace::new();
    space.write(
        "shop.yaml",
        format!(
            "version: 1\nname: shop\nconnections: {{till: {{type: mysql, url: \"{}\"}}}}\nextract:\n  sales:\n    from: till\n    \
             table: order `lines`\n    incremental: {{cursor: changed, key: [id], tombstone: gone, deletions: compare}}\n    \
             columns: {{order_id: id, customer_id: customer, product_id: product, ordered_at: sold, quantity: pieces, \
             unit_price: price}}\npublish: {{to: out}}\n",
            server.url()
        ),
    );
    let now = "2026-02-01T00:00:00Z".parse().unwrap();
    assert_eq!(read(&space, "kept", now, false).unwrap().increment.rows_read, 300);
    server.execute(
        DATABASE,
        "DELETE FROM `order ``lines``` WHERE id = 7;
         UPDATE `order ``lines``` SET gone = 1, changed = '2026-01-20 00:00:00.5' WHERE id = 8;
         UPDATE `order ``lines``` SET price = 99.99, changed = '2026-01-20 00:00:01.25' WHERE id = 9;",
    );
    let increment = read(&space, "kept", now, false).unwrap();
    let whole = read(&space, "anew", now, true).unwrap();
    assert_eq!(increment.increment.from.as_deref(), Some("2026-01-12 11:00:00"));
    assert_eq!((increment.increment.rows_read, increment.increment.rows), (28, 298));
    assert_eq!(increment.increment.watermark.as_deref(), Some("2026-01-20 00:00:01.250000"));
    assert!(increment.sales == whole.sales && increment.book == whole.book);
}

/// It works in UTC then, and a BIT is no text there.
#[test]
fn a_mysql_that_knows_no_zone_is_read_in_increments() {
    let server = Server::start();
    server.execute(
        DATABASE,
        "SET time_zone = '+00:00';
         CREATE TABLE order_lines (id bigint, customer text, product text, sold timestamp NULL, pieces int, price decimal(9, 2),
                             changed timestamp(6) NULL, gone bit(1) NOT NULL DEFAULT b'0');
         INSERT INTO order_lines SELECT seq, concat('c', seq % 9), 'p', '2026-01-01' + INTERVAL seq HOUR, 1, 2.5,
                                  '2026-01-01' + INTERVAL seq HOUR, b'0' FROM seq_1_to_300;",
    );
    let space = Workspace::new();
    let now = "2026-02-01T00:00:00Z".parse().unwrap();
    for (id, deletions) in [(8, "count"), (9, "compare")] {
        space.write(
            "shop.yaml",
            format!(
                "version: 1\nname: shop\ntimezone: America/New_York\nconnections: {{till: {{type: mysql, url: \"{}\"}}}}\nextract:\n  \
                 sales:\n    from: till\n    table: order_lines\n    incremental: {{cursor: changed, key: [id], tombstone: gone, deletions: \
                 {deletions}}}\n    columns: {{order_id: id, customer_id: customer, product_id: product, ordered_at: sold, quantity: \
                 pieces, unit_price: price}}\npublish: {{to: out}}\n",
                server.url()
            ),
        );
        let first = read(&space, deletions, now, false).unwrap().increment;
        let bury = format!(
            "SET time_zone = '+00:00'; UPDATE order_lines SET gone = b'1', changed = '2026-01-20 00:00:0{id}' WHERE id = {id}"
        );
        server.execute(DATABASE, &bury);
        let increment = read(&space, deletions, now, false).unwrap();
        let whole = read(&space, "anew", now, true).unwrap();
        assert!(increment.increment.from.is_some(), "{deletions}: {:?}", increment.increment);
        assert_eq!(increment.increment.rows, first.rows - 1, "{deletions}");
        assert!(increment.sales == whole.sales && increment.book == whole.book, "{deletions}: {:?}", increment.increment);
        assert_eq!(increment.increment.watermark, Some(format!("2026-01-20 00:00:0{id}.000000+00:00")));
    }
}

/// A table of five order lines in a SQLite, each at this price.
fn table(space: &Workspace, file: &str, price: u32) {
    let database = Connection::open(space.path(file)).unwrap();
    database.execute("CREATE TABLE t (id, at, customer, product, n, price, changed)", []).unwrap();
    let insert = "INSERT INTO t VALUES (?1, '2026-01-0' || ?1, 'a', 'p', 1, ?2, '2026-01-0' || ?1)";
    (1..=5).for_each(|id| assert_eq!(database.execute(insert, [id, price]).unwrap(), 1));
}

fn pipeline(space: &Workspace, file: &str, zone: &str, input: &str) {
    space.write(
        "shop.yaml",
        format!(
            "version: 1\nname: shop\ntimezone: {zone}\nconnections: {{till: {{type: sqlite, path: {}}}}}\nextract:\n  sales:\n    \
             from: till\n    {input}\n    incremental: {{cursor: changed, key: [id]}}\n    columns: {{order_id: id, customer_id: \
             customer, product_id: product, ordered_at: at, quantity: n, unit_price: price}}\npublish: {{to: out}}\n",
            space.path(file).display()
        ),
    );
}

#[test]
fn another_place_or_zone_is_another_source() {
    let space = Workspace::new();
    table(&space, "shop.sqlite", 2);
    table(&space, "test.sqlite", 3);
    let now = "2026-02-01T00:00:00Z".parse().unwrap();
    let reason = |file: &str, zone: &str| {
        pipeline(&space, file, zone, "table: t");
        read(&space, "kept", now, false).unwrap().increment.whole_because
    };
    let anew = Some("the pipeline file describes it anew".to_owned());
    assert_eq!(reason("shop.sqlite", "UTC"), Some("nothing is kept of it yet".to_owned()));
    assert_eq!(reason("shop.sqlite", "UTC"), None);
    assert_eq!(reason("test.sqlite", "UTC"), anew);
    let increment = read(&space, "kept", now, false).unwrap();
    assert!(increment.increment.from.is_some() && increment.sales == read(&space, "anew", now, true).unwrap().sales);
    assert_eq!(reason("test.sqlite", "Asia/Tokyo"), anew);
    assert_eq!(reason("test.sqlite", "Asia/Tokyo"), None);
}

#[test]
fn a_query_may_end_in_a_comment() {
    let space = Workspace::new();
    table(&space, "shop.sqlite", 2);
    pipeline(&space, "shop.sqlite", "UTC", "query: SELECT * FROM t -- all of it");
    let now = "2026-02-01T00:00:00Z".parse().unwrap();
    assert_eq!(read(&space, "kept", now, false).unwrap().increment.rows, 5);
    let again = read(&space, "kept", now, false).unwrap().increment;
    assert!(again.from.is_some() && again.rows == 5, "{again:?}");
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    space.run(&["plan", "shop.yaml"]).ok();
    // A source that is read whole is counted as well.
    space.write(
        "shop.yaml",
        std::fs::read_to_string(space.path("shop.yaml")).unwrap().replace("    incremental: {cursor: changed, key: [id]}\n", ""),
    );
    let planned = space.run(&["plan", "shop.yaml"]);
    assert!(planned.code == 8 && planned.stdout.contains("5 rows then"), "{}{}", planned.stdout, planned.stderr);
}
