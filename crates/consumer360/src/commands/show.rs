//! `consumer360 show`: rows of a published table as a person reads them.

mod grid;
mod names;
mod view;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::json::{ArrayWriter, writer::JsonArray};
use arrow::util::display::array_value_to_string;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use compare::MASK;
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::ident;
use datafusion::prelude::{ParquetReadOptions, SessionContext};

use super::describe::{published, unknown};
use crate::cli::{Global, Output, ShowOptions};
use crate::exit::Failure;
use crate::figures::count;
use crate::handouts;
use crate::runtime;

pub fn show(global: &Global, options: &ShowOptions) -> Result<ExitCode, Failure> {
    let Some(contract) = published().into_iter().find(|t| t.name == options.table) else {
        return Err(Failure::usage(unknown(&options.table)));
    };
    if options.pivot && !grid::can(contract.name) {
        return Err(Failure::usage(format!("{} is no grid; --pivot lays out {}", contract.name, grid::TABLES.join(", "))));
    }
    if options.pivot && global.output == Output::Json {
        return Err(Failure::usage("--pivot lays rows out for people; leave it out for --output json"));
    }
    let file = super::pipeline_file(global, options.pipeline.as_deref())?;
    let (pipeline, settings) = super::load(global, &file)?;
    // One snapshot, not `current/`, so that a run that publishes meanwhile is not seen by halves.
    let target = super::target(&pipeline, &settings)?;
    let snapshot = super::published(&target, &pipeline, &file)?;
    let snapshot = target.snapshot(&snapshot).map_err(|e| Failure::step(&e))?;
    let runtime = runtime::wide(&settings).map_err(|e| Failure::step(&e))?;
    let session = extract::session(&settings.engine, &std::env::temp_dir()).map_err(|e| Failure::step(&e))?;
    let masked = if options.personal { Vec::new() } else { handouts::masked(&pipeline) };
    let shown = runtime.block_on(shown(&session, &snapshot, options, global.output, &masked));
    let shown = shown.map_err(|error| failure(options, &error))?;
    if options.pivot {
        return super::print(&grid::text(contract.name, &shown.batches));
    }
    match global.output {
        Output::Json => as_json(&shown.batches),
        Output::Text => as_text(options, &shown),
    }
}

/// A condition that cannot be read is whoever wrote it to mend.
fn failure(options: &ShowOptions, error: &DataFusionError) -> Failure {
    let is_of_condition =
        matches!(error.find_root(), DataFusionError::SchemaError(..) | DataFusionError::Plan(_) | DataFusionError::SQL(..));
    match &options.filter {
        Some(filter) if is_of_condition => Failure::usage(format!(
            "`--where {filter}` cannot be used: {}\n  help: consumer360 describe {} lists the columns",
            error.strip_backtrace().replace("\"?table?\".", "").replace("?table?.", ""),
            options.table
        )),
        _ => Failure::step(error),
    }
}

/// What is to be printed: the rows asked for, how many there are in all, and whether some columns were left out.
struct Shown {
    batches: Vec<RecordBatch>,
    total: usize,
    narrowed: bool,
}

async fn shown(
    session: &SessionContext,
    snapshot: &Path,
    options: &ShowOptions,
    output: Output,
    masked: &[String],
) -> Result<Shown, DataFusionError> {
    let files = extract::table_files(snapshot, &options.table)?;
    let files: Vec<String> = files.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    let frame = matching(session, files.clone(), options).await?;
    if options.pivot {
        return Ok(Shown { batches: frame.collect().await?, total: 0, narrowed: false });
    }
    let total = frame.clone().count().await?;
    let columns = view::columns(&options.table).filter(|_| output == Output::Text && !options.all);
    let narrowed = |frame: DataFrame| match columns {
        Some(columns) => frame.select_columns(columns),
        None => Ok(frame),
    };
    let mut batches = Vec::new();
    if let Some(top) = options.top {
        batches.extend(narrowed(best_first(frame, &options.table)?.limit(0, Some(top))?)?.collect().await?);
    } else {
        // Parts of a table that are read at once come in any order, so each is asked for what those before it lack.
        let mut lacking = options.limit;
        for file in files {
            let frame = matching(session, vec![file], options).await?.limit(0, Some(lacking))?;
            let found = narrowed(frame)?.collect().await?;
            lacking = lacking.saturating_sub(found.iter().map(RecordBatch::num_rows).sum());
            batches.extend(found);
            if lacking == 0 {
                break;
            }
        }
    }
    if output == Output::Text {
        batches = names::of_keys(session, snapshot, batches, masked).await?;
    }
    let batches = batches.into_iter().map(|batch| without(batch, masked)).collect::<Result<_, _>>()?;
    Ok(Shown { batches, total, narrowed: columns.is_some() })
}

