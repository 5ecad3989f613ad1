//! Commands and options.

#![allow(clippy::doc_markdown, reason = "descriptions are printed as they stand")]

mod groups;

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand, ValueEnum};

pub use groups::{ClusterCommand, RunsCommand, ScheduleCommand, StateCommand, WorkerOptions};

/// Sales, customers, products, payments and tickets in; a proven star schema and customer analytics out.
#[derive(Debug, Parser)]
#[command(name = "consumer360", version, about, max_term_width = 110, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 published · 1 a step failed · 2 usage · 3 a check closed the gate · \
4 a source is stale or broke its contract · 5 held until somebody releases it · 8 plan or diff found something · 75 another run holds the lock · 78 the configuration is wrong · 124 timed out · 130/143 interrupted. \
Nothing but 0 changes what readers see.")]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    /// Work in this folder: paths of the pipeline file are relative to it.
    #[arg(short = 'C', long = "directory", global = true, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Args)]
pub struct Global {
    /// Folder with `default.yaml` and `<env>.yaml`.
    #[arg(long, global = true, value_name = "DIR", default_value = "config")]
    pub config: PathBuf,
    /// Which `<env>.yaml` of the config folder to lay over the defaults.
    #[arg(long, global = true, value_name = "NAME")]
    pub env: Option<String>,
    /// How results are printed.
    #[arg(long, global = true, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// How the lines on the way are written to stderr.
    #[arg(long, global = true, value_enum, default_value_t = LogForm::Text, value_name = "FORM")]
    pub log: LogForm,
    /// Say nothing on the way; results and errors only.
    #[arg(long, global = true)]
    pub quiet: bool,
    /// Say more; twice for everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogForm {
    Text,
    /// One JSON object a line.
    Json,
}

