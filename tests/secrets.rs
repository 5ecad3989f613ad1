//! No secret appears anywhere but where it is sent: every file, page, line and message of a shop that has one of each kind,
//! while all goes well and while it does not.

mod commands;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use arrow::util::display::array_value_to_string;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::receivers::{self, Received};
use crate::served::{Served, free_port, get, until};
use crate::sources::mysql_server;
use crate::sources::postgres_server::{DATABASE, PASSWORD, Server, USER};
use crate::support::{Ran, Workspace, contents};

const TOKEN: &str = "Juniper-3c81-Lantern";
const HOOK: &str = "Walnut-92d4-Ferry";
const HEADER_KEY: &str = "Copper-5e07-Meadow";
const HEARTBEAT: &str = "Saffron-b1a6-Quarry";
const MAIL: &str = "Heather-48cf-Anchor";
const LINEAGE: &str = "Granite-0d93-Orchard";
const LINEAGE_KEY: &str = "Amber-e72b-Viaduct";
const TRACES: &str = "Cobalt-61fa-Thicket";
/// What workers ask for, though there are none.
const CLUSTER: &str = "Velvet-27b4-Estuary";
/// Read from a file, as from a container's secrets.
const SEAL: &str = "Hazel-5b9d-Turret";
const WRONG: &str = "Marble-a35e-Lagoon";
/// Too short to be a token.
const SHORT: &str = "Onyx-7d4";
const SECRETS: [&str; 14] = [
    PASSWORD,
    mysql_server::PASSWORD,
    TOKEN,
    HOOK,
    HEADER_KEY,
    HEARTBEAT,
    MAIL,
    LINEAGE,
    LINEAGE_KEY,
    TRACES,
    CLUSTER,
    SEAL,
    WRONG,
    SHORT,
];

const PIPELINE: &str = "
version: 1
name: shop
as_of: 2024-12-31
connections: {orders_db: {type: postgres, url: '${env:ORDERS_URL}'}, crm: {type: mysql, url: '${env:CRM_URL}'}}
extract: {sales: {from: orders_db, table: lines}, customers: {from: crm, table: customers}}
publish: {to: out}
notify:
  - on: [failed, recovered, missed, held]
    webhook: '${env:OPS_HOOK}'
    headers: {x-key: '${env:HOOK_KEY}', x-seal: '${file:SEAL}'}
  - {heartbeat: '${env:HEARTBEAT}'}
  - {on: [failed], email: {server: '${env:MAIL}', from: 'etl@shop.example', to: ['ops@shop.example']}}
";

/// A shop whose every secret comes from the environment or a file, and what it sends away.
struct Shop {
    space: Workspace,
    /// Where the files with secrets lie, which are the only ones to hold any.
    vault: Workspace,
    port: u16,
    environment: BTreeMap<&'static str, String>,
    said: Vec<(String, String)>,
    sent: Receiver<Received>,
    watched: Receiver<Received>,
}

