//! Predictions made at an earlier day, against what happened since.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "row, pair and customer numbers come from the table; counts are far below 2^52"
)]

use rayon::prelude::*;

use crate::collector::Cutoff;
use crate::model::Model;
use crate::order_value::OrderValue;
use crate::predictor::Predictor;
use crate::score::{intervals, order_values};
use crate::table::{Order, Table, from_days};

/// A chance below this is taken for this, so that one surprise does not decide.
const LEAST_CHANCE: f64 = 1e-300;

const DECILES: usize = 10;
const MOST_FREQUENT: u32 = 7;

/// How customers are put in buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BucketKind {
    /// All in bucket 0.
    Total,
    /// Tenths by predicted purchases, 1 for the highest.
    Decile,
    /// By x at the cut-off, 7 for 7 and more.
    Frequency,
}

impl BucketKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Decile => "decile",
            Self::Frequency => "frequency",
        }
    }
}

/// One bucket of one cut-off.
#[derive(Debug, Clone, PartialEq)]
pub struct BacktestRow {
    /// Place of the cut-off among those given.
    pub cutoff: usize,
    /// Days held out.
    pub days: u32,
    pub bucket_kind: BucketKind,
    pub bucket: u32,
    pub customers: usize,
    pub predicted_purchases: f64,
    pub actual_purchases: u64,
    /// None where no order value could be fitted.
    pub predicted_revenue: Option<f64>,
    pub actual_revenue: f64,
    /// Mean absolute and root mean squared error in purchases of a customer.
    pub mae: f64,
    pub rmse: f64,
    /// Predicted over actual purchases, less 1; None where nothing was bought.
    pub bias: Option<f64>,
    /// Mean absolute error of x/T times the days held out.
    pub baseline_mae: f64,
    /// Share of the customers whose purchases lie in the 80 % interval.
    pub interval_coverage: f64,
    pub model: Model,
}

/// A cut-off made ready.
pub struct Past<'a> {
    pub cutoff: &'a Cutoff,
    pub table: Table,
    pub order: Order,
}

impl<'a> Past<'a> {
    /// None where there is nothing to judge: no days, no customers, or figures of unequal number.
    pub fn new(cutoff: &'a Cutoff) -> Option<Self> {
        let customers = cutoff.histories.len();
        let is_usable =
            cutoff.days > 0 && customers > 0 && cutoff.purchases.len() == customers && cutoff.revenue.len() == customers;
        is_usable.then(|| {
            let (table, order) = from_days(&cutoff.histories);
            Self { cutoff, table, order }
        })
    }

    fn ahead(&self) -> f64 {
        f64::from(self.cutoff.days)
    }

    /// Sum of the logarithms of the chances the model gave to what happened.
    pub fn log_score(&self, predictor: &Predictor) -> f64 {
        let alive = predictor.alive(&self.table);
        let parts = self.order.map_pairs(&self.table, |group, pairs| {
            let mut forecast = predictor.forecast(group.repeats);
            let mut probabilities = Vec::new();
            let mut sum = 0.0;
            for pair in pairs.windows(2) {
                let observed = self.table.times[pair[0].observed as usize];
                forecast.distribution(observed, self.ahead(), &mut probabilities);
                for customer in &self.order.customers[pair[0].first_customer as usize..pair[1].first_customer as usize] {
                    let customer = *customer as usize;
                    let alive = alive[self.order.row_of[customer] as usize];
                    let bought = self.cutoff.purchases[customer];
                    let chance = alive * probabilities.get(bought as usize).copied().unwrap_or(0.0);
                    let chance = if bought == 0 { chance + (1.0 - alive) } else { chance };
                    sum += chance.max(LEAST_CHANCE).ln();
                }
            }
            sum
        });
        parts.iter().sum()
    }

    /// Expected purchases in the days held out of each customer.
    fn predicted(&self, predictor: &Predictor, alive: &[f64]) -> Vec<f64> {
        let parts = self.order.map_pairs(&self.table, |group, pairs| {
            let mut forecast = predictor.forecast(group.repeats);
            let mut found = Vec::new();
            for pair in pairs.windows(2) {
                let expected = forecast.expected(self.table.times[pair[0].observed as usize], self.ahead());
                let rows = &alive[pair[0].first_row as usize..pair[1].first_row as usize];
                found.extend(rows.iter().map(|alive| alive * expected));
            }
            found
        });
        let of_rows = parts.concat();
        self.order.row_of.iter().map(|row| of_rows[*row as usize]).collect()
    }

