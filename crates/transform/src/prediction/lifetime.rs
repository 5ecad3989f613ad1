//! `customer_clv`, `clv_model` and `clv_backtest`: purchase days in, expected purchases and their worth out.
//!
//! The input is each customer's days with a purchase: all orders of a day are one purchase, and a day of returns alone is none.
//! What is given back in an order of its own, or on another day, lowers no amount here. Anonymous sales are left out. A month is
//! a twelfth of 365 days. The models are judged on the last 90 and the last 180 days before `as_of`, each time with what was
//! known before them.
//!
//! **`customer_clv`**: a row for each customer with a purchase. x is their number of such days less 1, `t_x` the days from the
//! first to the last, T the days from the first to `as_of`, m the mean amount of the days after the first, NULL where there are
//! none. The models:
//!
//! * BG/NBD: who buys may stop after each purchase but the first (Fader, Hardie and Lee, Marketing Science 24 (2005), 275-284).
//! * MBG/NBD: after the first too (Batislam, Denizel and Filiztekin, International Journal of Research in Marketing 24 (2007),
//!   201-209).
//! * Pareto/NBD: at any time (Schmittlein, Morrison and Colombo, Management Science 33 (1987), 1-24).
//! * NBD: never (Ehrenberg, Applied Statistics 8 (1959), 26-41).
//! * Gamma-Gamma: the value of an order, drawn to everybody's mean the fewer the repeat purchases (Colombo and Jiang, Journal of
//!   Interactive Marketing 13 (1999), 2-12; Fader, Hardie and Lee, Journal of Marketing Research 42 (2005), 415-430).
//!
//! `clv_12m` is the margin times the expected value of an order times the sum, over months i = 1 to 12, of the purchases expected
//! in month i over (1+d)^i; undiscounted, d = 0. `probability_alive` is MBG/NBD's where BG/NBD is chosen, by which every one-time
//! buyer is active; all other figures are the chosen model's own. The interval runs from the 10 % to the 90 % quantile of a
//! customer's purchases. `clv_decile` is 1 for the highest tenth, of equals the smaller key first; fewer than ten customers leave
//! tenths empty.
//!
//! `status` names what a figure leans on. `no_repeats`: nobody bought twice, so there is no chance of being active and no value.
//! `insufficient_data`: fewer than 100 customers or 20 repeat purchases, so a prior takes part. `no_order_value`: no repeat
//! purchase has a value above 0. `contradictory_history`: a figure was mended before use, such as a negative mean amount to 0. No
//! data make this fail, and no figure is infinite.
//!
//! **`clv_model`**: how each fit ended, with parameters in days and their standard errors. The next run's fits start from there.
//! With `model: auto` the highest `log_score` is chosen: the sum of the logarithms of the chances that a model gave to what each
//! customer then bought (Good, Journal of the Royal Statistical Society B 14 (1952), 107-114). Fits that fell back to another
//! model do not take part; where no cut-off bears every model the log-likelihood decides, and of equals the first in the list
//! above is taken. A model that was asked for is the only one judged: the scores beside its own then say nothing.
//!
//! **`clv_backtest`**: the chosen model, fitted to what was known at each cut-off, against what was bought since; in all, by
//! tenth of the predicted purchases and by x (7 for 7 and more). Customers not yet seen at a cut-off take no part, and a cut-off
//! before the first purchase has no rows. A customer's negative revenue counts as 0. `bias` is predicted over actual purchases
//! less 1, NULL where nobody bought; `baseline_mae` is the error of going on at x/T, which is 0 where T = 0. Without customers,
//! only `clv_model` has rows.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
};
use arrow::datatypes::{Date32Type, Decimal128Type, Float64Type, Int64Type};
use clv::{Choice, Collected, Collector, Model, Prediction, Warm};
use config::ClvModel;
use extract::decimal;
use futures::StreamExt;

use crate::build::{Builder, Computed, Error};
use crate::rows::{batch, exact, in_background, money, units};
use crate::sql::day_number;

const TABLE: &str = "customer_clv";
/// Days held out to judge the models by.
const HELD_OUT: [i32; 2] = [90, 180];

pub(crate) async fn tables(builder: &Builder) -> Result<Computed, Error> {
    let as_of = day_number(builder.as_of);
    let cutoffs = HELD_OUT.map(|days| as_of - days);
    let (collected, buyers) = purchases(builder, Collector::new(as_of, &cutoffs)).await?;
    let warm = known_models(builder).await?;
    let options = options(&builder.options.clv);
    let (collected, prediction) = in_background(TABLE, move || {
        let prediction = clv::predict(&collected.histories, &collected.cutoffs, &warm, &options);
        (collected, prediction)
    })
    .await?;
    Ok(vec![
        (TABLE, vec![customers(&collected, &buyers, &prediction)?]),
        ("clv_model", vec![models(&prediction)?]),
        ("clv_backtest", vec![backtests(&prediction, &cutoffs)?]),
    ])
}

