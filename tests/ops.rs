//! What operators and the programs around a run see of it: standing, locks, the state of the machine, events.

use std::fs;

use serde_json::Value;

use crate::sources::mysql_server;
use crate::sources::postgres_server::{DATABASE, PASSWORD, Server};
use crate::support::{Ran, Workspace};

const PIPELINE: &str = "
version: 1
name: shop
as_of: 2024-12-31
connections: {drop: {type: files, url: drop}}
extract: {sales: {from: drop, path: lines.csv}}
publish: {to: out}
";

const LINES: &str = "order_id,line_number,customer_id,product_id,ordered_at,quantity,unit_price\n\
    o1,1,c1,p1,2024-05-01,1,10\no2,1,c2,p1,2024-06-01,2,10\n";

fn shop() -> Workspace {
    let space = Workspace::new();
    space.write("shop.yaml", PIPELINE);
    space.write("drop/lines.csv", LINES);
    space
}

#[test]
fn a_watcher_hears_that_nothing_came() {
    let space = shop();
    let none = space.run(&["status"]).ok();
    assert!(none.stdout.contains("No run yet"), "{}", none.stdout);
    assert_eq!(space.run(&["status", "--max-age", "8d"]).code, 1);
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    let fresh = space.run(&["status", "--max-age", "8d"]).ok();
    assert!(fresh.stdout.contains("0 minutes ago") && fresh.stdout.contains("2024-12-31"), "{}", fresh.stdout);
    let old = space.run(&["status", "--max-age", "0s"]);
    assert!(old.code == 1 && old.stdout.contains("too old"), "{}", old.stdout);
    // A failure since does not hide what readers see.
    space.write("drop/lines.csv", "order_id\n");
    assert_eq!(space.run(&["run", "shop.yaml", "--quiet"]).code, 4);
    let after = space.run(&["status", "--max-age", "8d", "--output", "json"]).ok().json();
    assert_eq!((&after[0]["is_too_old"], &after[0]["last"]["status"]), (&Value::from(false), &Value::from("source_failed")));
    assert_eq!(after[0]["published"]["status"], "published");
    assert_eq!(space.run(&["status", "--max-age", "soon"]).code, 2);
}

#[test]
fn a_name_that_is_misspelt_is_no_pipeline_that_never_ran() {
    let space = shop();
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    for command in [&["status"][..], &["runs", "list"][..]] {
        let of = |pipeline: &str| space.run(&[command, &["--pipeline", pipeline]].concat());
        let by_name = of("shop").ok().stdout;
        assert!(by_name.contains("2024-12-31"), "{by_name}");
        assert_eq!(of("shop.yaml").ok().stdout, by_name);
        let unknown = of("shap");
        assert_eq!(unknown.code, 2, "{}", unknown.stdout);
        assert!(unknown.stderr.contains("no run of a pipeline `shap` is on record; on record are shop"), "{}", unknown.stderr);
    }
}

#[test]
fn a_state_that_cannot_be_read_is_not_taken_for_none() {
    let space = shop();
    // Rights would not keep root out; a file in the place of the folder keeps everybody out.
    space.write("state", "");
    for command in [&["status"][..], &["runs", "list"][..], &["runs", "show"][..]] {
        let ran = space.run(command);
        assert_eq!(ran.code, 1, "{}", ran.stdout);
        assert!(ran.stderr.contains("cannot look into the state folder state: "), "{}", ran.stderr);
    }
}

#[test]
fn a_doctor_tries_things_out() {
    let space = shop();
    let sound = space.run(&["doctor", "shop.yaml"]).ok();
    assert!(
        sound.stdout.contains("Everything is as a run needs it.") || sound.stdout.contains("A run can start"),
        "{}",
        sound.stdout
    );
    assert!(sound.stdout.contains("answers with 7 columns"), "{}", sound.stdout);
    // Nothing of the trials is left.
    for folder in ["state", "out"] {
        let left = fs::read_dir(space.path(folder)).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        assert_eq!(left.filter(|name| name.contains("doctor")).collect::<Vec<_>>(), Vec::<String>::new());
    }
    fs::remove_file(space.path("drop/lines.csv")).unwrap();
    space.write("out/published.json", "{");
    let sick = space.run(&["doctor", "shop.yaml"]);
    assert_eq!(sick.code, 1);
    assert!(sick.stdout.contains("WRONG  publication") && sick.stdout.contains("WRONG  sources"), "{}", sick.stdout);
    assert!(sick.stdout.contains("2 wrong: a run would fail."), "{}", sick.stdout);
}

