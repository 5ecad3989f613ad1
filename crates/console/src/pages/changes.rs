//! What a run's snapshot changed against the one that readers saw before it.

use std::collections::BTreeMap;
use std::path::Path;

use maud::{Markup, html};
use scheduler::RunRecord;

use crate::figures::{change, count, money};
use crate::pages::parts;
use crate::published::{self, Manifest};
use crate::table_rows;
use crate::view::PipelineView;

/// Segments of all regions are few; more rows than this are no summary.
const MOST_SUMMARY_ROWS: usize = 5_000;

pub fn section(run: &RunRecord, pipeline: &PipelineView) -> Markup {
    let Some(snapshot) = run.snapshot.as_deref() else { return html! {} };
    let withdrawn = published::current(pipeline).map(|seen| seen.withdrawn).unwrap_or_default();
    let known = published::snapshots(pipeline);
    let mut known = known.iter().skip_while(|m| m.snapshot != snapshot);
    let after = known.next();
    let before = known.find(|m| !m.behind && !withdrawn.contains(&m.snapshot));
    html! {
        section aria-labelledby="changes" {
            h2 #changes { "Changes" }
            @match (before, after) {
                (Some(before), Some(after)) => { (compared(&pipeline.publish_to, before, after)) }
                (None, Some(_)) => { (parts::empty("The first snapshot", &html! { "There is none before it to compare with." })) }
                _ => { (parts::empty("The snapshot is gone", &html! { "It is no longer kept, so it cannot be compared." })) }
            }
        }
    }
}

fn compared(publish_to: &Path, before: &Manifest, after: &Manifest) -> Markup {
    let headlines = headlines(publish_to, before, after);
    let changed = after.tables.iter().filter(|t| before.table(&t.table).is_none_or(|b| b.rows != t.rows));
    let changed: Vec<_> = changed.collect();
    html! {
        p.faint { "Against " span.mono { (before.snapshot) } ", as of " (before.as_of) "." }
        dl.facts { @for (name, was, is) in headlines {
            div { dt { (name) } dd.figure { (is) } dd.faint { "before: " (was) } }
        } }
        @if changed.is_empty() { p { "Every table has as many rows as before." } } @else {
            div.scroll tabindex="0" role="group" aria-label="Rows a table" { table {
                caption.hidden { "Tables whose number of rows changed" }
                thead { tr { th scope="col" { "Table" }
                th.number scope="col" { "Before" }
                th.number scope="col" { "Now" }
                th.number scope="col" { "Change" } } }
                tbody { @for entry in changed {
                    @let was = before.table(&entry.table).map_or(0, |t| t.rows);
                    tr { th scope="row" { (entry.table) }
                    td.number { (count(was)) }
                    td.number { (count(entry.rows)) }
                    td.number { (change(was, entry.rows)) } }
                } }
            } }
        }
    }
}

/// Order lines from the manifests; customers and revenue from the summary of the segments.
fn headlines(publish_to: &Path, before: &Manifest, after: &Manifest) -> Vec<(&'static str, String, String)> {
    let lines = |m: &Manifest| m.table("fact_sales").map_or(0, |t| t.rows);
    let mut found = vec![("Order lines", count(lines(before)), count(lines(after)))];
    let (was, is) = (totals(publish_to, &before.snapshot), totals(publish_to, &after.snapshot));
    if let (Some(was), Some(is)) = (was, is) {
        found.push(("Customers who bought", count(was.0), count(is.0)));
        found.push(("Revenue", money(&was.1), money(&is.1)));
    }
    found
}

/// Customers and revenue over all segments. The summary has each region besides the row for all, which has key 0.
fn totals(publish_to: &Path, snapshot: &str) -> Option<(u64, String)> {
    let path = publish_to.join("snapshots").join(snapshot).join("rfm_segment_summary.parquet");
    let rows = table_rows::read(&path, 0, MOST_SUMMARY_ROWS)?;
    let at: BTreeMap<&str, usize> = rows.columns.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
    let (region, customers, amount) = (*at.get("region_key")?, *at.get("customers")?, *at.get("net_amount")?);
    let (mut people, mut units) = (0_u64, 0_i128);
    for row in &rows.cells {
        let cell = |at: usize| row.get(at).and_then(Option::as_deref).unwrap_or_default();
        if cell(region) == "0" {
            people += cell(customers).parse::<u64>().ok()?;
            units += cell(amount).replace('.', "").parse::<i128>().ok()?;
        }
    }
    let sign = if units < 0 { "-" } else { "" };
    Some((people, format!("{sign}{}.{:04}", units.unsigned_abs() / 10_000, units.unsigned_abs() % 10_000)))
}
