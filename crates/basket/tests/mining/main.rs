//! Mining, rules and advice against mlxtend, against plain loops, and against themselves cut and shuffled.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::float_cmp)]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small numbers")]

mod advice;
mod edges;
mod mlxtend;
mod naive;
mod sameness;

use basket::Baskets;

/// Numbers by xorshift64*.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below a bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
    }
}

/// Baskets of up to `most` items below `items`, the small ones more often, some with a companion.
pub fn random_baskets(dice: &mut Dice, baskets: u64, items: u64, most: u64) -> Vec<Vec<u32>> {
    let basket = |dice: &mut Dice| {
        let mut basket: Vec<u32> = Vec::new();
        for _ in 0..dice.below(most + 1) {
            let bound = dice.below(items) + 1;
            let item = dice.below(bound) as u32;
            basket.push(item);
            if dice.below(3) == 0 {
                basket.push((item * 3 + 1) % items as u32);
            }
        }
        basket
    };
    (0..baskets).map(|_| basket(dice)).collect()
}

pub fn baskets(lists: &[Vec<u32>]) -> Baskets {
    lists.iter().map(|list| list.iter().copied()).collect()
}

pub fn names(items: usize) -> Vec<String> {
    (0..items).map(|item| format!("item {}", item * 7 % 10)).collect()
}
