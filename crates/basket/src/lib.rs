//! Market baskets: which products are bought together, and what to offer beside them.
//!
//! [`Baskets`] hold items as numbers. [`mine`] finds the itemsets that are in enough of them, [`rules`] makes rules of these
//! with their measures ([`Counts`]), [`recommend`] pairs every product with others, and [`next_best`] chooses products for
//! customers by what they own. All of it is exact: measures are quotients of whole numbers, thresholds are compared in whole
//! numbers. Same input, same bits, for any number of threads and any order of the baskets; no result is infinite or not a
//! number.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::float_cmp))]

mod baskets;
mod best_sellers;
mod false_discovery;
mod fisher;
mod itemset_index;
mod measures;
mod mine;
mod mined;
mod next_best;
mod options;
mod recommend;
mod rules;
mod text;

pub use baskets::Baskets;
pub use best_sellers::{BestSellers, Seller};
pub use measures::Counts;
pub use mine::{Elsewhere, mine, mine_elsewhere, mine_in_parts, search_bytes};
pub use mined::{Facts, Itemset, Mined};
pub use next_best::{Next, next_best};
pub use options::Options;
pub use recommend::{Basis, RecommendOptions, Recommendation, recommend};
pub use rules::{Rule, rules};
pub use text::text;
