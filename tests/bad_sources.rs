//! Sources that hang, break off, change under the reader or fill the disk: the run ends with its code and words, readers see what
//! they saw, and the next run on a sound source publishes.

mod full_disk;
mod late_rows;
mod mysql;
mod proxy;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use proxy::Proxy;

use crate::damaged::FEW_MARTS;
use crate::sources::postgres_server::{DATABASE, Server};
use crate::support::{Ran, Workspace, contents};

/// A pipeline of sales that builds little beside them.
fn pipeline(connection: &str, source: &str) -> String {
    crate::sources::pipeline(connection, source) + FEW_MARTS
}

const HEADER: &str = "order_id,ordered_at,customer_id,product_id,quantity,unit_price\n";
const LINES: &str = "A1,2024-01-02,C1,P1,1,1.00\nA2,2024-01-03,C2,P1,1,2.00\n";
const PLAIN: &str = "path: orders.csv\n    rejects: {warn: 0%, fail: 100%}\n";

/// A shop whose good file is published.
struct Shop {
    workspace: Workspace,
    out: RefCell<BTreeMap<String, Vec<u8>>>,
}

impl Shop {
    fn published() -> Self {
        Self::published_in(Workspace::new())
    }

    fn published_in(workspace: Workspace) -> Self {
        workspace.write("config/quick.yaml", "limits: {silence: 2s}\n");
        workspace.write("data/orders.csv", format!("{HEADER}{LINES}"));
        workspace.write("shop.yaml", pipeline("{type: files, url: data}", PLAIN));
        workspace.run(&["run", "shop.yaml"]).ok();
        let out = RefCell::new(contents(&workspace.path("out")));
        Self { workspace, out }
    }

    /// Runs a pipeline that reads this instead.
    fn run(&self, connection: &str, source: &str) -> Ran {
        self.workspace.write("bad.yaml", pipeline(connection, source));
        self.workspace.run(&["--env", "quick", "run", "bad.yaml"])
    }

    /// The run ended so, readers see what they saw, and a run on the good file publishes it again.
    fn assert_kept(&self, ran: &Ran, code: i32, words: &[&str]) {
        assert_eq!(ran.code, code, "stdout:\n{}\nstderr:\n{}", ran.stdout, ran.stderr);
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
        for word in words {
            assert!(ran.stderr.contains(word), "`{word}` is not in:\n{}", ran.stderr);
        }
        assert!(*self.out.borrow() == contents(&self.workspace.path("out")), "readers see something else");
        self.workspace.write("shop.yaml", pipeline("{type: files, url: data}", PLAIN));
        self.workspace.write("data/orders.csv", format!("{HEADER}{LINES}"));
        let again = self.workspace.run(&["run", "shop.yaml"]).ok();
        assert!(again.stdout.contains("Already published"), "{}", again.stdout);
        *self.out.borrow_mut() = contents(&self.workspace.path("out"));
    }
}

/// So many order lines, made by the server as it is asked.
fn generated(rows: u32, pause: &str) -> String {
    format!(
        "query: SELECT 'A' || n AS order_id, date '2024-01-03' AS ordered_at, 'P1' AS product_id, 1 AS quantity, n AS unit_price, \
         repeat('x', 200) AS channel FROM generate_series(1, {rows}) AS n {pause}"
    )
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let shop = Shop::published();
    // It takes the connection and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("{{type: postgres, url: \"postgres://shop@{}/shop\"}}", listener.local_addr().unwrap());
    let ran = shop.run(&url, "table: orders");
    shop.assert_kept(&ran, 124, &["connection `shop` has given nothing for 2s", "limits.silence"]);
}

#[test]
fn a_server_that_breaks_off_is_told_apart_from_its_end() {
    let shop = Shop::published();
    let server = Server::start();
    let postgres = |url: &str| format!("{{type: postgres, url: \"{url}\"}}");

    // A query that gives nothing, as behind a lock.
    let ran = shop.run(&postgres(&server.url()), &generated(10, ", pg_sleep(60)"));
    shop.assert_kept(&ran, 124, &["shop (query) has given nothing for 2s", "a lock in the way"]);

    // A connection that is cut behind a part of the answer.
    let proxy = Proxy::start(server.port, 2_000_000);
    let url = server.url().replace(&server.port.to_string(), &proxy.port.to_string());
    let ran = shop.run(&postgres(&url), &generated(200_000, ""));
    shop.assert_kept(&ran, 1, &["`shop`", "ended the connection in the middle of the answer", "run again"]);
    assert!(proxy.was_cut(), "the answer was shorter than the cut");

    // A server that is stopped while it answers.
    shop.workspace.write("bad.yaml", pipeline(&postgres(&server.url()), &generated(4_000_000, "")));
    let mut running = shop.workspace.command(&["run", "bad.yaml"]);
    let running = running.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let end = "DO $$ BEGIN LOOP PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'shop' AND state = 'active' \
               AND query LIKE 'COPY%4000000%'; EXIT WHEN FOUND; PERFORM pg_sleep(0.01); PERFORM pg_stat_clear_snapshot(); END LOOP; END $$";
    server.execute(DATABASE, end);
    let ran = crate::damaged::finished(running);
    shop.assert_kept(&ran, 1, &["`shop`", "ended the connection in the middle of the answer", "administrator command"]);
}

