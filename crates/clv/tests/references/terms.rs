//! Sums and integrals against values of 60 digits (tests/golden/series.py).

use clv::ladder::Ladder;
use clv::pareto;
use clv::table::from_times;

use crate::golden::{close, number, rows};

#[test]
fn expectations() {
    let cases = rows("expectations.csv");
    assert_eq!(cases.len(), 144);
    let mut worst: f64 = 0.0;
    for row in cases {
        let [shape, stop, stay, odds, wanted] = ["shape", "stop", "stay", "odds", "expected"].map(|c| number(&row, c));
        let found = Ladder::new(shape, stop, stay).expected(odds);
        close(found, wanted, 1e-10, &format!("{row:?}"));
        worst = worst.max((found / wanted - 1.0).abs());
    }
    println!("worst relative error of 144: {worst:e}");
    assert!(worst < 1e-11);
}

#[test]
fn pareto_likelihoods_and_chances_to_be_active() {
    let cases = rows("pareto_terms.csv");
    assert_eq!(cases.len(), 28);
    for row in cases {
        let parameters = ["r", "alpha", "s", "beta"].map(|c| number(&row, c));
        let [x, last, observed] = ["x", "last", "observed"].map(|c| number(&row, c));
        let (table, _) = from_times(&[x as u32], &[last], &[observed]);
        let curve = pareto::likelihood(&table, &parameters);
        assert!(curve.is_finite(), "{row:?}");
        let wanted = number(&row, "log_likelihood");
        assert!((curve.value - wanted).abs() < 1e-11 * wanted.abs().max(1.0), "{row:?} {}", curve.value);
        close(pareto::alive(&table, parameters)[0], number(&row, "alive"), 1e-10, &format!("{row:?}"));
    }
}
