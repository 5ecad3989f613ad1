//! The upper tail of the hypergeometric distribution: the p value of Fisher's exact test, one-sided.
//!
//! One term is taken in logarithms after Loader (*Fast and Accurate Computation of Binomial Probabilities*, 2000): the error
//! of Stirling's formula and the deviance are added up, which never subtracts large logarithms of factorials from each
//! other. The others follow by their ratios, always away from the mode, so that they shrink.

#![allow(clippy::cast_precision_loss, reason = "counts of baskets are far below 2^52")]

use std::f64::consts::TAU;

use libm::{exp, log, log1p};

/// Share of the sum below which a term is left out, and with it those after it.
const NEGLIGIBLE: f64 = 1e-17;
/// ln n! - ln of Stirling's formula for n of 0 to 15; that of 0 is never used.
const STIRLING_ERROR: [f64; 16] = [
    0.0,
    0.081_061_466_795_327_26,
    0.041_340_695_955_409_29,
    0.027_677_925_684_998_34,
    0.020_790_672_103_765_093,
    0.016_644_691_189_821_193,
    0.013_876_128_823_070_748,
    0.011_896_709_945_891_77,
    0.010_411_265_261_972_096,
    0.009_255_462_182_712_733,
    0.008_330_563_433_362_87,
    0.007_573_675_487_951_841,
    0.006_942_840_107_209_53,
    0.006_408_994_188_004_207,
    0.005_951_370_112_758_848,
    0.005_554_733_551_962_801,
];

fn stirling_error(n: u64) -> f64 {
    if let Some(error) = usize::try_from(n).ok().and_then(|n| STIRLING_ERROR.get(n)) {
        return *error;
    }
    let n = n as f64;
    let inverse = 1.0 / (n * n);
    let tail = 1.0 / 1680.0 - inverse * (1.0 / 1188.0 - inverse * 691.0 / 360_360.0);
    (1.0 / 12.0 - inverse * (1.0 / 360.0 - inverse * (1.0 / 1260.0 - inverse * tail))) / n
}

/// x ln(x / mean) + mean - x, without cancellation where the two are near.
fn deviance(x: f64, mean: f64) -> f64 {
    if (x - mean).abs() >= 0.1 * (x + mean) {
        return x * log(x / mean) + mean - x;
    }
    let v = (x - mean) / (x + mean);
    let mut sum = (x - mean) * v;
    let mut power = 2.0 * x * v;
    let mut odd = 1.0;
    loop {
        power *= v * v;
        odd += 2.0;
        let next = sum + power / odd;
        if next.to_bits() == sum.to_bits() || odd > 1000.0 {
            return next;
        }
        sum = next;
    }
}

/// ln of the binomial chance of x in n, of success p and failure q = 1 - p, both inside 0 to 1.
fn ln_binomial(x: u64, n: u64, p: f64, q: f64) -> f64 {
    let (whole, part) = (n as f64, x as f64);
    let alone = |chance: f64, other: f64| if other < 0.1 { whole * log1p(-other) } else { whole * log(chance) };
    if n == 0 {
        return 0.0;
    }
    if x == 0 {
        return alone(q, p);
    }
    if x >= n {
        return alone(p, q);
    }
    let rest = (n - x) as f64;
    let errors = stirling_error(n) - stirling_error(x) - stirling_error(n - x);
    errors - deviance(part, whole * p) - deviance(rest, whole * q) - 0.5 * (log(TAU) + log(part) + log1p(-part / whole))
}

/// ln of the chance that exactly `hits` of `drawn` are among the `marked` of `total`; all four possible, none of them drawn
/// or all drawn excepted.
fn ln_chance(total: u64, marked: u64, drawn: u64, hits: u64) -> f64 {
    let p = drawn as f64 / total as f64;
    let q = (total - drawn) as f64 / total as f64;
    ln_binomial(hits, marked, p, q) + ln_binomial(drawn - hits, total - marked, p, q) - ln_binomial(drawn, total, p, q)
}

