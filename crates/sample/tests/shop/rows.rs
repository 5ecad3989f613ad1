use std::collections::HashSet;
use std::fs;

use crate::made::{Made, TABLES, cents, csv, make, parquet};

fn check_rows(made: &Made) {
    let rows = &made.summary.rows;
    let said = [rows.customers, rows.products, rows.order_lines, rows.payments, rows.tickets];
    for (table, said) in TABLES.iter().zip(said) {
        assert_eq!(made.table(table).rows.len() as u64, said, "{table}");
    }
    let sizes = TABLES.iter().map(|table| fs::metadata(made.path(table)).unwrap().len());
    assert_eq!(sizes.sum::<u64>(), made.summary.bytes);
}

#[test]
fn the_number_of_lines_is_exact() {
    for lines in [1, 2, 7, 100, 1_000, 20_000] {
        for shop in [csv(lines, 11, 0.0), parquet(lines, 11, 0.0), csv(lines, 11, 0.2), parquet(lines, 11, 0.2)] {
            let made = make(shop);
            check_rows(&made);
            assert_eq!(made.summary.rows.order_lines, lines + made.summary.planted.duplicate_line);
        }
    }
}

#[test]
fn keys_are_unique_and_refer_to_rows_that_exist() {
    let made = make(csv(20_000, 5, 0.0));
    let lines = made.table("order_lines");
    let ids = |table: &str, column: &str| made.table(table).numbers(column).into_iter().collect::<HashSet<_>>();
    let (customers, products) = (ids("customers", "customer_id"), ids("products", "product_id"));
    let orders: HashSet<i64> = lines.numbers("order_id").into_iter().collect();
    assert!(lines.numbers("customer_id").iter().all(|id| customers.contains(id)));
    assert!(lines.numbers("product_id").iter().all(|id| products.contains(id)));
    assert!(made.table("payments").numbers("order_id").iter().all(|id| orders.contains(id)));
    assert!(made.table("tickets").numbers("customer_id").iter().all(|id| customers.contains(id)));
    let keys: HashSet<_> = lines.numbers("order_id").into_iter().zip(lines.numbers("line_no")).collect();
    assert_eq!(keys.len(), 20_000);
    for (table, key) in [("customers", "customer_id"), ("products", "product_id"), ("payments", "payment_id")] {
        assert_eq!(ids(table, key).len(), made.table(table).rows.len(), "{table}");
    }
}

#[test]
fn values_are_in_their_ranges_and_times_ascend() {
    let made = make(csv(20_000, 5, 0.0));
    let lines = made.table("order_lines");
    let times = lines.column("order_ts");
    assert!(times.is_sorted());
    assert!(times.iter().all(|time| ("2024-01-01T08:00:00".."2025-12-30T20:00:00").contains(&time.as_str())));
    assert!(lines.column("unit_price").iter().all(|price| cents(price).unwrap() > 0));
    assert!(lines.column("discount").iter().all(|discount| cents(discount).unwrap() >= 0));
    let quantities = lines.numbers("quantity");
    assert!(quantities.iter().all(|&quantity| quantity != 0));
    let returns = quantities.iter().filter(|&&quantity| quantity < 0).count();
    assert!((120..=280).contains(&returns), "{returns} returns");
    for rating in made.table("tickets").column("satisfaction") {
        assert!(rating.is_empty() || matches!(rating.as_str(), "1" | "2" | "3" | "4" | "5"), "{rating}");
    }
}

#[test]
fn csv_is_quoted_only_where_needed_and_ends_lines_with_lf() {
    let made = make(csv(5_000, 5, 0.0));
    let text = fs::read_to_string(made.path("customers")).unwrap();
    assert!(text.starts_with("customer_id,customer_name,email,segment,region,country,city,birth_date,signup_date\n1,"));
    assert!(text.ends_with('\n') && !text.contains('\r'));
    assert!(text.contains(" & Co\",") && text.contains(",\"\"\"") && text.contains("Kraków"));
}

#[test]
fn the_summary_file_says_what_was_returned() {
    let made = make(csv(1_000, 5, 0.1));
    let text = fs::read_to_string(made.folder.path().join("summary.json")).unwrap();
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(read, serde_json::to_value(&made.summary).unwrap());
    assert_eq!(read["arguments"], serde_json::json!({"lines": 1_000, "seed": 5, "format": "csv", "dirt": 0.1}));
    assert_eq!(read["planted"]["negative_price"], 14);
}
