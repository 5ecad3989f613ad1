//! `Staged` to [`Warehouse`]: the star schema and the marts.
//!
//! Each table is one statement in a `.sql` file of the table's name, compiled in, with its parameters bound; what SQL is
//! bad at (running products, likelihoods, itemsets) is Rust over the rows of such statements. A table is built once the
//! tables are written that its statement names.

mod build;
mod columns;
mod grid;
mod jobs;
mod prediction;
mod previous;
mod retention;
mod rfm;
mod rows;
mod sql;
mod star;
mod trade;
mod value;

pub use build::{Error, Table, Warehouse, build};
pub use columns::{Origins, columns};
pub use prediction::affinity::compute;
pub use previous::PREVIOUS;
pub use sql::{VIEWS, files, inputs, lineage, statement, view_statements};
