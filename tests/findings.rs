//! What a source says that cannot be right, and what is left out of it or told about it: every row and every cent is somewhere.

use crate::support::{Ran, Workspace};

const PIPELINE: &str = "
version: 1
name: shop
as_of: 2024-12-31
connections: {drop: {type: files, url: drop}}
extract:
  sales: {from: drop, path: '*.csv'}
  OTHER
publish: {to: out}
";

fn run(lines: &str, other: &str) -> (Workspace, Ran) {
    let space = Workspace::new();
    space.write("shop.yaml", PIPELINE.replace("OTHER", other));
    space.write("drop/lines.csv", lines);
    space.write("drop/payments.ndjson", "");
    // A file on its way, under the name that the one who brings it gives it meanwhile.
    space.write("drop/.lines.csv.part.csv", lines);
    let ran = space.run(&["run", "shop.yaml", "--quiet"]);
    (space, ran)
}

fn net(space: &Workspace) -> i128 {
    space.table("out", "fact_sales").sum("net_amount")
}

#[test]
fn amounts_that_disagree_are_told() {
    let header = "order_id,customer_id,product_id,ordered_at,quantity,unit_price,net_amount,discount_amount\n";
    let line = |n: u32| format!("o{n},c{n},p,2024-05-01,2,5,{},1\n", if n == 3 { "3" } else { "9" });
    let (space, ran) = run(&(header.to_owned() + &(0..5).map(line).collect::<String>()), "");
    let said = ran.ok().stdout;
    assert!(said.contains("disagreeing_amounts on sales: 1 line whose quantity and unit price"), "{said}");
    // The net amount is what the source says, and the gross amount what it and the discount come to.
    assert_eq!((net(&space), space.table("out", "fact_sales").sum("gross_amount")), (39 * 10_000, 44 * 10_000));
}

#[test]
fn currencies_are_not_added_up_without_a_word() {
    let header = "order_id,customer_id,product_id,ordered_at,quantity,unit_price,currency,exchange_rate\n";
    let lines = "1,c,p,2024-05-01,1,100,EUR,1\n2,c,p,2024-05-02,1,100,USD,0.9\n3,c,p,2024-05-03,1,50000000,IRR,0.0000000365123\n";
    let (space, ran) = run(&(header.to_owned() + lines), "");
    assert!(!ran.ok().stdout.contains("mixed_currencies"));
    assert_eq!(net(&space), 1_000_000 + 900_000 + 18_256);
    // Without rates they are told, and a line whose rate is missing is in a currency of unknown worth.
    let (_, ran) = run(&(header.replace("exchange_rate", "rate") + lines), "");
    let said = ran.ok().stdout;
    assert!(said.contains("mixed_currencies on sales.currency: 3 currencies (EUR, IRR, USD)"), "{said}");
    let missing = lines.replace("0.9", "") + &(4..2000).map(|n| format!("{n},c,p,2024-05-04,1,1,EUR,1\n")).collect::<String>();
    let (_, ran) = run(&(header.to_owned() + &missing), "");
    let said = ran.ok().stdout;
    assert!(said.contains("1,999        1,998         1"), "{said}");
}

#[test]
fn order_numbers_that_begin_anew_are_told() {
    let header = "order_id,customer_id,product_id,ordered_at,quantity,unit_price\n";
    let line = |n: u32| format!("{},c{n},p{},2024-{:02}-01,1,10\n", n % 30, n % 4, n / 30 + 3);
    let (_, ran) = run(&(header.to_owned() + &(0..60).map(line).collect::<String>()), "");
    let said = ran.ok().stdout;
    assert!(
        said.contains("orders_of_several_customers on fact_sales.order_id: 30 orders have lines of several customers"),
        "{said}"
    );
}

#[test]
fn a_year_that_was_mistyped_is_told() {
    let header = "order_id,customer_id,product_id,ordered_at,quantity,unit_price\n";
    let line = |n: u32| format!("o{n},c{n},p,{}-05-01,1,10\n", if n == 7 { 1926 } else { 2020 + n % 4 });
    let lines: String = (0..200).map(line).collect();
    let (space, ran) = run(&(header.to_owned() + &lines), "");
    let said = ran.ok().stdout;
    assert!(said.contains("orders_long_before on fact_sales.ordered_at: 1 order lies more than three years before"), "{said}");
    assert!(said.contains("the first on 1926-05-01"), "{said}");
    // A copy of the file that somebody tries something with is told of.
    space.write("copy.yaml", PIPELINE.replace("OTHER", "").replace("to: out", "to: try"));
    let copy = space.run(&["run", "copy.yaml"]).ok();
    assert!(copy.stderr.contains("shop.yaml names a pipeline `shop` as well and published last"), "{}", copy.stderr);
    // A shop that paused is none.
    let line = |n: u32| format!("o{n},c{n},p,{}-05-01,1,10\n", if n < 100 { 2015 } else { 2023 });
    let said = run(&(header.to_owned() + &(0..200).map(line).collect::<String>()), "").1.ok().stdout;
    assert!(!said.contains("orders_long_before"), "{said}");
}

