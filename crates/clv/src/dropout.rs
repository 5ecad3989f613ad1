//! BG/NBD and MBG/NBD: a customer buys at a rate λ ~ Gamma(r, α) and stops after a purchase with a chance p ~ Beta(a, b).
//!
//! In BG/NBD (Fader, Hardie and Lee 2005, Marketing Science 24, 275-284) the first purchase ends nobody, in MBG/NBD
//! (Batislam, Denizel and Filiztekin 2007; Hoppe and Wagner 2007) it may. With y = x for BG/NBD and y = x + 1 for MBG/NBD,
//! y is the number of purchases after which the customer could have stopped, and the likelihood of a customer is
//!
//! Γ(r+x)/Γ(r) · α^r · B(a, b+y)/B(a, b) · { (α+T)^-(r+x) + a/(b+y-1) · (α+t_x)^-(r+x) },
//!
//! without the second term where y = 0. Ratios of gamma functions at whole distances are sums of logarithms. Of the two terms
//! the first belongs to customers still active, so P(alive) is its share. It is 1 where y = 0: BG/NBD knows no one-time buyer
//! that has stopped.

#![allow(
    clippy::indexing_slicing,
    clippy::many_single_char_names,
    clippy::similar_names,
    reason = "time and group numbers come from the table, the letters from the papers"
)]

use crate::curve::Curve;
use crate::rising;
use crate::table::{Row, Table};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    BgNbd,
    MbgNbd,
}

impl Kind {
    /// y - x.
    pub fn first_chances(self) -> u32 {
        match self {
            Self::BgNbd => 0,
            Self::MbgNbd => 1,
        }
    }
}

/// ln B(a, b+y)/B(a, b) for each group, with its derivatives by a, by b, by a and a, by b and b. By a and b it is as by a
/// and a.
fn of_groups(kind: Kind, table: &Table, [_, _, a, b]: [f64; 4]) -> Vec<[f64; 5]> {
    let (mut y, mut sums) = (0, [0.0; 5]);
    let mut found = Vec::with_capacity(table.groups.len());
    for group in &table.groups {
        while y < group.repeats + kind.first_chances() {
            let (stay, all) = (b + f64::from(y), a + b + f64::from(y));
            let square = 1.0 / (all * all);
            let terms = [(stay / all).ln(), -1.0 / all, 1.0 / stay - 1.0 / all, square, square - 1.0 / (stay * stay)];
            sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
            y += 1;
        }
        found.push(sums);
    }
    found
}

/// Sums over rows of one x. The w are the shares of the two terms, l = ln(α+time), i = 1/(α+time), d a difference T less
/// `t_x`.
#[derive(Default)]
struct Sums {
    customers: f64,
    value: f64,
    /// Σ w l, w i, w i².
    log: f64,
    inverse: f64,
    square: f64,
    /// Σ of the share of those that stopped.
    stopped: f64,
    /// Σ of the product of the shares, and of it with dl, di, dl², dl·di, di².
    spread: [f64; 6],
}

/// Logarithms and inverses of α + time.
struct Times {
    log: Vec<f64>,
    inverse: Vec<f64>,
}

fn sums(times: &Times, s: f64, odds: Option<f64>, rows: &[Row]) -> Sums {
    let mut sums = Sums::default();
    for row in rows {
        let n = f64::from(row.customers);
        let (log_t, inv_t) = (times.log[row.observed as usize], times.inverse[row.observed as usize]);
        sums.customers += n;
        let Some(odds) = odds else {
            sums.value -= n * s * log_t;
            sums.log += n * log_t;
            sums.inverse += n * inv_t;
            sums.square += n * inv_t * inv_t;
            continue;
        };
        let (log_l, inv_l) = (times.log[row.last as usize], times.inverse[row.last as usize]);
        // Logarithms of the two terms: active, stopped.
        let (active, stopped) = (-s * log_t, odds - s * log_l);
        let apart = active - stopped;
        let e = (-apart.abs()).exp();
        let less = e / (1.0 + e);
        let more = 1.0 / (1.0 + e);
        let (w_active, w_stopped) = if apart >= 0.0 { (more, less) } else { (less, more) };
        sums.value += n * (active.max(stopped) + (1.0 + e).ln());
        let (w_active, w_stopped) = (n * w_active, n * w_stopped);
        sums.log += w_active * log_t + w_stopped * log_l;
        sums.inverse += w_active * inv_t + w_stopped * inv_l;
        sums.square += w_active * inv_t * inv_t + w_stopped * inv_l * inv_l;
        sums.stopped += w_stopped;
        let both = n * less * more;
        let (dl, di) = (log_t - log_l, inv_t - inv_l);
        let products = [both, both * dl, both * di, both * dl * dl, both * dl * di, both * di * di];
        sums.spread.iter_mut().zip(products).for_each(|(sum, product)| *sum += product);
    }
    sums
}

