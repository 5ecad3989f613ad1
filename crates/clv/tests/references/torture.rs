//! Data on which other libraries fail: every figure stays finite, and a status says what was done.

use clv::predictor::Predictor;
use clv::table::from_times;
use clv::{Choice, Collector, CustomerStatus, FitStatus, Histories, Model, ModelRow, Options, Prediction, pareto, predict};

use crate::invariance::picked;
use crate::shop::{Dice, PLAIN, Shop};

const CHOICES: [Choice; 5] = [
    Choice::Auto,
    Choice::Fixed(Model::BgNbd),
    Choice::Fixed(Model::MbgNbd),
    Choice::Fixed(Model::ParetoNbd),
    Choice::Fixed(Model::Nbd),
];

fn assert_sound(prediction: &Prediction, customers: usize) {
    let scores = &prediction.scores;
    let chances = [&scores.probability_alive, &scores.probability_alive_bgnbd].into_iter().flatten();
    for column in chances.chain([&scores.probability_buys_30d, &scores.probability_buys_90d]) {
        assert_eq!(column.len(), customers);
        assert!(column.iter().all(|p| (0.0..=1.0).contains(p)), "{:?}", prediction.models);
    }
    let amounts = [&scores.expected_order_value, &scores.clv_12m, &scores.clv_12m_undiscounted].into_iter().flatten();
    let counts = [&scores.expected_purchases_30d, &scores.expected_purchases_90d, &scores.expected_purchases_365d];
    for column in amounts.chain(counts) {
        assert_eq!(column.len(), customers);
        assert!(column.iter().all(|v| v.is_finite() && *v >= 0.0), "{:?}", prediction.models);
    }
    assert_eq!((scores.status.len(), scores.purchases_365d_low.len()), (customers, customers));
    assert!(scores.purchases_365d_low.iter().zip(&scores.purchases_365d_high).all(|(low, high)| low <= high));
    for row in &prediction.models {
        let figures = row.parameters.iter().chain(&row.standard_errors).flatten();
        assert!(figures.chain(&row.log_likelihood).chain(&row.gradient_norm).all(|v| v.is_finite()), "{row:?}");
    }
    for row in &prediction.backtests {
        let figures = [row.predicted_purchases, row.mae, row.rmse, row.baseline_mae, row.interval_coverage, row.actual_revenue];
        assert!(figures.into_iter().chain(row.bias).chain(row.predicted_revenue).all(f64::is_finite), "{row:?}");
    }
}

fn all_choices(histories: &Histories) -> Vec<Prediction> {
    let predictions = CHOICES.map(|model| predict(histories, &[], &[], &Options { model, ..Options::default() }));
    for prediction in &predictions {
        assert_sound(prediction, histories.len());
    }
    predictions.into()
}

fn row<'a>(prediction: &'a Prediction, name: &str) -> &'a ModelRow {
    prediction.models.iter().find(|row| row.model == name).unwrap()
}

/// Customers of given x, `t_x`, T and m.
fn of(customers: impl IntoIterator<Item = (u32, u32, u32, f64)>) -> Histories {
    let mut histories = Histories::default();
    for (x, last, observed, value) in customers {
        histories.repeats.push(x);
        histories.last.push(last);
        histories.observed.push(observed);
        histories.repeat_value.push(value);
    }
    histories
}

/// Among these customers the likelihood of Pareto/NBD rises ever less towards s = ∞, and its slope there is all rounding.
#[test]
fn a_ridge_is_not_taken_for_a_maximum() {
    let ridge = picked(&PLAIN.histories(), 919..1819);
    let found = predict(&ridge, &[], &[], &Options { model: Choice::Fixed(Model::ParetoNbd), ..Options::default() });
    let pareto = row(&found, Model::ParetoNbd.name());
    assert_eq!(pareto.status, FitStatus::Map, "{pareto:?}");
    for (parameter, error) in pareto.parameters.iter().zip(pareto.standard_errors) {
        assert!(error.unwrap() < parameter.unwrap(), "{pareto:?}");
    }
    assert_sound(&found, ridge.len());
}

