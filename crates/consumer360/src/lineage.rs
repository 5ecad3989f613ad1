//! `OpenLineage` events of a run: START, then COMPLETE, FAIL or ABORT, one JSON object a line.
//!
//! They go to a file or to an address. They follow the run event of the specification, version 2-0-2 (openlineage.io/spec). The id of a run is a UUID of version 8
//! made from the run's own id, so that the two events of a run agree. Nothing here can fail a run: what cannot be written is
//! logged.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::hash::Hasher;
use std::io::{self, Write};
use std::path::Path;

use chrono::{DateTime, SecondsFormat, Utc};
use config::{Input, LineageTarget, MapFrom, Mapping, Pipeline};
use datafusion::prelude::SessionContext;
use load::Manifest;
use serde_json::{Value, json};
use twox_hash::XxHash64;

use crate::exit::chain;
use crate::telemetry;

const SCHEMA: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";
const STATISTICS: &str =
    "https://openlineage.io/spec/facets/1-0-2/OutputStatisticsOutputDatasetFacet.json#/$defs/OutputStatisticsOutputDatasetFacet";
const ERROR: &str = "https://openlineage.io/spec/facets/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet";
const COLUMNS: &str = "https://openlineage.io/spec/facets/1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet";
const PRODUCER: &str = concat!("urn:consumer360:", env!("CARGO_PKG_VERSION"));
const NAMESPACE: &str = "consumer360";

/// What became of a run.
#[derive(Debug, Clone, Copy)]
pub enum Moment<'a> {
    Start,
    /// Published, or proven without being published.
    Complete(Option<&'a Manifest>),
    Fail(&'a str),
    /// Stopped from outside.
    Abort,
}

/// Where the events of a run go.
pub struct Lineage<'a> {
    pub target: Option<LineageTarget>,
    pub pipeline: &'a Pipeline,
    pub run_id: String,
    pub columns: Columns,
}

/// By table and column, the columns it comes from: `table.column` within the run, `connection: column` of a source.
pub type Columns = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// Reads off the plans where each column comes from, and keeps it as `lineage.json` in the run's folder. A run does not fail
/// for it.
pub async fn columns(session: &SessionContext, pipeline: &Pipeline, folder: &Path) -> Columns {
    let tables = transform::columns(session).await.unwrap_or_else(|error| {
        tracing::warn!(error = chain(&error), "the columns' lineage cannot be read off the plans");
        BTreeMap::new()
    });
    let mut found: Columns = tables.into_iter().map(|(table, columns)| (table.to_owned(), columns)).collect();
    for (entity, source) in &pipeline.sources {
        let text = |mapping: &Mapping| {
            format!(
                "{}: {}",
                source.connection,
                match &mapping.from {
                    MapFrom::ColumnOrSql(text) | MapFrom::Sql(text) => text,
                }
            )
        };
        let columns = source.columns.iter().map(|(column, mapping)| (column.clone(), BTreeSet::from([text(mapping)])));
        found.insert(entity.to_string(), columns.collect());
    }
    let file = folder.join("lineage.json");
    let written = serde_json::to_vec_pretty(&found).map_err(io::Error::from).and_then(|text| std::fs::write(&file, text));
    if let Err(error) = written {
        tracing::warn!(path = %file.display(), %error, "cannot keep the columns' lineage");
    }
    found
}

