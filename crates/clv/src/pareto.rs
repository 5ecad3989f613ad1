//! Pareto/NBD: a customer buys at a rate λ ~ Gamma(r, α) and stops at a rate μ ~ Gamma(s, β), at any time.
//!
//! Schmittlein, Morrison and Colombo 1987 (Management Science 33, 1-24), with the likelihood as in Fader and Hardie's note of
//! 2005: Γ(r+x)/Γ(r) · α^r β^s · { (α+T)^-(r+x) (β+T)^-s + s I }, where I is the integral of (α+y)^-(r+x) (β+y)^-(s+1)
//! over y from `t_x` to T. The integral is taken numerically (`integral`), so neither α = β nor `t_x` = T is a special case
//! and no hypergeometric function is needed. Of the two terms the first belongs to customers still active, so
//! P(alive) is its share.

#![allow(
    clippy::indexing_slicing,
    clippy::many_single_char_names,
    clippy::similar_names,
    reason = "time and group numbers come from the table, the letters from the papers"
)]

pub mod future;
mod integral;

use crate::curve::Curve;
use crate::rising;
use crate::table::{Row, Table};

use integral::{MOMENTS, Panels};

/// One customer's two terms: that both are finite is what the rest relies on.
struct Terms {
    /// ln of the term of active customers and of the sum of both.
    log: f64,
    active: f64,
    stopped: f64,
    /// The means of the moments over the integral.
    means: [f64; MOMENTS],
}

/// The terms of one row, of moments for the times from `low` on.
fn terms(panels: &Panels, x: f64, moments: &[[f64; MOMENTS]], low: usize, row: &Row) -> Terms {
    let (last, observed) = (row.last as usize, row.observed as usize);
    let s = panels.s();
    let log_active = -panels.shape(x) * panels.log_alpha[observed] - s * panels.log_beta[observed];
    let fall = panels.log_density(x, observed) - panels.log_density(x, last);
    let (near, far) = (&moments[last - low], &moments[observed - low]);
    let left = fall.exp();
    let integral = near[0] - left * far[0];
    if last == observed || integral <= 0.0 {
        return Terms { log: log_active, active: 1.0, stopped: 0.0, means: [0.0; MOMENTS] };
    }
    let log_stopped = panels.log_density(x, last) + (s * integral).ln();
    let apart = log_active - log_stopped;
    let e = (-apart.abs()).exp();
    let (less, more) = (e / (1.0 + e), 1.0 / (1.0 + e));
    let (active, stopped) = if apart >= 0.0 { (more, less) } else { (less, more) };
    let mut means = [0.0; MOMENTS];
    for (mean, (near, far)) in means.iter_mut().zip(near.iter().zip(far)) {
        *mean = (near - left * far) / integral;
    }
    Terms { log: log_active.max(log_stopped) + (1.0 + e).ln(), active, stopped, means }
}

/// Smallest number of a time `t_x` and largest of a time T.
fn reach(rows: &[Row]) -> (usize, usize) {
    let low = rows.iter().map(|row| row.last).min().unwrap_or(0);
    let high = rows.iter().map(|row| row.observed).max().unwrap_or(0);
    (low as usize, high as usize)
}

/// One row's part of the log-likelihood without what depends on x alone, with its derivatives by r, α, s, β.
fn of_row(panels: &Panels, x: f64, terms: &Terms, row: &Row) -> Curve<4> {
    let at = row.observed as usize;
    let (shape, s) = (panels.shape(x), panels.s());
    let (ia, ib) = (panels.inverse_alpha[at], panels.inverse_beta[at]);
    let first = [-panels.log_alpha[at], -shape * ia, -panels.log_beta[at], -s * ib];
    let mut curve = Curve { value: terms.log, ..Curve::ZERO };
    let [_, log_a, inv_a, log_b, inv_b, ll, la_ia, la_lb, la_ib, ii, ia_lb, ia_ib, bb, lb_ib, ibib] = terms.means;
    let density = s + 1.0;
    // Derivatives of the logarithm of the integral, and of the integral over itself.
    let inner = [-log_a, -shape * inv_a, -log_b, -density * inv_b];
    let second = [
        [ll, shape * la_ia - inv_a, la_lb, density * la_ib],
        [0.0, shape * (shape + 1.0) * ii, shape * ia_lb, shape * density * ia_ib],
        [0.0, 0.0, bb, density * lb_ib - inv_b],
        [0.0, 0.0, 0.0, density * (density + 1.0) * ibib],
    ];
    let mut stopped = inner;
    stopped[2] += 1.0 / s;
    let both = terms.active * terms.stopped;
    for i in 0..4 {
        curve.gradient[i] = terms.active * first[i] + terms.stopped * stopped[i];
        for j in i..4 {
            let bend = terms.stopped * (second[i][j] - inner[i] * inner[j]);
            curve.hessian[i][j] = bend + both * (first[i] - stopped[i]) * (first[j] - stopped[j]);
        }
    }
    curve.hessian[0][1] -= terms.active * ia;
    curve.hessian[1][1] += terms.active * shape * ia * ia;
    curve.hessian[2][2] -= terms.stopped / (s * s);
    curve.hessian[2][3] -= terms.active * ib;
    curve.hessian[3][3] += terms.active * s * ib * ib;
    curve
}

/// The log-likelihood of all customers, with its derivatives by r, α, s, β.
pub fn likelihood(table: &Table, parameters: &[f64; 4]) -> Curve<4> {
    let [r, alpha, s, beta] = *parameters;
    let panels = Panels::new(&table.times, *parameters);
    let rates = rising::of_groups(table, r);
    let parts = table.map_rows(|number, rows| {
        let x = f64::from(table.groups[number].repeats);
        let (low, high) = reach(rows);
        let moments = panels.moments(x, low, high);
        let mut sum = Curve::ZERO;
        let mut customers = 0.0;
        for row in rows {
            let n = f64::from(row.customers);
            let part = of_row(&panels, x, &terms(&panels, x, &moments, low, row), row);
            customers += n;
            sum.value += n * part.value;
            for i in 0..4 {
                sum.gradient[i] += n * part.gradient[i];
                for j in i..4 {
                    sum.hessian[i][j] += n * part.hessian[i][j];
                }
            }
        }
        let [value, first, second] = rates[number];
        sum.value += customers * (value + r * alpha.ln() + s * beta.ln());
        sum.gradient[0] += customers * (first + alpha.ln());
        sum.gradient[1] += customers * r / alpha;
        sum.gradient[2] += customers * beta.ln();
        sum.gradient[3] += customers * s / beta;
        sum.hessian[0][0] += customers * second;
        sum.hessian[0][1] += customers / alpha;
        sum.hessian[1][1] -= customers * r / (alpha * alpha);
        sum.hessian[2][3] += customers / beta;
        sum.hessian[3][3] -= customers * s / (beta * beta);
        sum
    });
    Curve::sum(parts)
}

/// P(alive) of every row, in their order.
pub fn alive(table: &Table, parameters: [f64; 4]) -> Vec<f64> {
    let panels = Panels::new(&table.times, parameters);
    let of_batch = |number: usize, rows: &[Row]| {
        let x = f64::from(table.groups[number].repeats);
        let (low, high) = reach(rows);
        let moments = panels.moments(x, low, high);
        rows.iter().map(|row| terms(&panels, x, &moments, low, row).active).collect::<Vec<f64>>()
    };
    table.map_rows(of_batch).concat()
}
