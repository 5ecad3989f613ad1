//! Purchases to come of a customer who is active: their distribution and mean, as sums of positive terms.
//!
//! Given x, `t_x`, T and that the customer is active, the rate λ ~ Gamma(s, α+T) with s = r+x, and the chance to stop
//! p ~ Beta(a, b') with b' = b+y, are independent. The purchases K that λ alone would bring in a time t are negative binomial
//! with odds τ = t/(α+T): w₀ = (1+τ)^-s, `w_(k+1)` = `w_k` z (s+k)/(k+1), z = τ/(1+τ). With the chance `S_n` to go on after each
//! of n purchases, S₀ = 1, S_(n+1) = `S_n` (b'+n)/(a+b'+n), and `C_n` = S₀ + ... + S_(n-1),
//!
//! E\[Y\] = Σ `w_k` `C_k`,  P(Y = n) = `S_n` `w_n` + (S_(n-1) - `S_n`) P(K >= n).
//!
//! Nothing is subtracted, so nothing cancels at a = 1, at a+b <= 1 or for short times, where the closed form with Gauss's
//! hypergeometric function does. Without dropout S is 1. For large s ln(1+τ), where w₀ underflows, the weights are
//! taken relative to the one at the mean, and divided by their sum in the end.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the rungs are made up to the index before they are read; counts are non-negative and below 2^40"
)]

/// No sum has more terms beyond its start: what would follow is added as a geometric series.
const MOST_TERMS: usize = 1 << 18;

/// Below this the logarithm of w₀ is not taken as it is.
const LOWEST_LOG: f64 = -700.0;

/// What depends on the number of purchases, but not on the time: one ladder serves all customers of one x.
#[derive(Debug, Clone)]
pub struct Ladder {
    shape: f64,
    stop: f64,
    stay: f64,
    /// (s+k)/(k+1).
    ratio: Vec<f64>,
    /// `S_k`.
    going: Vec<f64>,
    /// `C_k`.
    counted: Vec<f64>,
}

/// Purchases expected beyond this are not reckoned with.
const MOST_PURCHASES: f64 = 1e6;

/// A weight, relative to the largest, that adds nothing to a sum.
const NEGLIGIBLE: f64 = 1e-30;

/// Where a sum over k starts.
struct Start {
    first: usize,
    weight: f64,
    /// Whether the weights are to be divided by their sum.
    is_scaled: bool,
}

impl Ladder {
    /// The ladder of s, a and b'.
    pub fn new(shape: f64, stop: f64, stay: f64) -> Self {
        Self { shape, stop, stay, ratio: Vec::new(), going: vec![1.0], counted: vec![0.0] }
    }

    /// The ladder of customers that never stop.
    pub fn endless(shape: f64) -> Self {
        Self::new(shape, 0.0, 1.0)
    }

    /// Makes rungs up to the k-th.
    fn reach(&mut self, k: usize) {
        while self.ratio.len() <= k {
            let n = self.ratio.len() as f64;
            let (going, counted) = (self.going[self.ratio.len()], self.counted[self.ratio.len()]);
            self.ratio.push((self.shape + n) / (n + 1.0));
            self.going.push(going * (self.stay + n) / (self.stop + self.stay + n));
            self.counted.push(counted + going);
        }
    }

    fn start(&self, odds: f64) -> Start {
        let log = -self.shape * odds.ln_1p();
        if log > LOWEST_LOG {
            return Start { first: 0, weight: log.exp(), is_scaled: false };
        }
        let z = odds / (1.0 + odds);
        let (mut k, mut weight) = ((self.shape * odds).floor(), 1.0);
        while k > 0.0 && weight > NEGLIGIBLE {
            k -= 1.0;
            weight *= (k + 1.0) / (z * (self.shape + k));
        }
        Start { first: k as usize, weight, is_scaled: true }
    }

    /// The odds, held where no more than a million purchases are expected.
    fn held(&self, odds: f64) -> f64 {
        odds.min(MOST_PURCHASES / self.shape)
    }

    /// Mean of the purchases to come of an active customer.
    pub fn expected(&mut self, odds: f64) -> f64 {
        if odds <= 0.0 {
            return 0.0;
        }
        let odds = self.held(odds);
        let z = odds / (1.0 + odds);
        let mean = self.shape * odds;
        let Start { first, weight, is_scaled } = self.start(odds);
        let (mut k, mut weight) = (first, weight);
        let (mut sum, mut total) = (0.0, 0.0);
        loop {
            // Rungs come in blocks so that the inner loop has no check.
            self.reach(k + 16);
            for _ in 0..16 {
                sum += weight * self.counted[k];
                total += weight;
                weight *= z * self.ratio[k];
                k += 1;
            }
            let term = weight * self.counted[k];
            let decay = z * self.ratio[k] * (1.0 + 1.0 / k as f64);
            if k as f64 > mean && decay < 1.0 {
                let rest = term / (1.0 - decay);
                if rest < 1e-16 * sum || k - first > MOST_TERMS {
                    sum += rest;
                    break;
                }
            }
        }
        if is_scaled { sum / total } else { sum }
    }

