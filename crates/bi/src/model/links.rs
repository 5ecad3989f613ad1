//! The relationships: dimensions filter facts and marts, along exactly one path each.
//!
//! A region reaches `fact_sales` directly and no customer: customers buy in many regions, so the roles pick a region's
//! customers by `customer_region`. Only `customer_rfm` filters back, so that a segment filters the sales of its customers.

use super::published;
use crate::id;
use crate::tmdl::Tmdl;

/// Columns that lead to a day: facts by key, trends by the first day of their period.
const DAYS: [(&str, &str, &str); 5] = [
    ("fact_sales", "date_key", "date_key"),
    ("fact_payments", "due_date_key", "date_key"),
    ("fact_tickets", "opened_date_key", "date_key"),
    ("sales_trend", "period_start", "date"),
    ("retention_monthly", "month_start", "date"),
];

struct Link {
    table: &'static str,
    column: &'static str,
    to: &'static str,
    to_column: &'static str,
}

/// Every table with a customer hangs on the customer; one with a region and no customer, on the region; facts and the
/// bridge on both. The grant of regions to users stands alone.
fn links() -> Vec<Link> {
    let mut links: Vec<Link> =
        DAYS.iter().map(|(table, column, to_column)| Link { table, column, to: "dim_date", to_column }).collect();
    for table in published().filter(|table| !table.name.starts_with("dim_") && table.name != "security_user_region") {
        let has = |name| table.column(name).is_some();
        let mut link = |column, to| {
            if has(column) {
                links.push(Link { table: table.name, column, to, to_column: column });
            }
        };
        link("customer_key", "dim_customer");
        link("product_key", "dim_product");
        if !has("customer_key") || ["fact_sales", "customer_region"].contains(&table.name) {
            link("region_key", "dim_region");
        }
    }
    links
}

pub(super) fn relationships() -> String {
    let mut text = Tmdl::default();
    for link in links() {
        let (from, to) = (format!("{}.{}", link.table, link.column), format!("{}.{}", link.to, link.to_column));
        text.line(0, &format!("relationship {}", id::guid(&format!("{from} -> {to}"))));
        if link.table == "customer_rfm" {
            text.line(1, "crossFilteringBehavior: bothDirections");
        }
        text.line(1, &format!("fromColumn: {from}")).line(1, &format!("toColumn: {to}")).gap();
    }
    text.finish()
}
