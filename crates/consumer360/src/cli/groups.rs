//! Commands that have commands of their own.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum ClusterCommand {
    /// Compute parts of statements for runs elsewhere, until stopped. Memory, threads, spill space and the token are those of
    /// `engine` in the settings.
    Worker(WorkerOptions),
}

#[derive(Debug, Args)]
pub struct WorkerOptions {
    /// Address and port. Other than loopback needs a token.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:50051")]
    pub listen: SocketAddr,
    /// PEM file of this worker's certificate; drivers then write https://.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub certificate: Option<PathBuf>,
    /// PEM file of its key.
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub key: Option<PathBuf>,
    /// Listen without a certificate where others could come from: the network is private.
    #[arg(long)]
    pub private_network: bool,
}

#[derive(Debug, Subcommand)]
pub enum ScheduleCommand {
    /// The slots to come.
    Next {
        /// The pipeline file.
        pipeline: PathBuf,
        /// How many.
        #[arg(short, long, default_value_t = 5, value_name = "N")]
        number: usize,
    },
    /// One slot: local time and UTC, what the clocks do to it, and what happens if the machine sleeps over it.
    Explain {
        /// The pipeline file.
        pipeline: PathBuf,
        /// The slot's moment, such as 2026-03-29T00:30:00Z. By default the next one.
        #[arg(long, value_name = "TIME")]
        at: Option<chrono::DateTime<chrono::Utc>>,
    },
    /// What became of the slots so far.
    Slots {
        /// The pipeline file.
        pipeline: PathBuf,
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Let slots pass by; each is put on record as skipped.
    Pause {
        /// The pipeline file.
        pipeline: PathBuf,
        /// Why, for whoever looks.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Go on from now; what passed by is not made up for.
    Resume {
        /// The pipeline file.
        pipeline: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// The latest runs.
    List {
        /// Only runs of this pipeline, by its name or its file.
        #[arg(long)]
        pipeline: Option<String>,
        /// Runs to print.
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// One run: stages, book and checks.
    Show {
        /// The run's id, its beginning, or `latest`.
        #[arg(default_value = "latest")]
        run: String,
    },
    /// The records that a run has set aside: how many for which reason, and the first ones.
    Rejects {
        /// The run's id, its beginning, or `latest`.
        #[arg(default_value = "latest")]
        run: String,
        /// Records to print.
        #[arg(long, default_value_t = 20)]
        limit: usize,
        /// Show values of personal columns and whole records, which are masked otherwise.
        #[arg(long)]
        personal: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum StateCommand {
    /// Make a ledger that was lost or damaged again, from the records of runs and the manifests of snapshots. A damaged file
    /// is moved aside, never deleted. Stop `serve` first.
    Repair {
        /// Pipeline files whose targets to look into, beside those that the runs on record name.
        pipelines: Vec<PathBuf>,
    },
}
