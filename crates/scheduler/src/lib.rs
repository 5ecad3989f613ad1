//! When pipelines run and what became of the runs: the schedule and its slots, the clock, the lock that keeps two runs
//! of a pipeline apart, and the ledger that remembers them all.
//!
//! ```text
//! <state>/consumer360.db              the index: one row a run, for listing and looking up; and one row a slot
//! <state>/locks/<pipeline>.lock       held by the kernel for the life of a run; the content names the holder
//! <state>/runs/<run_id>/run.json      the truth: one record a run, replaced as a whole at each step
//! ```
//!
//! A run is [begun](Ledger::begin), told about its stages, and [finished](Run::finish). A process that dies in between
//! leaves a record that says `running`; the kernel frees the lock, and the next begin of the pipeline marks that record
//! interrupted. If the index is lost, opening the ledger fills a new one from the records.
//!
//! A [`Schedule`] names the slots; [`SlotLedger::tick`] decides on those that came due, and gives each one a row that says
//! what became of it.
//!
//! The crate knows no table and no async runtime. It tells the time with [`clock::now`] alone.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod clock;
mod database;
mod error;
mod index;
mod ledger;
mod lock;
mod outcome;
mod prune;
mod record;
mod repair;
mod run;
mod runs_folder;
mod schedule;
mod slot;
mod slots;
mod timestamp;

pub use error::Error;
pub use index::RunFilter;
pub use ledger::Ledger;
pub use lock::Holder;
pub use outcome::Outcome;
pub use record::{Attempt, FilledSlot, Publish, RunRecord, Stage, StageRecord, Status};
pub use repair::{Repaired, Told};
pub use run::Run;
pub use schedule::{DstNote, OnMissed, OnOverlap, Schedule, SlotTime};
pub use slot::Slot;
pub use slots::{Decision, GRACE, Recovered, SlotDecision, SlotEnd, SlotLedger, SlotRecord, SlotState, Watch};