/// The log-likelihood of all customers, with its derivatives by r, α, a, b.
pub fn likelihood(kind: Kind, table: &Table, parameters: &[f64; 4]) -> Curve<4> {
    let [r, alpha, a, b] = *parameters;
    let (rates, stays) = (rising::of_groups(table, r), of_groups(kind, table, *parameters));
    let times = Times {
        log: table.times.iter().map(|t| (alpha + t).ln()).collect(),
        inverse: table.times.iter().map(|t| 1.0 / (alpha + t)).collect(),
    };
    let log_alpha = alpha.ln();
    let parts = table.map_rows(|number, rows| {
        let x = table.groups[number].repeats;
        let s = r + f64::from(x);
        let y = x + kind.first_chances();
        // b + y - 1; without a chance to stop nothing is multiplied by its inverse.
        let last_stay = b + f64::from(y) - 1.0;
        let sum = sums(&times, s, (y > 0).then(|| (a / last_stay).ln()), rows);
        let (rate, stay) = (rates[number], stays[number]);
        let n = sum.customers;
        let [q, ql, qi, qll, qli, qii] = sum.spread;
        let by_b = if y > 0 { 1.0 / last_stay } else { 0.0 };
        let mut curve = Curve::ZERO;
        curve.value = n * (rate[0] + r * log_alpha + stay[0]) + sum.value;
        curve.gradient = [
            n * (rate[1] + log_alpha) - sum.log,
            n * r / alpha - s * sum.inverse,
            n * stay[1] + sum.stopped / a,
            n * stay[2] - sum.stopped * by_b,
        ];
        curve.hessian[0] = [n * rate[2] + qll, n / alpha - sum.inverse + s * qli, ql / a, -ql * by_b];
        curve.hessian[1][1] = -n * r / (alpha * alpha) + s * sum.square + s * s * qii;
        curve.hessian[1][2] = s * qi / a;
        curve.hessian[1][3] = -s * qi * by_b;
        curve.hessian[2][2] = n * stay[3] + (q - sum.stopped) / (a * a);
        curve.hessian[2][3] = n * stay[3] - q * by_b / a;
        curve.hessian[3][3] = n * stay[4] + (sum.stopped + q) * by_b * by_b;
        curve
    });
    Curve::sum(parts)
}

/// P(alive) of every row, in their order.
pub fn alive(kind: Kind, table: &Table, [r, alpha, a, b]: [f64; 4]) -> Vec<f64> {
    let of_batch = |number: usize, rows: &[Row]| {
        let repeats = table.groups[number].repeats;
        let y = repeats + kind.first_chances();
        if y == 0 {
            return vec![1.0; rows.len()];
        }
        let odds = (a / (b + f64::from(y) - 1.0)).ln();
        let s = r + f64::from(repeats);
        let of = |row: &Row| {
            let (last, observed) = (table.times[row.last as usize], table.times[row.observed as usize]);
            let against = odds + s * ((observed - last) / (alpha + last)).ln_1p();
            1.0 / (1.0 + against.exp())
        };
        rows.iter().map(of).collect::<Vec<f64>>()
    };
    table.map_rows(of_batch).concat()
}
