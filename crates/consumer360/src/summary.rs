//! What a run prints at its end: whether it published, the book, the segments, the findings, the time.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Decimal128Type, Float64Type, Int32Type, Int64Type};
use config::Pipeline;
use extract::Finding;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::json;
use validate::{Check, Hop, Status};

use crate::cli::Output;
use crate::figures::{bytes, count, money, seconds};
use crate::run::{Ending, Finished};

/// Prints the summary on stdout.
pub fn print(pipeline: &Pipeline, run: &Finished, output: Output) -> io::Result<()> {
    let text = match output {
        Output::Text => text(pipeline, run),
        Output::Json => format!("{:#}\n", as_json(pipeline, run)),
    };
    match io::stdout().write_all(text.as_bytes()) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

fn text(pipeline: &Pipeline, run: &Finished) -> String {
    let mut text = format!("{} as of {}, run {}\n\n", pipeline.name, run.staged.as_of, run.run_id);
    text += &publication(pipeline, run);
    text += &book(run.validated.hops());
    text += &aside(run);
    text += &increments(run);
    text += &segments(run);
    text += &changes(&run.staged.changes);
    text += &checks(run.validated.checks());
    text += &time(run);
    text
}

fn publication(pipeline: &Pipeline, run: &Finished) -> String {
    let snapshot = match &run.ending {
        Ending::Published(snapshot) | Ending::Added(snapshot) => snapshot,
        Ending::NotPublished => return "Not published, as asked with --no-publish. Every check of the gate held.\n".to_owned(),
        Ending::Held(reasons) => {
            let reasons = reasons.join("\n  ");
            let release = format!("consumer360 publish {}", run.run_id);
            return format!("Held back; readers see what they saw before.\n  {reasons}\nTo publish it after all: {release}\n");
        }
    };
    let what = match (snapshot.unchanged, snapshot.behind) {
        (true, _) => "Already published, byte for byte",
        (false, true) => "Kept behind what readers see, which is of a later day",
        (false, false) => "Published",
    };
    format!(
        "{what}: snapshot {}\n{} tables, {} rows, {} in {}\n",
        snapshot.id,
        snapshot.tables,
        count(snapshot.rows),
        bytes(snapshot.bytes),
        pipeline.publish.to.file("current"),
    )
}

fn book(hops: &[Hop]) -> String {
    let mut text = format!(
        "\n{:<9}{:<12}{:>13}{:>13}{:>10}{:>12}{:>10}{:>20}\n",
        "Book", "", "rows in", "loaded", "rejected", "duplicates", "filtered", "amount"
    );
    for hop in hops.iter().filter(|h| h.hop != "mart") {
        let _ = writeln!(
            text,
            "{:<9}{:<12}{:>13}{:>13}{:>10}{:>12}{:>10}{:>20}",
            hop.hop,
            hop.entity,
            count(hop.rows_in),
            count(hop.rows_loaded),
            count(hop.rows_rejected),
            count(hop.rows_deduplicated),
            count(hop.rows_filtered),
            hop.amount_out.map(money).unwrap_or_default(),
        );
    }
    let marts = hops.iter().filter(|h| h.hop == "mart").count();
    let _ = writeln!(text, "{:<9}{marts} figures of marts equal the fact table's to the last digit", "marts");
    text
}

/// The first of the records that were set aside, and where the others are to be seen.
fn aside(run: &Finished) -> String {
    let first: Vec<&String> = run.staged.entities.values().filter_map(|entity| entity.first_reject.as_ref()).collect();
    let Some(reason) = first.first() else { return String::new() };
    format!("\nSet aside, the first because {reason}\n  all of them: consumer360 runs rejects {}\n", run.run_id)
}

/// What came over the wire, of sources that are read in increments.
fn increments(run: &Finished) -> String {
    let mut text = String::new();
    for (entity, increment) in run.staged.increments() {
        let head = if text.is_empty() { "\nRead     " } else { "         " };
        let how = match (&increment.from, &increment.whole_because) {
            (Some(from), _) => format!("those from {from} on"),
            (None, Some(reason)) => format!("all, because {reason}"),
            (None, None) => "all".to_owned(),
        };
        let _ =
            writeln!(text, "{head}{entity:<12}{:>13} read for {} rows: {how}", count(increment.rows_read), count(increment.rows));
    }
    text
}

/// Customers, revenue and shares of each segment, from the built table.
fn segments(run: &Finished) -> String {
    let mut rows = segment_rows(run).unwrap_or_default();
    if rows.is_empty() {
        return String::new();
    }
    rows.sort_by(|a, b| b.3.cmp(&a.3).then_with(|| a.0.cmp(&b.0)));
    let mut text = format!("\n{:<21}{:>13}{:>10}{:>20}{:>10}\n", "Segments", "customers", "share", "revenue", "share");
    for (segment, customers, share, revenue, revenue_share) in rows {
        let percent = |share: Option<f64>| share.map(|s| format!("{:.1} %", s * 100.0)).unwrap_or_default();
        let _ = writeln!(
            text,
            "{segment:<21}{:>13}{:>10}{:>20}{:>10}",
            count(u64::from(customers.unsigned_abs())),
            percent(Some(share)),
            money(revenue),
            percent(revenue_share)
        );
    }
    text
}

type SegmentRow = (String, i32, f64, i128, Option<f64>);

fn segment_rows(run: &Finished) -> Option<Vec<SegmentRow>> {
    let table = run.validated.warehouse().tables.iter().find(|t| t.contract.name == "rfm_segment_summary")?;
    let file = std::fs::File::open(&table.path).ok()?;
    let mut rows = Vec::new();
    for batch in ParquetRecordBatchReaderBuilder::try_new(file).ok()?.build().ok()? {
        let batch = batch.ok()?;
        let segments = batch.column_by_name("segment")?.as_string_opt::<i32>()?;
        let regions = batch.column_by_name("region_key")?.as_primitive_opt::<Int64Type>()?;
        let customers = batch.column_by_name("customers")?.as_primitive_opt::<Int32Type>()?;
        let shares = batch.column_by_name("customer_share")?.as_primitive_opt::<Float64Type>()?;
        let amounts = batch.column_by_name("net_amount")?.as_primitive_opt::<Decimal128Type>()?;
        let amount_shares = batch.column_by_name("revenue_share")?.as_primitive_opt::<Float64Type>()?;
        for row in (0..batch.num_rows()).filter(|row| regions.value(*row) == extract::UNKNOWN) {
            let amount_share = amount_shares.is_valid(row).then(|| amount_shares.value(row));
            rows.push((
                segments.value(row).to_owned(),
                customers.value(row),
                shares.value(row),
                amounts.value(row),
                amount_share,
            ));
        }
    }
    Some(rows)
}

/// What the sources have changed, if they have.
fn changes(changes: &[Finding]) -> String {
    let mut text = String::new();
    for change in changes {
        let head = if text.is_empty() { "\nSources have changed since the last published run\n" } else { "" };
        let _ = writeln!(text, "{head}  {} on {}: {}", change.check, change.table, change.message);
    }
    text
}

fn checks(checks: &[Check]) -> String {
    let counted = |status: Status| checks.iter().filter(|c| c.status == status).count();
    let mut text = format!("\n{:<9}{} held, {} warned\n", "Checks", counted(Status::Passed), counted(Status::Warned));
    for check in checks.iter().filter(|c| c.status == Status::Warned) {
        let _ = writeln!(text, "  warning: {check}");
    }
    text
}

fn time(run: &Finished) -> String {
    let stages: Vec<String> = run.stages.iter().map(|(stage, s)| format!("{stage} {}", seconds(*s))).collect();
    let total: f64 = run.stages.iter().map(|(_, s)| s).sum();
    let mut text = format!("\n{:<9}{}, {} in all\n", "Time", stages.join(", "), seconds(total));
    if let Some(work) = &run.work {
        let _ = writeln!(
            text,
            "{:<9}{} workers, {} statements in {} tasks, {} sent, {} spilled",
            "Cluster",
            work.workers,
            count(work.statements),
            count(work.tasks),
            bytes(work.bytes_moved),
            bytes(work.bytes_spilled)
        );
    }
    text
}

fn as_json(pipeline: &Pipeline, run: &Finished) -> serde_json::Value {
    let stages: Vec<_> = run.stages.iter().map(|(stage, seconds)| json!({"stage": stage.as_str(), "seconds": seconds})).collect();
    let tables: Vec<_> = run
        .validated
        .warehouse()
        .tables
        .iter()
        .map(|t| json!({"table": t.contract.name, "rows": t.rows, "seconds": t.elapsed.as_secs_f64()}))
        .collect();
    let warned: Vec<&Check> = run.validated.checks().iter().filter(|c| c.status == Status::Warned).collect();
    json!({
        "pipeline": pipeline.name,
        "run_id": run.run_id,
        "as_of": run.staged.as_of.to_string(),
        "snapshot": match &run.ending {
            Ending::Published(snapshot) | Ending::Added(snapshot) => Some(snapshot),
            Ending::NotPublished | Ending::Held(_) => None,
        },
        "held": match &run.ending {
            Ending::Held(reasons) => reasons.as_slice(),
            Ending::Published(_) | Ending::Added(_) | Ending::NotPublished => &[],
        },
        "book": run.validated.hops(),
        "checks": run.validated.checks().len(),
        "warned": warned,
        "source_changes": run.staged.changes,
        "increments": run.staged.increments(),
        "stages": stages,
        "tables": tables,
        "cluster": run.work,
    })
}
