//! Who comes back, when, and who does not.
//!
//! Cohorts and monthly retention are SQL beside this file; the survival curve is a running product, which SQL lacks.

pub(crate) mod survival;
