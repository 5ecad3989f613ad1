//! The figures of each customer.
//!
//! Given that the customer is active, what is to come depends on x and T alone, so it is reckoned once a pair of them; P(alive)
//! is reckoned once a row. With A = P(alive) and U(n) = P(more than n purchases | active), a customer's chance of at most n
//! purchases is 1 - A U(n), so the ends of the 80 % interval, the least n for which it is at least 0.1 and 0.9, are looked up
//! in the pair's U.
//!
//! CLV = margin · E\[M\] · Σ (E\[Y(i Δ)\] - E\[Y((i-1) Δ)\]) / (1+d)^i over the months i = 1..12 of Δ days each.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "row and pair numbers come from the table; counts of purchases are below 2^32"
)]

use rayon::prelude::*;

use crate::Options;
use crate::histories::Histories;
use crate::order_value::OrderValue;
use crate::predictor::{Forecast, Predictor};
use crate::table::{Order, Table};

const MONTHS: usize = 12;
const YEAR: f64 = 365.0;
/// Customers a piece of work, so that a thread writes whole pages.
const CHUNK: usize = 4096;

/// Whether all figures of a customer are there, or why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CustomerStatus {
    Ok,
    /// Too few customers or purchases: the figures lean on a prior.
    InsufficientData,
    /// No customer bought twice, so there is no chance of being active and no value.
    NoRepeats,
    /// No repeat purchase has a value, so there is no value.
    NoOrderValue,
    /// The history contradicted itself or its value was no amount; it was mended and left in.
    Contradictory,
}

impl CustomerStatus {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::InsufficientData => "insufficient_data",
            Self::NoRepeats => "no_repeats",
            Self::NoOrderValue => "no_order_value",
            Self::Contradictory => "contradictory_history",
        }
    }
}

/// One customer a place, in the order of the histories. A column is absent where no customer can have the figure.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scores {
    /// By the model chosen; by MBG/NBD where that is BG/NBD, which takes every one-time buyer for active.
    pub probability_alive: Option<Vec<f64>>,
    pub probability_alive_bgnbd: Option<Vec<f64>>,
    pub expected_purchases_30d: Vec<f64>,
    pub expected_purchases_90d: Vec<f64>,
    pub expected_purchases_365d: Vec<f64>,
    /// The 10 % and 90 % quantiles of the purchases in 365 days.
    pub purchases_365d_low: Vec<u32>,
    pub purchases_365d_high: Vec<u32>,
    pub probability_buys_30d: Vec<f64>,
    pub probability_buys_90d: Vec<f64>,
    pub expected_order_value: Option<Vec<f64>>,
    pub clv_12m: Option<Vec<f64>>,
    pub clv_12m_undiscounted: Option<Vec<f64>>,
    pub status: Vec<CustomerStatus>,
}

/// What the scores are made from.
pub struct Basis<'a> {
    pub histories: &'a Histories,
    pub table: &'a Table,
    pub order: &'a Order,
    pub predictor: &'a Predictor,
    pub value: Option<OrderValue>,
    pub options: &'a Options,
}

/// Of an active customer of one pair of x and T.
#[derive(Debug, Clone, Copy)]
struct PairFigures {
    expected: [f64; 3],
    buys: [f64; 2],
    /// Purchases of twelve months, discounted and not.
    discounted: f64,
    plain: f64,
}

/// The ends of the 80 % interval, given P(alive) and P(Y > n | active) for n = 0, 1, ...
fn interval(alive: f64, more_than: &[f64]) -> [u32; 2] {
    [0.9, 0.1].map(|above| more_than.partition_point(|more| alive * more > above) as u32)
}

/// P(Y > n) for n = 0, 1, ... down to 0.1 from the chances of each number.
fn tail(probabilities: &[f64], more_than: &mut Vec<f64>) {
    more_than.clear();
    let mut below = 0.0;
    for probability in probabilities {
        below += probability;
        more_than.push(1.0 - below);
        if below > 0.9 {
            return;
        }
    }
}

/// The 80 % intervals of the purchases in `ahead` days of all rows, in their order.
pub fn intervals(table: &Table, order: &Order, predictor: &Predictor, alive: &[f64], ahead: f64) -> Vec<[u32; 2]> {
    let parts = order.map_pairs(table, |group, pairs| {
        let mut forecast = predictor.forecast(group.repeats);
        let (mut probabilities, mut more_than) = (Vec::new(), Vec::new());
        let mut found = Vec::new();
        for pair in pairs.windows(2) {
            forecast.distribution(table.times[pair[0].observed as usize], ahead, &mut probabilities);
            tail(&probabilities, &mut more_than);
            let rows = &alive[pair[0].first_row as usize..pair[1].first_row as usize];
            found.extend(rows.iter().map(|alive| interval(*alive, &more_than)));
        }
        found
    });
    parts.concat()
}

fn pair_figures(forecast: &mut Forecast, observed: f64, options: &Options) -> PairFigures {
    let month = options.month_days;
    let discount = 1.0 / (1.0 + options.monthly_discount);
    let (mut before, mut weight) = (0.0, 1.0);
    let mut discounted = 0.0;
    for number in 1..=MONTHS as u32 {
        let until = forecast.expected(observed, f64::from(number) * month);
        weight *= discount;
        discounted += weight * (until - before).max(0.0);
        before = until;
    }
    let year = if (month * 12.0 - YEAR).abs() < 1e-9 { before } else { forecast.expected(observed, YEAR) };
    PairFigures {
        expected: [forecast.expected(observed, 30.0), forecast.expected(observed, 90.0), year],
        buys: [forecast.buys(observed, 30.0), forecast.buys(observed, 90.0)],
        discounted,
        plain: before,
    }
}