#[test]
fn ids_that_differ_in_little_are_told() {
    let header = "order_id,customer_id,product_id,ordered_at,quantity,unit_price\n";
    let line = |(n, id): (usize, &&str)| format!("o{n},{id},p{n},2024-05-01,1,10\n");
    let lines = header.to_owned() + &["0042", "42", "c7", "C7", "c8", "0", "00"].iter().enumerate().map(line).collect::<String>();
    let (space, ran) = run(&lines, "");
    let said = ran.ok().stdout;
    assert!(said.contains("ids_alike on dim_customer.customer_id: 6 ids differ from another"), "{said}");
    assert!(said.contains("such as '0' and '00', and count"), "{said}");
    assert!(!said.contains("ids_alike on dim_product"), "{said}");
    // Nobody's id is told where ids are masked.
    space.write("shop.yaml", PIPELINE.replace("OTHER", "") + "pii: [customer_id]\n");
    let said = space.run(&["run", "shop.yaml", "--quiet"]).ok().stdout;
    assert!(said.contains("ids_alike on dim_customer.customer_id") && !said.contains("such as '"), "{said}");
}

#[test]
fn rows_without_a_key_are_nobodys_duplicates() {
    let lines = "order_id,customer_id,product_id,ordered_at,quantity,unit_price\n1,c,p,2024-05-01,1,10\n";
    let space = Workspace::new();
    let payments = "payments: {from: drop, path: payments.ndjson, deduplicate: {keys: [order_id], keep: last_by(due_on)}}";
    space.write("shop.yaml", PIPELINE.replace("OTHER", payments));
    space.write("drop/lines.csv", lines);
    let payment = |n: u32| {
        let order = if n < 3 { format!("\"o{}\"", n % 2) } else { "null".to_owned() };
        format!(
            r#"{{"payment_id": "{n}", "customer_id": "c", "order_id": {order}, "due_on": "2024-06-0{}", "amount": 100}}"#,
            n + 1
        ) + "\n"
    };
    space.write("drop/payments.ndjson", (0..8).map(payment).collect::<String>());
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    // Two of the order o0 are one; five have no order.
    assert_eq!(space.table("out", "fact_payments").sum("amount"), 700 * 10_000);
}

#[test]
fn a_picture_that_nobody_reads_harms_no_record() {
    let space = Workspace::new();
    let columns = "order_id, customer_id, product_id, ordered_at, quantity, unit_price, photo BLOB";
    let till = rusqlite::Connection::open(space.path("till.sqlite")).unwrap();
    till.execute_batch(&format!(
        "CREATE TABLE lines ({columns}); INSERT INTO lines VALUES ('1', 'c', 'p', '2024-05-01', 1, '10', x'ff00fe'), \
         ('2', 'c', x'ff', '2024-05-01', 1, '10', NULL)"
    ))
    .unwrap();
    space.write(
        "shop.yaml",
        "version: 1\nname: shop\nas_of: 2024-12-31\nconnections: {till: {type: sqlite, path: till.sqlite}}\n\
         extract: {sales: {from: till, table: lines, rejects: {warn: 50%, fail: 60%}}}\npublish: {to: out}\n",
    );
    let said = space.run(&["run", "shop.yaml", "--quiet"]).ok().stdout;
    // The other record holds bytes where they count.
    assert!(said.contains("sales                   2            1         1"), "{said}");
}

#[test]
fn a_file_without_records_has_none() {
    let lines = "order_id,customer_id,product_id,ordered_at,quantity,unit_price\n1,c,p,2024-05-01,1,10\n";
    let columns = "columns: {payment_id: id, customer_id: customer, due_on: due, amount: amount}";
    let payments = format!("payments: {{from: drop, path: payments.ndjson, {columns}}}");
    let (space, ran) = run(lines, &payments);
    ran.ok();
    assert_eq!((space.table("out", "fact_payments").rows.len(), net(&space)), (0, 10 * 10_000));
    // An array is no NDJSON, which is told.
    space.write("drop/payments.ndjson", "[{\"id\": 1},\n{\"id\": 2}]\n");
    let ran = space.run(&["run", "shop.yaml", "--quiet"]);
    assert!(ran.code != 0 && ran.stderr.contains("payments.ndjson") && ran.stderr.contains("JSON object"), "{}", ran.stderr);
}

