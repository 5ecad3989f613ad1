//! The CDNOW sample: summary, parameters, and predictions.

use clv::fit::{Fitted, fit, fit_nbd};
use clv::order_value::{self, OrderValue};
use clv::predictor::Predictor;
use clv::table::Table;
use clv::{FitStatus, Model, StartKind, Warm};

use crate::golden::{Weeks, calibration, close, collected, day_table, exact_weeks, number, rounded_weeks, rows, table};

pub fn fitted(model: Model, table: &Table) -> Fitted {
    fit(model, table, &[], &fit_nbd(table, &[]))
}

fn value_fit(weeks: &[Weeks]) -> order_value::ValueFit {
    order_value::fit(weeks.iter().map(|w| (w.x, w.value)), &[])
}

#[test]
fn the_summary_of_the_transactions_is_the_reference() {
    let all = collected("1998-06-30", "1997-09-30");
    let cutoff = &all.cutoffs[0];
    let reference = rows("cdnow_sample_calibration_holdout.csv");
    assert_eq!(cutoff.histories.len(), reference.len());
    assert_eq!(cutoff.days, 273);
    for (i, row) in reference.iter().enumerate() {
        assert_eq!(all.customers[i].to_string(), row["id"]);
        assert_eq!(f64::from(cutoff.histories.repeats[i]), number(row, "frequency_cal"));
        assert_eq!(f64::from(cutoff.histories.last[i]), number(row, "recency_cal"));
        assert_eq!(f64::from(cutoff.histories.observed[i]), number(row, "T_cal"));
        assert!((cutoff.histories.repeat_value[i] - number(row, "monetary_value_cal")).abs() < 5.1e-9);
        assert_eq!(f64::from(cutoff.purchases[i]), number(row, "frequency_holdout"));
    }
    let h = &cutoff.histories;
    assert_eq!(h.repeats.iter().sum::<u32>(), 2457);
    assert_eq!(h.repeats.iter().filter(|x| **x == 0).count(), 1411);
    assert_eq!(h.repeats.iter().max(), Some(&29));
    assert_eq!(cutoff.purchases.iter().sum::<u32>(), 1882);
    close(h.observed.iter().map(|t| f64::from(*t)).sum::<f64>() / 2357.0, 229.011, 3e-6, "mean T");
}

/// Parameters, log-likelihood, standard errors and number of customers against a line of the reference.
fn check(row: &clv::ModelRow, name: &str) {
    let reference = rows("cdnow_mle_reference.csv").into_iter().find(|r| r["fit"] == name).unwrap();
    assert_eq!(row.status, FitStatus::Ok);
    for (i, (parameter, error)) in row.parameters.iter().zip(row.standard_errors).enumerate() {
        let column = format!("p{}", i + 1);
        assert_eq!(parameter.is_none(), reference[&column].is_empty());
        if let (Some(parameter), Some(error)) = (parameter, error) {
            close(*parameter, number(&reference, &column), 1e-8, &format!("{name} {column}"));
            // The reference has its Hessian by differences.
            close(error, number(&reference, &format!("se{}", i + 1)), 2e-5, &format!("{name} se{}", i + 1));
        }
    }
    close(row.log_likelihood.unwrap(), number(&reference, "log_likelihood"), 1e-12, name);
    assert!(row.gradient_norm.unwrap() < 1e-9);
    assert_eq!(row.customers as f64, number(&reference, "customers"));
}

#[test]
fn parameters_are_those_of_the_exact_optimum() {
    let (rounded, _) = table(&rounded_weeks());
    let (exact, _) = table(&exact_weeks());
    assert_eq!((rounded.rows.len(), rounded.customers()), (1016, 2357));
    for (table, data) in [(&rounded, "summary"), (&exact, "txn")] {
        check(&fitted(Model::BgNbd, table).row, &format!("bgnbd_{data}_weeks"));
        check(&fitted(Model::MbgNbd, table).row, &format!("mbgnbd_{data}_weeks"));
        check(&fitted(Model::ParetoNbd, table).row, &format!("pnbd_{data}_weeks"));
    }
    check(&fitted(Model::Nbd, &exact).row, "nbd_txn_weeks");
    check(&value_fit(&rounded_weeks()).row, "gg_summary");
    check(&value_fit(&exact_weeks()).row, "gg_txn");
}

