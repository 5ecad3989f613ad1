//! The console over a real connection: every page, and everything that must be refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs::{self, File};
use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use console::{Access, ActionRefused, ActionStarted, Actions, App, Edge, PiiPolicy, PipelineView};
use parquet::arrow::ArrowWriter;
use scheduler::{Ledger, Outcome, Slot, Stage, clock};
use secrecy::SecretString;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const HOSTILE: &str = "<script>alert('x')</script>";
const SNAPSHOT: &str = "2026-01-04-aaaaaaaaaaaa";

/// Notes what it is asked for; refuses to resume.
#[derive(Default)]
struct Noted(Mutex<Vec<String>>);

impl Noted {
    #[allow(clippy::unnecessary_wraps, reason = "each action hands it on")]
    fn note(&self, what: String) -> Result<ActionStarted, ActionRefused> {
        self.0.lock().unwrap().push(what);
        Ok(ActionStarted::default())
    }
}

impl Actions for Noted {
    fn run(&self, pipeline: &str) -> Result<ActionStarted, ActionRefused> {
        self.note(format!("run {pipeline}"))
    }
    fn retry(&self, run_id: &str) -> Result<ActionStarted, ActionRefused> {
        self.note(format!("retry {run_id}"))
    }
    fn release(&self, run_id: &str) -> Result<ActionStarted, ActionRefused> {
        self.note(format!("release {run_id}"))
    }
    fn discard(&self, run_id: &str) -> Result<ActionStarted, ActionRefused> {
        self.note(format!("discard {run_id}"))
    }
    fn rollback(&self, pipeline: &str, snapshot: &str) -> Result<ActionStarted, ActionRefused> {
        self.note(format!("rollback {pipeline} {snapshot}"))
    }
    fn pause(&self, pipeline: &str) -> Result<ActionStarted, ActionRefused> {
        self.note(format!("pause {pipeline}"))
    }
    fn resume(&self, _pipeline: &str) -> Result<ActionStarted, ActionRefused> {
        Err(ActionRefused { message: format!("not now {HOSTILE}") })
    }
}

