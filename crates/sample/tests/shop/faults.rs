use std::collections::{HashMap, HashSet};

use sample::{Expected, Planted};

use crate::made::{Made, Table, cents, csv, make, parquet};

/// What is wrong with the lines of a file, and what is left of it, told from the file alone.
struct Found {
    planted: Planted,
    expected: Expected,
    lines_with_two_faults: u64,
}

fn find(made: &Made) -> Found {
    let lines = made.table("order_lines");
    let products: HashSet<i64> = made.table("products").numbers("product_id").into_iter().collect();
    let mut planted = Planted::default();
    let mut seen = HashSet::new();
    let (mut orders, mut customers) = (HashSet::new(), HashSet::new());
    let (mut lines_loaded, mut net, mut lines_with_two_faults) = (0, 0, 0);
    for row in &lines.rows {
        let text = |name: &str| std::str::from_utf8(&row[lines.at(name)]).unwrap();
        let price = cents(text("unit_price"));
        let faults = [
            (&mut planted.unparseable_number, price.is_none()),
            (&mut planted.missing_customer, text("customer_id").is_empty()),
            (&mut planted.duplicate_line, !seen.insert(row)),
            (&mut planted.orphan_product, !products.contains(&text("product_id").parse().unwrap())),
            (&mut planted.negative_price, price.is_some_and(|price| price < 0)),
            (&mut planted.future_date, text("order_ts").starts_with("2199-")),
            (&mut planted.wrong_encoding, std::str::from_utf8(&row[lines.at("channel")]).is_err()),
        ];
        let has = faults.each_ref().map(|(_, is_there)| *is_there);
        for (count, is_there) in faults {
            *count += u64::from(is_there);
        }
        lines_with_two_faults += u64::from(has.iter().filter(|&&is_there| is_there).count() > 1);
        let [unparseable, missing_customer, copy, _, negative, future, encoding] = has;
        if unparseable || copy || negative || future || encoding {
            continue;
        }
        lines_loaded += 1;
        net += text("quantity").parse::<i64>().unwrap() * price.unwrap() - cents(text("discount")).unwrap();
        orders.insert(text("order_id"));
        if !missing_customer {
            customers.insert(text("customer_id"));
        }
    }
    let expected = Expected {
        lines_loaded,
        net_amount: format!("{}.{:02}", net / 100, net % 100),
        orders: orders.len() as u64,
        customers_with_orders: customers.len() as u64,
    };
    Found { planted, expected, lines_with_two_faults }
}

#[test]
fn the_summary_agrees_with_the_files() {
    for dirt in [0.0, 0.000_1, 0.05, 0.2] {
        for shop in [csv(20_000, 9, dirt), parquet(20_000, 9, dirt), csv(100, 9, dirt), parquet(100, 9, dirt)] {
            let made = make(shop);
            let found = find(&made);
            assert_eq!(found.planted, made.summary.planted, "{shop:?}");
            assert_eq!(found.expected, made.summary.expected, "{shop:?}");
            assert_eq!(found.lines_with_two_faults, 0, "{shop:?}");
        }
    }
}

#[test]
fn each_fault_gets_a_seventh_of_the_dirt_and_at_least_a_line() {
    let all = |count| Planted {
        unparseable_number: count,
        missing_customer: count,
        duplicate_line: count,
        orphan_product: count,
        negative_price: count,
        future_date: count,
        wrong_encoding: count,
    };
    assert_eq!(make(csv(7_000, 1, 0.1)).summary.planted, all(100));
    assert_eq!(make(csv(100, 1, 0.000_1)).summary.planted, all(1));
    assert_eq!(make(csv(1_000, 1, 0.0)).summary.planted, all(0));
    assert_eq!(make(parquet(7_000, 1, 0.1)).summary.planted, Planted { wrong_encoding: 0, ..all(100) });
}

#[test]
fn dirt_leaves_the_other_lines_as_they_were() {
    let (clean, dirty) = (make(csv(5_000, 4, 0.0)), make(csv(5_000, 4, 0.2)));
    let key = |table: &Table, row: &[Vec<u8>]| (row[table.at("order_id")].clone(), row[table.at("line_no")].clone());
    let (clean, dirty) = (clean.table("order_lines"), dirty.table("order_lines"));
    let before: HashMap<_, _> = clean.rows.iter().map(|row| (key(&clean, row), row)).collect();
    let changed = dirty.rows.iter().filter(|row| before[&key(&dirty, row)] != *row).count();
    assert_eq!(changed, 6 * 143);
}
