//! What a run says when a source cannot be read: the cause, the place, and what to do about it.

use std::net::TcpListener;

use super::mysql_server;
use super::postgres_server::{DATABASE, PASSWORD, Server};
use super::{csv_pipeline, pipeline, run};
use crate::support::{Ran, Workspace, contents};

const HEADER: &str = "order_id,ordered_at,customer_id,product_id,quantity,unit_price\n";
const LINE: &str = "A1,2024-01-02,C1,P1,2,4.50\n";

/// The run ends with 1, publishes nothing, and says each of the words.
fn assert_says(workspace: &Workspace, ran: &Ran, words: &[&str]) {
    assert_eq!(ran.code, 1, "stdout:\n{}\nstderr:\n{}", ran.stdout, ran.stderr);
    println!("{}", ran.stderr);
    for word in words {
        assert!(ran.stderr.contains(word), "`{word}` is not in:\n{}", ran.stderr);
    }
    assert!(!workspace.path("out/published.json").exists());
}

/// A workspace with a shop of one line in `data/orders.csv`.
fn shop() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("data/orders.csv", format!("{HEADER}{LINE}"));
    workspace
}

/// Runs a pipeline on a shop of one line.
fn says(pipeline: &str, words: &[&str]) {
    let workspace = shop();
    let ran = run(&workspace, pipeline);
    assert_says(&workspace, &ran, words);
}

/// Runs a pipeline whose `data/orders.csv` holds this.
fn file_says(content: &[u8], more: &str, words: &[&str]) {
    let workspace = Workspace::new();
    workspace.write("data/orders.csv", content);
    let ran = run(&workspace, &csv_pipeline(more));
    assert_says(&workspace, &ran, words);
}

/// The password is nowhere: not in what the program says, not in the ledger, not in the log of the run.
fn assert_kept_secret(workspace: &Workspace, ran: &Ran, password: &str) {
    assert!(!ran.stdout.contains(password) && !ran.stderr.contains(password), "{}{}", ran.stdout, ran.stderr);
    let state = contents(&workspace.path("state"));
    assert!(!state.is_empty(), "the run left no record");
    for (name, bytes) in state {
        assert!(!bytes.windows(password.len()).any(|window| window == password.as_bytes()), "state/{name} holds the password");
    }
}

#[test]
fn postgres_says_what_it_refuses_and_keeps_the_password() {
    let server = Server::start();
    server.execute(
        DATABASE,
        "CREATE TABLE orders (order_id text, ordered_at date, product_id text, quantity integer, unit_price numeric)",
    );
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let port = server.port.to_string();
    let wrong = format!("{PASSWORD}-of-last-year");
    let orders = "table: orders";
    let cases: [(String, &str, &[&str]); 8] = [
        (
            server.url().replace(&port, &closed.to_string()),
            orders,
            &["`shop`", "cannot reach 127.0.0.1", &closed.to_string(), "refused", "is the server up"],
        ),
        (
            server.url_with(&wrong, DATABASE),
            orders,
            &["`shop`", "refuses the login", "password authentication failed for user", "help: check user and password"],
        ),
        (server.url_with(PASSWORD, "shap"), orders, &["`shop`", "database \"shap\" does not exist", "last part of the url"]),
        (server.url(), "table: public.ordres", &["`shop`", "relation \"public.ordres\" does not exist", "help:"]),
        (
            server.url(),
            "query: SELECT order_id FORM orders",
            &["`shop`", "syntax error at or near \"orders\"", "SELECT order_id FORM orders"],
        ),
        (server.url(), "query: DELETE FROM orders RETURNING *", &["`shop`", "read-only", "DELETE FROM orders"]),
        (
            server.url().replace(&format!(":{port}/"), ":fivethousand/"),
            orders,
            &["`shop`", "port", "postgres://user:password@host:5432/database"],
        ),
        (
            server.url(),
            "table: orders\n    columns: {order_id: order_id, ordered_at: orderd_at, product_id: product_id, quantity: quantity, unit_price: unit_price}",
            &["extract.sales", "shop.orders has no column `orderd_at`", "did you mean `ordered_at`?"],
        ),
    ];
    for (url, source, words) in cases {
        let workspace = Workspace::new();
        workspace.write("shop.yaml", pipeline("{type: postgres, url: \"${env:SHOP_URL}\"}", source));
        let ran: Ran = workspace.command(&["-vv", "run", "shop.yaml"]).env("SHOP_URL", &url).output().unwrap().into();
        assert_says(&workspace, &ran, words);
        assert_kept_secret(&workspace, &ran, PASSWORD);
    }
    // One who writes the password into the file is not punished by finding it in a log.
    let workspace = Workspace::new();
    let ran = run(&workspace, &pipeline(&format!("{{type: postgres, url: \"{}\"}}", server.url_with(&wrong, DATABASE)), orders));
    assert_says(&workspace, &ran, &["refuses the login"]);
    assert_kept_secret(&workspace, &ran, PASSWORD);
}

