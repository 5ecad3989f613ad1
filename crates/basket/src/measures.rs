//! The measures of a rule A → C, from four counts: the baskets with A, with C, with both, and all of them.
//!
//! With s = share of all baskets and conf = n(AC)/n(A):
//!
//! - lift = conf / s(C); leverage = s(AC) - s(A) s(C) (Piatetsky-Shapiro 1991);
//! - conviction = (1 - s(C)) / (1 - conf), endless where the rule never fails, which is left empty (Brin et al. 1997);
//! - Zhang = leverage / max(s(AC) (1 - s(A)), s(A) (s(C) - s(AC))) (Zhang 2000);
//! - Jaccard = n(AC) / (n(A) + n(C) - n(AC)); Kulczynski = mean of the confidences of both directions;
//! - certainty = (conf - s(C)) / (1 - s(C));
//! - chi-square of the two-by-two table, without correction for continuity;
//! - `lift_low` = lift exp(-1.96 se), the lower end of the 95 % interval, se² = 1/n(AC) - 1/n(A) - 1/n(C) + (2 lift - 1)/N by
//!   the delta method on ln lift.
//!
//! Where a denominator is 0 the measure is 0.

#![allow(clippy::cast_precision_loss, reason = "counts of baskets are far below 2^53")]

/// The counts a rule is measured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub antecedent: u64,
    pub consequent: u64,
    pub both: u64,
    pub all: u64,
}

fn ratio(above: f64, below: f64) -> f64 {
    if below == 0.0 { 0.0 } else { above / below }
}

impl Counts {
    fn share(self, count: u64) -> f64 {
        ratio(count as f64, self.all as f64)
    }

    pub fn support(self) -> f64 {
        self.share(self.both)
    }

    pub fn confidence(self) -> f64 {
        ratio(self.both as f64, self.antecedent as f64)
    }

    pub fn lift(self) -> f64 {
        ratio(self.confidence(), self.share(self.consequent))
    }

    pub fn lift_low(self) -> f64 {
        let one_over = |count: u64| ratio(1.0, count as f64);
        let spread = one_over(self.both) - one_over(self.antecedent) - one_over(self.consequent)
            + ratio(2.0 * self.lift() - 1.0, self.all as f64);
        self.lift() * (-1.96 * spread.max(0.0).sqrt()).exp()
    }

    pub fn leverage(self) -> f64 {
        self.support() - self.share(self.antecedent) * self.share(self.consequent)
    }

    pub fn conviction(self) -> Option<f64> {
        (self.both < self.antecedent).then(|| (1.0 - self.share(self.consequent)) / (1.0 - self.confidence()))
    }

    pub fn zhang(self) -> f64 {
        let (both, antecedent, consequent) = (self.support(), self.share(self.antecedent), self.share(self.consequent));
        ratio(self.leverage(), (both * (1.0 - antecedent)).max(antecedent * (consequent - both)))
    }

    pub fn jaccard(self) -> f64 {
        ratio(self.both as f64, (self.antecedent + self.consequent - self.both) as f64)
    }

    pub fn certainty(self) -> f64 {
        ratio(self.confidence() - self.share(self.consequent), 1.0 - self.share(self.consequent))
    }

    pub fn kulczynski(self) -> f64 {
        f64::midpoint(self.confidence(), ratio(self.both as f64, self.consequent as f64))
    }

    pub fn chi_square(self) -> f64 {
        let [n, a, c, both] = [self.all, self.antecedent, self.consequent, self.both].map(|count| count as f64);
        let difference = both * n - a * c;
        ratio(difference * difference * n, a * c * (n - a) * (n - c))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_worked_by_hand() {
        // 100 baskets: 20 with A, 25 with C, 10 with both.
        let counts = Counts { antecedent: 20, consequent: 25, both: 10, all: 100 };
        let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
        close(counts.confidence(), 0.5);
        close(counts.lift(), 2.0);
        close(counts.leverage(), 0.05);
        close(counts.conviction().unwrap(), 1.5);
        close(counts.zhang(), 0.05 / 0.08);
        close(counts.jaccard(), 10.0 / 35.0);
        close(counts.certainty(), 1.0 / 3.0);
        close(counts.kulczynski(), 0.45);
        close(counts.chi_square(), 100.0 * 500.0_f64.powi(2) / (20.0 * 25.0 * 80.0 * 75.0));
        close(counts.lift_low(), 2.0 * (-1.96 * (0.1 - 0.05 - 0.04 + 0.03_f64).sqrt()).exp());
    }

    #[test]
    fn nothing_is_endless() {
        for counts in [
            Counts { antecedent: 0, consequent: 0, both: 0, all: 0 },
            Counts { antecedent: 5, consequent: 5, both: 5, all: 5 },
            Counts { antecedent: 1, consequent: 7, both: 1, all: 9 },
        ] {
            let all = [counts.lift(), counts.lift_low(), counts.zhang(), counts.certainty(), counts.chi_square(), counts.jaccard()];
            assert!(all.iter().all(|m| m.is_finite()), "{counts:?}: {all:?}");
            assert_eq!(counts.conviction(), None);
        }
    }
}
