//! A MySQL that hangs or breaks off.

use std::net::TcpListener;
use std::process::Stdio;

use super::proxy::Proxy;
use super::{Shop, pipeline};
use crate::sources::mysql_server::{DATABASE, Server};

/// So many order lines, made by the server as it is asked.
fn generated(rows: u32) -> String {
    format!(
        "query: SELECT concat('A', seq) AS order_id, date '2024-01-03' AS ordered_at, 'P1' AS product_id, 1 AS quantity, \
         seq AS unit_price, repeat('x', 200) AS channel FROM seq_1_to_{rows}"
    )
}

fn mysql(url: &str) -> String {
    format!("{{type: mysql, url: \"{url}\"}}")
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let shop = Shop::published();
    // It takes the connection and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ran = shop.run(&mysql(&format!("mysql://shop@{}/shop", listener.local_addr().unwrap())), "table: orders");
    shop.assert_kept(&ran, 124, &["connection `shop` has given nothing for 2s", "limits.silence"]);
}

#[test]
fn a_server_that_breaks_off_is_told_apart_from_its_end() {
    let shop = Shop::published();
    let server = Server::start();

    // A query that gives nothing, as behind a lock.
    let ran = shop.run(&mysql(&server.url()), &format!("{} WHERE sleep(60) = 0", generated(10)));
    shop.assert_kept(&ran, 124, &["shop (query) has given nothing for 2s", "a lock in the way"]);

    // A connection that is cut behind a part of the answer.
    let proxy = Proxy::start(server.port, 2_000_000);
    let url = server.url().replace(&server.port.to_string(), &proxy.port.to_string());
    let ran = shop.run(&mysql(&url), &generated(200_000));
    shop.assert_kept(&ran, 1, &["`shop`", "ended the connection in the middle of the answer", "run again"]);
    assert!(proxy.was_cut(), "the answer was shorter than the cut");

    // A connection that an administrator ends while it answers.
    shop.workspace.write("bad.yaml", pipeline(&mysql(&server.url()), &generated(4_000_000)));
    let mut running = shop.workspace.command(&["run", "bad.yaml"]);
    let running = running.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    server.execute(
        DATABASE,
        "DELIMITER //\n\
         BEGIN NOT ATOMIC DECLARE one BIGINT DEFAULT NULL; \
         WHILE one IS NULL DO \
         SET one = (SELECT id FROM information_schema.processlist WHERE command = 'Execute' AND info LIKE '%4000000%' LIMIT 1); \
         DO sleep(0.01); END WHILE; KILL one; END//\n",
    );
    let ran = crate::damaged::finished(running);
    shop.assert_kept(&ran, 1, &["`shop`", "ended the connection in the middle of the answer"]);
}
