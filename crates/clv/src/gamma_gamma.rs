//! Gamma-Gamma: the values of a customer's orders are Gamma(p, ν), and ν ~ Gamma(q, v) differs between customers.
//!
//! Colombo and Jiang 1999; Fader and Hardie's note of 2013. With m the mean of x values the log-likelihood of a customer is
//! ln Γ(px+q) - ln Γ(px) - ln Γ(q) + q ln v + (px-1) ln m + px ln x - (px+q) ln(xm+v).
//! What depends on x alone is evaluated once a group of equal x.

#![allow(
    clippy::indexing_slicing,
    clippy::many_single_char_names,
    reason = "ranges are of the vector they were made with, the letters are those of the papers"
)]

use std::ops::Range;

use rayon::prelude::*;

use crate::curve::Curve;
use crate::digamma::{digamma, trigamma};

const BATCH: usize = 8192;

/// Customers with repeat purchases of some value, in order of x.
#[derive(Debug, Clone, Default)]
pub struct Spends {
    /// x m of each.
    totals: Vec<f64>,
    batches: Vec<Batch>,
}

#[derive(Debug, Clone)]
struct Batch {
    x: f64,
    members: Range<usize>,
    /// Σ ln m.
    log_means: f64,
}

impl Spends {
    /// From pairs of x and m, both positive, in order of x.
    pub fn new(pairs: impl IntoIterator<Item = (u32, f64)>) -> Self {
        let mut spends = Self::default();
        for (repeats, mean) in pairs {
            let x = f64::from(repeats);
            let at = spends.totals.len();
            spends.totals.push(x * mean);
            match spends.batches.last_mut() {
                Some(batch) if batch.x.to_bits() == x.to_bits() && batch.members.len() < BATCH => {
                    batch.members.end = at + 1;
                    batch.log_means += mean.ln();
                }
                _ => spends.batches.push(Batch { x, members: at..at + 1, log_means: mean.ln() }),
            }
        }
        spends
    }

    pub fn len(&self) -> usize {
        self.totals.len()
    }

    pub fn is_empty(&self) -> bool {
        self.totals.is_empty()
    }

    /// The log-likelihood with its derivatives by p, q, v.
    pub fn likelihood(&self, &[p, q, v]: &[f64; 3]) -> Curve<3> {
        let of_q = [libm::lgamma(q), digamma(q), trigamma(q)];
        let parts: Vec<Curve<3>> = self.batches.par_iter().map(|batch| self.of_batch(batch, [p, q, v], of_q)).collect();
        Curve::sum(parts)
    }

    fn of_batch(&self, batch: &Batch, [p, q, v]: [f64; 3], [value_q, first_q, second_q]: [f64; 3]) -> Curve<3> {
        let (mut n, mut logs, mut inverses, mut squares) = (0.0, 0.0, 0.0, 0.0);
        for total in &self.totals[batch.members.clone()] {
            let inverse = 1.0 / (total + v);
            n += 1.0;
            logs += (total + v).ln();
            inverses += inverse;
            squares += inverse * inverse;
        }
        let x = batch.x;
        let (own, all) = (p * x, p * x + q);
        let (first, second) = (digamma(all), trigamma(all));
        let by_x = libm::lgamma(all) - libm::lgamma(own) - value_q + q * v.ln() + own * x.ln();
        Curve {
            value: n * by_x + (own - 1.0) * batch.log_means - all * logs,
            gradient: [
                x * (n * (first - digamma(own) + x.ln()) + batch.log_means - logs),
                n * (first - first_q + v.ln()) - logs,
                n * q / v - all * inverses,
            ],
            hessian: [
                [x * x * n * (second - trigamma(own)), x * n * second, -x * inverses],
                [0.0, n * (second - second_q), n / v - inverses],
                [0.0, 0.0, all * squares - n * q / (v * v)],
            ],
        }
    }
}

/// Expected value of an order given x and m: (1-Z) pv/(q-1) + Z m with Z = px/(px+q-1). For q > 1.
pub fn expected([p, q, v]: [f64; 3], x: f64, m: f64) -> f64 {
    let own = p * x;
    p * (v + x * m) / (own + q - 1.0)
}