#[test]
fn keys_that_come_twice_close_the_gate() {
    let shop = Shop::published();
    shop.workspace.write(
        "data/orders.csv",
        format!("{}A1,2024-01-03,C1,P1,1,1.00,1\nA1,2024-01-03,C1,P2,3,1.00,1\n", HEADER.replace('\n', ",line_number\n")),
    );
    let ran = shop.run("{type: files, url: data}", "path: orders.csv");
    shop.assert_kept(&ran, 3, &["fact_sales"]);
    shop.workspace.write("data/orders.csv", format!("{HEADER}{LINES}"));
    shop.workspace.write("data/customers.csv", "customer_id,customer_name\nC1,Ada\nC1,Eva\nC2,Ida\n");
    let ran = shop.run("{type: files, url: data}", "path: orders.csv\n  customers:\n    from: shop\n    path: customers.csv");
    shop.assert_kept(&ran, 3, &["dim_customer"]);
}

#[test]
fn a_file_that_changes_while_it_is_read_is_told() {
    let shop = Shop::published();
    let lines: String = (0..60_000).map(|n| format!("B{n},2024-01-03,C1,P1,1,1.00\n")).collect();
    let path = shop.workspace.write("data/orders.csv", format!("{HEADER}{lines}"));
    let done = AtomicBool::new(false);
    let ran = std::thread::scope(|scope| {
        scope.spawn(|| {
            // Somebody still writes, from before the run to its end.
            let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
            for n in 0_u64.. {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                writeln!(file, "C{n},2024-01-03,C1,P1,1,1.00").unwrap();
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let ran = shop.run("{type: files, url: data}", "path: orders.csv");
        done.store(true, Ordering::Relaxed);
        ran
    });
    shop.assert_kept(
        &ran,
        1,
        &["cannot read data/orders.csv", "it changed while it was read", "rename the file when it is whole"],
    );
}

#[test]
fn what_stands_in_the_place_of_a_file_is_told() {
    let shop = Shop::published();
    let data = shop.workspace.path("data");
    let files = "{type: files, url: data}";
    fs::create_dir(data.join("folder.csv")).unwrap();
    let ran = shop.run(files, "path: folder.csv");
    shop.assert_kept(&ran, 1, &["no file matches `folder.csv`", "found there:"]);
    symlink("nowhere.csv", data.join("dangling.csv")).unwrap();
    let ran = shop.run(files, "path: dangling.csv");
    shop.assert_kept(&ran, 1, &["no file matches `dangling.csv`"]);
    fs::remove_file(data.join("dangling.csv")).unwrap();
    symlink("round.csv", data.join("round.csv")).unwrap();
    let ran = shop.run(files, "path: round.csv");
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("connection `shop`"), "{}", ran.stderr);
    fs::remove_file(data.join("round.csv")).unwrap();
    // A link that leads back into its own folder.
    symlink(".", data.join("self")).unwrap();
    let ran = shop.run(files, "path: missing.csv");
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    fs::remove_file(data.join("self")).unwrap();
    shop.assert_kept(&ran, 1, &["connection `shop`"]);
}

#[test]
fn a_file_that_may_not_be_read_is_told() {
    let shop = Shop::published();
    let path = shop.workspace.write("data/secret.csv", format!("{HEADER}{LINES}"));
    done(Command::new("chmod").arg("000").arg(&path));
    shop.workspace.write("bad.yaml", pipeline("{type: files, url: data}", "path: secret.csv"));
    // Root reads what it likes unless it gives that right away.
    let command = shop.workspace.command(&["run", "bad.yaml"]);
    let bounded = Command::new("setpriv")
        .args(["--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"])
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(command.get_current_dir().unwrap())
        .output()
        .unwrap();
    shop.assert_kept(&bounded.into(), 1, &["cannot read data/secret.csv", "ermission denied"]);
}

fn done(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}
