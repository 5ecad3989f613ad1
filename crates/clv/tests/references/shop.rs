//! Shops whose truth is known.

use clv::{Collected, Collector, Histories};

/// Numbers from 0 to 1 by xorshift64*.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11;
        (bits as f64 + 0.5) / 9_007_199_254_740_992.0
    }

    /// Gamma of scale 1 by Marsaglia and Tsang's method.
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            return self.gamma(shape + 1.0) * self.roll().powf(1.0 / shape);
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let z = (-2.0 * self.roll().ln()).sqrt() * (std::f64::consts::TAU * self.roll()).cos();
            let v = (1.0 + c * z).powi(3);
            if v > 0.0 && self.roll().ln() < 0.5 * z * z + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }
}

/// How a shop's customers are drawn.
#[derive(Debug, Clone, Copy)]
pub struct Shop {
    pub customers: i64,
    pub days: i32,
    /// Shape of the rates and the mean days between purchases.
    pub shape: f64,
    pub gap: f64,
    /// Chance to stop after each repeat purchase: Beta; none for customers that never stop.
    pub stop: Option<(f64, f64)>,
    /// p and q of Gamma-Gamma; the mean is about 30.
    pub spend: (f64, f64),
}

pub const PLAIN: Shop = Shop { customers: 3000, days: 730, shape: 0.8, gap: 60.0, stop: Some((0.8, 3.0)), spend: (6.0, 3.7) };

impl Shop {
    pub fn open(self, cutoffs: &[i32]) -> Collected {
        let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
        let mut collector = Collector::new(self.days, cutoffs);
        for customer in 0..self.customers {
            let mut at = f64::from(self.days) * dice.roll();
            let rate = dice.gamma(self.shape) / (self.shape * self.gap);
            let stop = self.stop.map_or(0.0, |(a, b)| {
                let (a, b) = (dice.gamma(a), dice.gamma(b));
                a / (a + b)
            });
            let level = 30.0 / self.spend.0 / dice.gamma(self.spend.1) * (self.spend.1 - 1.0).max(0.5);
            collector.push(customer, at as i32, level * dice.gamma(self.spend.0));
            loop {
                at -= dice.roll().ln() / rate;
                if at >= f64::from(self.days) {
                    break;
                }
                collector.push(customer, at as i32, level * dice.gamma(self.spend.0));
                if dice.roll() < stop {
                    break;
                }
            }
        }
        collector.finish()
    }

    pub fn histories(self) -> Histories {
        self.open(&[]).histories
    }
}
