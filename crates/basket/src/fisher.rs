//! Fisher's exact test, one-sided: the chance that n draws without replacement hold at least k of the K marked among N.
//!
//! P = Σ over j >= k of C(K,j) C(N-K,n-j) / C(N,n), the first term by logarithms of the gamma function and each further one
//! from the one before it, so that chances down to 1e-300 keep their digits. (Fisher, Journal of the Royal Statistical
//! Society 85 (1922), p. 87.)

#![allow(clippy::cast_precision_loss, reason = "counts of baskets are far below 2^53")]

/// Terms that add less than this share of the sum end it.
const NEGLIGIBLE: f64 = 1e-17;

fn ln_choose(n: u64, k: u64) -> f64 {
    let ln_factorial = |x: u64| libm::lgamma(x as f64 + 1.0);
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

/// The chance of `k` or more marked ones in `draws` from `all`, of which `marked` are marked; between 0 and 1.
pub(crate) fn at_least(k: u64, draws: u64, marked: u64, all: u64) -> f64 {
    let most = draws.min(marked);
    let least = (draws + marked).saturating_sub(all);
    if k <= least || draws > all || marked > all {
        return 1.0;
    }
    if k > most {
        return 0.0;
    }
    let first = (ln_choose(marked, k) + ln_choose(all - marked, draws - k) - ln_choose(all, draws)).exp();
    let (mut term, mut sum) = (first, first);
    for j in k..most {
        // One more marked one, one fewer of the others.
        let up = (marked - j) as f64 * (draws - j) as f64;
        let down = (j + 1) as f64 * ((all + j + 1) - marked - draws) as f64;
        term *= up / down;
        sum += term;
        if term < sum * NEGLIGIBLE {
            break;
        }
    }
    sum.clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(n: u64, k: u64) -> u128 {
        (0..k).fold(1_u128, |c, i| c * u128::from(n - i) / u128::from(i + 1))
    }

    /// Whole numbers throughout.
    fn exact(k: u64, draws: u64, marked: u64, all: u64) -> f64 {
        let ways = |j: u64| choose(marked, j) * choose(all - marked, draws - j);
        let range = k.max((draws + marked).saturating_sub(all))..=draws.min(marked);
        let favourable: u128 = range.map(ways).sum();
        favourable as f64 / choose(all, draws) as f64
    }

    #[test]
    fn small_cases_are_exact() {
        for all in 1..=18 {
            for marked in 0..=all {
                for draws in 0..=all {
                    for k in 0..=draws + 1 {
                        let (found, expected) = (at_least(k, draws, marked, all), exact(k, draws, marked, all));
                        let close = (found - expected).abs() <= 1e-12 * expected.max(1e-3);
                        assert!(close, "{k} of {draws}, {marked} of {all}: {found} is not {expected}");
                    }
                }
            }
        }
    }

    #[test]
    fn large_cases_stay_finite() {
        let p = at_least(900, 1000, 1000, 10_000_000);
        assert!(p.is_finite() && (0.0..1e-200).contains(&p));
        assert!((at_least(5, 1000, 1000, 1_000_000) - 0.003_66).abs() < 1e-4);
    }
}
