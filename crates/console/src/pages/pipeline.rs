//! `/pipelines/NAME`: schedule, slots, runs and snapshots of one pipeline.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use scheduler::{RunRecord, Status};
use serde::Deserialize;

use crate::access::Server;
use crate::figures::{bytes, count, part};
use crate::pages::layout::{Nav, Page};
use crate::pages::parts::Button;
use crate::pages::{Trouble, home, make, parts, runs};
use crate::published::{self, Manifest};
use crate::view::PipelineView;

const RUNS_SHOWN: usize = 10;

#[derive(Deserialize)]
pub struct Asked {
    done: Option<String>,
}

pub async fn pipeline(State(server): State<Arc<Server>>, Path(name): Path<String>, Query(asked): Query<Asked>) -> Response {
    make(server, Nav::Pipelines, move |server| page(server, &name, &asked)).await
}

fn page(server: &Server, name: &str, asked: &Asked) -> Result<Page, Trouble> {
    let pipelines = server.app.pipelines();
    let missing = || Trouble::Missing(format!("There is no pipeline “{name}”."));
    let pipeline = pipelines.iter().find(|p| p.name == name).ok_or_else(missing)?;
    let recent = server.app.ledger.runs(Some(name), RUNS_SHOWN)?;
    let is_moving = recent.first().is_some_and(|run| run.status == Status::Running);
    let now = (server.app.now)();
    let body = html! {
        nav.crumbs aria-label="Breadcrumb" { a href="/" { "Pipelines" } }
        div.title {
            h1 { (pipeline.name) } @if pipeline.is_paused { (parts::pill("paused")) }
            div.buttons {
                @if pipeline.is_paused { (parts::button(server, "resume", name, "Resume", "")) }
                @else if !pipeline.schedule_text.is_empty() { (parts::button(server, "pause", name, "Pause", "")) }
                @if pipeline.is_in_force { (parts::button(server, "run", name, "Run now", "primary")) }
            }
        }
        (parts::notice(asked.done.as_deref()))
        @if let Some(problem) = &pipeline.problem { (home::broken(problem, pipeline.is_in_force)) }
        (facts(pipeline, now))
        section aria-labelledby="runs" {
            h2 #runs { "Runs" }
            (recent_runs(&recent, now))
            @if !recent.is_empty() { p { a href={ "/runs?pipeline=" (part(name)) } { "All runs of " (name) } } }
        }
        (slots(pipeline, now))
        (snapshots(server, pipeline))
        (tables(pipeline))
    };
    Ok(Page { title: pipeline.name.clone(), body, is_moving })
}

fn facts(pipeline: &PipelineView, now: DateTime<Utc>) -> Markup {
    html! {
        dl.facts {
            div { dt { "Published" } dd { (home::freshness(pipeline, now)) } }
            div { dt { "Schedule" } dd {
                @if pipeline.schedule_text.is_empty() { "by hand" }
                @for line in &pipeline.schedule_text { (line) br; }
                span.faint { (pipeline.timezone) }
            } }
            div { dt { "Next slot" } dd { (home::next_slot(pipeline, now)) } }
            div { dt { "File" } dd.mono { (pipeline.file) } }
            div { dt { "Sources" } dd {
                @for (entity, connection) in &pipeline.sources { (entity) span.faint { " from " (connection) } br; }
                @if pipeline.sources.is_empty() { "none" }
            } }
        }
    }
}

fn recent_runs(recent: &[RunRecord], now: DateTime<Utc>) -> Markup {
    html! {
        @if recent.is_empty() { (parts::empty("No run yet", &html! { "Start the first one with “Run now”." })) }
        @else { (parts::legend()) (runs::list(recent, now, "The latest runs of the pipeline")) }
    }
}

