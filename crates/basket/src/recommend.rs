//! What to offer beside a product.
//!
//! A product is paired with every other that stood in a basket with it often enough. A pair counts as a rule where the low end
//! of its lift's 95 % interval is above 1, and its score is confidence · log2(that low end): the interval shrinks links that a
//! few baskets made, the confidence prefers what is bought often. After the rules come the best sellers of the product's own
//! group and then of all, so every product has its rows as long as there are others to offer. A score never rises from one
//! rank to the next; those of best sellers are below 0 (see [`BestSellers`]).
//!
//! Pairs are counted one product at a time, through the baskets that hold it: memory grows with the lines and not with the
//! square of the products.

#![allow(clippy::indexing_slicing, reason = "items and baskets are indexed below the lengths the arrays were made with")]
#![allow(clippy::cast_possible_truncation, reason = "a shop has fewer than 2^32 baskets and items")]

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::baskets::Baskets;
use crate::best_sellers::BestSellers;
use crate::measures::Counts;

/// Where a piece of advice comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Basis {
    /// Baskets that held both.
    Rules,
    /// Good sales, whatever was bought with it.
    Popularity,
}

impl Basis {
    pub fn name(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Popularity => "popularity",
        }
    }
}

/// A product to offer beside another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recommendation {
    /// The product looked at.
    pub item: u32,
    /// Place, from 1.
    pub rank: u32,
    /// The product to offer.
    pub recommended: u32,
    /// Baskets with both.
    pub orders_both: u64,
    /// None where the product never sold.
    pub confidence: Option<f64>,
    /// None where either never sold.
    pub lift: Option<f64>,
    pub score: f64,
    pub basis: Basis,
}

/// What may be recommended, and from what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecommendOptions {
    /// Rows a product.
    pub rows: usize,
    /// Baskets with both that a rule needs.
    pub min_orders_both: u64,
    /// Items in the largest basket that takes part.
    pub max_basket_items: usize,
}

impl Default for RecommendOptions {
    fn default() -> Self {
        Self { rows: 10, min_orders_both: 5, max_basket_items: 100 }
    }
}

/// The rows of every item in order of item and rank. `groups` is the category of each item; what is not `eligible` has rows but
/// is in none.
pub fn recommend(
    baskets: &Baskets,
    groups: &[Option<u32>],
    eligible: &[bool],
    options: &RecommendOptions,
) -> Vec<Recommendation> {
    let items = groups.len().max(eligible.len()).max(baskets.width());
    let holders = Holders::new(baskets, items, options.max_basket_items);
    let orders: Vec<u64> = (0..items).map(|item| holders.of(item).len() as u64).collect();
    let sellers = BestSellers::of_items(holders.total, &orders, groups, eligible);
    let shop = Shop { baskets, holders, orders, sellers, groups, eligible, options };
    let rows = (0..items as u32).into_par_iter().map_init(|| Scratch::new(items), |scratch, item| shop.rows(item, scratch));
    rows.collect::<Vec<_>>().concat()
}

/// The baskets that hold each item.
struct Holders {
    starts: Vec<usize>,
    baskets: Vec<u32>,
    /// Baskets that take part.
    total: u64,
}

impl Holders {
    fn new(baskets: &Baskets, items: usize, max_basket_items: usize) -> Self {
        let mut starts = vec![0_usize; items + 2];
        let mut total = 0;
        let part = || (0..).zip(baskets.iter()).filter(|(_, basket)| basket.len() <= max_basket_items);
        for (_, basket) in part() {
            total += 1;
            for item in basket {
                starts[*item as usize + 2] += 1;
            }
        }
        for item in 2..starts.len() {
            starts[item] += starts[item - 1];
        }
        let mut holding = vec![0; starts[items + 1]];
        for (number, basket) in part() {
            for item in basket {
                let slot = &mut starts[*item as usize + 1];
                holding[*slot] = number;
                *slot += 1;
            }
        }
        Self { starts, baskets: holding, total }
    }

