//! What was checked before anything was published.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use maud::{Markup, html};
use serde::Deserialize;

use crate::Error;
use crate::data_table::{As, DataTable, count, markup, text};
use crate::figures::{self, of};
use crate::page::Section;
use crate::rows::{Row, Rows};
use crate::snapshot::Snapshot;

const TABLES: &[&str] = &["meta_checks"];

/// What the run's own record knows beyond the published table.
#[derive(Deserialize)]
struct Recorded {
    check: String,
    table: String,
    #[serde(default)]
    remedy: String,
}

pub(crate) fn section(now: Snapshot<'_>, run: Option<&Path>) -> Result<Section, Error> {
    let checks = now.rows("meta_checks", &["check", "table", "status", "measured", "threshold", "failing_rows"])?;
    if checks.is_empty() {
        return Ok(Section::absent("checks", "Checks", TABLES, "This snapshot says nothing of its checks."));
    }
    let remedies = run.map(remedies).transpose()?.unwrap_or_default();
    let (held, told): (Vec<Row<'_>>, Vec<Row<'_>>) = checks.iter().partition(|row| row.text("status") == "passed");
    let body = html! {
        p.lead { (of(length(held.len()), "check")) " held, " (figures::count(length(told.len()))) " told of something." }
        @for row in told { (warning(row, &remedies)) }
        details { summary { "All checks" } (table(&checks).markup()) }
    };
    Ok(Section { id: "checks", title: "Checks", tables: TABLES, body })
}

fn length(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// What to do about each check, by check and table. A run's folder may have been cleared away.
fn remedies(run: &Path) -> Result<BTreeMap<(String, String), String>, Error> {
    let path = run.join("checks.json");
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(source) => return Err(Error::Open { path, source }),
    };
    let recorded: Vec<Recorded> = serde_json::from_slice(&bytes).map_err(|source| Error::Json { path, source })?;
    Ok(recorded.into_iter().filter(|r| !r.remedy.is_empty()).map(|r| ((r.check, r.table), r.remedy)).collect())
}

fn warning(row: Row<'_>, remedies: &BTreeMap<(String, String), String>) -> Markup {
    let remedy = remedies.get(&(row.text("check").to_owned(), row.text("table").to_owned()));
    html! {
        div.check {
            p { (pill(row.text("status"))) " " strong { (row.text("check").replace('_', " ")) } " on " code { (row.text("table")) } }
            p { (row.text("measured")) }
            @if let Some(remedy) = remedy { p.remedy { (remedy) } }
        }
    }
}

fn pill(status: &str) -> Markup {
    let tone = match status {
        "passed" => "good",
        "warned" => "warn",
        _ => "bad",
    };
    html! { span.pill.(tone) { (status) } }
}

fn table(checks: &Rows) -> DataTable {
    let columns = [
        ("Check", As::Text),
        ("On", As::Text),
        ("Outcome", As::Text),
        ("Seen", As::Text),
        ("Wanted", As::Text),
        ("Rows in breach", As::Number),
    ];
    let mut table = DataTable::new("All checks", &columns);
    for row in checks.iter() {
        table.row(vec![
            text(&row.text("check").replace('_', " ")),
            text(row.text("table")),
            markup(pill(row.text("status")), row.text("status")),
            text(row.text("measured")),
            text(row.text("threshold")),
            count(row.int("failing_rows")),
        ]);
    }
    table
}
