//! Nodes and weights of Gauss-Legendre quadrature on 0 to 1.

use std::f64::consts::PI;

/// The N-point rule: pairs of place and weight, exact for polynomials up to degree 2N - 1.
///
/// The roots of the Legendre polynomial come from Newton's method on its recurrence.
pub fn rule<const N: usize>() -> [(f64, f64); N] {
    let degree = (0..N).fold(0.0, |degree: f64, _| degree + 1.0);
    let mut place = 0.0;
    [(); N].map(|()| {
        let mut x = (PI * (place + 0.75) / (degree + 0.5)).cos();
        place += 1.0;
        let mut slope = 0.0;
        for _ in 0..20 {
            let (value, derivative) = legendre(N, x);
            slope = derivative;
            x -= value / derivative;
        }
        (0.5 * (1.0 - x), 1.0 / ((1.0 - x * x) * slope * slope))
    })
}

/// The polynomial of a degree and its derivative.
fn legendre(degree: usize, x: f64) -> (f64, f64) {
    let (mut before, mut value, mut n) = (0.0, 1.0, 0.0);
    for _ in 0..degree {
        let next = ((2.0 * n + 1.0) * x * value - n * before) / (n + 1.0);
        (before, value) = (value, next);
        n += 1.0;
    }
    (value, n * (x * value - before) / (x * x - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<const N: usize>() {
        let powers = (0..).take(2 * N);
        for power in powers {
            let sum: f64 = rule::<N>().iter().map(|(x, w)| w * x.powi(power)).sum();
            assert!((sum * f64::from(power + 1) - 1.0).abs() < 1e-13, "{N} {power} {sum}");
        }
    }

    #[test]
    fn powers_are_exact() {
        check::<4>();
        check::<8>();
        check::<16>();
    }
}
