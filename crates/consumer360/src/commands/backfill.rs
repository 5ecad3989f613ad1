//! `consumer360 backfill`: the snapshots of days past.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

use chrono::{Days, NaiveDate, TimeZone, Utc};
use config::Pipeline;
use load::{Manifest, Target};
use scheduler::{Slot, clock};

use crate::cli::{BackfillOptions, Global, Output};
use crate::exit::{Failure, chain};
use crate::figures::count;
use crate::progress::{self, Progress};
use crate::run::{self, Attempt, Ending, Finished, Job, Publish};
use crate::{log, runtime, schedule};

pub fn backfill(global: &Global, options: &BackfillOptions) -> Result<ExitCode, Failure> {
    let bar = progress::wanted(global);
    log::start(global, bar);
    let (pipeline, settings) = super::load(global, &options.pipeline)?;
    let target = super::target(&pipeline, &settings)?;
    let there = There::of(&target).map_err(|e| Failure::step(&e))?;
    let days = days(&pipeline, options)?;
    let missing = days.iter().filter(|day| there.passes_over(**day, &options.pipeline).is_none()).count();
    let (sound, keep) = (there.sound.len(), pipeline.publish.keep);
    if sound + missing > keep {
        let message = format!(
            "{missing} days are to be added to {sound} snapshots, and only {keep} are kept: raise `publish: {{keep: {}}}`, or ask for fewer",
            sound + missing
        );
        return Err(Failure::usage(message));
    }
    let ledger = super::ledger(&settings)?;
    let runtime = runtime::wide(&settings).map_err(|e| Failure::step(&e))?;
    let mut lines = Vec::new();
    let mut first_sale: Option<NaiveDate> = None;
    for day in days {
        let line = if let Some(what) = there.passes_over(day, &options.pipeline) {
            Line { day, snapshot: None, run_id: None, what }
        } else if let Some(first) = first_sale.filter(|first| day < *first) {
            too_early(day, first)
        } else {
            // The sources are read today: what was sold since is left out, not wrong.
            let slot = Slot::manual(clock::now(), pipeline.timezone, Some(day));
            let attempt = Attempt::First { slot: &slot, publish: Publish::Behind, claims: false, refresh: false };
            let job = Job { file: &options.pipeline, pipeline: &pipeline, settings: &settings, attempt };
            let progress = Progress::new(bar);
            let finished = runtime.block_on(run::run(job, &ledger, clock::now(), &progress));
            progress.finish();
            match finished {
                Ok(finished) => line(day, &finished, &there.withdrawn),
                Err(run::Error::Extract(extract::Error::NoSaleYet { first, .. })) => {
                    first_sale = Some(first);
                    too_early(day, first)
                }
                Err(error) => return Err(stopped(day, lines.len(), &error)),
            }
        };
        if global.output == Output::Text {
            super::print(&format!("{}  {}\n", line.day, line.what))?;
        }
        lines.push(line);
    }
    if global.output == Output::Json {
        let all: Vec<_> = lines.iter().map(Line::as_json).collect();
        return super::print(&format!("{:#}\n", serde_json::Value::from(all)));
    }
    Ok(ExitCode::SUCCESS)
}

/// The days that there are snapshots of, as they are written.
struct There {
    /// Those with one that readers were not led away from.
    sound: BTreeSet<String>,
    /// Those without, and later than what readers see: another one would lead readers on, which is for a run to do.
    left: BTreeSet<String>,
    /// The snapshots that readers were led away from.
    withdrawn: Vec<String>,
}

impl There {
    fn of(target: &Target) -> Result<Self, load::Error> {
        let (seen, withdrawn) = target.published()?.map(|published| (published.as_of, published.withdrawn)).unwrap_or_default();
        let (wrong, sound): (Vec<Manifest>, Vec<Manifest>) =
            target.snapshots()?.into_iter().partition(|snapshot| withdrawn.contains(&snapshot.snapshot));
        let days = |snapshots: Vec<Manifest>| snapshots.into_iter().map(|snapshot| snapshot.as_of).collect::<BTreeSet<_>>();
        let (mut left, sound) = (days(wrong), days(sound));
        // The year comes first in them.
        left.retain(|day| *day > seen && !sound.contains(day));
        Ok(Self { sound, left, withdrawn })
    }

