//! What an order of a customer is worth.
//!
//! Gamma-Gamma by maximum likelihood (`ok`). Below q = 1.2 its population mean pv/(q-1) is wild or negative: then m is cut at
//! its 99.5th percentile and ln(q-1) gets the prior N(ln 2, 1) (`map`). If that fails too, or there are fewer than 20
//! customers, the customer's mean is drawn to everyone's with Bühlmann's credibility Z = x/(x+K), K the variance within over
//! the variance between customers (`credibility`, `insufficient_data`). Where all values are equal (variance below 1e-12 of
//! the squared mean) the value is the mean (`constant_value`). No figure exists where no repeat purchase has a value.

#![allow(clippy::cast_precision_loss, reason = "counts of customers are far below 2^52")]

use crate::gamma_gamma::{self, Spends};
use crate::model::{FitStatus, ModelRow, StartKind, Warm, four, warm_start};
use crate::newton::{End, Optimum, Region, maximise};

pub const NAME: &str = "Gamma-Gamma";

const FEWEST_CUSTOMERS: usize = 20;
const LOWEST_Q: f64 = 1.2;
const CUT_AT: f64 = 0.995;
const CONSTANT: f64 = 1e-12;

/// Expected value of an order, by x and m.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OrderValue {
    /// p, q, v.
    GammaGamma([f64; 3]),
    /// Everyone's mean, and the orders at which a customer's own mean weighs one half.
    Credibility { mean: f64, half: f64 },
}

impl OrderValue {
    pub fn expected(&self, repeats: u32, mean_value: f64) -> f64 {
        let x = f64::from(repeats);
        match *self {
            Self::GammaGamma(parameters) => gamma_gamma::expected(parameters, x, mean_value),
            Self::Credibility { mean, .. } if repeats == 0 => mean,
            Self::Credibility { mean, half } => (half * mean + x * mean_value) / (half + x),
        }
    }
}

/// Expected values where there are any, and the report.
pub struct ValueFit {
    pub value: Option<OrderValue>,
    pub row: ModelRow,
}

/// Mean and variance.
fn spread(values: &[(u32, f64)]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().map(|(_, m)| m).sum::<f64>() / n;
    let variance = values.iter().map(|(_, m)| (m - mean) * (m - mean)).sum::<f64>() / n;
    (mean, variance)
}

/// The value that `share` of the values do not exceed.
fn percentile(values: &[(u32, f64)], share: f64) -> f64 {
    let mut sorted: Vec<f64> = values.iter().map(|(_, m)| *m).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let above = ((1.0 - share) * sorted.len() as f64).floor();
    let from_end = sorted.iter().rev().zip(0_u32..).find(|(_, place)| f64::from(*place) >= above);
    from_end.map_or(0.0, |(value, _)| *value)
}

/// Bühlmann's two variances from (m - mean)² = between + within/x + noise by least squares.
fn credibility(values: &[(u32, f64)]) -> OrderValue {
    let (mean, _) = spread(values);
    let n = values.len() as f64;
    let points = || values.iter().map(|(x, m)| (1.0 / f64::from((*x).max(1)), (m - mean) * (m - mean)));
    let (sum_i, sum_d) = points().fold((0.0, 0.0), |(i, d), (inverse, deviation)| (i + inverse, d + deviation));
    let (mean_i, mean_d) = (sum_i / n, sum_d / n);
    let (mut square, mut product) = (0.0, 0.0);
    for (inverse, deviation) in points() {
        square += (inverse - mean_i) * (inverse - mean_i);
        product += (inverse - mean_i) * (deviation - mean_d);
    }
    let within = if square > 1e-12 * n { (product / square).max(0.0) } else { mean_d };
    let between = mean_d - within * mean_i;
    // Without a variance between customers nobody's own mean counts; beyond a million orders it hardly does.
    let half = if between > within * 1e-6 { within / between } else { 1e6 };
    OrderValue::Credibility { mean, half: if square > 1e-12 * n { half } else { 1.0 } }
}

fn row(parameters: [Option<f64>; 4], customers: usize, status: FitStatus) -> ModelRow {
    ModelRow {
        model: NAME,
        parameters,
        standard_errors: [None; 4],
        log_likelihood: None,
        customers,
        distinct_rows: customers,
        gradient_norm: None,
        iterations: 0,
        start_kind: StartKind::Cold,
        status,
    }
}

fn by_credibility(values: &[(u32, f64)], status: FitStatus) -> ValueFit {
    let value = credibility(values);
    let parameters = match value {
        OrderValue::Credibility { mean, half } => four(&[mean, half]),
        OrderValue::GammaGamma(parameters) => four(&parameters),
    };
    ValueFit { value: Some(value), row: row(parameters, values.len(), status) }
}

