//! `/tables` and `/tables/NAME`: the contract, and the first rows of what is published.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use maud::{Markup, html};
use schema::{Group, TABLES, Table, Visibility};
use serde::Deserialize;

use crate::access::Server;
use crate::figures::{bytes, count, part};
use crate::pages::layout::{Nav, Page};
use crate::pages::{Trouble, make, parts, run_parts};
use crate::published::{self, Manifest};
use crate::view::{PiiPolicy, PipelineView};
use crate::{run_files, table_rows};

const PREVIEW_ROWS: usize = 20;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    pipeline: String,
}

pub async fn tables(State(server): State<Arc<Server>>, Query(asked): Query<Asked>) -> Response {
    make(server, Nav::Tables, move |server| Ok(all(server, &asked))).await
}

pub async fn table(State(server): State<Arc<Server>>, Path(name): Path<String>, Query(asked): Query<Asked>) -> Response {
    make(server, Nav::Tables, move |server| one(server, &name, &asked)).await
}

/// The pipeline that was asked for, or the first.
fn chosen<'a>(pipelines: &'a [PipelineView], asked: &Asked) -> Option<&'a PipelineView> {
    pipelines.iter().find(|p| p.name == asked.pipeline).or_else(|| pipelines.first())
}

fn manifest(pipeline: &PipelineView) -> Option<Manifest> {
    published::manifest(pipeline, &published::current(pipeline)?.snapshot)
}

fn choice(pipelines: &[PipelineView], chosen: Option<&PipelineView>, action: &str) -> Markup {
    html! {
        @if pipelines.len() > 1 {
            form.filters method="get" action=(action) {
                div { label for="pipeline" { "Rows of" }
                    select #pipeline name="pipeline" { @for p in pipelines {
                        option value=(p.name) selected[chosen.is_some_and(|c| c.name == p.name)] { (p.name) }
                    } } }
                button type="submit" { "Show" }
            }
        }
    }
}

fn all(server: &Server, asked: &Asked) -> Page {
    let pipelines = server.app.pipelines();
    let pipeline = chosen(&pipelines, asked);
    let manifest = pipeline.and_then(manifest);
    let query = pipeline.map(|p| format!("?pipeline={}", part(&p.name))).unwrap_or_default();
    let body = html! {
        div.title { h1 { "Tables" } p.faint { "The contract with whoever reads what is published" } }
        (choice(&pipelines, pipeline, "/tables"))
        @for group in Group::ALL {
            section aria-labelledby=(group.title()) {
                h2 id=(group.title()) { (group.title()) }
                div.scroll tabindex="0" role="group" aria-label=(group.title()) { table {
                    caption.hidden { "Tables of the chapter " (group.title()) }
                    thead { tr { th scope="col" { "Table" }
                    th scope="col" { "One row is" }
                    th.number scope="col" { "Rows" }
                    th scope="col" { "What it tells" } } }
                    tbody { @for table in shown().filter(|t| t.group == group) { tr {
                        th scope="row" { a.mono href={ "/tables/" (table.name) (query) } { (table.name) } }
                        td { (table.grain) }
                        td.number { @match manifest.as_ref().and_then(|m| m.table(table.name)) { Some(t) => { (count(t.rows)) } None => { "–" } } }
                        td { (table.description) }
                    } } }
                } }
            }
        }
    };
    Page::new("Tables", body)
}

fn shown() -> impl Iterator<Item = &'static Table> {
    TABLES.iter().copied().filter(|t| t.visibility != Visibility::Working)
}

