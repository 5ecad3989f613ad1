//! `consumer360 export`.

use std::path::Path;
use std::process::ExitCode;

use config::{Connection, Input, Pipeline, Source};
use report::Format;
use schema::Entity;
use serde_json::json;

use super::describe::{published, unknown};
use crate::cli::{ExportOptions, Global, Output};
use crate::exit::Failure;
use crate::figures::count;
use crate::handouts;

/// Written with who the customers are, because a list of keys wins nobody back.
const WINBACK: &str = "winback_targets";

pub fn export(global: &Global, options: &ExportOptions) -> Result<ExitCode, Failure> {
    let Some(contract) = published().into_iter().find(|table| table.name == options.table) else {
        return Err(Failure::usage(unknown(&options.table)));
    };
    let format = match options.to.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase).as_deref() {
        Some("csv") => Format::Csv { byte_order_mark: options.for_excel },
        Some("xlsx") => Format::Xlsx,
        _ => return Err(Failure::usage(format!("{} ends neither with .csv nor with .xlsx", options.to.display()))),
    };
    let file = super::pipeline_file(global, options.pipeline.as_deref())?;
    let (pipeline, settings) = super::load(global, &file)?;
    if let Some(entity) = source_of(&pipeline, &options.to) {
        let to = options.to.display();
        return Err(Failure::usage(format!("{to} is a file that `extract.{entity}` reads: name one beside the sources")));
    }
    let target = super::target(&pipeline, &settings)?;
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

/// The source that reads the file: an export in its place would be the next run's input.
fn source_of(pipeline: &Pipeline, file: &Path) -> Option<Entity> {
    let reads = |(_, source): &(&Entity, &Source)| match (pipeline.connections.get(&source.connection), &source.input) {
        (Some(Connection::Files { url }), Input::Files { path, .. }) => extract::is_read(url, path, file),
        _ => false,
    };
    pipeline.sources.iter().find(reads).map(|(entity, _)| *entity)
}
