//! How few customers bring how much.

use maud::{Markup, html};
use serde_json::json;

use crate::Error;
use crate::chart::Chart;
use crate::data_table::{As, DataTable, bar, count, money, number, percent, text};
use crate::figures::{self, Money, share};
use crate::page::Section;
use crate::rows::{Row, Rows};
use crate::sections::{facts, figure};
use crate::snapshot::Snapshot;

const TABLES: &[&str] = &["value_concentration", "customer_value", "value_tier_summary"];

/// Points the curve is drawn through, and those the table names.
const POINTS: i64 = 200;
const MARKS: [i64; 7] = [1, 5, 10, 20, 30, 50, 80];

pub(crate) fn section(now: Snapshot<'_>) -> Result<Section, Error> {
    let columns = ["group", "gini", "top_1_share", "top_10_share", "top_20_share", "customers_for_80_percent"];
    let groups = now.rows("value_concentration", &columns)?;
    let value = now.rows("customer_value", &["lifetime_value", "revenue_rank", "cumulative_revenue_share"])?;
    let tiers =
        now.rows("value_tier_summary", &["tier_kind", "tier", "customers", "net_amount", "revenue_share", "average_value"])?;
    if groups.is_empty() && value.is_empty() {
        return Ok(Section::absent(
            "concentration",
            "Where the value lies",
            TABLES,
            "The value of customers is left out of this snapshot.",
        ));
    }
    let body = html! {
        @for row in groups.of("group", "all") { (whole(row)) }
        (curve(&value))
        (by_tier(&tiers))
        (by_group(&groups))
    };
    Ok(Section { id: "concentration", title: "Where the value lies", tables: TABLES, body })
}

fn whole(row: Row<'_>) -> Markup {
    let share = |column: &str| {
        let value = row.number(column);
        value.map_or_else(|| html! { "–" }, |value| figure(column, &value.to_string(), &figures::percent(value, 1)))
    };
    let gini =
        row.number("gini").map_or_else(|| html! { "–" }, |gini| figure("gini", &gini.to_string(), &figures::number(gini, 3)));
    let many = row.maybe_int("customers_for_80_percent");
    let many =
        many.map_or_else(|| html! { "–" }, |many| figure("customers_for_80_percent", &many.to_string(), &figures::count(many)));
    facts(&[
        ("The best 1\u{a0}% bring", share("top_1_share")),
        ("The best 10\u{a0}% bring", share("top_10_share")),
        ("The best 20\u{a0}% bring", share("top_20_share")),
        ("Customers who bring 80\u{a0}%", many),
        ("Gini coefficient", gini),
    ])
}

/// The cumulative share of the best, the two best and so on. Customers of equal revenue share a rank, so places are counted:
/// among them the share rises from place to place, or falls where each cost more than they brought.
fn cumulative(value: &Rows) -> Vec<f64> {
    let ranked = value.iter().filter_map(|row| {
        let share = row.number("cumulative_revenue_share")?;
        let towards = if row.money("lifetime_value") < Money::default() { -share } else { share };
        Some((row.int("revenue_rank"), towards, share))
    });
    let mut ranked: Vec<(i64, f64, f64)> = ranked.collect();
    ranked.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    ranked.into_iter().map(|(_, _, share)| share).collect()
}

