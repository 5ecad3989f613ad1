//! The sections of a run's page that come from its folder.

use std::path::Path;

use maud::{Markup, html};

use crate::figures::{count, money, part};
use crate::pages::parts;
use crate::pages::run::Asked;
use crate::personal::MASK;
use crate::run_files::{self, Check, Hop};
use crate::table_rows;
use crate::view::PiiPolicy;

const REJECTS_A_PAGE: u64 = 50;
/// Of a check; all that are kept are in its file.
const FAILING_ROWS: usize = 20;
const LOG_LINES: usize = 400;
const LEVELS: [&str; 4] = ["debug", "info", "warn", "error"];

pub fn checks(folder: &Path, policy: &PiiPolicy) -> Markup {
    let all = run_files::checks(folder).unwrap_or_default();
    let (held, told): (Vec<&Check>, Vec<&Check>) = all.iter().partition(|c| c.status == "passed");
    html! {
        section aria-labelledby="checks" {
            h2 #checks { "Checks" }
            @if all.is_empty() { (parts::empty("No checks yet", &html! { "The run did not come as far as the gate." })) } @else {
                p { (count(len(held.len()))) " held, " (count(len(told.len()))) " have something to say." }
                @for check in told { article.check {
                    header { h3 { (check.check.replace('_', " ")) " " span.faint { (check.table) } } (parts::pill(&check.status)) }
                    p { (check.measured) }
                    @if !check.threshold.is_empty() { p.faint { "Wanted: " (check.threshold) } }
                    @if !check.remedy.is_empty() { p.remedy { strong { "What to do: " } (check.remedy) } }
                    (failing_rows(folder, check, policy))
                } }
                details { summary { "The checks that held" } (held_table(&held)) }
            }
        }
    }
}

/// The first of a check's failing rows.
fn failing_rows(folder: &Path, check: &Check, policy: &PiiPolicy) -> Markup {
    let file = check.kept.as_ref().and_then(|kept| run_files::kept_file(folder, kept));
    let Some(rows) = file.and_then(|file| table_rows::read(&file, 0, FAILING_ROWS)) else { return html! {} };
    html! {
        details {
            summary { "The first " (count(len(rows.cells.len()))) " of " (count(check.failing_rows)) " failing rows" }
            div.scroll tabindex="0" role="group" aria-label={ "Failing rows of " (check.check) } { table {
                caption.hidden { "Failing rows of " (check.check) }
                thead { tr { @for column in &rows.columns { th scope="col" { (column) } } } }
                tbody { @for row in &rows.cells { tr { @for (column, cell) in rows.columns.iter().zip(row) {
                    td { @match cell {
                        Some(_) if policy.masks_kept(column) => { (mask()) }
                        Some(value) => { (value) }
                        None => { span.faint { "none" } }
                    } }
                } } } }
            } }
        }
    }
}

fn held_table(held: &[&Check]) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label="Checks that held" { table {
            caption.hidden { "Checks that held" }
            thead { tr { th scope="col" { "Check" }
            th scope="col" { "Table" }
            th scope="col" { "Saw" }
            th scope="col" { "Wanted" }
            th.number scope="col" { "Failing rows" } } }
            tbody { @for check in held { tr {
                th scope="row" { (check.check) }
                td { (check.table) }
                td { (check.measured) }
                td { (check.threshold) }
                td.number { (count(check.failing_rows)) }
            } } }
        } }
    }
}

pub fn book(folder: &Path) -> Markup {
    let hops = run_files::book(folder);
    html! {
        section aria-labelledby="book" {
            h2 #book { "Reconciliation" }
            @if hops.is_empty() { (parts::empty("No book yet", &html! { "Rows and amounts are reconciled once the tables are built." })) } @else {
                p.faint { "At every hop: in = out + rejected + duplicates + filtered, in rows and, beneath them, in money." }
                div.scroll tabindex="0" role="group" aria-label="Reconciliation" { table {
                    caption.hidden { "Rows and amounts at every hop" }
                    thead { tr {
                        th scope="col" { "Hop" }
                        th scope="col" { "Of" }
                        th.number scope="col" { "In" }
                        th.number scope="col" { "Out" }
                        th.number scope="col" { "Rejected" }
                        th.number scope="col" { "Duplicates" }
                        th.number scope="col" { "Filtered" }
                        th scope="col" { "Balance" }
                    } }
                    tbody { @for hop in &hops { (hop_row(hop)) } }
                } }
            }
        }
    }
}

/// What the sources have changed, and how much was read of those that are read in increments; nothing where there is neither.
pub fn sources(folder: &Path) -> Markup {
    let (changes, increments) = run_files::sources(folder);
    html! {
        @if !(changes.is_empty() && increments.is_empty()) { section aria-labelledby="sources" {
            h2 #sources { "Sources" }
            @if !changes.is_empty() {
                p { "Changed since the last published run:" }
                ul { @for change in &changes { li {
                    strong { (change.check.replace('_', " ")) } " " span.faint { (change.table) } ": " (change.message)
                } } }
            }
            @if !increments.is_empty() { div.scroll tabindex="0" role="group" aria-label="What was read" { table {
                caption.hidden { "What was read of each source" }
                thead { tr {
                    th scope="col" { "Source" }
                    th.number scope="col" { "Rows read" }
                    th.number scope="col" { "Rows in all" }
                    th scope="col" { "Which" }
                } }
                tbody { @for (entity, one) in &increments { tr {
                    th scope="row" { (entity) }
                    td.number { (count(one.rows_read)) }
                    td.number { (count(one.rows)) }
                    td { @match (&one.from, &one.whole_because) {
                        (Some(from), _) => { "those from " (from) " on" }
                        (None, Some(reason)) => { "all, because " (reason) }
                        (None, None) => { "all" }
                    } }
                } } }
            } } }
        } }
    }
}

