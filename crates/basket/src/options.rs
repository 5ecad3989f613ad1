//! What to mine for, and how far to go.

/// A share of one, in parts of a thousand million.
const WHOLE: u64 = 1_000_000_000;

/// What to mine for, and how far to go.
///
/// Shares are in parts of 1,000,000,000, so that no threshold hangs on how a fraction is stored: 0.001 of 10,000 baskets is 10.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Least share of the baskets an itemset is in.
    pub min_support_ppb: u64,
    /// Least number of baskets an itemset is in, however few there are.
    pub min_count_floor: u64,
    /// Least share of the antecedent's baskets that hold a rule's consequent.
    pub min_confidence_ppb: u64,
    /// Items in the longest itemset; single items are always found.
    pub max_items: usize,
    /// Items in the largest basket that takes part; larger ones are left out and counted.
    pub max_basket_items: usize,
    /// Itemsets kept. Where there are more, the least count rises to the lowest at which there are not.
    pub max_itemsets: usize,
    /// Bytes to work in beside the baskets: a half for the baskets recoded, a quarter for the itemsets, of which one takes 16
    /// and 4 for each item. What does not fit is mined in partitions, or raises the least count as too many itemsets do.
    pub memory_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            min_support_ppb: 1_000_000,
            min_count_floor: 5,
            min_confidence_ppb: 100_000_000,
            max_items: 4,
            max_basket_items: 100,
            max_itemsets: 5_000_000,
            memory_bytes: 1 << 30,
        }
    }
}

impl Options {
    /// The baskets an itemset must be in, of so many: the share rounded up, the floor, and at least one.
    pub fn minimum_count(&self, baskets: u64) -> u64 {
        self.count_of_share(baskets).max(self.min_count_floor).max(1)
    }

    /// The share asked for as a number of baskets, rounded up.
    pub(crate) fn count_of_share(&self, baskets: u64) -> u64 {
        let parts = u128::from(self.min_support_ppb) * u128::from(baskets);
        u64::try_from(parts.div_ceil(u128::from(WHOLE))).unwrap_or(u64::MAX)
    }

    /// The share asked for, 0 to 1.
    #[allow(clippy::cast_precision_loss, reason = "a share is at most 1e9 parts, or cut to 1")]
    pub(crate) fn requested_support(&self) -> f64 {
        self.min_support_ppb.min(WHOLE) as f64 / WHOLE as f64
    }

    /// Whether a rule holds often enough.
    pub(crate) fn is_confident(&self, both: u64, antecedent: u64) -> bool {
        u128::from(both) * u128::from(WHOLE) >= u128::from(self.min_confidence_ppb) * u128::from(antecedent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_up_to_a_count() {
        let count =
            |ppb, baskets| Options { min_support_ppb: ppb, min_count_floor: 0, ..Options::default() }.minimum_count(baskets);
        assert_eq!((count(10_000_000, 9_835), count(1_000_000, 9_835)), (99, 10));
        assert_eq!((count(1_000_000, 10_000), count(1_000_000, 10_001), count(100_000_000, 30)), (10, 11, 3));
        assert_eq!((count(0, 10), count(500_000_000, 0), count(u64::MAX, u64::MAX)), (1, 1, u64::MAX));
        assert_eq!(Options { min_count_floor: 7, ..Options::default() }.minimum_count(100), 7);
    }

    #[test]
    fn confidence_is_compared_in_integers() {
        let options = Options { min_confidence_ppb: 300_000_000, ..Options::default() };
        assert!(options.is_confident(3, 10) && !options.is_confident(2_999_999, 10_000_000));
        assert!(options.is_confident(u64::MAX, u64::MAX));
    }
}