    /// Why no snapshot is made of the day, if none is.
    fn passes_over(&self, day: NaiveDate, file: &Path) -> Option<String> {
        let written = day.to_string();
        if self.sound.contains(&written) {
            return Some("is there already".to_owned());
        }
        self.left.contains(&written).then(|| {
            let file = file.display();
            format!("passed over: readers were led away from it; `consumer360 run {file} --as-of {day}` leads them to it again")
        })
    }
}

/// Why there is no going on.
fn stopped(day: NaiveDate, done: usize, error: &run::Error) -> Failure {
    let help = "what was made stays; the same command goes on from there";
    let message = format!("{day}, after {done} days: {}\n  help: {help}", chain(error));
    match run::failure(error) {
        Failure::Step { code, .. } => Failure::Step { code, message },
        other => other,
    }
}

/// What became of one day.
struct Line {
    day: NaiveDate,
    snapshot: Option<String>,
    run_id: Option<String>,
    what: String,
}

impl Line {
    fn as_json(&self) -> serde_json::Value {
        let made = self.snapshot.is_some();
        serde_json::json!({
            "as_of": self.day.to_string(),
            "snapshot": self.snapshot,
            "run_id": self.run_id,
            "made": made,
            "what": self.what,
        })
    }
}

/// A day that is passed over: those after the first sale are as good as ever.
fn too_early(day: NaiveDate, first: NaiveDate) -> Line {
    Line { day, snapshot: None, run_id: None, what: format!("passed over: no sale up to then; the first is of {first}") }
}

fn line(day: NaiveDate, finished: &Finished, withdrawn: &[String]) -> Line {
    let run_id = Some(finished.run_id.clone());
    let (snapshot, where_it_is) = match &finished.ending {
        Ending::Published(snapshot) => (snapshot, "readers see it"),
        Ending::Added(snapshot) if withdrawn.contains(&snapshot.id) => (snapshot, "the very one that readers were led away from"),
        Ending::Added(snapshot) => (snapshot, "kept behind what readers see"),
        Ending::NotPublished | Ending::Held(_) => return Line { day, snapshot: None, run_id, what: "not published".to_owned() },
    };
    let what = format!("snapshot {}, {} rows, {where_it_is}", snapshot.id, count(snapshot.rows));
    Line { day, snapshot: Some(snapshot.id.clone()), run_id, what }
}

/// The days asked for: every so many, or those of the schedule. The earliest comes first, because each day is compared with
/// the one before.
fn days(pipeline: &Pipeline, options: &BackfillOptions) -> Result<Vec<NaiveDate>, Failure> {
    let BackfillOptions { from, to, every, .. } = *options;
    if from > to {
        return Err(Failure::usage(format!("--from {from} is after --to {to}")));
    }
    let today = clock::now().with_timezone(&pipeline.timezone).date_naive();
    if to > today {
        return Err(Failure::usage(format!("--to {to} is not past yet")));
    }
    if let Some(every) = every {
        let next = |day: &NaiveDate| day.checked_add_days(Days::new(u64::from(every)));
        return Ok(std::iter::successors(Some(from), next).take_while(|day| *day <= to).collect());
    }
    let schedule = schedule::of_pipeline(pipeline)
        .ok_or_else(|| Failure::usage(format!("{} has no `schedule:`; say --every DAYS", options.pipeline.display())))?;
    let start = |day: NaiveDate| pipeline.timezone.from_local_datetime(&day.and_hms_opt(0, 0, 0).unwrap_or_default()).earliest();
    // A second before the first day, and a day more for clocks that are put forward at midnight.
    let after = start(from).or_else(|| start(from.pred_opt()?)).map(|at| at.with_timezone(&Utc) - chrono::TimeDelta::seconds(1));
    let until = to.checked_add_days(Days::new(2)).and_then(start).map(|at| at.with_timezone(&Utc));
    let (Some(after), Some(until)) = (after, until) else { return Err(Failure::usage("the days lie out of the calendar")) };
    let slots = schedule.slots(after, until).filter(|slot| !schedule.is_skipped(slot)).map(|slot| slot.local.date());
    let days: BTreeSet<NaiveDate> = slots.filter(|day| (from..=to).contains(day)).collect();
    if days.is_empty() {
        return Err(Failure::usage(format!("the schedule has no slot from {from} to {to}; say --every DAYS")));
    }
    Ok(days.into_iter().collect())
}
