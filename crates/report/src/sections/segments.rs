//! The segments, and who moved between them.

use std::collections::BTreeSet;

use maud::{Markup, html};

use crate::Error;
use crate::data_table::{As, DataTable, bar, count, money, number, text};
use crate::figures::{self, percent};
use crate::page::Section;
use crate::rows::{Row, Rows};
use crate::snapshot::Snapshot;

const TABLES: &[&str] = &["rfm_segment_summary", "segment_migration"];

pub(crate) fn section(now: Snapshot<'_>) -> Result<Section, Error> {
    let columns = [
        "segment",
        "region_key",
        "customers",
        "customer_share",
        "net_amount",
        "revenue_share",
        "average_recency_days",
        "average_orders",
        "average_monetary",
    ];
    let rows = now.rows("rfm_segment_summary", &columns)?;
    let mut segments: Vec<Row<'_>> = rows.iter().filter(|row| row.int("region_key") == 0).collect();
    if segments.is_empty() {
        return Ok(Section::absent("segments", "Segments", TABLES, "There are no segments in this snapshot."));
    }
    segments.sort_by_key(|row| (std::cmp::Reverse(row.money("net_amount")), row.text("segment")));
    let moves = now.rows("segment_migration", &["from_segment", "to_segment", "customers", "share_of_from"])?;
    let body = html! {
        @if let Some(first) = segments.first() { p.lead { (lead(*first)) } }
        (table(&segments).markup())
        h3 { "Who moved" }
        (migration(&moves))
    };
    Ok(Section { id: "segments", title: "Segments", tables: TABLES, body })
}

fn lead(row: Row<'_>) -> String {
    let share = |column| row.number(column).map(|share| percent(share, 1)).unwrap_or_default();
    format!(
        "{} bring most: {} of the customers and {} of their revenue.",
        row.text("segment"),
        share("customer_share"),
        share("revenue_share")
    )
}

fn table(segments: &[Row<'_>]) -> DataTable {
    let columns = [
        ("Segment", As::Text),
        ("Customers", As::Number),
        ("Of customers", As::Number),
        ("Revenue", As::Number),
        ("Of revenue", As::Number),
        ("Days since last order", As::Number),
        ("Orders each", As::Number),
        ("Revenue each", As::Number),
    ];
    let shares = || segments.iter().flat_map(|row| [row.number("customer_share"), row.number("revenue_share")]).flatten();
    let longest = shares().fold(0.0, f64::max);
    let mut table = DataTable::new("Size and worth of the segments", &columns);
    for row in segments {
        table.row(vec![
            text(row.text("segment")),
            count(row.int("customers")),
            bar(row.number("customer_share"), longest),
            money(row.maybe_money("net_amount")),
            bar(row.number("revenue_share"), longest),
            number(row.number("average_recency_days"), 0),
            number(row.number("average_orders"), 1),
            money(row.maybe_money("average_monetary")),
        ]);
    }
    table
}

/// From down, to across. The first snapshot knows only newcomers.
fn migration(moves: &Rows) -> Markup {
    let from: BTreeSet<&str> = moves.iter().map(|row| row.text("from_segment")).collect();
    if from.is_empty() || from.iter().all(|name| *name == "New") {
        return html! { p.absent { "This is the first snapshot, so every customer is new and nobody has moved." } };
    }
    let to: BTreeSet<&str> = moves.iter().map(|row| row.text("to_segment")).collect();
    let (same_as_before, changed) =
        moves.iter().filter(|row| row.text("from_segment") != "New").fold((0, 0), |(same_as_before, changed), row| {
            let same = row.text("from_segment") == row.text("to_segment");
            (same_as_before + if same { row.int("customers") } else { 0 }, changed + if same { 0 } else { row.int("customers") })
        });
    html! {
        p { (figures::of(same_as_before, "customer")) " stayed in their segment, " (figures::count(changed)) " moved to another." }
        div.scroll tabindex="0" role="region" aria-label="Moves between segments" { table.heatmap.moves {
            caption.hidden { "Customers by segment in the last snapshot (down) and now (across)" }
            thead { tr { th scope="col" { "From \\ to" } @for name in &to { th scope="col" { (name) } } } }
            tbody { @for before in &from { tr {
                th scope="row" { (before) }
                @for after in &to { (way(moves, before, after)) }
            } } }
        } }
    }
}

fn way(moves: &Rows, before: &str, after: &str) -> Markup {
    let Some(row) = moves.iter().find(|row| row.text("from_segment") == before && row.text("to_segment") == after) else {
        return html! { td.zero { "·" } };
    };
    let share = row.number("share_of_from").unwrap_or(0.0);
    let customers = row.int("customers");
    let says = format!("{} of {before} went to {after}, {}", figures::count(customers), percent(share, 1));
    html! {
        td.hot.same[before == after] data-value=(customers) style={ "--h:" (format!("{share:.3}")) } title=(says) {
            (figures::count(customers))
        }
    }
}
