//! Distinct histories with how many customers have each.
//!
//! The likelihoods see a customer by x, `t_x` and T alone, so equal customers are evaluated once. Rows are in order of x, then
//! T, then `t_x`; what depends on x is evaluated once a group, what depends on x and T once a pair, and logarithms once a
//! distinct time. Work is cut into batches of a fixed size whose results are joined in order, so sums have the same bits
//! whatever the number of threads.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "row, group and time numbers are made here, each below 2^21 times or 2^32 customers"
)]

use std::ops::Range;

use rayon::prelude::*;

use crate::histories::{Days, Histories};

/// The largest of three figures that make one sort key.
const LARGEST: u32 = (1 << 21) - 1;

const BATCH_ROWS: usize = 8192;
const BATCH_PAIRS: usize = 128;

/// One distinct history.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Number of the time `t_x`.
    pub last: u32,
    /// Number of the time T.
    pub observed: u32,
    pub customers: u32,
}

/// The rows of one x.
#[derive(Debug, Clone)]
pub struct Group {
    pub repeats: u32,
    pub rows: Range<usize>,
    pub customers: u64,
}

/// The rows of one x and T, and their customers' places in [`Order::customers`].
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    pub observed: u32,
    pub first_row: u32,
    pub first_customer: u32,
}

/// A piece of work within one group: a range of rows or of pairs.
#[derive(Debug, Clone)]
pub struct Batch {
    pub group: usize,
    pub span: Range<usize>,
}

#[derive(Debug, Clone, Default)]
pub struct Table {
    /// Distinct times, ascending.
    pub times: Vec<f64>,
    pub rows: Vec<Row>,
    pub groups: Vec<Group>,
    row_batches: Vec<Batch>,
}

/// Which customers stand behind the rows.
#[derive(Debug, Clone, Default)]
pub struct Order {
    /// Customers in the order of the rows.
    pub customers: Vec<u32>,
    /// The row of each customer.
    pub row_of: Vec<u32>,
    /// One more than there are pairs: the last marks the end.
    pub pairs: Vec<Pair>,
    pub pair_batches: Vec<Batch>,
}

/// Three numbers below 2^21 in the order of the rows.
fn key(repeats: u32, last: u32, observed: u32) -> u64 {
    (u64::from(repeats) << 42) | (u64::from(observed) << 21) | u64::from(last)
}

fn unkey(key: u64) -> (u32, u32, u32) {
    let low = |bits: u64| (bits & u64::from(LARGEST)) as u32;
    (low(key >> 42), low(key), low(key >> 21))
}

/// Histories of whole days.
pub fn from_days(histories: &Histories) -> (Table, Order) {
    let mut is_used = Vec::new();
    for Days { last, observed, .. } in histories.days() {
        if is_used.len() <= observed as usize {
            is_used.resize(observed as usize + 1, false);
        }
        is_used[last as usize] = true;
        is_used[observed as usize] = true;
    }
    let before = |below: &mut u32, used: &bool| Some(std::mem::replace(below, *below + u32::from(*used)));
    let numbers: Vec<u32> = is_used.iter().scan(0, before).collect();
    let times = (0..).zip(&is_used).filter(|(_, used)| **used).map(|(day, _)| f64::from(day)).collect();
    let keys = histories.days().map(|days| key(days.repeats, numbers[days.last as usize], numbers[days.observed as usize]));
    from_keys(times, (0..).zip(keys).map(|(customer, key)| (key, customer)).collect())
}

/// Histories of any unit, fractions too: x, `t_x`, T of each customer. Of them at most 2^20 count.
pub fn from_times(repeats: &[u32], last: &[f64], observed: &[f64]) -> (Table, Order) {
    let customers = repeats.iter().zip(last).zip(observed).take(1 << 20);
    let customers: Vec<(u32, f64, f64)> = customers.map(|((x, last), observed)| (*x, *last, *observed)).collect();
    let mut times: Vec<f64> = customers.iter().flat_map(|(_, last, observed)| [*last, *observed]).collect();
    times.sort_unstable_by(f64::total_cmp);
    times.dedup();
    let number = |time: f64| times.partition_point(|t| *t < time) as u32;
    let keys = customers.iter().map(|(x, last, observed)| key((*x).min(LARGEST), number(*last), number(*observed)));
    let keyed = (0..).zip(keys).map(|(customer, key)| (key, customer)).collect();
    from_keys(times, keyed)
}

fn from_keys(times: Vec<f64>, mut keyed: Vec<(u64, u32)>) -> (Table, Order) {
    keyed.par_sort_unstable();
    let mut rows: Vec<(u64, u32)> = Vec::new();
    let mut row_of = vec![0; keyed.len()];
    for (key, customer) in &keyed {
        match rows.last_mut() {
            Some((last, customers)) if last == key => *customers += 1,
            _ => rows.push((*key, 1)),
        }
        row_of[*customer as usize] = rows.len() as u32 - 1;
    }
    let table = Table::new(times, rows.iter().copied());
    let (pairs, pair_batches) = table.pairs();
    let customers = keyed.into_iter().map(|(_, customer)| customer).collect();
    (table, Order { customers, row_of, pairs, pair_batches })
}

