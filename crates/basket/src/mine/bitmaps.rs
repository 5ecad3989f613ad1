//! Dense databases as bitmaps.
//!
//! A bit for each basket of a projected database, a row for each code: 64 baskets are compared at once. That pays where a
//! fair share of the codes stands in each basket; counting by places pays everywhere else, as it never looks at a basket in
//! vain.

#![allow(clippy::indexing_slicing, reason = "rows are cut by the number of words they were made with")]

use crate::mine::database::{Database, END};

/// Share of the codes in a basket above which two rows are sooner compared than counted: about the square root of 2 / 64.
const DENSE: f64 = 0.18;
/// The same where sets of more rows follow, which hold ever fewer baskets in as many words.
const VERY_DENSE: f64 = 0.4;

/// The baskets of each code.
#[derive(Debug, Default)]
pub(super) struct Bitmaps {
    words: usize,
    bits: Vec<u64>,
}

/// Whether a database of codes below `codes` is better read as bitmaps. `levels` is how many codes a set may have there.
#[allow(clippy::cast_precision_loss, reason = "a rough share")]
pub(super) fn is_dense(database: &Database, codes: usize, levels: usize) -> bool {
    let baskets = database.baskets();
    let lines = (database.lines.len() - baskets) as f64;
    lines > if levels > 2 { VERY_DENSE } else { DENSE } * baskets as f64 * codes as f64
}

impl Bitmaps {
    /// Replaces the rows by those of a database, keeping the memory.
    pub fn refill(&mut self, database: &Database, codes: usize) {
        self.words = database.baskets().div_ceil(64);
        self.bits.clear();
        self.bits.resize(self.words * codes, 0);
        let mut basket = 0;
        for code in &database.lines {
            if *code == END {
                basket += 1;
            } else {
                self.bits[*code as usize * self.words + basket / 64] |= 1 << (basket % 64);
            }
        }
    }

    pub fn row(&self, code: u32) -> &[u64] {
        let start = code as usize * self.words;
        &self.bits[start..start + self.words]
    }
}

/// Baskets in both rows.
pub(super) fn common(left: &[u64], right: &[u64]) -> u64 {
    left.iter().zip(right).map(|(left, right)| u64::from((left & right).count_ones())).sum()
}

/// The row of what is in both.
pub(super) fn intersection(left: &[u64], right: &[u64]) -> Vec<u64> {
    left.iter().zip(right).map(|(left, right)| left & right).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_hold_the_baskets_of_each_code() {
        let lines: Vec<u32> =
            (0..130).flat_map(|basket| if basket % 2 == 0 { vec![0, 1, END] } else { vec![1, 2, END] }).collect();
        let database = Database::new(lines, 3);
        let mut bitmaps = Bitmaps::default();
        bitmaps.refill(&database, 3);
        let count = |left, right| common(bitmaps.row(left), bitmaps.row(right));
        assert_eq!([count(0, 0), count(1, 1), count(0, 1), count(0, 2), count(1, 2)], [65, 130, 65, 0, 65]);
        assert_eq!(intersection(bitmaps.row(0), bitmaps.row(1)), bitmaps.row(0));
        assert!(is_dense(&database, 3, 9) && !is_dense(&database, 12, 2) && is_dense(&database, 11, 2));
    }
}
