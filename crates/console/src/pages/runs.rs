//! `/runs`: every run, filtered and paged.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use scheduler::{RunFilter, RunRecord, Status};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as Unknown;

use crate::access::Server;
use crate::figures::{count, part, seconds};
use crate::pages::layout::{Nav, Page};
use crate::pages::{Trouble, make, parts};

const PAGE: u64 = 50;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    pipeline: String,
    status: String,
    page: String,
}

pub async fn runs(State(server): State<Arc<Server>>, Query(asked): Query<Asked>) -> Response {
    make(server, Nav::Runs, move |server| page(server, &asked)).await
}

fn page(server: &Server, asked: &Asked) -> Result<Page, Trouble> {
    let pipeline = (!asked.pipeline.is_empty()).then_some(asked.pipeline.as_str());
    let filter = RunFilter { pipeline, status: status(&asked.status) };
    let number = asked.page.parse::<u64>().unwrap_or(1).max(1);
    let total = server.app.ledger.count(filter)?;
    let found = server.app.ledger.page(filter, (number - 1).saturating_mul(PAGE), PAGE)?;
    let is_moving = found.iter().any(|run| run.status == Status::Running);
    let address = |page: u64| format!("/runs?pipeline={}&status={}&page={page}", part(&asked.pipeline), part(&asked.status));
    let body = html! {
        div.title { h1 { "Runs" } p.faint { (count(total)) @if total == 1 { " run" } @else { " runs" } } }
        (choice(server, asked))
        @if found.is_empty() {
            (parts::empty("No runs", &html! {
                @if filter.pipeline.is_none() && filter.status.is_none() { "Start one on a pipeline's page; it appears here at once." }
                @else { "None fits the choice. " a href="/runs" { "Show all runs" } }
            }))
        } @else {
            (parts::legend())
            (list(&found, (server.app.now)(), "Runs, newest first"))
            (parts::pager("Pages of runs", number, total.div_ceil(PAGE), address))
        }
    };
    Ok(Page { title: "Runs".to_owned(), body, is_moving })
}

/// The status of that name, as records spell it.
fn status(name: &str) -> Option<Status> {
    let name: serde::de::value::StrDeserializer<'_, Unknown> = name.into_deserializer();
    Status::deserialize(name).ok()
}

fn choice(server: &Server, asked: &Asked) -> Markup {
    html! {
        form.filters method="get" action="/runs" {
            div { label for="pipeline" { "Pipeline" }
                select #pipeline name="pipeline" {
                    option value="" { "All" }
                    @for pipeline in server.app.pipelines().iter() {
                        option value=(pipeline.name) selected[pipeline.name == asked.pipeline] { (pipeline.name) }
                    }
                } }
            div { label for="status" { "Status" }
                select #status name="status" {
                    option value="" { "All" }
                    @for name in Status::ALL.map(Status::as_str) {
                        option value=(name) selected[name == asked.status] { (name.replace('_', " ")) }
                    }
                } }
            button type="submit" { "Show" }
        }
    }
}

/// A table of runs with their stages as bars, to one scale.
pub fn list(runs: &[RunRecord], now: DateTime<Utc>, caption: &str) -> Markup {
    let widest = runs.iter().map(parts::took).fold(0.0, f64::max);
    html! {
        div.scroll tabindex="0" role="group" aria-label=(caption) { table.runs {
            caption.hidden { (caption) }
            thead { tr {
                th scope="col" { "Run" } th scope="col" { "Status" } th scope="col" { "Started" } th scope="col" { "As of" }
                th.wide scope="col" { "Stages" } th.number scope="col" { "Took" }
            } }
            tbody { @for run in runs { tr {
                th scope="row" { (parts::run_link(&run.run_id)) }
                td { (parts::pill(run.status.as_str())) @if run.unchanged { " " span.faint { "unchanged" } } }
                td { (parts::when(run.started_at, now)) }
                td { @if let Some(day) = run.as_of { (day) } }
                td.wide { (parts::stage_bar(run, widest)) }
                td.number { (seconds(parts::took(run))) }
            } } }
        } }
    }
}