/// A fit with values in units of `scale`, as one in the values' own unit.
fn by_gamma_gamma(found: Optimum<3>, scale: f64, customers: usize, start: StartKind, status: FitStatus) -> ValueFit {
    let [p, q, v] = found.parameters;
    let parameters = [p, q, v * scale];
    let errors = found.standard_errors.map_or([None; 4], |[p, q, v]| four(&[p, q, v * scale]));
    let row = ModelRow {
        standard_errors: errors,
        log_likelihood: Some(found.log_likelihood - customers as f64 * scale.ln()),
        gradient_norm: Some(found.gradient_norm),
        iterations: found.steps,
        start_kind: start,
        ..row(four(&parameters), customers, status)
    };
    ValueFit { value: Some(OrderValue::GammaGamma(parameters)), row }
}

/// Maximum likelihood in units of `scale`.
fn top(values: &[(u32, f64)], scale: f64, warm: Option<[f64; 3]>) -> Option<(Optimum<3>, StartKind)> {
    let spends = Spends::new(values.iter().map(|(x, m)| (*x, m / scale)));
    let region = Region { centre: [4.0, 4.0, 1.0], spread: [f64::INFINITY; 3], customers: spends.len() as f64 };
    let from = |start: [f64; 3]| {
        let found = maximise(&region, start, |parameters| spends.likelihood(parameters), |_| false);
        (found.end == End::Converged).then_some(found)
    };
    if let Some(found) = warm.and_then(|[p, q, v]| from([p, q, v / scale])) {
        return Some((found, StartKind::Warm));
    }
    [[4.0, 4.0, 0.75], [1.0, 2.0, 1.0], [20.0, 2.0, 0.05]].into_iter().find_map(from).map(|found| (found, StartKind::Cold))
}

/// Maximum posterior with q - 1 in place of q.
fn held(values: &[(u32, f64)], scale: f64) -> Option<Optimum<3>> {
    let cut = percentile(values, CUT_AT);
    let spends = Spends::new(values.iter().map(|(x, m)| (*x, m.min(cut) / scale)));
    let spread = [f64::INFINITY, 1.0, f64::INFINITY];
    let region = Region { centre: [4.0, 2.0, 0.5], spread, customers: spends.len() as f64 };
    let likelihood = |&[p, above_one, v]: &[f64; 3]| spends.likelihood(&[p, 1.0 + above_one, v]);
    let mut found = maximise(&region, region.centre, likelihood, |_| false);
    let [_, above_one, _] = &mut found.parameters;
    *above_one += 1.0;
    (found.end == End::Converged).then_some(found)
}

/// Fits to pairs of x and m in order of x; pairs with x = 0 or m = 0 do not count.
pub fn fit(pairs: impl Iterator<Item = (u32, f64)>, warm: &[Warm]) -> ValueFit {
    let mut repeats = pairs.filter(|(x, _)| *x > 0).peekable();
    let without_value = if repeats.peek().is_some() { FitStatus::NoOrderValue } else { FitStatus::NoRepeats };
    let values: Vec<(u32, f64)> = repeats.filter(|(_, m)| *m > 0.0).collect();
    if values.is_empty() {
        return ValueFit { value: None, row: row([None; 4], 0, without_value) };
    }
    let (mean, variance) = spread(&values);
    if variance <= CONSTANT * mean * mean {
        let value = OrderValue::Credibility { mean, half: 0.0 };
        return ValueFit { value: Some(value), row: row(four(&[mean]), values.len(), FitStatus::ConstantValue) };
    }
    if values.len() < FEWEST_CUSTOMERS {
        return by_credibility(&values, FitStatus::InsufficientData);
    }
    let is_usable = |optimum: &Optimum<3>| {
        let [_, q, _] = optimum.parameters;
        q >= LOWEST_Q
    };
    if let Some((found, start)) =
        top(&values, mean, warm_start(warm, NAME).map(|start| start.parameters)).filter(|(found, _)| is_usable(found))
    {
        return by_gamma_gamma(found, mean, values.len(), start, FitStatus::Ok);
    }
    match held(&values, mean).filter(is_usable) {
        Some(found) => by_gamma_gamma(found, mean, values.len(), StartKind::Cold, FitStatus::Map),
        None => by_credibility(&cut_values(&values), FitStatus::Credibility),
    }
}

fn cut_values(values: &[(u32, f64)]) -> Vec<(u32, f64)> {
    let cut = percentile(values, CUT_AT);
    values.iter().map(|(x, m)| (*x, m.min(cut))).collect()
}
