//! `consumer360 schedule`, and a pipeline's schedule as the scheduler takes it.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use config::{Pipeline, Settings};
use scheduler::{DstNote, Ledger, OnMissed, OnOverlap, Schedule, SlotState, SlotTime, Status, Watch, clock};
use serde_json::json;

use crate::cli::{Global, Output, ScheduleCommand};
use crate::commands;
use crate::exit::Failure;

/// The schedule of a pipeline; none for one that runs by hand.
pub fn of_pipeline(pipeline: &Pipeline) -> Option<Schedule> {
    let written = pipeline.schedule.as_ref()?;
    Some(Schedule {
        skip_on: written.skip_on.clone(),
        on_missed: match written.on_missed {
            config::OnMissed::Latest => OnMissed::Latest,
            config::OnMissed::All => OnMissed::All,
            config::OnMissed::None => OnMissed::None,
        },
        missed_window: written.missed_window,
        on_overlap: match written.on_overlap {
            config::OnOverlap::Skip => OnOverlap::Skip,
            config::OnOverlap::Queue => OnOverlap::Queue,
            config::OnOverlap::Replace => OnOverlap::Replace,
        },
        timeout: Some(written.timeout),
        start_jitter: written.start_jitter,
        ..Schedule::new(written.crons.clone(), pipeline.timezone)
    })
}

pub fn command(global: &Global, command: &ScheduleCommand) -> Result<ExitCode, Failure> {
    let file = match command {
        ScheduleCommand::Next { pipeline, .. }
        | ScheduleCommand::Explain { pipeline, .. }
        | ScheduleCommand::Pause { pipeline, .. }
        | ScheduleCommand::Resume { pipeline }
        | ScheduleCommand::Slots { pipeline, .. } => pipeline,
    };
    let (pipeline, settings) = commands::load(global, file)?;
    let schedule = of_pipeline(&pipeline);
    let none = || Failure::usage(format!("{} has no `schedule:`; it runs by hand", file.display()));
    match command {
        ScheduleCommand::Next { number, .. } => {
            let (schedule, pause) = (schedule.ok_or_else(none)?, pause_on_record(&settings, &pipeline, file)?);
            next(global, &pipeline, &schedule, *number, pause.as_deref())
        }
        ScheduleCommand::Explain { at, .. } => {
            let (schedule, pause) = (schedule.ok_or_else(none)?, pause_on_record(&settings, &pipeline, file)?);
            explain(&schedule, *at, pause.as_deref())
        }
        ScheduleCommand::Pause { reason, .. } => {
            schedule.ok_or_else(none)?;
            let ledger = commands::ledger(&settings)?;
            ledger.slots().pause(&pipeline.name, reason.as_deref(), clock::now())?;
            commands::print(&format!(
                "{0} is paused: its slots are put on record as skipped. To go on: consumer360 schedule resume {1}\n",
                pipeline.name,
                file.display()
            ))
        }
        ScheduleCommand::Resume { .. } => resume(&pipeline, &schedule.ok_or_else(none)?, &commands::ledger(&settings)?),
        ScheduleCommand::Slots { .. } if schedule.is_none() => Err(none()),
        ScheduleCommand::Slots { limit, .. } => slots(global, &pipeline, &commands::ledger(&settings)?, *limit, file),
    }
}

/// Of a pipeline that is paused: since when, why, and how it goes on.
pub fn pause(ledger: &Ledger, pipeline: &str, file: &Path) -> Result<Option<String>, scheduler::Error> {
    let words = |watch: Watch| {
        let since = watch.paused_at?.format("%Y-%m-%d %H:%M");
        let why = watch.paused_reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
        let file = file.display();
        Some(format!("paused since {since} UTC{why}, its slots are skipped; to go on: consumer360 schedule resume {file}"))
    };
    Ok(ledger.slots().watch(pipeline)?.and_then(words))
}

/// The same before there is a state, too: to look makes none.
fn pause_on_record(settings: &Settings, pipeline: &Pipeline, file: &Path) -> Result<Option<String>, Failure> {
    if !commands::has_state(settings)? {
        return Ok(None);
    }
    Ok(pause(&commands::ledger(settings)?, &pipeline.name, file)?)
}

/// What is to come where nothing is due, to be read after that.
pub fn ahead(ledger: &Ledger, pipeline: &Pipeline, schedule: &Schedule, file: &Path) -> Result<String, scheduler::Error> {
    if let Some(pause) = pause(ledger, &pipeline.name, file)? {
        return Ok(format!("; it is {pause}"));
    }
    let next = schedule.next(clock::now(), 1).first().map(|slot| format!("; the next slot is {}", slot.local_text()));
    Ok(next.unwrap_or_default())
}