#[test]
fn a_password_with_an_at_sign_comes_in_and_is_kept() {
    const TAIL: &str = "Poppy-19c5-Bridge";
    let server = Server::start();
    server.execute(DATABASE, &format!("ALTER ROLE shop PASSWORD 'a:b@c/?#@{TAIL}'"));
    server.execute(
        DATABASE,
        "CREATE TABLE orders (order_id text, ordered_at date, product_id text, quantity integer, unit_price numeric); \
         INSERT INTO orders VALUES ('A1', '2024-01-02', 'P1', 2, 4.5)",
    );
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let port = server.port.to_string();
    for written in [format!("a:b@c/?#@{TAIL}"), format!("a%3Ab%40c/%3F%23%40{TAIL}")] {
        let url = server.url_with(&written, DATABASE);
        let workspace = Workspace::new();
        workspace.write("shop.yaml", pipeline("{type: postgres, url: \"${env:SHOP_URL}\"}", "table: orders"));
        let run = |url: &str| Ran::from(workspace.command(&["-vv", "run", "shop.yaml"]).env("SHOP_URL", url).output().unwrap());
        let away = run(&url.replace(&port, &closed.to_string()));
        assert_says(&workspace, &away, &[&format!("cannot reach 127.0.0.1:{closed}")]);
        assert_kept_secret(&workspace, &away, TAIL);
        let ran = run(&url);
        assert_eq!(ran.code, 0, "{written}: {}", ran.stderr);
        assert_kept_secret(&workspace, &ran, TAIL);
    }
}

#[test]
fn mysql_says_what_it_refuses_and_keeps_the_password() {
    const PASSWORD: &str = mysql_server::PASSWORD;
    const DATABASE: &str = mysql_server::DATABASE;
    let server = mysql_server::Server::start();
    server.execute(
        DATABASE,
        "CREATE TABLE orders (order_id varchar(9), ordered_at date, product_id varchar(9), quantity int, unit_price decimal(9, 2))",
    );
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let port = server.port.to_string();
    let wrong = format!("{PASSWORD}-of-last-year");
    let orders = "table: orders";
    let cases: [(String, &str, &[&str]); 9] = [
        (
            server.url().replace(&port, &closed.to_string()),
            orders,
            &["`shop`", "cannot reach 127.0.0.1", &closed.to_string(), "refused", "is the server up"],
        ),
        (
            server.url_with(&wrong, DATABASE),
            orders,
            &["`shop`", "refuses the login", "Access denied for user", "help: check user and password"],
        ),
        (server.url_with(PASSWORD, "shap"), orders, &["`shop`", "to database 'shap'", "last part of the url"]),
        (server.url(), "table: ordres", &["`shop`", "Table 'shop.ordres' doesn't exist", "help:", "`ordres`"]),
        (server.url(), "query: SELECT order_id FORM orders", &["`shop`", "near 'orders'", "SELECT order_id FORM orders"]),
        (server.url(), "query: DELETE FROM orders RETURNING *", &["`shop`", "READ ONLY transaction", "DELETE FROM orders"]),
        (server.url(), "query: DROP TABLE orders", &["`shop`", "gives no rows", "SELECT", "DROP TABLE orders"]),
        (
            server.url().replace(&format!(":{port}/"), ":threethousand/"),
            orders,
            &["`shop`", "port", "mysql://user:password@host:3306/database"],
        ),
        (
            server.url(),
            "table: orders\n    columns: {order_id: order_id, ordered_at: orderd_at, product_id: product_id, quantity: quantity, unit_price: unit_price}",
            &["extract.sales", "shop.orders has no column `orderd_at`", "did you mean `ordered_at`?"],
        ),
    ];
    for (url, source, words) in cases {
        let workspace = Workspace::new();
        workspace.write("shop.yaml", pipeline("{type: mysql, url: \"${env:SHOP_URL}\"}", source));
        let ran: Ran = workspace.command(&["-vv", "run", "shop.yaml"]).env("SHOP_URL", &url).output().unwrap().into();
        assert_says(&workspace, &ran, words);
        assert_kept_secret(&workspace, &ran, PASSWORD);
    }
    // A password that was filled into the url may hold what would end it there.
    server.execute("mysql", &format!("ALTER USER {} IDENTIFIED BY 'p@ss/w#rd?'", mysql_server::USER));
    let workspace = Workspace::new();
    let url = server.url_with("${env:SHOP_PASSWORD}", DATABASE);
    workspace.write("shop.yaml", pipeline(&format!("{{type: mysql, url: \"{url}\"}}"), "table: ordres"));
    let ran: Ran = workspace.command(&["run", "shop.yaml"]).env("SHOP_PASSWORD", "p@ss/w#rd?").output().unwrap().into();
    assert_says(&workspace, &ran, &["doesn't exist"]);
}

