//! The files as they are written. Doc comments here are what editors show.

mod checks;
mod contract;
mod incremental;
mod operations;
mod transform;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) use checks::*;
pub(crate) use contract::*;
pub(crate) use incremental::*;
pub(crate) use operations::*;
pub(crate) use transform::*;

/// A pipeline: what to read, what to make of it, and where to publish it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pipeline {
    /// Version of this format; always 1.
    #[schemars(extend("const" = 1))]
    #[allow(dead_code, reason = "checked by the shape")]
    pub version: i64,
    /// Name of the pipeline: small letters, digits, `-` and `_`. Runs and locks carry it.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]*$"), length(max = 64))]
    pub name: String,
    /// The store's time zone, such as `America/New_York`. Instants from sources become local times of it. Default: UTC.
    pub timezone: Option<String>,
    /// The day all figures are seen from: `max(sales.ordered_at)` (default), `slot` (the scheduled day), or a date.
    pub as_of: Option<String>,
    /// Where data lies, by name. May also stand in `config/<env>.yaml`; the pipeline file wins.
    #[serde(default)]
    pub connections: BTreeMap<String, Connection>,
    /// What to read.
    pub extract: Extract,
    /// What to make of it.
    #[serde(default)]
    pub transform: Transform,
    /// What the tables must keep to before they are published, beside what every run proves.
    #[serde(default)]
    pub checks: Vec<OneCheck>,
    /// Guards against figures that look right and mislead. All are on.
    #[serde(default)]
    pub guards: Guards,
    /// Where to publish.
    pub publish: Publish,
    /// When the pipeline runs by itself, under `serve` or `run --slot`.
    pub schedule: Option<Schedule>,
    /// How often a scheduled run that failed for a passing reason is tried again.
    #[serde(default)]
    pub retries: Retries,
    /// What parks a finished run before publishing, until somebody looks.
    #[serde(default)]
    pub hold: Hold,
    /// Who is told of what.
    #[serde(default)]
    pub notify: Vec<Notify>,
    /// Columns that are masked in pages, reports and messages beside those that tell of a person; an empty list masks none.
    pub pii: Option<Vec<String>>,
}

/// One place where data lies.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Connection {
    /// What kind of place it is.
    pub r#type: ConnectionType,
    /// files: a folder, or `s3://bucket/prefix`, `az://container/prefix`, `gs://bucket/prefix` (credentials from the environment).
    /// postgres: `postgres://user:password@host:5432/database`. `${env:NAME}` and `${file:/path}` are filled in.
    /// mysql (and MariaDB): `mysql://user:password@host:3306/database`; `?ssl-mode=verify_identity` and the like, as MySQL
    /// names them.
    pub url: Option<String>,
    /// sqlite: path of the database file.
    pub path: Option<String>,
    /// odbc: the driver's connection string, such as `Driver={PostgreSQL Unicode};Server=db;Database=shop;UID=reader;PWD=${env:PW}`.
    /// The program has to be built with the feature `odbc`.
    #[serde(rename = "connection")]
    pub attributes: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum ConnectionType {
    Files,
    Sqlite,
    Postgres,
    Mysql,
    Odbc,
}

/// The entities a pipeline reads. Only sales is required; customers and products are derived from it where absent.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Extract {
    /// Order lines.
    pub sales: Source,
    /// Customers.
    pub customers: Option<Source>,
    /// Products.
    pub products: Option<Source>,
    /// Payments due and made.
    pub payments: Option<Source>,
    /// Support tickets.
    pub tickets: Option<Source>,
    /// Who may see which region in the report, by sign-in name: for row-level security.
    pub users: Option<Source>,
}

impl Extract {
    /// Those that are there.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        let others = [&self.customers, &self.products, &self.payments, &self.tickets, &self.users];
        std::iter::once(&self.sales).chain(others.into_iter().flatten())
    }
}

/// How one entity is read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    /// Name of the connection.
    pub from: String,
    /// Files: a path or glob below the connection's folder, such as `orders*.csv`.
    pub path: Option<String>,
    /// Databases: a table, optionally `schema.table`.
    pub table: Option<String>,
    /// Databases: a query in the database's own SQL.
    pub query: Option<String>,
    /// Format of the files; by default told by their ending.
    pub format: Option<Format>,
    /// Compression of the files; by default told by their ending (`.gz`, `.zst`).
    pub compression: Option<Compression>,
    /// How CSV files are written.
    pub csv: Option<Csv>,
    /// Workbooks: name of the sheet. Default: the first one that is not hidden.
    pub sheet: Option<String>,
    /// CSV files and workbooks: lines, or rows, above the one that names the columns. Default: 0.
    pub skip_rows: Option<u32>,
    /// Ours: theirs. A source column, or SQL over the source's columns. Absent: source columns that bear our names.
    #[serde(default)]
    pub columns: BTreeMap<String, Mapping>,
    /// SQL condition; rows for which it is not true are counted as filtered.
    pub r#where: Option<String>,
    /// Which of several equal rows stay.
    pub deduplicate: Option<Deduplicate>,
    /// How many records may be set aside.
    pub rejects: Option<Rejects>,
    /// What the source may change since the last published run.
    #[serde(default)]
    pub contract: Contract,
    /// Databases: which rows are new, so that the others need not be read again. Default: all are read with every run.
    pub incremental: Option<Incremental>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Format {
    Csv,
    Ndjson,
    Parquet,
    Xlsx,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zstd,
}

