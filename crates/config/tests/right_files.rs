//! What right files come to, what is filled in, and that secrets stay hidden.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::float_cmp)]

use std::fs;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{
    AsOf, Change, Compression, Connection, Contract, Deduplicate, Encoding, Environment, Format, Grid, Input, Keep, Ledger,
    MapFrom, Pipeline, PriceSensitive, Problems, Scoring, Settings, Target, load, settings,
};
use schema::Entity;

const CANARY: &str = "canary-hunter2";

/// A folder of its own for each test, empty at its start.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("right_files").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn variable(name: &str) -> Option<String> {
    match name {
        "ORDERS_URL" => Some(format!("postgres://shop:{CANARY}@db/shop")),
        "DROP" => Some(format!("data/{CANARY}")),
        "INJECTED" => Some("data\", path: other, x: \"\npublish: {to: elsewhere}".to_owned()),
        "NOT_A_URL" => Some(format!("{CANARY}://db")),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

fn environment() -> Environment<'static> {
    Environment { variable: &variable, cores: 6 }
}

fn pipeline(folder: &Path, text: &str) -> Result<(Pipeline, Settings), Problems> {
    let file = folder.join("shop.yaml");
    fs::write(&file, text).unwrap();
    load(&file, Some(&folder.join("config")), None, &environment())
}

fn shop(connections: &str, sales: &str, rest: &str) -> String {
    format!(
        "version: 1\nname: shop\nconnections:\n{connections}\nextract:\n  sales: {{{sales}}}\n{rest}\npublish: {{to: out/shop}}\n"
    )
}

const DROP: &str = "  drop: {type: files, url: data/shop}";

#[test]
fn what_a_short_file_leaves_out_has_its_default() {
    let (pipeline, settings) = pipeline(&folder("short"), &shop(DROP, "from: drop, path: orders.csv", "")).unwrap();
    assert_eq!(pipeline.timezone, chrono_tz::UTC);
    assert_eq!(pipeline.as_of, AsOf::LastSale);
    assert_eq!((pipeline.publish.keep, pipeline.publish.lease), (12, Duration::from_mins(1)));
    assert_eq!(pipeline.publish.rows_per_file, None);
    let sales = &pipeline.sources[&Entity::Sales];
    assert!(sales.columns.is_empty() && sales.filter.is_none() && sales.deduplicate.is_none());
    assert_eq!((sales.rejects.warn, sales.rejects.fail), (0.001, 0.01));
    let Input::Files { format: Format::Csv(csv), compression: Compression::None, .. } = &sales.input else {
        panic!("{:?}", sales.input)
    };
    assert_eq!((csv.delimiter, csv.quote, csv.encoding, csv.header), (b',', b'"', Encoding::Utf8, true));
    assert_eq!((&pipeline.transform.rfm.scoring, &pipeline.transform.rfm.grid), (&Scoring::NtileTied, &Grid::Standard));
    assert_eq!((settings.engine.memory, settings.engine.threads, settings.engine.spill_limit), (1536 << 20, 6, 20 << 30));
    assert_eq!((settings.engine.limits.columns, settings.engine.limits.record_bytes), (2000, 16 << 20));
    assert_eq!((settings.engine.limits.rejects_kept, settings.keep_runs), (100_000, 20));
    assert_eq!((settings.engine.limits.expansion, settings.engine.limits.silence.as_secs()), (200, 900));
    assert_eq!(settings.state, Path::new("state"));
}

#[test]
fn endings_tell_format_and_compression() {
    for (path, format, compression) in [
        ("orders.CSV.GZ", "Csv", Compression::Gzip),
        ("a/orders*.tsv", "Csv", Compression::None),
        ("orders.ndjson.zst", "Ndjson", Compression::Zstd),
        ("orders.jsonl", "Ndjson", Compression::None),
        ("orders.parquet", "Parquet", Compression::None),
        ("orders.xlsx", "Xlsx", Compression::None),
    ] {
        let (pipeline, _) = pipeline(&folder("endings"), &shop(DROP, &format!("from: drop, path: \"{path}\""), "")).unwrap();
        let Input::Files { format: found, compression: packed, .. } = &pipeline.sources[&Entity::Sales].input else {
            panic!("{path}")
        };
        assert!(format!("{found:?}").starts_with(format), "{path}: {found:?}");
        assert_eq!(*packed, compression, "{path}");
        if let Format::Csv(csv) = found {
            assert_eq!(csv.delimiter, if path.ends_with("tsv") { b'\t' } else { b',' });
        }
    }
}

