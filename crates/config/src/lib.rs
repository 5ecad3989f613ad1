//! The user's YAML, read, checked, and turned into a [`Pipeline`] that cannot be wrong.
//!
//! Two types stand behind each file: what was written (`raw`, which also gives the JSON Schema) and what it means
//! ([`Pipeline`], [`Settings`]). Between them every problem of a file is found at once, each with its place, the line
//! it stands on, what is wrong and what to do.

mod check;
mod cluster;
mod connection;
mod excerpt;
mod incremental;
mod json_schema;
mod load;
mod node;
mod operations;
mod pipeline;
mod postgres;
mod problem;
mod raw;
mod roots;
mod rules;
mod secret;
mod shape;

pub use check::time_zone;
pub use cluster::Cluster;
pub use connection::Connection;
pub use incremental::*;
pub use json_schema::{pipeline_schema, settings_schema};
pub use load::{Environment, load, settings};
pub use operations::*;
pub use pipeline::*;
pub use postgres::postgres_url;
pub use problem::{Place, Problem, Problems, nearest, suggestion};
pub use roots::Roots;
pub use rules::*;
pub use secret::Secret;
