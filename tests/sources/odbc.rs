//! ODBC: a database through its driver, in a program that was built with the feature; and what one without it says.

use super::{pipeline, run};
use crate::support::Workspace;

#[cfg(not(feature = "odbc"))]
#[test]
fn a_program_without_odbc_says_how_to_get_it() {
    let workspace = Workspace::new();
    let connection = "{type: odbc, connection: \"Driver=SQLite3;Database=shop.sqlite;PWD=Larch-7d20-Gravel\"}";
    let ran = run(&workspace, &pipeline(connection, "table: orders"));
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    for word in ["connection `shop`", "built without ODBC", "--features consumer360/odbc", "unixodbc-dev"] {
        assert!(ran.stderr.contains(word), "`{word}` is not in:\n{}", ran.stderr);
    }
    assert!(!ran.stderr.contains("Larch-7d20-Gravel"), "{}", ran.stderr);
    // The file itself is sound.
    workspace.run(&["validate", "shop.yaml"]).ok();
}

#[cfg(feature = "odbc")]
mod with_a_driver {
    use std::process::Stdio;

    use super::super::postgres_server::{DATABASE, PASSWORD, Server, USER};
    use super::super::record;
    use super::{Workspace, pipeline, run};
    use crate::support::{Ran, published_bytes, read};

    const ROWS: &str = "CREATE TABLE \"Order `Lines`\" (order_id text, ordered_at timestamp, customer_id text, product_id bigint, quantity \
         integer, unit_price numeric(20, 6), channel text, remark text); \
         INSERT INTO \"Order `Lines`\" SELECT 'A' || n, timestamp '2024-01-01 10:00:00' + n * interval '1 hour', 'Käufer ' || n % 7 || ' 🌷', \
         9007199254740990 + n % 5, n % 3 + 1, 1234567890.123456 + n, CASE WHEN n % 2 = 0 THEN 'web' WHEN n % 3 = 0 THEN '' END, \
         repeat('x', 10 + n * 20) FROM generate_series(1, 400) AS n";

    /// Debian's name for PostgreSQL's driver, and where the test's own server is.
    fn postgres(server: &Server, password: &str) -> String {
        format!(
            "{{type: odbc, connection: \"Driver=PostgreSQL Unicode;Server=127.0.0.1;Port={};Database={DATABASE};UID={USER};PWD={password}\"}}",
            server.port
        )
    }

    fn published(workspace: &Workspace, connection: &str, source: &str) -> std::collections::BTreeMap<String, Vec<u8>> {
        let more = "columns: {order_id: order_id, ordered_at: ordered_at, customer_id: customer_id, product_id: product_id, \
                    quantity: quantity, unit_price: unit_price, channel: channel}";
        run(workspace, &pipeline(connection, &format!("{source}\n    {more}"))).ok();
        published_bytes(&workspace.path("out"))
    }

    #[test]
    fn a_driver_gives_the_bytes_that_the_database_itself_gives() {
        let server = Server::start();
        server.execute(DATABASE, ROWS);
        let own = published(&Workspace::new(), &format!("{{type: postgres, url: \"{}\"}}", server.url()), "table: Order `Lines`");
        for source in ["table: Order `Lines`", "query: SELECT * FROM \"Order `Lines`\" ORDER BY ordered_at;"] {
            let through = published(&Workspace::new(), &postgres(&server, PASSWORD), source);
            let differing: Vec<&String> = own.keys().filter(|name| own.get(*name) != through.get(*name)).collect();
            assert!(differing.is_empty() && own.len() == through.len(), "{source} differs in {differing:?}");
        }
    }

    #[test]
    fn a_file_database_is_read_through_its_driver() {
        let workspace = Workspace::new();
        let database = rusqlite::Connection::open(workspace.path("shop.sqlite")).unwrap();
        let rows = "CREATE TABLE orders (order_id TEXT, ordered_at TEXT, product_id TEXT, quantity INTEGER, unit_price NUMERIC(10,2)); \
                    INSERT INTO orders VALUES ('Ä1', '2024-01-02', 'P1', 2, 4.5), (NULL, '2024-01-02', 'P1', 2, 4.5); \
                    CREATE TABLE empty (customer_id TEXT, customer_name TEXT)";
        database.execute_batch(rows).unwrap();
        let connection =
            format!("{{type: odbc, connection: \"Driver=SQLite3;Database={}\"}}", workspace.path("shop.sqlite").display());
        let source = "table: orders\n    rejects: {warn: 10%, fail: 60%}\n  customers:\n    from: shop\n    table: empty";
        run(&workspace, &pipeline(&connection, source)).ok();
        let sales = workspace.table("out", "fact_sales");
        assert_eq!((sales.column("order_id"), sales.column("unit_price")), (vec!["Ä1".to_owned()], vec!["4.5000".to_owned()]));
        let rejects = read(&record(&workspace, "rejects/sales.parquet"));
        assert_eq!((rejects.column("record"), rejects.column("reason")), (vec!["2".to_owned()], vec!["is missing".to_owned()]));
    }

