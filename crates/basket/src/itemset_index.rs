//! Finds an itemset by its items.

#![allow(clippy::indexing_slicing, reason = "a slot is below the length of its table, a row below that of its size")]

use crate::mined::Mined;

/// Marks a free slot.
const FREE: u32 = u32::MAX;

/// For each size a table of rows by a hash of their items, twice as long as the rows are many.
#[derive(Debug)]
pub(crate) struct ItemsetIndex<'a> {
    mined: &'a Mined,
    tables: Vec<Vec<u32>>,
}

impl<'a> ItemsetIndex<'a> {
    pub fn new(mined: &'a Mined) -> Self {
        let mut index = Self { mined, tables: Vec::with_capacity(mined.sizes.len()) };
        for (of_size, size) in mined.sizes.iter().zip(1..) {
            let mut table = vec![FREE; (of_size.orders.len() * 2).next_power_of_two()];
            for (row, items) in (0..).zip(of_size.items.chunks_exact(size)) {
                let mut slot = hash(items, table.len());
                while table[slot] != FREE {
                    slot = (slot + 1) & (table.len() - 1);
                }
                table[slot] = row;
            }
            index.tables.push(table);
        }
        index
    }

    /// The row of a set among those of its size, its items in order of name; none if it is not frequent.
    pub fn row(&self, items: &[u32]) -> Option<usize> {
        let size = items.len();
        let table = self.tables.get(size.checked_sub(1)?)?;
        let rows = &self.mined.sizes[size - 1].items;
        let mut slot = hash(items, table.len());
        while table[slot] != FREE {
            let row = table[slot] as usize;
            if rows[row * size..(row + 1) * size] == *items {
                return Some(row);
            }
            slot = (slot + 1) & (table.len() - 1);
        }
        None
    }

    /// The baskets of a set; none if it is not frequent.
    pub fn orders(&self, items: &[u32]) -> Option<u64> {
        let row = self.row(items)?;
        Some(self.mined.sizes[items.len() - 1].orders[row])
    }
}

/// A slot for items in a table whose length is a power of two.
#[allow(clippy::cast_possible_truncation, reason = "the low bits are all that is wanted")]
fn hash(items: &[u32], slots: usize) -> usize {
    let mix = |sum: u64, item: &u32| (sum.rotate_left(23) ^ u64::from(*item)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let sum = items.iter().fold(0x51_7C_C1_B7, mix);
    (sum ^ (sum >> 32)) as usize & (slots - 1)
}

#[cfg(test)]
mod tests {
    use crate::{Baskets, Options, mine};

    use super::*;

    #[test]
    fn every_itemset_is_found_and_no_other() {
        let baskets: Baskets = (0..400_u32).map(|i| (0..12).filter(move |item| i * 7919 % (item + 2) == 0)).collect();
        let mined = mine(&baskets, &[], &Options { max_items: 5, ..Options::default() });
        let index = ItemsetIndex::new(&mined);
        assert!(mined.len() > 100);
        for set in mined.itemsets() {
            assert_eq!(index.orders(set.items), Some(set.orders));
        }
        assert_eq!((index.row(&[]), index.row(&[99]), index.row(&[1, 0]), index.row(&[0; 9])), (None, None, None, None));
    }
}
