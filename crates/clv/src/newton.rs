//! Maximum likelihood by Newton's method on the logarithms of the parameters.
//!
//! With θ = ln parameter, the mean negative log-likelihood is minimised: gradient gᵢ pᵢ, Hessian Hᵢⱼ pᵢ pⱼ + δᵢⱼ gᵢ pᵢ. Where
//! the Hessian is not positive definite a multiple of the unit matrix is added until it is; a step is at most 2 in any
//! logarithm and is halved until the likelihood rises. The search ends where both the gradient and the next step are below
//! 1e-9. A normal prior on each logarithm can be added; it keeps the Hessian positive definite where the data do not.
//! Standard errors: diag(p) H⁻¹ diag(p), H the Hessian of the whole negative log-likelihood by the logarithms. Where such an
//! error is as long as the way a logarithm may go, the slope has run out on a ridge, and no maximum was found.

#![allow(clippy::indexing_slicing, reason = "the bounds are the constant of the type")]

use crate::cholesky::Cholesky;
use crate::curve::Curve;

const GRADIENT: f64 = 1e-9;
const STEP: f64 = 1e-9;
const LONGEST_STEP: f64 = 2.0;
/// How far a logarithm may go from the centre.
const CLAMP: f64 = 12.0;
const MOST_STEPS: usize = 100;

/// Where to look.
#[derive(Debug, Clone, Copy)]
pub struct Region<const N: usize> {
    /// Parameters the search stays around, and the prior's medians.
    pub centre: [f64; N],
    /// Standard deviation of the prior of each logarithm; infinite for none.
    pub spread: [f64; N],
    /// Sum of the weights in the likelihood.
    pub customers: f64,
}

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Converged,
    /// The caller's test said that the parameters go to the boundary.
    Boundary,
    /// The likelihood leaves a logarithm open: it went as far as it may, or its standard error is longer than that.
    Open,
    /// No step made it better, or there were too many.
    Stalled,
}

#[derive(Debug, Clone, Copy)]
pub struct Optimum<const N: usize> {
    pub parameters: [f64; N],
    /// Without the prior.
    pub log_likelihood: f64,
    pub gradient_norm: f64,
    pub standard_errors: Option<[f64; N]>,
    pub steps: usize,
    pub end: End,
}

/// The function that is minimised, by logarithms.
fn objective<const N: usize>(region: &Region<N>, parameters: &[f64; N], likelihood: &Curve<N>) -> Curve<N> {
    let mut curve = Curve { value: -likelihood.value / region.customers, ..Curve::ZERO };
    for i in 0..N {
        let first = -likelihood.gradient[i] * parameters[i] / region.customers;
        curve.gradient[i] = first;
        for j in 0..N {
            curve.hessian[i][j] = -likelihood.hessian[i][j] * parameters[i] * parameters[j] / region.customers;
        }
        curve.hessian[i][i] += first;
        if region.spread[i].is_finite() {
            let weight = 1.0 / (region.spread[i] * region.spread[i] * region.customers);
            let off = (parameters[i] / region.centre[i]).ln();
            curve.value += weight * off * off / 2.0;
            curve.gradient[i] += weight * off;
            curve.hessian[i][i] += weight;
        }
    }
    curve
}

fn norm<const N: usize>(values: &[f64; N]) -> f64 {
    values.iter().fold(0.0, |most: f64, value| most.max(value.abs()))
}

/// Newton's step, made a descent where the curvature is wrong, and no longer than may be.
fn step<const N: usize>(curve: &Curve<N>) -> Option<[f64; N]> {
    let largest = (0..N).map(|i| curve.hessian[i][i].abs()).fold(1e-12, f64::max);
    let mut added = 0.0;
    for _ in 0..40 {
        let mut matrix = curve.hessian;
        (0..N).for_each(|i| matrix[i][i] += added);
        if let Some(factor) = Cholesky::new(&matrix) {
            let step = factor.solve(&curve.gradient.map(|g| -g));
            let shrink = (LONGEST_STEP / norm(&step)).min(1.0);
            return step.iter().all(|s| s.is_finite()).then(|| step.map(|s| s * shrink));
        }
        added = if added == 0.0 { largest * 1e-6 } else { added * 4.0 };
    }
    None
}

/// The parameters a step away, and whether a clamp held one back.
fn moved<const N: usize>(region: &Region<N>, parameters: &[f64; N], step: &[f64; N], share: f64) -> ([f64; N], bool) {
    let mut is_held = false;
    let mut next = *parameters;
    for i in 0..N {
        let (low, high) = (region.centre[i] * (-CLAMP).exp(), region.centre[i] * CLAMP.exp());
        let wished = parameters[i] * (share * step[i]).exp();
        next[i] = wished.clamp(low, high);
        is_held |= !(low..=high).contains(&wished);
    }
    (next, is_held)
}