/// The figures of all pairs, and the pair of each row.
fn all_pairs(basis: &Basis<'_>) -> (Vec<PairFigures>, Vec<u32>) {
    let parts = basis.order.map_pairs(basis.table, |group, pairs| {
        let mut forecast = basis.predictor.forecast(group.repeats);
        let of = |pair: &[crate::table::Pair]| {
            pair_figures(&mut forecast, basis.table.times[pair[0].observed as usize], basis.options)
        };
        pairs.windows(2).map(of).collect::<Vec<_>>()
    });
    let mut pair_of = Vec::with_capacity(basis.table.rows.len());
    for (number, pair) in (0..).zip(basis.order.pairs.windows(2)) {
        pair_of.resize(pair[1].first_row as usize, number);
    }
    (parts.concat(), pair_of)
}

/// The expected value of an order of each customer.
pub fn order_values(histories: &Histories, value: OrderValue) -> Vec<f64> {
    histories.days().zip(histories.values()).map(|(days, mean)| value.expected(days.repeats, mean)).collect()
}

/// The figures of all customers, filled in one pass: a customer's row and pair are anywhere in memory, so they are fetched
/// once for all columns.
struct Columns {
    expected: [Vec<f64>; 3],
    buys: [Vec<f64>; 2],
    /// Purchases of twelve months, discounted and not.
    year: [Vec<f64>; 2],
    ends: [Vec<u32>; 2],
}

impl Columns {
    fn fill(row_of: &[u32], figures: impl Fn(usize) -> (f64, PairFigures, [u32; 2]) + Sync) -> Self {
        let column = || vec![0.0; row_of.len()];
        let [mut days_30, mut days_90, mut days_365, mut buys_30, mut buys_90] = [(); 5].map(|()| column());
        let [mut discounted, mut plain] = [(); 2].map(|()| column());
        let [mut low, mut high] = [(); 2].map(|()| vec![0; row_of.len()]);
        let expected = (days_30.par_chunks_mut(CHUNK), days_90.par_chunks_mut(CHUNK), days_365.par_chunks_mut(CHUNK));
        let buys = (buys_30.par_chunks_mut(CHUNK), buys_90.par_chunks_mut(CHUNK));
        let year = (discounted.par_chunks_mut(CHUNK), plain.par_chunks_mut(CHUNK));
        let ends = (low.par_chunks_mut(CHUNK), high.par_chunks_mut(CHUNK));
        let of_pairs = (expected.into_par_iter(), buys.into_par_iter(), year.into_par_iter());
        let chunks = (row_of.par_chunks(CHUNK), of_pairs.into_par_iter(), ends.into_par_iter()).into_par_iter();
        chunks.for_each(|(rows, (expected, buys, year), ends)| {
            for (i, row) in rows.iter().enumerate() {
                let (alive, of_pair, of_row) = figures(*row as usize);
                [expected.0[i], expected.1[i], expected.2[i]] = of_pair.expected.map(|active| alive * active);
                [buys.0[i], buys.1[i]] = of_pair.buys.map(|active| alive * active);
                [year.0[i], year.1[i]] = [of_pair.discounted, of_pair.plain].map(|active| alive * active);
                [ends.0[i], ends.1[i]] = of_row;
            }
        });
        let expected = [days_30, days_90, days_365];
        Self { expected, buys: [buys_30, buys_90], year: [discounted, plain], ends: [low, high] }
    }
}

/// All but the statuses and the chances of being active. `alive` is P(alive) of each row by the model of the predictor.
pub fn figures(basis: &Basis<'_>, alive: &[f64]) -> Scores {
    let (figures, pair_of) = all_pairs(basis);
    let ends = intervals(basis.table, basis.order, basis.predictor, alive, YEAR);
    let of_row = |row: usize| (alive[row], figures[pair_of[row] as usize], ends[row]);
    let Columns { expected, buys, year, ends } = Columns::fill(&basis.order.row_of, of_row);
    let values = basis.value.map(|value| order_values(basis.histories, value));
    let worth = |mut purchases: Vec<f64>| {
        let customers = purchases.par_iter_mut().zip(values.as_ref()?).with_min_len(CHUNK);
        customers.for_each(|(purchases, value)| *purchases *= basis.options.margin * value);
        Some(purchases)
    };
    let [clv_12m, clv_12m_undiscounted] = year.map(worth);
    let [expected_purchases_30d, expected_purchases_90d, expected_purchases_365d] = expected;
    let [probability_buys_30d, probability_buys_90d] = buys;
    let [purchases_365d_low, purchases_365d_high] = ends;
    Scores {
        probability_alive: None,
        probability_alive_bgnbd: None,
        expected_purchases_30d,
        expected_purchases_90d,
        expected_purchases_365d,
        purchases_365d_low,
        purchases_365d_high,
        probability_buys_30d,
        probability_buys_90d,
        clv_12m,
        clv_12m_undiscounted,
        expected_order_value: values,
        status: Vec::new(),
    }
}

/// A figure of each row as a figure of each customer.
pub fn of_customers(basis: &Basis<'_>, of_rows: &[f64]) -> Vec<f64> {
    basis.order.row_of.par_iter().with_min_len(CHUNK).map(|row| of_rows[*row as usize]).collect()
}