/// How CSV files are written.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Csv {
    /// One character, or `tab`. Default: a comma.
    pub delimiter: Option<String>,
    /// One character. Default: a double quote.
    pub quote: Option<String>,
    /// Default: utf-8.
    pub encoding: Option<Encoding>,
    /// Whether the first line names the columns (default). Without one they are `column_1`, `column_2`, …
    pub header: Option<bool>,
    /// Values that mean nothing is there, beside the empty one.
    #[serde(default)]
    pub null_values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(inline)]
pub(crate) enum Encoding {
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "cp1252")]
    Cp1252,
    #[serde(rename = "utf-16")]
    Utf16,
}

/// A source column or SQL; with a date pattern in the long form.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(crate) enum Mapping {
    Short(String),
    Long(LongMapping),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(crate) struct LongMapping {
    /// A source column.
    pub column: Option<String>,
    /// SQL over the source's columns.
    pub sql: Option<String>,
    /// How dates are written, such as `%m/%d/%Y`.
    pub format: Option<String>,
}

/// Which of several equal rows stay: `{exact: true}`, or `{keys: [...], keep: last_by(column)}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deduplicate {
    /// Rows equal in every mapped column are one row.
    pub exact: Option<bool>,
    /// Our columns that make a row the same.
    #[serde(default)]
    pub keys: Vec<String>,
    /// `last_by(column)` or `first_by(column)`, a column of ours.
    pub keep: Option<String>,
}

/// Shares of the records read, such as `0.1%`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rejects {
    /// Above this share the run warns. Default: 0.1%.
    pub warn: Option<Share>,
    /// Above this share nothing is published. Default: 1%.
    pub fail: Option<Share>,
}

/// A percentage such as `0.1%`, or a fraction such as 0.001.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(crate) enum Share {
    Fraction(f64),
    Percent(String),
}

/// Where to publish.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Publish {
    /// What holds `snapshots/`, `current/` and `published.json`: a folder, or `s3://bucket/prefix`, `az://container/prefix`,
    /// `gs://bucket/prefix` (credentials from the environment).
    #[schemars(length(min = 1))]
    pub to: String,
    /// Snapshots kept, the current one included. Default: 12.
    #[schemars(range(min = 2, max = 10_000))]
    pub keep: Option<i64>,
    /// Rows of a file of a fact table, such as 10000000; 0 for every table in one file. Otherwise each fact table is a folder,
    /// `fact_sales/part-00000.parquet` and so on. Default: 0.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub rows_per_file: Option<i64>,
    /// Object stores: a publisher that gave no sign of life for this long counts as dead, and the next one takes its place. From
    /// `5s` to `1h`. Default: 1m.
    pub lease: Option<String>,
    /// Write `report.html` beside what is published: one page for a browser, made anew with every publication. Default: false.
    pub report: Option<bool>,
    /// Keep a Power BI project in `powerbi/` beside what is published. One that a person has edited stays as it is. For folders
    /// only. Default: false.
    pub powerbi: Option<bool>,
    /// How files are written: `powerbi`, which every reader of Parquet takes.
    #[allow(dead_code, reason = "there is one profile; the key is there for the file to say so")]
    pub profile: Option<Profile>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Profile {
    Powerbi,
}

/// Where pipelines run: `config/default.yaml`, and what `config/<env>.yaml` changes of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Memory, threads and spill space.
    #[serde(default)]
    pub engine: Engine,
    /// Ceilings that keep a wrong source from taking the machine down.
    #[serde(default)]
    pub limits: Limits,
    /// Folder of the run folders, and of the run ledger unless `ledger` says otherwise.
    #[schemars(length(min = 1))]
    pub state: Option<String>,
    /// Where the run ledger is. Default: the file consumer360.db in the state folder.
    #[serde(default)]
    pub ledger: Ledger,
    /// How many runs are kept.
    #[serde(default)]
    pub runs: Runs,
    /// The server that runs pipelines on schedule.
    #[serde(default)]
    pub serve: Serve,
    /// What runs write for other programs to watch.
    #[serde(default)]
    pub telemetry: Telemetry,
    /// Connections that several pipelines share.
    #[serde(default)]
    pub connections: BTreeMap<String, Connection>,
}