fn next(
    global: &Global,
    pipeline: &Pipeline,
    schedule: &Schedule,
    number: usize,
    pause: Option<&str>,
) -> Result<ExitCode, Failure> {
    let slots = schedule.next(clock::now(), number);
    if global.output == Output::Json {
        let one = |slot: &SlotTime| {
            json!({
                "utc": slot.at, "local": slot.local_text(), "offset": slot.offset(), "is_skipped": schedule.is_skipped(slot),
                "is_paused": pause.is_some(),
            })
        };
        return commands::print(&format!("{:#}\n", serde_json::Value::from(slots.iter().map(one).collect::<Vec<_>>())));
    }
    let mut text = format!("{} in {}\n", pipeline.name, pipeline.timezone);
    if let Some(pause) = pause {
        let _ = writeln!(text, "  {pause}");
    }
    for slot in slots {
        let _ = writeln!(
            text,
            "  {}  {} UTC{}{}",
            slot.local.format("%a %Y-%m-%d %H:%M"),
            slot.at.format("%Y-%m-%d %H:%M"),
            clocks(&slot),
            if schedule.is_skipped(&slot) { "  skipped: in the calendar" } else { "" }
        );
    }
    commands::print(&text)
}

fn clocks(slot: &SlotTime) -> String {
    match slot.dst {
        DstNote::None => String::new(),
        DstNote::Gap { wanted_local, .. } => format!("  the clocks go forward over {}", wanted_local.format("%H:%M")),
        DstNote::Overlap { first } => format!("  the clocks go back: the {} time", if first { "first" } else { "second" }),
    }
}

fn explain(schedule: &Schedule, at: Option<DateTime<Utc>>, pause: Option<&str>) -> Result<ExitCode, Failure> {
    let slot = match at {
        Some(at) => Some(schedule.slot_at(at)),
        None => schedule.next(clock::now(), 1).into_iter().next(),
    };
    let text = slot.map_or_else(|| "No slot comes within the years ahead.".to_owned(), |slot| schedule.explain(&slot));
    let pause = pause.map(|pause| format!("The pipeline is {pause}\n")).unwrap_or_default();
    commands::print(&format!("{text}\n{pause}"))
}

fn resume(pipeline: &Pipeline, schedule: &Schedule, ledger: &Ledger) -> Result<ExitCode, Failure> {
    if !ledger.slots().resume(&pipeline.name, schedule, clock::now())? {
        return commands::print(&format!("{} is not paused.\n", pipeline.name));
    }
    let next = schedule.next(clock::now(), 1).first().map(|slot| format!(" Its next slot is {}.", slot.local_text()));
    commands::print(&format!("{} goes on.{}\n", pipeline.name, next.unwrap_or_default()))
}

/// What became of the slots so far.
fn slots(global: &Global, pipeline: &Pipeline, ledger: &Ledger, limit: usize, file: &Path) -> Result<ExitCode, Failure> {
    let slots = ledger.slots().slots(Some(&pipeline.name), limit)?;
    if global.output == Output::Json {
        let one = |slot: &scheduler::SlotRecord| {
            json!({
                "scheduled_at": slot.scheduled_at, "local": slot.local, "state": slot.state.as_str(), "reason": slot.reason,
                "run_id": slot.run_id, "attempts": slot.attempts, "late_seconds": slot.late_seconds,
            })
        };
        return commands::print(&format!("{:#}\n", serde_json::Value::from(slots.iter().map(one).collect::<Vec<_>>())));
    }
    if slots.is_empty() {
        let file = file.display();
        return commands::print(&format!("No slot came due yet; the next ones: consumer360 schedule next {file}\n"));
    }
    let width = slots.iter().map(|slot| slot.local.chars().count()).max().unwrap_or_default() + 2;
    let mut text = format!("{:<width$}{:<10}{:<9}run or reason\n", "slot", "state", "late");
    for slot in slots {
        let late = if slot.late_seconds >= 60 { format!("{} min", slot.late_seconds / 60) } else { String::new() };
        // Whoever released the run did so after its slot was settled.
        let run = slot.run_id.as_ref().and_then(|run| ledger.run(run).ok().flatten());
        let reason =
            slot.reason.filter(|_| run.is_none_or(|run| slot.state != SlotState::Ran || run.status != Status::Published));
        let last = match (&slot.run_id, &reason) {
            (Some(run), Some(reason)) => format!("{run}: {reason}"),
            (Some(one), None) | (None, Some(one)) => one.clone(),
            (None, None) => String::new(),
        };
        let _ = writeln!(text, "{:<width$}{:<10}{late:<9}{last}", slot.local, slot.state.as_str().replace('_', " "));
    }
    commands::print(&text)
}