#[test]
fn a_database_file_that_is_not_there() {
    says(
        &pipeline("{type: sqlite, path: data/shop.sqlite}", "table: orders"),
        &["`shop`", "there is no file data/shop.sqlite", "-C DIR"],
    );
}

#[test]
fn a_database_file_that_is_none() {
    says(
        &pipeline("{type: sqlite, path: data/orders.csv}", "table: orders"),
        &["`shop`", "data/orders.csv is not a SQLite database"],
    );
}

#[test]
fn a_database_that_another_program_writes_to() {
    let workspace = Workspace::new();
    let database = rusqlite::Connection::open(workspace.path("shop.sqlite")).unwrap();
    database.execute_batch("CREATE TABLE orders (order_id TEXT); BEGIN EXCLUSIVE").unwrap();
    let ran = run(&workspace, &pipeline("{type: sqlite, path: shop.sqlite}", "table: orders"));
    assert_says(&workspace, &ran, &["`shop`", "another program is writing to shop.sqlite", "help: run again once it is done"]);
    // A slot's run is worth another attempt.
    let last = workspace.run(&["runs", "show", "latest", "--output", "json"]).ok().json();
    assert_eq!(last["run"]["may_pass"], true, "{last:#}");
    // The ledger in the same trouble.
    let ledger = rusqlite::Connection::open(workspace.path("state/consumer360.db")).unwrap();
    ledger.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let status = workspace.run(&["status"]);
    assert!(status.code == 1 && status.stderr.contains("help: another program is writing to it"), "{}", status.stderr);
}

#[test]
fn a_table_that_is_not_in_the_database() {
    let workspace = Workspace::new();
    let database = rusqlite::Connection::open(workspace.path("shop.sqlite")).unwrap();
    database.execute_batch("CREATE TABLE orders (order_id TEXT)").unwrap();
    let ran = run(&workspace, &pipeline("{type: sqlite, path: shop.sqlite}", "table: ordres"));
    assert_says(&workspace, &ran, &["`shop`", "no such table: ordres"]);
}

#[test]
fn a_folder_that_is_not_there() {
    says(&pipeline("{type: files, url: dropbox}", "path: orders.csv"), &["`shop`", "there is no folder dropbox", "-C DIR"]);
}

#[test]
fn a_glob_that_matches_nothing_names_what_is_there() {
    says(
        &pipeline("{type: files, url: data}", "path: sales*.csv"),
        &["`shop`", "no file matches `sales*.csv` in data", "found there: orders.csv"],
    );
}

#[test]
fn a_mapped_column_that_is_not_there() {
    let columns = "columns: {order_id: order_id, ordered_at: orderd_at, product_id: product_id, quantity: quantity, unit_price: unit_price}";
    says(
        &csv_pipeline(&format!("    {columns}")),
        &[
            "extract.sales",
            "data/orders.csv has no column `orderd_at`",
            "did you mean `ordered_at`?",
            "its columns are: order_id, ordered_at",
        ],
    );
}

#[test]
fn a_column_inside_an_expression_that_is_not_there() {
    let columns = "columns: {order_id: order_id, ordered_at: ordered_at, product_id: product_id, quantity: quantity, unit_price: price * 2}";
    says(&csv_pipeline(&format!("    {columns}")), &["extract.sales", "has no column `price`", "its columns are:"]);
}

#[test]
fn an_expression_that_is_no_sql() {
    let columns = "columns: {order_id: order_id, ordered_at: ordered_at, product_id: product_id, quantity: quantity, unit_price: 'unit_price * (1 + '}";
    says(
        &csv_pipeline(&format!("    {columns}")),
        &["extract.sales.columns.unit_price", "unit_price * (1 + ", "Expected: an expression, found: EOF"],
    );
}

#[test]
fn a_condition_that_is_no_sql() {
    says(&csv_pipeline("    where: quantity > > 1"), &["extract.sales.where", "quantity > > 1"]);
}

#[test]
fn a_quote_that_is_never_closed() {
    let workspace = Workspace::new();
    workspace.write("config/small.yaml", "limits: {record_bytes: 2KiB}\n");
    let tail = LINE.repeat(40_000);
    workspace.write("data/orders.csv", format!("{HEADER}{LINE}A2,2024-01-02,\"C1,P1,2,4.50\n{tail}"));
    workspace.write("shop.yaml", csv_pipeline(""));
    let ran = workspace.run(&["--env", "small", "run", "shop.yaml"]);
    assert_says(
        &workspace,
        &ran,
        &["data/orders.csv exceeds a limit", "record 2", "2048 bytes", "quote that is never closed", "limits.record_bytes"],
    );
}

