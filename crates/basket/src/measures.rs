//! The measures of a rule, each a few operations on four counts.
//!
//! With n baskets, a that hold the antecedent, c that hold the consequent and b that hold both:
//!
//! | measure | formula | edge |
//! |---|---|---|
//! | support | b / n | |
//! | confidence | b / a | |
//! | lift | b n / (a c) | 1 for no link |
//! | leverage | (b n - a c) / n² | Piatetsky-Shapiro 1991 |
//! | conviction | a (n - c) / (n (a - b)) | none where the rule never fails; Brin, Motwani, Ullman and Tsur 1997 |
//! | zhang | (b n - a c) / max(b (n - a), a (c - b)) | 0 where the divisor is 0; Zhang 2000 |
//! | jaccard | b / (a + c - b) | |
//! | certainty | (b n - a c) / (a (n - c)) | 0 where every basket holds the consequent |
//! | kulczynski | (b / a + b / c) / 2 | |
//! | chi square | n (b n - a c)² / (a c (n - a) (n - c)) | none where a margin is empty; no correction for continuity |
//! | lift, low | lift exp(-1.96 s), s² = 1/b - 1/a - 1/c + (2 lift - 1) / n | low end of a 95 % interval, by the delta method |
//!
//! Numerators and divisors are whole numbers and exact below 2^53, so equal fractions give equal bits.

#![allow(clippy::cast_precision_loss, reason = "a rounding of products above 2^53 is all that a measure can show")]

use libm::{exp, log2};

use crate::fisher::upper_tail;

/// Quantile of the normal distribution that leaves 2.5 % above.
const Z: f64 = 1.96;

/// The counts behind a rule: `both` at most `antecedent` and `consequent`, these at most `total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Baskets with the antecedent.
    pub antecedent: u64,
    /// Baskets with the consequent.
    pub consequent: u64,
    /// Baskets with both; above 0, as are all the others.
    pub both: u64,
    /// Baskets in all.
    pub total: u64,
}

/// A fraction; 0 where the divisor is 0.
fn over(numerator: i128, divisor: i128) -> f64 {
    if divisor == 0 { 0.0 } else { numerator as f64 / divisor as f64 }
}

impl Counts {
    fn wide(self) -> (i128, i128, i128, i128) {
        (i128::from(self.antecedent), i128::from(self.consequent), i128::from(self.both), i128::from(self.total))
    }

    /// b n - a c: above 0 for attraction, below for avoidance.
    fn surplus(self) -> i128 {
        let (a, c, b, n) = self.wide();
        b * n - a * c
    }

    pub fn support(self) -> f64 {
        let (_, _, b, n) = self.wide();
        over(b, n)
    }

    pub fn confidence(self) -> f64 {
        let (a, _, b, _) = self.wide();
        over(b, a)
    }

    pub fn lift(self) -> f64 {
        let (a, c, b, n) = self.wide();
        over(b * n, a * c)
    }

    /// The end of the lift's 95 % interval that is nearer to no link; above 0 and at most the lift.
    pub fn lift_low(self) -> f64 {
        let (a, c, b, n) = self.wide();
        let lift = self.lift();
        let variance = over(1, b) - over(1, a) - over(1, c) + if n == 0 { 0.0 } else { (2.0 * lift - 1.0) / n as f64 };
        lift * exp(-Z * variance.max(0.0).sqrt())
    }

    pub fn leverage(self) -> f64 {
        let n = i128::from(self.total);
        over(self.surplus(), n * n)
    }

    /// None where the rule never fails, which leaves nothing to divide by.
    pub fn conviction(self) -> Option<f64> {
        let (a, c, b, n) = self.wide();
        (a > b && n > 0).then(|| over(a * (n - c), n * (a - b)))
    }

    pub fn zhang(self) -> f64 {
        let (a, c, b, n) = self.wide();
        over(self.surplus(), (b * (n - a)).max(a * (c - b)))
    }

    pub fn jaccard(self) -> f64 {
        let (a, c, b, _) = self.wide();
        over(b, a + c - b)
    }

    pub fn certainty(self) -> f64 {
        let (a, c, _, n) = self.wide();
        over(self.surplus(), a * (n - c))
    }