fn slots(pipeline: &PipelineView, now: DateTime<Utc>) -> Markup {
    html! {
        section aria-labelledby="slots" {
            h2 #slots { "Slots" }
            @if pipeline.next_slots.is_empty() && pipeline.last_slots.is_empty() {
                (parts::empty("No slots", &html! { "The pipeline has no schedule, or its first slot is still to come." }))
            } @else {
                div.scroll tabindex="0" role="group" aria-label="Slots" { table {
                    caption.hidden { "Slots to come and slots that have passed" }
                    thead { tr { th scope="col" { "Slot" }
                    th scope="col" { "When" }
                    th scope="col" { "State" }
                    th scope="col" { "Note" } } }
                    tbody {
                        @for slot in pipeline.next_slots.iter().take(5).rev() {
                            tr { th scope="row" { (slot.local) }
                            td { (parts::when(slot.utc, now)) }
                            td { (parts::pill("to come")) }
                            td { (slot.note) } }
                        }
                        @for slot in pipeline.last_slots.iter().take(20) {
                            tr {
                                th scope="row" { (crate::figures::time(slot.scheduled)) }
                                td { (parts::when(slot.scheduled, now)) }
                                td { (parts::pill(&slot.state)) }
                                td { (slot.reason) @if let Some(run_id) = &slot.run_id { " " (parts::run_link(run_id)) } }
                            }
                        }
                    }
                } }
            }
        }
    }
}

fn snapshots(server: &Server, pipeline: &PipelineView) -> Markup {
    let current = published::current(pipeline).map(|p| p.snapshot);
    let known = published::snapshots(pipeline);
    html! {
        section aria-labelledby="snapshots" {
            h2 #snapshots { "Snapshots" }
            @if known.is_empty() {
                (parts::empty("Nothing published yet", &html! { "A run that passes every check publishes the first snapshot." }))
            } @else {
                div.scroll tabindex="0" role="group" aria-label="Snapshots" { table {
                    caption.hidden { "Snapshots that are kept, the latest first" }
                    thead { tr {
                        th scope="col" { "Snapshot" } th scope="col" { "As of" } th scope="col" { "Published" }
                        th.number scope="col" { "Rows" }
                        th.number scope="col" { "Size" }
                        th scope="col" { span.hidden { "Action" } }
                    } }
                    tbody { @for snapshot in &known { (row(server, pipeline, snapshot, current.as_deref())) } }
                } }
            }
        }
    }
}

fn row(server: &Server, pipeline: &PipelineView, snapshot: &Manifest, current: Option<&str>) -> Markup {
    let back = Button {
        action: "rollback",
        target: &pipeline.name,
        snapshot: &snapshot.snapshot,
        label: "Roll back to this",
        says: format!("Roll back to this: {}", snapshot.snapshot),
        tone: "",
        confirm: parts::ROLL_BACK,
    };
    html! {
        tr {
            th.mono scope="row" { (snapshot.snapshot) }
            td { (snapshot.as_of) }
            td { (published_at(&snapshot.published_at, (server.app.now)())) }
            td.number { (count(snapshot.rows())) }
            td.number { (bytes(snapshot.bytes())) }
            td { @if current == Some(snapshot.snapshot.as_str()) { (parts::pill("current")) } @else { (back.markup(server)) } }
        }
    }
}

fn published_at(text: &str, now: DateTime<Utc>) -> Markup {
    html! { @match DateTime::parse_from_rfc3339(text) { Ok(at) => { (parts::when(at.to_utc(), now)) } Err(_) => { (text) } } }
}

fn tables(pipeline: &PipelineView) -> Markup {
    let current = published::current(pipeline);
    let manifest = current.and_then(|p| published::manifest(pipeline, &p.snapshot));
    html! {
        @if let Some(manifest) = manifest {
            section aria-labelledby="tables" {
                h2 #tables { "Tables" }
                ul.chips { @for entry in &manifest.tables {
                    li { a href={ "/tables/" (part(&entry.table)) "?pipeline=" (part(&pipeline.name)) } {
                        (entry.table) " " span.faint { (count(entry.rows)) }
                    } }
                } }
            }
        }
    }
}
