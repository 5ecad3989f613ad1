//! Frequent itemsets, and what there is to say about how they were found.

#![allow(clippy::indexing_slicing, reason = "rows are cut by numbers made from their own lengths")]

use rayon::slice::ParallelSliceMut;

/// How the baskets were mined.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// Baskets that took part.
    pub baskets: u64,
    /// Items frequent enough to count.
    pub items: u64,
    /// Baskets left out for their size.
    pub excluded_large: u64,
    /// The least share of baskets asked for, 0 to 1.
    pub requested_support: f64,
    /// The least share used: that asked for, or more where the floor or the number of itemsets raised it.
    pub effective_support: f64,
    /// The baskets that this amounts to.
    pub minimum_count: u64,
    /// Items in the longest itemset.
    pub longest_itemset: usize,
    /// Pieces that the baskets were cut into to fit in memory; 1 where they were not.
    pub partitions: usize,
}

/// Items that are bought together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Itemset<'a> {
    /// The items in order of name.
    pub items: &'a [u32],
    /// The baskets that hold all of them.
    pub orders: u64,
}

/// Itemsets of one size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OfSize {
    /// The items, row by row.
    pub items: Vec<u32>,
    pub orders: Vec<u64>,
}

/// The frequent itemsets: shorter ones first, those of more baskets first, then by the names of their items one by one.
#[derive(Debug, Clone)]
pub struct Mined {
    pub facts: Facts,
    pub(crate) sizes: Vec<OfSize>,
}

/// Itemsets as the search leaves them: rows of codes by size, and the item and baskets of each code.
pub(crate) struct Raw<'a> {
    pub items: &'a [u32],
    pub counts: &'a [u64],
    /// Rows of two codes and more, with their baskets.
    pub rows: Vec<(Vec<u32>, Vec<u64>)>,
}

impl Mined {
    /// Puts itemsets in order, leaving out those below the least count.
    pub(crate) fn new(raw: Raw<'_>, names: &[String], mut facts: Facts) -> Self {
        let by_name = by_name(raw.items, names);
        let mut rank = vec![0; raw.items.len()];
        for (place, code) in (0..).zip(&by_name) {
            rank[*code as usize] = place;
        }
        let singles = ((0..).take(raw.items.len()).collect::<Vec<u32>>(), raw.counts.to_vec());
        let sort =
            |((codes, orders), size): ((Vec<u32>, Vec<u64>), usize)| sorted(codes, &orders, size, &rank, facts.minimum_count);
        let mut sizes: Vec<OfSize> = std::iter::once(singles).chain(raw.rows).zip(1..).map(sort).collect();
        for at in sizes.iter_mut().flat_map(|of_size| &mut of_size.items) {
            *at = raw.items[by_name[*at as usize] as usize];
        }
        while sizes.last().is_some_and(|of_size| of_size.orders.is_empty()) {
            sizes.pop();
        }
        facts.items = sizes.first().map_or(0, |of_size| of_size.orders.len() as u64);
        facts.longest_itemset = sizes.len();
        Self { facts, sizes }
    }

    /// Number of itemsets.
    pub fn len(&self) -> usize {
        self.sizes.iter().map(|of_size| of_size.orders.len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }

    /// The itemsets in order.
    pub fn itemsets(&self) -> impl Iterator<Item = Itemset<'_>> {
        self.sizes.iter().zip(1..).flat_map(|(of_size, size)| {
            let rows = of_size.items.chunks_exact(size).zip(&of_size.orders);
            rows.map(|(items, orders)| Itemset { items, orders: *orders })
        })
    }
}

/// The codes in order of their items' names, then of the items.
fn by_name(items: &[u32], names: &[String]) -> Vec<u32> {
    let name = |code: u32| names.get(items[code as usize] as usize).map_or("", String::as_str);
    let mut order: Vec<u32> = (0..).take(items.len()).collect();
    order.sort_unstable_by(|left, right| {
        let items = || items[*left as usize].cmp(&items[*right as usize]);
        name(*left).cmp(name(*right)).then_with(items)
    });
    order
}

/// Rows of one size with the ranks of their codes in place of these, in order.
fn sorted(mut codes: Vec<u32>, orders: &[u64], size: usize, rank: &[u32], minimum: u64) -> OfSize {
    for code in &mut codes {
        *code = rank[*code as usize];
    }
    codes.chunks_exact_mut(size).for_each(<[u32]>::sort_unstable);
    let row = |at: usize| &codes[at * size..(at + 1) * size];
    let mut order: Vec<usize> = (0..orders.len()).filter(|at| orders[*at] >= minimum).collect();
    order.par_sort_unstable_by(|left, right| {
        let by_rank = || row(*left).cmp(row(*right));
        orders[*right].cmp(&orders[*left]).then_with(by_rank)
    });
    let mut items = Vec::with_capacity(order.len() * size);
    for at in &order {
        items.extend_from_slice(row(*at));
    }
    OfSize { items, orders: order.into_iter().map(|at| orders[at]).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            baskets: 9,
            items: 0,
            excluded_large: 0,
            requested_support: 0.1,
            effective_support: 0.1,
            minimum_count: 2,
            longest_itemset: 0,
            partitions: 1,
        }
    }

    #[test]
    fn itemsets_are_in_order_of_size_then_baskets_then_names() {
        let names = ["tea", "bread", "milk", "bread"].map(str::to_owned);
        // Codes 0 to 3 stand for tea, the second bread, milk and the first bread.
        let raw =
            Raw { items: &[0, 3, 2, 1], counts: &[5, 5, 7, 5], rows: vec![(vec![0, 1, 2, 0, 0, 3, 2, 3], vec![3, 4, 3, 1])] };
        let mined = Mined::new(raw, &names, facts());
        let found: Vec<(&[u32], u64)> = mined.itemsets().map(|set| (set.items, set.orders)).collect();
        let expected: [(&[u32], u64); 7] = [(&[2], 7), (&[1], 5), (&[3], 5), (&[0], 5), (&[2, 0], 4), (&[1, 0], 3), (&[3, 0], 3)];
        assert_eq!(found, expected);
        assert_eq!((mined.len(), mined.facts.items, mined.facts.longest_itemset), (7, 4, 2));
    }

    #[test]
    fn nothing_found() {
        let mined = Mined::new(Raw { items: &[], counts: &[], rows: vec![] }, &[], facts());
        assert!(mined.is_empty());
        assert_eq!((mined.len(), mined.itemsets().count(), mined.facts.longest_itemset), (0, 0, 0));
    }
}