#[test]
fn everything_that_can_be_said_is_heard() {
    let text = r#"version: 1
name: shop
timezone: America/New_York
as_of: 2017-12-30
connections:
  drop: {type: files, url: data/shop}
  db: {type: sqlite, path: data/shop.sqlite}
extract:
  sales:
    from: drop
    path: orders.dat
    format: csv
    compression: gzip
    csv: {delimiter: "\t", quote: "'", encoding: cp1252, header: false, null_values: ["", NA, no]}
    columns:
      order_id: Order ID
      line_number: {column: Line}
      product_id: {sql: upper(id)}
      ordered_at: {column: Order Date, format: "%m/%d/%Y"}
      quantity: Quantity
      net_amount: '"Sales" * 2'
    where: "Quantity <> 0"
    deduplicate: {keys: [order_id, line_number], keep: first_by( ordered_at )}
    rejects: {warn: 0, fail: 0.5}
    contract: {columns: freeze, types: quarantine, stale: warn}
  customers: {from: db, table: crm.customers, deduplicate: {exact: true}}
  products: {from: db, query: SELECT 1}
  payments: {from: drop, path: payments.xlsx, sheet: Paid}
transform:
  returns: exclude
  rfm:
    scoring: fixed
    thresholds: {recency: [30, 90, 180, 365], frequency: [2, 3, 5, 10], monetary: [-0.5, 0.1, "99.9900", 1000]}
    frequency: purchase_days
    universe: region
    price_sensitive: off
    segments: workshop12
publish: {to: "s3://lake/sales/shop/", keep: 2, rows_per_file: 10000000, lease: 5s, profile: powerbi}
"#;
    let (pipeline, _) = pipeline(&folder("everything"), text).unwrap();
    assert!(matches!(pipeline.as_of, AsOf::On(day) if day.to_string() == "2017-12-30"));
    assert_eq!(pipeline.publish.to, Target::Store { url: "s3://lake/sales/shop".to_owned() });
    assert_eq!((pipeline.publish.keep, pipeline.publish.lease), (2, Duration::from_secs(5)));
    assert_eq!(pipeline.publish.rows_per_file.map(NonZeroU64::get), Some(10_000_000));
    let sales = &pipeline.sources[&Entity::Sales];
    let contract = Contract { columns: Change::Freeze, types: Change::Quarantine, stale_fails: false };
    assert_eq!(pipeline.sources[&Entity::Sales].contract, contract);
    let contract = Contract { columns: Change::Evolve, types: Change::Evolve, stale_fails: true };
    assert_eq!(pipeline.sources[&Entity::Customers].contract, contract);
    let Input::Files { format: Format::Xlsx { sheet, .. }, .. } = &pipeline.sources[&Entity::Payments].input else { panic!() };
    assert_eq!(sheet.as_deref(), Some("Paid"));
    let Input::Files { format: Format::Csv(csv), compression: Compression::Gzip, .. } = &sales.input else { panic!() };
    assert_eq!((csv.delimiter, csv.quote, csv.encoding, csv.header), (b'\t', b'\'', Encoding::Cp1252, false));
    assert_eq!(csv.null_values, ["NA", "no"]);
    assert_eq!(sales.columns["order_id"].from, MapFrom::ColumnOrSql("Order ID".to_owned()));
    assert_eq!(sales.columns["line_number"].from, MapFrom::ColumnOrSql("Line".to_owned()));
    assert_eq!(sales.columns["product_id"].from, MapFrom::Sql("upper(id)".to_owned()));
    assert_eq!(sales.columns["ordered_at"].format.as_deref(), Some("%m/%d/%Y"));
    let Some(Deduplicate::Keys { keep: Keep::First, by, .. }) = &sales.deduplicate else { panic!() };
    assert_eq!(by, "ordered_at");
    assert_eq!((sales.rejects.warn, sales.rejects.fail), (0.0, 0.5));
    assert_eq!(pipeline.sources[&Entity::Customers].deduplicate, Some(Deduplicate::Exact));
    let Scoring::Fixed(thresholds) = &pipeline.transform.rfm.scoring else { panic!() };
    assert_eq!(thresholds.monetary, [-5_000, 1_000, 999_900, 10_000_000]);
    assert_eq!(pipeline.transform.rfm.price_sensitive, PriceSensitive::Off);
    assert_eq!(pipeline.transform.rfm.grid, Grid::Workshop12);
}

