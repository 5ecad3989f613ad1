//! Correction of p values for the number of tests (Benjamini and Hochberg, *Journal of the Royal Statistical Society* B 57,
//! 1995): of the tests whose q value is at most x, a share of at most x is expected to be false.

#![allow(clippy::cast_precision_loss, reason = "numbers of rules are far below 2^52")]

/// The q value of each p value: the least of p · m / i over the i-th smallest p and those after it, at most 1.
pub(crate) fn q_values(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<(f64, usize)> = p_values.iter().copied().zip(0..).collect();
    order.sort_unstable_by(|left, right| left.0.total_cmp(&right.0).then(left.1.cmp(&right.1)));
    let tests = order.len() as f64;
    let mut q_values = vec![1.0; p_values.len()];
    let mut least: f64 = 1.0;
    for (place, (p, at)) in order.iter().enumerate().rev() {
        least = least.min(p * (tests / (place + 1) as f64));
        if let Some(q) = q_values.get_mut(*at) {
            *q = least;
        }
    }
    q_values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_paper() {
        // The fifteen p values of section 3.2; four are below 0.05.
        let p =
            [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0];
        let q = q_values(&p);
        assert_eq!(q.iter().filter(|q| **q <= 0.05).count(), 4);
        assert!(q.is_sorted() && (q[3] - 0.0095 * 15.0 / 4.0).abs() < 1e-15 && q[14].to_bits() == 1.0_f64.to_bits());
    }

    #[test]
    fn order_does_not_matter_and_nothing_gives_nothing() {
        assert_eq!(q_values(&[0.04, 0.01, 0.03]), [0.04, 0.03, 0.04]);
        assert_eq!(q_values(&[]), [] as [f64; 0]);
    }
}