#[test]
fn a_lock_is_the_process_that_holds_it() {
    let space = shop();
    let free = space.run(&["unlock", "shop"]).ok();
    assert!(free.stdout.contains("Nobody holds the lock"), "{}", free.stdout);
    // A run that died leaves a record that says it runs, and no lock.
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    let id = space.run(&["runs", "show", "latest", "--output", "json"]).ok().json()["run"]["run_id"].as_str().unwrap().to_owned();
    let path = space.path("state/runs").join(&id).join("run.json");
    let record = fs::read_to_string(&path).unwrap().replace("\"published\"", "\"running\"");
    fs::write(&path, record).unwrap();
    fs::remove_file(space.path("state/consumer360.db")).unwrap();
    let status = space.run(&["status"]).ok();
    assert!(status.stdout.contains(&format!("died {id}: its process is gone")), "{}", status.stdout);
    assert_eq!(space.run(&["status", "--output", "json"]).ok().json()[0]["is_dead"], true);
    let settled = space.run(&["unlock", "shop"]).ok();
    assert!(settled.stdout.contains(&format!("Marked as interrupted: {id}")), "{}", settled.stdout);
    let status = space.run(&["status"]).ok();
    assert!(status.stdout.contains(&format!("interrupted {id}")), "{}", status.stdout);
}

#[test]
fn every_run_tells_its_lineage() {
    let space = shop();
    space.write("config/default.yaml", "telemetry: {openlineage: events/lineage.ndjson}\n");
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    space.write("drop/lines.csv", "order_id\n");
    assert_eq!(space.run(&["run", "shop.yaml", "--quiet"]).code, 4);
    let text = fs::read_to_string(space.path("events/lineage.ndjson")).unwrap();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = events.iter().map(|event| event["eventType"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["START", "COMPLETE", "START", "FAIL"]);
    assert_eq!(events[0]["run"]["runId"], events[1]["run"]["runId"]);
    assert_ne!(events[0]["run"]["runId"], events[2]["run"]["runId"]);
    let facts =
        events[1]["outputs"].as_array().unwrap().iter().find(|o| o["name"].as_str().unwrap().ends_with("fact_sales.parquet"));
    assert_eq!(facts.unwrap()["outputFacets"]["outputStatistics"]["rowCount"], 2);
    assert!(events[3]["run"]["facets"]["errorMessage"]["message"].as_str().unwrap().contains("is gone"));
    // A place that cannot be written to is no reason to fail.
    space.write("config/default.yaml", "telemetry: {openlineage: shop.yaml/lineage.ndjson}\n");
    space.write("drop/lines.csv", LINES);
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
}

#[test]
fn a_run_by_hand_leaves_its_metrics() {
    let space = shop();
    space.write("config/default.yaml", "telemetry: {metrics: metrics.prom}\n");
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    let text = fs::read_to_string(space.path("metrics.prom")).unwrap();
    let value = |figure: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix("consumer360_")?.strip_prefix(figure));
        line.unwrap_or_else(|| panic!("{figure} is not in:\n{text}")).trim().parse().unwrap()
    };
    for stage in ["extract", "transform", "validate", "publish"] {
        assert!(value(&format!("run_duration_seconds{{pipeline=\"shop\",stage=\"{stage}\"}}")) >= 0.0);
    }
    for name in ["last_success_timestamp_seconds", "rows_total", "peak_memory_bytes"] {
        assert!(value(&format!("{name}{{pipeline=\"shop\"}}")) > 0.0, "{name}");
    }
    for name in ["rows_rejected_total", "checks_failed"] {
        assert!(value(&format!("{name}{{pipeline=\"shop\"}}")).abs() < f64::EPSILON, "{name}");
    }
    assert!(value("slot_late_seconds{pipeline=\"shop\"}") < 60.0);
}

#[test]
fn lines_on_the_way_can_be_json() {
    let space = shop();
    let run = space.run(&["run", "shop.yaml", "--log", "json"]).ok();
    let lines: Vec<Value> = run.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|line| line["message"] == "finished" && line["level"] == "INFO"), "{}", run.stderr);
}

#[test]
fn every_command_has_its_manual_page() {
    let space = shop();
    space.run(&["man", "--to", "man"]).ok();
    let page = fs::read_to_string(space.path("man/consumer360-rollback.1")).unwrap();
    assert!(page.contains(".TH consumer360-rollback 1") && page.contains("earlier snapshot"), "{page}");
}