    pub fn kulczynski(self) -> f64 {
        let (a, c, b, _) = self.wide();
        f64::midpoint(over(b, a), over(b, c))
    }

    /// None where the antecedent or the consequent is in every basket.
    pub fn chi_square(self) -> Option<f64> {
        let (a, c, _, n) = self.wide();
        let (rows, columns) = (a * (n - a), c * (n - c));
        let surplus = self.surplus() as f64;
        (rows > 0 && columns > 0).then(|| surplus / rows as f64 * (surplus / columns as f64) * n as f64)
    }

    /// The chance of as many baskets with both, or more, were there no link: Fisher's exact test, one-sided.
    pub fn fisher_p(self) -> f64 {
        upper_tail(self.total, self.consequent, self.antecedent, self.both)
    }

    /// The antecedent never comes without the consequent.
    pub fn is_exact(self) -> bool {
        self.both == self.antecedent
    }

    /// confidence · log2(low end of the lift): above 0 only where the link is beyond chance, and larger the more it moves.
    pub fn pull(self) -> f64 {
        let low = self.lift_low();
        if low > 0.0 { self.confidence() * log2(low) } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_by_hand() {
        let counts = Counts { antecedent: 4, consequent: 5, both: 3, total: 10 };
        let close = |value: f64, expected: f64| assert!((value - expected).abs() < 1e-15, "{value} {expected}");
        close(counts.support(), 0.3);
        close(counts.confidence(), 0.75);
        close(counts.lift(), 1.5);
        close(counts.leverage(), 0.1);
        close(counts.conviction().unwrap(), 2.0);
        close(counts.zhang(), 0.1 / 0.18);
        close(counts.jaccard(), 0.5);
        close(counts.certainty(), 0.5);
        close(counts.kulczynski(), 0.675);
        close(counts.chi_square().unwrap(), 10.0 / 6.0);
        close(counts.fisher_p(), 55.0 / 210.0);
        let variance: f64 = 1.0 / 3.0 - 0.25 - 0.2 + 0.2;
        close(counts.lift_low(), 1.5 * (-1.96 * variance.sqrt()).exp());
        assert!(!counts.is_exact());
    }

    /// Every table of up to 12 baskets: nothing is infinite or out of its range.
    #[test]
    fn small_tables_are_finite_and_in_range() {
        for total in 1..=12_u64 {
            for (antecedent, consequent) in (1..=total).flat_map(|a| (1..=total).map(move |c| (a, c))) {
                for both in (antecedent + consequent).saturating_sub(total).max(1)..=antecedent.min(consequent) {
                    let counts = Counts { antecedent, consequent, both, total };
                    let share = |value: f64| (0.0..=1.0).contains(&value);
                    assert!(share(counts.support()) && share(counts.confidence()) && share(counts.jaccard()));
                    assert!(share(counts.kulczynski()) && share(counts.fisher_p()), "{counts:?}");
                    assert!((-1.0..=1.0).contains(&counts.zhang()), "{counts:?}");
                    assert!(counts.lift_low() > 0.0 && counts.lift_low() <= counts.lift(), "{counts:?}");
                    assert!(counts.certainty().is_finite() && counts.leverage().is_finite() && counts.pull().is_finite());
                    assert_eq!(counts.conviction().is_none(), counts.is_exact());
                    assert!(counts.conviction().is_none_or(|v| v.is_finite() && v >= 0.0));
                    assert!(counts.chi_square().is_none_or(|v| v.is_finite() && v >= 0.0));
                }
            }
        }
    }

    #[test]
    fn huge_counts_do_not_overflow() {
        let large = u64::from(u32::MAX);
        let counts = Counts { antecedent: large / 2, consequent: large / 3, both: large / 4, total: large };
        let all = [counts.lift(), counts.leverage(), counts.zhang(), counts.certainty(), counts.lift_low(), counts.fisher_p()];
        assert!(all.into_iter().chain(counts.chi_square()).chain(counts.conviction()).all(f64::is_finite));
        let none = Counts { antecedent: 0, consequent: 0, both: 0, total: 0 };
        assert!([none.support(), none.lift(), none.lift_low(), none.pull(), none.fisher_p()].into_iter().all(f64::is_finite));
    }
}
