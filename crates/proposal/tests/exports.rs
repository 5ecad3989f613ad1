//! Proposals for exports as shops and their tills write them: whether what is read is what the file says.
#![allow(clippy::unwrap_used)]

use std::fs;

use proposal::{Confidence, Proposal, Refusal, Wishes, propose, read};
use tempfile::TempDir;

/// The proposal for a folder of these files.
fn of(files: &[(&str, String)]) -> Result<Proposal, Box<Refusal>> {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    propose(&read::csv(folder.path()).unwrap(), &Wishes::default())
}

/// One line of text a number.
fn rows(numbers: std::ops::Range<usize>, row: impl Fn(usize) -> String) -> String {
    numbers.map(row).collect::<Vec<_>>().concat()
}

fn has(proposal: &Proposal, line: &str) {
    let found = proposal.yaml.lines().any(|l| l.split(" # ").next().unwrap().trim() == line);
    assert!(found, "no line `{line}` in\n{}", proposal.yaml);
}

/// Whether something that is not certain has these words.
fn says(proposal: &Proposal, words: &str) {
    let said = proposal.notes.iter().any(|note| note.confidence != Confidence::Certain && note.why.contains(words));
    assert!(said, "nobody says `{words}` in\n{}", proposal.yaml);
}

#[test]
fn a_thousand_pieces_are_no_piece_and_a_fraction() {
    let proposed = |mark: char| {
        let lines = rows(0..90, |n| {
            let pieces = if n % 30 == 7 { "1.200".to_owned() } else { format!("{}", 1 + n % 4) };
            format!("{n};{:02}.03.2024;K{};A{};{pieces};12{mark}50\n", 1 + n % 28, n % 9, n % 7)
        });
        of(&[("verkauf.csv", format!("Bestellnr;Datum;Kundennr;Artikelnr;Menge;Einzelpreis\n{lines}"))]).unwrap()
    };
    let german = proposed(',');
    has(&german, r#"quantity: 'replace(regexp_replace("Menge", ''\.(\d{3})\b'', ''\1'', ''g''), '','', ''.'')'"#);
    says(&german, "a point before three digits is taken to part thousands");
    // Where prices have a point, so have fractions of pieces.
    has(&proposed('.'), "quantity: Menge");
}

/// Lines of nine products, each with so many pieces and what `priced` makes of them and of the price of one.
fn lines(priced: fn(usize, usize) -> usize) -> String {
    rows(0..90, |n| {
        let (pieces, one) = (1 + n % 4, 5 + n % 9);
        format!("028-{n},2024-01-{:02},K{},P{},{pieces},{}.50\n", 1 + n % 28, n % 7, n % 9, priced(pieces, one))
    })
}

#[test]
fn a_price_that_grows_with_the_quantity_is_that_of_the_line() {
    let header = "amazon-order-id,purchase-date,customer-id,sku,quantity,item-price";
    let of_the_line =
        of(&[("all.csv", format!("{header}\n{}", lines(|pieces, one| pieces * one).replace(".50", ".00")))]).unwrap();
    has(&of_the_line, "net_amount: item-price");
    says(&of_the_line, "`item-price` grows with the quantity, so it is taken as the amount of the line");
    assert!(!of_the_line.yaml.contains("\n      unit_price:"), "{}", of_the_line.yaml);
    let of_a_piece = of(&[("all.csv", format!("{header}\n{}", lines(|_, one| one)))]).unwrap();
    has(&of_a_piece, "unit_price: item-price");
}

#[test]
fn a_month_with_a_column_more_is_not_left_out_without_a_word() {
    let header = "order_id,order_date,customer_id,sku,qty,price";
    let month = |name: &'static str, more: &str| {
        let lines = rows(0..40, |n| format!("{n},2024-01-{:02},K{},P{},1,5.50{more}\n", 1 + n % 28, n % 7, n % 9));
        (name, format!("{header}{more}\n{lines}"))
    };
    let notes = ("agreed.jsonl", "{}".to_owned());
    let months = [month("orders_01.csv", ""), month("orders_02.csv", ",coupon"), notes];
    let proposal = of(&months).unwrap();
    says(&proposal, "with nearly the same columns as `orders_01.csv`, so their rows are in no figure: `orders_02.csv`");
    says(&proposal, "not read: orders_02.csv");
    says(&proposal, "agreed.jsonl was not looked into");
}

#[test]
fn a_total_that_is_called_the_orders_is_not_counted_by_line() {
    // Four of forty orders have two lines.
    let lines = rows(0..40, |n| {
        let line = |sku: &str| format!("{n},2024-01-{:02},K{},{sku},1,{}.50\n", 1 + n % 28, n % 7, 20 + n);
        if n % 9 == 4 { line("A") + &line("B") } else { line("C") }
    });
    let proposed = |total: &str| of(&[("orders.csv", format!("order_id,order_date,customer_id,sku,qty,{total}\n{lines}"))]);
    let refusal = proposed("order_total").unwrap_err();
    assert!(refusal.to_string().contains("so it is the order's"), "{refusal}");
    has(&proposed("line_total").unwrap(), "net_amount: line_total");
}