/// The standard errors of the logarithms, where the curvature is that of a maximum.
fn log_errors<const N: usize>(region: &Region<N>, curve: &Curve<N>) -> Option<[f64; N]> {
    let inverse = Cholesky::new(&curve.hessian)?.inverse_diagonal();
    Some(inverse.map(|variance| (variance / region.customers).sqrt()))
}

/// The parameters of the greatest likelihood, or of the greatest posterior density where there is a prior.
///
/// `is_boundary` is asked at each place, to stop a search that would go on for ever.
pub fn maximise<const N: usize>(
    region: &Region<N>,
    start: [f64; N],
    likelihood: impl Fn(&[f64; N]) -> Curve<N>,
    is_boundary: impl Fn(&[f64; N]) -> bool,
) -> Optimum<N> {
    let mut parameters = start;
    let mut evaluated = likelihood(&parameters);
    let mut curve = objective(region, &parameters, &evaluated);
    let (mut steps, mut near_steps) = (0, 0);
    let end = loop {
        if !curve.is_finite() {
            break End::Stalled;
        }
        let Some(step) = step(&curve) else { break End::Stalled };
        // Near the optimum each step squares the distance; what is left after a few is rounding.
        if norm(&curve.gradient) < GRADIENT && (norm(&step) < STEP || near_steps > 3) {
            let is_closed = log_errors(region, &curve).is_some_and(|errors| norm(&errors) < CLAMP);
            break if is_closed { End::Converged } else { End::Open };
        }
        if is_boundary(&parameters) {
            break End::Boundary;
        }
        if steps == MOST_STEPS {
            break End::Stalled;
        }
        let slope: f64 = step.iter().zip(&curve.gradient).map(|(s, g)| s * g).sum();
        let mut share = 1.0;
        let next = loop {
            let (next, is_held) = moved(region, &parameters, &step, share);
            let next_evaluated = likelihood(&next);
            let next_curve = objective(region, &next, &next_evaluated);
            // Close to the optimum rounding hides what is gained.
            let is_near = share * norm(&step) < 1e-5 && norm(&curve.gradient) < 1e-6;
            near_steps += usize::from(is_near);
            if next_curve.is_finite() && (is_near || next_curve.value <= curve.value + 1e-4 * share * slope) {
                break Some((next, next_evaluated, next_curve, is_held));
            }
            share *= 0.5;
            if share < 1e-9 {
                break None;
            }
        };
        steps += 1;
        let Some((next, next_evaluated, next_curve, is_held)) = next else { break End::Stalled };
        (parameters, evaluated, curve) = (next, next_evaluated, next_curve);
        if is_held {
            break End::Open;
        }
    };
    let standard_errors = log_errors(region, &curve).filter(|_| end == End::Converged).map(|mut errors| {
        errors.iter_mut().zip(parameters).for_each(|(error, parameter)| *error *= parameter);
        errors
    });
    let gradient_norm = norm(&curve.gradient);
    Optimum { parameters, log_likelihood: evaluated.value, gradient_norm, standard_errors, steps, end }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// -2 cosh of the distance in each logarithm: its only maximum is at the place given.
    fn bowl(at: [f64; 2]) -> impl Fn(&[f64; 2]) -> Curve<2> {
        move |p| {
            let off = [(p[0] / at[0]).ln(), (p[1] / at[1]).ln()];
            let first = |i: usize| -2.0 * off[i].sinh() / p[i];
            let second = |i: usize| (2.0 * off[i].sinh() - 2.0 * off[i].cosh()) / (p[i] * p[i]);
            Curve {
                value: -2.0 * (off[0].cosh() + off[1].cosh()),
                gradient: [first(0), first(1)],
                hessian: [[second(0), 0.0], [0.0, second(1)]],
            }
        }
    }

    #[test]
    fn finds_the_top() {
        let region = Region { centre: [1.0, 1.0], spread: [f64::INFINITY; 2], customers: 2.0 };
        let found = maximise(&region, [1.0, 1.0], bowl([3.0, 500.0]), |_| false);
        assert_eq!(found.end, End::Converged);
        assert!((found.parameters[0] - 3.0).abs() < 1e-12 && (found.parameters[1] - 500.0).abs() < 1e-9);
        let errors = found.standard_errors.unwrap();
        assert!((errors[0] - 3.0 / 2f64.sqrt()).abs() < 1e-9);
        let far = maximise(&region, [1.0, 1.0], bowl([3.0, 1e9]), |_| false);
        assert_eq!(far.end, End::Open);
        assert!(far.parameters.iter().all(|p| p.is_finite()));
    }

    #[test]
    fn a_prior_holds_what_the_data_leave_open() {
        let flat = |_: &[f64; 1]| Curve::<1>::ZERO;
        let region = Region { centre: [2.0], spread: [2.0], customers: 10.0 };
        let found = maximise(&region, [5.0], flat, |_| false);
        assert_eq!(found.end, End::Converged);
        assert!((found.parameters[0] - 2.0).abs() < 1e-9);
    }
}