/// Where the run ledger is.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ledger {
    /// A PostgreSQL that several hosts share, such as `postgres://user:password@host:5432/database`; empty for the file in
    /// the state folder, the ledger of one host. `${env:NAME}` and `${file:/path}` are filled in.
    pub postgres: Option<String>,
}

/// What runs write for other programs to watch.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Telemetry {
    /// Where `OpenLineage` events go: an address that takes them, or a file they are appended to, one JSON object a line.
    /// `${env:NAME}` and `${file:/path}` are filled in. Default: none.
    pub openlineage: Option<String>,
    /// Sent to the address as `Authorization: Bearer`. `${env:NAME}` and `${file:/path}` are filled in. Default: none.
    pub openlineage_key: Option<String>,
    /// Address that takes traces of runs in OTLP over HTTP, such as `http://localhost:4318/v1/traces`. Default: none.
    pub traces: Option<String>,
    /// File in the text format of Prometheus, for its textfile collector, written anew after each run. Default: none.
    pub metrics: Option<String>,
}

/// The server that runs pipelines on schedule.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Serve {
    /// Address and port of the console. Other than loopback it needs a token. Default: 127.0.0.1:8360.
    pub listen: Option<String>,
    /// What a person types to enter the console, at least 16 characters. `${env:NAME}` and `${file:/path}` are filled in.
    pub token: Option<String>,
    /// Address by which people reach the console, such as `https://etl.example.com`; messages lead there. Default: none.
    pub url: Option<String>,
    /// Runs side by side, of different pipelines; each takes the memory of `engine`. Default: 1.
    #[schemars(range(min = 1, max = 64))]
    pub runs_at_once: Option<i64>,
}

/// Memory, threads and spill space.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Engine {
    /// What queries may hold before they spill, such as `1.5GiB`.
    pub memory: Option<String>,
    /// Worker threads; 0 for one a core.
    #[schemars(range(min = 0, max = 1024))]
    pub threads: Option<i64>,
    /// Tables built side by side: more keep more cores busy, fewer take less memory.
    #[schemars(range(min = 1, max = 64))]
    pub tables_at_once: Option<i64>,
    /// Space for spilled data, such as `20GiB`.
    pub spill: Option<String>,
    /// Other machines that do the work of the queries. Default: this one does.
    #[serde(default)]
    pub cluster: Cluster,
}

/// Other machines that do the work of the queries.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cluster {
    /// Addresses of `consumer360 cluster worker`, such as `https://worker-1.example:50051`; empty for none. One such as
    /// `dns+http://workers.example:50051` stands for all that have the name when a run begins.
    pub workers: Option<Vec<String>>,
    /// What the workers ask for, at least 16 characters. `${env:NAME}` and `${file:/path}` are filled in.
    pub token: Option<String>,
    /// PEM file of the authority that signed the workers' certificates. Default: those the machine trusts.
    pub authority: Option<String>,
    /// Parts of a statement that a worker takes at once. Default: 2.
    #[schemars(range(min = 1, max = 64))]
    pub slots: Option<i64>,
    /// What one part of a statement reads of a table, such as `16MiB`; smaller tables are read in one piece.
    pub piece: Option<String>,
    /// How long one statement may take, such as `30m`; from `1s` to `7d`.
    pub deadline: Option<String>,
    /// Where the tables of a run lie for the workers, such as `s3://lake/staging`. Default: the state folder, which all see.
    pub storage: Option<String>,
}

/// Ceilings that keep a wrong source from taking the machine down.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    /// Columns of one source.
    #[schemars(range(min = 1, max = 100_000))]
    pub columns: Option<i64>,
    /// Size of one CSV or NDJSON record, such as `16MiB`.
    pub record_bytes: Option<String>,
    /// How many times its packed size a file may unpack to; the first 16 MiB are free.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub expansion: Option<i64>,
    /// How long a source may give nothing, such as `15m`; from `1s` to `7d`.
    pub silence: Option<String>,
    /// Records set aside that are kept with their raw values, an entity; all are counted.
    #[schemars(range(min = 0, max = 100_000_000))]
    pub rejects_kept: Option<i64>,
    /// Failing rows that are kept, a check of the pipeline file; all are counted.
    #[schemars(range(min = 0, max = 10_000_000))]
    pub check_rows_kept: Option<i64>,
    /// Folders and urls below which pipelines may read files and publish, such as `[data, out, s3://lake/shop]`; empty for
    /// any. Links are followed before they are compared.
    pub roots: Option<Vec<String>>,
}

/// How many runs are kept.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Runs {
    /// Run folders kept a pipeline, the latest included.
    #[schemars(range(min = 1, max = 100_000))]
    pub keep: Option<i64>,
}
