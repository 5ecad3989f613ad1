//! A function's value with its first and second derivatives.

#![allow(clippy::indexing_slicing, reason = "the bounds are the constant of the type")]

/// The value of a function of N parameters at one place, its gradient and its Hessian.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Curve<const N: usize> {
    pub value: f64,
    pub gradient: [f64; N],
    pub hessian: [[f64; N]; N],
}

impl<const N: usize> Curve<N> {
    pub const ZERO: Self = Self { value: 0.0, gradient: [0.0; N], hessian: [[0.0; N]; N] };

    /// The sum in the order given. Only the upper half of the Hessians is read; the sum has both.
    pub fn sum(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut sum = Self::ZERO;
        for part in parts {
            sum.value += part.value;
            for i in 0..N {
                sum.gradient[i] += part.gradient[i];
                for j in i..N {
                    sum.hessian[i][j] += part.hessian[i][j];
                }
            }
        }
        for i in 0..N {
            for j in 0..i {
                sum.hessian[i][j] = sum.hessian[j][i];
            }
        }
        sum
    }

    pub fn is_finite(&self) -> bool {
        self.value.is_finite() && self.gradient.iter().chain(self.hessian.iter().flatten()).all(|v| v.is_finite())
    }
}