    fn of(&self, item: usize) -> &[u32] {
        &self.baskets[self.starts[item]..self.starts[item + 1]]
    }
}

/// What a thread needs for one item after another.
struct Scratch {
    /// Baskets with the item and each other; all zero between items.
    both: Vec<u32>,
    met: Vec<u32>,
    /// The last item, plus one, that each was offered beside.
    offered: Vec<u32>,
}

impl Scratch {
    fn new(items: usize) -> Self {
        Self { both: vec![0; items], met: Vec::new(), offered: vec![0; items] }
    }
}

struct Shop<'a> {
    baskets: &'a Baskets,
    holders: Holders,
    orders: Vec<u64>,
    sellers: BestSellers,
    groups: &'a [Option<u32>],
    eligible: &'a [bool],
    options: &'a RecommendOptions,
}

impl Shop<'_> {
    fn counts(&self, item: u32, other: u32, both: u32) -> Counts {
        let orders = |item: u32| self.orders[item as usize];
        Counts { antecedent: orders(item), consequent: orders(other), both: both.into(), total: self.holders.total }
    }

    fn rows(&self, item: u32, scratch: &mut Scratch) -> Vec<Recommendation> {
        self.count(item, scratch);
        let mut chosen: Vec<(u32, f64, Basis)> = self.rules(item, scratch);
        scratch.offered[item as usize] = item + 1;
        for (other, _, _) in &chosen {
            scratch.offered[*other as usize] = item + 1;
        }
        let group = self.groups.get(item as usize).copied().flatten();
        let mut sellers = self.sellers.of_group(group);
        while chosen.len() < self.options.rows {
            let Some((other, score)) = sellers.next() else { break };
            if scratch.offered[other as usize] != item + 1 {
                scratch.offered[other as usize] = item + 1;
                chosen.push((other, score, Basis::Popularity));
            }
        }
        let row = |(rank, (recommended, score, basis)): (u32, (u32, f64, Basis))| {
            let counts = self.counts(item, recommended, scratch.both[recommended as usize]);
            let confidence = (counts.antecedent > 0).then(|| counts.confidence());
            let lift = (counts.antecedent > 0 && counts.consequent > 0).then(|| counts.lift());
            Recommendation { item, rank, recommended, orders_both: counts.both, confidence, lift, score, basis }
        };
        let rows = (1..).zip(chosen).map(row).collect();
        for other in scratch.met.drain(..) {
            scratch.both[other as usize] = 0;
        }
        rows
    }

    /// Counts the baskets with the item and each other.
    fn count(&self, item: u32, scratch: &mut Scratch) {
        for basket in self.holders.of(item as usize) {
            for other in self.baskets.get(*basket as usize) {
                let both = &mut scratch.both[*other as usize];
                if *both == 0 {
                    scratch.met.push(*other);
                }
                *both += 1;
            }
        }
    }

    /// The best rules, at most as many as there are rows.
    fn rules(&self, item: u32, scratch: &Scratch) -> Vec<(u32, f64, Basis)> {
        let is_eligible = |other: u32| other != item && self.eligible.get(other as usize).copied().unwrap_or(false);
        let both = |other: u32| scratch.both[other as usize];
        let candidates = scratch.met.iter().copied();
        let candidates =
            candidates.filter(|other| u64::from(both(*other)) >= self.options.min_orders_both && is_eligible(*other));
        let scored = candidates.map(|other| (other, self.counts(item, other, both(other)).pull(), Basis::Rules));
        let mut rules: Vec<_> = scored.filter(|(_, score, _)| *score > 0.0).collect();
        let by_score =
            |left: &(u32, f64, Basis), right: &(u32, f64, Basis)| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0));
        if rules.len() > self.options.rows {
            rules.select_nth_unstable_by(self.options.rows, by_score);
            rules.truncate(self.options.rows);
        }
        rules.sort_unstable_by(by_score);
        rules
    }
}
