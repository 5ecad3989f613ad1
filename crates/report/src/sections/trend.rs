//! Sales month by month.

use std::collections::BTreeMap;

use chrono::{Months, NaiveDate};
use maud::html;
use serde_json::json;

use crate::Error;
use crate::chart::Chart;
use crate::data_table::{As, DataTable, count, money, text};
use crate::figures::Money;
use crate::page::Section;
use crate::snapshot::Snapshot;

const TABLES: &[&str] = &["sales_trend", "region_performance"];

#[derive(Default)]
struct Month {
    revenue: Money,
    orders: i64,
    is_complete: bool,
}

pub(crate) fn section(now: Snapshot<'_>, as_of: &str) -> Result<Section, Error> {
    let columns = ["period_kind", "period_start", "orders", "orders_begun", "net_amount", "is_complete"];
    let mut months: BTreeMap<NaiveDate, Month> = BTreeMap::new();
    for row in now.rows("sales_trend", &columns)?.of("period_kind", "month") {
        let Some(start) = row.day("period_start") else { continue };
        let month = months.entry(start).or_default();
        month.revenue = Money(month.revenue.0 + row.money("net_amount").0);
        month.orders += row.orders();
        month.is_complete = row.flag("is_complete");
    }
    if let Ok(as_of) = as_of.parse() {
        fill(&mut months, as_of);
    }
    if months.is_empty() {
        return Ok(Section::absent("trend", "Sales", TABLES, "There are no sales over time in this snapshot."));
    }
    let body = html! {
        @if let Some(lead) = lead(&months) { p.lead { (lead) } }
        (revenue(&months).markup())
        div.pair { (orders(&months).markup()) (average(&months).markup()) }
        (regions(now)?)
    };
    Ok(Section { id: "trend", title: "Sales", tables: TABLES, body })
}

/// Adds the months in which nothing was sold, up to the one of `as_of`: the table has no rows of them, and a page without them
/// would show the last good month as the latest.
fn fill(months: &mut BTreeMap<NaiveDate, Month>, as_of: NaiveDate) {
    let Some(mut start) = months.keys().next().copied() else { return };
    while start <= as_of {
        let Some(next) = start.checked_add_months(Months::new(1)) else { return };
        months
            .entry(start)
            .or_insert_with(|| Month { is_complete: next.pred_opt().is_some_and(|last| last <= as_of), ..Month::default() });
        start = next;
    }
}

fn lead(months: &BTreeMap<NaiveDate, Month>) -> Option<String> {
    let complete = || months.iter().filter(|(_, month)| month.is_complete);
    let (last, month) = complete().next_back()?;
    let year_before = months.get(&(last.checked_sub_months(Months::new(12))?)).filter(|m| m.revenue.0 > 0);
    let beside = year_before.map_or_else(String::new, |before| {
        let change = month.revenue.about() / before.revenue.about() - 1.0;
        let word = if change < 0.0 { "less" } else { "more" };
        format!(", {} {word} than in the same month of the year before", crate::figures::percent(change.abs(), 1))
    });
    let (best, most) = complete().max_by_key(|(start, month)| (month.revenue, *start))?;
    Some(format!(
        "{} brought {}{beside}. The best month so far is {} with {}.",
        last.format("%B %Y"),
        month.revenue.shown(),
        best.format("%B %Y"),
        most.revenue.shown()
    ))
}

fn chart(
    kind: &'static str,
    title: &'static str,
    months: &BTreeMap<NaiveDate, Month>,
    value: fn(&Month) -> Option<f64>,
) -> Chart {
    let rows = months.iter().map(|(start, m)| json!({"month": start.to_string(), "value": value(m), "open": !m.is_complete}));
    let columns = [("Month", As::Text), ("Revenue", As::Number), ("Orders", As::Number), ("Average order value", As::Number)];
    let mut table = DataTable::new(format!("{title} by month"), &columns);
    for (start, month) in months {
        let name = start.format("%Y-%m").to_string() + if month.is_complete { "" } else { ", not over" };
        table.row(vec![text(&name), money(Some(month.revenue)), count(month.orders), money(month.revenue.over(month.orders))]);
    }
    Chart {
        kind,
        title,
        says: format!("{title} by month over {} months; the figures are in the table below.", months.len()),
        legend: &[],
        data: rows.collect(),
        table,
    }
}

fn revenue(months: &BTreeMap<NaiveDate, Month>) -> Chart {
    let legend =
        if months.values().all(|m| m.is_complete) { &[][..] } else { &[("c1", "month"), ("c1 open", "month not over")][..] };
    Chart { legend, ..chart("months", "Revenue", months, |m| Some(m.revenue.about())) }
}

fn orders(months: &BTreeMap<NaiveDate, Month>) -> Chart {
    chart("line", "Orders", months, |m| Some(crate::figures::float(m.orders)))
}

fn average(months: &BTreeMap<NaiveDate, Month>) -> Chart {
    chart("line", "Average order value", months, |m| m.revenue.over(m.orders).map(Money::about))
}

fn regions(now: Snapshot<'_>) -> Result<maud::Markup, Error> {
    let rows = now.rows(
        "region_performance",
        &["region_key", "customers", "orders", "net_amount", "revenue_share", "average_order_value"],
    )?;
    let names = now.regions()?;
    let columns = [
        ("Region", As::Text),
        ("Customers", As::Number),
        ("Orders", As::Number),
        ("Revenue", As::Number),
        ("Share", As::Number),
        ("Average order value", As::Number),
    ];
    let mut regions: Vec<_> = rows.iter().collect();
    regions.sort_by_key(|row| (std::cmp::Reverse(row.money("net_amount")), row.int("region_key")));
    let longest = regions.iter().filter_map(|row| row.number("revenue_share")).fold(0.0, f64::max);
    let mut table = DataTable::new("Sales by region", &columns);
    for row in regions {
        table.row(vec![
            text(names.get(&row.int("region_key")).map_or("Unknown", String::as_str)),
            count(row.int("customers")),
            count(row.int("orders")),
            money(row.maybe_money("net_amount")),
            crate::data_table::bar(row.number("revenue_share"), longest),
            money(row.maybe_money("average_order_value")),
        ]);
    }
    Ok(html! { @if !table.rows.is_empty() { h3 { "By region" } (table.markup()) } })
}
