//! NBD: a customer buys at a rate λ ~ Gamma(r, α) and never stops (Ehrenberg 1959).
//!
//! The likelihood of the days of a customer's purchases is Γ(r+x)/Γ(r) · α^r · (α+T)^-(r+x).

#![allow(clippy::indexing_slicing, reason = "time and group numbers come from the table")]

use crate::curve::Curve;
use crate::rising;
use crate::table::Table;

/// The log-likelihood of all customers, with its derivatives by r and α.
pub fn likelihood(table: &Table, &[r, alpha]: &[f64; 2]) -> Curve<2> {
    let log: Vec<f64> = table.times.iter().map(|t| (alpha + t).ln()).collect();
    let inverse: Vec<f64> = table.times.iter().map(|t| 1.0 / (alpha + t)).collect();
    let rates = rising::of_groups(table, r);
    let parts = table.map_rows(|number, rows| {
        let s = r + f64::from(table.groups[number].repeats);
        let mut sums = [0.0; 4];
        for row in rows {
            let (n, at) = (f64::from(row.customers), row.observed as usize);
            sums = [sums[0] + n, sums[1] + n * log[at], sums[2] + n * inverse[at], sums[3] + n * inverse[at] * inverse[at]];
        }
        let [n, logs, inverses, squares] = sums;
        let [value, first, second] = rates[number];
        Curve {
            value: n * (value + r * alpha.ln()) - s * logs,
            gradient: [n * (first + alpha.ln()) - logs, n * r / alpha - s * inverses],
            hessian: [[n * second, n / alpha - inverses], [0.0, s * squares - n * r / (alpha * alpha)]],
        }
    });
    Curve::sum(parts)
}
