//! Incremental reading: what is new in a database since the last published run, merged into what earlier runs read.
//!
//! What is kept are the records as the source wrote them, so the whole road behind (mapping, types, rejects, contract, book) is
//! the same for increments as for a source that is read whole, and gives the same bytes. A record is replaced by its key. The next
//! run reads from the watermark, less a lookback, to the end of the source: what is read twice replaces itself, and what has
//! changed while the run read is read again, so no upper bound has to be guessed and no interval can be left out.
//!
//! The kept records and their watermark are replaced only after the run has published. A run that ends before that leaves both
//! as they were.

mod cursor;
mod forecast;
mod history;
mod merge;
mod questions;
mod read;
mod reading;
mod spilling;

pub(crate) use forecast::forecast;
pub use history::{History, Increment, Renewed, keep};
pub(crate) use read::records;
pub(crate) use reading::{Reading, number};