/// The chance of `hits` or more marked ones in a draw of `drawn` from `total`, of which `marked` are marked.
///
/// Anything impossible is taken at its limit: 1 where there must be as many hits, 0 where there cannot be.
pub fn upper_tail(total: u64, marked: u64, drawn: u64, hits: u64) -> f64 {
    let (marked, drawn) = (marked.min(total), drawn.min(total));
    let (fewest, most) = ((marked + drawn).saturating_sub(total), marked.min(drawn));
    if hits <= fewest {
        return 1.0;
    }
    if hits > most {
        return 0.0;
    }
    let n = |count: u64| count as f64;
    // The chance of k over that of k - 1, as a fraction.
    let ratio = |k: u64| (n(marked - k + 1) * n(drawn - k + 1), n(k) * n(total + k - marked - drawn));
    let expected = u128::from(marked) * u128::from(drawn);
    let is_above = u128::from(hits) * u128::from(total) > expected;
    let start = if is_above { hits } else { hits - 1 };
    let (mut sum, mut term, mut k) = (1.0, 1.0, start);
    while term > sum * NEGLIGIBLE && k != if is_above { most } else { fewest } {
        if is_above {
            k += 1;
            let (over, under) = ratio(k);
            term *= over / under;
        } else {
            let (over, under) = ratio(k);
            term *= under / over;
            k -= 1;
        }
        sum += term;
    }
    let tail = exp(ln_chance(total, marked, drawn, start) + log(sum)).min(1.0);
    if is_above { tail } else { 1.0 - tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Binomial coefficients in integers.
    fn choose(n: u64, k: u64) -> u128 {
        (1..=k).fold(1, |c, i| c * u128::from(n - k + i) / u128::from(i))
    }

    fn exact(total: u64, marked: u64, drawn: u64, hits: u64) -> f64 {
        let most = marked.min(drawn);
        let ways = |k: u64| if drawn - k > total - marked { 0 } else { choose(marked, k) * choose(total - marked, drawn - k) };
        (hits..=most).map(ways).sum::<u128>() as f64 / choose(total, drawn) as f64
    }

    #[test]
    fn small_tables_equal_whole_numbers() {
        let mut worst: f64 = 0.0;
        for total in [1, 2, 3, 7, 12, 25, 40, 60] {
            for marked in 0..=total {
                for drawn in 0..=total {
                    for hits in 0..=marked.min(drawn) {
                        let expected = exact(total, marked, drawn, hits);
                        let found = upper_tail(total, marked, drawn, hits);
                        worst = worst.max((found - expected).abs() / expected);
                        assert!((0.0..=1.0).contains(&found));
                    }
                }
            }
        }
        assert!(worst < 2e-13, "{worst}");
    }

    /// Values by `mpmath` at 60 digits.
    #[test]
    fn large_tables_equal_values_of_high_precision() {
        let expected = [
            (1_000, 100, 50, 5, 0.573_084_567_276_23),
            (1_000, 100, 50, 20, 6.380_389_051_689_728e-9),
            (5_009, 1_316, 1_500, 420, 0.037_831_908_737_484_91),
            (5_009, 1_316, 1_500, 350, 0.999_174_553_927_325_3),
            (1_000_000, 3_000, 2_000, 40, 2.959_626_238_915_136e-20),
            (1_000_000, 3_000, 2_000, 3, 0.938_476_984_281_472_2),
            (1_000_000, 30_000, 20_000, 700, 2.349_710_382_634_13e-5),
            (1_000_000, 30_000, 20_000, 590, 0.668_060_828_007_876_8),
            (4_000_000_000, 1_000_000, 2_000_000, 700, 1.876_182_003_774_554_6e-17),
        ];
        for (total, marked, drawn, hits, p) in expected {
            let found = upper_tail(total, marked, drawn, hits);
            assert!((found / p - 1.0).abs() < 1e-11, "{total} {marked} {drawn} {hits}: {found} {p}");
        }
    }

    #[test]
    fn tails_at_their_limits() {
        assert_eq!((upper_tail(0, 0, 0, 0), upper_tail(10, 10, 3, 3), upper_tail(10, 3, 10, 3)), (1.0, 1.0, 1.0));
        assert_eq!((upper_tail(10, 3, 4, 4), upper_tail(10, 20, 30, 11)), (0.0, 0.0));
        assert_eq!(upper_tail(1_000_000, 500_000, 500_000, 500_000), 0.0);
        assert_eq!(upper_tail(1_000_000, 500_000, 500_000, 1), 1.0);
    }
}
