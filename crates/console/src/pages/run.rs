//! `/runs/ID`: what one run did, and why.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use maud::{Markup, html};
use scheduler::{RunRecord, Status};
use serde::Deserialize;

use crate::access::Server;
use crate::figures::{seconds, time};
use crate::pages::layout::{Nav, Page};
use crate::pages::parts::Button;
use crate::pages::{Trouble, changes, make, parts, run_parts};
use crate::published;
use crate::view::PipelineView;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    pub done: Option<String>,
    pub level: String,
    pub rejects: String,
}

pub async fn run(State(server): State<Arc<Server>>, Path(id): Path<String>, Query(asked): Query<Asked>) -> Response {
    make(server, Nav::Runs, move |server| page(server, &id, &asked)).await
}

/// What stands above the message of a run.
fn heading(status: Status) -> &'static str {
    match status {
        Status::Published | Status::RolledBack => "What happened",
        _ => "Why nothing was published",
    }
}

fn page(server: &Server, id: &str, asked: &Asked) -> Result<Page, Trouble> {
    let run = server.app.ledger.run(id)?.ok_or_else(|| Trouble::Missing(format!("There is no run “{id}”.")))?;
    let folder = server.app.ledger.folder(&run.run_id);
    let pipelines = server.app.pipelines();
    let pipeline = pipelines.iter().find(|p| p.name == run.pipeline);
    let policy = pipeline.map(|p| p.pii.clone()).unwrap_or_default();
    let body = html! {
        nav.crumbs aria-label="Breadcrumb" { a href="/runs" { "Runs" } " / " (parts::pipeline_link(&run.pipeline)) }
        div.title {
            h1.mono { (run.run_id) } (parts::pill(run.status.as_str()))
            div.buttons { (buttons(server, &run, pipeline)) }
        }
        (parts::notice(asked.done.as_deref()))
        @if let Some(message) = &run.message { div.problem { strong { (heading(run.status)) }
        pre tabindex="0" { (message) } } }
        (facts(server, &run))
        section aria-labelledby="stages" { h2 #stages { "Stages" } (stages(&run)) }
        @if !folder.is_dir() {
            (parts::empty("The files of this run are gone", &html! { "Old run folders are removed; the record above is kept." }))
        } @else {
            (run_parts::checks(&folder, &policy))
            (run_parts::sources(&folder))
            (run_parts::book(&folder))
            @if let Some(pipeline) = pipeline { (changes::section(&run, pipeline)) }
            (run_parts::rejects(&folder, &run.run_id, &policy, asked))
            (run_parts::log(&folder, &run.run_id, asked))
        }
    };
    Ok(Page { title: run.run_id.clone(), body, is_moving: run.status == Status::Running })
}

/// What can be asked for depends on how the run stands.
fn buttons(server: &Server, run: &RunRecord, pipeline: Option<&PipelineView>) -> Markup {
    let published = pipeline.and_then(published::current).map(|p| p.snapshot);
    let behind = run.snapshot.as_ref().filter(|snapshot| {
        published.as_ref() != Some(snapshot) && pipeline.is_some_and(|p| published::manifest(p, snapshot).is_some())
    });
    let status = run.status.as_str();
    html! {
        @if status == "held" {
            (Button { action: "discard", target: &run.run_id, snapshot: "", label: "Discard", says: format!("Discard {}", run.run_id),
                tone: "danger", confirm: "The run is given up and never published. Readers keep what they see." }.markup(server))
            (parts::button(server, "release", &run.run_id, "Release", "primary"))
        }
        @if let Some(snapshot) = behind {
            (Button { action: "rollback", target: &run.pipeline, snapshot, label: "Roll back to this",
                says: format!("Roll back to this: {snapshot}"), tone: "", confirm: parts::ROLL_BACK }.markup(server))
        }
        @if matches!(status, "failed" | "check_failed" | "source_failed" | "interrupted") {
            (parts::button(server, "retry", &run.run_id, "Retry", "primary"))
        }
        @if status != "running" && pipeline.is_some() { (parts::button(server, "run", &run.pipeline, "Run again", "")) }
    }
}

fn facts(server: &Server, run: &RunRecord) -> Markup {
    html! {
        dl.facts {
            div { dt { "As of" } dd { @if let Some(day) = run.as_of { (day) } @else { "not known yet" } } }
            div { dt { "Slot" } dd { (time(run.scheduled_at)) br; span.faint { "day " (run.day) } } }
            div { dt { "Started" }
            dd { (parts::when(run.started_at, (server.app.now)())) br; span.faint { (time(run.started_at)) } } }
            div { dt { "Took" } dd { (seconds(parts::took(run))) } }
            div { dt { "Snapshot" } dd.mono {
                @if let Some(snapshot) = &run.snapshot { (snapshot) @if run.unchanged { br; span.faint { "unchanged" } } } @else { "none" }
            } }
            div { dt { "Version" } dd { (run.version) } }
        }
    }
}

fn stages(run: &RunRecord) -> Markup {
    html! {
        @if run.stages.is_empty() { (parts::empty("No stage has begun", &html! { "The run has only just started." })) } @else {
            (parts::stage_bar(run, parts::took(run)))
            ol.stages {
                @for stage in &run.stages { li {
                    svg viewBox="0 0 8 8" width="10" height="10" aria-hidden="true" { rect.{ "s-" (stage.stage) } width="8" height="8" rx="2" {} }
                    span { (stage.stage) }
                    @match stage.seconds {
                        Some(took) => { strong { (seconds(took)) } }
                        None if run.status == Status::Running => { (parts::pill("running")) }
                        None => { (parts::pill("not finished")) }
                    }
                } }
            }
        }
    }
}
