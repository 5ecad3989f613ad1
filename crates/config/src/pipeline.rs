//! The checked pipeline: what every later stage reads. A value of these types cannot be wrong, so nobody past this
//! crate looks at a threshold, a name or a path twice.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use chrono::NaiveDate;
use schema::Entity;

use crate::cluster::Cluster;
use crate::connection::Connection;
use crate::incremental::Incremental;
use crate::operations::{Hold, Notify, Retries, Schedule};
use crate::roots::Roots;
use crate::rules::{Guards, Rule};
use crate::secret::Secret;

/// One pipeline file, checked.
#[derive(Debug, Clone)]
pub struct Pipeline {
    pub name: String,
    /// The store's time zone: instants from sources become local times of this zone.
    pub timezone: chrono_tz::Tz,
    pub as_of: AsOf,
    /// Every connection that `sources` names, from the pipeline file or from `config/<env>.yaml`.
    pub connections: BTreeMap<String, Connection>,
    /// In the order of `schema::ENTITIES`; `sales` is always there.
    pub sources: BTreeMap<Entity, Source>,
    pub transform: Transform,
    /// In the order of the file.
    pub checks: Vec<Rule>,
    pub guards: Guards,
    pub publish: Publish,
    /// None for a pipeline that runs by hand alone.
    pub schedule: Option<Schedule>,
    pub retries: Retries,
    pub hold: Hold,
    pub notify: Vec<Notify>,
    /// Published columns that nobody sees outside the tables themselves.
    pub pii: BTreeSet<String>,
}

/// The day all figures are seen from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// The day of the newest order line that was accepted: `max(sales.ordered_at)`.
    LastSale,
    /// The scheduled day, or `--as-of`.
    Slot,
    On(NaiveDate),
}

/// How one entity is read.
#[derive(Debug, Clone)]
pub struct Source {
    /// A key of `Pipeline::connections`.
    pub connection: String,
    pub input: Input,
    /// Ours → theirs, only columns the entity has. Empty means: every source column that bears our name.
    pub columns: BTreeMap<String, Mapping>,
    /// SQL over the source's columns; rows for which it is not true are counted as filtered.
    pub filter: Option<String>,
    pub deduplicate: Option<Deduplicate>,
    pub rejects: RejectLimits,
    pub contract: Contract,
    /// None for a source that is read whole with every run.
    pub incremental: Option<Incremental>,
}

/// What a source may change since the last published run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contract {
    pub columns: Change,
    pub types: Change,
    /// Whether a source that has gone empty, lost most of its records or gone back in time ends the run.
    pub stale_fails: bool,
}

