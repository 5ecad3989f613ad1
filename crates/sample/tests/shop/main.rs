//! Makes small shops and reads them back without any code of the crate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod arguments;
mod behaviour;
mod faults;
mod made;
mod repeatable;
mod rows;
