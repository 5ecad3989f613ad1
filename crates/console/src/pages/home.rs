//! `/`: every pipeline and how it stands.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use scheduler::{RunRecord, Status};

use crate::access::Server;
use crate::figures::{ago, part, time};
use crate::pages::layout::{Nav, Page};
use crate::pages::{Trouble, make, parts};
use crate::published;
use crate::view::PipelineView;

pub async fn home(State(server): State<Arc<Server>>) -> Response {
    make(server, Nav::Pipelines, page).await
}

fn page(server: &Server) -> Result<Page, Trouble> {
    let pipelines = server.app.pipelines();
    let mut latest = Vec::new();
    for pipeline in pipelines.iter() {
        latest.push(server.app.ledger.runs(Some(&pipeline.name), 1)?.pop());
    }
    let is_moving = latest.iter().flatten().any(|run| run.status == Status::Running);
    let body = html! {
        div.title { h1 { "Pipelines" } @if !pipelines.is_empty() { (tally(&pipelines, &latest)) } }
        @if pipelines.is_empty() {
            (parts::empty("No pipeline yet", &html! {
                "A pipeline is a YAML file: put one into the pipelines folder, and it appears here."
            }))
        }
        ul.cards {
            @for (pipeline, run) in pipelines.iter().zip(&latest) { li { (card(server, pipeline, run.as_ref())) } }
        }
    };
    Ok(Page { title: "Pipelines".to_owned(), body, is_moving })
}

fn tally(pipelines: &[PipelineView], latest: &[Option<RunRecord>]) -> Markup {
    let bad = |run: &RunRecord| matches!(run.status, Status::Failed | Status::CheckFailed | Status::SourceFailed);
    let is_bad =
        |(pipeline, run): &(&PipelineView, &Option<RunRecord>)| pipeline.problem.is_some() || run.as_ref().is_some_and(bad);
    let failed = pipelines.iter().zip(latest).filter(is_bad).count();
    html! {
        p.faint {
            (latest.len()) @if latest.len() == 1 { " pipeline" } @else { " pipelines" } ", "
            @if failed == 0 { "none in trouble" } @else { (failed) " in trouble" }
        }
    }
}

fn card(server: &Server, pipeline: &PipelineView, run: Option<&RunRecord>) -> Markup {
    let now = (server.app.now)();
    html! {
        article.card {
            header {
                h2 { (parts::pipeline_link(&pipeline.name)) }
                span {
                    @if pipeline.is_paused { (parts::pill("paused")) " " }
                    @match run { Some(run) => { (parts::pill(run.status.as_str())) } None => { (parts::pill("never ran")) } }
                }
            }
            @if let Some(problem) = &pipeline.problem { (broken(problem, pipeline.is_in_force)) }
            p.fresh { (freshness(pipeline, now)) }
            dl {
                dt { "Last run" }
                dd {
                    @if let Some(run) = run {
                        a href={ "/runs/" (part(&run.run_id)) } { (ago(run.started_at, now)) }
                    } @else { "none yet" }
                }
                dt { "Last slot" }
                dd { @if let Some(slot) = pipeline.last_slots.first() {
                    (parts::when(slot.scheduled, now)) " " span.faint { (slot.state) }
                } @else { "none yet" } }
                dt { "Next slot" }
                dd { (next_slot(pipeline, now)) }
            }
            @if pipeline.is_in_force { (parts::button(server, "run", &pipeline.name, "Run now", "primary")) }
        }
    }
}

/// Why a pipeline's file is not the one in use.
pub fn broken(problem: &str, is_in_force: bool) -> Markup {
    let instead = if is_in_force { "the last good one is in use" } else { "nothing of it runs" };
    html! { div.problem role="note" { strong { "The file cannot be used; " (instead) "." }
    pre tabindex="0" { (problem) } } }
}

pub fn next_slot(pipeline: &PipelineView, now: DateTime<Utc>) -> Markup {
    html! {
        @if pipeline.is_paused { "paused" }
        @else if let Some(slot) = pipeline.next_slots.first() {
            (parts::when(slot.utc, now)) " " span.faint { (slot.local) }
        } @else { "none: run by hand" }
    }
}

pub fn freshness(pipeline: &PipelineView, now: DateTime<Utc>) -> Markup {
    if let Some(other) = published::other(pipeline) {
        let link = parts::pipeline_link(&other);
        return html! { "Nothing published: where it is to publish lies what pipeline " (link) " publishes" };
    }
    let Some(published) = published::current(pipeline) else {
        return html! { "Nothing published yet" };
    };
    let at = DateTime::parse_from_rfc3339(&published.published_at).map(|at| at.to_utc());
    html! {
        "Published "
        @match at {
            Ok(at) => { time datetime=(published.published_at) title=(time(at)) { (ago(at, now)) } }
            Err(_) => { (published.published_at) }
        }
        ", as of " strong { (published.as_of) }
    }
}
