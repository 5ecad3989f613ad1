//! From purchase days, customer after customer, to histories as of a day and as of earlier cut-offs.

use crate::Histories;

/// What was known at an earlier day, and what came after it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cutoff {
    /// Days held out: those after the cut-off up to the day of the analysis.
    pub days: u32,
    /// Customers first seen at the cut-off or before.
    pub histories: Histories,
    /// Purchase days of each of them in the days held out.
    pub purchases: Vec<u32>,
    /// Amount of each of them in the days held out.
    pub revenue: Vec<f64>,
}

/// What a [`Collector`] has made of the purchase days.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Collected {
    /// The customers of [`Collected::histories`], in the order they came.
    pub customers: Vec<i64>,
    pub histories: Histories,
    /// One for each cut-off asked for that lies before the day of the analysis, in the order asked for.
    pub cutoffs: Vec<Cutoff>,
}

/// A customer's purchases up to some day.
#[derive(Debug, Clone, Copy)]
struct Seen {
    last: i32,
    /// Distinct days after the first.
    repeats: u32,
    /// Amount of the days after the first.
    amount: f64,
}

/// A customer's purchases up to a cut-off and after it.
#[derive(Debug, Clone, Copy)]
struct Parted {
    cut_day: i32,
    before: Seen,
    purchases: u32,
    revenue: f64,
}

/// The customer whose days are coming in.
#[derive(Debug, Clone, Copy)]
struct Current {
    customer: i64,
    first: i32,
    seen: Seen,
}

/// Turns a stream of purchase days into histories, holding one customer at a time.
///
/// Days are whole numbers of any one calendar. The days of one customer come together and in order; amounts of one day are
/// added up. Days after the day of the analysis are passed over.
#[derive(Debug, Clone)]
pub struct Collector {
    as_of: i32,
    parted: Vec<Parted>,
    current: Option<Current>,
    collected: Collected,
}

impl Seen {
    fn first(day: i32) -> Self {
        Self { last: day, repeats: 0, amount: 0.0 }
    }

    fn add(&mut self, day: i32, new_days: u32, amount: f64) {
        self.last = self.last.max(day);
        self.repeats += new_days;
        self.amount += amount;
    }

    fn record(&self, histories: &mut Histories, first: i32, until: i32) {
        histories.repeats.push(self.repeats);
        histories.last.push(self.last.abs_diff(first));
        histories.observed.push(until.abs_diff(first));
        histories.repeat_value.push(if self.repeats == 0 { 0.0 } else { self.amount / f64::from(self.repeats) });
    }
}

impl Collector {
    /// Cut-offs at or after `as_of` hold nothing out and are passed over.
    pub fn new(as_of: i32, cutoffs: &[i32]) -> Self {
        let cut_days: Vec<i32> = cutoffs.iter().copied().filter(|day| *day < as_of).collect();
        let cutoff = |day: &i32| Cutoff { days: as_of.abs_diff(*day), ..Cutoff::default() };
        let collected = Collected { cutoffs: cut_days.iter().map(cutoff).collect(), ..Collected::default() };
        let part = |day: &i32| Parted { cut_day: *day, before: Seen::first(*day), purchases: 0, revenue: 0.0 };
        Self { as_of, parted: cut_days.iter().map(part).collect(), current: None, collected }
    }

    pub fn push(&mut self, customer: i64, day: i32, amount: f64) {
        if day > self.as_of {
            return;
        }
        if self.current.is_none_or(|current| current.customer != customer) {
            self.close();
            self.current = Some(Current { customer, first: day, seen: Seen::first(day) });
            for parted in &mut self.parted {
                *parted = Parted { before: Seen::first(day), purchases: 0, revenue: 0.0, ..*parted };
            }
        }
        let Some(current) = &mut self.current else { return };
        let new_days = u32::from(day > current.seen.last);
        let repeat_amount = if day > current.first { amount } else { 0.0 };
        current.seen.add(day, new_days, repeat_amount);
        for parted in &mut self.parted {
            if day <= parted.cut_day {
                parted.before.add(day, new_days, repeat_amount);
            } else {
                parted.purchases += new_days;
                parted.revenue += amount;
            }
        }
    }

    /// Writes the running customer down.
    fn close(&mut self) {
        let Some(current) = self.current.take() else { return };
        self.collected.customers.push(current.customer);
        current.seen.record(&mut self.collected.histories, current.first, self.as_of);
        let known = self.parted.iter().zip(&mut self.collected.cutoffs).filter(|(parted, _)| current.first <= parted.cut_day);
        for (parted, cutoff) in known {
            parted.before.record(&mut cutoff.histories, current.first, parted.cut_day);
            cutoff.purchases.push(parted.purchases);
            cutoff.revenue.push(parted.revenue);
        }
    }

    pub fn finish(mut self) -> Collected {
        self.close();
        self.collected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_three_customers() {
        let mut collector = Collector::new(100, &[60, 200, 30]);
        for (customer, day, amount) in [
            (7, 10, 5.0),
            (7, 10, 1.0),
            (7, 40, 2.0),
            (7, 40, 4.0),
            (7, 70, 9.0),
            (7, 101, 99.0),
            (3, 61, 8.0),
            (3, 62, 8.0),
            (5, 60, 3.0),
        ] {
            collector.push(customer, day, amount);
        }
        let collected = collector.finish();
        assert_eq!(collected.customers, [7, 3, 5]);
        let all = Histories {
            repeats: vec![2, 1, 0],
            last: vec![60, 1, 0],
            observed: vec![90, 39, 40],
            repeat_value: vec![7.5, 8.0, 0.0],
        };
        assert_eq!(collected.histories, all);
        assert_eq!(collected.cutoffs.len(), 2);
        let late = Cutoff {
            days: 40,
            histories: Histories { repeats: vec![1, 0], last: vec![30, 0], observed: vec![50, 0], repeat_value: vec![6.0, 0.0] },
            purchases: vec![1, 0],
            revenue: vec![9.0, 0.0],
        };
        assert_eq!(collected.cutoffs[0], late);
        assert_eq!(collected.cutoffs[1].purchases, [2]);
        assert_eq!(collected.cutoffs[1].revenue, [15.0]);
    }
}
