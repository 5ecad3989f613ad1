//! Fact tables in parts: the rows and bytes that they hold, what is left when the option changes, and every reader of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use crate::store::s3_server::{Blow, Server};
use crate::support::{Ran, Workspace, contents, published_bytes, read, root};

const FACTS: [&str; 3] = ["fact_sales", "fact_payments", "fact_tickets"];

const HEADER: &str = "order_id,line_number,customer_id,product_id,ordered_at,quantity,unit_price\n";

/// Thirty lines of ten customers at a price.
fn lines(price: u32) -> String {
    let line = |n: u32| format!("o{},{},c{},p{},2024-{:02}-15,1,{price}\n", n / 2, n % 2 + 1, n % 10, n % 7, n % 12 + 1);
    HEADER.to_owned() + &(0..30).map(line).collect::<String>()
}

fn pipeline(name: &str, publish: &str) -> String {
    format!(
        "version: 1\nname: {name}\nas_of: 2024-12-31\nconnections: {{drop: {{type: files, url: drop}}}}\n\
         extract: {{sales: {{from: drop, path: lines.csv}}}}\npublish: {{{publish}}}\n"
    )
}

fn shop() -> Workspace {
    let space = Workspace::new();
    space.write("drop/lines.csv", lines(10));
    space
}

/// Publishes the shop to `out` with the option, or without where it is 0.
fn publish(space: &Workspace, rows_per_file: u32) -> Ran {
    let option = if rows_per_file == 0 { String::new() } else { format!(", rows_per_file: {rows_per_file}") };
    space.write("shop.yaml", pipeline("shop", &format!("to: out{option}")));
    space.run(&["run", "shop.yaml"]).ok()
}

/// What readers of a target see: the folder of the snapshot, and its manifest.
fn published(target: &Path) -> (PathBuf, Value) {
    let json = |path: PathBuf| -> Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
    let folder = target.join("snapshots").join(json(target.join("published.json"))["snapshot"].as_str().unwrap());
    let manifest = json(folder.join("manifest.json"));
    (folder, manifest)
}

fn file(entry: &Value) -> String {
    entry["file"].as_str().map_or_else(|| format!("{}.parquet", entry["table"].as_str().unwrap()), str::to_owned)
}

fn rows(files: &[PathBuf]) -> RecordBatch {
    let mut batches: Vec<RecordBatch> = Vec::new();
    let mut schema = None;
    for file in files {
        let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap();
        schema.get_or_insert_with(|| builder.schema().clone());
        batches.extend(builder.build().unwrap().map(Result::unwrap));
    }
    concat_batches(&schema.unwrap(), &batches).unwrap()
}

fn hashes(files: &[PathBuf]) -> Vec<String> {
    let said = Command::new("sha256sum").args(files).output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    said.lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

/// The snapshot and `current/` hold the files that the manifest names, as it says they are, and no others. Gives their names.
fn assert_whole(target: &Path) -> BTreeSet<String> {
    let (folder, manifest) = published(target);
    let entries = manifest["tables"].as_array().unwrap();
    let wanted: BTreeSet<String> = entries.iter().map(file).collect();
    assert_eq!(wanted.len(), entries.len());
    let (current, mut snapshot) = (contents(&target.join("current")), contents(&folder));
    snapshot.remove("manifest.json").unwrap();
    assert_eq!(current.keys().cloned().collect::<BTreeSet<_>>(), wanted);
    assert!(current == snapshot, "current/ holds another set");
    let files: Vec<PathBuf> = entries.iter().map(|entry| folder.join(file(entry))).collect();
    for ((entry, path), hash) in entries.iter().zip(&files).zip(hashes(&files)) {
        assert_eq!(entry["sha256"], hash);
        assert_eq!(entry["bytes"], fs::metadata(path).unwrap().len());
        assert_eq!(entry["rows"], rows(std::slice::from_ref(path)).num_rows());
    }
    wanted
}

/// Rows of each part of a table.
fn parts(target: &Path, table: &str) -> Vec<u64> {
    let entries = published(target).1["tables"].as_array().unwrap().clone();
    let parts = entries.iter().filter(|entry| entry["table"] == table && entry.get("file").is_some());
    parts.map(|entry| entry["rows"].as_u64().unwrap()).collect()
}

/// Folders of `current/`, which has none without a file.
fn folders(target: &Path) -> Vec<String> {
    let entries = fs::read_dir(target.join("current")).unwrap().map(Result::unwrap);
    let folders = entries.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name().into_string().unwrap());
    let mut folders: Vec<String> = folders.collect();
    folders.sort();
    folders
}