fn options(clv: &config::Clv) -> clv::Options {
    let model = match clv.model {
        ClvModel::Auto => Choice::Auto,
        ClvModel::BgNbd => Choice::Fixed(Model::BgNbd),
        ClvModel::MbgNbd => Choice::Fixed(Model::MbgNbd),
        ClvModel::ParetoNbd => Choice::Fixed(Model::ParetoNbd),
        ClvModel::Nbd => Choice::Fixed(Model::Nbd),
    };
    clv::Options { model, monthly_discount: clv.monthly_discount, margin: clv.margin, month_days: 365.0 / 12.0 }
}

/// What is published of each customer as it is, in the order of the histories.
#[derive(Default)]
struct Buyers {
    regions: Vec<i64>,
    /// Amount of the days after the first, in ten-thousandths: the models reckon in floats, a published amount is exact.
    repeat_amounts: Vec<i128>,
}

/// Every purchase day into the collector; beside it what no model changes.
async fn purchases(builder: &Builder, mut collector: Collector) -> Result<(Collected, Buyers), Error> {
    let mut days = builder.input(TABLE, "purchase_days").await?;
    let (mut buyers, mut last) = (Buyers::default(), None);
    while let Some(rows) = days.next().await {
        let rows = rows.map_err(|source| Error::Compute { table: TABLE.to_owned(), source })?;
        let customers = rows.column(0).as_primitive::<Int64Type>().values();
        let homes = rows.column(1).as_primitive::<Int64Type>().values();
        let on = rows.column(2).as_primitive::<Date32Type>().values();
        let amounts = rows.column(3).as_primitive::<Decimal128Type>().values();
        for ((customer, region), (day, amount)) in customers.iter().zip(homes).zip(on.iter().zip(amounts)) {
            if last != Some(*customer) {
                buyers.regions.push(*region);
                buyers.repeat_amounts.push(0);
                last = Some(*customer);
            } else if let Some(repeated) = buyers.repeat_amounts.last_mut() {
                *repeated += *amount;
            }
            collector.push(*customer, *day, units(*amount));
        }
    }
    Ok((collector.finish(), buyers))
}

/// What the snapshot before published: a fit that starts there ends in a step or two.
async fn known_models(builder: &Builder) -> Result<Vec<Warm>, Error> {
    let mut rows = builder.input(TABLE, "known_models").await?;
    let mut known = Vec::new();
    while let Some(rows) = rows.next().await {
        let rows = rows.map_err(|source| Error::Compute { table: TABLE.to_owned(), source })?;
        let parameters: Vec<_> = (1..=4).map(|p| rows.column(p).as_primitive::<Float64Type>()).collect();
        for (row, model) in rows.column(0).as_string::<i32>().iter().enumerate() {
            let given = parameters.iter().map(|p| p.iter().nth(row).flatten());
            let parameters = given.take_while(Option::is_some).flatten().collect();
            // Another week's customers may have a maximum where the last one's had none.
            known.push(Warm { model: model.unwrap_or_default().to_owned(), parameters, is_posterior: false });
        }
    }
    Ok(known)
}

fn customers(collected: &Collected, buyers: &Buyers, prediction: &Prediction) -> Result<RecordBatch, Error> {
    let (histories, scores) = (&collected.histories, &prediction.scores);
    let rows = collected.customers.len();
    let whole = |values: &[u32]| -> ArrayRef { Arc::new(values.iter().map(|n| i32::try_from(*n).ok()).collect::<Int32Array>()) };
    let number = |values: &[f64]| -> ArrayRef { Arc::new(values.iter().copied().map(Some).collect::<Float64Array>()) };
    let maybe = |values: &Option<Vec<f64>>| values.as_ref().map_or_else(|| none(rows), |values| number(values));
    let amount = |values: &Option<Vec<f64>>| money((0..rows).map(|row| values.as_ref()?.get(row).copied()));
    let count = |values: &[u32]| -> ArrayRef { Arc::new(values.iter().map(|n| Some(f64::from(*n))).collect::<Float64Array>()) };
    let mean = |(amount, repeats): (&i128, &u32)| (*repeats > 0).then(|| decimal::divide(*amount, i128::from(*repeats)));
    let repeated = buyers.repeat_amounts.iter().zip(&histories.repeats).map(mean);
    let deciles = deciles(scores.clv_12m.as_deref(), rows);
    let columns = vec![
        Arc::new(Int64Array::from(collected.customers.clone())) as ArrayRef,
        Arc::new(Int64Array::from(buyers.regions.clone())),
        whole(&histories.repeats),
        whole(&histories.last),
        whole(&histories.observed),
        exact(repeated),
        maybe(&scores.probability_alive),
        maybe(&scores.probability_alive_bgnbd),
        Arc::new(StringArray::from(vec![prediction.chosen.name(); rows])),
        number(&scores.expected_purchases_30d),
        number(&scores.expected_purchases_90d),
        number(&scores.expected_purchases_365d),
        count(&scores.purchases_365d_low),
        count(&scores.purchases_365d_high),
        number(&scores.probability_buys_30d),
        number(&scores.probability_buys_90d),
        amount(&scores.expected_order_value),
        amount(&scores.clv_12m),
        amount(&scores.clv_12m_undiscounted),
        Arc::new(deciles.into_iter().collect::<Int32Array>()),
        Arc::new(scores.status.iter().map(|status| Some(status.name())).collect::<StringArray>()),
    ];
    batch(TABLE, columns)
}

