//! Baskets of items side by side in one array.

use std::mem::take;
use std::ops::Range;

use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

/// Baskets that one step of work takes: fixed, so that where the borders lie does not follow the threads.
pub(crate) const CHUNK: usize = 16_384;

/// Baskets in the order they were pushed; the items of each distinct and ascending.
///
/// An item is a number from 0. Whatever holds items fits: an order, or all that a customer ever bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baskets {
    /// Where each basket ends, after a zero.
    ends: Vec<usize>,
    items: Vec<u32>,
}

impl Default for Baskets {
    fn default() -> Self {
        Self { ends: vec![0], items: Vec::new() }
    }
}

impl Baskets {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn with_capacity(baskets: usize, lines: usize) -> Self {
        let mut ends = Vec::with_capacity(baskets.saturating_add(1));
        ends.push(0);
        Self { ends, items: Vec::with_capacity(lines) }
    }

    /// Baskets that lie one behind the other; `ends` says where each of them does. Items may come in any order in a basket, and
    /// more than once.
    pub fn of(mut items: Vec<u32>, ends: &[usize]) -> Self {
        let (mut rest, mut from, mut baskets) = (items.as_mut_slice(), 0, Vec::with_capacity(ends.len()));
        for end in ends {
            let (basket, behind) = take(&mut rest).split_at_mut_checked(end - from).unwrap_or_default();
            baskets.push(basket);
            (rest, from) = (behind, *end);
        }
        baskets.into_par_iter().for_each(<[u32]>::sort_unstable);
        let mut distinct = Self { ends: Vec::with_capacity(ends.len() + 1), items: Vec::new() };
        distinct.ends.push(0);
        let (mut from, mut kept) = (0, 0);
        for end in ends {
            let start = kept;
            for at in from..*end {
                let (before, item) = (items.get(start..kept).and_then(<[u32]>::last).copied(), items.get(at).copied());
                if let (Some(place), Some(item)) = (items.get_mut(kept).filter(|_| before != item), item) {
                    *place = item;
                    kept += 1;
                }
            }
            distinct.ends.push(kept);
            from = *end;
        }
        items.truncate(kept);
        Self { items, ..distinct }
    }

    /// Adds a basket. Its items may come in any order and more than once; none at all makes an empty basket, which counts.
    pub fn push(&mut self, basket: impl IntoIterator<Item = u32>) {
        let start = self.items.len();
        self.items.extend(basket);
        let tail = self.items.get_mut(start..).unwrap_or_default();
        if !tail.is_sorted_by(|a, b| a < b) {
            let mut tail = self.items.split_off(start);
            tail.sort_unstable();
            tail.dedup();
            self.items.append(&mut tail);
        }
        self.ends.push(self.items.len());
    }

    /// Number of baskets.
    pub fn len(&self) -> usize {
        self.ends.len().saturating_sub(1)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of items in all baskets together.
    pub fn lines(&self) -> usize {
        self.items.len()
    }

    /// The items of one basket, ascending; none beyond the last basket.
    pub fn get(&self, basket: usize) -> &[u32] {
        match (self.ends.get(basket), self.ends.get(basket.saturating_add(1))) {
            (Some(from), Some(to)) => self.items.get(*from..*to).unwrap_or_default(),
            _ => &[],
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u32]> {
        self.range(0..self.len())
    }

    fn range(&self, baskets: Range<usize>) -> impl Iterator<Item = &[u32]> {
        let end = baskets.end.saturating_add(1).min(self.ends.len());
        let ends = self.ends.get(baskets.start..end).unwrap_or_default();
        ends.windows(2).map(|pair| match *pair {
            [from, to] => self.items.get(from..to).unwrap_or_default(),
            _ => &[],
        })
    }

    /// The baskets in pieces of a fixed size, for threads to share.
    pub(crate) fn chunks(&self) -> impl IndexedParallelIterator<Item = impl Iterator<Item = &[u32]>> {
        let chunks = self.len().div_ceil(CHUNK);
        (0..chunks).into_par_iter().map(|chunk| self.range(chunk * CHUNK..((chunk + 1) * CHUNK).min(self.len())))
    }

    /// One more than the largest item.
    pub(crate) fn width(&self) -> usize {
        self.items.iter().max().map_or(0, |item| *item as usize + 1)
    }
}

impl<I: IntoIterator<Item = u32>> FromIterator<I> for Baskets {
    fn from_iter<T: IntoIterator<Item = I>>(baskets: T) -> Self {
        let mut all = Self::new();
        for basket in baskets {
            all.push(basket);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_basket_is_sorted_and_without_repeats() {
        let baskets: Baskets = [vec![3, 1, 3, 2], vec![], vec![5], vec![1, 2], vec![2, 2]].into_iter().collect();
        assert_eq!(baskets.iter().collect::<Vec<_>>(), [&[1, 2, 3][..], &[], &[5], &[1, 2], &[2]]);
        assert_eq!((baskets.len(), baskets.lines(), baskets.width()), (5, 7, 6));
        assert_eq!(
            (baskets.get(0), baskets.get(4), baskets.get(5), baskets.get(usize::MAX)),
            (&[1, 2, 3][..], &[2][..], &[][..], &[][..])
        );
    }

    #[test]
    fn baskets_side_by_side_are_those_that_were_pushed() {
        let all = [vec![3, 1, 3, 2], vec![], vec![5], vec![1, 2], vec![2, 2], vec![]];
        let pushed: Baskets = all.iter().cloned().collect();
        let ends: Vec<usize> = all
            .iter()
            .scan(0, |end, basket| {
                Some({
                    *end += basket.len();
                    *end
                })
            })
            .collect();
        assert_eq!(Baskets::of(all.concat(), &ends), pushed);
        assert_eq!(Baskets::of(Vec::new(), &[]), Baskets::new());
    }

    #[test]
    fn no_basket_at_all() {
        assert_eq!((Baskets::new().len(), Baskets::with_capacity(4, 9).len(), Baskets::new().width()), (0, 0, 0));
        assert!(Baskets::default().is_empty());
        assert_eq!(Baskets::new().iter().count() + Baskets::new().chunks().count(), 0);
    }

    #[test]
    fn chunks_are_all_baskets_in_order() {
        let baskets: Baskets = (0..40_000).map(|i| [i, i + 1]).collect();
        let chunks: Vec<Vec<&[u32]>> = baskets.chunks().map(Iterator::collect).collect();
        assert_eq!(chunks.len(), 3);
        assert!(chunks.concat().into_iter().eq(baskets.iter()));
    }
}