#[test]
fn a_grid_of_ones_own_is_read_from_r1_up() {
    let row = |name: &str| format!("[{name}, {name}, {name}, {name}, Champions]");
    let rows = format!(
        "transform:\n  rfm:\n    segments: {{R5: {}, R4: {}, R3: {}, R2: {}, R1: {}}}",
        row("Promising"),
        row("Recent Users"),
        row("Hibernating"),
        row("Can't Lose Them"),
        row("Lost")
    );
    let (pipeline, _) = pipeline(&folder("grid"), &shop(DROP, "from: drop, path: orders.csv", &rows)).unwrap();
    let Grid::Own(cells) = &pipeline.transform.rfm.grid else { panic!() };
    assert_eq!(
        (cells[0][0].as_str(), cells[1][0].as_str(), cells[4][3].as_str(), cells[2][4].as_str()),
        ("Lost", "Can't Lose Them", "Promising", "Champions")
    );
}

#[test]
fn secrets_are_filled_in_and_never_shown() {
    let folder = folder("secrets");
    let secret = folder.join("secret");
    fs::write(&secret, format!("postgres://shop:{CANARY}@db/other\n")).unwrap();
    let connections = format!(
        "  orders_db: {{type: postgres, url: \"${{env:ORDERS_URL}}\"}}\n  other_db: {{type: postgres, url: \"${{file:{}}}\"}}\n  drop: {{type: files, url: \"${{env:DROP}}/in\"}}",
        secret.display()
    );
    let more = "  customers: {from: drop, path: c.csv}\n  products: {from: other_db, table: p}";
    let (pipeline, settings) = pipeline(&folder, &shop(&connections, "from: orders_db, table: orders", more)).unwrap();
    let Connection::Postgres { url } = &pipeline.connections["orders_db"] else { panic!() };
    assert_eq!(url.expose(), format!("postgres://shop:{CANARY}@db/shop"));
    let Connection::Postgres { url: other } = &pipeline.connections["other_db"] else { panic!() };
    assert_eq!(other.expose(), format!("postgres://shop:{CANARY}@db/other"));
    let Connection::Files { url: files } = &pipeline.connections["drop"] else { panic!() };
    assert_eq!(*files, format!("data/{CANARY}/in"));
    for shown in [format!("{pipeline:?}"), format!("{pipeline:#?}"), format!("{settings:?}"), format!("{url} {url:?} {other}")] {
        assert!(!shown.contains("canary"), "{shown}");
    }
}

#[test]
fn problems_hold_no_secret() {
    for connection in [
        "  orders_db: {type: postgres, url: \"${env:NOT_A_URL}\"}",
        "  orders_db: {type: files, url: \"${env:NOT_A_URL}\"}",
        "  orders_db: {type: files, url: \"${env:ORDERS_URL}\"}",
        "  orders_db: {type: files, url: \"s3://key:${env:DROP}@bucket\"}",
        "  orders_db: {type: postgres, url: \"${env:ORDERS_URL}${env:NONE}\"}",
    ] {
        let problems = pipeline(&folder("no_secret"), &shop(connection, "from: orders_db, table: orders", "")).unwrap_err();
        let shown = format!("{problems}{problems:?}{}", serde_json::to_string(&problems).unwrap());
        assert!(!shown.contains("canary"), "{shown}");
    }
}

#[test]
fn a_value_cannot_bring_keys_along() {
    let (pipeline, _) = pipeline(
        &folder("injected"),
        &shop("  drop: {type: files, url: \"${env:INJECTED}\"}", "from: drop, path: orders.csv", ""),
    )
    .unwrap();
    assert_eq!(pipeline.publish.to, Target::Folder("out/shop".into()));
    let Connection::Files { url } = &pipeline.connections["drop"] else { panic!() };
    assert_eq!(Some(url.clone()), variable("INJECTED"));
}