#[test]
fn a_minus_before_the_amount_alone_makes_a_return() {
    let proposed = |columns: &str, values: &str| {
        let lines = rows(0..60, |n| {
            let minus = if n % 10 == 3 { "-" } else { "" };
            format!("{n},2024-01-{:02},K{},{values}{minus}{}.50\n", 1 + n % 28, n % 7, 20 + n)
        });
        of(&[("transactions.csv", format!("order_id,date,customer_id,{columns}amount\n{lines}"))]).unwrap()
    };
    let alone = proposed("", "");
    has(&alone, r#"quantity: CASE WHEN "amount" < 0 THEN -1 ELSE 1 END"#);
    says(&alone, "rows with `amount` below zero are taken for returns");
    has(&proposed("qty,", "2,"), r#"quantity: '"qty" * CASE WHEN "amount" < 0 THEN -1 ELSE 1 END'"#);
    for (columns, values) in [("qty,", "-2,"), ("qty,price,", "2,5.50,"), ("qty,discount,", "2,0.50,")] {
        has(&proposed(columns, values), "quantity: qty");
    }
}

#[test]
fn who_has_the_same_address_is_one_customer() {
    let lines = rows(0..60, |n| format!("2024-01-{:02},Ann{}@Shop.example,Lamp {n}x,1,5.50\n", 1 + n % 28, n % 7));
    let proposal = of(&[("orders.csv", format!("date,email,item,qty,price\n{lines}"))]).unwrap();
    has(&proposal, "customer_id: lower(\"email\")");
    has(&proposal, "order_id: concat(lower(\"email\"), ' ', \"date\")");
    says(&proposal, "who has the same address is one");
    // No page shows an address because it stands for a number.
    has(&proposal, "pii: [customer_id, order_id]");
    let numbered = lines.lines().enumerate().map(|(n, line)| format!("{n},{line}\n")).collect::<Vec<_>>().concat();
    let proposal = of(&[("orders.csv", format!("order_id,date,customer_name,item,qty,price\n{numbered}"))]).unwrap();
    has(&proposal, "pii: [customer_id]");
    let proposal = of(&[("orders.csv", format!("order_id,date,customer_id,item,qty,price\n{numbered}"))]).unwrap();
    assert!(!proposal.yaml.contains("pii:"), "{}", proposal.yaml);
}

#[test]
fn what_every_row_needs_and_some_lack_is_said() {
    let every_second = |n: usize, value: &str| if n.is_multiple_of(2) { value.to_owned() } else { String::new() };
    for (place, name) in ["order_id", "sku", "qty", "price"].into_iter().enumerate() {
        let lines = rows(0..60, |n| {
            let values = [format!("{n}"), format!("P{}", n % 9), "1".to_owned(), "5.50".to_owned()];
            let cells = values.iter().enumerate().map(|(at, v)| if at == place { every_second(n, v) } else { v.clone() });
            format!("2024-01-{:02},K{},{}\n", 1 + n % 28, n % 7, cells.collect::<Vec<_>>().join(","))
        });
        let proposal = of(&[("orders.csv", format!("date,customer_id,order_id,sku,qty,price\n{lines}"))]).unwrap();
        let said: Vec<usize> =
            proposal.notes.iter().filter(|n| n.why.contains("empty in 30 of 60 rows")).map(|n| n.line).collect();
        let line = proposal.yaml.lines().position(|line| line.contains(&format!(": {name}"))).unwrap();
        assert_eq!(said, [line + 1], "{name} in\n{}", proposal.yaml);
    }
}

/// An export of Shopify says what is of the order on its first line alone.
#[test]
fn orders_that_are_numbered_as_names_are_read_line_by_line() {
    let header = "Name,Email,Financial Status,Currency,Subtotal,Total,Discount Amount,Created at,Lineitem quantity,Lineitem name,\
                  Lineitem price,Lineitem sku,Billing Name,Vendor";
    let lines = rows(0..90, |n| {
        let (order, first) = (n / 2, n.is_multiple_of(2));
        let of_order = if first { "paid,EUR,30.00,34.90,0.00" } else { ",,,," };
        let (day, buyer) = (1 + order % 28, if first { "Ann" } else { "" });
        let pieces = 1 + n % 3;
        format!(
            "#{},c{}@x.org,{of_order},2024-01-{day:02} 09:05:07 +0100,{pieces},Lamp {},{}.50,S{},{buyer},Acme\n",
            1001 + order,
            order % 9,
            n % 7,
            5 + n % 7,
            n % 7
        )
    });
    let proposal = of(&[("orders_export_1.csv", format!("{header}\n{lines}"))]).unwrap();
    for line in ["order_id: Name", "product_id: Lineitem sku", "quantity: Lineitem quantity", "unit_price: Lineitem price"] {
        has(&proposal, line);
    }
    says(&proposal, "`Subtotal` is empty in 45 of 90 rows that have a price");
}