#[test]
fn nobody_and_next_to_nobody() {
    assert_eq!(all_choices(&Histories::default())[0].models.len(), 5);
    for customers in [vec![(0, 0, 0, 0.0)], vec![(3, 40, 100, 12.0)], vec![(1, 1, 1, 0.0)], vec![(5, 5, 5, 3.0); 5]] {
        for prediction in all_choices(&of(customers)) {
            let statuses = [FitStatus::InsufficientData, FitStatus::NoRepeats];
            assert!(statuses.contains(&prediction.models[0].status), "{:?}", prediction.models);
        }
    }
    let five = [(2, 30, 60, 10.0), (0, 0, 50, 0.0), (1, 5, 80, 30.0), (4, 70, 90, 11.0), (0, 0, 3, 0.0)];
    let prediction = &all_choices(&of(five))[0];
    assert!(prediction.scores.status.iter().all(|status| *status == CustomerStatus::InsufficientData));
    assert!(prediction.scores.clv_12m.is_some());
}

#[test]
fn one_time_buyers_only() {
    for prediction in all_choices(&of((0..500).map(|i| (0, 0, i % 300, 0.0)))) {
        assert!(prediction.models[..prediction.models.len() - 1].iter().all(|row| row.status == FitStatus::NoRepeats));
        let scores = &prediction.scores;
        assert!(scores.clv_12m.is_none() && scores.probability_alive.is_none() && scores.expected_order_value.is_none());
        assert!(scores.status.iter().all(|status| *status == CustomerStatus::NoRepeats));
        assert!(scores.expected_purchases_365d.iter().all(|e| *e < 0.01));
    }
}

#[test]
fn customers_that_never_stop() {
    let never = Shop { customers: 2000, stop: None, ..PLAIN }.histories();
    let prediction = &all_choices(&never)[0];
    let statuses: Vec<_> = prediction.models.iter().map(|row| (row.model, row.status)).collect();
    assert!(prediction.models[..2].iter().any(|row| row.status == FitStatus::BoundaryNbd), "{statuses:?}");
    // Bought today, all of them.
    let fresh = of((0..400).map(|i| (1 + i % 7, 20 + i % 90, 20 + i % 90, 20.0 + f64::from(i % 11))));
    for prediction in all_choices(&fresh) {
        let statuses: Vec<_> = prediction.models.iter().map(|row| (row.model, row.status)).collect();
        assert_eq!(row(&prediction, "BG/NBD").status, FitStatus::BoundaryNbd, "{statuses:?}");
        assert!(prediction.scores.probability_alive.as_ref().unwrap().iter().all(|p| *p > 0.99), "{statuses:?}");
    }
}

#[test]
fn customers_seen_for_no_time_where_a_and_b_are_small() {
    let mut dice = Dice(7);
    let polar = Shop { customers: 2500, stop: Some((0.2, 0.3)), ..PLAIN }.histories();
    let polar = polar.repeats.iter().zip(&polar.last).zip(&polar.observed).map(|((x, l), t)| (*x, *l, *t, 20.0 + dice.roll()));
    let none = std::iter::repeat_n((0, 0, 0, 0.0), 50);
    for prediction in all_choices(&of(polar.chain(none))) {
        assert_eq!(row(&prediction, "BG/NBD").status, FitStatus::Ok);
        let parameters = row(&prediction, "BG/NBD").parameters;
        assert!(parameters[2].unwrap() + parameters[3].unwrap() < 1.0, "{parameters:?}");
    }
}

#[test]
fn one_customer_buys_daily_for_forty_years() {
    let mut histories = PLAIN.histories();
    histories.repeats.extend([14_772, 14_000, 5000]);
    histories.last.extend([14_772, 14_400, 5000]);
    histories.observed.extend([14_772, 14_800, 15_000]);
    histories.repeat_value.extend([100.0, 200.0, 1e9]);
    for prediction in all_choices(&histories) {
        let at = prediction.scores.expected_purchases_365d.len() - 3;
        assert!(prediction.scores.expected_purchases_365d[at] > 200.0);
        let [low, high] = [&prediction.scores.purchases_365d_low, &prediction.scores.purchases_365d_high].map(|c| c[at]);
        assert!(low > 200 && high < 500, "{low} {high} by {:?}", prediction.chosen);
    }
}

