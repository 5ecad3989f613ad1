//! The gate: `Warehouse` to [`Validated`], or the checks that closed it.
//!
//! Every run proves, on the files that will be published: keys are unique and whole, every fact finds its dimensions,
//! columns are what the contract says, no number is NaN or infinite, and rows and money balance at every hop.
//! `load` takes nothing but a [`Validated`], and only this crate can make one.

mod book;
mod check;
mod dimension;
mod gate;
mod hold;
mod scan;

pub use book::{Hop, reconcile};
pub use check::{Check, Severity, Status};
pub use gate::{Error, Validated, check};
pub use hold::hold;