impl Table {
    /// From keys in ascending order and how many customers have each.
    fn new(times: Vec<f64>, keyed: impl Iterator<Item = (u64, u32)>) -> Self {
        let mut table = Self { times, ..Self::default() };
        for (key, customers) in keyed {
            let (repeats, last, observed) = unkey(key);
            let at = table.rows.len();
            table.rows.push(Row { last, observed, customers });
            match table.groups.last_mut() {
                Some(group) if group.repeats == repeats => {
                    group.rows.end = at + 1;
                    group.customers += u64::from(customers);
                }
                _ => table.groups.push(Group { repeats, rows: at..at + 1, customers: u64::from(customers) }),
            }
        }
        let batches = table.groups.iter().enumerate().flat_map(|(group, g)| cut(group, g.rows.clone(), BATCH_ROWS));
        table.row_batches = batches.collect();
        table
    }

    fn pairs(&self) -> (Vec<Pair>, Vec<Batch>) {
        let mut pairs: Vec<Pair> = Vec::new();
        let mut batches = Vec::new();
        let mut first_customer = 0;
        for (number, group) in self.groups.iter().enumerate() {
            let first = pairs.len();
            for at in group.rows.clone() {
                let row = self.rows[at];
                if pairs.len() == first || pairs.last().is_none_or(|pair| pair.observed != row.observed) {
                    pairs.push(Pair { observed: row.observed, first_row: at as u32, first_customer });
                }
                first_customer += row.customers;
            }
            batches.extend(cut(number, first..pairs.len(), BATCH_PAIRS));
        }
        pairs.push(Pair { observed: 0, first_row: self.rows.len() as u32, first_customer });
        (pairs, batches)
    }

    /// A smaller table of about `size` customers: each n-th in the order of the rows.
    #[must_use]
    pub fn sample(&self, size: u64) -> Self {
        let every = (self.customers() / size.max(1)).max(1);
        let mut seen = every / 2;
        let mut kept: Vec<(u64, u32)> = Vec::new();
        for group in &self.groups {
            for row in &self.rows[group.rows.clone()] {
                let before = seen / every;
                seen += u64::from(row.customers);
                let customers = (seen / every - before) as u32;
                if customers > 0 {
                    kept.push((key(group.repeats, row.last, row.observed), customers));
                }
            }
        }
        Self::new(self.times.clone(), kept.into_iter())
    }

    pub fn customers(&self) -> u64 {
        self.groups.iter().map(|group| group.customers).sum()
    }

    /// Σ x.
    pub fn repeats(&self) -> u64 {
        self.groups.iter().map(|group| group.customers * u64::from(group.repeats)).sum()
    }

    /// Σ T.
    pub fn exposure(&self) -> f64 {
        self.rows.iter().map(|row| f64::from(row.customers) * self.times[row.observed as usize]).sum()
    }

    /// The results of all batches of rows, in their order; each is given the number of its group.
    pub fn map_rows<T: Send>(&self, of_batch: impl Fn(usize, &[Row]) -> T + Sync) -> Vec<T> {
        let of = |batch: &Batch| of_batch(batch.group, &self.rows[batch.span.clone()]);
        if self.rows.len() < BATCH_ROWS / 4 {
            return self.row_batches.iter().map(of).collect();
        }
        self.row_batches.par_iter().map(of).collect()
    }
}

/// Batches of at most `size`.
fn cut(group: usize, span: Range<usize>, size: usize) -> impl Iterator<Item = Batch> {
    let end = span.end;
    span.step_by(size).map(move |start| Batch { group, span: start..(start + size).min(end) })
}

impl Order {
    /// The results of all batches of pairs, in their order; each pair comes with where it ends.
    pub fn map_pairs<T: Send>(&self, table: &Table, of_batch: impl Fn(&Group, &[Pair]) -> T + Sync) -> Vec<T> {
        let of = |batch: &Batch| of_batch(&table.groups[batch.group], &self.pairs[batch.span.start..=batch.span.end]);
        self.pair_batches.par_iter().map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shop() -> Histories {
        Histories {
            repeats: vec![1, 0, 1, 0, 2, 0],
            last: vec![5, 0, 5, 0, 9, 0],
            observed: vec![20, 30, 20, 20, 20, 30],
            repeat_value: vec![0.0; 6],
        }
    }

    #[test]
    fn equal_histories_are_one_row() {
        let (table, order) = from_days(&shop());
        assert_eq!(table.times, [0.0, 5.0, 9.0, 20.0, 30.0]);
        let rows: Vec<_> = table.rows.iter().map(|r| (r.last, r.observed, r.customers)).collect();
        assert_eq!(rows, [(0, 3, 1), (0, 4, 2), (1, 3, 2), (2, 3, 1)]);
        assert_eq!(order.row_of, [2, 1, 2, 0, 3, 1]);
        assert_eq!(order.customers, [3, 1, 5, 0, 2, 4]);
        let pairs: Vec<_> = order.pairs.iter().map(|p| (p.observed, p.first_row, p.first_customer)).collect();
        assert_eq!(pairs, [(3, 0, 0), (4, 1, 1), (3, 2, 3), (3, 3, 5), (0, 4, 6)]);
        assert_eq!((table.customers(), table.repeats()), (6, 4));
        assert!((table.exposure() - 140.0).abs() < 1e-12);
    }

    #[test]
    fn a_sample_keeps_the_proportions() {
        let table = Table::new(vec![0.0, 7.0], [(key(0, 0, 1), 6000), (key(1, 0, 1), 4000)].into_iter());
        let sample = table.sample(100);
        assert_eq!(sample.groups.iter().map(|g| g.customers).collect::<Vec<_>>(), [60, 40]);
        assert_eq!(table.sample(u64::MAX).customers(), 10_000);
    }
}