    /// The rows of all buckets that have customers.
    pub fn rows(&self, number: usize, model: Model, predictor: &Predictor, value: Option<OrderValue>) -> Vec<BacktestRow> {
        let alive = predictor.alive(&self.table);
        let predicted = self.predicted(predictor, &alive);
        let ends = intervals(&self.table, &self.order, predictor, &alive, self.ahead());
        let values = value.map(|value| order_values(&self.cutoff.histories, value));
        let deciles = deciles(&predicted);
        let mut tallies = vec![Tally::default(); 1 + DECILES + MOST_FREQUENT as usize + 1];
        for (customer, days) in self.cutoff.histories.days().enumerate() {
            let [low, high] = ends[self.order.row_of[customer] as usize];
            let bought = self.cutoff.purchases[customer];
            let observed = f64::from(days.observed);
            let naive = if days.observed == 0 { 0.0 } else { f64::from(days.repeats) / observed * self.ahead() };
            let seen = Seen {
                predicted: predicted[customer],
                bought,
                naive,
                predicted_revenue: values.as_ref().map_or(0.0, |values| values[customer] * predicted[customer]),
                revenue: Some(self.cutoff.revenue[customer]).filter(|r| r.is_finite()).unwrap_or(0.0).max(0.0),
                is_inside: (low..=high).contains(&bought),
            };
            let frequency = 1 + DECILES + days.repeats.min(MOST_FREQUENT) as usize;
            for bucket in [0, usize::from(deciles[customer]), frequency] {
                tallies[bucket].add(&seen);
            }
        }
        let named = (0..).zip(&tallies).filter(|(_, tally)| tally.customers > 0);
        let row = |(place, tally): (u32, &Tally)| tally.row(number, self.cutoff.days, place, model, value.is_some());
        named.map(row).collect()
    }
}

/// The tenth of each customer, 1 for the highest; the first tenths are larger by one where they cannot be equal.
fn deciles(predicted: &[f64]) -> Vec<u8> {
    let mut ranked: Vec<(f64, u32)> = predicted.iter().copied().zip(0..).collect();
    ranked.par_sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let (size, larger) = (ranked.len() / DECILES, ranked.len() % DECILES);
    let mut deciles = vec![0; ranked.len()];
    let mut places = ranked.iter();
    for decile in 1..=10_u8 {
        let members = size + usize::from(usize::from(decile) <= larger);
        places.by_ref().take(members).for_each(|(_, customer)| deciles[*customer as usize] = decile);
    }
    deciles
}

/// One customer's prediction and purchases.
struct Seen {
    predicted: f64,
    bought: u32,
    naive: f64,
    predicted_revenue: f64,
    revenue: f64,
    is_inside: bool,
}

#[derive(Debug, Clone, Default)]
struct Tally {
    customers: usize,
    predicted: f64,
    bought: u64,
    predicted_revenue: f64,
    revenue: f64,
    absolute: f64,
    square: f64,
    naive_absolute: f64,
    inside: usize,
}

impl Tally {
    fn add(&mut self, seen: &Seen) {
        let bought = f64::from(seen.bought);
        let off = seen.predicted - bought;
        self.customers += 1;
        self.predicted += seen.predicted;
        self.bought += u64::from(seen.bought);
        self.predicted_revenue += seen.predicted_revenue;
        self.revenue += seen.revenue;
        self.absolute += off.abs();
        self.square += off * off;
        self.naive_absolute += (seen.naive - bought).abs();
        self.inside += usize::from(seen.is_inside);
    }

    fn row(&self, cutoff: usize, days: u32, place: u32, model: Model, has_value: bool) -> BacktestRow {
        let n = self.customers as f64;
        let (bucket_kind, bucket) = match place {
            0 => (BucketKind::Total, 0),
            1..=10 => (BucketKind::Decile, place),
            _ => (BucketKind::Frequency, place - 11),
        };
        BacktestRow {
            cutoff,
            days,
            bucket_kind,
            bucket,
            customers: self.customers,
            predicted_purchases: self.predicted,
            actual_purchases: self.bought,
            predicted_revenue: has_value.then_some(self.predicted_revenue),
            actual_revenue: self.revenue,
            mae: self.absolute / n,
            rmse: (self.square / n).sqrt(),
            bias: (self.bought > 0).then(|| self.predicted / self.bought as f64 - 1.0),
            baseline_mae: self.naive_absolute / n,
            interval_coverage: self.inside as f64 / n,
            model,
        }
    }
}
