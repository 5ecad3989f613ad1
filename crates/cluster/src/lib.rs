//! The work of the queries on other machines: the same statements, the same tables, the same bytes.
//!
//! The engine is `datafusion-distributed`: the driver plans a statement as ever, cuts the plan where rows are dealt out anew or
//! gathered, and workers compute the parts and stream their rows to one another. Nothing of a statement is kept: where a worker
//! is lost, the statement fails, and with it the step. What it lacks stands here:
//!
//! - plans that would compute a whole of a part are made again for the driver alone (`sound`);
//! - a worker that panics ends, because the engine takes a task that is gone for one that has no more rows (`worker`);
//! - connections that fall silent are closed, and a statement has a deadline (`channels`, `watched`);
//! - workers of another build are refused before a run begins (`driver`);
//! - what a statement took on the workers is added up (`measured`).
//!
//! A table is written by one of the workers (`scribe`), with the writer that a single machine has, under a name that nobody reads; the
//! driver gives it its own once it is whole (`writer`). Only the driver proves and publishes.

mod channels;
mod driver;
mod error;
mod measured;
mod order;
mod planner;
mod scribe;
mod sound;
mod watched;
mod worker;
mod writer;

pub use driver::{Cluster, build_id};
pub use error::Error;
pub use measured::Told;
pub use scribe::Computes;
pub use worker::{Listen, serve};
