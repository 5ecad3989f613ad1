//! What to offer beside each product.
//!
//! Companions by rules come first: products bought together in enough baskets, and by more than chance (`lift_low` above 1),
//! the highest confidence · log2(`lift_low`) first, so that a strong link of few baskets does not beat a sure one. Where they
//! do not fill the list, best sellers of the same category follow, then those of the whole shop: every product has a full
//! list if the shop has that many products.
//!
//! The score of a companion by rules is above 0; that of a best seller is its share of the baskets less 1 in the same
//! category and less 2 elsewhere, so that scores rank as the list does.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "items are below the number of items, which is below 2^32; counts are below 2^53"
)]

use rayon::prelude::*;

use crate::baskets::Baskets;
use crate::measures::Counts;

/// Where advice comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    Rules,
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

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recommendation {
    pub item: u32,
    /// 1 for the best.
    pub rank: u32,
    pub recommended: u32,
    pub orders_both: u64,
    /// None for a best seller.
    pub confidence: Option<f64>,
    pub lift: Option<f64>,
    pub score: f64,
    pub basis: Basis,
}

/// How many companions a product has, and of how many baskets at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    pub companions: usize,
    pub min_orders_both: u64,
    pub max_basket_items: usize,
}

/// Best sellers, most baskets first; of equal ones the smaller number.
struct Sellers {
    all: Vec<u32>,
    by_group: Vec<Vec<u32>>,
}

impl Sellers {
    fn of(counts: &[u64], groups: &[Option<u32>]) -> Self {
        let mut all: Vec<u32> = (0..counts.len() as u32).collect();
        all.sort_by_key(|item| (std::cmp::Reverse(counts[*item as usize]), *item));
        let number = groups.iter().flatten().max().map_or(0, |last| *last as usize + 1);
        let mut by_group = vec![Vec::new(); number];
        for item in &all {
            if let Some(Some(group)) = groups.get(*item as usize) {
                by_group[*group as usize].push(*item);
            }
        }
        Self { all, by_group }
    }
}

/// Companions of every item, item after item and rank after rank. `groups` holds the category of each item.
pub fn recommend(baskets: &Baskets, groups: &[Option<u32>], wanted: Wanted) -> Vec<Recommendation> {
    let items = groups.len();
    let counts = baskets.counts(items, wanted.max_basket_items);
    let holding = baskets.inverted(items, wanted.max_basket_items);
    let all = baskets.iter().filter(|b| !b.is_empty() && b.len() <= wanted.max_basket_items).count() as u64;
    let shop = Shop { baskets, counts: &counts, holding: &holding, groups, sellers: Sellers::of(&counts, groups), all, wanted };
    let lists: Vec<Vec<Recommendation>> = (0..items as u32)
        .into_par_iter()
        .map_init(|| vec![0_u64; items], |together, item| shop.companions(item, together))
        .collect();
    lists.into_iter().flatten().collect()
}

struct Shop<'a> {
    baskets: &'a Baskets,
    counts: &'a [u64],
    holding: &'a Baskets,
    groups: &'a [Option<u32>],
    sellers: Sellers,
    all: u64,
    wanted: Wanted,
}

impl Shop<'_> {
    /// `together` is zero by item, and is left so.
    fn companions(&self, item: u32, together: &mut [u64]) -> Vec<Recommendation> {
        let mut seen: Vec<u32> = Vec::new();
        for basket in self.holding.get(item as usize) {
            for other in self.baskets.get(*basket as usize) {
                let count = &mut together[*other as usize];
                if *count == 0 {
                    seen.push(*other);
                }
                *count += 1;
            }
        }
        let mut list = self.by_rules(item, &seen, together);
        self.fill(item, together, &mut list);
        for other in seen {
            together[other as usize] = 0;
        }
        list
    }

    fn by_rules(&self, item: u32, seen: &[u32], together: &[u64]) -> Vec<Recommendation> {
        let others = seen.iter().filter(|other| **other != item && together[**other as usize] >= self.wanted.min_orders_both);
        let mut list: Vec<Recommendation> = others
            .filter_map(|other| {
                let counts = Counts {
                    antecedent: self.counts[item as usize],
                    consequent: self.counts[*other as usize],
                    both: together[*other as usize],
                    all: self.all,
                };
                let lift_low = counts.lift_low();
                (lift_low > 1.0).then(|| Recommendation {
                    item,
                    rank: 0,
                    recommended: *other,
                    orders_both: counts.both,
                    confidence: Some(counts.confidence()),
                    lift: Some(counts.lift()),
                    score: counts.confidence() * lift_low.log2(),
                    basis: Basis::Rules,
                })
            })
            .collect();
        list.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.recommended.cmp(&b.recommended)));
        list.truncate(self.wanted.companions);
        (1..).zip(&mut list).for_each(|(rank, companion)| companion.rank = rank);
        list
    }

    fn fill(&self, item: u32, together: &[u64], list: &mut Vec<Recommendation>) {
        let group = self.groups.get(item as usize).copied().flatten();
        let own = group.and_then(|group| self.sellers.by_group.get(group as usize)).map_or(&[][..], Vec::as_slice);
        let candidates = own.iter().map(|other| (*other, 1.0)).chain(self.sellers.all.iter().map(|other| (*other, 2.0)));
        for (other, less) in candidates {
            if list.len() >= self.wanted.companions {
                return;
            }
            if other == item || list.iter().any(|companion| companion.recommended == other) {
                continue;
            }
            let share = if self.all == 0 { 0.0 } else { self.counts[other as usize] as f64 / self.all as f64 };
            list.push(Recommendation {
                item,
                rank: list.len() as u32 + 1,
                recommended: other,
                orders_both: together[other as usize],
                confidence: None,
                lift: None,
                score: share - less,
                basis: Basis::Popularity,
            });
        }
    }
}
