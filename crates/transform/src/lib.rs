//! `Staged` to [`Warehouse`]: the star schema and the marts.
//!
//! Each table is one statement in a `.sql` file of the table's name, compiled in, with its parameters bound; what SQL is
//! bad at (running products, likelihoods, itemsets) is Rust over the rows of such statements. Tables are built in the
//! order of `schema::TABLES`, each written to Parquet before the next one reads it.

mod build;
mod grid;
mod prediction;
mod previous;
mod retention;
mod rows;
mod sql;

pub use build::{Error, Table, Warehouse, build};
pub use previous::PREVIOUS;
pub use sql::{VIEWS, inputs, statement, view_statements};
