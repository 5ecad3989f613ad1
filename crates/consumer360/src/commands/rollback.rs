//! `consumer360 rollback`.

use std::fmt::Write as _;
use std::process::ExitCode;

use load::{Manifest, Target};
use scheduler::{Outcome, Slot, clock};
use serde_json::json;

use crate::cli::{Global, Output, RollbackOptions};
use crate::exit::{Failure, LOCKED, chain};
use crate::figures::count;
use crate::handouts;

pub fn rollback(global: &Global, options: &RollbackOptions) -> Result<ExitCode, Failure> {
    let (pipeline, settings) = super::load(global, &options.pipeline)?;
    let target = Target::open(&pipeline.publish, &settings.state).map_err(|e| Failure::step(&e))?;
    if options.list {
        let present = target.published().map_err(|e| Failure::step(&e))?.map(|published| published.snapshot);
        return list(global, &target.snapshots().map_err(|e| Failure::step(&e))?, present.as_deref());
    }
    // On record as a run of its own, under the pipeline's lock: a run that is about to publish would undo it.
    let ledger = super::ledger(&settings)?;
    let now = clock::now();
    let run = ledger.begin(&pipeline.name, &Slot::manual(now, pipeline.timezone, None), now, env!("CARGO_PKG_VERSION"))?;
    let done = match target.rollback(options.snapshot.as_deref(), run.id()) {
        Ok(done) => done,
        Err(error) => {
            let code = if error.is_locked() { LOCKED } else { 1 };
            let message = chain(&error);
            run.finish(Outcome::Failed { stage: scheduler::Stage::Publish, message: message.clone() }, clock::now())?;
            return Err(Failure::Step { code, message });
        }
    };
    let snapshot = &done.to.snapshot;
    handouts::renew(&pipeline, &settings, &target, snapshot);
    let message = format!("readers were led back from {} to {snapshot}", done.from);
    run.finish(Outcome::RolledBack { snapshot: snapshot.clone(), message }, clock::now())?;
    if global.output == Output::Json {
        return super::print(&format!(
            "{:#}\n",
            json!({"pipeline": pipeline.name, "from": done.from, "snapshot": snapshot, "as_of": done.to.as_of})
        ));
    }
    super::print(&format!(
        "Readers see snapshot {snapshot} again, as of {}, published {}.\nBefore it was {}.\n\
         The next run publishes anew. Until the cause is mended: consumer360 schedule pause {}\n",
        done.to.as_of,
        done.to.published_at,
        done.from,
        options.pipeline.display(),
    ))
}

fn list(global: &Global, snapshots: &[Manifest], present: Option<&str>) -> Result<ExitCode, Failure> {
    if global.output == Output::Json {
        let text = serde_json::to_string_pretty(snapshots).map_err(|e| Failure::step(&e))?;
        return super::print(&(text + "\n"));
    }
    if snapshots.is_empty() {
        return super::print("Nothing is published yet.\n");
    }
    let mut text = format!("{:<26}{:<12}{:<22}{:>14}  run\n", "snapshot", "as of", "published", "rows");
    for snapshot in snapshots {
        let rows: u64 = snapshot.tables.iter().map(|table| table.rows).sum();
        let mark = match (present == Some(snapshot.snapshot.as_str()), snapshot.behind) {
            (true, _) => "  <- readers see this",
            (false, true) => "  added behind what readers saw",
            (false, false) => "",
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