#[test]
fn parts_hold_the_rows_of_the_file_and_threads_change_no_byte() {
    let space = Workspace::new();
    space.link("data");
    let text = fs::read_to_string(root().join("pipelines/superstore.yaml")).unwrap();
    let whole = "publish: {to: out/superstore, keep: 12}";
    assert!(text.contains(whole));
    for (to, threads, option) in [("whole", 1, ""), ("one", 1, ", rows_per_file: 1000"), ("four", 4, ", rows_per_file: 1000")] {
        space.write(&format!("{to}.yaml"), text.replace(whole, &format!("publish: {{to: {to}{option}}}")));
        space.write(&format!("config/{to}.yaml"), format!("engine: {{threads: {threads}}}\nstate: state-{to}\n"));
        space.run(&["run", &format!("{to}.yaml"), "--env", to, "--quiet"]).ok();
        assert_whole(&space.path(to));
    }
    let [whole, one, four] = ["whole", "one", "four"].map(|to| space.path(to));
    let manifest = fs::read_to_string(published(&whole).0.join("manifest.json")).unwrap();
    assert!(!manifest.contains("\"file\""), "a table in one file is told of in other words than before");

    assert_eq!(parts(&one, "fact_sales"), [[1000_u64; 9].as_slice(), &[994]].concat());
    assert_eq!((parts(&one, "fact_payments"), parts(&one, "fact_tickets")), (vec![0_u64], vec![0_u64]));
    let entries = |target: &Path| published(target).1["tables"].as_array().unwrap().clone();
    for table in FACTS {
        let of_table = entries(&one).into_iter().filter(|entry| entry["table"] == table);
        let files: Vec<PathBuf> = of_table.map(|entry| one.join("current").join(file(&entry))).collect();
        assert!(rows(&files) == rows(&[whole.join(format!("current/{table}.parquet"))]), "{table}");
    }
    let others = |target: &Path| -> BTreeMap<String, Vec<u8>> {
        published_bytes(target).into_iter().filter(|(name, _)| !name.starts_with("fact_")).collect()
    };
    assert!(others(&one) == others(&whole), "a table that is no fact has other bytes");
    let total = |target: &Path| read(&target.join("current/meta_run.parquet")).column("rows_out");
    assert_eq!(total(&one), total(&whole));
    assert!(published_bytes(&one) == published_bytes(&four), "four threads give other bytes than one");
    assert_eq!(space.snapshot("one"), space.snapshot("four"));
    assert_ne!(space.snapshot("one"), space.snapshot("whole"));

    let visible = || {
        let mut files = contents(&one);
        files.remove(".publish.lock");
        files
    };
    let before = visible();
    let again = space.run(&["run", "one.yaml", "--env", "one"]).ok();
    assert!(again.stdout.contains("Already published, byte for byte"), "{}", again.stdout);
    assert!(visible() == before, "a second run changed what readers see");
}

#[test]
fn a_change_of_the_option_leaves_no_strays() {
    let (space, out) = (shop(), "out");
    let mut known: BTreeMap<u32, (String, BTreeMap<String, Vec<u8>>)> = BTreeMap::new();
    for rows_per_file in [0, 7, 100, 7, 11, 0, 30, 1, 0] {
        publish(&space, rows_per_file);
        let target = space.path(out);
        let files = assert_whole(&target);
        let count = match rows_per_file {
            0 => 0,
            rows => 30_usize.div_ceil(rows as usize),
        };
        assert_eq!(files.iter().filter(|name| name.starts_with("fact_sales/")).count(), count, "{rows_per_file}");
        let mut facts = if rows_per_file == 0 { Vec::new() } else { FACTS.map(str::to_owned).to_vec() };
        facts.sort();
        assert_eq!(folders(&target), facts);
        // Whatever it was before, the same shape is the same set.
        let found = (space.snapshot(out), published_bytes(&target));
        assert!(*known.entry(rows_per_file).or_insert_with(|| found.clone()) == found, "{rows_per_file}");
    }
    // One part holds 30 rows, whether 30 or 100 would fit.
    assert_eq!(known[&30], known[&100]);
    assert_eq!(known.values().map(|(snapshot, _)| snapshot).collect::<BTreeSet<_>>().len(), 5);
}

