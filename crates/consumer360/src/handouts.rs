//! What people are handed of a snapshot beside its tables.

use std::path::Path;

use config::{Pipeline, Settings};
use load::Target;
use report::{Content, Facts};
use schema::TABLES;

/// Name of the report beside what is published.
pub const REPORT: &str = "report.html";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read what is published")]
    Target(#[from] load::Error),
    #[error("cannot write the report")]
    Report(#[from] report::Error),
    #[error("the manifest of {snapshot} states `{day}` as its day")]
    Day { snapshot: String, day: String },
}

/// Columns of which the pipeline lets no value be seen outside the tables.
pub fn masked(pipeline: &Pipeline) -> Vec<String> {
    if pipeline.pii.is_empty() {
        return Vec::new();
    }
    let named = TABLES.iter().flat_map(|table| table.columns).map(|column| column.name).filter(|name| schema::is_personal(name));
    let mut names: Vec<String> = named.map(str::to_owned).chain(pipeline.pii.iter().cloned()).collect();
    names.sort();
    names.dedup();
    names
}

/// The report on a snapshot, compared with the one before it.
pub fn report(
    pipeline: &Pipeline,
    settings: &Settings,
    target: &Target,
    snapshot: &str,
    masked: &[String],
) -> Result<String, Error> {
    let folder = target.snapshot(snapshot)?;
    let facts = Facts::read(&folder)?;
    let day = facts.as_of.parse().map_err(|_| Error::Day { snapshot: snapshot.to_owned(), day: facts.as_of.clone() })?;
    let previous = target.previous(day)?;
    let run = settings.state.join("runs").join(&facts.run_id);
    Ok(report::html(&Content {
        pipeline: &pipeline.name,
        snapshot: &folder,
        previous: previous.as_deref(),
        facts,
        masked,
        run: Some(Path::new(&run)).filter(|folder| folder.is_dir()),
    })?)
}

/// Renews what `publish:` asks for beside the tables. The tables are published by then, so what fails here is told and no more.
pub fn renew(pipeline: &Pipeline, settings: &Settings, target: &Target, snapshot: &str) -> Result<(), Error> {
    if pipeline.publish.report {
        let html = report(pipeline, settings, target, snapshot, &masked(pipeline))?;
        target.put(REPORT, html.as_bytes())?;
    }
    Ok(())
}
