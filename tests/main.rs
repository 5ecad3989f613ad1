//! The whole program, as its users meet it: real files, a real PostgreSQL, real kills.
//!
//! One binary, a module a subject, because every test binary links DataFusion.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::too_many_lines)]
// Files of tests are written line by line, and how fast is nobody's concern.
#![allow(clippy::format_collect, clippy::format_push_string)]
// Expected figures are reckoned in floats here, from small whole numbers.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

mod backfill;
mod bad_sources;
mod browser;
mod checks;
#[cfg(feature = "cluster")]
mod cluster;
mod contracts;
mod crash;
mod damaged;
mod diff;
mod dirt;
mod faults;
mod findings;
mod fuzz;
mod handouts;
mod incremental;
mod marts;
mod ops;
mod parts;
mod plans;
mod powerbi;
mod process;
mod receivers;
mod recovery;
mod repair;
mod retention;
mod rfm;
mod road;
mod secrets;
mod serve;
mod served;
mod sources;
mod store;
mod support;
mod tidy;
mod value;