/// What becomes of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is told.
    Evolve,
    /// It is told, and the records it stands in are set aside.
    Quarantine,
    /// It ends the run.
    Freeze,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A path or glob under a `files` connection.
    Files { path: String, format: Format, compression: Compression },
    /// A table (optionally `schema.table`) of a database connection.
    Table(String),
    /// A query in the database's own SQL.
    Query(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    Csv(Csv),
    Ndjson,
    Parquet,
    /// A sheet of a workbook: the one of this name, or the first that is not hidden.
    Xlsx {
        sheet: Option<String>,
        /// Rows above the one that names the columns.
        skip: u32,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Zstd,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Csv {
    /// Lines above the header.
    pub skip: u32,
    pub delimiter: u8,
    pub quote: u8,
    pub encoding: Encoding,
    /// Without a header the columns are called `column_1`, `column_2`, …
    pub header: bool,
    /// Raw values that mean NULL. The empty value always does.
    pub null_values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    Cp1252,
    Utf16,
}

/// Where one of our columns comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    pub from: MapFrom,
    /// A strftime pattern for dates and times written as text; ISO 8601 where absent.
    pub format: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MapFrom {
    /// What the file says: the extract stage takes it as a source column if the source has one of exactly this name,
    /// else as an SQL expression over the source's columns.
    ColumnOrSql(String),
    /// `{sql: ...}`: always an expression.
    Sql(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deduplicate {
    /// Rows equal in every mapped column are one row.
    Exact,
    /// One row a key: the first or the last by a column of ours; ties by all other columns.
    Keys { keys: Vec<String>, keep: Keep, by: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    First,
    Last,
}

/// Shares of the rows read (0.0 to 1.0) above which rejects warn or close the gate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RejectLimits {
    pub warn: f64,
    pub fail: f64,
}

#[derive(Debug, Clone)]
pub struct Transform {
    pub returns: Returns,
    pub rfm: Rfm,
    pub value: Value,
    pub winback: Winback,
    pub risk: Risk,
    pub clv: Clv,
    pub basket: Basket,
    /// Names of the marts to publish empty.
    pub skip: BTreeSet<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returns {
    /// Return lines count against what was bought.
    Net,
    /// Return lines are left out of every table and counted as filtered.
    Exclude,
}

#[derive(Debug, Clone)]
pub struct Rfm {
    pub scoring: Scoring,
    pub frequency: Frequency,
    pub universe: Universe,
    pub price_sensitive: PriceSensitive,
    pub grid: Grid,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Scoring {
    NtileTied,
    Ntile,
    Quantile,
    PandasFirst,
    Fixed(Thresholds),
}

/// Four ascending bounds a measure. A value at or above a bound has passed it. `recency` is in days, the others in orders and money.
#[derive(Debug, Clone, PartialEq)]
pub struct Thresholds {
    pub recency: [i64; 4],
    pub frequency: [i64; 4],
    /// In ten-thousandths of the currency unit, as decimal(18,4) holds them.
    pub monetary: [i128; 4],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frequency {
    Orders,
    /// Distinct days with a purchase.
    PurchaseDays,
}

/// Among whom customers are scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Universe {
    All,
    Region,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PriceSensitive {
    Auto,
    Discount,
    Grid,
    Off,
}

/// Which segment each score pair falls in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "there is one grid a run")]
pub enum Grid {
    /// The 5×5 grid on R and FM = (F+M+1) div 2 with Price Sensitive as an overlay.
    Standard,
    /// The marketing-course grid on R and (F+M)/2.
    Workshop12,
    /// `cells[r-1][fm-1]`.
    Own([[String; 5]; 5]),
}

/// What customers are worth, and who of them is slipping away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    pub tiers: Tiers,
    pub at_risk: AtRisk,
    /// A purchase after a gap of this many days or more is a comeback.
    pub comeback_gap_days: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tiers {
    /// Four tiers of equal size; equal customers on an edge are split by their number.
    Ntile,
    /// Equal customers share a tier.
    Tied,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtRisk {
    /// The worst quarter by days since the last order.
    RecencyQuartile,
    /// This many days without an order, or more.
    Days(i32),
    /// Probably gone, and in the better half by what a year is expected to bring.
    PAlive,
}

/// The campaign to win back customers at risk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Winback {
    pub campaign: String,
    /// Of twenty customers this many are not contacted, 0 to 10.
    pub control_slots: i64,
    pub contact_days: i32,
}

/// From how many on a customer is a high risk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Risk {
    pub late_payments: i64,
    pub tickets_90d: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Clv {
    pub model: ClvModel,
    /// 0.01 for 1 % a month.
    pub monthly_discount: f64,
    /// Share of revenue that is earned, above 0 to 1.
    pub margin: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClvModel {
    Auto,
    BgNbd,
    MbgNbd,
    ParetoNbd,
    Nbd,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Basket {
    pub items: BasketItems,
    /// In parts per thousand million, so that the count it amounts to is exact.
    pub min_support_ppb: u64,
    pub min_confidence_ppb: u64,
    pub max_items: usize,
    pub max_basket_items: usize,
    pub max_itemsets: usize,
    /// Products recommended beside each product.
    pub recommendations: usize,
    /// Products offered to each customer.
    pub offers: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BasketItems {
    Product,
    Subcategory,
    Category,
}

#[derive(Debug, Clone)]
pub struct Publish {
    /// What holds `snapshots/`, `current/` and `published.json`.
    pub to: Target,
    /// Snapshots kept, the current one included; at least 2.
    pub keep: usize,
    /// Rows of a part, where a fact table is a folder of parts; none where every table is one file.
    pub rows_per_file: Option<NonZeroU64>,
    /// A publisher to an object store that gave no sign of life for this long counts as dead.
    pub lease: Duration,
    /// Whether `report.html` is written beside what is published.
    pub report: bool,
    /// Whether a Power BI project is kept in `powerbi/` of the target, which is a folder.
    pub powerbi: bool,
}

/// Where a pipeline publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A local or mounted folder.
    Folder(PathBuf),
    /// `s3://bucket/prefix`, `az://container/prefix` or `gs://bucket/prefix`, without a slash at its end. Credentials come from
    /// the environment, so it holds no secret.
    Store { url: String },
}

impl Target {
    /// How a file or folder in it is named to people.
    pub fn file(&self, name: &str) -> String {
        match self {
            Self::Folder(path) => path.join(name).display().to_string(),
            Self::Store { url } => format!("{url}/{name}"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => path.display().fmt(f),
            Self::Store { url } => f.write_str(url),
        }
    }
}

/// `config/default.yaml` and `config/<env>.yaml`, checked: where a pipeline runs.
#[derive(Debug, Clone)]
pub struct Settings {
    pub engine: Engine,
    /// Holds `runs/`, and `consumer360.db` where the ledger is a file.
    pub state: PathBuf,
    pub ledger: Ledger,
    /// Run folders kept a pipeline, the current one included.
    pub keep_runs: usize,
    pub serve: Serve,
    pub telemetry: Telemetry,
}

/// Where the run ledger is.
#[derive(Debug, Clone)]
pub enum Ledger {
    /// `consumer360.db` in the state folder: the ledger of one host.
    File,
    /// A database that several hosts share.
    Postgres { url: Secret },
}

/// What runs write for other programs to watch; each none by default.
#[derive(Debug, Clone, Default)]
pub struct Telemetry {
    /// `OpenLineage` events.
    pub openlineage: Option<LineageTarget>,
    /// Traces in OTLP, as JSON over HTTP.
    pub traces: Option<Secret>,
    /// Text format of Prometheus.
    pub metrics: Option<PathBuf>,
}

/// Where lineage events go.
#[derive(Debug, Clone)]
pub enum LineageTarget {
    /// Appended to, one JSON object a line.
    File(PathBuf),
    /// Each event is posted by itself, with the key if there is one.
    Http { url: Secret, key: Option<Secret> },
}

/// The server that runs pipelines on schedule.
#[derive(Debug, Clone)]
pub struct Serve {
    pub listen: SocketAddr,
    /// There is one wherever `listen` is not loopback.
    pub token: Option<Secret>,
    /// By which people reach the console, without a slash at its end.
    pub url: Option<String>,
    /// Runs side by side, of different pipelines.
    pub runs_at_once: usize,
}

#[derive(Debug, Clone)]
pub struct Engine {
    /// Bytes the engine's operators may hold before they spill.
    pub memory: usize,
    /// Worker threads; 0 was resolved to the machine's cores.
    pub threads: usize,
    /// Tables built side by side.
    pub tables_at_once: usize,
    /// Bytes of spill files.
    pub spill_limit: u64,
    pub cluster: Cluster,
    pub limits: Limits,
}

/// Ceilings that keep a wrong source from taking the machine down; each is named in `config/default.yaml` with its reason.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Columns of one source.
    pub columns: usize,
    /// Bytes of one CSV or NDJSON record.
    pub record_bytes: usize,
    /// How many times its packed size a file may unpack to, beyond its first 16 MiB.
    pub expansion: u64,
    /// How long a source may give nothing.
    pub silence: Duration,
    /// Rejected rows kept with their raw values, an entity; all are counted.
    pub rejects_kept: usize,
    /// Failing rows kept, a check of the pipeline file; all are counted.
    pub check_rows_kept: usize,
    /// Below which pipelines may read files and publish.
    pub roots: Roots,
}
