//! `consumer360 plan`: what a run would read and write, and whether it would find anything new.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use chrono::{DateTime, NaiveDate, Utc};
use config::{AsOf, Pipeline};
use extract::{History, Outlook};
use load::Published;
use scheduler::{Status, clock};
use schema::Group;
use serde_json::{Map, Value, json};

use crate::cli::{Global, Output};
use crate::exit::{DIFFERS, Failure};
use crate::figures::count;
use crate::run::{made_by, sources_before};
use crate::{log, runtime, schedule};

pub fn plan(global: &Global, file: &Path) -> Result<ExitCode, Failure> {
    log::start(global, false);
    let (pipeline, settings) = super::load(global, file)?;
    let target = super::target(&pipeline, &settings)?;
    let published = target.published().map_err(|e| Failure::step(&e))?;
    let ledger = super::ledger(&settings)?;
    let withdrawn = published.as_ref().map(|published| published.withdrawn.as_slice()).unwrap_or_default();
    let before = sources_before(&ledger, &pipeline.name, withdrawn).map_err(|e| Failure::step(&e))?;
    let last = ledger.latest_of_status(&pipeline.name, Status::Published)?;
    // What changed while that one ran may have come after it was read.
    let read = last.as_ref().map(scheduler::RunRecord::first_started_at);
    let at = last.as_ref().and_then(|run| run.finished_at);
    let now = clock::now();
    let history = History::of(&settings.state, &pipeline.name, now, false);
    let runtime = runtime::wide(&settings).map_err(|e| Failure::step(&e))?;
    let session = extract::session(&settings.engine, &std::env::temp_dir()).map_err(|e| Failure::step(&e))?;
    let limits = &settings.engine.limits;
    let outlook = runtime.block_on(extract::outlook(&session, &pipeline, limits, &history, &before, read));
    let outlook = outlook.map_err(|e| Failure::step(&e))?;
    let day = match pipeline.as_of {
        AsOf::LastSale => None,
        AsOf::Slot => Some(now.with_timezone(&pipeline.timezone).date_naive()),
        AsOf::On(day) => Some(day),
    };
    let is_seen = published.as_ref().is_some_and(|published| day.is_none_or(|day| published.as_of == day.to_string()));
    let is_led_back =
        published.as_ref().map(|published| &published.snapshot) != last.as_ref().and_then(|run| run.snapshot.as_ref());
    let is_other = last.is_some_and(|run| run.facts.get("made_by").is_none_or(|by| *by != made_by(&pipeline)));
    let is_due = !is_seen || is_led_back || is_other || outlook.iter().any(|one| one.may_differ);
    let plan = Plan { pipeline: &pipeline, published, at, day, outlook, is_other, is_due, now };
    super::print(&if global.output == Output::Json { plan.as_json() } else { plan.text(file) })?;
    Ok(if is_due { ExitCode::from(DIFFERS) } else { ExitCode::SUCCESS })
}

struct Plan<'a> {
    pipeline: &'a Pipeline,
    published: Option<Published>,
    /// When the last published run ended.
    at: Option<DateTime<Utc>>,
    /// The day a run would stand for; none where its newest sale says it.
    day: Option<NaiveDate>,
    outlook: Vec<Outlook>,
    /// Whether the last published run had other options, or another version of the program.
    is_other: bool,
    is_due: bool,
    now: DateTime<Utc>,
}

impl Plan<'_> {
    fn text(&self, file: &Path) -> String {
        let published = match &self.published {
            Some(published) => format!("published is {} as of {}", published.snapshot, published.as_of),
            None => "nothing is published yet".to_owned(),
        };
        let mut text = format!("{}: {published}\n\n", self.pipeline.name);
        let width = self.outlook.iter().map(|one| one.origin.chars().count()).max().unwrap_or_default().max(26) + 2;
        let _ = writeln!(text, "{:<11}{:<width$}{:<52}{:>13}  why", "Source", "from", "would be read", "rows");
        for one in &self.outlook {
            let read = match (&one.from, &one.to) {
                (Some(from), Some(to)) => format!("from {from} to {to}"),
                (Some(from), None) => format!("from {from} on"),
                (None, _) => "all".to_owned(),
            };
            let rows = one.rows.map_or("–".to_owned(), count);
            let _ = writeln!(text, "{:<11}{:<width$}{read:<52}{rows:>13}  {}", one.entity.name(), one.origin, one.why);
        }
        text.push('\n');
        let day = self.day.map_or("the newest sale".to_owned(), |day| day.to_string());
        let instead = self.published.as_ref().map(|now| format!(", in the place of {}", now.snapshot));
        if !self.is_due {
            text += "Nothing new: a run would come to the same tables once more.\n";
        }
        let _ = writeln!(text, "A run would publish these tables as of {day}{}:", instead.unwrap_or_default());
        for (group, names) in groups() {
            let _ = writeln!(text, "  {:<25}{}", group.title(), in_lines(&names, 100, 27));
        }
        let skipped: Vec<&str> = self.pipeline.transform.skip.iter().copied().collect();
        if !skipped.is_empty() {
            let _ = writeln!(text, "  {:<25}{}", "Left empty, as asked", in_lines(&skipped, 100, 27));
        }
        if self.is_other {
            let _ = writeln!(text, "The options of the pipeline file, or the program, are not those of the last published run");
        }
        if let Some(next) = self.next() {
            let _ = writeln!(text, "The next slot is {next}");
        }
        if self.is_due {
            let file = file.display();
            let _ = writeln!(text, "To see what would come out without publishing it: consumer360 run {file} --no-publish");
        }
        text
    }

    fn next(&self) -> Option<String> {
        let schedule = schedule::of_pipeline(self.pipeline)?;
        schedule.next(self.now, 1).first().map(scheduler::SlotTime::local_text)
    }

    fn as_json(&self) -> String {
        let one = |one: &Outlook| {
            json!({
                "entity": one.entity.name(), "origin": one.origin, "from": one.from, "to": one.to, "rows": one.rows,
                "why": one.why, "may_differ": one.may_differ,
            })
        };
        let tables: Map<String, Value> =
            groups().into_iter().map(|(group, names)| (group.title().to_owned(), json!(names))).collect();
        let plan = json!({
            "pipeline": self.pipeline.name,
            "published": self.published,
            "published_at": self.at,
            "as_of": self.day.map(|day| day.to_string()),
            "sources": self.outlook.iter().map(one).collect::<Vec<_>>(),
            "tables": tables,
            "left_out": self.pipeline.transform.skip,
            "next_slot": self.next(),
            "options_changed": self.is_other,
            "is_due": self.is_due,
        });
        format!("{plan:#}\n")
    }
}

/// The tables that a run publishes, by their chapters.
fn groups() -> Vec<(Group, Vec<&'static str>)> {
    let of =
        |group: Group| super::describe::published().iter().filter(|table| table.group == group).map(|table| table.name).collect();
    Group::ALL.into_iter().map(|group| (group, of(group))).collect()
}

/// Names in lines of so many characters, all but the first behind so many blanks.
fn in_lines(names: &[&str], width: usize, blanks: usize) -> String {
    let (mut text, mut length) = (String::new(), 0);
    for (place, name) in names.iter().enumerate() {
        let behind = if place + 1 < names.len() { "," } else { "" };
        if length > 0 && length + name.len() + 2 > width {
            let _ = write!(text, "\n{:blanks$}", "");
            length = 0;
        } else if length > 0 {
            text.push(' ');
        }
        let _ = write!(text, "{name}{behind}");
        length += name.len() + 2;
    }
    text
}