impl Command {
    /// Whether it builds tables, or has processes that do.
    pub fn computes(&self) -> bool {
        matches!(
            self,
            Self::Run(_) | Self::Backfill(_) | Self::Serve(_) | Self::Cluster { .. } | Self::Retry(_) | Self::Publish(_)
        )
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a pipeline once and publish the result.
    Run(RunOptions),
    /// What a run would read and why, before it does. Ends with 8 where there is something to publish, 0 where not.
    Plan {
        /// The pipeline file.
        pipeline: PathBuf,
    },
    /// Make the snapshots of days past, one run each; readers stay with the latest day.
    Backfill(BackfillOptions),
    /// Run pipelines when they are due, until stopped.
    Serve(ServeOptions),
    /// Other machines that do the work of the queries.
    Cluster {
        #[command(subcommand)]
        command: ClusterCommand,
    },
    /// When a pipeline runs by itself, and what became of its slots.
    Schedule {
        #[command(subcommand)]
        command: ScheduleCommand,
    },
    /// Take up a run that failed or was interrupted: what was staged is not read again.
    Retry(AgainOptions),
    /// Release a run that `hold:` parked before publishing.
    Publish(AgainOptions),
    /// Lead readers back to an earlier snapshot.
    Rollback(RollbackOptions),
    /// What differs between two snapshots: figures, segments, columns, rows. Ends with 8 where something does.
    Diff(DiffOptions),
    /// How each pipeline stands: what was published last, and when.
    Status(StatusOptions),
    /// Who holds a pipeline's lock; puts right what a run that died left on record.
    Unlock {
        /// Name of the pipeline, or its file.
        pipeline: String,
    },
    /// What the state folder holds.
    State {
        #[command(subcommand)]
        command: StateCommand,
    },
    /// Write a first pipeline file for CSV files, a SQLite, PostgreSQL, MySQL or MariaDB database, by looking at
    /// them.
    Init(InitOptions),
    /// Try out what a pipeline needs: clock, disk, locks, space, memory, sources, target.
    Doctor {
        /// The pipeline file.
        pipeline: PathBuf,
    },
    /// Check a pipeline file; with --connect also its sources.
    Validate(ValidateOptions),
    /// Print rows of a published table.
    Show(ShowOptions),
    /// Write what is published as one page for a browser: figures, charts, lists, and why to trust them.
    Report(ReportOptions),
    /// Write a published table as CSV or as a workbook.
    Export(ExportOptions),
    /// Write a Power BI project on what is published: model, measures, roles and report.
    Powerbi(PowerbiOptions),
    /// Print the contract: all tables, or the columns of one.
    Describe {
        /// A published table.
        table: Option<String>,
    },
    /// What earlier runs did.
    Runs {
        #[command(subcommand)]
        command: RunsCommand,
    },
    /// Write a generated shop of any size.
    Sample(SampleOptions),
    /// Print the JSON Schema that editors complete YAML with.
    Schema {
        /// Which file's schema.
        #[arg(value_enum, default_value_t = SchemaOf::Pipeline)]
        of: SchemaOf,
    },
    /// Write manual pages.
    Man {
        /// Folder to write to.
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// Print a completion script for a shell.
    Completions {
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub struct RunOptions {
    /// The pipeline file.
    pub pipeline: PathBuf,
    /// See all figures from this day instead of the pipeline's `as_of`.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub as_of: Option<NaiveDate>,
    /// Do everything but publish.
    #[arg(long)]
    pub no_publish: bool,
    /// Read every source whole, also those with `incremental:`.
    #[arg(long)]
    pub full_refresh: bool,
    /// Run what is due by the pipeline's schedule and nothing else: for cron, systemd and Kubernetes.
    #[arg(long, conflicts_with_all = ["as_of", "no_publish", "slot_at"])]
    pub slot: bool,
    /// The slot this run fills, as the scheduler names it.
    #[arg(long, hide = true, value_name = "TIME")]
    pub slot_at: Option<chrono::DateTime<chrono::Utc>>,
}

#[derive(Debug, Args)]
pub struct BackfillOptions {
    /// The pipeline file.
    pub pipeline: PathBuf,
    /// The first day.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub from: NaiveDate,
    /// The last day.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub to: NaiveDate,
    /// Days from one to the next, such as 7. By default the days of the pipeline's schedule.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..))]
    pub every: Option<u16>,
}

#[derive(Debug, Args)]
pub struct ServeOptions {
    /// Pipeline files, or folders of them. Files that change are read again; one that breaks keeps its last good reading.
    #[arg(required = true)]
    pub pipelines: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub struct AgainOptions {
    /// The run's id, its beginning, or `latest`.
    pub run: String,
    /// The pipeline file, where it moved since.
    #[arg(long, value_name = "FILE")]
    pub pipeline: Option<PathBuf>,
    /// Another process tells people of it.
    #[arg(long, hide = true)]
    pub supervised: bool,
}

#[derive(Debug, Args)]
pub struct InitOptions {
    /// A CSV file, a folder of them, a SQLite database file, or the address of a PostgreSQL, MySQL or MariaDB database, best
    /// as '${env:SHOP_URL}' with SHOP_URL=postgres://user:password@host/database in the environment.
    pub source: PathBuf,
    /// File to write; one that is there stays as it is. By default pipelines/NAME.yaml.
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
    /// Name of the pipeline.
    #[arg(long)]
    pub name: Option<String>,
    /// The store's time zone, such as Europe/Zurich.
    #[arg(long, value_name = "ZONE")]
    pub timezone: Option<String>,
    /// Print the file in place of writing it.
    #[arg(long)]
    pub print: bool,
    /// Ask nothing.
    #[arg(short, long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct StatusOptions {
    /// Only this pipeline, by its name or its file.
    #[arg(long, value_name = "NAME")]
    pub pipeline: Option<String>,
    /// End with 1 if a pipeline published nothing for this long, such as 8d: for a watcher outside.
    #[arg(long, value_name = "SPAN", value_parser = crate::commands::parse_span)]
    pub max_age: Option<std::time::Duration>,
}

#[derive(Debug, Args)]
pub struct RollbackOptions {
    /// The pipeline file.
    pub pipeline: PathBuf,
    /// The snapshot to go back to, or the beginning of its id. By default the one published before the present one.
    pub snapshot: Option<String>,
    /// Only list the snapshots there are.
    #[arg(long)]
    pub list: bool,
}

#[derive(Debug, Args)]
pub struct DiffOptions {
    /// The pipeline file.
    pub pipeline: PathBuf,
    /// The earlier snapshot, or the beginning of its id. By default the one published before the other.
    pub before: Option<String>,
    /// The later snapshot, or the beginning of its id. By default the one that readers see.
    pub after: Option<String>,
    /// Show the rows of this table that differ.
    #[arg(long, value_name = "NAME")]
    pub table: Option<String>,
    /// Rows to show at most, in the order of the table's key.
    #[arg(long, default_value_t = 20, value_name = "N", requires = "table")]
    pub rows: usize,
    /// Show names and addresses of customers, which are masked otherwise.
    #[arg(long, requires = "table")]
    pub personal: bool,
}

#[derive(Debug, Args)]
pub struct ValidateOptions {
    /// The pipeline file.
    pub pipeline: PathBuf,
    /// Also open every source and check the mapping against its columns.
    #[arg(long)]
    pub connect: bool,
}

#[derive(Debug, Args)]
pub struct ShowOptions {
    /// The table.
    pub table: String,
    /// Whose table: a pipeline file. By default the pipeline published last.
    #[arg(long, value_name = "FILE")]
    pub pipeline: Option<PathBuf>,
    /// Rows to print, in the order of the table's key.
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub limit: usize,
    /// The best N rows, by what the table ranks by, or else by its key.
    #[arg(long, value_name = "N", conflicts_with = "limit")]
    pub top: Option<usize>,
    /// Lay the table out as a grid, where it is one: cohorts, scores, moves between segments.
    #[arg(long, conflicts_with_all = ["limit", "top", "all"])]
    pub pivot: bool,
    /// Every column, where a wide table otherwise shows the first ones to read.
    #[arg(long)]
    pub all: bool,
    /// Only rows for which this SQL condition holds, such as "segment = 'Champions'".
    #[arg(long = "where", value_name = "SQL")]
    pub filter: Option<String>,
    /// Show names and addresses of customers, which are masked otherwise.
    #[arg(long)]
    pub personal: bool,
}

#[derive(Debug, Args)]
pub struct ReportOptions {
    /// The pipeline file.
    pub pipeline: PathBuf,
    /// File to write, such as report.html.
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
    /// The snapshot to report on, or the beginning of its id. By default the one that readers see.
    #[arg(long, value_name = "ID")]
    pub snapshot: Option<String>,
    /// Show names and addresses of customers, which are masked otherwise.
    #[arg(long)]
    pub personal: bool,
}

#[derive(Debug, Args)]
pub struct PowerbiOptions {
    /// The pipeline file.
    pub pipeline: PathBuf,
    /// Folder to write the project to. One that a person has edited stays as it is.
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// How Power BI reaches the tables.
    #[arg(long, value_enum, default_value_t = PowerbiSource::Folder)]
    pub source: PowerbiSource,
    /// Where the tables lie for Power BI; it can be set there as well. By default the folder that is published to.
    #[arg(long, value_name = "PLACE", required_if_eq_any = [("source", "adls"), ("source", "http")])]
    pub location: Option<String>,
    /// Write over what a person has edited.
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PowerbiSource {
    /// A folder or a network share, such as \\server\share\shop.
    Folder,
    /// Azure Data Lake Storage, such as https://account.dfs.core.windows.net/container/shop.
    Adls,
    /// A web server or a store behind HTTPS.
    Http,
}

#[derive(Debug, Args)]
pub struct ExportOptions {
    /// The table. winback_targets is written as the list a marketing team works from, with who the customers are.
    pub table: String,
    /// File to write; its ending says what it becomes: .csv or .xlsx.
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
    /// Whose table: a pipeline file. By default the pipeline published last.
    #[arg(long, value_name = "FILE")]
    pub pipeline: Option<PathBuf>,
    /// Include names and addresses of customers, which are left out otherwise.
    #[arg(long)]
    pub personal: bool,
    /// Mark a CSV file as UTF-8 for Excel, which reads other encodings by default.
    #[arg(long)]
    pub for_excel: bool,
}

#[derive(Debug, Args)]
pub struct SampleOptions {
    /// Order lines.
    #[arg(long)]
    pub lines: u64,
    /// Equal seeds give equal shops.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Folder to write to; a generated shop in it is replaced, other files stay as they are.
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    #[arg(long, value_enum, default_value_t = SampleFormat::Parquet)]
    pub format: SampleFormat,
    /// Share of the lines to plant faults in, 0 to 0.2; what was planted is counted in summary.json.
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    pub dirt: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SampleFormat {
    Parquet,
    Csv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    Pipeline,
    Settings,
}
