//! The first two derivatives of the logarithm of the gamma function.
//!
//! The recurrence brings the argument to 10 or more, where the asymptotic series (Abramowitz and Stegun 6.3.18 and 6.4.12)
//! is exact to rounding. For positive arguments only.

/// ψ(z).
pub fn digamma(z: f64) -> f64 {
    let (mut z, mut below) = (z, 0.0);
    while z < 10.0 {
        below += 1.0 / z;
        z += 1.0;
    }
    let i = 1.0 / (z * z);
    let tail = i * (1.0 / 12.0 - i * (1.0 / 120.0 - i * (1.0 / 252.0 - i * (1.0 / 240.0 - i * (1.0 / 132.0 - i * SIXTH)))));
    z.ln() - 0.5 / z - tail - below
}

const SIXTH: f64 = 691.0 / 32_760.0;

/// ψ'(z).
pub fn trigamma(z: f64) -> f64 {
    let (mut z, mut below) = (z, 0.0);
    while z < 10.0 {
        below += 1.0 / (z * z);
        z += 1.0;
    }
    let i = 1.0 / (z * z);
    let tail = i * (1.0 / 6.0 - i * (1.0 / 30.0 - i * (1.0 / 42.0 - i * (1.0 / 30.0 - i * (5.0 / 66.0 - i * (691.0 / 2730.0))))));
    below + (1.0 + 0.5 / z + tail) / z
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    #[test]
    fn known_values() {
        let euler = 0.577_215_664_901_532_9;
        assert!((digamma(1.0) + euler).abs() < 1e-14);
        assert!((digamma(0.5) + euler + 2.0 * 2.0_f64.ln()).abs() < 1e-14);
        assert!((trigamma(1.0) - PI * PI / 6.0).abs() < 1e-14);
        assert!((trigamma(0.5) - PI * PI / 2.0).abs() < 1e-13);
        // ln Γ(z+1) - ln Γ(z) = ln z, differentiated.
        for z in [0.01, 3.3, 9.99, 250.0, 1e6] {
            assert!(((digamma(z + 1.0) - digamma(z)) * z - 1.0).abs() < 1e-8, "{z}");
        }
    }
}
