//! `consumer360 runs rejects`: the records that a run has set aside, and why.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use arrow::array::{Array, AsArray, StringArray};
use arrow::datatypes::Int64Type;
use compare::MASK;
use extract::{FileError, TableRows};
use scheduler::{Ledger, RunRecord};
use serde_json::{Value, json};

use crate::cli::{Global, Output};
use crate::exit::Failure;
use crate::figures::count;
use crate::handouts;

/// The column that a rejects file names for a record that fits no columns at all; its raw value is the whole record.
const WHOLE: &str = "(record)";

/// One record that was set aside.
struct Aside {
    entity: String,
    origin: String,
    record: i64,
    column: String,
    raw: Option<String>,
    reason: String,
}

/// Prints how many records each reason set aside, and the first of them. Masked are the values of personal columns, and whole
/// records, which may hold anything, unless `personal`.
pub fn rejects(global: &Global, ledger: &Ledger, run: &RunRecord, limit: usize, personal: bool) -> Result<ExitCode, Failure> {
    let folder = ledger.folder(&run.run_id).join("rejects");
    if !folder.is_dir() {
        let message = format!("the files of run {} are gone: those of old runs are removed (`runs: {{keep: …}}`)", run.run_id);
        return Err(Failure::usage(message));
    }
    let mut aside = Vec::new();
    for file in files(&folder).map_err(|e| Failure::step(&e))? {
        aside.extend(read(&file).map_err(|e| Failure::step(&e))?);
    }
    if !personal {
        let masked = masked(global, ledger, run);
        let hides = |column: &str| column == WHOLE || masked.iter().any(|masked| masked == column);
        for one in aside.iter_mut().filter(|one| one.raw.is_some() && hides(&one.column)) {
            one.raw = Some(MASK.to_owned());
        }
    }
    let all = all(&ledger.folder(&run.run_id)).max(aside.len() as u64);
    super::print(&match global.output {
        Output::Json => as_json(&aside, limit),
        Output::Text => as_text(run, &aside, all, limit),
    })
}

/// How many the book of the run counts: no more of them are kept than `limits.rejects_kept` says. 0 for a run without a book.
fn all(folder: &Path) -> u64 {
    let book = fs::read(folder.join("reconciliation.json")).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok());
    let hops = book.as_ref().and_then(Value::as_array).into_iter().flatten().filter(|hop| hop["hop"] == "extract");
    hops.filter_map(|hop| hop["rows_rejected"].as_u64()).sum()
}

fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "parquet"));
    files.sort();
    Ok(files)
}

fn read(file: &Path) -> Result<Vec<Aside>, FileError> {
    let mut all = Vec::new();
    for batch in TableRows::open(file, &["entity", "origin", "record", "column", "raw_value", "reason"])? {
        let batch = batch?;
        let text = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        let value = |texts: Option<&StringArray>, row: usize| {
            texts.filter(|texts| texts.is_valid(row)).map(|texts| texts.value(row).to_owned())
        };
        let records = batch.column_by_name("record").and_then(|column| column.as_primitive_opt::<Int64Type>());
        all.extend((0..batch.num_rows()).map(|row| Aside {
            entity: value(text("entity"), row).unwrap_or_default(),
            origin: value(text("origin"), row).unwrap_or_default(),
            record: records.map_or(0, |records| records.value(row)),
            column: value(text("column"), row).unwrap_or_default(),
            raw: value(text("raw_value"), row),
            reason: value(text("reason"), row).unwrap_or_default(),
        }));
    }
    Ok(all)
}

/// Columns that the pipeline masks; of one whose file is gone those that always tell of a person.
fn masked(global: &Global, ledger: &Ledger, run: &RunRecord) -> Vec<String> {
    let file = super::state::file_of(ledger, &run.pipeline).ok().flatten();
    let loaded = file.and_then(|file| super::load(global, &file).ok());
    let personal = || {
        let columns = schema::ENTITIES.iter().flat_map(|entity| schema::entity(*entity).columns).map(|column| column.name);
        columns.filter(|name| schema::is_personal(name)).map(str::to_owned).collect()
    };
    loaded.map_or_else(personal, |(pipeline, _)| handouts::masked(&pipeline))
}

fn as_json(aside: &[Aside], limit: usize) -> String {
    let one = |one: &Aside| {
        json!({
            "entity": one.entity, "origin": one.origin, "record": one.record, "column": one.column, "raw_value": one.raw,
            "reason": one.reason,
        })
    };
    format!("{:#}\n", Value::from(aside.iter().take(limit).map(one).collect::<Vec<_>>()))
}

fn as_text(run: &RunRecord, aside: &[Aside], all: u64, limit: usize) -> String {
    if aside.is_empty() {
        return format!("{}: every record that was read fits.\n", run.run_id);
    }
    let mut reasons: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    for one in aside {
        *reasons.entry((&one.entity, &one.column, &one.reason)).or_default() += 1;
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, records)| std::cmp::Reverse(*records));
    let kept = aside.len() as u64;
    let mut text = format!("{}: {} records set aside", run.run_id, count(all));
    if kept < all {
        let _ = write!(text, "; these are of the {} that are kept (`limits.rejects_kept`)", count(kept));
    }
    text += "\n\n";
    for ((entity, column, reason), records) in reasons {
        let _ = writeln!(text, "{:>10}  {entity}.{column} {reason}", count(records));
    }
    let shown: Vec<&Aside> = aside.iter().take(limit).collect();
    let width = |name: &str, of: fn(&Aside) -> usize| shown.iter().map(|one| of(one)).max().unwrap_or(0).max(name.len()) + 2;
    let (origin, column) = (width("origin", |one| one.origin.chars().count()), width("column", |one| one.column.chars().count()));
    let _ = writeln!(text, "\n{:<origin$}{:>10}  {:<column$}raw value", "origin", "record", "column");
    for one in &shown {
        let raw = one.raw.as_deref().unwrap_or_default().replace(['\n', '\r'], " ");
        let _ = writeln!(text, "{:<origin$}{:>10}  {:<column$}{raw}", one.origin, one.record, one.column);
    }
    if shown.len() < aside.len() {
        let _ = writeln!(text, "\n{} of {} are shown; --limit shows more", shown.len(), count(kept));
    }
    text
}
