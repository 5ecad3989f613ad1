//! What must not change the figures: threads, order, repetition, the unit of time.

use clv::fit::{fit, fit_nbd};
use clv::table::from_times;
use clv::{Choice, FitStatus, Histories, Model, Options, Prediction, predict};
use proptest::prelude::*;

use crate::golden::close;
use crate::shop::{PLAIN, Shop};

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    // Enough rows for several batches.
    let shop = Shop { customers: 20_000, ..PLAIN }.open(&[640, 550]);
    let bits = |threads: usize| -> String {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let prediction: Prediction = pool.install(|| predict(&shop.histories, &shop.cutoffs, &[], &Options::default()));
        format!("{prediction:?}")
    };
    let one = bits(1);
    assert!(one == bits(2) && one == bits(8));
}

#[test]
fn columns_agree_with_each_other() {
    let shop = PLAIN.open(&[]);
    let model = Choice::Fixed(Model::MbgNbd);
    let options = Options { monthly_discount: 0.0, margin: 0.4, model, ..Options::default() };
    let prediction = predict(&shop.histories, &[], &[], &options);
    let scores = prediction.scores;
    let (clv, plain) = (scores.clv_12m.unwrap(), scores.clv_12m_undiscounted.unwrap());
    let (value, alive) = (scores.expected_order_value.unwrap(), scores.probability_alive.unwrap());
    for i in 0..shop.histories.len() {
        close(clv[i], plain[i], 1e-12, "without discount");
        close(plain[i], 0.4 * value[i] * scores.expected_purchases_365d[i], 1e-12, "value");
        assert!(scores.expected_purchases_30d[i] <= scores.expected_purchases_90d[i]);
        assert!(scores.probability_buys_30d[i] <= scores.expected_purchases_30d[i] * (1.0 + 1e-12));
        assert!(scores.probability_buys_90d[i] <= alive[i] * (1.0 + 1e-12));
    }
}

pub fn picked(histories: &Histories, order: impl Iterator<Item = usize>) -> Histories {
    let mut found = Histories::default();
    for i in order {
        found.repeats.push(histories.repeats[i]);
        found.last.push(histories.last[i]);
        found.observed.push(histories.observed[i]);
        found.repeat_value.push(histories.repeat_value[i]);
    }
    found
}

#[test]
fn the_order_of_customers_does_not_count() {
    let histories = PLAIN.histories();
    let n = histories.len();
    // 1,009 has no divisor in common with 3,000.
    let places: Vec<usize> = (0..n).map(|i| i * 1009 % n).collect();
    let shuffled = picked(&histories, places.iter().copied());
    let options = Options::default();
    let (one, other) = (predict(&histories, &[], &[], &options), predict(&shuffled, &[], &[], &options));
    assert_eq!(one.models[..4], other.models[..4]);
    for (at, from) in places.iter().enumerate() {
        assert_eq!(one.scores.expected_purchases_365d[*from], other.scores.expected_purchases_365d[at]);
        close(one.scores.clv_12m.as_ref().unwrap()[*from], other.scores.clv_12m.as_ref().unwrap()[at], 1e-9, "clv");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn repeated_customers_count_as_often(times in 2_usize..6, model in 0_usize..4, start in 0_usize..1000) {
        let shop = PLAIN.histories();
        let some = picked(&shop, start..start + 900);
        let many = picked(&some, (0..900 * times).map(|i| i % 900));
        let of = |h: &Histories| {
            let (table, _) = clv::table::from_days(h);
            fit(Model::ALL[model], &table, &[], &fit_nbd(&table, &[])).row
        };
        let (once, often) = (of(&some), of(&many));
        prop_assert_eq!(once.distinct_rows, often.distinct_rows);
        // A prior weighs less among more customers, and more customers may settle what some leave open.
        prop_assume!(once.status == FitStatus::Ok);
        prop_assert_eq!(often.status, FitStatus::Ok);
        close(often.log_likelihood.unwrap(), once.log_likelihood.unwrap() * times as f64, 1e-12, "ll");
        // Where the likelihood is flat, rounding moves its top: by no more than a trifle of what the customers leave uncertain.
        let errors = once.standard_errors.iter().flatten();
        for ((a, b), error) in once.parameters.iter().flatten().zip(often.parameters.iter().flatten()).zip(errors) {
            prop_assert!((a - b).abs() <= 1e-7 * error, "{a} is not {b} ± {error}");
        }
    }

    #[test]
    fn the_unit_of_time_does_not_count(unit in 0.01_f64..100.0, model in 0_usize..4) {
        let h = PLAIN.histories();
        let table = |unit: f64| {
            let scaled = |days: &[u32]| days.iter().map(|d| f64::from(*d) * unit).collect::<Vec<f64>>();
            from_times(&h.repeats, &scaled(&h.last), &scaled(&h.observed)).0
        };
        let of = |unit: f64| {
            let table = table(unit);
            let fitted = fit(Model::ALL[model], &table, &[], &fit_nbd(&table, &[]));
            let alive: f64 = fitted.predictor.alive(&table).iter().sum();
            let expected = fitted.predictor.forecast(3).expected(200.0 * unit, 365.0 * unit);
            (fitted.row, alive, expected)
        };
        let (days, other) = (of(1.0), of(unit));
        let repeats: u32 = h.repeats.iter().sum();
        let ll = days.0.log_likelihood.unwrap() - f64::from(repeats) * unit.ln();
        prop_assert!((other.0.log_likelihood.unwrap() - ll).abs() < 1e-6);
        close(other.0.parameters[1].unwrap(), days.0.parameters[1].unwrap() * unit, 1e-8, "alpha");
        close(other.0.parameters[0].unwrap(), days.0.parameters[0].unwrap(), 1e-8, "r");
        close(other.1, days.1, 1e-8, "alive");
        close(other.2, days.2, 1e-8, "expected");
    }
}