#[test]
fn environments_state_differences_only() {
    let folder = folder("layers");
    fs::create_dir(folder.join("config")).unwrap();
    let write = |name: &str, text: &str| fs::write(folder.join("config").join(name), text).unwrap();
    write("default.yaml", "engine: {memory: 4GiB, threads: 2}\nstate: /var/lib/shop\n");
    write("prod.yaml", "engine: {threads: 0}\nruns: {keep: 3}\n");
    write("empty.yaml", "# as the default\n");
    let read = |env: &str| settings(Some(&folder.join("config")), Some(env), &environment());
    let prod = read("prod").unwrap();
    assert_eq!((prod.engine.memory, prod.engine.threads, prod.keep_runs), (4 << 30, 6, 3));
    assert_eq!(prod.state, Path::new("/var/lib/shop"));
    assert_eq!(read("empty").unwrap().engine.threads, 2);
    write("shared.yaml", "ledger: {postgres: \"postgres://etl:canary@db/ledger\"}\n");
    let shared = read("shared").unwrap();
    let Ledger::Postgres { url } = &shared.ledger else { panic!("{shared:?}") };
    assert_eq!((url.expose(), format!("{shared:?}").contains("canary")), ("postgres://etl:canary@db/ledger", false));
    write("shared.yaml", "ledger: {postgres: \"postgres://etl:abc@canary@db/ledger\"}\n");
    let Ledger::Postgres { url } = read("shared").unwrap().ledger else { panic!("not on a server") };
    assert_eq!(url.expose(), "postgres://etl:abc%40canary@db/ledger");
    write("default.yaml", "ledger: {postgres: \"postgres://etl:canary@db/ledger\"}\n");
    write("alone.yaml", "ledger: {postgres: \"\"}\n");
    assert!(matches!(read("empty").unwrap().ledger, Ledger::Postgres { .. }));
    assert!(matches!(read("alone").unwrap().ledger, Ledger::File));
    let typo = read("prd").unwrap_err().to_string();
    assert!(typo.contains("there is no environment `prd`") && typo.contains("did you mean `prod`?"), "{typo}");
    let nowhere = settings(None, Some("prod"), &environment()).unwrap_err().to_string();
    assert!(nowhere.contains("there is no environment `prod`"), "{nowhere}");
}

#[test]
fn shared_connections_want_their_secrets_only_when_named() {
    let folder = folder("shared");
    fs::create_dir(folder.join("config")).unwrap();
    let shared = "connections:\n  drop: {type: files, url: data/shared}\n  crm: {type: postgres, url: \"${env:CRM_URL}\"}\n";
    fs::write(folder.join("config/default.yaml"), shared).unwrap();
    let mine = |text: &str| pipeline(&folder, text);
    assert!(settings(Some(&folder.join("config")), None, &environment()).is_ok());
    let sound = "version: 1\nname: shop\nextract:\n  sales: {from: drop, path: orders.csv}\npublish: {to: out}\n";
    let (pipeline, _) = mine(sound).unwrap();
    assert_eq!(pipeline.connections.keys().collect::<Vec<_>>(), ["drop"]);
    let (own, _) = mine(&format!("{sound}connections: {{drop: {{type: files, url: data/own}}}}\n")).unwrap();
    assert!(matches!(&own.connections["drop"], Connection::Files { url } if url == "data/own"));
    let named = mine(&sound.replace("from: drop, path: orders.csv", "from: crm, table: orders")).unwrap_err();
    assert_eq!(named.0.len(), 1, "{named}");
    assert!(
        named.0[0].message.contains("CRM_URL") && named.0[0].file.ends_with("default.yaml") && named.0[0].line == 3,
        "{named}"
    );
}

#[test]
fn wrong_settings_do_not_make_connections_unknown() {
    let folder = folder("wrong_settings");
    fs::create_dir(folder.join("config")).unwrap();
    fs::write(folder.join("config/default.yaml"), "engine: {memory: lots, thread: 2}\n").unwrap();
    let problems =
        pipeline(&folder, &shop("", "from: elsewhere, path: orders.csv", "").replace("connections:\n", "")).unwrap_err();
    assert!(problems.0.iter().all(|p| p.file.ends_with("default.yaml")), "{problems}");
}

