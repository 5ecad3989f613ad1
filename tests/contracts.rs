//! Contracts on sources: what changed since the last published run is told, set aside, or ends the run with exit code 4, and
//! then readers see what they saw before.

use crate::damaged::FEW_MARTS;
use crate::sources::{book, run};
use crate::support::{Ran, Workspace, contents, read};

/// A pipeline of sales that builds little beside them.
fn pipeline(connection: &str, source: &str) -> String {
    crate::sources::pipeline(connection, source) + FEW_MARTS
}

const HEADER: &str = "order_id,ordered_at,customer_id,product_id,quantity,unit_price,note\n";
const LINES: &str = "A1,2024-01-02,C1,P1,1,1.00,a\nA2,2024-01-03,C2,P1,1,2.00,b\nA3,2024-01-04,C1,P2,2,2,c\n";
/// Mapped, so that `note` is a column that nothing reads.
const COLUMNS: &str = "columns: {order_id: order_id, ordered_at: ordered_at, customer_id: customer_id, product_id: product_id, \
                       quantity: quantity, unit_price: unit_price}";

struct Shop {
    workspace: Workspace,
    yaml: String,
}

impl Shop {
    /// A shop whose good file is published.
    fn published(keys: &str) -> Self {
        let source = format!("path: orders.csv\n    {COLUMNS}\n    rejects: {{warn: 0%, fail: 60%}}\n{keys}");
        let shop = Self { workspace: Workspace::new(), yaml: pipeline("{type: files, url: data}", &source) };
        shop.run(HEADER, LINES).ok();
        shop
    }

    fn run(&self, header: &str, lines: &str) -> Ran {
        self.workspace.write("data/orders.csv", header.to_owned() + lines);
        run(&self.workspace, &self.yaml)
    }

    /// The run on this file ends with 4 and these words, and changes nothing that readers see.
    fn breaks(&self, header: &str, lines: &str, words: &[&str]) {
        let before = contents(&self.workspace.path("out"));
        let ran = self.run(header, lines);
        assert_eq!(ran.code, 4, "{}\n{}", ran.stdout, ran.stderr);
        for word in words {
            assert!(ran.stderr.contains(word), "`{word}` is not in:\n{}", ran.stderr);
        }
        assert!(before == contents(&self.workspace.path("out")), "readers see something else");
        let runs = self.workspace.run(&["--output", "json", "runs", "list"]).ok().json();
        assert!(runs.to_string().contains("source_failed"), "{runs}");
        // What broke the contract is no measure for the next run.
        self.run(HEADER, LINES).ok();
    }
}

fn told(ran: &Ran, words: &[&str]) {
    for word in words {
        assert!(ran.stdout.contains(word), "`{word}` is not in:\n{}", ran.stdout);
    }
}

#[test]
fn columns_that_come_and_go_are_told_once() {
    let shop = Shop::published("");
    let wider = HEADER.replace("note", "note,till");
    let lines = LINES.replace(",a\n", ",a,1\n").replace(",b\n", ",b,2\n").replace(",c\n", ",c,3\n");
    let ran = shop.run(&wider, &lines).ok();
    told(&ran, &["new_column on sales.till", "column `till` is new since the last published run"]);
    let again = shop.run(&wider, &lines).ok();
    assert!(!again.stdout.contains("new_column"), "{}", again.stdout);
    // The tables of the two runs are the same: what came before a run is no part of what it publishes.
    told(&again, &["Already published, byte for byte"]);
    let narrower =
        shop.run(&HEADER.replace(",note", ""), &LINES.replace(",a\n", "\n").replace(",b\n", "\n").replace(",c\n", "\n"));
    told(&narrower.ok(), &["lost_column on sales.note", "which nothing read, is gone", "lost_column on sales.till"]);
}

#[test]
fn columns_that_are_frozen_end_the_run() {
    let shop = Shop::published("    contract: {columns: freeze}\n");
    let lines = LINES.replace(",a\n", ",a,1\n").replace(",b\n", ",b,2\n").replace(",c\n", ",c,3\n");
    let words = ["is not what it was in the last published run", "- column `till` is new", "contract: {columns: evolve}"];
    shop.breaks(&HEADER.replace("note", "note,till"), &lines, &words);
}

