//! Sources that are read in increments: whatever happened to them, the increments come to what a whole reading gives.

mod busy;
mod databases;
mod ledger_of_changes;
mod whole_runs;

use std::fs;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use extract::{Book, History, Increment};
use schema::Entity;

use crate::support::Workspace;

/// One reading of the sources, without the marts behind it.
struct Reading {
    sales: Vec<u8>,
    rejects: Vec<u8>,
    book: Book,
    increment: Increment,
}

/// Reads the sources of `shop.yaml` as a run would that publishes, keeping its records under `name`.
fn read(space: &Workspace, name: &str, now: DateTime<Utc>, refresh: bool) -> Result<Reading, extract::Error> {
    let (pipeline, settings) = config::load(&space.path("shop.yaml"), None, None, &config::Environment::process()).unwrap();
    let folder: PathBuf = space.path(name).join("run");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let before = extract::SeenSources::new();
    let history = History::of(&space.path(name), "shop", now, refresh);
    let day = now.date_naive();
    let place = extract::Place { folder: &folder, day, today: day, as_of: Some(day), before: &before, history: &history };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let session = extract::session(&settings.engine, &folder)?;
        let staged = extract::stage(&session, &pipeline, &settings.engine.limits, &place, &|_, _| ()).await?;
        extract::keep(&staged, &folder, &history)?;
        let file = |name: &str| fs::read(folder.join(name)).unwrap();
        Ok(Reading {
            sales: file("staged/sales.parquet"),
            rejects: file("rejects/sales.parquet"),
            book: staged.book(Entity::Sales),
            increment: staged.increments().get("sales").copied().cloned().expect("sales are read in increments"),
        })
    })
}