#[test]
fn readers_are_led_back_between_the_shapes() {
    let (space, out) = (shop(), "out");
    let mut known = Vec::new();
    for rows_per_file in [0, 7, 20] {
        publish(&space, rows_per_file);
        known.push((space.snapshot(out), published_bytes(&space.path(out)), folders(&space.path(out))));
    }
    for at in [0, 2, 1, 0, 1, 2] {
        let (snapshot, bytes, shapes) = &known[at];
        space.run(&["rollback", "shop.yaml", snapshot]).ok();
        assert_eq!((space.snapshot(out), folders(&space.path(out))), (snapshot.clone(), shapes.clone()));
        assert_whole(&space.path(out));
        assert!(published_bytes(&space.path(out)) == *bytes, "another set after the rollback to {snapshot}");
    }
}

#[test]
fn commands_say_the_same_of_parts_as_of_a_file() {
    let space = shop();
    for (name, option) in [("whole", ""), ("parts", ", rows_per_file: 7")] {
        space.write(&format!("{name}.yaml"), pipeline(name, &format!("to: {name}{option}")));
        space.run(&["run", &format!("{name}.yaml"), "--quiet"]).ok();
    }
    let of = |name: &str, arguments: &[&str]| {
        let file = format!("{name}.yaml");
        space.run(&[arguments, &["--pipeline", file.as_str()]].concat()).ok().stdout
    };
    for arguments in [
        ["show", "fact_sales"].as_slice(),
        &["show", "fact_sales", "--limit", "7"],
        &["show", "fact_sales", "--limit", "16", "--output", "json"],
        &["show", "fact_sales", "--top", "5"],
        &["show", "fact_sales", "--where", "line_number = 2", "--limit", "9"],
        &["show", "fact_sales", "--where", "line_number = 3"],
        &["show", "fact_payments"],
        &["show", "dim_product"],
    ] {
        assert_eq!(of("parts", arguments), of("whole", arguments), "{arguments:?}");
    }
    assert!(of("parts", &["show", "fact_sales", "--limit", "16"]).contains("16 of 30 rows"));
    for table in ["fact_sales", "fact_tickets", "dim_product"] {
        for ending in ["csv", "xlsx"] {
            let [whole, parts] = ["whole", "parts"].map(|name| {
                let to = format!("{name}-{table}.{ending}");
                of(name, &["export", table, "--to", &to]);
                fs::read(space.path(&to)).unwrap()
            });
            assert!(whole == parts, "{table}.{ending}");
        }
    }
}

#[test]
fn two_shapes_of_one_day_do_not_differ() {
    let (space, mut known) = (shop(), Vec::new());
    for rows_per_file in [0, 7, 11] {
        publish(&space, rows_per_file);
        known.push(space.snapshot("out"));
    }
    space.write("drop/lines.csv", lines(20));
    publish(&space, 11);
    for (before, after) in [(0, 1), (1, 2), (2, 0)] {
        let (before, after) = (known[before].as_str(), known[after].as_str());
        let ran = space.run(&["diff", "shop.yaml", before, after]).ok();
        assert!(ran.stdout.contains("Nothing differs"), "{}", ran.stdout);
        space.run(&["diff", "shop.yaml", before, after, "--table", "fact_sales"]).ok();
    }
    let ran = space.run(&["diff", "shop.yaml", &known[1], &space.snapshot("out"), "--output", "json"]);
    assert_eq!(ran.code, 8, "{}", ran.stderr);
    let said = ran.json();
    let sales = said["tables"].as_array().unwrap().iter().find(|table| table["table"] == "fact_sales").unwrap().clone();
    let counted = ["rows_before", "rows_after", "added", "removed", "changed"].map(|name| sales[name].as_u64().unwrap());
    assert_eq!(counted, [30_u64, 30, 0, 0, 30]);
}

#[test]
fn checks_and_holds_read_the_parts_of_the_day_before() {
    let space = shop();
    let demands = "hold: {revenue_change: 50%}\nchecks:\n  \
        - drift: {table: fact_sales, max_drop: 0, max_rise: 0, severity: warn, name: lines}\n  \
        - sql: {name: priced, query: \"SELECT order_id FROM previous_fact_sales WHERE unit_price <> 10\"}\n";
    space.write("shop.yaml", pipeline("shop", "to: out, rows_per_file: 7") + demands);
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    space.run(&["run", "shop.yaml", "--quiet", "--as-of", "2025-01-31"]).ok();
    let run = space.run(&["runs", "show", "latest", "--output", "json"]).ok().json()["run"]["run_id"].clone();
    let checks = space.path("state/runs").join(run.as_str().unwrap()).join("checks.json");
    let checks = fs::read_to_string(checks).unwrap();
    assert!(checks.contains("from 30 to 30"), "{checks}");

    space.write("drop/lines.csv", lines(30));
    let held = space.run(&["run", "shop.yaml", "--quiet", "--as-of", "2025-01-31"]);
    assert_eq!(held.code, 5, "{}{}", held.stdout, held.stderr);
    assert!(held.stdout.contains("revenue goes from 300.0000 to 900.0000 (+200.0 %)"), "{}", held.stdout);
}

