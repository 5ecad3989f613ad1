//! `consumer360 rollback`.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use config::{Pipeline, Settings};
use load::{Manifest, Published, RolledBack, Target};
use scheduler::{Ledger, Outcome, Run, Slot, Stage, clock};
use serde::Serialize;
use serde_json::json;

use crate::cli::{Global, Output, RollbackOptions};
use crate::exit::{Failure, LOCKED, STEP_FAILED, chain};
use crate::figures::count;
use crate::handouts;

pub fn rollback(global: &Global, options: &RollbackOptions) -> Result<ExitCode, Failure> {
    let (pipeline, settings) = super::load(global, &options.pipeline)?;
    let target = super::target(&pipeline, &settings)?;
    if options.list {
        let published = target.published().map_err(|e| Failure::step(&e))?;
        return list(global, &target.snapshots().map_err(|e| Failure::step(&e))?, published.as_ref());
    }
    let done = lead_back(&super::ledger(&settings)?, &pipeline, &settings, &target, options.snapshot.as_deref())?;
    let snapshot = &done.to.snapshot;
    if global.output == Output::Json {
        return super::print(&format!(
            "{:#}\n",
            json!({"pipeline": pipeline.name, "from": done.from, "snapshot": snapshot, "as_of": done.to.as_of})
        ));
    }
    super::print(&format!(
        "Readers see snapshot {snapshot} again, as of {}, published {}.\nBefore it was {}.\n\
         The next run publishes anew. Until the cause is mended: {}\n",
        done.to.as_of,
        done.to.published_at,
        done.from,
        keeps_it_so(&pipeline, &options.pipeline),
    ))
}

/// How the next run is kept from leading readers on. Without a `schedule:` there is nothing here to pause.
fn keeps_it_so(pipeline: &Pipeline, file: &Path) -> String {
    match &pipeline.schedule {
        Some(_) => format!("consumer360 schedule pause {}", file.display()),
        None => format!("take `run {}` out of whatever starts it, such as cron", file.display()),
    }
}

/// Leads readers back to an earlier snapshot, or to the one before, with the report and the Power BI project. It is on record as a
/// run of its own, under the pipeline's lock: a run that is about to publish would undo it.
pub fn lead_back(
    ledger: &Ledger,
    pipeline: &Pipeline,
    settings: &Settings,
    target: &Target,
    snapshot: Option<&str>,
) -> Result<RolledBack, Failure> {
    // A name that is misspelt is no run that failed.
    target.can_go_back(&pipeline.name, snapshot).map_err(|e| Failure::step(&e))?;
    let now = clock::now();
    let run = ledger.begin(&pipeline.name, &Slot::manual(now, pipeline.timezone, None), now, env!("CARGO_PKG_VERSION"))?;
    let done = match target.rollback(&pipeline.name, snapshot, run.id()) {
        Ok(done) => done,
        Err(error) => {
            let code = if error.is_locked() { LOCKED } else { STEP_FAILED };
            let message = chain(&error);
            record(run, Outcome::Failed { stage: Stage::Publish, message: message.clone() });
            return Err(Failure::Step { code, message });
        }
    };
    let snapshot = &done.to.snapshot;
    handouts::renew(pipeline, settings, target, snapshot);
    let message = format!("readers were led back from {} to {snapshot}", done.from);
    record(run, Outcome::RolledBack { snapshot: snapshot.clone(), message });
    Ok(done)
}

/// What readers see is what counts, whatever the ledger can take of it.
fn record(run: Run, outcome: Outcome) {
    if let Err(unrecorded) = run.finish(outcome, clock::now()) {
        tracing::error!(error = chain(&unrecorded), "cannot record what became of the rollback");
    }
}

/// A snapshot as programs read of it: its manifest, and how it stands.
#[derive(Serialize)]
struct Listed<'a> {
    /// Readers see it.
    is_seen: bool,
    /// Readers were led away from it.
    is_withdrawn: bool,
    #[serde(flatten)]
    manifest: &'a Manifest,
}

fn list(global: &Global, snapshots: &[Manifest], published: Option<&Published>) -> Result<ExitCode, Failure> {
    let is_seen = |manifest: &Manifest| published.is_some_and(|published| published.snapshot == manifest.snapshot);
    let is_withdrawn = |manifest: &Manifest| published.is_some_and(|published| published.withdrawn.contains(&manifest.snapshot));
    if global.output == Output::Json {
        let listed: Vec<Listed<'_>> = snapshots
            .iter()
            .map(|manifest| Listed { is_seen: is_seen(manifest), is_withdrawn: is_withdrawn(manifest), manifest })
            .collect();
        let text = serde_json::to_string_pretty(&listed).map_err(|e| Failure::step(&e))?;
        return super::print(&(text + "\n"));
    }
    if snapshots.is_empty() {
        return super::print("Nothing is published yet.\n");
    }
    let mut text = format!("{:<26}{:<12}{:<22}{:>14}  run\n", "snapshot", "as of", "published", "rows");
    for snapshot in snapshots {
        let rows: u64 = snapshot.tables.iter().map(|table| table.rows).sum();
        let mark = if is_seen(snapshot) {
            "  <- readers see this"
        } else if is_withdrawn(snapshot) {
            "  readers were led away from it"
        } else if snapshot.behind {
            "  added behind what readers saw"
        } else {
            ""
        };
        let _ = writeln!(
            text,
            "{:<26}{:<12}{:<22}{:>14}  {}{mark}",
            snapshot.snapshot,
            snapshot.as_of,
            snapshot.published_at,
            count(rows),
            snapshot.run_id
        );
    }
    super::print(&text)
}