#[test]
fn a_column_that_was_read_and_is_renamed_ends_the_run() {
    let shop = Shop::published("");
    let words = ["extract.sales", "column `quantity` is gone; is it `quantty` now?", "its columns are: order_id"];
    shop.breaks(&HEADER.replace("quantity", "quantty"), LINES, &words);
    // Without a mapping a column that is gone would be NULL without a word.
    let workspace = Workspace::new();
    let yaml = pipeline("{type: files, url: data}", "path: orders.csv\n");
    workspace.write("data/orders.csv", HEADER.to_owned() + LINES);
    run(&workspace, &yaml).ok();
    workspace.write("data/orders.csv", HEADER.replace("customer_id", "client") + LINES);
    let ran = run(&workspace, &yaml);
    assert_eq!(ran.code, 4, "{}\n{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("column `customer_id`, which was read, is gone"), "{}", ran.stderr);
    // A source that is described anew begins anew.
    let anew = yaml
        .replace("path: orders.csv\n", &format!("path: orders.csv\n    {}\n", COLUMNS.replace("customer_id: customer_id, ", "")));
    run(&workspace, &anew).ok();
}

#[test]
fn values_of_another_kind_are_told_with_their_place_and_key() {
    let shop = Shop::published("");
    let ran = shop.run(HEADER, &LINES.replace("P1,1,2.00", "P1,1.5,2.00")).ok();
    let words = "column `quantity` held whole numbers and now `1.5` in record 2 of data/orders.csv (order_id A2)";
    told(&ran, &["changed_type on sales.quantity", words]);
    // It has widened: the same again is nothing new, and neither is the narrower one.
    for lines in [LINES.replace("P1,1,2.00", "P1,2.5,2.00"), LINES.to_owned()] {
        let ran = shop.run(HEADER, &lines).ok();
        assert!(!ran.stdout.contains("changed_type"), "{}", ran.stdout);
    }
}

#[test]
fn kinds_that_are_frozen_end_the_run() {
    let shop = Shop::published("    contract: {types: freeze}\n");
    let told = ["column `quantity` held whole numbers and now `1.5` in record 2", "(order_id A2)", "contract: {types: evolve}"];
    shop.breaks(HEADER, &LINES.replace("P1,1,2.00", "P1,1.5,2.00"), &told);
    // Frozen, a value counts that is set aside anyway.
    shop.breaks(HEADER, &LINES.replace("P1,1,2.00", "P1,two,2.00"), &["now `two` in record 2"]);
}

#[test]
fn kinds_in_quarantine_set_their_records_aside() {
    let shop = Shop::published("    contract: {types: quarantine}\n");
    for _ in 0..2 {
        shop.run(HEADER, &LINES.replace("P1,1,2.00", "P1,1.5,2.00")).ok();
        assert_eq!(shop.workspace.table("out", "fact_sales").column("order_id"), ["A1", "A3"]);
    }
    let rejects =
        contents(&shop.workspace.path("state")).into_keys().filter(|name| name.ends_with("rejects/sales.parquet")).max();
    let rejects = read(&shop.workspace.path("state").join(rejects.unwrap()));
    assert_eq!(rejects.column("column"), ["quantity"]);
    assert_eq!(rejects.column("raw_value"), ["1.5"]);
    assert!(rejects.column("reason")[0].contains("not one of the whole numbers"), "{:?}", rejects.rows);
}

#[test]
fn columns_in_quarantine_set_aside_the_records_that_have_them() {
    let workspace = Workspace::new();
    let object = |id: u32, more: &str| {
        format!(
            "{{\"order_id\": \"A{id}\", \"ordered_at\": \"2024-01-02\", \"product_id\": \"P1\", \"quantity\": 1, \"unit_price\": {id}{more}}}\n"
        )
    };
    let source = "path: orders.ndjson\n    rejects: {warn: 0%, fail: 60%}\n    contract: {columns: quarantine}\n";
    let yaml = pipeline("{type: files, url: data}", source);
    workspace.write("data/orders.ndjson", object(1, "") + &object(2, ""));
    run(&workspace, &yaml).ok();
    for _ in 0..2 {
        workspace.write("data/orders.ndjson", object(1, "") + &object(2, ", \"currency\": \"USD\"") + &object(4, ""));
        let ran = run(&workspace, &yaml).ok();
        told(&ran, &["new_column on sales.currency"]);
        assert_eq!(workspace.table("out", "fact_sales").sum("net_amount"), 50_000);
    }
}

#[test]
fn what_nobody_may_see_is_not_told() {
    let workspace = Workspace::new();
    workspace.write("data/orders.csv", HEADER.to_owned() + LINES);
    let customers = "\n  customers:\n    from: shop\n    path: customers.csv\n    contract: {types: freeze}\n";
    let yaml = pipeline("{type: files, url: data}", &format!("path: orders.csv\n    {COLUMNS}{customers}"));
    workspace.write("data/customers.csv", "customer_id,customer_name\nC1,1\nC2,2\n");
    run(&workspace, &yaml).ok();
    workspace.write("data/customers.csv", "customer_id,customer_name\nC1,1\nC2,Ada Lovelace\n");
    let ran = run(&workspace, &yaml);
    assert_eq!(ran.code, 4, "{}\n{}", ran.stdout, ran.stderr);
    assert!(
        ran.stderr.contains("column `customer_name` held whole numbers and now a value that is masked in record 2"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("(customer_id C2)") && !ran.stderr.contains("Lovelace"), "{}", ran.stderr);
}

#[test]
fn a_key_that_nobody_may_see_is_not_told_either() {
    let users = ("users", "user_principal_name,region\nada@example.com,1\nbob@example.com,2\n", "bob@");
    let customers = ("customers", "customer_id,city\nC1,1\nC2,2\n", "C2");
    // The regions that users may see are those of sales.
    let columns = COLUMNS.replace("unit_price}", "unit_price, region: note}");
    let lines = LINES.replace(",a\n", ",1\n").replace(",b\n", ",2\n");
    for ((entity, file, hidden), pii) in [(users, ""), (customers, "pii: [customer_id]\n")] {
        let workspace = Workspace::new();
        workspace.write("data/orders.csv", HEADER.to_owned() + &lines);
        let source = format!("\n  {entity}:\n    from: shop\n    path: {entity}.csv\n    contract: {{types: freeze}}\n");
        let yaml = pipeline("{type: files, url: data}", &format!("path: orders.csv\n    {columns}{source}")) + pii;
        workspace.write(&format!("data/{entity}.csv"), file);
        run(&workspace, &yaml).ok();
        workspace.write(&format!("data/{entity}.csv"), file.replace(",2\n", ",North\n"));
        let ran = run(&workspace, &yaml);
        assert_eq!(ran.code, 4, "{}\n{}", ran.stdout, ran.stderr);
        let words = format!("and now `North` in record 2 of data/{entity}.csv");
        assert!(ran.stderr.contains(&words) && !ran.stderr.contains(hidden), "{}", ran.stderr);
    }
}

#[test]
fn a_source_that_gives_nothing_any_more_ends_the_run() {
    let shop = Shop::published("");
    shop.breaks(HEADER, "", &["it gave 3 records then and none now", "contract: {stale: warn}"]);
    let broken = LINES.replace("2024-01-0", "0");
    shop.breaks(HEADER, &broken, &["no sales line was accepted: 3 read", "3 were read then", "is not a date and time"]);
}

/// A second run of the same day has no earlier snapshot that drift or guards could compare it with.
#[test]
fn a_source_that_lost_most_of_its_records_ends_the_run() {
    let lines = |orders: std::ops::Range<u32>| -> String {
        orders.map(|n| format!("B{n},2024-01-0{},C{},P1,1,2.50,x\n", 1 + n % 4, n % 7)).collect()
    };
    let shop = Shop::published("");
    shop.run(HEADER, &lines(0..60)).ok();
    let before = contents(&shop.workspace.path("out"));
    let ran = shop.run(HEADER, &lines(31..60));
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    for words in ["it gave 60 records then and 29 now, less than half", "contract: {stale: warn}"] {
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
    assert!(before == contents(&shop.workspace.path("out")), "readers see something else");
    shop.run(HEADER, &lines(29..60)).ok();
    let shop = Shop::published("    contract: {stale: warn}\n");
    shop.run(HEADER, &lines(0..60)).ok();
    told(&shop.run(HEADER, &lines(31..60)).ok(), &["stale_source on sales", "less than half"]);
}

#[test]
fn a_source_that_goes_back_in_time_ends_the_run() {
    let shop = Shop::published("");
    let older = LINES.lines().next().unwrap().to_owned() + "\n";
    let words = ["it went back in time: its newest sale was of 2024-01-04 then and is of 2024-01-02 now"];
    shop.breaks(HEADER, &older, &words);
    // Who asks for an earlier day gets it.
    let yaml = &shop.yaml;
    shop.workspace.write("shop.yaml", yaml);
    shop.workspace.run(&["run", "shop.yaml", "--as-of", "2024-01-03"]).ok();
    let shop = Shop::published("    contract: {stale: warn}\n");
    told(&shop.run(HEADER, &older).ok(), &["stale_source on sales", "went back in time"]);
    assert_eq!(book_rows(&shop.run(HEADER, LINES).ok()), 3);
}

/// What the newest sale was up to an earlier day nobody has kept, so none can be missed on a day when nothing was sold.
#[test]
fn an_earlier_day_without_a_sale_is_not_a_source_gone_back() {
    let shop = Shop::published("");
    let gap = "A1,2024-01-02,C1,P1,1,1.00,a\nA2,2024-01-09,C2,P1,1,2.00,b\n";
    shop.run(HEADER, gap).ok();
    shop.workspace.run(&["run", "shop.yaml", "--as-of", "2024-01-05"]).ok();
}

/// Lines of sales that a run read, as its summary says.
fn book_rows(ran: &Ran) -> u64 {
    let line = ran.stdout.lines().find(|line| line.starts_with("extract  sales")).unwrap();
    line.split_whitespace().nth(2).unwrap().parse().unwrap()
}

#[test]
fn a_run_that_is_taken_up_again_keeps_what_it_saw() {
    let workspace = Workspace::new();
    let yaml = pipeline("{type: files, url: data}", &format!("path: orders.csv\n    {COLUMNS}\n"));
    workspace.write("data/orders.csv", HEADER.to_owned() + LINES);
    let bad = yaml.clone() + "checks: [{row_count: {table: fact_sales, min: 5}}]\n";
    let ran = run(&workspace, &bad);
    assert_eq!(ran.code, 3, "{}\n{}", ran.stdout, ran.stderr);
    workspace.write("shop.yaml", &yaml);
    let id = workspace.run(&["--output", "json", "runs", "list"]).ok().json()[0]["run_id"].as_str().unwrap().to_owned();
    // The sources are gone, and what was staged of them is taken up.
    std::fs::remove_file(workspace.path("data/orders.csv")).unwrap();
    workspace.run(&["retry", &id]).ok();
    assert_eq!(book(&workspace, "extract", "sales")["rows_in"], 3);
    workspace.write("data/orders.csv", HEADER);
    assert_eq!(workspace.run(&["run", "shop.yaml"]).code, 4);
}

#[test]
fn no_message_names_a_person() {
    const SHOP: &str = "
version: 1
name: shop
as_of: 2024-12-31
connections: {drop: {type: files, url: drop}}
extract:
  sales:
    from: drop
    path: lines.csv
    rejects: {warn: 0%, fail: 60%}
    columns: {order_id: id, ordered_at: day, customer_id: who, product_id: what, quantity: '1', unit_price: price,
              email: \"regexp_replace(mail, mail || '(', '')\"}
  customers:
    from: drop
    path: customers.csv
    rejects: {warn: 0%, fail: 60%}
    columns: {customer_id: id, customer_name: name, birth_on: born}
  products: {from: drop, path: products.ndjson, rejects: {warn: 0%, fail: 60%}}
publish: {to: out, report: true}
checks: [{sql: {name: cast, severity: warn, query: SELECT customer_key FROM dim_customer WHERE CAST(customer_name AS INT) = 1}}]
";
    const NAMES: [&str; 3] = ["ada@example.org", "1985-02-30", "Brien"];
    let told = |pii: &str| -> Vec<String> {
        let space = Workspace::new();
        space.write(
            "drop/lines.csv",
            "id,day,who,what,price,mail\nA1,2024-05-01,C2,P1,10,\nA2,2024-05-01,C2,P1,10,ada@example.org\n",
        );
        space.write("drop/customers.csv", "id,name,born\nC1,O'Brien,1985-02-30\nC2,O'Brien,1980-01-01\n");
        space.write("drop/products.ndjson", "{\"product_id\":\"P1\"}\n\"ada@example.org\"\n");
        space.write("shop.yaml", SHOP.to_owned() + FEW_MARTS + pii);
        let ran = space.run(&["run", "shop.yaml", "-vv"]).ok();
        // Each was met, and said.
        for words in ["cannot be computed", "is not a date", "is not a JSON object", "cannot be answered"] {
            assert!(ran.stdout.contains(words), "`{words}` is not in:\n{}", ran.stdout);
        }
        // The tables and the records set aside hold what they are to hold; all else is read by people.
        let kept = |name: &String| name.starts_with("drop/") || name.ends_with(".parquet");
        let files = contents(&space.path("")).into_iter().filter(|(name, _)| !kept(name));
        let texts = files.map(|(_, bytes)| String::from_utf8_lossy(&bytes).into_owned());
        texts.chain([ran.stdout, ran.stderr]).collect()
    };
    for pii in ["", "pii: [city]\n"] {
        for text in told(pii) {
            assert!(NAMES.iter().all(|name| !text.contains(name)), "{pii}: {text}");
        }
    }
    let open = told("pii: []\n").concat();
    assert!(open.contains("ada@example.org") && open.contains("1985-02-30"), "{open}");
}