#[test]
fn counts_of_tables_take_parts_for_one() {
    let space = shop();
    space.write("config/default.yaml", "telemetry: {openlineage: lineage.ndjson}\n");
    let tables = [0, 1].map(|rows_per_file| {
        let ran = publish(&space, rows_per_file);
        let text = fs::read_to_string(space.path("lineage.ndjson")).unwrap();
        let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        let outputs = last["outputs"].as_array().unwrap().clone();
        let name = if rows_per_file == 0 { "/current/fact_sales.parquet" } else { "/current/fact_sales" };
        let sales = outputs.iter().find(|output| output["name"].as_str().unwrap().ends_with(name)).unwrap();
        assert_eq!(sales["outputFacets"]["outputStatistics"]["rowCount"], 30);
        let told = ran.stdout.lines().find(|line| line.contains(" tables, ")).unwrap();
        assert_eq!(told.split(' ').next().unwrap(), outputs.len().to_string(), "{told}");
        outputs.len()
    });
    assert_eq!(tables[0], tables[1]);
}

/// Runs until a request of this kind comes, and is killed before it is done.
fn killed_at(space: &Workspace, store: &Server, kind: fn(&str) -> bool) {
    store.moods.strike_first(kind, Blow::KillBefore);
    let mut command = space.command(&["run", "store.yaml", "--quiet"]);
    let mut child = command.envs(store.environment()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while store.moods.waiting.load(Ordering::SeqCst) == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it came to the request");
        assert!(start.elapsed() < Duration::from_mins(2), "no such request");
        sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    store.moods.calm();
}

fn uploads_a_part(asked: &str) -> bool {
    asked.starts_with("PUT ") && asked.contains("/snapshots/") && asked.contains("/fact_sales/part-00002.parquet")
}

fn copies_a_part(asked: &str) -> bool {
    asked.starts_with("PUT ") && asked.contains("/current/fact_sales/part-00002.parquet")
}

#[test]
fn a_store_holds_the_parts_that_a_folder_would() {
    let (space, store) = (shop(), Server::start());
    let there = store.path("sales/shop");
    let configure = |option: &str| {
        space.write("store.yaml", pipeline("shop", &format!("to: \"s3://lake/sales/shop\", lease: 5s{option}")));
        space.write("folder.yaml", pipeline("shop", &format!("to: out{option}")));
    };
    let in_store = |arguments: &[&str]| -> Ran {
        let ran: Ran = space.command(arguments).envs(store.environment()).output().unwrap().into();
        ran.ok()
    };
    let same = || {
        space.run(&["run", "folder.yaml", "--quiet"]).ok();
        assert_whole(&there);
        assert!(published_bytes(&there) == published_bytes(&space.path("out")), "the store holds another set than the folder");
    };
    for option in [", rows_per_file: 7", "", ", rows_per_file: 11", ", rows_per_file: 7"] {
        configure(option);
        in_store(&["run", "store.yaml", "--quiet"]);
        same();
    }
    let again = in_store(&["run", "store.yaml"]);
    assert!(again.stdout.contains("Already published, byte for byte"), "{}", again.stdout);

    // Another machine has nothing of it in its mirror.
    fs::remove_dir_all(space.path("state/mirror")).unwrap();
    let shown = in_store(&["show", "fact_sales", "--limit", "16", "--pipeline", "store.yaml"]);
    assert_eq!(shown.stdout, space.run(&["show", "fact_sales", "--limit", "16", "--pipeline", "folder.yaml"]).ok().stdout);

    let kinds: [fn(&str) -> bool; 2] = [uploads_a_part, copies_a_part];
    for (kind, price) in kinds.into_iter().zip([20, 30]) {
        let before = published(&there);
        space.write("drop/lines.csv", lines(price));
        killed_at(&space, &store, kind);
        assert_eq!(published(&there), before);
        in_store(&["run", "store.yaml", "--quiet"]);
        same();
        assert_ne!(published(&there).0, before.0);
    }
}
