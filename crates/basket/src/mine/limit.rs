//! The least count, which rises where more is found than may be kept.
//!
//! The result is to hold the sets of the lowest least count at which they are within the limit. All that is found is counted by
//! its number of baskets; as soon as the sets at or above the present least count are too many, it rises until they are not.
//! Any set found is one of all sets, so the least count never rises beyond the one sought, and every set that reaches the one
//! sought is found. The end is the same in whatever order the sets were found.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a set takes beside its items, and an item of it.
const BYTES_A_SET: u64 = 16;
const BYTES_AN_ITEM: u64 = 4;

/// Sets found, and what they take, by their number of baskets.
#[derive(Debug)]
struct Found {
    sets: Vec<u64>,
    bytes: Vec<u64>,
    sets_kept: u64,
    bytes_kept: u64,
}

/// The least count as it stands.
#[derive(Debug)]
pub(super) struct Limit {
    minimum: AtomicU64,
    found: Mutex<Found>,
    max_sets: u64,
    max_bytes: u64,
}

impl Limit {
    /// A limit for sets of at most `largest` baskets.
    pub fn new(minimum: u64, largest: u64, max_sets: usize, max_bytes: usize) -> Self {
        let slots = usize::try_from(largest).unwrap_or(usize::MAX).saturating_add(1);
        let found = Found { sets: vec![0; slots], bytes: vec![0; slots], sets_kept: 0, bytes_kept: 0 };
        let wide = |size| u64::try_from(size).unwrap_or(u64::MAX);
        let (max_sets, max_bytes) = (wide(max_sets), wide(max_bytes));
        Self { minimum: AtomicU64::new(minimum), found: Mutex::new(found), max_sets, max_bytes }
    }

    pub fn minimum(&self) -> u64 {
        self.minimum.load(Ordering::Relaxed)
    }

    /// Counts sets found, each by its baskets and its number of items, and raises the least count if need be.
    pub fn count(&self, sets: impl Iterator<Item = (u64, usize)>) {
        // A thread that panicked elsewhere leaves counts that are whole.
        let mut found = self.found.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut minimum = self.minimum();
        for (baskets, items) in sets.filter(|(baskets, _)| *baskets >= minimum) {
            let bytes = BYTES_A_SET + BYTES_AN_ITEM * u64::try_from(items).unwrap_or(u64::MAX / 8);
            found.add(baskets, bytes);
        }
        while found.sets_kept > self.max_sets || found.bytes_kept > self.max_bytes {
            found.drop_those_of(minimum);
            minimum += 1;
        }
        self.minimum.store(minimum, Ordering::Relaxed);
    }
}

impl Found {
    fn add(&mut self, baskets: u64, bytes: u64) {
        let at = usize::try_from(baskets).unwrap_or(usize::MAX);
        if let (Some(sets), Some(sum)) = (self.sets.get_mut(at), self.bytes.get_mut(at)) {
            *sets += 1;
            *sum += bytes;
            self.sets_kept += 1;
            self.bytes_kept += bytes;
        }
    }

    fn drop_those_of(&mut self, baskets: u64) {
        let at = usize::try_from(baskets).unwrap_or(usize::MAX);
        self.sets_kept -= self.sets.get(at).copied().unwrap_or(self.sets_kept);
        self.bytes_kept -= self.bytes.get(at).copied().unwrap_or(self.bytes_kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_count_is_the_lowest_that_fits_in_any_order() {
        let mut sets: Vec<(u64, usize)> = (0..1000_u64).map(|i| (3 + (i * 7919) % 50, 2)).collect();
        let minima = (0..5).map(|turn| {
            sets.rotate_left(turn * 131);
            let limit = Limit::new(3, 60, 200, usize::MAX);
            sets.chunks(64).for_each(|chunk| limit.count(chunk.iter().copied()));
            limit.minimum()
        });
        let fits = |minimum: u64| (0..1000_u64).filter(|i| 3 + (i * 7919) % 50 >= minimum).count() <= 200;
        let expected = (3..99).find(|minimum| fits(*minimum)).unwrap();
        assert_eq!(minima.collect::<Vec<_>>(), [expected; 5]);
    }

    #[test]
    fn bytes_count_too_and_nothing_at_all_may_fit() {
        let limit = Limit::new(1, 9, 100, 70);
        limit.count([(5, 2), (5, 2), (7, 3), (9, 1)].into_iter());
        assert_eq!(limit.minimum(), 6);
        let none = Limit::new(1, 9, 0, usize::MAX);
        none.count([(9, 2)].into_iter());
        assert_eq!(none.minimum(), 10);
    }
}