fn hop_row(hop: &Hop) -> Markup {
    let left = [
        (hop.rows_rejected, &hop.amount_rejected),
        (hop.rows_deduplicated, &hop.amount_deduplicated),
        (hop.rows_filtered, &hop.amount_filtered),
    ];
    html! {
        tr {
            th scope="row" { (hop.hop) }
            td { (hop.entity) }
            td.number { (count(hop.rows_in)) (beneath(hop.amount_in.as_deref())) }
            td.number { (count(hop.rows_loaded)) (beneath(hop.amount_out.as_deref())) }
            @for (rows, amount) in left {
                td.number.zero[rows == 0] { (count(rows)) (beneath(amount.as_deref().filter(|_| rows > 0))) }
            }
            td { (parts::pill(if hop.balanced() { "balanced" } else { "not balanced" })) }
        }
    }
}

/// The amount under the number of rows it belongs to.
fn beneath(amount: Option<&str>) -> Markup {
    html! { @if let Some(amount) = amount { br; span.faint { (money(amount)) } } }
}

pub fn rejects(folder: &Path, run_id: &str, policy: &PiiPolicy, asked: &Asked) -> Markup {
    let page = asked.rejects.parse::<u64>().unwrap_or(1).max(1);
    let offset = usize::try_from((page - 1).saturating_mul(REJECTS_A_PAGE)).unwrap_or(usize::MAX);
    let limit = usize::try_from(REJECTS_A_PAGE).unwrap_or(0);
    let files: Vec<_> = run_files::reject_files(folder)
        .into_iter()
        .filter_map(|(entity, path)| Some((entity, table_rows::read(&path, offset, limit)?)))
        .filter(|(_, rows)| rows.total > 0)
        .collect();
    let pages = files.iter().map(|(_, rows)| rows.total.div_ceil(REJECTS_A_PAGE)).max().unwrap_or(1);
    html! {
        section aria-labelledby="rejects" {
            h2 #rejects { "Records set aside" }
            @if files.is_empty() { (parts::empty("None", &html! { "Every record that was read fits." })) }
            @for (entity, rows) in &files {
                h3 { (entity) " " span.faint { (count(rows.total)) } }
                div.scroll tabindex="0" role="group" aria-label={ "Records of " (entity) " set aside" } { table {
                    caption.hidden { "Records of " (entity) " set aside" }
                    thead { tr { th scope="col" { "Origin" }
                    th.number scope="col" { "Record" }
                    th scope="col" { "Column" }
                    th scope="col" { "Raw value" }
                    th scope="col" { "Why" } } }
                    tbody { @for row in &rows.cells { (reject(row, policy)) } }
                } }
            }
            (parts::pager("Pages of records set aside", page, pages, |p| format!("/runs/{}?rejects={p}#rejects", part(run_id))))
        }
    }
}

/// A row of a rejects file: entity, origin, record, column, raw value, reason.
fn reject(row: &[Option<String>], policy: &PiiPolicy) -> Markup {
    let cell = |at: usize| row.get(at).and_then(Option::as_deref).unwrap_or_default();
    let is_masked = policy.masks_raw(cell(3)) && row.get(4).is_some_and(Option::is_some);
    html! {
        tr {
            td { (cell(1)) } td.number { (cell(2)) } th scope="row" { (cell(3)) }
            td.mono { @if is_masked { (mask()) } @else { (cell(4)) } }
            td { (cell(5)) }
        }
    }
}

pub fn mask() -> Markup {
    html! { span.masked title="Personal: masked" aria-label="masked" role="img" { (MASK) } }
}

pub fn log(folder: &Path, run_id: &str, asked: &Asked) -> Markup {
    let level = LEVELS.into_iter().find(|level| *level == asked.level).unwrap_or("info");
    let lines = run_files::log(folder, level, LOG_LINES);
    html! {
        section aria-labelledby="log" {
            h2 #log { "Log" }
            nav.levels aria-label="Log level" { @for choice in LEVELS {
                a href={ "/runs/" (part(run_id)) "?level=" (choice) "#log" } aria-current=[(choice == level).then_some("true")] { (choice) }
            } }
            @if lines.is_empty() { (parts::empty("No lines", &html! { "Nothing was logged at this level." })) } @else {
                ol.log tabindex="0" aria-label="Log lines" { @for line in &lines {
                    li.{ "l-" (line.level.to_ascii_lowercase()) } {
                        span.faint { (line.at.get(11..19).unwrap_or(&line.at)) } " " b { (line.level) } " " (line.message) " " span.faint { (line.fields) }
                    }
                } }
            }
        }
    }
}

fn len(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
