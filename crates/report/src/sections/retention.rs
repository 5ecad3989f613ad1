//! Who is active month by month, and how long the second purchase takes.

use maud::{Markup, html};
use serde_json::json;

use crate::Error;
use crate::chart::Chart;
use crate::data_table::{As, DataTable, count, number, percent, text};
use crate::figures;
use crate::page::Section;
use crate::rows::Rows;
use crate::sections::sentence;
use crate::snapshot::Snapshot;

const TABLES: &[&str] = &["retention_monthly", "second_purchase_survival"];

/// Days after the first purchase that the sentence and the table name.
const MARKS: [i64; 4] = [30, 90, 180, 365];

pub(crate) fn section(now: Snapshot<'_>) -> Result<Section, Error> {
    let columns = [
        "month_start",
        "active",
        "new",
        "retained",
        "reactivated",
        "lost",
        "retention_rate",
        "net_revenue_retention_12m",
        "is_complete",
    ];
    let months = now.rows("retention_monthly", &columns)?;
    let waits = now.rows("second_purchase_survival", &["day", "at_risk", "events", "survival", "standard_error"])?;
    if months.is_empty() && waits.is_empty() {
        return Ok(Section::absent("retention", "Coming back", TABLES, "There is nothing on retention in this snapshot."));
    }
    let body = html! {
        @if months.is_empty() { p.absent { "The months are left out of this snapshot." } } @else { @if let Some(lead) = lead(&months) { p.lead { (lead) } } (activity(&months).markup()) }
        (second_purchase(&waits))
    };
    Ok(Section { id: "retention", title: "Coming back", tables: TABLES, body })
}

/// The latest month that is over.
fn lead(months: &Rows) -> Option<String> {
    let month = months.iter().filter(|row| row.flag("is_complete")).max_by_key(|row| row.day("month_start"))?;
    Some(format!(
        "In {} {} bought: {} had bought in the month before, {} came back after a longer while and {} were new.",
        month.day("month_start")?.format("%B %Y"),
        figures::of(month.int("active"), "customer"),
        figures::count(month.int("retained")),
        figures::count(month.int("reactivated")),
        figures::count(month.int("new"))
    ))
}

fn activity(months: &Rows) -> Chart {
    let columns = [
        ("Month", As::Text),
        ("Active", As::Number),
        ("New", As::Number),
        ("Retained", As::Number),
        ("Reactivated", As::Number),
        ("Lost", As::Number),
        ("Retention", As::Number),
        ("Revenue of a year before kept", As::Number),
    ];
    let mut table = DataTable::new("Active customers by month", &columns);
    let mut data = Vec::new();
    for row in months.iter() {
        let Some(month) = row.day("month_start") else { continue };
        let name = month.format("%Y-%m").to_string() + if row.flag("is_complete") { "" } else { ", not over" };
        let counts = ["active", "new", "retained", "reactivated", "lost"].map(|column| count(row.int(column)));
        let rates = ["retention_rate", "net_revenue_retention_12m"].map(|column| percent(row.number(column)));
        table.row(std::iter::once(text(&name)).chain(counts).chain(rates).collect());
        for kind in ["retained", "reactivated", "new"] {
            data.push(
                json!({"month": month.to_string(), "kind": kind, "value": row.int(kind), "open": !row.flag("is_complete")}),
            );
        }
    }
    Chart {
        kind: "activity",
        title: "Active customers",
        says: format!(
            "Customers active in each of {} months: retained, reactivated and new; the figures are in the table below.",
            months.len()
        ),
        legend: &[("c1", "retained"), ("c2", "reactivated"), ("c3", "new")],
        data: data.into(),
        table,
    }
}

fn second_purchase(waits: &Rows) -> Markup {
    if waits.is_empty() {
        return html! { p.absent { "No second purchase is on record yet, so there is no curve of the time it takes." } };
    }
    let marks: Vec<(i64, f64)> = MARKS.into_iter().filter_map(|mark| Some((mark, came_back(waits, mark)?))).collect();
    if marks.is_empty() {
        return html! { p.absent { "Nobody has been watched long enough to say how long the second purchase takes." } };
    }
    let words: Vec<String> =
        marks.iter().map(|(day, share)| format!("{} within {day} days", figures::percent(*share, 0))).collect();
    html! {
        h3 { "The second purchase" }
        p.lead { "Of those who bought once, " (sentence(&words)) " have bought again." }
        (curve(waits, &marks).markup())
    }
}

/// The share with a second purchase by a day that some customers were watched for.
fn came_back(waits: &Rows, by: i64) -> Option<f64> {
    waits.iter().map(|row| row.int("day")).max().filter(|longest| *longest >= by)?;
    let last = waits.iter().filter(|row| row.int("day") <= by).max_by_key(|row| row.int("day"));
    Some(last.and_then(|row| row.number("survival")).map_or(0.0, |survival| 1.0 - survival))
}

fn curve(waits: &Rows, marks: &[(i64, f64)]) -> Chart {
    let points = waits.iter().filter_map(|row| {
        let (survival, error) = (row.number("survival")?, row.number("standard_error").unwrap_or(0.0));
        let bound = |share: f64| share.clamp(0.0, 1.0);
        let (low, high) = (bound(1.0 - survival - 1.96 * error), bound(1.0 - survival + 1.96 * error));
        Some(json!({"day": row.int("day"), "share": 1.0 - survival, "low": low, "high": high}))
    });
    let mut table = DataTable::new(
        "Share with a second purchase",
        &[("Days since the first purchase", As::Number), ("Have bought again", As::Number)],
    );
    for (day, share) in marks {
        table.row(vec![number(Some(figures::float(*day)), 0), percent(Some(*share))]);
    }
    Chart {
        kind: "wait",
        title: "Time to the second purchase",
        says: "Share of customers with a second purchase by days since the first, rising, with its 95 % interval; figures in the table below.".to_owned(),
        legend: &[("c1", "have bought again"), ("c1 band", "95\u{a0}% interval")],
        data: points.collect(),
        table,
    }
}
