//! What people are handed of a snapshot beside its tables.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use bi::{Content as Project, ProjectFile, Region, Source};
use config::{Pipeline, Settings};
use load::Target;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use report::{Content, Facts};
use schema::TABLES;

use crate::exit::chain;

/// Names of what lies beside what is published.
const REPORT: &str = "report.html";
const POWERBI: &str = "powerbi";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read what is published")]
    Target(#[from] load::Error),
    #[error("cannot write the report")]
    Report(#[from] report::Error),
    #[error("cannot write the Power BI project")]
    PowerBi(#[from] bi::Error),
    #[error("cannot read the regions from {path}: {detail}")]
    Regions { path: PathBuf, detail: String },
    #[error("the manifest of {snapshot} states `{day}` as its day")]
    Day { snapshot: String, day: String },
}

/// Columns of which the pipeline lets no value be seen outside the tables.
pub fn masked(pipeline: &Pipeline) -> Vec<String> {
    if pipeline.pii.is_empty() {
        return Vec::new();
    }
    let personal =
        TABLES.iter().flat_map(|table| table.columns).map(|column| column.name).filter(|name| schema::is_personal(name));
    let mut names: Vec<String> = personal.map(str::to_owned).chain(pipeline.pii.iter().cloned()).collect();
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

/// The files of a Power BI project on a snapshot, for tables that Power BI finds at `location`.
pub fn project(
    pipeline: &Pipeline,
    target: &Target,
    snapshot: &str,
    source: Source,
    location: &str,
) -> Result<Vec<ProjectFile>, Error> {
    let regions = regions(&target.snapshot(snapshot)?.join("dim_region.parquet"))?;
    let content = Project { project: pipeline.name.clone(), regions, source, location: location.to_owned() };
    Ok(bi::project(&content)?)
}

fn regions(path: &Path) -> Result<Vec<Region>, Error> {
    let unread = |detail: String| Error::Regions { path: path.to_path_buf(), detail };
    let file = File::open(path).map_err(|e| unread(e.to_string()))?;
    let batches = ParquetRecordBatchReaderBuilder::try_new(file).and_then(ParquetRecordBatchReaderBuilder::build);
    let mut regions = Vec::new();
    for batch in batches.map_err(|e| unread(e.to_string()))? {
        let batch = batch.map_err(|e| unread(e.to_string()))?;
        let column = |name: &str| batch.column_by_name(name).ok_or_else(|| unread(format!("there is no column {name}")));
        let keys = column("region_key")?.as_primitive::<Int64Type>();
        let names = column("region_name")?.as_string::<i32>();
        let found = keys.iter().zip(names).filter_map(|(key, name)| Some(Region { key: key?, name: name?.to_owned() }));
        regions.extend(found);
    }
    Ok(regions)
}

/// Renews what `publish:` asks for beside the tables. Readers are led to the tables by then, so what fails here is told and no more.
pub fn renew(pipeline: &Pipeline, settings: &Settings, target: &Target, snapshot: &str) {
    if let Err(error) = write(pipeline, settings, target, snapshot) {
        tracing::warn!(error = chain(&error), "the tables are published; what goes with them is not renewed");
    }
}

fn write(pipeline: &Pipeline, settings: &Settings, target: &Target, snapshot: &str) -> Result<(), Error> {
    if pipeline.publish.report {
        let html = report(pipeline, settings, target, snapshot, &masked(pipeline))?;
        target.put(REPORT, html.as_bytes())?;
    }
    if pipeline.publish.powerbi {
        let to = target.folder();
        let files = project(pipeline, target, snapshot, Source::Folder, &absolute(to))?;
        bi::write(&to.join(POWERBI), &files, false)?;
    }
    Ok(())
}

/// A folder as another program on this machine finds it.
pub fn absolute(folder: &Path) -> String {
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf()).display().to_string()
}