#[test]
fn a_first_pipeline_file_is_proposed_and_runs_as_it_is() {
    for (source, own) in [("data/superstore", "superstore"), ("data/chinook/chinook.sqlite", "chinook")] {
        let space = Workspace::new();
        space.link("data");
        space.link("pipelines");
        let said = space.run(&["init", source, "--to", "mine/shop.yaml"]).ok();
        assert!(said.stdout.contains("mine/shop.yaml is written.") && said.stdout.contains("line"), "{}", said.stdout);
        let twice = space.run(&["init", source, "--to", "mine/shop.yaml"]);
        assert!(twice.code == 2 && twice.stderr.contains("stays as it is"), "{}", twice.stderr);
        space.run(&["run", "mine/shop.yaml", "--quiet"]).ok();
        // Not one edit, and the same sales as the file that was written with care.
        let proposed = space.table(&format!("out/{own}"), "fact_sales");
        fs::remove_dir_all(space.path("out")).unwrap();
        space.run(&["run", &format!("pipelines/{own}.yaml"), "--quiet"]).ok();
        let careful = space.table(&format!("out/{own}"), "fact_sales");
        assert_eq!(proposed.rows.len(), careful.rows.len(), "{source}");
        assert_eq!(proposed.sum("net_amount"), careful.sum("net_amount"), "{source}");
    }
    let space = shop();
    let nothing = space.run(&["init", "nowhere"]);
    assert_eq!(nothing.code, 2);
    let misspelt = space.run(&["init", "drop", "--timezone", "Europe/Zurick", "--to", "mine/zone.yaml"]);
    assert!(misspelt.code == 2 && misspelt.stderr.contains("did you mean `Europe/Zurich`?"), "{}", misspelt.stderr);
    assert!(!space.path("mine/zone.yaml").exists());
    space.write("stock/levels.csv", "warehouse,bin,level\nnorth,1,4\n");
    let refused = space.run(&["init", "stock"]);
    assert!(refused.code == 1 && refused.stderr.contains("no table has"), "{}", refused.stderr);
}

#[test]
fn a_database_is_looked_at_and_its_address_stays_out_of_the_file() {
    const SHOP: &str = "
CREATE TABLE customers (customer_id integer PRIMARY KEY, name text, email text, country text);
CREATE TABLE products (product_id integer PRIMARY KEY, name text, category text, list_price numeric(10, 2));
CREATE TABLE orders (order_id integer PRIMARY KEY, customer_id integer REFERENCES customers, order_date timestamptz);
CREATE TABLE order_items (order_item_id integer PRIMARY KEY, order_id integer REFERENCES orders,
    product_id integer REFERENCES products, quantity integer, unit_price numeric(10, 2));
INSERT INTO customers SELECT n, 'Name ' || n, 'c' || n || '@shop.example', 'DE' FROM generate_series(1, 40) AS n;
INSERT INTO products SELECT n, 'Thing ' || n, 'Group ' || n % 3, n + 0.99 FROM generate_series(1, 12) AS n;
INSERT INTO orders SELECT n, n % 40 + 1, timestamptz '2024-01-01 10:00+00' + n * interval '1 day' FROM generate_series(1, 200) AS n;
INSERT INTO order_items SELECT n, (n - 1) / 2 + 1, n % 12 + 1, n % 3 + 1, n % 12 + 1.99 FROM generate_series(1, 400) AS n;
";
    let server = Server::start();
    server.execute(DATABASE, SHOP);
    let space = Workspace::new();
    let command = |arguments: &[&str]| {
        let ran: Ran = space.command(arguments).env("SHOP_URL", server.url()).output().unwrap().into();
        ran
    };
    command(&["init", "${env:SHOP_URL}", "--to", "shop.yaml"]).ok();
    let file = fs::read_to_string(space.path("shop.yaml")).unwrap();
    assert!(file.contains("${env:SHOP_URL}") && !file.contains(PASSWORD), "{file}");
    command(&["run", "shop.yaml", "--quiet"]).ok();
    let to = file.lines().find_map(|line| line.strip_prefix("publish: {to: ")).unwrap().split([',', '}']).next().unwrap();
    let sales = space.table(to, "fact_sales");
    assert_eq!((sales.rows.len(), sales.sum("quantity")), (400, 8_000_000), "{file}");
    // The address itself is taken as well, and kept out of the file and of what is said.
    let named = space.run(&["init", &server.url(), "--print"]).ok();
    assert!(named.stdout.contains("${env:SHOP_URL}") && !(named.stdout + &named.stderr).contains(PASSWORD));
    let refused = space.run(&["init", &server.url_with("wrong-Password-1", DATABASE), "--print"]);
    assert!(refused.code == 1 && !refused.stderr.contains("wrong-Password-1"), "{}", refused.stderr);
    let missing = space.run(&["init", "${env:NO_SUCH_URL}"]);
    assert!(missing.code == 2 && missing.stderr.contains("NO_SUCH_URL is not set"), "{}", missing.stderr);
}

