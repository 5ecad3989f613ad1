//! What customers will do, and what goes with what.
//!
//! The likelihoods are in the crate `clv`, the itemsets in the crate `basket`, each with the sources of its formulas; here their
//! input is read and their results are laid out as tables. [`lifetime`] follows customers and so leaves anonymous sales out.
//! [`affinity`] looks at orders: anonymous ones are baskets like any other, and only nobody is offered anything for them.

pub(crate) mod affinity;
pub(crate) mod lifetime;