fn none(rows: usize) -> ArrayRef {
    Arc::new(Float64Array::new_null(rows))
}

/// Tenths of the customers by value, 1 for the highest; of equal ones the smaller key comes first.
fn deciles(values: Option<&[f64]>, rows: usize) -> Vec<Option<i32>> {
    let Some(values) = values else { return vec![None; rows] };
    let mut ranked: Vec<(usize, f64)> = values.iter().copied().enumerate().collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut deciles = vec![None; rows];
    for (place, (row, _)) in ranked.into_iter().enumerate() {
        if let Some(decile) = deciles.get_mut(row) {
            *decile = i32::try_from(place * 10 / rows + 1).ok();
        }
    }
    deciles
}

fn models(prediction: &Prediction) -> Result<RecordBatch, Error> {
    let mut rows: Vec<_> = prediction.models.iter().collect();
    rows.sort_by_key(|row| row.model);
    let score = |model: &str| prediction.log_scores.iter().find(|s| s.model.name() == model).map(|s| s.log_score);
    let number = |value: &dyn Fn(&clv::ModelRow) -> Option<f64>| -> ArrayRef {
        Arc::new(rows.iter().map(|row| value(row)).collect::<Float64Array>())
    };
    let whole = |value: fn(&clv::ModelRow) -> usize| -> ArrayRef {
        Arc::new(rows.iter().map(|row| i32::try_from(value(row)).ok()).collect::<Int32Array>())
    };
    let text = |value: fn(&clv::ModelRow) -> &'static str| -> ArrayRef {
        Arc::new(rows.iter().map(|row| Some(value(row))).collect::<StringArray>())
    };
    let mut columns = vec![text(|row| row.model)];
    columns.extend((0..4).map(|place| number(&|row| row.parameters.get(place).copied().flatten())));
    columns.extend((0..4).map(|place| number(&|row| row.standard_errors.get(place).copied().flatten())));
    columns.extend([
        number(&|row| row.log_likelihood),
        number(&|row| score(row.model)),
        Arc::new(rows.iter().map(|row| Some(row.model == prediction.chosen.name())).collect::<BooleanArray>()) as ArrayRef,
        whole(|row| row.customers),
        whole(|row| row.distinct_rows),
        number(&|row| row.gradient_norm),
        whole(|row| row.iterations),
        text(|row| row.start_kind.name()),
        text(|row| row.status.name()),
    ]);
    batch("clv_model", columns)
}

fn backtests(prediction: &Prediction, cutoffs: &[i32]) -> Result<RecordBatch, Error> {
    let day = |row: &clv::BacktestRow| cutoffs.get(row.cutoff).copied();
    let mut rows: Vec<_> = prediction.backtests.iter().collect();
    rows.sort_by_key(|row| (day(row), row.bucket_kind.name(), row.bucket));
    let number = |value: fn(&clv::BacktestRow) -> Option<f64>| -> ArrayRef {
        Arc::new(rows.iter().map(|row| value(row)).collect::<Float64Array>())
    };
    let whole = |value: fn(&clv::BacktestRow) -> u64| -> ArrayRef {
        Arc::new(rows.iter().map(|row| i32::try_from(value(row)).ok()).collect::<Int32Array>())
    };
    let columns = vec![
        Arc::new(rows.iter().map(|row| day(row)).collect::<Date32Array>()) as ArrayRef,
        Arc::new(rows.iter().map(|row| Some(row.bucket_kind.name())).collect::<StringArray>()),
        whole(|row| u64::from(row.bucket)),
        whole(|row| row.customers as u64),
        number(|row| Some(row.predicted_purchases)),
        whole(|row| row.actual_purchases),
        money(rows.iter().map(|row| row.predicted_revenue)),
        money(rows.iter().map(|row| Some(row.actual_revenue))),
        number(|row| Some(row.mae)),
        number(|row| Some(row.rmse)),
        number(|row| row.bias),
        number(|row| Some(row.baseline_mae)),
        number(|row| Some(row.interval_coverage)),
        Arc::new(rows.iter().map(|row| Some(row.model.name())).collect::<StringArray>()),
    ];
    batch("clv_backtest", columns)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn tenths_by_value() {
        let values: Vec<f64> = (0..20).map(|n| f64::from(n / 2)).collect();
        let found = deciles(Some(&values), 20);
        assert_eq!((found[19], found[18], found[0]), (Some(1), Some(1), Some(10)));
        assert_eq!(found.iter().filter(|d| **d == Some(4)).count(), 2);
        assert_eq!(deciles(None, 2), [None, None]);
    }
}