impl Shop {
    fn new(database: &Server, crm: &mysql_server::Server) -> Self {
        let (space, vault) = (Workspace::new(), Workspace::new());
        let (port, away) = (free_port(), free_port());
        let (hook, sent) = receivers::http(Vec::new());
        let (port_of_watcher, watched) = receivers::http(Vec::new());
        vault.write("seal", format!("{SEAL}\n"));
        let telemetry = "openlineage: '${env:LINEAGE}', openlineage_key: '${env:LINEAGE_KEY}', traces: '${env:TRACES}', \
                         metrics: 'metrics.prom'";
        let settings = format!(
            "serve: {{listen: '127.0.0.1:{port}', token: '${{env:TOKEN}}'}}\ntelemetry: {{{telemetry}}}\n\
             engine: {{cluster: {{token: '${{env:CLUSTER}}'}}}}\n"
        );
        space.write("config/default.yaml", settings);
        let environment = BTreeMap::from([
            ("ORDERS_URL", database.url()),
            ("CRM_URL", crm.url()),
            ("OPS_HOOK", format!("http://127.0.0.1:{hook}/services/{HOOK}")),
            ("HOOK_KEY", HEADER_KEY.to_owned()),
            ("HEARTBEAT", format!("http://127.0.0.1:{hook}/ping/{HEARTBEAT}")),
            ("MAIL", format!("smtps://robot:{MAIL}@127.0.0.1:{away}")),
            ("LINEAGE", format!("http://127.0.0.1:{port_of_watcher}/lineage?key={LINEAGE}")),
            ("LINEAGE_KEY", LINEAGE_KEY.to_owned()),
            ("TRACES", format!("http://127.0.0.1:{port_of_watcher}/v1/traces?key={TRACES}")),
            ("TOKEN", TOKEN.to_owned()),
            ("CLUSTER", CLUSTER.to_owned()),
            ("LEDGER", database.url()),
        ]);
        let shop = Self { space, vault, port, environment, said: Vec::new(), sent, watched };
        shop.space.write("pipelines/shop.yaml", shop.pipeline());
        shop
    }

    fn pipeline(&self) -> String {
        PIPELINE.replace("SEAL", &self.vault.path("seal").display().to_string())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.space.command(arguments);
        command.envs(&self.environment);
        command
    }

    /// Runs the program and keeps what it says.
    fn run(&mut self, arguments: &[&str]) -> Ran {
        let ran = Ran::from(self.command(arguments).output().unwrap());
        self.said.push((arguments.join(" "), format!("{}\n{}", ran.stdout, ran.stderr)));
        ran
    }

    /// The same under another value of a variable.
    fn run_with(&mut self, name: &'static str, value: &str, arguments: &[&str]) -> Ran {
        let before = self.environment.insert(name, value.to_owned()).unwrap();
        let ran = self.run(arguments);
        self.environment.insert(name, before);
        ran
    }

    /// All that was said and all that lies on disk.
    fn assert_silent(&self) {
        let files = contents(&self.space.path(""));
        let known = readable(&self.space.path("out/current/dim_customer.parquet"), &[]);
        assert!(known.contains("Ada"), "tables are not looked into");
        let texts = files.iter().map(|(name, bytes)| (name.clone(), readable(&self.space.path(name), bytes)));
        for (place, text) in texts.chain(self.said.iter().cloned()) {
            for secret in SECRETS {
                let at = text.find(secret).map(|at| text[..at].chars().rev().take(200).collect::<String>());
                let before: Option<String> = at.map(|reversed| reversed.chars().rev().collect());
                assert!(before.is_none(), "{place} holds {secret} after: {}", before.unwrap_or_default());
            }
        }
    }

    /// What was sent to the hook and the heartbeat, and to the watchers of runs. No body of it holds a secret.
    fn posts(&self) -> (Vec<Received>, Vec<Received>) {
        let all = |sent: &Receiver<Received>| -> Vec<Received> {
            std::iter::from_fn(|| sent.recv_timeout(Duration::from_secs(2)).ok()).collect()
        };
        let (sent, watched) = (all(&self.sent), all(&self.watched));
        for post in sent.iter().chain(&watched) {
            let body = post.body.to_string();
            assert!(SECRETS.iter().all(|secret| !body.contains(secret)), "{}\n{body}", post.head);
        }
        (sent, watched)
    }
}

/// What a file says to somebody who opens it: what is packed in it is unpacked.
fn readable(path: &Path, bytes: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    match path.extension().and_then(|ending| ending.to_str()) {
        // What a run that failed left half-written has no rows that anybody could read.
        Some("parquet") => text += &rows(path).unwrap_or_default(),
        Some("xlsx") => {
            let mut workbook = zip::ZipArchive::new(File::open(path).unwrap()).unwrap();
            for place in 0..workbook.len() {
                let mut part = Vec::new();
                workbook.by_index(place).unwrap().read_to_end(&mut part).unwrap();
                text += &String::from_utf8_lossy(&part);
            }
        }
        _ => {}
    }
    text
}

