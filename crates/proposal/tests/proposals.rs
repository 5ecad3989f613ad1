//! Proposals as a user gets them: for the shipped data word for word, and for files that make it hard.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

use proposal::{Confidence, Proposal, Refusal, Source, Wishes, propose, read};
use tempfile::TempDir;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The same source, as it would be seen from the root of the repository.
fn shipped(path: &str) -> Source {
    let full = root().join(path);
    let mut source = if full.is_dir() { read::csv(&full) } else { read::sqlite(&full) }.unwrap();
    source.connection = match source.connection {
        proposal::Connection::Folder(_) => proposal::Connection::Folder(path.to_owned()),
        _ => proposal::Connection::Sqlite(path.to_owned()),
    };
    source
}

/// What the pipeline reader says of a proposal, which is nothing if it loads.
fn assert_loads(proposal: &Proposal) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("proposed.yaml");
    proposal.write_new(&file).unwrap();
    // The url has to fit the type that the file gives its connection.
    let scheme = if proposal.yaml.contains("type: mysql") { "mysql" } else { "postgres" };
    let variable = |_: &str| Some(format!("{scheme}://reader@localhost/shop"));
    let environment = config::Environment { variable: &variable, cores: 1 };
    if let Err(problems) = config::load(&file, None, None, &environment) {
        let all: Vec<String> = problems.0.iter().map(|p| format!("{p:?}")).collect();
        panic!("{}\n{}", all.join("\n"), proposal.yaml);
    }
    for note in &proposal.notes {
        assert!(note.line >= 1 && note.line <= proposal.yaml.lines().count(), "{note:?}");
    }
}

/// With `UPDATE_GOLDEN=1` the file is written anew: read the diff.
fn assert_golden(name: &str, proposal: &Proposal) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&file, &proposal.yaml).unwrap();
    }
    assert_eq!(proposal.yaml, fs::read_to_string(&file).unwrap(), "{name}: UPDATE_GOLDEN=1 rewrites it");
    assert_loads(proposal);
}

/// The proposal for a folder of these files.
fn of(files: &[(&str, &[u8])]) -> Result<Proposal, Box<Refusal>> {
    let folder = TempDir::new().unwrap();
    for (name, bytes) in files {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }
    let source = read::csv(folder.path()).unwrap();
    let proposal = propose(&source, &Wishes { name: Some("shop".to_owned()), ..Wishes::default() });
    if let Ok(proposal) = &proposal {
        assert_loads(proposal);
    }
    proposal
}

/// One line of text a number.
fn rows(numbers: std::ops::Range<usize>, row: impl Fn(usize) -> String) -> String {
    numbers.map(row).collect::<Vec<_>>().concat()
}

fn has(proposal: &Proposal, line: &str) {
    let found = proposal.yaml.lines().any(|l| l.split(" # ").next().unwrap().trim() == line);
    assert!(found, "no line `{line}` in\n{}", proposal.yaml);
}

/// Whether something that is said to be a guess has these words.
fn doubts(proposal: &Proposal, words: &str) -> bool {
    proposal.notes.iter().any(|note| note.confidence == Confidence::Guess && note.why.contains(words))
}

/// The line that reads amounts like `1.234,50`; `sql` as it stands within quotes of YAML.
fn commas(ours: &str, sql: &str) -> String {
    format!(r"{ours}: 'replace(regexp_replace({sql}, ''\.(\d{{3}})\b'', ''\1'', ''g''), '','', ''.'')'")
}

const SALES: &str = "order_id,order_date,customer_id,sku,qty,price\n";

/// Lines of sales as `SALES` names them, each with something behind it.
fn sales(numbers: std::ops::Range<usize>, more: impl Fn(usize) -> String) -> String {
    rows(numbers, |n| format!("{n},2024-01-{:02},{},P{},1,5.50{}\n", 1 + n % 28, n % 9, n % 7, more(n)))
}

