//! What customers will do, and what goes with what.
//!
//! The likelihoods are in the crate `clv`, the itemsets in the crate `basket`; here their input is read and their results
//! are laid out as tables.

pub(crate) mod affinity;
pub(crate) mod lifetime;