#[test]
fn a_quote_that_is_open_at_the_end_of_a_small_file() {
    // The last column is text, so the record fits the table: nothing but the quote tells that lines are lost.
    let header = HEADER.replace('\n', ",channel\n");
    let lines = "A2,2024-01-02,C1,P1,2,4.50,web\nA3,2024-01-02,C1,P1,2,4.50,\"web\nA4,2024-01-02,C1,P1,2,4.50,web\n";
    let words = ["cannot read data/orders.csv", "a quote \" that opens in record 2 is never closed", "csv: {quote:"];
    file_says(format!("{header}{lines}").as_bytes(), "    rejects: {fail: 100%}", &words);
    file_says(format!("{header}{}", lines.trim_end()).as_bytes(), "    rejects: {fail: 100%}", &words);
}

#[test]
fn a_nul_byte_is_not_taken_for_the_end_of_the_file() {
    let text = format!("{HEADER}{LINE}\0\n{LINE}");
    file_says(text.as_bytes(), "", &["cannot read data/orders.csv", "record 2 is a NUL byte alone"]);
}

#[test]
fn a_parquet_file_that_is_none() {
    let workspace = Workspace::new();
    workspace.write("data/orders.parquet", format!("{HEADER}{LINE}"));
    let ran = run(&workspace, &pipeline("{type: files, url: data}", "path: orders.parquet"));
    assert_says(&workspace, &ran, &["cannot read data/orders.parquet", "cut off, or is not Parquet"]);
}

#[test]
fn a_wrong_delimiter() {
    file_says(
        format!("{HEADER}{LINE}").replace(',', ";").as_bytes(),
        "",
        &["extract.sales", "data/orders.csv has no column `order_id`", "set `csv: {delimiter: \";\"}`"],
    );
}

#[test]
fn an_empty_file() {
    file_says(b"", "", &["cannot read data/orders.csv", "the file is empty"]);
    file_says(b"\n\n", "    csv: {header: false}", &["cannot read data/orders.csv", "the file is empty"]);
}

#[test]
fn a_file_that_is_not_packed() {
    file_says(format!("{HEADER}{LINE}").as_bytes(), "    compression: gzip", &["cannot read data/orders.csv", "gzip"]);
}

#[test]
fn a_file_that_was_cut_off() {
    let workspace = shop();
    let packed = std::process::Command::new("gzip").arg("-c").arg(workspace.path("data/orders.csv")).output().unwrap().stdout;
    workspace.write("data/orders.csv.gz", &packed[..packed.len() - 10]);
    let ran = run(&workspace, &pipeline("{type: files, url: data}", "path: orders.csv.gz"));
    assert_says(&workspace, &ran, &["cannot read data/orders.csv.gz", "the file was cut off or damaged, or is not gzip"]);
}

#[test]
fn a_check_of_the_sources_reads_no_row() {
    let workspace = shop();
    workspace.write("shop.yaml", csv_pipeline(""));
    let ran = workspace.run(&["validate", "shop.yaml", "--connect"]).ok();
    assert!(
        ran.stdout.contains("sales") && ran.stdout.contains("data/orders.csv answers; the mapping fits its 6 columns"),
        "{}",
        ran.stdout
    );
    let json = workspace.run(&["--output", "json", "validate", "shop.yaml", "--connect"]).ok().json();
    assert_eq!(json["sources"][0]["columns"][4], "quantity");

    workspace.write("data/orders.csv", HEADER.replace("quantity", "quantty"));
    let ran = workspace.run(&["validate", "shop.yaml", "--connect"]);
    assert_says(&workspace, &ran, &["data/orders.csv has no column `quantity`", "did you mean `quantty`?"]);
    workspace.run(&["validate", "shop.yaml"]).ok();
}

#[test]
fn a_link_below_the_roots_leads_nowhere_else() {
    let workspace = shop();
    workspace.write("private/orders.csv", format!("{HEADER}{LINE}").replace("A1", "A2"));
    std::os::unix::fs::symlink(workspace.path("private/orders.csv"), workspace.path("data/orders-2.csv")).unwrap();
    let pipeline = csv_pipeline("").replace("orders.csv", "orders*.csv");
    run(&workspace, &pipeline).ok();
    std::fs::remove_dir_all(workspace.path("out")).unwrap();
    workspace.write("config/default.yaml", "limits: {roots: [data, out]}\n");
    let refused = run(&workspace, &pipeline);
    let words =
        ["data/orders-2.csv is a link that leads out of what pipelines may use", "`limits: roots` of the settings allows"];
    assert_says(&workspace, &refused, &words);
    run(&workspace, &csv_pipeline("")).ok();
}
