//! Baskets of items: orders of products, or customers of what they own.

/// Many small sets of item numbers, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baskets {
    offsets: Vec<usize>,
    items: Vec<u32>,
}

impl Default for Baskets {
    fn default() -> Self {
        Self { offsets: vec![0], items: Vec::new() }
    }
}

impl Baskets {
    /// Adds a basket; its items are put in order and counted once each. `items` is left as it was sorted.
    pub fn push(&mut self, items: &mut Vec<u32>) {
        items.sort_unstable();
        items.dedup();
        self.items.extend_from_slice(items);
        self.offsets.push(self.items.len());
    }

    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The items of a basket, ascending; none for a number out of range.
    pub fn get(&self, basket: usize) -> &[u32] {
        let ends = self.offsets.get(basket).zip(self.offsets.get(basket + 1));
        ends.and_then(|(start, end)| self.items.get(*start..*end)).unwrap_or_default()
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u32]> {
        self.offsets.windows(2).map(|ends| match ends {
            [start, end] => self.items.get(*start..*end).unwrap_or_default(),
            _ => &[],
        })
    }

    /// Items of all baskets together.
    pub fn total(&self) -> usize {
        self.items.len()
    }

    /// In how many baskets each item is, baskets of more than `largest` items left out.
    pub(crate) fn counts(&self, items: usize, largest: usize) -> Vec<u64> {
        let mut counts = vec![0_u64; items];
        for item in self.iter().filter(|b| b.len() <= largest).flatten() {
            if let Some(count) = counts.get_mut(*item as usize) {
                *count += 1;
            }
        }
        counts
    }

    /// The baskets each item is in, ascending; baskets of more than `largest` items left out.
    pub(crate) fn inverted(&self, items: usize, largest: usize) -> Self {
        let mut offsets = vec![0_usize; items + 1];
        for item in self.iter().filter(|b| b.len() <= largest).flatten() {
            if let Some(offset) = offsets.get_mut(*item as usize + 1) {
                *offset += 1;
            }
        }
        let mut sum = 0;
        for offset in &mut offsets {
            sum += *offset;
            *offset = sum;
        }
        let mut next = offsets.clone();
        let mut places = vec![0_u32; sum];
        for (basket, items) in (0_u32..).zip(self.iter()).filter(|(_, b)| b.len() <= largest) {
            for item in items {
                if let Some(place) = next.get_mut(*item as usize) {
                    if let Some(slot) = places.get_mut(*place) {
                        *slot = basket;
                    }
                    *place += 1;
                }
            }
        }
        Self { offsets, items: places }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_count_once_and_rise() {
        let mut baskets = Baskets::default();
        baskets.push(&mut vec![3, 1, 3]);
        baskets.push(&mut Vec::new());
        baskets.push(&mut vec![1]);
        assert_eq!(baskets.iter().collect::<Vec<_>>(), [&[1, 3][..], &[], &[1]]);
        assert_eq!((baskets.len(), baskets.total(), baskets.get(9)), (3, 3, &[][..]));
        assert_eq!(baskets.counts(4, 9), [0, 2, 0, 1]);
        let inverted = baskets.inverted(4, 9);
        assert_eq!(inverted.iter().collect::<Vec<_>>(), [&[][..], &[0, 2], &[], &[0]]);
        assert_eq!(baskets.inverted(4, 1).get(1), [2]);
    }
}