#[test]
fn superstore() {
    let wishes = Wishes { timezone: Some("America/New_York".to_owned()), ..Wishes::default() };
    assert_golden("superstore.yaml", &propose(&shipped("data/superstore"), &wishes).unwrap());
}

#[test]
fn chinook() {
    assert_golden("chinook.yaml", &propose(&shipped("data/chinook/chinook.sqlite"), &Wishes::default()).unwrap());
}

#[test]
fn commerce() {
    assert_golden("commerce.yaml", &propose(&shipped("data/commerce/commerce.sqlite"), &Wishes::default()).unwrap());
}

#[test]
fn equal_samples_give_equal_text() {
    let source = shipped("data/chinook/chinook.sqlite");
    let wishes = Wishes::default();
    assert_eq!(propose(&source, &wishes).unwrap().yaml, propose(&source, &wishes).unwrap().yaml);
}

#[test]
fn a_file_that_is_there_stays() {
    let proposal = propose(&shipped("data/superstore"), &Wishes::default()).unwrap();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("mine.yaml");
    fs::write(&file, "mine").unwrap();
    assert_eq!(proposal.write_new(&file).unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn german_headers_semicolons_decimal_commas_and_latin_1() {
    let header = "Bestellnummer;Bestelldatum;Kundennummer;Artikelnummer;Größe;Menge;Einzelpreis;Rabatt %;Gesamtpreis;Filiale\n";
    let lines = rows(0..90, |n| {
        let (pieces, percent) = (1 + n % 3, if n % 3 == 2 { 10 } else { 0 });
        let cents = pieces * 1_250 * (100 - percent) / 100;
        let (day, euros, rest) = (1 + n % 28, cents / 100, cents % 100);
        let (order, customer, product) = (n / 2, n % 9, n % 7);
        format!("B{order};{day:02}.03.2024;K{customer};A{product};groß;{pieces};12,50;{percent};{euros},{rest:02};Graz\n")
    });
    let text = format!("{header}{lines}B99;01.04.2024;K1;A1;groß;1;1.012,50;0;1.012,50;Wien\n");
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let proposal = of(&[("verkauf.csv", &latin)]).unwrap();
    has(&proposal, "csv: {delimiter: \";\", encoding: cp1252}");
    assert!(doubts(&proposal, "is not UTF-8 and taken as Windows-1252"), "{}", proposal.yaml);
    has(&proposal, "ordered_at: {column: Bestelldatum, format: \"%d.%m.%Y\"}");
    has(&proposal, &commas("unit_price", r#""Einzelpreis""#));
    has(&proposal, "discount_rate: '\"Rabatt %\" / 100'");
    has(&proposal, "region: Filiale");
}

#[test]
fn one_bad_byte_does_not_spoil_the_names_of_all_others() {
    let header = SALES.replace('\n', ",customer_name\n");
    let text = format!("{header}{}", sales(0..90, |n| format!(",Zoë Müller {}", n % 9)));
    let mut bytes = text.clone().into_bytes();
    bytes.extend(b"90,2024-01-01,9,P1,1,5.50,J\xFCrg\n");
    let proposal = of(&[("orders.csv", &bytes)]).unwrap();
    assert!(!proposal.yaml.contains("cp1252"), "{}", proposal.yaml);
    let said = proposal.notes.iter().find(|note| note.why.starts_with("some of the text is not UTF-8")).unwrap();
    assert_eq!(said.confidence, Confidence::Likely);
    let whole = of(&[("orders.csv", text.as_bytes())]).unwrap();
    assert!(!whole.yaml.contains("UTF-8"), "{}", whole.yaml);
}

#[test]
fn one_of_several_columns_of_one_name_is_read_with_a_doubt() {
    let header = SALES.replace('\n', ",customer_id\n");
    let proposal = of(&[("x.csv", format!("{header}{}", sales(0..60, |n| format!(",z{n}"))).as_bytes())]).unwrap();
    has(&proposal, "customer_id: customer_id (1)");
    let words = "`customer_id (1)` is one of several columns that are called `customer_id`";
    assert!(doubts(&proposal, words), "{}", proposal.yaml);
}

#[test]
fn a_name_stays_as_it_was_given_or_the_file_says_so() {
    let source = shipped("data/superstore");
    let named = |name: &str| propose(&source, &Wishes { name: Some(name.to_owned()), ..Wishes::default() }).unwrap();
    let kept = named("my_shop-2");
    has(&kept, "name: my_shop-2");
    assert!(!kept.yaml.contains("small letters"), "{}", kept.yaml);
    let changed = named("_My Shop");
    has(&changed, "name: my-shop");
    assert!(changed.notes.iter().any(|note| note.why.starts_with("for `_My Shop`: ")), "{}", changed.yaml);
    assert_loads(&changed);
}

#[test]
fn amounts_in_several_currencies_are_not_added_up() {
    fn priced(sign: fn(usize) -> &'static str) -> Proposal {
        let lines = sales(0..90, |_| String::new());
        let signed = lines.lines().enumerate().map(|(n, line)| line.replace(",5.50", &format!(",{}5.50\n", sign(n))));
        of(&[("x.csv", format!("{SALES}{}", signed.collect::<String>()).as_bytes())]).unwrap()
    }
    let read = |signs: &str| {
        let bare = format!(r#"regexp_replace("price", ''{signs}|[\s''''’]'', '''', ''g'')"#);
        format!(r"unit_price: 'regexp_replace({bare}, '',(\d{{3}})\b'', ''\1'', ''g'')'")
    };
    let mixed = priced(|n| if n % 3 == 0 { "€" } else { "$" });
    has(&mixed, &read(r"\$|USD"));
    assert!(doubts(&mixed, "`price` holds amounts in $ and in €: those in $ are read"), "{}", mixed.yaml);
    let one = priced(|_| "€");
    has(&one, &read("€|EUR"));
    assert!(!doubts(&one, "holds amounts in"), "{}", one.yaml);
}

#[test]
fn a_mark_of_nothing_may_be_a_word_elsewhere() {
    let header = SALES.replace('\n', ",discount,region,paid\n");
    let discount = |n: usize| if n.is_multiple_of(3) { "NA" } else { "0.10" };
    let lines =
        |regions: [&'static str; 3]| sales(0..90, move |n| format!(",{},{},NA", discount(n), regions.get(n % 3).unwrap()));
    let proposal = of(&[("x.csv", format!("{header}{}", lines(["NA", "EMEA", "APAC"])).as_bytes())]).unwrap();
    has(&proposal, "discount_rate: nullif(\"discount\", 'NA')");
    has(&proposal, "region: region");
    assert!(!proposal.yaml.contains("\n    csv:"), "{}", proposal.yaml);
    let words = "`NA` stands for nothing in `discount`, `paid` and is kept as a word in `region`";
    assert!(doubts(&proposal, words), "{}", proposal.yaml);
    // Where it stands among no words, it is nothing in the whole file.
    let proposal = of(&[("x.csv", format!("{header}{}", lines(["US", "EMEA", "APAC"])).as_bytes())]).unwrap();
    has(&proposal, "csv: {null_values: [\"NA\"]}");
    has(&proposal, "discount_rate: discount");
    // A day with its pattern, an identifier, and a number that has to be cleaned.
    let dates = rows(0..90, |n| match n % 5 {
        0 => format!("{n},NA,7,NA,1,NA,NA\n"),
        _ => format!("{n},{:02}.03.2024,7,P{},1,\"1.234,50\",EMEA\n", 1 + n % 28, n % 7),
    });
    let proposal = of(&[("x.csv", format!("order_id,date,customer_id,sku,qty,price,region\n{dates}").as_bytes())]).unwrap();
    has(&proposal, "ordered_at: {sql: 'nullif(\"date\", ''NA'')', format: \"%d.%m.%Y\"}");
    has(&proposal, "product_id: nullif(\"sku\", 'NA')");
    has(&proposal, &commas("unit_price", r#"nullif("price", ''NA'')"#));
}

#[test]
fn two_ways_of_writing_days_and_files_of_one_kind() {
    let header = "order_id,date,customer,sku,qty,amount\n";
    let old = rows(1..40, |n| format!("{n},2023-05-{:02},7,{},1,4.99\n", 1 + n % 28, n % 5));
    let new = rows(1..40, |n| format!("{},{:02}/06/2024,8,{},2,N/A\n", n + 100, 1 + n % 28, n % 5));
    let (old, new) = (format!("{header}{old}"), format!("{header}{}", new.replacen("N/A", "9.98", 38)));
    let proposal = of(&[("export_2023.csv", old.as_bytes()), ("export_2024.csv", new.as_bytes())]).unwrap();
    has(&proposal, "path: export_*.csv");
    has(&proposal, "ordered_at: to_timestamp(\"date\", '%Y-%m-%d', '%d/%m/%Y')");
    has(&proposal, "csv: {null_values: [\"N/A\"]}");
}

#[test]
fn sales_without_customers_run_and_say_so() {
    let rows = rows(0..60, |n| format!("{},2024-01-{:02},P{},1,5.50\n", n / 2, 1 + n % 28, n % 9));
    let proposal = of(&[("till.csv", format!("Receipt No,Date,Product,Qty,Price\n{rows}").as_bytes())]).unwrap();
    assert!(proposal.notes.iter().any(|n| n.confidence == Confidence::Guess && n.why.starts_with("no column says who bought")));
    assert!(proposal.questions.iter().any(|q| q.text.contains("says who bought")));
}

#[test]
fn nothing_is_proposed_where_a_sale_lacks_what_it_needs() {
    let rows = rows(0..60, |n| format!("2024-01-{:02},P{},1,5.50\n", 1 + n % 28, n % 9));
    let refusal = of(&[("sales.csv", format!("Date,Product,Qty,Price\n{rows}").as_bytes())]).unwrap_err();
    assert!(refusal.to_string().contains("missing  what belongs to one order"), "{refusal}");
    let refusal = of(&[("x.csv", b"order_id,customer_id,sku,qty,amount\n1,2,3,4,5.5\n2,2,3,4,5.5\n")]).unwrap_err();
    assert!(refusal.to_string().contains("missing  the day of the sale"), "{refusal}");
    let refusal = of(&[("x.csv", b"1,2024-01-01,7,3,4.5\n2,2024-01-01,7,3,4.5\n")]).unwrap_err();
    assert!(refusal.help.contains("no line that names its columns"), "{refusal}");
}

#[test]
fn a_total_of_the_order_is_not_taken_for_that_of_its_lines() {
    let header = "order_id,order_date,customer_id,sku,qty";
    let whole = rows(0..90, |n| format!("{},2024-01-{:02},{},{},1,{}.50\n", n / 3, 1 + n / 3 % 28, n / 3 % 9, n % 7, n / 3 + 20));
    let refusal = of(&[("x.csv", format!("{header},order total\n{whole}").as_bytes())]).unwrap_err();
    assert!(refusal.to_string().contains("so it is the order's"), "{refusal}");
    // With a price beside it the lines are worth something of their own.
    let both = whole.lines().map(|line| format!("{line},5.25\n")).collect::<Vec<_>>().concat();
    let proposal = of(&[("x.csv", format!("{header},order total,price\n{both}").as_bytes())]).unwrap();
    has(&proposal, "unit_price: price");
    assert!(!proposal.yaml.contains("net_amount"), "{}", proposal.yaml);
}

#[test]
fn a_table_without_rows_goes_by_its_names() {
    let proposal = of(&[("x.csv", b"order_id,order_date,customer_id,sku,qty,price\n")]).unwrap();
    has(&proposal, "ordered_at: order_date");
    assert!(proposal.yaml.contains("CHECK: the table has no rows yet"), "{}", proposal.yaml);
    let titled = b"Report of May\n\norder_id,order_date,customer_id,sku,qty,price\n1,2024-01-01,2,3,1,2.5\n";
    let refusal = of(&[("x.csv", titled)]).unwrap_err();
    assert!(refusal.help.contains("remove what stands above the names"), "{refusal}");
}

#[test]
fn names_that_yaml_or_sql_would_read_otherwise() {
    let header = "\"Order ID: #\",\"Order, 'Date'\",\"{Customer} \"\"ID\"\"\",- SKU,\"Qty\\\",\"! Price {EUR}\",\"a\nb: c\"\n";
    let lines = rows(0..40, |n| format!("{},{:02}/15/2024,{},{},1,5.50,z\n", n / 2, 1 + n % 12, n % 9, n % 7));
    let proposal = of(&[("sales [1] & co: all.csv", format!("{header}{lines}").as_bytes())]).unwrap();
    has(&proposal, "order_id: \"Order ID: #\"");
    has(&proposal, "ordered_at: {column: \"Order, 'Date'\", format: \"%m/%d/%Y\"}");
    has(&proposal, "customer_id: '{Customer} \"ID\"'");
    has(&proposal, "path: \"sales [[]1] & co: all.csv\"");
}

#[test]
fn files_of_a_folder_are_told_apart() {
    let sales = rows(0..300, |n| format!("{},2024-02-{:02},{},{},1,{}.50\n", n / 2, 1 + n % 28, n % 20, n % 15, n % 13));
    let customers = rows(0..20, |n| format!("{n},Ann {n}x,{},2020-01-0{}\n", if n % 2 == 0 { "CH" } else { "DE" }, 1 + n % 9));
    let articles = rows(0..15, |n| format!("{n},Lamp {n}x,Group {}x,1.5\n", n % 3));
    let proposal = of(&[
        ("sales.csv", format!("invoice,invoice_date,cust_no,article_no,pieces,amount_net\n{sales}").as_bytes()),
        ("customers.csv", format!("cust_no,name,country,since\n{customers}").as_bytes()),
        ("articles.csv", format!("article_no,description,group,purchase_price\n{articles}").as_bytes()),
        ("payments.ods", b"PK"),
    ])
    .unwrap();
    for line in
        ["net_amount: amount_net", "customer_name: name", "signup_on: since", "category: group", "unit_cost: purchase_price"]
    {
        has(&proposal, line);
    }
    assert!(proposal.yaml.contains("payments.ods is a spreadsheet of a kind that is not read"), "{}", proposal.yaml);
}

#[test]
fn parts_of_one_table_are_read_together_or_named() {
    let (first, second) = (sales(0..40, |_| String::new()), sales(40..90, |_| String::new()));
    let (first, second) = (format!("{SALES}{first}"), format!("{SALES}{second}"));
    let together = |[one, other]: [&str; 2]| of(&[(one, first.as_bytes()), (other, second.as_bytes())]).unwrap();
    for (names, path) in [
        (["north.csv", "south.csv"], "path: \"*.csv\""),
        (["2023/orders.csv", "2024/orders.csv"], "path: \"*/orders.csv\""),
        (["in/2023.csv", "in/2024.csv"], "path: in/*.csv"),
    ] {
        let proposal = together(names);
        has(&proposal, path);
        assert!(doubts(&proposal, "files with the same columns, read as one table"), "{}", proposal.yaml);
    }
    // A name that says what it holds may be of something else: what is returned was not sold.
    for (names, read, left) in [
        (["orders.csv", "returns.csv"], "path: orders.csv", "as `orders.csv`, so their rows are in no figure: `returns.csv`"),
        (["2023/north.csv", "2024/south.csv"], "path: \"2023/north.csv\"", "are in no figure: `2024/south.csv`"),
    ] {
        let proposal = together(names);
        has(&proposal, read);
        assert!(doubts(&proposal, left) && doubts(&proposal, "a glob in `path:`"), "{}", proposal.yaml);
    }
}

#[test]
fn customers_of_one_number_are_not_left_out_without_a_word() {
    let orders = format!("{SALES}{}", sales(0..60, |_| String::new()));
    let customers = rows(0..18, |n| format!("{},Ann {n}x,a{n}@example.org,2020-01-0{}\n", n % 9, 1 + n % 9));
    let customers = format!("customer_id,customer_name,email,signup_date\n{customers}");
    let proposal = of(&[("orders.csv", orders.as_bytes()), ("customers.csv", customers.as_bytes())]).unwrap();
    assert!(!proposal.yaml.contains("\n  customers:"), "{}", proposal.yaml);
    let words = "`customers.csv` looks like them and is not read, for it has several rows with the same `customer_id`";
    assert!(doubts(&proposal, words), "{}", proposal.yaml);
}

#[test]
fn lines_apart_from_their_orders_are_told_in_files_and_joined_in_a_database() {
    let orders = rows(0..50, |n| format!("{n},{},2024-02-{:02},10.00\n", n % 9, 1 + n % 28));
    let items = rows(0..150, |n| format!("{},{},2,5.00\n", n / 3, n % 7));
    let (orders, items) =
        (format!("order_id,customer_id,order_date,total\n{orders}"), format!("order_id,product_id,quantity,unit_price\n{items}"));
    let refusal = of(&[("orders.csv", orders.as_bytes()), ("order_items.csv", items.as_bytes())]).unwrap_err();
    assert!(refusal.help.contains("the lines are in order_items.csv, their day and customer in orders.csv"), "{refusal}");

    // The same in a database without a single declared reference.
    let folder = TempDir::new().unwrap();
    for (name, text) in [("orders.csv", &orders), ("order_items.csv", &items)] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let mut source = read::csv(folder.path()).unwrap();
    for table in &mut source.tables {
        table.csv = None;
        table.name = table.name.trim_end_matches(".csv").to_owned();
        if table.name == "orders" {
            table.primary_key = vec!["order_id".to_owned()];
        }
    }
    source.connection = proposal::Connection::Sqlite("shop.db".to_owned());
    let proposal = propose(&source, &Wishes::default()).unwrap();
    assert_loads(&proposal);
    has(&proposal, "LEFT JOIN orders AS o ON oi.order_id = o.order_id");
    has(&proposal, "ordered_at: order_date");
    has(&proposal, "unit_price: unit_price");
}

#[test]
fn postgres_is_quoted_and_keeps_its_address_to_itself() {
    let column = |table: &str, column: &str, data_type: &str| read::CatalogueColumn {
        schema: "sales".to_owned(),
        table: table.to_owned(),
        column: column.to_owned(),
        data_type: data_type.to_owned(),
        rows: 1_000,
    };
    let text = |values: &[&str]| values.iter().map(|v| Some((*v).to_owned())).collect::<Vec<_>>();
    let key = |table: &str, column: &str, references: Option<(&str, &str)>| read::CatalogueKey {
        schema: "sales".to_owned(),
        table: table.to_owned(),
        column: column.to_owned(),
        references: references.map(|(t, c)| ("sales".to_owned(), t.to_owned(), c.to_owned())),
    };
    let sampled = |table: &str, row| read::CatalogueRows { schema: "sales".to_owned(), table: table.to_owned(), rows: vec![row] };
    let catalogue = read::Catalogue {
        dialect: read::Dialect::Postgres,
        columns: vec![
            column("Order", "OrderId", "integer"),
            column("Order", "PlacedAt", "timestamp with time zone"),
            column("Order", "CustomerId", "integer"),
            column("OrderLine", "OrderLineId", "integer"),
            column("OrderLine", "OrderId", "integer"),
            column("OrderLine", "Sku", "text"),
            column("OrderLine", "Quantity", "integer"),
            column("OrderLine", "Price", "numeric"),
        ],
        keys: vec![
            key("Order", "OrderId", None),
            key("OrderLine", "OrderLineId", None),
            key("OrderLine", "OrderId", Some(("Order", "OrderId"))),
        ],
        rows: vec![
            sampled("Order", text(&["1", "2024-05-01 10:00:00+02", "7"])),
            sampled("OrderLine", text(&["1", "1", "A-1", "2", "3.50"])),
        ],
    };
    assert_eq!(
        catalogue.sample_query("sales", "OrderLine"),
        "SELECT \"OrderLineId\"::text, \"OrderId\"::text, \"Sku\"::text, \"Quantity\"::text, \"Price\"::text \
         FROM \"sales\".\"OrderLine\" LIMIT 1000"
    );
    let proposal = propose(&read::database("${env:SHOP_URL}", &catalogue), &Wishes::default()).unwrap();
    assert_loads(&proposal);
    has(&proposal, "shop: {type: postgres, url: \"${env:SHOP_URL}\"}");
    has(&proposal, "LEFT JOIN sales.\"Order\" AS o ON ol.\"OrderId\" = o.\"OrderId\"");
    has(&proposal, "ordered_at: PlacedAt");
    assert!(proposal.questions.iter().any(|q| q.text == "In which time zone is the store?"), "{:?}", proposal.questions);
}

#[test]
fn mysql_is_quoted_as_it_wants_it() {
    let column = |table: &str, column: &str, data_type: &str| read::CatalogueColumn {
        schema: "till".to_owned(),
        table: table.to_owned(),
        column: column.to_owned(),
        data_type: data_type.to_owned(),
        rows: 1_000,
    };
    let text = |values: &[&str]| values.iter().map(|v| Some((*v).to_owned())).collect::<Vec<_>>();
    let sampled = |table: &str, row| read::CatalogueRows { schema: "till".to_owned(), table: table.to_owned(), rows: vec![row] };
    let reference = ("till".to_owned(), "orders".to_owned(), "id".to_owned());
    let key = |table: &str, column: &str, references| read::CatalogueKey {
        schema: "till".to_owned(),
        table: table.to_owned(),
        column: column.to_owned(),
        references,
    };
    let catalogue = read::Catalogue {
        dialect: read::Dialect::Mysql,
        columns: vec![
            column("orders", "id", "int"),
            column("orders", "placed_at", "timestamp"),
            column("orders", "customer_id", "int"),
            column("order_lines", "id", "int"),
            column("order_lines", "order_id", "int"),
            column("order_lines", "sku", "varchar"),
            column("order_lines", "quantity", "int"),
            column("order_lines", "price", "decimal"),
        ],
        keys: vec![key("orders", "id", None), key("order_lines", "id", None), key("order_lines", "order_id", Some(reference))],
        rows: vec![
            sampled("orders", text(&["1", "2024-05-01 10:00:00", "7"])),
            sampled("order_lines", text(&["1", "1", "A-1", "2", "3.50"])),
        ],
    };
    assert_eq!(
        catalogue.sample_query("till", "orders"),
        "SELECT `id`, `placed_at`, `customer_id` FROM `till`.`orders` LIMIT 1000"
    );
    let proposal = propose(&read::database("${env:SHOP_URL}", &catalogue), &Wishes::default()).unwrap();
    assert_loads(&proposal);
    has(&proposal, "shop: {type: mysql, url: \"${env:SHOP_URL}\"}");
    has(&proposal, "LEFT JOIN `orders` AS o ON ol.`order_id` = o.`id`");
    assert!(proposal.questions.iter().any(|q| q.text == "In which time zone is the store?"), "{:?}", proposal.questions);
    assert_eq!(read::Dialect::of("mariadb://shop@db/till"), Some(read::Dialect::Mysql));
}