#[test]
fn tickets_and_payments_that_cannot_be_blame_nobody() {
    let space = Workspace::new();
    let other = "payments: {from: drop, path: payments.ndjson}\n  tickets: {from: drop, path: tickets.ndjson}";
    space.write("shop.yaml", PIPELINE.replace("OTHER", other));
    space.write("drop/lines.csv", "order_id,customer_id,product_id,ordered_at,quantity,unit_price\n1,c,p,2024-05-01,1,10\n");
    // Money that the customer is to have back, and a ticket that was resolved before it was opened.
    space.write(
        "drop/payments.ndjson",
        "{\"payment_id\": 1, \"customer_id\": \"c\", \"due_on\": \"2024-06-01\", \"amount\": -10}\n\
         {\"payment_id\": 2, \"customer_id\": \"c\", \"due_on\": \"2024-06-01\", \"paid_on\": \"2024-06-03\", \"amount\": 10}\n",
    );
    space.write(
        "drop/tickets.ndjson",
        "{\"ticket_id\": 1, \"customer_id\": \"c\", \"opened_at\": \"2024-06-05\", \"resolved_at\": \"2024-06-01\"}\n",
    );
    let said = space.run(&["run", "shop.yaml", "--quiet"]).ok().stdout;
    assert!(said.contains("tickets_resolved_early on tickets.resolved_at: 1 tickets"), "{said}");
    assert_eq!(space.table("out", "fact_tickets").column("resolution_hours"), [""]);
    assert_eq!(space.table("out", "fact_payments").map("payment_id", "is_late")["1"], "false");
    let risk = space.table("out", "customer_risk");
    assert_eq!(
        (risk.column("payments_due"), risk.column("late_payments"), risk.sum("overdue_amount")),
        (vec!["1".into()], vec!["1".into()], 0)
    );
}

#[test]
fn a_customer_that_stands_twice_is_named_and_hides_nothing_behind_other_words() {
    let lines =
        "order_id,customer_id,product_id,ordered_at,quantity,unit_price\n1,C1,p,2024-05-01,1,10\n2,C2,p,2024-05-02,1,10\n";
    let space = Workspace::new();
    let customers = "customers: {from: drop, path: customers.ndjson}";
    space.write("shop.yaml", PIPELINE.replace("OTHER", customers));
    space.write("drop/lines.csv", lines);
    let customer = |id: &str, name: &str| format!("{{\"customer_id\": \"{id}\", \"customer_name\": \"{name}\"}}\n");
    space.write("drop/customers.ndjson", customer("C1", "Ada") + &customer("C2", "Bo") + &customer("C1", "Ada B."));
    let ran = space.run(&["run", "shop.yaml", "--quiet"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("unique_key on dim_customer: 1 customer_id more than once: `C1`"), "{}", ran.stderr);
    assert!(ran.stderr.contains("set `deduplicate: {keys: [customer_id], keep: last_by(…)}`"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("1 of ") && !ran.stderr.contains("guard") && !ran.stderr.contains("should not happen"),
        "{}",
        ran.stderr
    );
}

#[test]
fn discounts_below_zero_are_told_and_amounts_set_aside_are_counted() {
    let header = "order_id,customer_id,product_id,ordered_at,quantity,unit_price,discount_amount\n";
    let line = |n: u32| format!("o{n},c{n},p,2024-05-01,2,5,{}\n", if n < 3 { "-1" } else { "0.01" });
    let (space, ran) = run(&(header.to_owned() + &(0..5).map(line).collect::<String>() + "r,c1,p,2024-05-02,-1,5,-0.5\n"), "");
    let said = ran.ok().stdout;
    assert!(said.contains("negative_discounts on sales: 3 lines have a discount below 0"), "{said}");
    assert_eq!(net(&space), (3 * 11 + 2 * 10) * 10_000 - 200 - 45_000);
    // A line that is set aside for its sign is in the book with what it comes to.
    let header = "order_id,customer_id,product_id,ordered_at,quantity,net_amount\n";
    let lines: String = (0..2000).map(|n| format!("o{n},c{n},p,2024-05-01,1,{}\n", if n == 7 { -20 } else { 1 })).collect();
    let (space, ran) = run(&(header.to_owned() + &lines), "");
    ran.ok();
    let book = space.table("out", "meta_reconciliation").only("hop", "extract");
    assert_eq!((book.sum("amount_in"), book.sum("amount_rejected")), (1_979 * 10_000, -20 * 10_000));
}
