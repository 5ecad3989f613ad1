//! `consumer360 runs`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use config::Settings;
use scheduler::RunRecord;
use serde_json::Value;

use crate::cli::{Global, Output, RunsCommand};
use crate::exit::Failure;
use crate::figures::{count, seconds};

pub fn runs(global: &Global, command: &RunsCommand) -> Result<ExitCode, Failure> {
    let settings = super::settings(global)?;
    if !super::has_state(&settings)? {
        return match command {
            RunsCommand::List { .. } if global.output == Output::Json => super::print("[]\n"),
            RunsCommand::List { .. } => super::print(&super::no_run(&settings)),
            _ => Err(Failure::usage(super::no_run(&settings).trim_end())),
        };
    }
    let ledger = super::ledger(&settings)?;
    let named = |run: &str| {
        let none = || Failure::usage(format!("there is no run `{run}` (consumer360 runs list)"));
        ledger.run(run)?.ok_or_else(none)
    };
    match command {
        RunsCommand::List { pipeline, limit } => {
            let name = pipeline.as_ref().map(|asked| super::on_record(global, &ledger, asked)).transpose()?;
            list(global, &settings, &ledger.runs(name.as_deref(), *limit)?)
        }
        RunsCommand::Show { run } => {
            let record = named(run)?;
            show(global, &record, &ledger.folder(&record.run_id))
        }
        RunsCommand::Rejects { run, limit, personal } => {
            super::rejects::rejects(global, &ledger, &named(run)?, *limit, *personal)
        }
    }
}

fn list(global: &Global, settings: &Settings, runs: &[RunRecord]) -> Result<ExitCode, Failure> {
    if global.output == Output::Json {
        let json = serde_json::to_string_pretty(runs).map_err(|e| Failure::step(&e))?;
        return super::print(&(json + "\n"));
    }
    if runs.is_empty() {
        return super::print(&super::no_run(settings));
    }
    let width = runs.iter().map(|r| r.run_id.len()).max().unwrap_or_default().max(3) + 2;
    let mut text = format!("{:<width$}{:<15}{:<12}{:>10}  snapshot or reason\n", "run", "status", "as of", "took");
    for run in runs {
        let took = run.stages.iter().filter_map(|s| s.seconds).fold(0.0, |sum, seconds| sum + seconds);
        let as_of = run.as_of.map(|d| d.to_string()).unwrap_or_default();
        let last = run.snapshot.clone().or_else(|| run.message.as_ref().and_then(|m| m.lines().next().map(str::to_owned)));
        let unchanged = if run.unchanged { " (unchanged)" } else { "" };
        let _ = writeln!(
            text,
            "{:<width$}{:<15}{as_of:<12}{:>10}  {}{unchanged}",
            run.run_id,
            run.status.to_string().replace('_', " "),
            seconds(took),
            last.unwrap_or_default()
        );
    }
    super::print(&text)
}

fn show(global: &Global, run: &RunRecord, folder: &Path) -> Result<ExitCode, Failure> {
    let read = |name: &str| {
        fs::read(folder.join(name)).ok().and_then(|t| serde_json::from_slice::<Value>(&t).ok()).unwrap_or(Value::Null)
    };
    let (book, checks) = (read("reconciliation.json"), read("checks.json"));
    if global.output == Output::Json {
        return super::print(&format!("{:#}\n", serde_json::json!({"run": run, "book": book, "checks": checks})));
    }
    let mut text = format!("{}: {}\n", run.run_id, run.status.to_string().replace('_', " "));
    let _ = writeln!(text, "started {}, version {}", run.started_at.format("%Y-%m-%d %H:%M:%S UTC"), run.version);
    for stage in &run.stages {
        let took = stage.seconds.map_or_else(|| "not finished".to_owned(), seconds);
        let _ = writeln!(text, "  {:<10} {took}", stage.stage);
    }
    if let Some(snapshot) = &run.snapshot {
        let _ = writeln!(text, "snapshot {snapshot}{}", if run.unchanged { " (unchanged)" } else { "" });
    }
    if let Some(message) = &run.message {
        let _ = writeln!(text, "\n{message}");
    }
    text += &book_text(&book);
    text += &checks_text(&checks);
    let _ = writeln!(text, "\nfolder {}", folder.display());
    let is_any = book.as_array().is_none_or(|hops| hops.iter().any(|hop| hop["rows_rejected"].as_u64() != Some(0)));
    if is_any && folder.join("rejects").is_dir() {
        let _ = writeln!(text, "records set aside: consumer360 runs rejects {}", run.run_id);
    }
    super::print(&text)
}

fn book_text(book: &Value) -> String {
    let mut text = String::new();
    for hop in book.as_array().into_iter().flatten() {
        if text.is_empty() {
            text = format!(
                "\n{:<9}{:<24}{:>13}{:>13}{:>10}{:>12}{:>10}{:>22}\n",
                "book", "", "rows in", "loaded", "rejected", "duplicates", "filtered", "amount"
            );
        }
        let number = |name: &str| hop.get(name).and_then(Value::as_u64).map(count).unwrap_or_default();
        let word = |name: &str| hop.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let _ = writeln!(
            text,
            "{:<9}{:<24}{:>13}{:>13}{:>10}{:>12}{:>10}{:>22}",
            word("hop"),
            word("entity"),
            number("rows_in"),
            number("rows_loaded"),
            number("rows_rejected"),
            number("rows_deduplicated"),
            number("rows_filtered"),
            word("amount_out")
        );
    }
    text
}

fn checks_text(checks: &Value) -> String {
    let checks: Vec<&Value> = checks.as_array().into_iter().flatten().collect();
    if checks.is_empty() {
        return String::new();
    }
    let word = |check: &Value, name: &str| check.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let passed = checks.iter().filter(|c| word(c, "status") == "passed").count();
    let mut text = format!("\nchecks: {passed} of {} held\n", checks.len());
    for check in checks.iter().filter(|c| word(c, "status") != "passed") {
        let _ = writeln!(
            text,
            "  {}: {} on {}: {}",
            word(check, "status"),
            word(check, "check"),
            word(check, "table"),
            word(check, "measured")
        );
        if let Some(file) = check.pointer("/kept/file").and_then(Value::as_str) {
            let _ = writeln!(text, "    failing rows: {file}");
        }
    }
    text
}
