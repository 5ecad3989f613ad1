//! Tables that are grids by nature, laid out as such.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int32Type};
use arrow::util::display::array_value_to_string;
use comfy_table::{CellAlignment, Table, presets};

/// Tables `--pivot` can lay out.
pub(super) const TABLES: [&str; 3] = ["cohort_retention", "customer_rfm", "segment_migration"];

pub(super) fn can(table: &str) -> bool {
    TABLES.contains(&table)
}

pub(super) fn text(table: &str, batches: &[RecordBatch]) -> String {
    if batches.iter().all(|b| b.num_rows() == 0) {
        return format!("{table}: no rows\n");
    }
    match table {
        "cohort_retention" => cohorts(batches),
        "customer_rfm" => scores(batches),
        _ => moves(batches),
    }
}

fn texts(column: Option<&ArrayRef>) -> Vec<String> {
    let Some(column) = column else { return Vec::new() };
    (0..column.len()).map(|row| array_value_to_string(column, row).unwrap_or_default()).collect()
}

fn whole(batch: &RecordBatch, name: &str) -> Vec<i32> {
    let column = batch.column_by_name(name).and_then(|c| c.as_primitive_opt::<Int32Type>());
    column.map(|c| c.values().to_vec()).unwrap_or_default()
}

/// One grid a kind of cohort: a row a cohort, a column a month; what is not over yet has a star.
fn cohorts(batches: &[RecordBatch]) -> String {
    type Row = (i32, BTreeMap<i32, String>);
    let mut kinds: BTreeMap<String, BTreeMap<String, Row>> = BTreeMap::new();
    for batch in batches {
        let (kind, start) = (texts(batch.column_by_name("cohort_kind")), texts(batch.column_by_name("cohort_start")));
        let (period, size) = (whole(batch, "period"), whole(batch, "cohort_size"));
        let rates = batch.column_by_name("retention_rate").and_then(|c| c.as_primitive_opt::<Float64Type>());
        let complete = batch.column_by_name("is_complete").and_then(|c| c.as_boolean_opt());
        let (Some(rates), Some(complete)) = (rates, complete) else { continue };
        let rows = kind.into_iter().zip(start).zip(period.into_iter().zip(size)).enumerate();
        for (row, ((kind, start), (period, size))) in rows {
            let mark = if complete.value(row) { "" } else { "*" };
            let cell = if rates.is_valid(row) { format!("{:.1}{mark}", rates.value(row) * 100.0) } else { String::new() };
            let entry = kinds.entry(kind).or_default().entry(start).or_insert_with(|| (size, BTreeMap::new()));
            entry.1.insert(period, cell);
        }
    }
    let mut text = String::new();
    for (kind, cohorts) in kinds {
        let periods: BTreeSet<i32> = cohorts.values().flat_map(|(_, cells)| cells.keys().copied()).collect();
        let header = ["cohort".to_owned(), "size".to_owned()].into_iter().chain(periods.iter().map(ToString::to_string));
        let mut table = grid(header.collect());
        for (start, (size, cells)) in cohorts {
            let month = start.get(..7).unwrap_or(&start).to_owned();
            let cells = periods.iter().map(|p| cells.get(p).cloned().unwrap_or_default());
            table.add_row([month, size.to_string()].into_iter().chain(cells).collect::<Vec<_>>());
        }
        let title = "% of the cohort that bought, by months since its start (* not over yet)";
        let _ = writeln!(text, "Retention by {kind}: {title}\n{}", right(table, 1));
    }
    text
}

/// Recency down, frequency and money across: how many customers stand in each cell, and what it is called.
fn scores(batches: &[RecordBatch]) -> String {
    let mut cells: BTreeMap<(i16, i16), (usize, BTreeMap<String, usize>)> = BTreeMap::new();
    for batch in batches {
        let score = |name: &str| -> Vec<i16> {
            texts(batch.column_by_name(name)).iter().map(|s| s.parse().unwrap_or_default()).collect()
        };
        let segments = texts(batch.column_by_name("base_segment"));
        for ((r, fm), segment) in score("r_score").into_iter().zip(score("fm_score")).zip(segments) {
            let cell = cells.entry((r, fm)).or_default();
            cell.0 += 1;
            *cell.1.entry(segment).or_default() += 1;
        }
    }
    let header = std::iter::once("R \\ FM".to_owned()).chain((1..=5).map(|fm| fm.to_string()));
    let mut table = grid(header.collect());
    for r in (1..=5_i16).rev() {
        let cell = |fm| {
            let Some((customers, segments)) = cells.get(&(r, fm)) else { return String::new() };
            let name =
                segments.iter().max_by_key(|(_, customers)| **customers).map(|(name, _)| name.as_str()).unwrap_or_default();
            format!("{customers}\n{name}")
        };
        table.add_row(std::iter::once(r.to_string()).chain((1..=5).map(cell)).collect::<Vec<_>>());
    }
    format!("Customers by recency score (down) and frequency-money score (across)\n{}", right(table, 1))
}

/// Segment before down, segment now across.
fn moves(batches: &[RecordBatch]) -> String {
    let mut cells: BTreeMap<String, BTreeMap<String, i32>> = BTreeMap::new();
    for batch in batches {
        let (from, to) = (texts(batch.column_by_name("from_segment")), texts(batch.column_by_name("to_segment")));
        for ((from, to), customers) in from.into_iter().zip(to).zip(whole(batch, "customers")) {
            *cells.entry(from).or_default().entry(to).or_default() += customers;
        }
    }
    let mut columns: Vec<String> = cells.values().flat_map(BTreeMap::keys).cloned().collect();
    columns.sort();
    columns.dedup();
    let mut table = grid(std::iter::once("from \\ to".to_owned()).chain(columns.iter().cloned()).collect());
    for (from, to) in &cells {
        let cells = columns.iter().map(|c| to.get(c).map(ToString::to_string).unwrap_or_default());
        table.add_row(std::iter::once(from.clone()).chain(cells).collect::<Vec<_>>());
    }
    format!("Customers by segment before (down) and now (across)\n{}", right(table, 1))
}

fn grid(header: Vec<String>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    table
}

/// The grid as text, its columns from this one on to the right.
fn right(mut table: Table, from: usize) -> String {
    for column in table.column_iter_mut().skip(from) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!("{table}\n")
}