/// The cumulative share, thinned to what a curve needs.
fn curve(value: &Rows) -> Markup {
    let customers = i64::try_from(value.len()).unwrap_or(i64::MAX);
    let shares = cumulative(value);
    if shares.is_empty() {
        return html! { p.absent { "There is no revenue to share out, so there is no curve." } };
    }
    let at = |part: i64, of: i64| {
        let place = (customers * part + of - 1) / of;
        let revenue = shares.get(usize::try_from(place - 1).ok()?)?;
        Some((share(place, customers).unwrap_or(0.0), *revenue))
    };
    let points = (1..=POINTS).filter_map(|part| at(part, POINTS)).map(|(x, y)| json!({"customers": x, "revenue": y}));
    let points: Vec<_> = std::iter::once(json!({"customers": 0, "revenue": 0})).chain(points).collect();
    let mut table =
        DataTable::new("Revenue of the best customers", &[("Best customers", As::Number), ("Share of revenue", As::Number)]);
    for mark in MARKS {
        if let Some((_, revenue)) = at(mark, 100) {
            table.row(vec![percent(share(mark, 100)), percent(Some(revenue))]);
        }
    }
    let chart = Chart {
        kind: "pareto",
        title: "Share of revenue that the best customers bring",
        says: "Cumulative share of revenue over customers, the best first; figures in the table below.".to_owned(),
        legend: &[("c1", "revenue"), ("dash", "if all brought alike")],
        data: points.into(),
        table,
    };
    chart.markup()
}

fn by_tier(tiers: &Rows) -> Markup {
    let columns = [
        ("Tier", As::Text),
        ("Customers", As::Number),
        ("Revenue", As::Number),
        ("Of revenue", As::Number),
        ("Revenue each", As::Number),
    ];
    let mut shown: Vec<Row<'_>> = tiers.of("tier_kind", "value_tier").collect();
    shown.sort_by_key(|row| (std::cmp::Reverse(row.money("net_amount")), row.text("tier")));
    let longest = shown.iter().filter_map(|row| row.number("revenue_share")).fold(0.0, f64::max);
    let mut table = DataTable::new("Value tiers", &columns);
    for row in shown {
        table.row(vec![
            text(row.text("tier")),
            count(row.int("customers")),
            money(row.maybe_money("net_amount")),
            bar(row.number("revenue_share"), longest),
            money(row.maybe_money("average_value")),
        ]);
    }
    html! { @if !table.rows.is_empty() { h3 { "Value tiers" } (table.markup()) } }
}

/// `business_segment = A_B` as `business segment: A_B`; the name is the retailer's own and stays as it is.
fn group(group: &str) -> String {
    group.split_once(" = ").map_or_else(|| group.to_owned(), |(kind, name)| format!("{}: {name}", kind.replace('_', " ")))
}

fn by_group(groups: &Rows) -> Markup {
    let columns = [
        ("Group", As::Text),
        ("Gini", As::Number),
        ("Best 1\u{a0}%", As::Number),
        ("Best 10\u{a0}%", As::Number),
        ("Best 20\u{a0}%", As::Number),
        ("Customers for 80\u{a0}%", As::Number),
    ];
    let mut table = DataTable::new("Concentration by group", &columns);
    for row in groups.iter() {
        table.row(vec![
            text(&group(row.text("group"))),
            number(row.number("gini"), 3),
            percent(row.number("top_1_share")),
            percent(row.number("top_10_share")),
            percent(row.number("top_20_share")),
            row.maybe_int("customers_for_80_percent").map_or_else(crate::data_table::none, count),
        ]);
    }
    html! { @if table.rows.len() > 1 { details { summary { "By group of customers" } (table.markup()) } } }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Decimal128Array, Float64Array, Int32Array};
    use arrow::record_batch::RecordBatch;

    use super::*;

    #[test]
    fn equal_customers_are_counted_one_by_one() {
        let worth = Decimal128Array::from(vec![-20, 100, 100, -20]).with_precision_and_scale(18, 4).unwrap();
        let columns: [(&str, ArrayRef); 3] = [
            ("lifetime_value", Arc::new(worth)),
            ("revenue_rank", Arc::new(Int32Array::from(vec![3, 1, 1, 3]))),
            ("cumulative_revenue_share", Arc::new(Float64Array::from(vec![1.0, 1.25, 0.625, 1.125]))),
        ];
        let value = Rows::new(vec![RecordBatch::try_from_iter(columns).unwrap()]);
        assert_eq!(cumulative(&value), [0.625, 1.25, 1.125, 1.0]);
    }

    #[test]
    fn names_of_groups_stay_as_they_are() {
        assert_eq!([group("all"), group("business_segment = A_B = C")], ["all", "business segment: A_B = C"]);
    }
}
