//! `consumer360 status`: how each pipeline stands, for a person and for a watcher outside.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use scheduler::{Ledger, RunRecord, Status, clock};
use serde_json::json;

use crate::cli::{Global, Output, StatusOptions};
use crate::exit::{Failure, STEP_FAILED};
use crate::schedule;

/// How one pipeline stands.
struct Standing {
    pipeline: String,
    last: Option<RunRecord>,
    /// The last run says that it runs, and no process is there.
    is_dead: bool,
    published: Option<RunRecord>,
    held: Option<RunRecord>,
    /// The snapshot that readers were led back to since.
    led_back_to: Option<String>,
    /// Of a pipeline whose schedule is paused, what is to be said of that.
    pause: Option<String>,
    /// Time since the last run that published ended.
    age: Option<TimeDelta>,
    is_too_old: bool,
}

/// Ends with 1 if a pipeline published nothing within `--max-age`.
pub fn status(global: &Global, options: &StatusOptions) -> Result<ExitCode, Failure> {
    let settings = super::settings(global)?;
    if !super::has_state(&settings)? {
        super::print(&if global.output == Output::Json { "[]\n".to_owned() } else { super::no_run(&settings) })?;
        return Ok(if options.max_age.is_some() { ExitCode::from(STEP_FAILED) } else { ExitCode::SUCCESS });
    }
    let ledger = super::ledger(&settings)?;
    let now = clock::now();
    let names = match &options.pipeline {
        Some(asked) => vec![super::on_record(global, &ledger, asked)?],
        None => ledger.pipelines()?,
    };
    let most = options.max_age.and_then(|most| TimeDelta::from_std(most).ok());
    let mut standings: Vec<Standing> = names.iter().map(|name| standing(&ledger, name, now, most)).collect::<Result<_, _>>()?;
    standings.iter_mut().try_for_each(|standing| find_dead(&ledger, standing))?;
    let text = match global.output {
        Output::Json => as_json(&standings),
        Output::Text if standings.is_empty() => super::no_run(&settings),
        Output::Text => as_text(&standings),
    };
    super::print(&text)?;
    let none_asked = standings.is_empty() && most.is_some();
    let is_fine = !none_asked && !standings.iter().any(|standing| standing.is_too_old);
    Ok(if is_fine { ExitCode::SUCCESS } else { ExitCode::from(STEP_FAILED) })
}

fn standing(ledger: &Ledger, pipeline: &str, now: DateTime<Utc>, most: Option<TimeDelta>) -> Result<Standing, Failure> {
    let last = ledger.runs(Some(pipeline), 1)?.pop();
    let published = ledger.latest_of_status(pipeline, Status::Published)?;
    // What was published since has taken its place.
    let is_open = |run: &RunRecord| published.as_ref().is_none_or(|published| published.started_at < run.started_at);
    let held = ledger.latest_of_status(pipeline, Status::Held)?.filter(is_open);
    let led_back_to = ledger.latest_of_status(pipeline, Status::RolledBack)?.filter(is_open).and_then(|back| back.snapshot);
    let file = super::state::file_of(ledger, pipeline)?.unwrap_or_else(|| PathBuf::from("FILE"));
    let pause = schedule::pause(ledger, pipeline, &file)?;
    let age = published.as_ref().and_then(|run| run.finished_at).map(|at| now.signed_duration_since(at));
    let is_too_old = most.is_some_and(|most| age.is_none_or(|age| age > most));
    Ok(Standing { pipeline: pipeline.to_owned(), last, is_dead: false, published, held, led_back_to, pause, age, is_too_old })
}

/// Whether the last run says that it runs though its lock went with its process.
fn find_dead(ledger: &Ledger, standing: &mut Standing) -> Result<(), Failure> {
    let under_way = |run: &RunRecord| (run.status == Status::Running).then(|| (run.run_id.clone(), run.epoch));
    let Some(before) = standing.last.as_ref().and_then(under_way) else { return Ok(()) };
    if matches!(ledger.is_abandoned(&standing.pipeline), Ok(true)) {
        // Unless it ended in between.
        standing.last = ledger.runs(Some(&standing.pipeline), 1)?.pop();
        standing.is_dead = standing.last.as_ref().and_then(under_way) == Some(before);
    }
    Ok(())
}

fn as_text(standings: &[Standing]) -> String {
    let width = standings.iter().map(|s| s.pipeline.len()).max().unwrap_or(0).max(8) + 2;
    let mut text = format!("{:<width$}{:<30}{:<12}last run\n", "pipeline", "published", "as of");
    for standing in standings {
        let ago = standing.age.map_or_else(|| "never".to_owned(), |age| format!("{} ago", span(age)));
        let ago = if standing.is_too_old { format!("{ago}, too old") } else { ago };
        let as_of = standing.published.as_ref().and_then(|run| run.as_of).map(|day| day.to_string()).unwrap_or_default();
        let last = standing.last.as_ref().map_or_else(String::new, |run| {
            if standing.is_dead {
                return format!(
                    "died {}: its process is gone; `consumer360 unlock {}` says so on record",
                    run.run_id, run.pipeline
                );
            }
            let reason = run.message.as_ref().and_then(|message| message.lines().next()).map(|line| format!(": {line}"));
            format!("{} {}{}", run.status.to_string().replace('_', " "), run.run_id, reason.unwrap_or_default())
        });
        let _ = writeln!(text, "{:<width$}{ago:<30}{as_of:<12}{last}", standing.pipeline);
        if let Some(snapshot) = &standing.led_back_to {
            let _ = writeln!(text, "{:<width$}readers were led back to {snapshot}", "");
        }
        if let Some(held) = &standing.held {
            let _ = writeln!(text, "{:<width$}waits: consumer360 publish {}", "", held.run_id);
        }
        if let Some(pause) = &standing.pause {
            let _ = writeln!(text, "{:<width$}{pause}", "");
        }
    }
    text
}

fn as_json(standings: &[Standing]) -> String {
    let one = |standing: &Standing| {
        json!({
            "pipeline": standing.pipeline,
            "last": standing.last,
            "is_dead": standing.is_dead,
            "published": standing.published,
            "held": standing.held,
            "led_back_to": standing.led_back_to,
            "is_paused": standing.pause.is_some(),
            "age_seconds": standing.age.map(|age| age.num_seconds()),
            "is_too_old": standing.is_too_old,
        })
    };
    format!("{:#}\n", serde_json::Value::from(standings.iter().map(one).collect::<Vec<_>>()))
}

/// `3 days`, `5 hours` or `2 minutes`: the largest unit says enough.
pub fn span(time: TimeDelta) -> String {
    let minutes = time.num_minutes().max(0);
    let (number, unit) = match minutes {
        0..60 => (minutes, "minute"),
        60..2880 => (minutes / 60, "hour"),
        _ => (minutes / 1440, "day"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

/// A span of the command line, such as `8d`, `36h` or `90m`.
pub fn parse_span(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no span of time: write 90m, 36h, 8d or 2w");
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(seconds).filter(|seconds| *seconds < 1 << 32).map(Duration::from_secs).ok_or_else(wrong)
}
