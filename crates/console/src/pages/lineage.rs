//! `/lineage`: from source to mart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use maud::{Markup, html};
use schema::{Group, table};
use serde::Deserialize;

use crate::access::Server;
use crate::figures::part;
use crate::pages::layout::{Nav, Page};
use crate::pages::{make, parts};
use crate::view::PipelineView;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    pipeline: String,
}

pub async fn lineage(State(server): State<Arc<Server>>, Query(asked): Query<Asked>) -> Response {
    make(server, Nav::Lineage, move |server| Ok(page(server, &asked))).await
}

fn page(server: &Server, asked: &Asked) -> Page {
    let pipelines = server.app.pipelines();
    let pipeline = pipelines.iter().find(|p| p.name == asked.pipeline).or_else(|| pipelines.first());
    let body = html! {
        div.title { h1 { "Lineage" } p.faint { "Where each table comes from, and what is made of it" } }
        @if pipelines.len() > 1 {
            nav.levels aria-label="Pipeline" { @for p in pipelines.iter() {
                a href={ "/lineage?pipeline=" (part(&p.name)) } aria-current=[pipeline.is_some_and(|c| c.name == p.name).then_some("true")] { (p.name) }
            } }
        }
        @match pipeline {
            Some(pipeline) => { (road(pipeline)) (details(pipeline)) }
            None => { (parts::empty("No pipeline yet", &html! { "Its tables show here once there is one." })) }
        }
    };
    Page::new("Lineage", body)
}

/// Source, staged, star, mart: four lists side by side, in the data's direction.
fn road(pipeline: &PipelineView) -> Markup {
    let connections: BTreeSet<&str> = pipeline.sources.iter().map(|(_, connection)| connection.as_str()).collect();
    let made: BTreeSet<&str> = pipeline.lineage.iter().map(|e| e.table.as_str()).collect();
    let staged: BTreeSet<&str> =
        pipeline.lineage.iter().flat_map(|e| &e.reads).map(String::as_str).filter(|name| !made.contains(name)).collect();
    let in_star = |name: &&str| table(name).is_some_and(|t| t.group == Group::Star);
    let order = pipeline.lineage.iter().map(|e| e.table.as_str());
    let (star, marts): (Vec<&str>, Vec<&str>) = order.partition(|name| in_star(name));
    html! {
        div.road {
            (stop("Sources", connections.into_iter().map(|name| html! { (name) }).collect()))
            (stop("Staged", staged.into_iter().map(anchor).collect()))
            (stop("Star", star.into_iter().map(anchor).collect()))
            (stop("Marts", marts.into_iter().map(anchor).collect()))
        }
    }
}

fn stop(title: &str, names: Vec<Markup>) -> Markup {
    html! { section.stop aria-label=(title) { h2 { (title) } @if names.is_empty() { p.faint { "none" } } ul { @for name in names { li { (name) } } } } }
}

fn anchor(name: &str) -> Markup {
    html! { a href={ "#" (part(name)) } { (name) } }
}

fn details(pipeline: &PipelineView) -> Markup {
    let mut readers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for edge in &pipeline.lineage {
        for read in &edge.reads {
            readers.entry(read).or_default().push(&edge.table);
        }
    }
    let made: BTreeSet<&str> = pipeline.lineage.iter().map(|e| e.table.as_str()).collect();
    let staged = readers.keys().copied().filter(|name| !made.contains(name)).map(|name| (name, Vec::new()));
    let built = pipeline.lineage.iter().map(|e| (e.table.as_str(), e.reads.iter().map(String::as_str).collect::<Vec<_>>()));
    html! {
        section aria-labelledby="each" {
            h2 #each { "Table by table" }
            div.scroll tabindex="0" role="group" aria-label="Table by table" { table {
                caption.hidden { "What each table reads and what reads it" }
                thead { tr { th scope="col" { "Table" } th scope="col" { "Reads" } th scope="col" { "Read by" } } }
                tbody { @for (name, reads) in staged.chain(built) { tr id=(name) {
                    th scope="row" { @if table(name).is_some() { a.mono href={ "/tables/" (part(name)) "?pipeline=" (part(&pipeline.name)) } { (name) } } @else { span.mono { (name) } } }
                    td { (names(&reads)) @if reads.is_empty() { @for (entity, connection) in &pipeline.sources { @if entity == name { span.faint { (connection) } } } } }
                    td { (names(readers.get(name).map(Vec::as_slice).unwrap_or_default())) }
                } } }
            } }
        }
    }
}

fn names(names: &[&str]) -> Markup {
    html! { @for (at, name) in names.iter().enumerate() { @if at > 0 { ", " } (anchor(name)) } }
}