    #[test]
    fn what_goes_wrong_is_said_without_the_password() {
        let server = Server::start();
        server.execute(DATABASE, ROWS);
        let says = |connection: &str, source: &str, words: &[&str]| {
            let workspace = Workspace::new();
            workspace.write("config/small.yaml", "limits: {record_bytes: 5KiB}\n");
            workspace.write("shop.yaml", pipeline(connection, source));
            let ran: Ran = workspace.run(&["-vv", "--env", "small", "run", "shop.yaml"]);
            assert_eq!(ran.code, 1, "{}", ran.stderr);
            for word in words {
                assert!(ran.stderr.contains(word), "`{word}` is not in:\n{}", ran.stderr);
            }
            assert!(!(ran.stdout + &ran.stderr).contains(PASSWORD));
        };
        let sound = postgres(&server, PASSWORD);
        says(
            &postgres(&server, &format!("{PASSWORD}-old")),
            "table: x",
            &["`shop`", "password authentication failed", "127.0.0.1"],
        );
        says(&sound, "table: ordres", &["`shop`", "the query fails", "ordres"]);
        says(&sound, "query: SELECT order_id FORM x", &["`shop`", "the query fails", "SELECT order_id FORM x"]);
        says(&sound, "query: DROP TABLE \"Order `Lines`\"", &["`shop`", "gives no rows"]);
        says(&sound.replace("PostgreSQL Unicode", "Nobody's"), "table: x", &["`shop`", "driver", "odbcinst -q -d"]);
        let columns = "columns: {order_id: order_id, ordered_at: ordered_at, product_id: product_id, quantity: quantity, \
                       unit_price: unit_price, channel: remark}";
        says(&sound, &format!("table: Order `Lines`\n    {columns}"), &["exceeds a limit", "a record is longer than 5120 bytes"]);
        // Nothing is committed: what a query does beside reading is undone.
        server.execute(DATABASE, &format!("GRANT DELETE, SELECT ON \"Order `Lines`\" TO {USER}"));
        says(&sound, "query: DELETE FROM \"Order `Lines`\" RETURNING 1 AS one", &["has no column `order_id`"]);
        let all = "query: DELETE FROM \"Order `Lines`\" RETURNING order_id, ordered_at, product_id, quantity, unit_price";
        let _ = run(&Workspace::new(), &pipeline(&sound, all));
        // Dividing by none would be an error.
        server.execute(DATABASE, "SELECT 1 / count(*) FROM \"Order `Lines`\"");
    }

    #[test]
    fn a_server_that_goes_is_told_apart_from_its_end() {
        let server = Server::start();
        let workspace = Workspace::new();
        let rows = "query: SELECT 'A' || n AS order_id, date '2024-01-03' AS ordered_at, 'P1' AS product_id, 1 AS quantity, n AS unit_price \
                    FROM generate_series(1, 4000000) AS n";
        // The driver fetches a part at a time instead of all at once.
        let connection = postgres(&server, PASSWORD).replace("Driver=", "UseDeclareFetch=1;Fetch=100;Driver=");
        workspace.write("shop.yaml", pipeline(&connection, rows));
        let mut running = workspace.command(&["run", "shop.yaml"]);
        let running = running.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        server.execute(
            DATABASE,
            "DO $$ BEGIN LOOP PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'shop' AND query ILIKE 'fetch%'; \
             EXIT WHEN FOUND; PERFORM pg_sleep(0.01); PERFORM pg_stat_clear_snapshot(); END LOOP; END $$",
        );
        let ran = crate::damaged::finished(running);
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        for word in ["connection `shop`", "the server ended the connection in the middle of the answer"] {
            assert!(ran.stderr.contains(word), "`{word}` is not in:\n{}", ran.stderr);
        }
        assert!(!workspace.path("out/published.json").exists());
    }
}
