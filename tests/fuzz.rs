//! Anything at all instead of a pipeline file, a table or an expression: no panic, no run without end, no memory without end, and
//! a book that balances.
//!
//! What lies in `tests/fuzz/seeds` is near the edges: each of it is tried as it stands, and damaged. A few seconds each in the
//! test command; `FUZZ_CASES=20000` makes minutes of it. What once failed is kept in `tests/fuzz.regressions` and tried first.

mod watch;

use std::fmt;
use std::fs;

use config::Environment;
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, TestRunner};

use crate::support::{Workspace, root};

const HEADER: &str = "order_id,ordered_at,product_id,quantity,unit_price,channel\n";

fn wanted(cases: u32) -> u32 {
    std::env::var("FUZZ_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(cases)
}

/// Tries a property on so many cases, or on as many as `FUZZ_CASES` says.
pub fn fuzz<S: Strategy>(cases: u32, strategy: S, property: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let persistence = FileFailurePersistence::Direct(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fuzz.regressions"));
    let config = Config { cases: wanted(cases), failure_persistence: Some(Box::new(persistence)), ..Config::default() };
    if let Err(failed) = TestRunner::new(config).run(&strategy, property) {
        panic!("{failed}");
    }
}

/// The same in a process of its own, which may neither hang in a case nor hold more memory than it should. These values are tried
/// before all others. `name` is that of the test, as the test command knows it.
fn watched<S: Strategy>(
    name: &str,
    cases: u32,
    first: Vec<S::Value>,
    strategy: S,
    property: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    let Some(told) = watch::Told::here() else {
        watch::over(name, u64::from(wanted(cases)) + first.len() as u64);
        return;
    };
    let property = |value: S::Value| {
        told.begins(&value);
        property(value)?;
        watch::Told::ended().map_err(TestCaseError::fail)
    };
    for value in first {
        let shown = format!("{value:?}");
        if let Err(failed) = property(value) {
            panic!("{failed}\n{shown}");
        }
    }
    fuzz(cases, strategy, property);
}

/// Bytes of a file, shown so that they can be read and made a seed of.
#[derive(Clone)]
struct Input(Vec<u8>);

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

/// Names and contents of the seeds of a kind, in order.
fn seeds(kind: &str) -> Vec<(String, Vec<u8>)> {
    let files = crate::support::contents(&root().join("tests/fuzz/seeds").join(kind));
    assert!(files.len() > 5, "{} seeds of {kind}", files.len());
    files.into_iter().collect()
}

/// The lines of a file of seeds.
fn lines(name: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join("tests/fuzz/seeds").join(name)).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// One of the seeds with pieces of it repeated, left out and replaced.
fn damaged(seeds: Vec<Vec<u8>>, pieces: &'static [&'static str]) -> impl Strategy<Value = Input> {
    let edit = (any::<prop::sample::Index>(), 0_usize..12, prop::sample::select(pieces), any::<bool>());
    (prop::sample::select(seeds), prop::collection::vec(edit, 0..6)).prop_map(|(mut bytes, edits)| {
        for (at, less, piece, repeat) in edits {
            let at = at.index(bytes.len() + 1);
            let end = (at + less).min(bytes.len());
            let kept = if repeat { bytes[at..end].repeat(3) } else { Vec::new() };
            bytes.splice(at..end, kept.into_iter().chain(piece.bytes()));
        }
        Input(bytes)
    })
}

/// No seed at all.
fn noise() -> impl Strategy<Value = Input> {
    prop::collection::vec(any::<u8>(), 0..400).prop_map(Input)
}

const PIPELINE: &str = include_str!("../pipelines/superstore.yaml");
const YAML: &[&str] = &[
    "",
    " ",
    "\n",
    "\t",
    ":",
    ": ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "&a ",
    "*a",
    "<<: *a",
    "!!binary ",
    "|",
    ">",
    "'",
    "\"",
    "#",
    "---\n",
    "...\n",
    "\u{FEFF}",
    "\0",
    "\u{85}",
    "\r",
    "\u{1F600}",
    "?",
    "%YAML 1.2\n",
    "${env:HOME}",
    "${file:/etc/passwd}",
    "null",
    "~",
    "1e999",
    "-.inf",
    "0x7fffffffffffffffff",
    "true",
    "sales",
    "extract:",
    "columns: {}",
    "\\x00",
    "9999999999999999999999",
];

#[test]
fn any_pipeline_file_is_read_or_refused() {
    let workspace = Workspace::new();
    let environment = Environment { variable: &|_| Some("value".to_owned()), cores: 2 };
    let seeds: Vec<Vec<u8>> = seeds("pipelines").into_iter().map(|(_, bytes)| bytes).chain([PIPELINE.into()]).collect();
    let first: Vec<Input> = seeds.iter().cloned().map(Input).collect();
    let bytes = prop_oneof![4 => damaged(seeds, YAML), 1 => noise()];
    watched("fuzz::any_pipeline_file_is_read_or_refused", 290, first, bytes, |Input(bytes)| {
        let file = workspace.write("shop.yaml", &bytes);
        if let Err(problems) = config::load(&file, None, None, &environment) {
            prop_assert!(!problems.to_string().is_empty());
        }
        Ok(())
    });
}

/// What a source of each kind of file says of itself, by the ending of a seed.
const KINDS: [(&str, &str); 9] = [
    ("csv", ""),
    ("utf-16", "    csv: {encoding: utf-16}\n"),
    ("cp1252", "    csv: {encoding: cp1252, null_values: [P1]}\n"),
    ("tsv", "    csv: {delimiter: tab, quote: \"'\"}\n"),
    ("gz", "    compression: gzip\n"),
    ("zst", "    compression: zstd\n"),
    ("ndjson", "    format: ndjson\n"),
    ("parquet", "    format: parquet\n"),
    ("xlsx", "    format: xlsx\n"),
];

const TABLE: &str = "order_id,ordered_at,product_id,quantity,unit_price,channel\n\
    A1,2024-01-02,P1,1,1.00,web\nA2,2024-01-03,P1,1,2.00,\"web, \"\"shop\"\"\"\nA3,2024-01-04,P2,2,2.00,shop\nA4,2024-01-05,P2,4,2.00,\n";
const CSV: &[&str] = &[
    "",
    ",",
    "\n",
    "\r",
    "\r\n",
    "\"",
    "\"\"",
    "\0",
    "\u{FEFF}",
    "\u{FFFD}",
    " ",
    "\t",
    ";",
    "-",
    "e",
    "1e9",
    "NaN",
    ".",
    "99999999999999",
    "P2",
    "2024-02-30",
    "\n\0\n",
    "\u{85}",
    "\u{2028}",
];

/// The sales that the library stages of these bytes: rows read, loaded and set aside, with the sums of its book and of its file.
fn staged(workspace: &Workspace, keys: &str, bytes: &[u8]) -> Result<(extract::Book, i128), extract::Error> {
    workspace.write("data/orders.csv", bytes);
    let url = workspace.path("data").display().to_string();
    let yaml = crate::sources::pipeline(&format!("{{type: files, url: {url}}}"), &format!("path: orders.csv\n{keys}"));
    workspace.write("shop.yaml", yaml);
    crate::damaged::staged(workspace)
}

fn assert_balanced(result: Result<(extract::Book, i128), extract::Error>) -> Result<(), TestCaseError> {
    match result {
        Ok((book, sum)) => {
            prop_assert_eq!(book.rows_in, book.rows_loaded + book.rows_rejected + book.rows_filtered, "{:?}", book);
            prop_assert_eq!(book.amount_loaded, Some(sum), "{:?}", book);
        }
        Err(error) => {
            let words = error.to_string();
            prop_assert!(!words.is_empty() && !words.contains("broke off") && !words.contains("panicked"), "{}", words);
        }
    }
    Ok(())
}

#[test]
fn any_table_is_staged_or_refused() {
    let workspace = Workspace::new();
    let seeds = seeds("tables");
    let keys = |name: &str| {
        let kind = KINDS.iter().find(|(ending, _)| name.ends_with(&format!(".{ending}")));
        kind.unwrap_or_else(|| panic!("{name} is of no kind")).1
    };
    let first: Vec<(&str, Input)> = seeds.iter().map(|(name, bytes)| (keys(name), Input(bytes.clone()))).collect();
    let whole: Vec<Vec<u8>> = seeds.into_iter().map(|(_, bytes)| bytes).chain([TABLE.into()]).collect();
    let bytes = prop_oneof![6 => damaged(whole, CSV), 1 => noise()];
    let keys = prop::sample::select(KINDS.map(|(_, keys)| keys).to_vec());
    watched("fuzz::any_table_is_staged_or_refused", 45, first, (keys, bytes), |(keys, Input(bytes))| {
        assert_balanced(staged(&workspace, keys, &bytes))
    });
}

#[test]
fn any_values_come_out_as_they_went_in() {
    let workspace = Workspace::new();
    // Amounts in cents and texts that want quotes; what is written well must be read in full.
    let texts = lines("texts.txt");
    let first: Vec<Vec<(u32, String)>> = vec![texts.iter().cloned().zip(1..).map(|(text, cents)| (cents, text)).collect()];
    let line = (1_u32..1_000_000, prop_oneof![3 => "[ -~\n\u{E4}\u{20AC}]{0,12}", 1 => prop::sample::select(texts)]);
    watched("fuzz::any_values_come_out_as_they_went_in", 29, first, prop::collection::vec(line, 1..40), |lines| {
        let mut text = HEADER.to_owned();
        for (place, (cents, channel)) in lines.iter().enumerate() {
            let channel = channel.replace('"', "\"\"");
            text += &format!("A{place},2024-01-02,P1,1,{}.{:02},\"{channel}\"\n", cents / 100, cents % 100);
        }
        let (book, sum) = staged(&workspace, "", text.as_bytes()).map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert_eq!(book.rows_loaded, lines.len() as u64, "{:?}\n{}", book, text);
        prop_assert_eq!(sum, lines.iter().map(|(cents, _)| i128::from(*cents) * 100).sum::<i128>());
        Ok(())
    });
}

const EXPRESSION: &str =
    "CASE WHEN quantity > 0 THEN CAST(quantity AS INT) * coalesce(unit_price, '0') ELSE nullif(trim(channel), '') END";
const SQL: &[&str] = &[
    "",
    " ",
    "(",
    ")",
    "'",
    "\"",
    "--",
    "/*",
    ";",
    ",",
    "||",
    " / 0",
    " % 0",
    "::BIGINT",
    "::DATE",
    "CAST(",
    " AS INTERVAL)",
    "NULL",
    "-",
    "9e99",
    "99999999999999999999",
    "to_timestamp(",
    "repeat(channel, 9)",
    "(SELECT 1)",
    "EXISTS (SELECT 1)",
    "$1",
    "@x",
    "channel[1]",
    "{a: 1}",
    " OVER ()",
    "sum(quantity)",
    "quantity",
    "unit_price",
    " IS NOT DISTINCT FROM ",
    " LIKE '%'",
    "\u{1F600}",
    "\0",
];

#[test]
fn any_expression_is_answered_or_refused() {
    let workspace = Workspace::new();
    let seeds: Vec<Vec<u8>> = lines("expressions.txt").into_iter().map(String::into_bytes).chain([EXPRESSION.into()]).collect();
    let first: Vec<Input> = seeds.iter().cloned().map(Input).collect();
    watched("fuzz::any_expression_is_answered_or_refused", 35, first, damaged(seeds, SQL), |Input(bytes)| {
        let sql = String::from_utf8_lossy(&bytes).into_owned();
        // What the pipeline file itself may not hold is another test's.
        if sql.trim().is_empty() || sql.contains(['\0', '\u{85}']) || sql.contains("${") {
            return Ok(());
        }
        let sql = serde_json::to_string(&sql).unwrap();
        let columns = format!(
            "    columns: {{order_id: order_id, ordered_at: ordered_at, product_id: product_id, quantity: quantity, unit_price: {{sql: {sql}}}}}\n"
        );
        assert_balanced(staged(&workspace, &columns, TABLE.as_bytes()))
    });
}
