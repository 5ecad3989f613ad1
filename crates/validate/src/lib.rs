//! The gate: `Warehouse` to [`Validated`], or the checks that closed it.
//!
//! Every run proves, on the files that will be published: keys are unique and whole, every fact finds its dimensions,
//! columns are what the contract says, no number is NaN or infinite, and rows and money balance at every hop.
//! What the pipeline file demands beyond that (`checks:`) and what its guards see (`guards:`) stands beside it.
//! `load` takes nothing but a [`Validated`], and only this crate can make one.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod book;
mod check;
mod days;
mod dimension;
mod gate;
mod guards;
mod hold;
mod ids;
mod orders;
mod rules;
mod scan;

pub use book::{Hop, reconcile};
pub use check::{Check, Kept, Severity, Status};
pub use gate::{Demands, Error, Validated, check};
pub use hold::hold;
pub use rules::plan;