#[test]
fn values_with_a_heavy_tail_and_values_all_equal() {
    for q in [0.5, 0.67, 0.9] {
        let wild = Shop { spend: (6.0, q), ..PLAIN }.histories();
        for prediction in all_choices(&wild) {
            let row = row(&prediction, "Gamma-Gamma");
            assert!([FitStatus::Map, FitStatus::Credibility].contains(&row.status), "{row:?}");
        }
    }
    let mut equal = PLAIN.histories();
    equal.repeat_value.iter_mut().zip(&equal.repeats).for_each(|(m, x)| *m = if *x > 0 { 9.99 } else { 0.0 });
    for prediction in all_choices(&equal) {
        assert_eq!(row(&prediction, "Gamma-Gamma").status, FitStatus::ConstantValue);
        assert!(prediction.scores.expected_order_value.unwrap().iter().all(|v| (v - 9.99).abs() < 1e-9));
    }
    let mut free = PLAIN.histories();
    free.repeat_value.fill(0.0);
    for prediction in all_choices(&free) {
        assert!(prediction.scores.clv_12m.is_none());
        assert!(prediction.scores.status.iter().all(|status| *status == CustomerStatus::NoOrderValue));
    }
}

#[test]
fn figures_that_contradict_each_other() {
    let mut histories = PLAIN.histories();
    for (i, (x, last, observed, value)) in
        [(u32::MAX, u32::MAX, u32::MAX, f64::NAN), (9, 3, 10, 5.0), (0, 7, 9, 0.0), (1, 9, 3, f64::INFINITY), (1, 2, 3, -4.0)]
            .into_iter()
            .enumerate()
    {
        histories.repeats[i] = x;
        histories.last[i] = last;
        histories.observed[i] = observed;
        histories.repeat_value[i] = value;
    }
    for prediction in all_choices(&histories) {
        let found = prediction.scores.status.iter().filter(|s| **s == CustomerStatus::Contradictory).count();
        assert_eq!(found, 5);
    }
    let short = Histories { repeat_value: vec![1.0; 10], ..histories };
    assert_eq!(predict(&short, &[], &[], &Options::default()).scores.status.len(), 10);
}

#[test]
fn peers_give_no_number_here() {
    let parameters = [0.5143, 2.8845, 0.2856, 14.1087];
    let x = [221, 254, 161, 204];
    let last = [103.42857, 97.14286, 94.71429, 98.57143];
    let observed = [103.57143, 97.28571, 98.0, 99.42857];
    let (table, _) = from_times(&x, &last, &observed);
    assert!(pareto::likelihood(&table, &parameters).is_finite());
    assert!(pareto::alive(&table, parameters).iter().all(|p| *p > 0.5 && *p < 1.0));
    for x in x {
        let expected = Predictor::Pareto(parameters).forecast(x).expected(100.0, 52.0);
        assert!(expected.is_finite() && expected > 50.0);
    }
}

#[test]
fn cutoffs_that_show_nothing() {
    let mut collected = PLAIN.open(&[0, 3, 300, 700]);
    let mut more = collected.cutoffs[3].clone();
    more.purchases.pop();
    collected.cutoffs.push(more);
    collected.cutoffs.push(Collector::new(10, &[5]).finish().cutoffs.remove(0));
    for model in CHOICES {
        let prediction = predict(&collected.histories, &collected.cutoffs, &[], &Options { model, ..Options::default() });
        assert_sound(&prediction, 3000);
        assert!(prediction.backtests.iter().all(|row| row.cutoff < 4));
        assert!(prediction.backtests.iter().any(|row| row.cutoff == 3));
    }
}
