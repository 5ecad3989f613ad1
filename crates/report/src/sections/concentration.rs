//! How few customers bring how much.

use maud::{Markup, html};
use serde_json::json;

use crate::Error;
use crate::chart::Chart;
use crate::data_table::{As, DataTable, bar, count, money, number, percent, text};
use crate::figures::{self, share};
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
    let value = now.rows("customer_value", &["revenue_rank", "cumulative_revenue_share"])?;
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

/// The cumulative share at each rank, thinned to what a curve needs.
fn curve(value: &Rows) -> Markup {
    let customers = i64::try_from(value.len()).unwrap_or(i64::MAX);
    let mut ranked: Vec<(i64, f64)> =
        value.iter().filter_map(|row| Some((row.int("revenue_rank"), row.number("cumulative_revenue_share")?))).collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    if ranked.is_empty() {
        return html! { p.absent { "There is no revenue to share out, so there is no curve." } };
    }
    let at = |part: i64, of: i64| {
        let rank = (customers * part + of - 1) / of;
        ranked.iter().find(|(r, _)| *r >= rank).map(|(rank, revenue)| (share(*rank, customers).unwrap_or(0.0), *revenue))
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
            text(&row.text("group").replace('_', " ").replace(" = ", ": ")),
            number(row.number("gini"), 3),
            percent(row.number("top_1_share")),
            percent(row.number("top_10_share")),
            percent(row.number("top_20_share")),
            row.maybe_int("customers_for_80_percent").map_or_else(crate::data_table::none, count),
        ]);
    }
    html! { @if table.rows.len() > 1 { details { summary { "By group of customers" } (table.markup()) } } }
}
