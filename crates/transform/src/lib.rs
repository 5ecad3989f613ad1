//! `Staged` to [`Warehouse`]: the star schema and the marts.
//!
//! Each table is one statement in a `.sql` file of the table's name, compiled in, with its parameters bound. Tables
//! are built in the order of `schema::TABLES`, each written to Parquet before the next one reads it.

mod build;
mod grid;
mod sql;

pub use build::{Error, Table, Warehouse, build};
pub use sql::{VIEWS, statement, view_statements};
