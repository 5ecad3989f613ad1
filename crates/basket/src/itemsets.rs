//! Itemsets in flat arrays: five million of them take no five million vectors.

use std::collections::HashMap;

/// Sets of items and in how many baskets each is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Itemsets {
    ends: Vec<u32>,
    items: Vec<u32>,
    counts: Vec<u64>,
}

impl Default for Itemsets {
    fn default() -> Self {
        Self { ends: vec![0], items: Vec::new(), counts: Vec::new() }
    }
}

impl Itemsets {
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The items of a set, ascending by number.
    pub fn items(&self, set: usize) -> &[u32] {
        self.items.get(self.range(set)).unwrap_or_default()
    }

    /// The baskets that hold all of a set.
    pub fn count(&self, set: usize) -> u64 {
        self.counts.get(set).copied().unwrap_or(0)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&[u32], u64)> {
        (0..self.len()).map(|set| (self.items(set), self.count(set)))
    }

    /// Where a set's items lie among those of all sets.
    pub(crate) fn range(&self, set: usize) -> std::ops::Range<usize> {
        let end = |place: usize| self.ends.get(place).map_or(0, |end| *end as usize);
        end(set)..end(set + 1)
    }

    pub(crate) fn push(&mut self, items: impl Iterator<Item = u32>, count: u64) {
        let start = self.items.len();
        self.items.extend(items);
        if let Some(added) = self.items.get_mut(start..) {
            added.sort_unstable();
        }
        self.ends.push(u32::try_from(self.items.len()).unwrap_or(u32::MAX));
        self.counts.push(count);
    }

    pub(crate) fn append(&mut self, other: &Self) {
        for (items, count) in other.iter() {
            self.push(items.iter().copied(), count);
        }
    }

    /// The number of each set by its items.
    pub(crate) fn index(&self) -> HashMap<&[u32], usize> {
        (0..self.len()).map(|set| (self.items(set), set)).collect()
    }

    /// The same sets in this order.
    pub(crate) fn reordered(&self, order: &[usize]) -> Self {
        let mut sorted = Self::default();
        for set in order {
            sorted.push(self.items(*set).iter().copied(), self.count(*set));
        }
        sorted
    }
}
