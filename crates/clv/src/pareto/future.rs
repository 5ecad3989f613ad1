//! Purchases to come under Pareto/NBD of a customer who is active.
//!
//! Given x, `t_x`, T and that the customer is active, λ ~ Gamma(r+x, α+T) and μ ~ Gamma(s, β+T) are independent. The customer
//! stops after a time τ of density s (β+T)^s (β+T+τ)^-(s+1), and buys until then, so the purchases within t are a mixture of
//! negative binomials of odds min(τ, t)/(α+T). The mixture is taken by Gauss-Legendre quadrature in ln(min(α, β) + T + τ).
//! Their mean has a closed form: (r+x)(β+T)/(α+T) · (1 - e^-(s-1)L)/(s-1), L = ln((β+T+t)/(β+T)), whose limit at s = 1 is L.

#![allow(
    clippy::many_single_char_names,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the letters are those of the papers, the number of panels is small and positive"
)]

use std::sync::LazyLock;

use crate::gauss_legendre::rule;
use crate::ladder::{Ladder, buys as buys_by_rate};

static NODES: LazyLock<[(f64, f64); 16]> = LazyLock::new(rule::<16>);

/// Mean of the purchases within `t`.
pub fn expected([r, alpha, s, beta]: [f64; 4], x: f64, observed: f64, t: f64) -> f64 {
    let log = (t / (beta + observed)).ln_1p();
    let power = (s - 1.0) * log;
    let lasting = if power.abs() < 1e-300 { log } else { log * (-(-power).exp_m1() / power) };
    (r + x) * (beta + observed) / (alpha + observed) * lasting
}

/// Lengths of activity within `t` and their probabilities; the first is `t` itself.
fn lengths([r, alpha, s, beta]: [f64; 4], x: f64, observed: f64, t: f64) -> Vec<(f64, f64)> {
    let origin = alpha.min(beta) + observed;
    let width = (t / origin).ln_1p();
    let decay = s * (t / (beta + observed)).ln_1p();
    // The counts of a length are spread by about the root of their number: panels must be finer than that.
    let spread = (t * (r + x) / (alpha + observed)).sqrt();
    let panels = (1.0 + (width.max(decay / 4.0)).max(spread / 6.0)).floor().min(64.0);
    let mut lengths = vec![(t, (-decay).exp())];
    let part = width / panels;
    for panel in 0..panels as u32 {
        for (place, weight) in NODES.iter() {
            let passed = origin * ((f64::from(panel) + place) * part).exp_m1();
            let log_left = -(s + 1.0) * (passed / (beta + observed)).ln_1p();
            lengths.push((passed, weight * part * s / (beta + observed) * (origin + passed) * log_left.exp()));
        }
    }
    lengths
}

/// Chance of a purchase within `t`.
pub fn buys(parameters: [f64; 4], x: f64, observed: f64, t: f64) -> f64 {
    let [r, alpha, ..] = parameters;
    let of = |(length, mass): &(f64, f64)| mass * buys_by_rate(r + x, length / (alpha + observed));
    lengths(parameters, x, observed, t).iter().map(of).sum::<f64>().min(1.0)
}

/// P(Y = n) within `t`, n = 0, 1, ...; `ladder` is the endless one of r+x.
pub fn distribution(parameters: [f64; 4], ladder: &mut Ladder, x: f64, observed: f64, t: f64, probabilities: &mut Vec<f64>) {
    let [_, alpha, ..] = parameters;
    probabilities.clear();
    for (length, mass) in lengths(parameters, x, observed, t) {
        ladder.add_weights(length / (alpha + observed), mass, probabilities);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distribution_sums_to_one_and_has_the_mean() {
        let cases = [
            ([0.55, 74.0, 0.6, 81.0], 2.0, 272.0, 273.0),
            ([0.55, 74.0, 1.0, 81.0], 0.0, 0.0, 365.0),
            ([0.8, 30.0, 0.3, 5000.0], 400.0, 900.0, 365.0),
            ([0.8, 900.0, 4.0, 2.0], 1.0, 3.0, 1e-3),
        ];
        for (parameters, x, observed, t) in cases {
            let mut ladder = Ladder::endless(parameters[0] + x);
            let mut probabilities = Vec::new();
            distribution(parameters, &mut ladder, x, observed, t, &mut probabilities);
            let sum: f64 = probabilities.iter().sum();
            assert!((sum - 1.0).abs() < 1e-10, "{x} {sum}");
            let mean: f64 = (0..).zip(&probabilities).map(|(n, p)| f64::from(n) * p).sum();
            let expected = expected(parameters, x, observed, t);
            assert!((mean / expected - 1.0).abs() < 1e-10, "{x} {mean} {expected}");
            let some = 1.0 - probabilities[0];
            assert!((buys(parameters, x, observed, t) - some).abs() < 1e-10, "{x}");
        }
    }
}