    /// Adds `mass` times the distribution of K to `weights`; what lies beyond its end is added to its last place.
    pub fn add_weights(&mut self, odds: f64, mass: f64, weights: &mut Vec<f64>) {
        let odds = self.held(odds);
        let z = odds / (1.0 + odds);
        let mean = self.shape * odds;
        let Start { first, weight, is_scaled } = self.start(odds);
        let scale = mass * if is_scaled { 1.0 / self.scaled_total(odds, first, weight) } else { 1.0 };
        let (mut k, mut weight) = (first, weight * scale);
        loop {
            if weights.len() <= k {
                weights.resize(k + 1, 0.0);
            }
            weights[k] += weight;
            self.reach(k);
            let decay = z * self.ratio[k];
            weight *= decay;
            k += 1;
            if k as f64 > mean && decay < 1.0 {
                let rest = weight / (1.0 - decay);
                if rest < 1e-18 * mass || k - first > MOST_TERMS {
                    weights[k - 1] += rest;
                    return;
                }
            }
        }
    }

    /// The sum of weights that do not begin with w₀.
    fn scaled_total(&mut self, odds: f64, first: usize, weight: f64) -> f64 {
        let z = odds / (1.0 + odds);
        let (mut k, mut weight, mut total) = (first, weight, 0.0);
        loop {
            total += weight;
            self.reach(k);
            let decay = z * self.ratio[k];
            weight *= decay;
            k += 1;
            let is_past = k as f64 > self.shape * odds && decay < 1.0;
            if is_past && (weight < 1e-18 * total * (1.0 - decay) || k - first > MOST_TERMS) {
                return total + weight / (1.0 - decay);
            }
        }
    }

    /// P(Y = n) of an active customer, n = 0, 1, ...; `weights` is overwritten.
    pub fn distribution(&mut self, odds: f64, probabilities: &mut Vec<f64>) {
        probabilities.clear();
        if odds <= 0.0 {
            probabilities.push(1.0);
            return;
        }
        self.add_weights(odds, 1.0, probabilities);
        if self.stop <= 0.0 {
            return;
        }
        self.reach(probabilities.len());
        let mut at_least = 0.0;
        for n in (1..probabilities.len()).rev() {
            at_least += probabilities[n];
            let stops_here = self.going[n - 1] * self.stop / (self.stop + self.stay + (n - 1) as f64);
            probabilities[n] = self.going[n] * probabilities[n] + stops_here * at_least;
        }
    }
}

/// Chance of a purchase within a time of an active customer: 1 - (1+τ)^-s.
pub fn buys(shape: f64, odds: f64) -> f64 {
    -(-shape * odds.ln_1p()).exp_m1()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mut ladder: Ladder, odds: f64) {
        let mut probabilities = Vec::new();
        ladder.distribution(odds, &mut probabilities);
        let sum: f64 = probabilities.iter().sum();
        assert!((sum - 1.0).abs() < 1e-12, "{sum}");
        let mean: f64 = (0..).zip(&probabilities).map(|(n, p)| f64::from(n) * p).sum();
        let expected = ladder.expected(odds);
        assert!((mean / expected - 1.0).abs() < 1e-10, "{mean} {expected}");
    }

    #[test]
    fn the_distribution_sums_to_one_and_has_the_mean() {
        for (shape, stop, stay, odds) in [
            (0.24, 0.8, 2.4, 9.0),
            (29.2, 0.8, 31.4, 1.0),
            (0.5, 1.0, 1.0, 1e-6),
            (5000.0, 0.1, 5002.0, 0.9),
            (90.0, 3.0, 0.2, 40.0),
        ] {
            check(Ladder::new(shape, stop, stay), odds);
            check(Ladder::endless(shape), odds);
        }
    }

    #[test]
    fn without_dropout_the_mean_is_that_of_the_rate() {
        for (shape, odds) in [(0.3, 2.0), (40.0, 0.01), (3000.0, 2.5)] {
            let expected = Ladder::endless(shape).expected(odds);
            assert!((expected / (shape * odds) - 1.0).abs() < 1e-12, "{expected}");
        }
    }
}
