//! Every kind of source: that the same data gives the same tables, that what goes wrong is said well, and that what is
//! left out is counted.

pub mod csv_text;
mod errors;
mod leaving_out;
mod mysql;
pub mod mysql_server;
mod odbc;
mod postgres;
pub mod postgres_server;
mod rejects;
mod same_bytes;
mod several_files;

use std::path::PathBuf;

use crate::support::{Ran, Workspace, contents};

/// A run in a workspace that already holds its data.
pub fn run(workspace: &Workspace, pipeline: &str) -> Ran {
    workspace.write("shop.yaml", pipeline);
    workspace.run(&["run", "shop.yaml"])
}

/// A pipeline of sales alone from a CSV at `data/orders.csv`; `more` are further keys of the source, indented by four.
pub fn csv_pipeline(more: &str) -> String {
    pipeline("{type: files, url: data}", &format!("path: orders.csv\n{more}"))
}

/// A pipeline of sales alone, whose columns bear the entity's own names unless `source` maps them.
pub fn pipeline(connection: &str, source: &str) -> String {
    format!(
        "version: 1\nname: shop\nconnections:\n  shop: {connection}\nextract:\n  sales:\n    from: shop\n    {source}\npublish: {{to: out}}\n"
    )
}

/// The one file below `state/` whose path ends so.
pub fn record(workspace: &Workspace, ending: &str) -> PathBuf {
    let state = workspace.path("state");
    let names: Vec<String> = contents(&state).into_keys().filter(|name| name.ends_with(ending)).collect();
    assert_eq!(names.len(), 1, "{ending}: {names:?}");
    state.join(&names[0])
}

/// One line of the run's book, and that it balances.
pub fn book(workspace: &Workspace, hop: &str, entity: &str) -> serde_json::Value {
    let text = std::fs::read(record(workspace, "reconciliation.json")).unwrap();
    let book: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let line = book.as_array().unwrap().iter().find(|line| line["hop"] == hop && line["entity"] == entity).unwrap().clone();
    let rows = |name: &str| line[name].as_u64().unwrap();
    let left = rows("rows_rejected") + rows("rows_deduplicated") + rows("rows_filtered");
    assert_eq!(rows("rows_in"), rows("rows_loaded") + left, "{line}");
    let amount = |name: &str| crate::support::ten_thousandths(line[name].as_str().unwrap());
    let left = amount("amount_rejected") + amount("amount_deduplicated") + amount("amount_filtered");
    assert_eq!(amount("amount_in"), amount("amount_out") + left, "{line}");
    line
}
