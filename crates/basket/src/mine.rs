//! From baskets to itemsets, within bounds.
//!
//! The support of a set is the share of the baskets that hold all of it. A set is frequent in at least
//! max(ceil(support · N), floor) of N baskets, reckoned in whole numbers: 1 % of 9,835 baskets is 99.

use crate::baskets::Baskets;
use crate::frequent::{Wanted, frequent};
use crate::itemsets::Itemsets;

/// Parts in which shares are given.
pub(crate) const PARTS: u64 = 1_000_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Least support, in parts per thousand million.
    pub min_support_ppb: u64,
    /// Least number of baskets, whatever the support amounts to.
    pub min_count_floor: u64,
    /// Least confidence of a rule, in parts per thousand million.
    pub min_confidence_ppb: u64,
    /// Items of the longest set.
    pub max_items: usize,
    /// Baskets of more items are left out and counted.
    pub max_basket_items: usize,
    /// With more sets than this the support is raised until there are no more.
    pub max_itemsets: usize,
}

/// How the baskets were mined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Baskets mined: those with an item, and not too many.
    pub baskets: u64,
    /// Items that are frequent by themselves.
    pub items: u64,
    /// Baskets left out for their size.
    pub excluded_large: u64,
    pub requested_support_ppb: u64,
    /// The least number of baskets of a set, as used.
    pub minimum_count: u64,
    pub longest_itemset: usize,
    /// Whether there were too many sets at the support asked for.
    pub is_support_raised: bool,
}

impl Facts {
    /// Share of the baskets the least number amounts to; what was asked for where nothing had to be raised.
    #[allow(clippy::cast_precision_loss, reason = "baskets are fewer than 2^53")]
    pub fn effective_support(&self) -> f64 {
        if self.is_support_raised && self.baskets > 0 {
            self.minimum_count as f64 / self.baskets as f64
        } else {
            self.requested_support_ppb as f64 / 1e9
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mined {
    /// By number of baskets, most first; then the smaller set, then by the names of its items.
    pub itemsets: Itemsets,
    /// Baskets that hold each item.
    pub counts: Vec<u64>,
    pub facts: Facts,
}

/// Finds the frequent itemsets. `names` are the items' texts, which put equally frequent sets in order.
pub fn mine(baskets: &Baskets, names: &[String], options: &Options) -> Mined {
    let counts = baskets.counts(names.len(), options.max_basket_items);
    let sizes = Sizes::of(baskets, options);
    let mut minimum_count = sizes.minimum_count(options);
    let mut is_support_raised = false;
    let itemsets = loop {
        match frequent(baskets, &counts, wanted(options, minimum_count)) {
            Some(found) => break found,
            None => {
                minimum_count = raised(minimum_count);
                is_support_raised = true;
            }
        }
    };
    finish(&itemsets, counts, names, sizes, minimum_count, is_support_raised, options)
}

pub(crate) fn wanted(options: &Options, min_count: u64) -> Wanted {
    Wanted {
        min_count,
        max_items: options.max_items,
        largest_basket: options.max_basket_items,
        max_itemsets: options.max_itemsets.max(1),
    }
}

/// The next support to try.
pub(crate) fn raised(count: u64) -> u64 {
    count + (count / 4).max(1)
}

/// Numbers of baskets.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sizes {
    pub mined: u64,
    pub excluded: u64,
}

impl Sizes {
    pub fn of(baskets: &Baskets, options: &Options) -> Self {
        let mut sizes = Self::default();
        for basket in baskets.iter().filter(|b| !b.is_empty()) {
            if basket.len() <= options.max_basket_items { sizes.mined += 1 } else { sizes.excluded += 1 }
        }
        sizes
    }

    pub fn minimum_count(self, options: &Options) -> u64 {
        share_of(options.min_support_ppb, self.mined).max(options.min_count_floor).max(1)
    }
}

/// The least whole number that is at least this share.
pub(crate) fn share_of(parts: u64, whole: u64) -> u64 {
    let exact = u128::from(parts) * u128::from(whole);
    u64::try_from(exact.div_ceil(u128::from(PARTS))).unwrap_or(u64::MAX)
}

pub(crate) fn finish(
    itemsets: &Itemsets,
    counts: Vec<u64>,
    names: &[String],
    sizes: Sizes,
    minimum_count: u64,
    is_support_raised: bool,
    options: &Options,
) -> Mined {
    let itemsets = in_order(itemsets, names);
    let facts = Facts {
        baskets: sizes.mined,
        items: counts.iter().filter(|count| **count >= minimum_count).count() as u64,
        excluded_large: sizes.excluded,
        requested_support_ppb: options.min_support_ppb,
        minimum_count,
        longest_itemset: itemsets.iter().map(|(items, _)| items.len()).max().unwrap_or(0),
        is_support_raised,
    };
    Mined { itemsets, counts, facts }
}

/// The items of a set by name; equal names by number.
pub(crate) fn by_name<'a>(items: &[u32], names: &'a [String]) -> Vec<&'a str> {
    let mut named: Vec<(&str, u32)> =
        items.iter().map(|item| (names.get(*item as usize).map_or("", String::as_str), *item)).collect();
    named.sort_unstable();
    named.into_iter().map(|(name, _)| name).collect()
}

fn in_order(itemsets: &Itemsets, names: &[String]) -> Itemsets {
    let mut order: Vec<usize> = (0..itemsets.len()).collect();
    order.sort_by(|a, b| {
        let (one, other) = (itemsets.items(*a), itemsets.items(*b));
        let counts = itemsets.count(*b).cmp(&itemsets.count(*a));
        let sizes = one.len().cmp(&other.len());
        counts.then(sizes).then_with(|| by_name(one, names).cmp(&by_name(other, names))).then_with(|| one.cmp(other))
    });
    itemsets.reordered(&order)
}