/// The rows of files of the table that the user asks for.
async fn matching(session: &SessionContext, files: Vec<String>, options: &ShowOptions) -> Result<DataFrame, DataFusionError> {
    let frame = session.read_parquet(files, ParquetReadOptions::default()).await?;
    match &options.filter {
        Some(filter) => {
            let filter = session.parse_sql_expr(filter, frame.schema())?;
            frame.filter(filter)
        }
        None => Ok(frame),
    }
}

/// Sorted by what the table ranks by; ties by its key, as the file has them.
fn best_first(frame: DataFrame, table: &str) -> Result<DataFrame, DataFusionError> {
    let mut order: Vec<_> = view::order(table).iter().map(|(column, ascending)| ident(*column).sort(*ascending, false)).collect();
    let key = schema::table(table).map(|t| t.key).unwrap_or_default();
    order.extend(key.iter().map(|column| ident(*column).sort(true, false)));
    frame.sort(order)
}

/// The rows without the values of masked columns.
fn without(batch: RecordBatch, masked: &[String]) -> Result<RecordBatch, ArrowError> {
    let is_masked = |name: &str| masked.iter().any(|masked| masked == name);
    if !batch.schema().fields().iter().any(|field| is_masked(field.name())) {
        return Ok(batch);
    }
    let columns = batch.schema_ref().fields().iter().zip(batch.columns()).map(|(field, column)| {
        if is_masked(field.name()) {
            let hidden: StringArray = (0..column.len()).map(|row| column.is_valid(row).then_some(MASK)).collect();
            (field.name(), Arc::new(hidden) as ArrayRef)
        } else {
            (field.name(), Arc::clone(column))
        }
    });
    RecordBatch::try_from_iter(columns)
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

fn as_text(options: &ShowOptions, shown: &Shown) -> Result<ExitCode, Failure> {
    let which = if options.filter.is_some() { " that match" } else { "" };
    let rows: usize = shown.batches.iter().map(RecordBatch::num_rows).sum();
    if rows == 0 {
        return super::print(&format!("{}: no rows{which}\n", options.table));
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    for batch in &shown.batches {
        if table.header().is_none() {
            table.set_header(batch.schema().fields().iter().map(|f| view::title(&options.table, f.name())).collect::<Vec<_>>());
        }
        let schema = batch.schema();
        for row in 0..batch.num_rows() {
            let cells = schema.fields().iter().zip(batch.columns());
            table.add_row(cells.map(|(field, column)| cell(field.name(), column.as_ref(), row)).collect::<Vec<_>>());
        }
    }
    if let Some(first) = shown.batches.first() {
        for (place, column) in first.columns().iter().enumerate() {
            if let Some(shown) = table.column_mut(place).filter(|_| column.data_type().is_numeric()) {
                shown.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    let more = if shown.narrowed { "; --all shows every column" } else { "" };
    super::print(&format!(
        "{table}\n{}: {} of {} rows{which}{more}\n",
        options.table,
        count(rows as u64),
        count(shown.total as u64)
    ))
}

fn cell(name: &str, column: &dyn Array, row: usize) -> String {
    if column.is_null(row) {
        return String::new();
    }
    let text = array_value_to_string(column, row).unwrap_or_default();
    match column.data_type() {
        // Four places are for sums; two are enough to read where the others are zero.
        DataType::Decimal128(..) => text.strip_suffix("00").unwrap_or(&text).to_owned(),
        DataType::Float64 => text.parse::<f64>().map_or(text, |x| view::number(name, x)),
        DataType::Timestamp(..) => text.replace('T', " "),
        // A name is shown, and tells the terminal nothing.
        _ if text.contains(char::is_control) => text.escape_debug().to_string(),
        _ => text,
    }
}
