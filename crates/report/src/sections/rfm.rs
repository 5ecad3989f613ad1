//! The heat map of recency against frequency and money.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::Error;
use crate::figures::{Money, count, float, of, percent, share};
use crate::page::Section;
use crate::snapshot::Snapshot;

const TABLES: &[&str] = &["customer_rfm", "rfm_validation"];
const SCORES: [i64; 5] = [1, 2, 3, 4, 5];

#[derive(Default)]
struct Square {
    customers: i64,
    revenue: Money,
    segments: BTreeMap<String, i64>,
}

impl Square {
    /// The segment most customers of the square are in; the first by name among equals.
    fn segment(&self) -> &str {
        let most = self.segments.values().copied().max().unwrap_or(0);
        self.segments.iter().find(|(_, customers)| **customers == most).map_or("", |(name, _)| name)
    }
}

pub(crate) fn section(now: Snapshot<'_>) -> Result<Section, Error> {
    let rows = now.rows("customer_rfm", &["r_score", "fm_score", "monetary", "base_segment"])?;
    if rows.is_empty() {
        return Ok(Section::absent("rfm", "Recency and worth", TABLES, "No customer is scored in this snapshot."));
    }
    let mut squares: BTreeMap<(i64, i64), Square> = BTreeMap::new();
    let mut customers = 0;
    for row in rows.iter() {
        let square = squares.entry((row.int("r_score"), row.int("fm_score"))).or_default();
        square.customers += 1;
        square.revenue = Money(square.revenue.0 + row.money("monetary").0);
        *square.segments.entry(row.text("base_segment").to_owned()).or_default() += 1;
        customers += 1;
    }
    let body = html! {
        p.lead { (lead(&squares, customers)) }
        (map(&squares, customers))
        (validation(now)?)
    };
    Ok(Section { id: "rfm", title: "Recency and worth", tables: TABLES, body })
}

fn lead(squares: &BTreeMap<(i64, i64), Square>, customers: i64) -> String {
    let in_corner = |r: i64, fm: i64| squares.get(&(r, fm)).map_or(0, |square| square.customers);
    let text = |n: i64| share(n, customers).map(|s| percent(s, 1)).unwrap_or_default();
    let (best, gone) = (in_corner(5, 5), in_corner(1, 1));
    format!(
        "Of {}, {} ({}) are in the best square, recent and of most worth; {} ({}) bought little and long ago.",
        of(customers, "customer"),
        count(best),
        text(best),
        count(gone),
        text(gone)
    )
}

fn map(squares: &BTreeMap<(i64, i64), Square>, customers: i64) -> Markup {
    let most = squares.values().map(|square| square.customers).max().unwrap_or(1);
    html! {
        figure.heat {
            div.scroll tabindex="0" role="region" aria-label="Customers by scores" { table.heatmap {
                caption { "Customers by recency (down, 5 is the most recent) and by frequency and money (across, 5 is the most), with the segment most of them are in" }
                thead { tr { td {} @for fm in SCORES { th scope="col" { "FM " (fm) } } } }
                tbody { @for r in SCORES.into_iter().rev() { tr {
                    th scope="row" { "R " (r) }
                    @for fm in SCORES { @match squares.get(&(r, fm)) {
                        Some(square) => { (cell(square, customers, most)) }
                        None => { td.zero { "0" } }
                    } }
                } } }
            } }
        }
    }
}

fn cell(square: &Square, customers: i64, most: i64) -> Markup {
    let strength = format!("--h:{:.3}", (float(square.customers) / float(most.max(1))).sqrt());
    let says = format!(
        "{}, {} of all, revenue {}",
        of(square.customers, "customer"),
        share(square.customers, customers).map(|s| percent(s, 1)).unwrap_or_default(),
        square.revenue.shown()
    );
    html! {
        td.hot data-value=(square.customers) style=(strength) title=(says) {
            b { (count(square.customers)) }
            span.segment { (square.segment()) }
        }
    }
}

/// A name as words: its first letter large, spaces for its underscores.
fn capital(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).map(|c| if c == '_' { ' ' } else { c }).collect()
}

fn validation(now: Snapshot<'_>) -> Result<Markup, Error> {
    let rows = now.rows("rfm_validation", &["check", "value", "threshold", "passed"])?;
    Ok(html! {
        @if !rows.is_empty() {
            h3 { "Do the best segments bring most?" }
            ul.ticks { @for row in rows.iter() { li {
                @match row.maybe_flag("passed") {
                    Some(true) => { span.pill.good { "holds" } }
                    Some(false) => { span.pill.warn { "does not hold" } }
                    None => { span.pill { "nothing to measure" } }
                }
                " " (capital(row.text("check")))
                @if let (Some(value), Some(limit)) = (row.number("value"), row.number("threshold")) {
                    span.faint { ": " (crate::figures::number(value, 2)) ", limit " (crate::figures::number(limit, 2)) } }
            } } }
        }
    })
}
