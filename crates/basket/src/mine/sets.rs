//! Itemsets as they are found, side by side by their size.

/// Itemsets of one size: their items in rows, and the baskets of each row.
#[derive(Debug, Clone, Default)]
pub(super) struct Level {
    pub items: Vec<u32>,
    pub orders: Vec<u64>,
}

/// Itemsets in codes; level 0 holds those of one item.
#[derive(Debug, Clone, Default)]
pub(super) struct Sets {
    pub levels: Vec<Level>,
    kept: usize,
}

impl Sets {
    /// Adds the set of a prefix and one more item.
    pub fn push(&mut self, prefix: &[u32], last: u32, orders: u64) {
        if self.levels.len() <= prefix.len() {
            self.levels.resize_with(prefix.len() + 1, Level::default);
        }
        if let Some(level) = self.levels.get_mut(prefix.len()) {
            level.items.extend_from_slice(prefix);
            level.items.push(last);
            level.orders.push(orders);
            self.kept += 1;
        }
    }

    pub fn len(&self) -> usize {
        self.kept
    }

    pub fn append(&mut self, other: Self) {
        if self.levels.len() < other.levels.len() {
            self.levels.resize_with(other.levels.len(), Level::default);
        }
        for (level, mut more) in self.levels.iter_mut().zip(other.levels) {
            level.items.append(&mut more.items);
            level.orders.append(&mut more.orders);
        }
        self.kept += other.kept;
    }

    /// Drops the sets of fewer baskets.
    pub fn retain(&mut self, minimum: u64) {
        for (level, size) in self.levels.iter_mut().zip(1..) {
            let mut row = 0;
            let orders = std::mem::take(&mut level.orders);
            for (set, count) in orders.iter().enumerate() {
                if *count >= minimum {
                    level.items.copy_within(set * size..(set + 1) * size, row * size);
                    level.orders.push(*count);
                    row += 1;
                }
            }
            level.items.truncate(row * size);
        }
        self.kept = self.levels.iter().map(|level| level.orders.len()).sum();
    }

    /// The baskets and the size of each set.
    pub fn counts(&self) -> impl Iterator<Item = (u64, usize)> {
        self.levels.iter().zip(1..).flat_map(|(level, size)| level.orders.iter().map(move |orders| (*orders, size)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_sets_are_dropped_in_place() {
        let mut sets = Sets::default();
        for (prefix, last, orders) in [(&[1, 2][..], 3, 5), (&[], 9, 2), (&[1, 2], 4, 3), (&[], 8, 4), (&[0, 1], 7, 4)] {
            sets.push(prefix, last, orders);
        }
        let mut more = sets.clone();
        more.append(sets.clone());
        assert_eq!((sets.len(), more.len(), more.counts().count()), (5, 10, 10));
        sets.retain(4);
        assert_eq!((sets.len(), sets.counts().collect::<Vec<_>>()), (3, vec![(4, 1), (5, 3), (4, 3)]));
        assert_eq!((sets.levels[0].items.as_slice(), sets.levels[2].items.as_slice()), (&[8][..], &[1, 2, 3, 0, 1, 7][..]));
    }
}
