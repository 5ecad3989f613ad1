//! `consumer360 export`.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::ExitCode;

use load::Target;
use report::Format;
use schema::Table;
use serde_json::json;

use super::describe::{published, unknown};
use crate::cli::{ExportOptions, Global, Output};
use crate::exit::Failure;
use crate::figures::count;
use crate::handouts;

/// Written with who the customers are, because a list of keys wins nobody back.
const WINBACK: &str = "winback_targets";

/// Bytes within which the header of an export ends.
const HEADER: u64 = 16_384;

pub fn export(global: &Global, options: &ExportOptions) -> Result<ExitCode, Failure> {
    let Some(contract) = published().into_iter().find(|table| table.name == options.table) else {
        return Err(Failure::usage(unknown(&options.table)));
    };
    let format = match options.to.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase).as_deref() {
        Some("csv") => Format::Csv { byte_order_mark: options.for_excel },
        Some("xlsx") => Format::Xlsx,
        _ => return Err(Failure::usage(format!("{} ends neither with .csv nor with .xlsx", options.to.display()))),
    };
    if !may_replace(&options.to, contract) {
        let message =
            format!("{} is there and is no export of {}: remove it, or name another file", options.to.display(), contract.name);
        return Err(Failure::usage(message));
    }
    let file = super::pipeline_file(global, options.pipeline.as_deref())?;
    let (pipeline, settings) = super::load(global, &file)?;
    let target = Target::open(&pipeline.publish, &settings.state).map_err(|e| Failure::step(&e))?;
    let snapshot = super::published(&target, &pipeline, &file)?;
    let folder = target.snapshot(&snapshot).map_err(|e| Failure::step(&e))?;
    let masked = if options.personal { Vec::new() } else { handouts::masked(&pipeline) };
    let rows = if contract.name == WINBACK {
        report::export_winback(&folder, &options.to, format, masked.is_empty())
    } else {
        report::export(&folder, contract.name, &options.to, format, &masked)
    };
    let rows = rows.map_err(|e| Failure::step(&e))?;
    let left_out: Vec<&str> =
        contract.columns.iter().map(|column| column.name).filter(|name| masked.iter().any(|masked| masked == name)).collect();
    if global.output == Output::Json {
        let facts = json!({"table": contract.name, "file": options.to, "snapshot": snapshot, "rows": rows, "left_out": left_out});
        return super::print(&format!("{facts:#}\n"));
    }
    let is_without = !left_out.is_empty() || (contract.name == WINBACK && !masked.is_empty());
    let note = if is_without { "; names and addresses are left out (--personal writes them)" } else { "" };
    super::print(&format!("{}: {} rows of {} as of {snapshot}{note}\n", options.to.display(), count(rows), contract.name))
}

/// Whether nothing is lost by writing there: nothing lies there, or an earlier export, or a workbook that nobody reads back.
fn may_replace(file: &Path, contract: &Table) -> bool {
    let Ok(found) = File::open(file) else { return true };
    let mut start = String::new();
    // Names of columns begin an export; those of a source would hardly be ours.
    let read = BufReader::new(found.take(HEADER)).read_line(&mut start);
    read.is_err()
        || start.starts_with("PK")
        || start.is_empty()
        || contract.columns.iter().any(|column| start.contains(column.name))
}
