//! Which items are frequent: the only ones that any larger set can be made of.

use rayon::iter::ParallelIterator;

use crate::baskets::Baskets;

/// Stands for no code.
pub(super) const NONE: u32 = u32::MAX;

/// What one reading of the baskets counts.
#[derive(Debug, Clone, Default)]
pub(super) struct Census {
    /// Baskets that take part.
    pub baskets: u64,
    /// Baskets left out for their size.
    pub excluded: u64,
    /// Baskets of each item.
    pub counts: Vec<u64>,
}

impl Census {
    pub fn add(&mut self, baskets: &Baskets, max_basket_items: usize) {
        let width = baskets.width();
        let empty = || Self { counts: vec![0; width], ..Self::default() };
        let counted = baskets.chunks().fold(empty, |mut census, chunk| {
            for basket in chunk {
                census.count(basket, max_basket_items);
            }
            census
        });
        // Sums of integers are the same in any order.
        let counted = counted.reduce(Self::default, Self::plus);
        *self = std::mem::take(self).plus(counted);
    }

    fn count(&mut self, basket: &[u32], max_basket_items: usize) {
        if basket.len() > max_basket_items {
            self.excluded += 1;
            return;
        }
        self.baskets += 1;
        for item in basket {
            if let Some(count) = self.counts.get_mut(*item as usize) {
                *count += 1;
            }
        }
    }

    fn plus(self, other: Self) -> Self {
        let (mut longer, shorter) =
            if self.counts.len() >= other.counts.len() { (self.counts, other.counts) } else { (other.counts, self.counts) };
        longer.iter_mut().zip(shorter).for_each(|(count, more)| *count += more);
        Self { baskets: self.baskets + other.baskets, excluded: self.excluded + other.excluded, counts: longer }
    }
}

/// The frequent items by code. Codes rise with the count, so that a set begins with its rarest item, where the fewest baskets
/// have to be looked at and the most other items may follow.
#[derive(Debug, Clone, Default)]
pub(super) struct Dictionary {
    /// The item of each code.
    pub items: Vec<u32>,
    /// The baskets of each code.
    pub counts: Vec<u64>,
    codes: Vec<u32>,
}

impl Dictionary {
    pub fn new(counts: &[u64], minimum: u64) -> Self {
        let mut frequent: Vec<(u64, u32)> =
            (0..).zip(counts).filter(|(_, count)| **count >= minimum.max(1)).map(|(item, count)| (*count, item)).collect();
        frequent.sort_unstable();
        let mut codes = vec![NONE; counts.len()];
        for (code, (_, item)) in (0..).zip(&frequent) {
            if let Some(slot) = codes.get_mut(*item as usize) {
                *slot = code;
            }
        }
        let (counts, items) = frequent.into_iter().unzip();
        Self { items, counts, codes }
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// The codes of a basket's frequent items, ascending, in the place of what the buffer held.
    pub fn encode(&self, basket: &[u32], into: &mut Vec<u32>) {
        let code = |item: &u32| self.codes.get(*item as usize).copied().unwrap_or(NONE);
        into.clear();
        into.extend(basket.iter().map(code).filter(|code| *code != NONE));
        into.sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_codes() {
        let mut census = Census::default();
        census.add(&[vec![0, 1], vec![1, 2, 3], vec![1, 2, 3, 4]].into_iter().collect(), 3);
        census.add(&[vec![1, 6], vec![3]].into_iter().collect(), 3);
        assert_eq!((census.baskets, census.excluded), (4, 1));
        assert_eq!(census.counts, [1, 3, 1, 2, 0, 0, 1]);
        let dictionary = Dictionary::new(&census.counts, 2);
        assert_eq!((dictionary.items.as_slice(), dictionary.counts.as_slice()), (&[3, 1][..], &[2, 3][..]));
        let mut codes = vec![9];
        dictionary.encode(&[0, 1, 3, 77], &mut codes);
        assert_eq!(codes, [0, 1]);
    }
}
