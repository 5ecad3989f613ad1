//! Cholesky's factor of a small symmetric matrix, to solve with and to invert.

#![allow(clippy::indexing_slicing, reason = "the bounds are the constant of the type")]

/// The lower factor L of a positive definite matrix A = L Lᵀ.
#[derive(Debug, Clone, Copy)]
pub struct Cholesky<const N: usize>([[f64; N]; N]);

impl<const N: usize> Cholesky<N> {
    /// None where the matrix is not positive definite to within rounding.
    pub fn new(matrix: &[[f64; N]; N]) -> Option<Self> {
        let mut lower = [[0.0; N]; N];
        for i in 0..N {
            for j in 0..=i {
                let inner: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
                let rest = matrix[i][j] - inner;
                if i == j {
                    if !(rest.is_finite() && rest > matrix[i][i] * 1e-13) {
                        return None;
                    }
                    lower[i][i] = rest.sqrt();
                } else {
                    lower[i][j] = rest / lower[j][j];
                }
            }
        }
        Some(Self(lower))
    }

    pub fn solve(&self, right: &[f64; N]) -> [f64; N] {
        let lower = &self.0;
        let mut solution = *right;
        for i in 0..N {
            let inner: f64 = (0..i).map(|k| lower[i][k] * solution[k]).sum();
            solution[i] = (solution[i] - inner) / lower[i][i];
        }
        for i in (0..N).rev() {
            let inner: f64 = (i + 1..N).map(|k| lower[k][i] * solution[k]).sum();
            solution[i] = (solution[i] - inner) / lower[i][i];
        }
        solution
    }

    /// The diagonal of the inverse.
    pub fn inverse_diagonal(&self) -> [f64; N] {
        let mut diagonal = [0.0; N];
        for (i, place) in diagonal.iter_mut().enumerate() {
            let mut unit = [0.0; N];
            unit[i] = 1.0;
            *place = self.solve(&unit)[i];
        }
        diagonal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_and_inverts() {
        let matrix = [[4.0, 2.0, 0.4], [2.0, 5.0, 1.0], [0.4, 1.0, 3.0]];
        let factor = Cholesky::new(&matrix).unwrap();
        let solution = factor.solve(&[1.0, 2.0, 3.0]);
        for (row, right) in matrix.iter().zip([1.0, 2.0, 3.0]) {
            let left: f64 = row.iter().zip(solution).map(|(a, x)| a * x).sum();
            assert!((left - right).abs() < 1e-14);
        }
        let determinant = 4.0 * 14.0 - 2.0 * 5.6;
        assert!((factor.inverse_diagonal()[0] - 14.0 / determinant).abs() < 1e-14);
        assert!(Cholesky::new(&[[1.0, 2.0], [2.0, 1.0]]).is_none());
        assert!(Cholesky::new(&[[f64::NAN]]).is_none());
    }
}