#[test]
fn days_give_the_parameters_of_weeks() {
    let days = day_table(&calibration());
    let row = fitted(Model::BgNbd, &days).row;
    close(row.log_likelihood.unwrap(), -14_363.530_442_90, 1e-12, "ll");
    close(row.log_likelihood.unwrap(), -9_582.429_206_673_929 - 2457.0 * 7.0_f64.ln(), 1e-12, "ll of weeks");
    for (found, wanted) in row.parameters.iter().zip([0.242_594_52, 30.895_214_13, 0.792_922_02, 2.425_906_78]) {
        close(found.unwrap(), wanted, 3e-8, "parameter");
    }
    let later = collected("1998-06-30", "1997-09-30").histories;
    let row = fitted(Model::BgNbd, &day_table(&later)).row;
    let repeats: u32 = later.repeats.iter().sum();
    close(row.log_likelihood.unwrap() + f64::from(repeats) * 7.0_f64.ln(), -17_138.233_964_64, 1e-11, "78 weeks");
    for (found, wanted) in row.parameters.iter().zip([0.253_561_16, 5.447_257_51 * 7.0, 0.607_365_43, 2.647_234_48]) {
        close(found.unwrap(), wanted, 1e-7, "78 weeks");
    }
}

/// P(alive), and the mean of purchases in some weeks.
struct Customers {
    predictor: Predictor,
    alive: Vec<f64>,
    weeks: Vec<Weeks>,
}

impl Customers {
    fn new(predictor: Predictor, weeks: &[Weeks]) -> Self {
        let (table, order) = table(weeks);
        let of_rows = predictor.alive(&table);
        Self { predictor, alive: order.row_of.iter().map(|r| of_rows[*r as usize]).collect(), weeks: weeks.to_vec() }
    }

    fn of(model: Model, weeks: &[Weeks]) -> Self {
        Self::new(fitted(model, &table(weeks).0).predictor, weeks)
    }

    fn expected(&self, i: usize, weeks: f64) -> f64 {
        self.alive[i] * self.predictor.forecast(self.weeks[i].x).expected(self.weeks[i].observed, weeks)
    }

    /// Purchases of twelve months of 4.345 weeks, discounted.
    fn discounted(&self, i: usize, discount: f64) -> f64 {
        let until = |month: i32| self.expected(i, f64::from(month) * 4.345);
        (1..=12).map(|month| (until(month) - until(month - 1)) / (1.0 + discount).powi(month)).sum()
    }
}

#[test]
fn ten_rows_at_the_exact_optimum() {
    let weeks = rounded_weeks();
    let customers = Customers::of(Model::BgNbd, &weeks);
    let value = value_fit(&weeks).value.unwrap();
    for row in rows("cdnow_ten_rows_exact_mle.csv") {
        let i = row["customer_id"].parse::<usize>().unwrap() - 1;
        let Weeks { x, value: mean, observed, .. } = weeks[i];
        close(customers.alive[i], number(&row, "p_alive"), 1e-8, "p_alive");
        for (column, ahead) in [("e13", 13.0), ("e39", 39.0), ("e52", 52.0)] {
            close(customers.expected(i, ahead), number(&row, column), 1e-8, column);
        }
        let buys = customers.alive[i] * customers.predictor.forecast(x).buys(observed, 39.0);
        close(buys, number(&row, "p_buy_39"), 1e-8, "p_buy_39");
        close(value.expected(x, mean), number(&row, "exp_value"), 1e-8, "exp_value");
        close(value.expected(x, mean) * customers.discounted(i, 0.01), number(&row, "clv12_1pct"), 1e-8, "clv");
    }
}

#[test]
fn all_rows_of_lifetimes() {
    let weeks = rounded_weeks();
    let [bg, mbg, pareto] = [Model::BgNbd, Model::MbgNbd, Model::ParetoNbd].map(|model| Customers::of(model, &weeks));
    let value = value_fit(&weeks).value.unwrap();
    for (i, row) in rows("cdnow_sample_lifetimes_predictions.csv").iter().enumerate() {
        let order = value.expected(weeks[i].x, weeks[i].value);
        let ahead = [13.0, 26.0, 39.0, 52.0];
        for weeks in ahead {
            close(bg.expected(i, weeks), number(row, &format!("exp_purch_{weeks}")), 1e-6, "BG");
        }
        close(bg.alive[i], number(row, "p_alive"), 1e-6, "BG alive");
        // The parameters it found for MBG/NBD are a millionth off the optimum.
        close(mbg.alive[i], number(row, "mbg_p_alive"), 2e-6, "MBG alive");
        close(mbg.expected(i, 39.0), number(row, "mbg_exp_39"), 2e-6, "MBG");
        close(pareto.alive[i], number(row, "pnbd_p_alive"), 1e-6, "Pareto alive");
        close(pareto.expected(i, 39.0), number(row, "pnbd_exp_39"), 1e-6, "Pareto");
        close(order, number(row, "exp_avg_value"), 1e-6, "value");
        close(order * bg.discounted(i, 0.01), number(row, "clv_12m_1pct_W"), 1e-6, "CLV");
        close(order * bg.discounted(i, 0.0), number(row, "clv_12m_0pct_W"), 1e-6, "CLV at 0 %");
    }
    close(bg.alive.iter().sum(), 1917.276, 1e-6, "sum of p_alive");
    close((0..2357).map(|i| bg.expected(i, 39.0)).sum(), 1653.423, 1e-6, "sum of E[39]");
}

