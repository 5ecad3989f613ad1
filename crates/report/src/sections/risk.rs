//! Late payments, tickets and the customers in whom they meet.

use std::collections::BTreeSet;

use maud::{Markup, html};
use serde_json::json;

use crate::Error;
use crate::chart::Chart;
use crate::data_table::{As, DataTable, count, money, number, text};
use crate::figures::{self, Money, float};
use crate::page::Section;
use crate::rows::{Row, Rows};
use crate::sections::{facts, figure};
use crate::snapshot::Snapshot;

const TABLES: &[&str] = &["customer_risk"];

/// Customers of the highest risk that are listed.
const SHOWN: usize = 25;

pub(crate) fn section(now: Snapshot<'_>) -> Result<Section, Error> {
    let columns = [
        "customer_key",
        "payments_due",
        "late_payments",
        "overdue_amount",
        "tickets_90d",
        "open_tickets",
        "is_high_risk",
        "risk_score",
        "risk_reasons",
    ];
    let rows = now.rows("customer_risk", &columns)?;
    if rows.is_empty() {
        let why = "There are neither payments nor support tickets among the sources, or this mart is left out.";
        return Ok(Section::absent("risk", "Risk", TABLES, why));
    }
    let body = html! { (totals(&rows)) (histogram(&rows)) h3 { "Highest risk" } (worst(now, &rows)?) };
    Ok(Section { id: "risk", title: "Risk", tables: TABLES, body })
}

fn totals(rows: &Rows) -> Markup {
    let sum = |column: &'static str| rows.iter().map(|row| row.int(column)).sum::<i64>();
    let high = rows.iter().map(|row| i64::from(row.flag("is_high_risk"))).sum::<i64>();
    let overdue: Money = rows.iter().map(|row| row.money("overdue_amount")).sum();
    let whole = |name: &str, value: i64| figure(name, &value.to_string(), &figures::count(value));
    facts(&[
        ("Customers at high risk", whole("high_risk_customers", high)),
        ("Overdue and unpaid", figure("overdue_amount", &overdue.exact(), &overdue.shown())),
        ("Payments late, ever", whole("late_payments", sum("late_payments"))),
        ("Payments due, ever", whole("payments_due", sum("payments_due"))),
        ("Tickets of 90 days", whole("tickets_90d", sum("tickets_90d"))),
        ("Tickets open", whole("open_tickets", sum("open_tickets"))),
    ])
}

fn histogram(rows: &Rows) -> Markup {
    let scores: Vec<f64> = rows.iter().filter_map(|row| row.number("risk_score")).collect();
    let mut table = DataTable::new("Customers by risk", &[("Points", As::Text), ("Customers", As::Number)]);
    let mut data = Vec::new();
    for bin in 0..10_i64 {
        let (low, high) = (float(bin * 10), float(bin * 10 + 10));
        let inside = scores.iter().filter(|score| **score >= low && (**score < high || bin == 9)).count();
        let inside = i64::try_from(inside).unwrap_or(i64::MAX);
        data.push(json!({"low": low, "high": high, "value": inside}));
        table.row(vec![text(&format!("{low:.0} to {high:.0}")), count(inside)]);
    }
    let chart = Chart {
        kind: "bins",
        title: "Customers by points of risk",
        says: "How many customers have how many points of risk, of 100; figures in the table below.".to_owned(),
        legend: &[],
        data: data.into(),
        table,
    };
    chart.markup()
}

fn worst(now: Snapshot<'_>, rows: &Rows) -> Result<Markup, Error> {
    let mut worst: Vec<Row<'_>> = rows.iter().collect();
    let score = |row: &Row<'_>| row.number("risk_score").unwrap_or(0.0);
    worst.sort_by(|a, b| score(b).total_cmp(&score(a)).then(a.int("customer_key").cmp(&b.int("customer_key"))));
    worst.truncate(SHOWN);
    let keys: BTreeSet<i64> = worst.iter().map(|row| row.int("customer_key")).collect();
    let ids = now.names("dim_customer", "customer_key", "customer_id", &keys)?;
    let columns = [
        ("Customer", As::Text),
        ("Points", As::Number),
        ("Late payments", As::Number),
        ("Overdue", As::Number),
        ("Tickets, 90 days", As::Number),
        ("Why", As::Text),
    ];
    let mut table = DataTable::new("Customers of the highest risk", &columns);
    for row in worst {
        table.row(vec![
            text(ids.get(&row.int("customer_key")).map_or("–", String::as_str)),
            number(row.number("risk_score"), 0),
            count(row.int("late_payments")),
            money(row.maybe_money("overdue_amount")),
            count(row.int("tickets_90d")),
            text(row.text("risk_reasons")),
        ]);
    }
    Ok(table.markup())
}
