//! `consumer360 show`: rows of a published table as a person reads them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::DataType;
use arrow::json::{ArrayWriter, writer::JsonArray};
use arrow::util::display::array_value_to_string;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use scheduler::Ledger;

use super::describe::{published, unknown};
use crate::cli::{Global, Output, ShowOptions};
use crate::exit::Failure;
use crate::figures::count;
use crate::run;

pub fn show(global: &Global, options: &ShowOptions) -> Result<ExitCode, Failure> {
    if !published().iter().any(|t| t.name == options.table) {
        return Err(Failure::usage(unknown(&options.table)));
    }
    let file = pipeline_file(global, options)?;
    let (pipeline, settings) = super::load(global, &file)?;
    let to = &pipeline.publish.to;
    // One snapshot, not `current/`, so that a run that publishes meanwhile is not seen by halves.
    let pointer = load::published(to).map_err(|e| Failure::step(&e))?.ok_or_else(|| {
        Failure::usage(format!("nothing is published in {} yet (consumer360 run {})", to.display(), file.display()))
    })?;
    let path = to.join("snapshots").join(&pointer.snapshot).join(format!("{}.parquet", options.table));
    let runtime = run::runtime(&settings).map_err(|e| Failure::step(&e))?;
    let session = extract::session(&settings.engine, &std::env::temp_dir()).map_err(|e| Failure::step(&e))?;
    let (total, batches) = runtime.block_on(rows(&session, &path, options)).map_err(|e| Failure::step(&e))?;
    match global.output {
        Output::Json => as_json(&batches),
        Output::Text => as_text(options, &batches, total),
    }
}

/// The pipeline asked for, or that of the latest published run, or the only one there is.
fn pipeline_file(global: &Global, options: &ShowOptions) -> Result<PathBuf, Failure> {
    if let Some(file) = &options.pipeline {
        return Ok(file.clone());
    }
    let ledger = Ledger::open(&super::settings(global)?.state)?;
    let published = ledger.runs(None, 1000)?.into_iter().find(|r| r.snapshot.is_some());
    let file = published.map(|run| Path::new("pipelines").join(format!("{}.yaml", run.pipeline)));
    file.filter(|f| f.is_file())
        .ok_or_else(|| Failure::usage("no published run names its pipeline file; say which with --pipeline FILE"))
}

/// How many rows there are, and the first of them.
async fn rows(
    session: &SessionContext,
    path: &Path,
    options: &ShowOptions,
) -> Result<(usize, Vec<RecordBatch>), datafusion::error::DataFusionError> {
    let mut frame = session.read_parquet(path.to_string_lossy().as_ref(), ParquetReadOptions::default()).await?;
    if let Some(filter) = &options.filter {
        let filter = session.parse_sql_expr(filter, frame.schema())?;
        frame = frame.filter(filter)?;
    }
    let total = frame.clone().count().await?;
    Ok((total, frame.limit(0, Some(options.limit))?.collect().await?))
}

fn as_json(batches: &[RecordBatch]) -> Result<ExitCode, Failure> {
    let mut writer = arrow::json::WriterBuilder::new().with_explicit_nulls(true).build::<_, JsonArray>(Vec::new());
    let write = |writer: &mut ArrayWriter<Vec<u8>>| {
        writer.write_batches(&batches.iter().collect::<Vec<_>>())?;
        writer.finish()
    };
    write(&mut writer).map_err(|e| Failure::step(&e))?;
    let text = String::from_utf8(writer.into_inner()).unwrap_or_default();
    super::print(&(if text.is_empty() { "[]".to_owned() } else { text } + "\n"))
}

fn as_text(options: &ShowOptions, batches: &[RecordBatch], total: usize) -> Result<ExitCode, Failure> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(first) = batches.first() {
        table.set_header(first.schema().fields().iter().map(|f| f.name().clone()).collect::<Vec<_>>());
    }
    let mut shown = 0;
    for batch in batches {
        for row in 0..batch.num_rows() {
            table.add_row(batch.columns().iter().map(|c| cell(c.as_ref(), row)).collect::<Vec<_>>());
            shown += 1;
        }
    }
    if let Some(first) = batches.first() {
        for (place, column) in first.columns().iter().enumerate() {
            if let Some(shown) = table.column_mut(place).filter(|_| column.data_type().is_numeric()) {
                shown.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    let which = if options.filter.is_some() { " that match" } else { "" };
    if shown == 0 {
        return super::print(&format!("{}: no rows{which}\n", options.table));
    }
    super::print(&format!("{table}\n{}: {} of {} rows{which}\n", options.table, count(shown), count(total as u64)))
}

fn cell(column: &dyn Array, row: usize) -> String {
    if column.is_null(row) {
        return String::new();
    }
    let text = array_value_to_string(column, row).unwrap_or_default();
    match column.data_type() {
        // Four places are for sums; two are enough to read where the others are zero.
        DataType::Decimal128(..) => text.strip_suffix("00").unwrap_or(&text).to_owned(),
        DataType::Float64 => text.parse::<f64>().map_or(text, |x| format!("{x:.4}")),
        DataType::Timestamp(..) => text.replace('T', " "),
        _ => text,
    }
}