fn one(server: &Server, name: &str, asked: &Asked) -> Result<Page, Trouble> {
    let missing = || Trouble::Missing(format!("There is no table “{name}”."));
    let table = shown().find(|t| t.name == name).ok_or_else(missing)?;
    let pipelines = server.app.pipelines();
    let pipeline = chosen(&pipelines, asked);
    let manifest = pipeline.and_then(manifest);
    let body = html! {
        nav.crumbs aria-label="Breadcrumb" { a href="/tables" { "Tables" } " / " (table.group.title()) }
        div.title { h1.mono { (table.name) } }
        p.lead { (table.description) }
        dl.facts {
            div { dt { "One row is" } dd { (table.grain) } }
            div { dt { "Key" } dd.mono { (table.key.join(", ")) } }
            @if let Some(entry) = manifest.as_ref().and_then(|m| m.table(table.name)) {
                div { dt { "Rows" } dd { (count(entry.rows)) } }
                div { dt { "Size" } dd { (bytes(entry.bytes)) } }
            }
        }
        (columns(table, &origins(server, manifest.as_ref(), table)))
        section aria-labelledby="preview" {
            h2 #preview { "First rows" }
            (choice(&pipelines, pipeline, &format!("/tables/{}", table.name)))
            @match (pipeline, &manifest) {
                (Some(pipeline), Some(manifest)) => { (preview(pipeline, manifest, table)) }
                _ => { (parts::empty("Nothing published yet", &html! { "The first rows show here once a run has published." })) }
            }
        }
    };
    Ok(Page::new(table.name, body))
}

/// Where each column comes from, as the plans of the run that published said.
fn origins(server: &Server, manifest: Option<&Manifest>, table: &Table) -> BTreeMap<String, Vec<String>> {
    let Some(manifest) = manifest else { return BTreeMap::new() };
    run_files::lineage(&server.app.ledger.folder(&manifest.run_id)).remove(table.name).unwrap_or_default()
}

fn columns(table: &Table, origins: &BTreeMap<String, Vec<String>>) -> Markup {
    html! {
        section aria-labelledby="columns" {
            h2 #columns { "Columns" }
            div.scroll tabindex="0" role="group" aria-label="Columns" { table {
                caption.hidden { "Columns of " (table.name) }
                thead { tr { th scope="col" { "Column" }
                th scope="col" { "Type" }
                th scope="col" { "May be empty" }
                th scope="col" { "What it is" }
                @if !origins.is_empty() { th scope="col" { "Comes from" } } } }
                tbody { @for column in table.columns { tr {
                    th.mono scope="row" { (column.name) } td { (column.kind.name()) }
                    td { @if column.nullable { "yes" } @else { "no" } } td { (column.description) }
                    @if !origins.is_empty() { td.mono { (origins.get(column.name).map(|all| all.join(", ")).unwrap_or_default()) } }
                } } }
            } }
        }
    }
}

fn preview(pipeline: &PipelineView, manifest: &Manifest, table: &Table) -> Markup {
    let snapshot = pipeline.publish_to.join("snapshots").join(&manifest.snapshot);
    let Some(rows) = table_rows::first(&snapshot, table.name, PREVIEW_ROWS) else {
        return parts::empty("Not to be read", &html! { "The file of this table is not there, or not whole." });
    };
    html! {
        @if rows.cells.is_empty() { (parts::empty("No rows", &html! { "The table is published empty." })) } @else {
            p.faint { "The first " (rows.cells.len()) " of " (count(rows.total)) " rows of " (pipeline.name) ", as of " (manifest.as_of) "." }
            div.scroll tabindex="0" role="group" aria-label="First rows" { table.preview {
                caption.hidden { "First rows of " (table.name) }
                thead { tr { @for name in &rows.columns { th scope="col" { (name) } } } }
                tbody { @for row in &rows.cells { tr {
                    @for (name, value) in rows.columns.iter().zip(row) { td { (cell(&pipeline.pii, name, value.as_deref())) } }
                } } }
            } }
        }
    }
}

fn cell(policy: &PiiPolicy, column: &str, value: Option<&str>) -> Markup {
    match value {
        None => html! { span.faint { "–" } },
        Some(_) if policy.masks(column) => run_parts::mask(),
        Some(value) => html! { (value) },
    }
}