struct Console {
    folder: tempfile::TempDir,
    app: Arc<App>,
    actions: Arc<Noted>,
    address: String,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Console {
    async fn start(access: Access, pipelines: impl FnOnce(&Path) -> Vec<PipelineView>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let actions = Arc::new(Noted::default());
        let app = Arc::new(App {
            ledger: Arc::new(Ledger::open(&folder.path().join("state")).unwrap()),
            pipelines: RwLock::new(Arc::new(pipelines(folder.path()))),
            actions: Arc::clone(&actions) as Arc<dyn Actions>,
            access,
            behind_https: false,
            now: clock::now,
            version: "0.0.0".to_owned(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(console::serve(listener, Arc::clone(&app), std::future::pending()));
        Self { folder, app, actions, address }
    }

    async fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let host = if headers.contains("Host:") { String::new() } else { format!("Host: {}\r\n", self.address) };
        let form = "Content-Type: application/x-www-form-urlencoded";
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\n{host}{headers}{form}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = Vec::new();
        stream.read_to_end(&mut text).await.unwrap();
        let text = String::from_utf8(text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        Answer { status: head[9..12].parse().unwrap(), head: head.to_lowercase(), body: body.to_owned() }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "", "").await
    }

    async fn csrf(&self, path: &str, headers: &str) -> String {
        let page = self.ask("GET", path, headers, "").await.body;
        page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    }
}

fn shop(folder: &Path) -> Vec<PipelineView> {
    vec![PipelineView {
        is_in_force: true,
        name: "shop".to_owned(),
        file: HOSTILE.to_owned(),
        problem: Some(HOSTILE.to_owned()),
        publish_to: folder.join("out"),
        pii: PiiPolicy { show_personal: false, also_personal: vec!["postcode".to_owned()] },
        lineage: vec![Edge { table: "fact_sales".to_owned(), reads: vec!["sales".to_owned()] }],
        sources: vec![("sales".to_owned(), HOSTILE.to_owned())],
        ..PipelineView::default()
    }]
}

fn write_parquet(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn text(value: &str) -> ArrayRef {
    Arc::new(StringArray::from(vec![value]))
}

/// A run that failed with hostile words everywhere, and a published table with a person in it.
fn fill(console: &Console) -> String {
    let ledger = &console.app.ledger;
    let now = clock::now();
    let mut run = ledger.begin("shop", &Slot::manual(now, chrono_tz::UTC, None), now, "0").unwrap();
    let (run_id, folder) = (run.id().to_owned(), run.folder().to_owned());
    run.stage_started(Stage::Extract).unwrap();
    run.stage_finished(Stage::Extract, Duration::from_millis(1500), json!({})).unwrap();
    run.finish(Outcome::CheckFailed { message: HOSTILE.to_owned() }, now).unwrap();
    let check = json!([{"check": "rejects", "table": HOSTILE, "status": "failed", "measured": HOSTILE, "remedy": HOSTILE,
        "failing_rows": 1, "kept": {"file": "checks/../checks/address.parquet", "rows": 1}}]);
    fs::write(folder.join("checks.json"), check.to_string()).unwrap();
    let line = json!({"timestamp": "2026-01-05T10:00:00Z", "level": "WARN", "message": HOSTILE, "field": HOSTILE});
    fs::write(folder.join("log.ndjson"), format!("{line}\nhalf a li")).unwrap();
    let increment = json!({"from": null, "whole_because": HOSTILE, "rows_read": 4321, "rows": 8642});
    let staged = json!({
        "changes": [{"check": "new_column", "table": "sales.till", "count": 1, "message": HOSTILE}],
        "entities": {"sales": {"renewed": {"record": {"increments": [{}, increment]}}}, "customers": {"renewed": null}},
    });
    fs::create_dir_all(folder.join("staged")).unwrap();
    fs::write(folder.join("staged/staged.json"), staged.to_string()).unwrap();
    let reject = |column: &str, raw: &str| -> Vec<(&'static str, ArrayRef)> {
        let record: ArrayRef = Arc::new(Int64Array::from(vec![7]));
        vec![
            ("entity", text("e")),
            ("origin", text("file")),
            ("record", record),
            ("column", text(column)),
            ("raw_value", text(raw)),
            ("reason", text("is none")),
        ]
    };
    let failing = vec![("email", text("ada@example.org")), ("region", text(HOSTILE)), ("whom", text("ada@example.org"))];
    write_parquet(&folder.join("checks/address.parquet"), failing);
    write_parquet(&folder.join("rejects/customers.parquet"), reject("email", "ada@example.org"));
    write_parquet(&folder.join("rejects/sales.parquet"), reject("quantity", HOSTILE));
    let published = console.folder.path().join("out");
    let snapshot = published.join("snapshots").join(SNAPSHOT);
    let columns = vec![
        ("customer_key", text("1")),
        ("customer_name", text("Ada Lovelace")),
        ("email", text("ada@example.org")),
        ("postcode", text("N1 7AA")),
        ("region", text(HOSTILE)),
    ];
    write_parquet(&snapshot.join("dim_customer.parquet"), columns);
    let told = json!({"snapshot": SNAPSHOT, "as_of": "2026-01-04", "published_at": "2026-01-05T10:00:00Z",
        "tables": [{"table": "dim_customer", "rows": 1234, "bytes": 10}]});
    fs::write(snapshot.join("manifest.json"), told.to_string()).unwrap();
    fs::write(published.join("published.json"), told.to_string()).unwrap();
    run_id
}

#[tokio::test]
async fn every_page_escapes_what_it_shows_and_masks_persons() {
    let console = Console::start(Access::Loopback, shop).await;
    let run_id = fill(&console);
    let run = format!("/runs/{run_id}");
    let pages = ["/", "/pipelines/shop", "/runs", &run, "/tables", "/tables/dim_customer?pipeline=shop", "/lineage"];
    for page in pages {
        let answer = console.get(page).await;
        assert_eq!(answer.status, 200, "{page}: {}", answer.body);
        assert!(!answer.body.contains("<script>alert"), "{page} does not escape");
        for person in ["Ada Lovelace", "ada@example.org", "N1 7AA"] {
            assert!(!answer.body.contains(person), "{page} shows {person}");
        }
        for header in
            ["content-security-policy: default-src 'none'", "x-content-type-options: nosniff", "cache-control: no-store"]
        {
            assert!(answer.head.contains(header), "{page} lacks {header}");
        }
    }
    let body = console.get(&run).await.body;
    for told in ["What to do", "check failed", "quantity", "••••••", "1.5 s", "&lt;script&gt;", "new column", "4,321", "8,642"]
    {
        assert!(body.contains(told), "the run's page lacks {told}");
    }
    assert!(console.get("/tables").await.body.contains("1,234"));
    let metrics = console.get("/metrics").await.body;
    assert!(metrics.contains("consumer360_checks_failed{pipeline=\"shop\"} 1\n"), "{metrics}");
    assert!(!metrics.contains("rows_total"), "a fact nobody noted is left out: {metrics}");
}

#[tokio::test]
async fn a_run_is_compared_with_what_readers_saw_before_it() {
    let console = Console::start(Access::Loopback, shop).await;
    let (ledger, now) = (&console.app.ledger, clock::now());
    let run = ledger.begin("shop", &Slot::manual(now, chrono_tz::UTC, None), now, "0").unwrap();
    let run_id = run.id().to_owned();
    let as_of = "2026-01-07".parse().unwrap();
    run.finish(Outcome::Published { snapshot: "2026-01-07-d".to_owned(), unchanged: false, as_of, facts: json!({}) }, now)
        .unwrap();
    // Two of days past were added behind the first, before and after readers were led back to it.
    let published = console.folder.path().join("out");
    let days =
        [("2026-01-05", "a"), ("2026-01-03", "behind"), ("2026-01-06", "wrong"), ("2026-01-04", "behind"), ("2026-01-07", "d")];
    for (hour, (day, name)) in days.iter().enumerate() {
        let folder = published.join(format!("snapshots/{day}-{name}"));
        let mut told = json!({"snapshot": format!("{day}-{name}"), "as_of": day, "published_at": format!("2026-01-08T0{hour}:00:00Z"),
            "tables": [], "withdrawn": ["2026-01-06-wrong"]});
        fs::create_dir_all(&folder).unwrap();
        fs::write(published.join("published.json"), told.to_string()).unwrap();
        told["behind"] = json!(*name == "behind");
        fs::write(folder.join("manifest.json"), told.to_string()).unwrap();
    }
    let body = console.get(&format!("/runs/{run_id}")).await.body;
    assert!(body.contains(r#"Against <span class="mono">2026-01-05-a</span>, as of 2026-01-05."#), "{body}");
}

#[tokio::test]
async fn a_policy_shows_persons() {
    let console = Console::start(Access::Loopback, shop).await;
    fill(&console);
    let mut pipelines = console.app.pipelines().to_vec();
    pipelines[0].pii.show_personal = true;
    console.app.replace_pipelines(pipelines);
    assert!(console.get("/tables/dim_customer").await.body.contains("Ada Lovelace"));
}

#[tokio::test]
async fn what_another_pipeline_published_is_not_shown_as_this_one_s() {
    let console = Console::start(Access::Loopback, shop).await;
    fill(&console);
    let published = console.folder.path().join("out/published.json");
    let mut told: serde_json::Value = serde_json::from_slice(&fs::read(&published).unwrap()).unwrap();
    told["pipeline"] = json!("other");
    fs::write(&published, told.to_string()).unwrap();
    let mut pipelines = console.app.pipelines().to_vec();
    pipelines[0].pii.show_personal = true;
    console.app.replace_pipelines(pipelines);
    for page in ["/", "/pipelines/shop", "/tables", "/tables/dim_customer"] {
        let body = console.get(page).await.body;
        for theirs in ["Ada Lovelace", SNAPSHOT, "1,234"] {
            assert!(!body.contains(theirs), "{page} shows {theirs}");
        }
    }
    let body = console.get("/pipelines/shop").await.body;
    assert!(body.contains(r#"what pipeline <a href="/pipelines/other">other</a> publishes"#), "{body}");
}

#[tokio::test]
async fn nothing_yet_is_said_in_words() {
    let console = Console::start(Access::Loopback, |_| Vec::new()).await;
    for (page, words) in [
        ("/", "No pipeline yet"),
        ("/runs", "No runs"),
        ("/lineage", "No pipeline yet"),
        ("/tables/fact_sales", "Nothing published yet"),
    ] {
        let answer = console.get(page).await;
        assert!(answer.status == 200 && answer.body.contains(words), "{page}: {}", answer.body);
    }
    assert_eq!(console.get("/healthz").await.body, "ok\n");
    assert_eq!(console.get("/readyz").await.status, 503);
    for missing in ["/nowhere", "/pipelines/none", "/runs/none", "/tables/none", "/tables/..%2f..%2fsecret", "/assets/none"] {
        assert_eq!(console.get(missing).await.status, 404, "{missing}");
    }
    console.app.replace_pipelines(shop(console.folder.path()));
    assert_eq!(console.get("/readyz").await.status, 200);
    assert!(console.get("/pipelines/shop").await.body.contains("No run yet"));
}

#[tokio::test]
async fn another_host_name_is_refused_on_loopback() {
    let console = Console::start(Access::Loopback, shop).await;
    for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "localhost:80@evil"] {
        assert_eq!(console.ask("GET", "/", &format!("Host: {host}\r\n"), "").await.status, 421, "{host}");
    }
    for host in ["localhost", "LOCALHOST:8360", "[::1]:8360", "[::1]"] {
        assert_eq!(console.ask("GET", "/", &format!("Host: {host}\r\n"), "").await.status, 200, "{host}");
    }
}

#[tokio::test]
async fn a_form_that_is_not_ours_is_refused() {
    let console = Console::start(Access::Loopback, shop).await;
    let csrf = console.csrf("/", "").await;
    let good = format!("csrf={csrf}&action=run&target=shop");
    for body in ["action=run&target=shop", "csrf=&action=run&target=shop", "csrf=0000&action=run&target=shop"] {
        assert_eq!(console.ask("POST", "/actions", "", body).await.status, 403, "{body}");
    }
    for header in ["Origin: http://evil.example\r\n", "Origin: null\r\n", "Sec-Fetch-Site: cross-site\r\n"] {
        assert_eq!(console.ask("POST", "/actions", header, &good).await.status, 403, "{header}");
    }
    assert_eq!(console.ask("POST", "/actions", "", &format!("csrf={csrf}&action=format&target=shop")).await.status, 400);
    assert!(console.actions.0.lock().unwrap().is_empty());
    let own = format!("Origin: http://{}\r\nSec-Fetch-Site: same-origin\r\n", console.address);
    let taken = console.ask("POST", "/actions", &own, &good).await;
    assert!(taken.status == 303 && taken.head.contains("location: /pipelines/shop?done=run"), "{}", taken.head);
    let back = format!("csrf={csrf}&action=rollback&target=shop&snapshot={SNAPSHOT}");
    assert_eq!(console.ask("POST", "/actions", &own, &back).await.status, 303);
    let resumed = console.ask("POST", "/actions", &own, &format!("csrf={csrf}&action=resume&target=shop")).await;
    assert!(resumed.status == 409 && resumed.body.contains("not now &lt;script&gt;"), "{}", resumed.body);
    assert_eq!(*console.actions.0.lock().unwrap(), ["run shop".to_owned(), format!("rollback shop {SNAPSHOT}")]);
}

#[tokio::test]
async fn a_token_is_asked_for() {
    let console = Console::start(Access::Token(SecretString::from("sesame")), shop).await;
    for page in ["/", "/runs", "/metrics", "/tables", "/nowhere"] {
        assert_eq!(console.get(page).await.status, 401, "{page}");
        assert_eq!(console.ask("GET", page, "Authorization: Bearer sesam\r\n", "").await.status, 401, "{page}");
        assert_eq!(console.ask("GET", page, "Cookie: console_session=sesame\r\n", "").await.status, 401, "{page}");
    }
    assert_eq!(console.get("/healthz").await.status, 200);
    assert!(console.ask("GET", "/", "Accept: text/html\r\n", "").await.head.contains("location: /login"));
    assert_eq!(console.ask("GET", "/metrics", "Authorization: Bearer sesame\r\n", "").await.status, 200);
    let csrf = console.csrf("/login", "").await;
    assert_eq!(console.ask("POST", "/login", "", "token=sesame").await.status, 403);
    let wrong = console.ask("POST", "/login", "", &format!("csrf={csrf}&token=open")).await;
    assert!(wrong.status == 401 && !wrong.head.contains("set-cookie"));
    let right = console.ask("POST", "/login", "", &format!("csrf={csrf}&token=sesame")).await;
    assert!(right.status == 303 && right.head.contains("httponly; samesite=strict") && !right.head.contains("sesame"));
    let cookie = right.head.split("set-cookie: ").nth(1).unwrap().split(';').next().unwrap().to_owned();
    let session = format!("Cookie: {cookie}\r\n");
    assert_eq!(console.ask("GET", "/", &session, "").await.status, 200);
    let left = console.ask("POST", "/logout", &session, &format!("csrf={csrf}")).await;
    assert!(left.head.contains("max-age=0"), "{}", left.head);
}

#[tokio::test]
async fn connections_that_say_nothing_take_so_many_places_and_no_more() {
    let console = Console::start(Access::Loopback, shop).await;
    let mut silent = Vec::new();
    for _ in 0..256 {
        silent.push(TcpStream::connect(&console.address).await.unwrap());
    }
    let waits = tokio::time::timeout(Duration::from_secs(1), console.get("/healthz")).await;
    assert!(waits.is_err(), "further ones wait for a place");
    drop(silent);
    assert_eq!(console.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn guessing_is_slow_and_soon_over() {
    let console = Console::start(Access::Token(SecretString::from("sesame")), shop).await;
    let csrf = console.csrf("/login", "").await;
    let guess = format!("csrf={csrf}&token=open");
    for _ in 0..10 {
        assert_eq!(console.ask("POST", "/login", "", &guess).await.status, 401);
    }
    assert_eq!(console.ask("POST", "/login", "", &guess).await.status, 429);
}

#[tokio::test]
async fn ten_thousand_runs_are_paged() {
    let console = Console::start(Access::Loopback, shop).await;
    let run_id = fill(&console);
    let state = console.folder.path().join("state");
    let record = console.app.ledger.run(&run_id).unwrap().unwrap();
    let database = rusqlite::Connection::open(state.join("consumer360.db")).unwrap();
    database.execute_batch("BEGIN").unwrap();
    for number in 0..10_000 {
        let mut copy = record.clone();
        copy.run_id = format!("shop-copy-{number}");
        let text = serde_json::to_string(&copy).unwrap();
        let started_at = format!("2026-01-01T00:00:00.{:03}Z", number % 1000);
        database
            .execute(
                "INSERT INTO consumer360_run VALUES (?1, 'shop', 'check_failed', ?2, ?3, 0)",
                (&copy.run_id, started_at, text),
            )
            .unwrap();
    }
    database.execute_batch("COMMIT").unwrap();
    for page in ["/runs", "/runs?page=200", "/runs?pipeline=shop&status=check_failed&page=100", "/runs?status=published", "/"] {
        let began = Instant::now();
        let answer = console.get(page).await;
        let took = began.elapsed();
        println!("{page}: {:.1} ms over 10,001 runs", took.as_secs_f64() * 1000.0);
        assert!(answer.status == 200 && took < Duration::from_secs(1), "{page} took {took:?}");
    }
    assert!(console.get("/runs").await.body.contains("10,001 runs"));
}