impl Lineage<'_> {
    pub fn tell(&self, moment: Moment<'_>, at: DateTime<Utc>) {
        match &self.target {
            None => {}
            Some(LineageTarget::File(file)) => {
                if let Err(error) = append(file, &self.event(moment, at)) {
                    tracing::warn!(path = %file.display(), %error, "cannot write the lineage event");
                }
            }
            Some(LineageTarget::Http { url, key }) => {
                let bearer = |key: &config::Secret| ("authorization".to_owned(), format!("Bearer {}", key.expose()));
                if let Err(error) = telemetry::post(url, key.as_ref().map(bearer), &self.event(moment, at)) {
                    tracing::warn!(%error, "the lineage event was not taken");
                }
            }
        }
    }

    fn event(&self, moment: Moment<'_>, at: DateTime<Utc>) -> Value {
        let (kind, facets) = match moment {
            Moment::Start => ("START", json!({})),
            Moment::Complete(_) => ("COMPLETE", json!({})),
            Moment::Abort => ("ABORT", json!({})),
            Moment::Fail(message) => (
                "FAIL",
                json!({"errorMessage": {
                    "_producer": PRODUCER, "_schemaURL": ERROR, "message": message, "programmingLanguage": "Rust",
                }}),
            ),
        };
        let outputs = match moment {
            Moment::Complete(Some(manifest)) => self.outputs(manifest),
            _ => Vec::new(),
        };
        json!({
            "eventType": kind,
            "eventTime": at.to_rfc3339_opts(SecondsFormat::Millis, true),
            "producer": PRODUCER,
            "schemaURL": SCHEMA,
            "run": {"runId": uuid(&self.run_id), "facets": facets},
            "job": {"namespace": NAMESPACE, "name": self.pipeline.name},
            "inputs": self.inputs(),
            "outputs": outputs,
        })
    }

    /// A source by the name of its connection: an address may hold a secret.
    fn inputs(&self) -> Vec<Value> {
        let one = |(entity, source): (&schema::Entity, &config::Source)| {
            let name = match &source.input {
                Input::Files { path, .. } => path.clone(),
                Input::Table(table) => table.clone(),
                Input::Query(_) => format!("query of {entity}"),
            };
            json!({"namespace": format!("{NAMESPACE}/{}", source.connection), "name": name})
        };
        self.pipeline.sources.iter().map(one).collect()
    }

    fn outputs(&self, manifest: &Manifest) -> Vec<Value> {
        let (namespace, current) = dataset(&self.pipeline.publish.to);
        let one = |files: &[load::TableEntry]| {
            let first = files.first()?;
            let sum = |figure: fn(&load::TableEntry) -> u64| files.iter().map(figure).sum::<u64>();
            // A table in parts is known by its folder.
            let name = if first.file.is_some() { first.table.clone() } else { first.file() };
            Some(json!({
                "namespace": namespace,
                "name": format!("{current}/{name}"),
                "facets": self.column_lineage(&first.table),
                "outputFacets": {"outputStatistics": {
                    "_producer": PRODUCER, "_schemaURL": STATISTICS, "rowCount": sum(|t| t.rows), "size": sum(|t| t.bytes),
                }},
            }))
        };
        manifest.by_table().filter_map(one).collect()
    }

    /// Which columns of the run's tables each column comes from; nothing for a table without a statement of its own.
    fn column_lineage(&self, table: &str) -> Value {
        let Some(columns) = self.columns.get(table) else { return json!({}) };
        let namespace = format!("{NAMESPACE}/{}", self.pipeline.name);
        let field = |origin: &String| {
            let (table, column) = origin.split_once('.')?;
            Some(json!({"namespace": namespace, "name": table, "field": column}))
        };
        let fields: serde_json::Map<String, Value> = columns
            .iter()
            .map(|(column, origins)| {
                (column.clone(), json!({"inputFields": origins.iter().filter_map(field).collect::<Vec<_>>()}))
            })
            .collect();
        json!({"columnLineage": {"_producer": PRODUCER, "_schemaURL": COLUMNS, "fields": fields}})
    }
}

/// Namespace and name of `current/`, as the naming rules of `OpenLineage` have them: a file's, or a bucket's and the key in it.
fn dataset(to: &config::Target) -> (String, String) {
    match to {
        config::Target::Folder(path) => {
            let current = std::path::absolute(path).unwrap_or_else(|_| path.clone()).join("current");
            ("file".to_owned(), current.display().to_string())
        }
        config::Target::Store { url } => {
            let bucket = url.find("://").and_then(|at| Some(at + 3 + url.get(at + 3..)?.find('/')?)).unwrap_or(url.len());
            let (namespace, key) = url.split_at(bucket);
            (namespace.to_owned(), format!("{key}/current").trim_start_matches('/').to_owned())
        }
    }
}

fn uuid(run_id: &str) -> String {
    let half = |seed: u64| {
        let mut hash = XxHash64::with_seed(seed);
        hash.write(run_id.as_bytes());
        hash.finish()
    };
    uuid::Builder::from_custom_bytes(((u128::from(half(0)) << 64) | u128::from(half(1))).to_be_bytes()).into_uuid().to_string()
}

/// One line, written at once, so that lines of runs side by side do not mix.
fn append(path: &Path, event: &Value) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = File::options().create(true).append(true).open(path)?;
    file.write_all(format!("{event}\n").as_bytes())
}
