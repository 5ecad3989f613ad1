//! The whole program, as its users meet it: real files, a real PostgreSQL, real kills.
//!
//! One binary, a module a subject, because every test binary links DataFusion.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::too_many_lines)]

mod crash;
mod dirt;
mod plans;
mod retention;
mod rfm;
mod road;
mod sources;
mod support;
mod tidy;
mod value;