/// The values of a table, each on a line.
fn rows(path: &Path) -> Option<String> {
    let mut text = String::new();
    let table = ParquetRecordBatchReaderBuilder::try_new(File::open(path).ok()?).ok()?;
    for batch in table.build().ok()? {
        let batch = batch.ok()?;
        for column in batch.columns() {
            for row in 0..batch.num_rows() {
                text += &array_value_to_string(column, row).unwrap_or_default();
                text.push('\n');
            }
        }
    }
    Some(text)
}

fn database() -> Server {
    let database = Server::start();
    database.execute(
        DATABASE,
        "CREATE TABLE lines AS SELECT 'o' || n AS order_id, 1 AS line_number, 'c' || n % 9 AS customer_id, 'p' || n % 5 AS product_id, \
         DATE '2024-01-01' + n AS ordered_at, 1 AS quantity, 10 AS unit_price FROM generate_series(1, 40) AS n",
    );
    database
}

fn crm() -> mysql_server::Server {
    let crm = mysql_server::Server::start();
    crm.execute(
        mysql_server::DATABASE,
        "CREATE TABLE customers (customer_id varchar(9), customer_name text); INSERT INTO customers VALUES ('c1', 'Ada')",
    );
    crm
}

fn ask_everything(shop: &mut Shop) {
    for arguments in [
        "validate pipelines/shop.yaml --output json",
        "validate pipelines/shop.yaml --connect --output json",
        "doctor pipelines/shop.yaml --output json",
        "runs list --output json",
        "runs show latest",
        "runs show latest --output json",
        "status --output json",
        "schedule next pipelines/shop.yaml",
        "rollback pipelines/shop.yaml --list",
        "state repair --output json",
        "unlock shop",
    ] {
        shop.run(&arguments.split(' ').collect::<Vec<_>>());
    }
}

#[test]
fn a_run_that_goes_well_and_runs_that_do_not_keep_every_secret() {
    let (database, crm) = (database(), crm());
    let mut shop = Shop::new(&database, &crm);
    let run = ["run", "pipelines/shop.yaml", "-vv", "--log", "json", "--output", "json"];
    shop.run(&run).ok();
    ask_everything(&mut shop);

    let refused = shop.run_with("ORDERS_URL", &database.url_with(WRONG, DATABASE), &run);
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    ask_everything(&mut shop);
    let away = format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{}/{DATABASE}", free_port());
    assert_eq!(shop.run_with("ORDERS_URL", &away, &run).code, 1);
    for wrong in [
        format!("postgres://{USER}:{WRONG}@127.0.0.1:port/{DATABASE}"),
        format!("postgres://{USER}:{WRONG}@[::1/{DATABASE}"),
        format!("postgres://{USER}:{WRONG}@localhost/{DATABASE}?sslmode={WRONG}"),
        format!("host=localhost password={WRONG} keepalives={WRONG}"),
    ] {
        let told = shop.run_with("ORDERS_URL", &wrong, &run);
        assert!(told.code == 1 || told.code == 78, "{wrong}: {}", told.stderr);
    }
    let (user, database) = (mysql_server::USER, mysql_server::DATABASE);
    for wrong in [
        crm.url_with(WRONG, database),
        format!("mysql://{user}:{}@127.0.0.1:{}/{database}", mysql_server::PASSWORD, free_port()),
        format!("mysql://{user}:{WRONG}@127.0.0.1:port/{database}"),
        format!("mysql://{user}:{WRONG}@[::1/{database}"),
        format!("mysql://{user}:{WRONG}@localhost/{database}?ssl-mode={WRONG}"),
        format!("mysql://{user}:{WRONG}@localhost/{database}?{WRONG}={WRONG}"),
    ] {
        assert_eq!(shop.run_with("CRM_URL", &wrong, &run).code, 1, "{wrong}");
    }
    for (name, wrong) in [
        ("CRM_URL", format!("mysq://{user}:{WRONG}@localhost/{database}")),
        ("ORDERS_URL", format!("postgrs://{USER}:{WRONG}@localhost/{DATABASE}")),
        ("OPS_HOOK", format!("htp://hooks.example/{WRONG}")),
        ("HEARTBEAT", format!("{WRONG}://hooks.example")),
        ("MAIL", format!("smtp//robot:{WRONG}@mail.example")),
        ("TRACES", format!("ftp://traces.example/{WRONG}")),
        ("TOKEN", SHORT.to_owned()),
        ("CLUSTER", SHORT.to_owned()),
    ] {
        let told = shop.run_with(name, &wrong, &["validate", "pipelines/shop.yaml", "--output", "json"]);
        assert_eq!(told.code, 78, "{name}: {}{}", told.stdout, told.stderr);
    }
    shop.space.write("pipelines/shop.yaml", shop.pipeline().replace("table: lines", "query: SELECT nothing FROM nowhere"));
    assert_eq!(shop.run(&run).code, 1);
    ask_everything(&mut shop);
    shop.assert_silent();

    // The secrets were in use: they went where they belong, and nowhere else in what was sent.
    let (sent, watched) = shop.posts();
    assert!(sent.iter().any(|post| [HOOK, HEADER_KEY, SEAL].iter().all(|secret| post.head.contains(secret))));
    assert!(sent.iter().any(|post| post.head.contains(HEARTBEAT)));
    assert!(watched.iter().any(|post| post.head.contains(LINEAGE) && post.head.contains(LINEAGE_KEY)));
    assert!(watched.iter().any(|post| post.head.contains(TRACES)));
}

