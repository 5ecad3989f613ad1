//! Seeded draws. Each customer, order, … has its own dice, so what is drawn for one never depends on how many draws
//! another one took.

use rand::Rng as _;
use rand_distr::Distribution;
use rand_pcg::Pcg64;

/// What the dice are for. The numbers are part of the seed: changing one changes every shop.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    Customer = 1,
    Purchases = 2,
    Catalogue = 3,
    Product = 4,
    Order = 5,
    Payment = 6,
    Ticket = 7,
    Fault = 8,
}

const STREAM: u128 = 0x000c_0957_3e36_0360;

pub(crate) struct Dice(Pcg64);

impl Dice {
    pub(crate) fn new(seed: u64, part: Part, index: u64) -> Self {
        let low = mix(seed ^ mix(index ^ mix(part as u64)));
        let high = mix(!low);
        Self(Pcg64::new((u128::from(high) << 64) | u128::from(low), STREAM))
    }

    /// A whole number in `0..bound`, or 0 for a bound of 0.
    // A bias below 2^-32 × bound is accepted: it is far below what any figure of a shop shows.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        let wide = u64::from(self.0.next_u32()) * u64::from(bound);
        (wide >> 32) as u32
    }

    /// As [`Dice::below`], for bounds above 32 bits.
    pub(crate) fn below_wide(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.0.next_u64()) * u128::from(bound);
        (wide >> 64) as u64
    }

    /// As [`Dice::below`], for signed arithmetic on cents and days.
    pub(crate) fn upto(&mut self, bound: u16) -> i32 {
        // Below 65,536 by the bound, so the fallback is never taken.
        i32::try_from(self.below(u32::from(bound))).unwrap_or(i32::MAX)
    }

    pub(crate) fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// `odds` in 2^32.
    pub(crate) fn odds(&mut self, odds: u32) -> bool {
        self.0.next_u32() < odds
    }

    /// How many of 64 fair coins show heads.
    pub(crate) fn coins(&mut self) -> u32 {
        self.0.next_u64().count_ones()
    }

    /// One of the items, each as likely as the others; the default if there is none.
    pub(crate) fn pick<T: Copy + Default>(&mut self, items: &[T]) -> T {
        let bound = u32::try_from(items.len()).unwrap_or(u32::MAX);
        items.get(self.below(bound) as usize).copied().unwrap_or_default()
    }

    /// One of the items by its weight; the default if there is none.
    pub(crate) fn weighted<T: Copy + Default>(&mut self, items: &[(T, u32)]) -> T {
        let mut left = self.below(items.iter().map(|(_, weight)| weight).sum());
        for &(item, weight) in items {
            if left < weight {
                return item;
            }
            left -= weight;
        }
        T::default()
    }

    /// A Poisson count. The limit is e^-mean in 2^32, so that the draw itself is whole numbers only.
    pub(crate) fn poisson(&mut self, limit: u32) -> u32 {
        let mut product = u64::from(u32::MAX);
        let mut count = 0;
        loop {
            product = (product * u64::from(self.0.next_u32())) >> 32;
            if product <= u64::from(limit) {
                return count;
            }
            count += 1;
        }
    }

    /// Puts the items into a random order of a single cycle: no item stays where it was.
    pub(crate) fn cycle(&mut self, items: &mut [u32]) {
        for last in (1..items.len()).rev() {
            let bound = u32::try_from(last).unwrap_or(u32::MAX);
            items.swap(last, self.below(bound) as usize);
        }
    }

    pub(crate) fn sample(&mut self, distribution: &impl Distribution<f64>) -> f64 {
        distribution.sample(&mut self.0)
    }
}

/// Spreads near seeds over all of the 64 bits (the finalizer of `SplitMix64`).
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