#[test]
fn the_distribution_of_purchases_to_come() {
    let weeks = exact_weeks();
    let customers = Customers::of(Model::BgNbd, &weeks);
    let mut probabilities = Vec::new();
    for row in rows("cdnow_bgnbd_predictive_pmf_39w.csv") {
        let i = row["customer_id"].parse::<usize>().unwrap() - 1;
        let n: usize = row["n"].parse().unwrap();
        customers.predictor.forecast(weeks[i].x).distribution(weeks[i].observed, 39.0, &mut probabilities);
        let alive = customers.alive[i];
        let found = alive * probabilities.get(n).copied().unwrap_or(0.0) + if n == 0 { 1.0 - alive } else { 0.0 };
        assert!((found - number(&row, "prob")).abs() < 5e-9, "{row:?} {found}");
    }
}

#[test]
fn published_points() {
    let weeks = exact_weeks();
    let bg = fitted(Model::BgNbd, &table(&weeks).0).predictor;
    let mut new = bg.forecast(0);
    for (ahead, wanted) in [
        (1.0 / 7.0, 0.007_813_738_8),
        (1.0, 0.053_184_736_9),
        (3.0, 0.150_631_919_2),
        (32.0, 1.043_737_165_9),
        (39.0, 1.195_016_228_4),
        (52.0, 1.444_020_769_9),
        (78.0, 1.857_971_703_5),
    ] {
        close(new.expected(0.0, ahead), wanted, 2e-5, "E[X(t)]");
    }
    let mut probabilities = Vec::new();
    new.distribution(0.0, 39.0, &mut probabilities);
    close(probabilities[0], 0.574_307_283, 2e-5, "P(X(39) = 0)");
    let pareto = Predictor::Pareto([0.5533, 10.5780, 0.6061, 11.6562]);
    let one = Customers::new(pareto, &[Weeks { x: 26, last: 30.86, observed: 31.0, value: 0.0 }]);
    close(one.expected(0, 52.0), 25.46, 2e-4, "BTYD");
    close(one.alive[0], 0.9979, 1e-4, "BTYD");
    let none = Customers::new(pareto, &[Weeks { x: 0, last: 0.0, observed: 39.0, value: 0.0 }]);
    close(none.alive[0], 0.294_163_3, 1e-3, "BTYD, no repeat");
}

#[test]
fn a_warm_start_ends_where_a_cold_one_does() {
    let days = day_table(&calibration());
    let nbd = fit_nbd(&days, &[]);
    for model in Model::ALL {
        let cold = fit(model, &days, &[], &nbd).row;
        assert_eq!(cold.start_kind, StartKind::Cold);
        for factor in [1.0, 1.15, 0.8] {
            let parameters = cold.parameters.iter().flatten().map(|p| p * factor).collect();
            let start = [Warm { model: model.name().to_owned(), parameters, is_posterior: false }];
            let warm = if model == Model::Nbd { fit_nbd(&days, &start).row } else { fit(model, &days, &start, &nbd).row };
            assert_eq!(warm.start_kind, StartKind::Warm);
            assert!(warm.iterations <= 6, "{model:?} {}", warm.iterations);
            for (a, b) in warm.parameters.iter().zip(cold.parameters) {
                assert_eq!(a.is_some(), b.is_some());
                close(a.unwrap_or(1.0), b.unwrap_or(1.0), 1e-8, model.name());
            }
        }
    }
}

#[test]
fn a_warm_start_of_order_values_ends_where_a_cold_one_does() {
    let weeks = exact_weeks();
    let cold = value_fit(&weeks).row;
    let parameters = cold.parameters.iter().flatten().map(|p| p * 1.1).collect();
    let start = [Warm { model: order_value::NAME.to_owned(), parameters, is_posterior: false }];
    let warm = order_value::fit(weeks.iter().map(|w| (w.x, w.value)), &start).row;
    assert_eq!((cold.start_kind, warm.start_kind), (StartKind::Cold, StartKind::Warm));
    assert!(warm.iterations <= 6, "{}", warm.iterations);
    for (a, b) in warm.parameters.iter().flatten().zip(cold.parameters.iter().flatten()) {
        close(*a, *b, 1e-8, "Gamma-Gamma");
    }
}

#[test]
fn a_population_mean_is_what_a_one_time_buyer_is_expected_to_spend() {
    let value = value_fit(&rounded_weeks()).value.unwrap();
    let OrderValue::GammaGamma([p, q, v]) = value else { panic!("{value:?}") };
    close(value.expected(0, 0.0), p * v / (q - 1.0), 1e-14, "mean");
    close(value.expected(0, 0.0), 35.171_002_15, 1e-7, "mean");
}
