//! A finished Power BI project on the published tables.
//!
//! Written from [`schema::TABLES`], so that a new column is in the model without another edit. Nothing here reads a clock:
//! the same content gives the same bytes.

mod id;
pub mod pages;
mod project;

pub use project::ProjectFile;