#[test]
fn a_mysql_is_looked_at_as_well() {
    const SHOP: &str = "
CREATE TABLE customers (customer_id int PRIMARY KEY, name varchar(40), email varchar(40), country char(2));
CREATE TABLE products (product_id int PRIMARY KEY, name varchar(40), category varchar(40), list_price decimal(10, 2));
CREATE TABLE orders (order_id int PRIMARY KEY, customer_id int, order_date datetime,
    FOREIGN KEY (customer_id) REFERENCES customers (customer_id));
CREATE TABLE order_items (order_item_id int PRIMARY KEY, order_id int, product_id int, quantity int, unit_price decimal(10, 2),
    FOREIGN KEY (order_id) REFERENCES orders (order_id), FOREIGN KEY (product_id) REFERENCES products (product_id));
INSERT INTO customers SELECT seq, concat('Name ', seq), concat('c', seq, '@shop.example'), 'DE' FROM seq_1_to_40;
INSERT INTO products SELECT seq, concat('Thing ', seq), concat('Group ', seq % 3), seq + 0.99 FROM seq_1_to_12;
INSERT INTO orders SELECT seq, seq % 40 + 1, timestamp '2024-01-01 10:00:00' + INTERVAL seq DAY FROM seq_1_to_200;
INSERT INTO order_items SELECT seq, (seq - 1) DIV 2 + 1, seq % 12 + 1, seq % 3 + 1, seq % 12 + 1.99 FROM seq_1_to_400;
";
    let server = mysql_server::Server::start();
    server.execute(mysql_server::DATABASE, SHOP);
    let space = Workspace::new();
    let command = |arguments: &[&str]| {
        let ran: Ran = space.command(arguments).env("SHOP_URL", server.url()).output().unwrap().into();
        ran
    };
    command(&["init", "${env:SHOP_URL}", "--to", "shop.yaml"]).ok();
    let file = fs::read_to_string(space.path("shop.yaml")).unwrap();
    assert!(file.contains("{type: mysql, url: \"${env:SHOP_URL}\"}") && !file.contains(mysql_server::PASSWORD), "{file}");
    command(&["run", "shop.yaml", "--quiet"]).ok();
    let to = file.lines().find_map(|line| line.strip_prefix("publish: {to: ")).unwrap().split([',', '}']).next().unwrap();
    let sales = space.table(to, "fact_sales");
    assert_eq!((sales.rows.len(), sales.sum("quantity")), (400, 8_000_000), "{file}");
    let named = space.run(&["init", &server.url(), "--print"]).ok();
    assert!(named.stdout.contains("${env:SHOP_URL}") && !(named.stdout + &named.stderr).contains(mysql_server::PASSWORD));
    let refused = space.run(&["init", &server.url_with("wrong-Password-1", mysql_server::DATABASE), "--print"]);
    assert!(refused.code == 1 && !refused.stderr.contains("wrong-Password-1"), "{}", refused.stderr);
}

#[test]
fn a_column_tells_which_columns_it_comes_from() {
    let space = shop();
    space.write("config/default.yaml", "telemetry: {openlineage: lineage.ndjson}\n");
    let run = space.run(&["run", "shop.yaml", "--output", "json"]).ok().json();
    let folder = format!("state/runs/{}", run["run_id"].as_str().unwrap());
    let text = fs::read_to_string(space.path(&folder).join("lineage.json")).unwrap();
    let lineage: Value = serde_json::from_str(&text).unwrap();
    let of = |table: &str, column: &str| -> Vec<&str> {
        lineage[table][column].as_array().unwrap().iter().map(|origin| origin.as_str().unwrap()).collect()
    };
    assert_eq!(of("fact_sales", "quantity"), ["sales.quantity"]);
    let net = of("fact_sales", "net_amount");
    assert!(!net.is_empty() && net.iter().all(|origin| origin.starts_with("sales.")), "{net:?}");
    // From a table the run computes on the way, which in turn names its own.
    assert_eq!(of("customer_rfm", "r_score"), ["rfm_scores.r_score"]);
    assert!(!of("rfm_scores", "r_score").is_empty());
    assert_eq!(of("customer_rfm", "monetary"), ["rfm_measures.monetary"]);
    let events = fs::read_to_string(space.path("lineage.ndjson")).unwrap();
    let complete: Value = serde_json::from_str(events.lines().last().unwrap()).unwrap();
    let outputs = complete["outputs"].as_array().unwrap();
    let facts = outputs.iter().find(|output| output["name"].as_str().unwrap().ends_with("fact_sales.parquet")).unwrap();
    let fields = &facts["facets"]["columnLineage"]["fields"];
    assert_eq!(fields["quantity"]["inputFields"][0]["field"], "quantity", "{fields}");
}