/// Comes in with the token and returns the session's cookie.
fn signed_in(port: u16) -> String {
    let sign_in = page(port, "", "/login");
    let csrf = sign_in.split_once("name=\"csrf\" value=\"").and_then(|(_, rest)| rest.split('"').next()).unwrap_or_default();
    let form = format!("csrf={csrf}&token={TOKEN}");
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let head = format!(
        "POST /login HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: http://localhost:{port}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(!answer.contains(TOKEN), "{answer}");
    let cookie = answer.lines().find_map(|line| line.to_lowercase().starts_with("set-cookie: ").then(|| line[12..].to_owned()));
    cookie.unwrap_or_else(|| panic!("{answer}")).split(';').next().unwrap().to_owned()
}

fn page(port: u16, cookie: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_server_and_its_pages_keep_every_secret() {
    let (database, crm) = (database(), crm());
    let mut shop = Shop::new(&database, &crm);
    let run = ["run", "pipelines/shop.yaml", "--quiet"];
    shop.run(&run).ok();
    shop.run_with("ORDERS_URL", &database.url_with(WRONG, DATABASE), &run);
    let log = std::fs::File::create(shop.space.path("serve.log")).unwrap();
    let mut command = shop.command(&["serve", "pipelines", "-vv", "--log", "json"]);
    let served = Served(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
    until("the console", || get(shop.port, "/readyz").is_some_and(|(code, _)| code == 200));
    let cookie = signed_in(shop.port);
    let runs = shop.space.run(&["runs", "list", "--output", "json"]);
    assert_ne!(runs.code, 0, "without its variables no command reads the settings");
    let runs = shop.run(&["runs", "list", "--output", "json"]).ok().json();
    let mut pages: Vec<String> =
        ["/", "/pipelines/shop", "/runs", "/tables", "/tables/dim_customer", "/lineage", "/metrics", "/healthz", "/no"]
            .map(str::to_owned)
            .into();
    pages.extend(runs.as_array().unwrap().iter().map(|run| format!("/runs/{}", run["run_id"].as_str().unwrap())));
    for path in pages {
        let shown = page(shop.port, &cookie, &path);
        let code: u16 = shown.split(' ').nth(1).unwrap().parse().unwrap();
        assert!(code == 200 || path == "/no", "{path}: {shown}");
        shop.said.push((path, shown));
    }
    drop(served);
    shop.assert_silent();
}
