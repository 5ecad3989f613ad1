//! Hand-made derivatives against automatic ones, of likelihoods written down as in the papers.

use clv::curve::Curve;
use clv::dropout::{self, Kind};
use clv::gamma_gamma::Spends;
use clv::table::from_times;
use clv::{nbd, pareto};
use num_dual::{DualNum, HyperDual64};

const CUSTOMERS: [(u32, f64, f64); 9] = [
    (0, 0.0, 38.86),
    (0, 0.0, 0.0),
    (1, 1.71, 38.86),
    (2, 30.43, 38.86),
    (2, 30.43, 38.86),
    (7, 29.43, 38.86),
    (26, 30.86, 31.0),
    (19, 34.14, 34.14),
    (60, 70.0, 78.0),
];

/// ln Γ by Stirling's series, far enough out.
fn ln_gamma(z: HyperDual64) -> HyperDual64 {
    let (mut z, mut below) = (z, HyperDual64::from(0.0));
    while z.re < 20.0 {
        below += z.ln();
        z += 1.0;
    }
    let i = z.recip();
    let series = i * (i * i * (i * i * (i * i * (1.0 / -1680.0) + 1.0 / 1260.0) - 1.0 / 360.0) + 1.0 / 12.0);
    (z - 0.5) * z.ln() - z + 0.5 * std::f64::consts::TAU.ln() + series - below
}

fn ln_beta(a: HyperDual64, b: HyperDual64) -> HyperDual64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

fn of_dropout(kind: Kind, [r, alpha, a, b]: [HyperDual64; 4], (x, last, observed): (u32, f64, f64)) -> HyperDual64 {
    let x = f64::from(x);
    let y = x + f64::from(kind.first_chances());
    let head = ln_gamma(r + x) - ln_gamma(r) + r * alpha.ln() + ln_beta(a, b + y) - ln_beta(a, b);
    let active = (-(r + x) * (alpha + observed).ln()).exp();
    if y == 0.0 {
        return head + active.ln();
    }
    head + (active + a / (b + (y - 1.0)) * (-(r + x) * (alpha + last).ln()).exp()).ln()
}

fn of_nbd([r, alpha]: [HyperDual64; 2], (x, _, observed): (u32, f64, f64)) -> HyperDual64 {
    let x = f64::from(x);
    ln_gamma(r + x) - ln_gamma(r) + r * alpha.ln() - (r + x) * (alpha + observed).ln()
}

/// With the integral by Simpson's rule on 4,000 intervals.
fn of_pareto([r, alpha, s, beta]: [HyperDual64; 4], (x, last, observed): (u32, f64, f64)) -> HyperDual64 {
    let x = f64::from(x);
    let density = |y: f64| {
        let fall = (r + x) * ((alpha + y) / (alpha + last)).ln() + (s + 1.0) * ((beta + y) / (beta + last)).ln();
        (-fall).exp()
    };
    let (pieces, mut integral) = (4000, HyperDual64::from(0.0));
    let step = (observed - last) / f64::from(pieces);
    for i in 0..=pieces {
        let weight = if i == 0 || i == pieces { 1.0 } else { 2.0 + 2.0 * f64::from(i % 2) };
        integral += density(last + f64::from(i) * step) * (weight * step / 3.0);
    }
    let scale = -(r + x) * (alpha + last).ln() - (s + 1.0) * (beta + last).ln();
    let active = (-(r + x) * (alpha + observed).ln() - s * (beta + observed).ln() - scale).exp();
    ln_gamma(r + x) - ln_gamma(r) + r * alpha.ln() + s * beta.ln() + scale + (active + s * integral).ln()
}

fn of_spend([p, q, v]: [HyperDual64; 3], (x, m): (u32, f64)) -> HyperDual64 {
    let x = f64::from(x);
    let (own, all) = (p * x, p * x + q);
    ln_gamma(all) - ln_gamma(own) - ln_gamma(q) + q * v.ln() + (own - 1.0) * m.ln() + own * x.ln() - all * (v + x * m).ln()
}

/// Value, gradient and Hessian of a plain function against a curve.
fn check<const N: usize>(name: &str, at: [f64; N], plain: impl Fn([HyperDual64; N]) -> HyperDual64, curve: &Curve<N>) {
    let near = |found: f64, wanted: f64, what: &str| {
        assert!((found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0), "{name} {what} at {at:?}: {found}, {wanted}");
    };
    for i in 0..N {
        for j in 0..N {
            let mut place = at.map(HyperDual64::from);
            place[i] = place[i].derivative1();
            place[j] = place[j].derivative2();
            let found = plain(place);
            near(curve.value, found.re, "value");
            near(curve.gradient[i], found.eps1, "gradient");
            near(curve.hessian[i][j], found.eps1eps2, "hessian");
        }
    }
}

#[test]
fn derivatives_are_the_automatic_ones() {
    let x = CUSTOMERS.map(|c| c.0);
    let (table, _) = from_times(&x, &CUSTOMERS.map(|c| c.1), &CUSTOMERS.map(|c| c.2));
    for at in [[0.243, 4.41, 0.793, 2.43], [1.0, 12.0, 1.0, 0.4], [0.06, 0.9, 0.02, 30.0]] {
        for kind in [Kind::BgNbd, Kind::MbgNbd] {
            let plain = |p| CUSTOMERS.iter().map(|c| of_dropout(kind, p, *c)).sum();
            check("dropout", at, plain, &dropout::likelihood(kind, &table, &at));
        }
    }
    for at in [[0.553, 10.58, 0.606, 11.67], [0.8, 40.0, 1.0, 3.0], [2.0, 7.0, 0.2, 7.0]] {
        let plain = |p| CUSTOMERS.iter().map(|c| of_pareto(p, *c)).sum();
        check("Pareto", at, plain, &pareto::likelihood(&table, &at));
    }
    let plain = |p| CUSTOMERS.iter().map(|c| of_nbd(p, *c)).sum();
    check("NBD", [0.385, 12.07], plain, &nbd::likelihood(&table, &[0.385, 12.07]));
    let spends = [(1, 12.5), (1, 0.4), (3, 88.0), (29, 31.0)];
    let plain = |p| spends.iter().map(|s| of_spend(p, *s)).sum();
    for at in [[6.25, 3.74, 15.4], [0.4, 1.1, 300.0]] {
        check("Gamma-Gamma", at, plain, &Spends::new(spends).likelihood(&at));
    }
}