#[test]
fn a_missing_file_names_those_that_are_there() {
    let folder = folder("missing");
    fs::write(folder.join("superstore.yaml"), "").unwrap();
    let problems = load(&folder.join("superstor.yaml"), None, None, &environment()).unwrap_err();
    let expected = format!(
        "error: there is no such file\n  --> {0}/superstor.yaml\n  = help: did you mean `{0}/superstore.yaml`?\n\n1 problem in the configuration; nothing was run\n",
        folder.display()
    );
    assert_eq!(problems.to_string(), expected);
    let problems = load(Path::new("no/such/folder/x.yaml"), None, None, &environment()).unwrap_err();
    assert!(problems.to_string().contains("relative to the working directory"), "{problems}");
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let folder = folder("large");
    fs::write(folder.join("large.yaml"), "#".repeat((1 << 20) + 1)).unwrap();
    let problems = load(&folder.join("large.yaml"), None, None, &environment()).unwrap_err();
    assert!(problems.to_string().contains("larger than 1024 KiB"), "{problems}");
}

#[test]
fn problems_serialise_without_their_lines() {
    let problems = pipeline(&folder("json"), &shop(DROP, "from: drp, path: orders.csv", "")).unwrap_err();
    let json = serde_json::to_value(&problems).unwrap();
    assert_eq!(json[0]["line"], 6);
    assert_eq!(json[0]["message"], "there is no connection `drp`");
    assert_eq!(json[0]["help"], "did you mean `drop`?");
    let keys: Vec<&str> = json[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["file", "line", "column", "message", "help"]);
}

/// The reference in config/default.yaml states the defaults, and only what there is.
#[test]
fn the_reference_states_the_defaults() {
    const SHOP: &str = "version: 1\nname: shop\nconnections: {drop: {type: files, url: drop}}\n\
        extract: {sales: {from: drop, path: sales.csv, columns: {order_id: a, product_id: b, ordered_at: c, quantity: d, net_amount: e}}}\n\
        publish: {to: out}\n";
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let text = fs::read_to_string(root.join("config/default.yaml")).unwrap();
    let (_, block) = text.split_once("# transform:\n").unwrap();
    let options: String = block.lines().flat_map(|line| [line.strip_prefix("# ").unwrap(), "\n"]).collect();
    let folder = folder("reference");
    let read = |name: &str, text: &str| {
        let file = folder.join(name);
        fs::write(&file, text).unwrap();
        let pipeline = load(&file, None, None, &environment()).unwrap().0;
        (pipeline.transform, pipeline.retries, pipeline.hold, pipeline.pii, pipeline.guards, pipeline.checks.len())
    };
    let (plain, written) = (read("plain.yaml", SHOP), read("written.yaml", &format!("{SHOP}transform:\n{options}")));
    assert_eq!(format!("{plain:?}"), format!("{written:?}"));
    let (_, block) = text.split_once("# publish:\n").unwrap();
    let (block, _) = block.split_once("\n\n").unwrap();
    let published = |name: &str, options: &str| {
        let file = folder.join(name);
        fs::write(&file, SHOP.replace("publish: {to: out}\n", &format!("publish:\n{options}"))).unwrap();
        let publish = load(&file, None, None, &environment()).unwrap().0.publish;
        format!("{publish:?}")
    };
    let written: String = block.lines().flat_map(|line| [line.strip_prefix("# ").unwrap(), "\n"]).collect();
    assert_eq!(published("whole.yaml", &written), published("place.yaml", "  to: s3://lake/shop\n"));
    let (_, block) = text.split_once("# schedule:").unwrap();
    let (block, _) = block.split_once("\n\n").unwrap();
    let schedule: String = block.lines().skip(1).flat_map(|line| [line.strip_prefix("# ").unwrap(), "\n"]).collect();
    let scheduled = |name: &str, text: &str| {
        let file = folder.join(name);
        fs::write(&file, format!("{SHOP}schedule:\n{text}")).unwrap();
        load(&file, None, None, &environment()).unwrap().0.schedule.unwrap()
    };
    assert_eq!(scheduled("all.yaml", &schedule), scheduled("times.yaml", "  cron: \"0 6 * * MON\"\n"));
    for name in ["scoring", "comeback_gap", "campaign", "tickets_90d", "monthly_discount", "max_itemsets", "skip"] {
        assert!(options.contains(&format!("{name}:")), "{name}");
    }
}
