//! What differs, for a person.

use std::cmp::Reverse;
use std::fmt::Write as _;

use comfy_table::{ContentArrangement, Table, presets};
use compare::{Basis, Change, Comparison, DifferingRow, Figure, Measure, Move, Presence, TableDifference};
use load::Manifest;
use serde_json::Value;

use crate::figures::{count, money};

/// Moves between segments and columns of a table that are told one by one; the others are counted.
const MOVES: usize = 12;
const COLUMNS: usize = 3;

pub(super) fn head(pipeline: &str, before: &Manifest, after: &Manifest) -> String {
    let side = |word: &str, manifest: &Manifest| {
        format!("{word:<8}{:<26}as of {}, published {}\n", manifest.snapshot, manifest.as_of, manifest.published_at)
    };
    format!("{pipeline}\n{}{}\n", side("before", before), side("after", after))
}

pub(super) fn all(found: &Comparison) -> String {
    if !found.differs() {
        return format!("Nothing differs; {} tables are the same.\n", found.tables.len());
    }
    [figures(&found.figures), segments(&found.segments), schemas(&found.tables), tables(&found.tables)].concat()
}

fn figures(figures: &[Figure]) -> String {
    let mut text = format!("{:<27}{:>18}{:>18}{:>18}\n", "Figures", "before", "after", "change");
    for figure in figures.iter().filter(|figure| figure.before.is_some() || figure.after.is_some()) {
        let shown = |measure: Option<Measure>| measure.map_or_else(|| "not published".to_owned(), measured);
        let relative = figure.relative.filter(|share| *share != 0.0).map(|share| format!("{:+.1} %", share * 100.0));
        let line = format!(
            "{:<27}{:>18}{:>18}{:>18}{:>11}",
            figure.title,
            shown(figure.before),
            shown(figure.after),
            figure.change.map(moved).unwrap_or_default(),
            relative.unwrap_or_default(),
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn measured(measure: Measure) -> String {
    match measure {
        Measure::Amount(amount) => money(amount),
        Measure::Count(number) if number < 0 => format!("-{}", count(number.unsigned_abs())),
        Measure::Count(number) => count(number.unsigned_abs()),
        Measure::Share(share) => format!("{:.1} %", share * 100.0),
    }
}

fn moved(change: Measure) -> String {
    let is_up = match change {
        Measure::Amount(0) | Measure::Count(0) | Measure::Share(0.0) => return "no change".to_owned(),
        Measure::Share(share) => return format!("{:+.1} points", share * 100.0),
        Measure::Amount(amount) => amount > 0,
        Measure::Count(number) => number > 0,
    };
    format!("{}{}", if is_up { "+" } else { "" }, measured(change))
}

/// The largest moves first.
fn segments(moves: &[Move]) -> String {
    let (stayed, mut left): (Vec<&Move>, Vec<&Move>) = moves.iter().partition(|m| m.from == m.to);
    if left.is_empty() {
        return String::new();
    }
    left.sort_by_key(|m| Reverse(m.customers));
    let sum = |moves: &[&Move]| count(moves.iter().map(|m| m.customers).sum());
    let mut text = format!("\n{:<22}{:<22}{:>12}\n", "Segments from", "to", "customers");
    for m in left.iter().take(MOVES) {
        let (from, to) = (m.from.as_deref().unwrap_or("(came)"), m.to.as_deref().unwrap_or("(went)"));
        let _ = writeln!(text, "{from:<22}{to:<22}{:>12}", count(m.customers));
    }
    if let Some(others) = left.get(MOVES..).filter(|others| !others.is_empty()) {
        let _ = writeln!(text, "{:<44}{:>12}", format!("{} other ways", others.len()), sum(others));
    }
    let _ = writeln!(text, "{:<44}{:>12}", "stayed where they were", sum(&stayed));
    text
}

fn schemas(tables: &[TableDifference]) -> String {
    let mut text = String::new();
    for table in tables {
        match table.presence {
            Presence::Added => _ = writeln!(text, "{}: new, {} rows", table.table, count(table.rows_after)),
            Presence::Removed => _ = writeln!(text, "{}: gone, had {} rows", table.table, count(table.rows_before)),
            Presence::Both => text += &columns(table),
        }
    }
    if text.is_empty() { text } else { format!("\nSchema\n{text}") }
}

fn columns(table: &TableDifference) -> String {
    let mut text = String::new();
    for change in &table.schema {
        let what = match (&change.before, &change.after) {
            (Some(before), Some(after)) => format!("{after}, was {before}"),
            (None, Some(after)) => format!("new, {after}"),
            (before, None) => format!("gone, was {}", before.as_deref().unwrap_or("nothing")),
        };
        let _ = writeln!(text, "{}.{}: {what}", table.table, change.column);
    }
    text
}

fn tables(tables: &[TableDifference]) -> String {
    let listed: Vec<&TableDifference> = tables.iter().filter(|table| table.is_data && table.has_rows()).collect();
    let mut text = "\n".to_owned();
    if !listed.is_empty() {
        let [before, after, added, removed, changed] = ["before", "after", "added", "removed", "changed"];
        let _ = writeln!(text, "{:<25}{before:>12}{after:>12}{added:>10}{removed:>10}{changed:>10}  columns", "Tables");
    }
    for table in listed {
        let line = format!(
            "{:<25}{:>12}{:>12}{:>10}{:>10}{:>10}  {}",
            table.table,
            count(table.rows_before),
            count(table.rows_after),
            count(table.added),
            count(table.removed),
            count(table.changed),
            changed_columns(table),
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
    let same = tables.iter().filter(|table| !table.counts() && table.is_data).count();
    let same = format!("{same} {} the same", if same == 1 { "table is" } else { "tables are" });
    let other = tables.iter().find(|table| !table.is_data && table.has_rows());
    let other = other.map(|table| format!("; {} is another in every run and does not count", table.table));
    let _ = writeln!(text, "{same}{}", other.unwrap_or_default());
    text
}

fn changed_columns(table: &TableDifference) -> String {
    if table.compared_by == Basis::Row {
        return "compared as whole rows, for want of a key".to_owned();
    }
    let named = table.columns.iter().take(COLUMNS).map(|column| format!("{} {}", column.column, count(column.rows)));
    let mut text = named.collect::<Vec<_>>().join(", ");
    if let Some(others) = table.columns.len().checked_sub(COLUMNS).filter(|others| *others > 0) {
        let _ = write!(text, " and {others} more");
    }
    text
}

/// One table and its rows that differ.
pub(super) fn one(table: &TableDifference, rows: &[DifferingRow]) -> String {
    let mut text = match table.presence {
        Presence::Added => format!("{} is new, with {} rows\n", table.table, count(table.rows_after)),
        Presence::Removed => format!("{} is gone; it had {} rows\n", table.table, count(table.rows_before)),
        Presence::Both => columns(table),
    };
    if !rows.is_empty() {
        text += &grid(rows);
    }
    if table.presence == Presence::Both {
        let (added, removed, changed) = (count(table.added), count(table.removed), count(table.changed));
        let _ = match (table.has_rows(), table.added + table.removed + table.changed) {
            (false, _) => writeln!(text, "{}: no row differs", table.table),
            (true, all) => writeln!(
                text,
                "{}: {added} added, {removed} removed, {changed} changed of {} and {} rows; {} of {} shown",
                table.table,
                count(table.rows_before),
                count(table.rows_after),
                count(rows.iter().map(|row| row.times).sum()),
                count(all),
            ),
        };
    }
    text
}

/// A line a column that changed; the key stands in the first line of its row.
fn grid(rows: &[DifferingRow]) -> String {
    let keys: Vec<&String> = rows.first().map(|row| row.key.keys().collect()).unwrap_or_default();
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    let header = keys.iter().map(|key| (*key).clone()).chain(["", "column", "before", "after"].map(str::to_owned));
    table.set_header(header.collect::<Vec<_>>());
    for row in rows {
        let what = match row.change {
            Change::Added => "added",
            Change::Removed => "removed",
            Change::Changed => "",
        };
        let what = if row.times > 1 { format!("{what} {} times", count(row.times)) } else { what.to_owned() };
        let mut key: Vec<String> = keys.iter().map(|key| row.key.get(*key).map(shown).unwrap_or_default()).collect();
        key.push(what);
        // A row with a key that came or went is told by its key alone.
        let cells = if row.change == Change::Changed || row.key.is_empty() { row.cells.as_slice() } else { &[] };
        if cells.is_empty() {
            table.add_row(key.iter().cloned().chain(["", "", ""].map(str::to_owned)).collect::<Vec<_>>());
        }
        for cell in cells {
            let values = [cell.column.clone(), shown(&cell.before), shown(&cell.after)];
            table.add_row(key.iter().cloned().chain(values).collect::<Vec<_>>());
            key.iter_mut().for_each(String::clear);
        }
    }
    let lines: Vec<String> = table.to_string().lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n") + "\n"
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
