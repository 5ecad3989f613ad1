//! The cohort triangle.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use maud::{Markup, html};

use crate::Error;
use crate::figures::{count, number, percent};
use crate::page::Section;
use crate::rows::{Row, Rows};
use crate::sections::sentence;
use crate::snapshot::Snapshot;

const TABLES: &[&str] = &["cohort_retention", "cohort_average"];

/// The triangle shows at most so many of the youngest cohorts and of the months after their start.
const COHORTS: usize = 24;
const PERIODS: i64 = 24;

const KINDS: [(&str, &str); 2] = [("first_purchase", "By month of the first purchase"), ("signup", "By month of signup")];

pub(crate) fn section(now: Snapshot<'_>) -> Result<Section, Error> {
    let columns = ["cohort_kind", "cohort_start", "period", "cohort_size", "active_customers", "retention_rate", "is_complete"];
    let rows = now.rows("cohort_retention", &columns)?;
    let averages = now.rows("cohort_average", &["cohort_kind", "period", "weighted_retention", "cohorts"])?;
    if rows.is_empty() {
        return Ok(Section::absent("cohorts", "Cohorts", TABLES, "There are no cohorts in this snapshot."));
    }
    let body = html! {
        @if let Some(lead) = lead(&averages) { p.lead { (lead) } }
        @for (at, (kind, title)) in KINDS.into_iter().enumerate() { @if rows.of("cohort_kind", kind).any(|row| is_shown(&row)) {
            @let triangle = triangle(&rows, kind, title);
            @if at == 0 { (triangle) } @else { details { summary { (title) } (triangle) } }
        } }
    };
    Ok(Section { id: "cohorts", title: "Cohorts", tables: TABLES, body })
}

fn lead(averages: &Rows) -> Option<String> {
    let after = |period: i64| {
        let row = averages.of("cohort_kind", "first_purchase").find(|row| row.int("period") == period)?;
        Some(percent(row.number("weighted_retention")?, 1))
    };
    let later = [6, 12].into_iter().filter_map(|period| Some(format!("{} in month {period}", after(period)?)));
    let months = std::iter::once(format!("{} of a cohort buys again in the month after its first", after(1)?)).chain(later);
    Some(format!("On average {}.", sentence(&months.collect::<Vec<_>>())))
}

/// A cohort that began long before the calendar has no period that is.
fn is_shown(row: &Row<'_>) -> bool {
    (0..=PERIODS).contains(&row.int("period"))
}

fn triangle(rows: &Rows, kind: &'static str, title: &'static str) -> Markup {
    let mut cohorts: BTreeMap<NaiveDate, Vec<Row<'_>>> = BTreeMap::new();
    for row in rows.of("cohort_kind", kind).filter(is_shown) {
        let Some(start) = row.day("cohort_start") else { continue };
        cohorts.entry(start).or_default().push(row);
    }
    let left_out = cohorts.len().saturating_sub(COHORTS);
    let shown: Vec<_> = cohorts.iter().skip(left_out).collect();
    let longest = shown.iter().flat_map(|(_, rows)| rows.iter().map(|row| row.int("period"))).max().unwrap_or(0);
    let rates = shown.iter().flat_map(|(_, rows)| rows.iter().filter(|row| row.int("period") > 0));
    let highest = rates.filter_map(|row| row.number("retention_rate")).fold(0.0, f64::max);
    html! {
        div.scroll tabindex="0" role="region" aria-label=(title) { table.heatmap.triangle {
            caption { (title) ": percent of the cohort that bought in the month, by months since its start"
                @if left_out > 0 { ". The youngest " (shown.len()) " of " (cohorts.len()) " cohorts" } }
            thead { tr { th scope="col" { "Cohort" } th scope="col" { "Size" } @for period in 0..=longest { th scope="col" { (period) } } } }
            tbody { @for (start, rows) in shown { tr {
                th scope="row" { (start.format("%Y-%m")) }
                @let size = rows.first().map_or(0, |row| row.int("cohort_size"));
                td.size data-value=(size) { (count(size)) }
                @for period in 0..=longest { (cell(rows.iter().find(|row| row.int("period") == period).copied(), highest)) }
            } } }
        } }
        p.note { "Slanted figures are of a month that is not over." }
    }
}

fn cell(row: Option<Row<'_>>, highest: f64) -> Markup {
    let Some((row, rate)) = row.and_then(|row| Some((row, row.number("retention_rate")?))) else { return html! { td {} } };
    let strength = if row.int("period") == 0 { 0.0 } else { rate / highest.max(f64::MIN_POSITIVE) };
    let says = format!("{} of {} bought", count(row.int("active_customers")), count(row.int("cohort_size")));
    html! {
        td.hot.open[!row.flag("is_complete")] data-value=(rate.to_string()) style={ "--h:" (format!("{strength:.3}")) } title=(says) {
            (number(rate * 100.0, 0))
        }
    }
}
