//! `consumer360 powerbi`.

use std::path::Path;
use std::process::ExitCode;

use bi::Source;
use serde_json::json;

use crate::cli::{Global, Output, PowerbiOptions, PowerbiSource};
use crate::exit::Failure;
use crate::figures::count;
use crate::handouts;

pub fn powerbi(global: &Global, options: &PowerbiOptions) -> Result<ExitCode, Failure> {
    let (pipeline, settings) = super::load(global, &options.pipeline)?;
    let target = super::target(&pipeline, &settings)?;
    let snapshot = super::published(&target, &pipeline, &options.pipeline)?;
    let source = match options.source {
        PowerbiSource::Folder => Source::Folder,
        PowerbiSource::Adls => Source::Adls,
        PowerbiSource::Http => Source::Http,
    };
    let location = options.location.clone().unwrap_or_else(|| handouts::absolute(target.folder()));
    let files = handouts::project(&pipeline, &target, &snapshot, source, &location).map_err(|e| Failure::step(&e))?;
    let done = bi::write(&options.to, &files, options.force).map_err(|e| match e {
        bi::Error::Edited { .. } => Failure::usage(e.to_string()),
        other => Failure::step(&other),
    })?;
    let entry = files
        .iter()
        .find(|file| Path::new(&file.path).extension().is_some_and(|ending| ending == "pbip"))
        .map(|file| options.to.join(&file.path))
        .unwrap_or_default();
    if global.output == Output::Json {
        let facts = json!({
            "project": entry,
            "snapshot": snapshot,
            "location": location,
            "written": done.written,
            "unchanged": done.unchanged,
            "removed": done.removed,
        });
        return super::print(&format!("{facts:#}\n"));
    }
    super::print(&format!(
        "{}: {} files written, {} as they were, {} removed\nOpen {} in Power BI Desktop and refresh; it reads {location}\n",
        options.to.display(),
        count(done.written as u64),
        count(done.unchanged as u64),
        count(done.removed as u64),
        entry.display(),
    ))
}
