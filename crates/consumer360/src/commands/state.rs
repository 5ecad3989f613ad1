//! `consumer360 state repair`: a ledger that was lost or damaged, made again from run records and manifests.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::DateTime;
use load::{Manifest, Target};
use scheduler::{Ledger, Repaired, Told, clock};
use serde_json::json;

use crate::cli::{Global, Output};
use crate::exit::{Failure, chain};

/// What came back, and what did not.
struct Report {
    repaired: Repaired,
    runs_known: u64,
    slots_known: usize,
    /// Targets that were read, and the snapshots that they hold.
    targets: Vec<(String, usize)>,
    /// Runs known from the manifests of their snapshots alone.
    from_manifests: usize,
    /// What could not be read, in words.
    left_out: Vec<String>,
}

/// Moves a damaged ledger aside, never deletes it. Where nothing is wrong, nothing changes.
pub fn repair(global: &Global, pipelines: &[PathBuf]) -> Result<ExitCode, Failure> {
    let settings = super::settings(global)?;
    if let config::Ledger::Postgres { .. } = settings.ledger {
        let message = "the ledger is on a PostgreSQL, which has backups of its own\n  help: restore it there; runs whose folders \
                       are on this host are added to it when it is opened next";
        return Err(Failure::usage(message));
    }
    let (ledger, repaired) = Ledger::repair(&settings.state, clock::now())?;
    let mut left_out: Vec<String> = repaired.left_out.iter().map(|error| chain(error)).collect();
    let (mut targets, mut told) = (Vec::new(), Vec::new());
    for file in files(&ledger, pipelines)? {
        match snapshots(global, &file) {
            Ok((to, manifests)) => {
                targets.push((to, manifests.len()));
                told.extend(manifests.iter().filter_map(|manifest| of(manifest, &file)));
            }
            Err(why) => left_out.push(why),
        }
    }
    let from_manifests = ledger.bring_back(told)?;
    let runs_known = ledger.count(scheduler::RunFilter::default())?;
    let slots_known = ledger.slots().slots(None, usize::MAX)?.len();
    let report = Report { repaired, runs_known, slots_known, targets, from_manifests, left_out };
    super::print(&match global.output {
        Output::Json => as_json(&report),
        Output::Text => as_text(&report),
    })
}

/// Runs of a pipeline among which one that names its file is looked for. A rollback names none.
const LATEST: usize = 100;

/// The file of a pipeline, as the latest run that names one has it, if it is still there.
pub fn file_of(ledger: &Ledger, pipeline: &str) -> Result<Option<PathBuf>, scheduler::Error> {
    let file = ledger.runs(Some(pipeline), LATEST)?.into_iter().find_map(|run| run.file);
    Ok(file.filter(|file| file.is_file()))
}

/// The pipeline files that are named, and those that the latest runs of all pipelines name.
fn files(ledger: &Ledger, named: &[PathBuf]) -> Result<BTreeSet<PathBuf>, Failure> {
    let mut files: BTreeSet<PathBuf> = named.iter().cloned().collect();
    for pipeline in ledger.pipelines()? {
        files.extend(file_of(ledger, &pipeline)?);
    }
    Ok(files)
}

/// The target of a pipeline and what it holds.
fn snapshots(global: &Global, file: &Path) -> Result<(String, Vec<Manifest>), String> {
    let (pipeline, settings) = super::load(global, file).map_err(|failure| failure.in_words())?;
    let target = Target::open(&pipeline.publish, &settings.state).map_err(|error| chain(&error))?;
    let manifests = target.snapshots().map_err(|error| chain(&error))?;
    let of_it = manifests.into_iter().filter(|manifest| manifest.pipeline == pipeline.name).collect();
    Ok((pipeline.publish.to.to_string(), of_it))
}

fn of(manifest: &Manifest, file: &Path) -> Option<Told> {
    let sum = |figure: fn(&load::TableEntry) -> u64| manifest.tables.iter().map(figure).sum::<u64>();
    Some(Told {
        run_id: manifest.run_id.clone(),
        pipeline: manifest.pipeline.clone(),
        version: manifest.version.clone(),
        snapshot: manifest.snapshot.clone(),
        as_of: manifest.as_of.parse().ok()?,
        published_at: DateTime::parse_from_rfc3339(&manifest.published_at).ok()?.to_utc(),
        behind: manifest.behind,
        facts: json!({"tables": manifest.by_table().count(), "rows": sum(|t| t.rows), "bytes": sum(|t| t.bytes)}),
        file: file.to_path_buf(),
    })
}

/// What no record tells.
const LOST: &str = "slots that were missed or skipped, and pauses of schedules: pause again what was paused. Schedules are \
    watched from now on; what came due while there was no ledger is not made up";

fn as_text(report: &Report) -> String {
    let Report { repaired, runs_known, slots_known, targets, from_manifests, left_out } = report;
    let mut text = String::new();
    if let Some(moved) = &repaired.moved_to {
        let _ = writeln!(text, "The ledger was damaged. It is kept as {}", moved.display());
    }
    let back = repaired.runs + from_manifests;
    let from = if *from_manifests > 0 { format!(", {from_manifests} from manifests alone") } else { String::new() };
    let _ = writeln!(text, "Runs       {runs_known} on record, {back} of them brought back{from}");
    let _ = writeln!(text, "Slots      {slots_known} on record, {} of them brought back", repaired.slots);
    for (to, snapshots) in targets {
        let _ = writeln!(text, "Snapshots  {snapshots} in {to}");
    }
    for why in left_out {
        let _ = writeln!(text, "Left out   {}", why.trim_end().replace('\n', "\n           "));
    }
    if *runs_known == 0 && targets.is_empty() {
        text += "\nNo run is on record here. Name the pipeline files whose snapshots are to be read:\n  consumer360 state repair pipelines/*.yaml\n";
    } else if repaired.was_lost {
        let _ = writeln!(text, "\nNot brought back: {LOST}.");
    } else if back == 0 && repaired.slots == 0 {
        text += "\nThe ledger is sound and complete; nothing was changed.\n";
    }
    text
}

fn as_json(report: &Report) -> String {
    let Report { repaired, runs_known, slots_known, targets, from_manifests, left_out } = report;
    let targets: Vec<_> = targets.iter().map(|(to, snapshots)| json!({"to": to, "snapshots": snapshots})).collect();
    let told = json!({
        "moved_to": repaired.moved_to,
        "was_lost": repaired.was_lost,
        "runs": {"known": runs_known, "from_records": repaired.runs, "from_manifests": from_manifests},
        "slots": {"known": slots_known, "brought_back": repaired.slots},
        "targets": targets,
        "left_out": left_out,
        "not_brought_back": if repaired.was_lost { Some(LOST) } else { None },
    });
    format!("{told:#}\n")
}
