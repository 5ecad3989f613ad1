//! A finished Power BI project on the published tables.
//!
//! Written from [`schema::TABLES`], so that a new column is in the model without another edit. Nothing here reads a clock:
//! the same content gives the same bytes.

mod error;
mod id;
mod model;
mod name;
pub mod pages;
mod project;
mod tmdl;
mod write;

pub use error::Error;
pub use project::{Content, ProjectFile, Region, Source, project};
pub use write::{Written, write};
