//! Market baskets: which products are bought together, and what to offer beside them.
//!
//! [`mine()`] finds the itemsets of at least a given support, [`rules()`] makes rules of them with all their measures,
//! [`recommend()`] names the best companions of every product and [`next_best()`] the best offers for every customer. Counts
//! are whole numbers throughout and thresholds are compared as such; measures are floats of them, so that the same baskets
//! give the same bits, in any order and for any number of threads.

mod baskets;
mod count;
mod fisher;
mod frequent;
mod itemsets;
mod measures;
mod mine;
mod offers;
mod parts;
mod recommend;
mod rules;

pub use baskets::Baskets;
pub use itemsets::Itemsets;
pub use mine::{Facts, Mined, Options, mine};
pub use offers::{Offer, next_best};
pub use parts::mine_in_parts;
pub use recommend::{Basis, Recommendation, Wanted, recommend};
pub use rules::{Rule, rules};
