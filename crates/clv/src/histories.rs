//! What is known of each customer: x, `t_x`, T and m.

/// One customer a place, in days. Vectors of unequal length count as far as the shortest reaches.
///
/// With the distinct days of purchase of a customer: x is their number less 1, `t_x` the days from the first to the last,
/// T the days from the first to the day of the analysis, and m the mean amount of a day without the first day.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Histories {
    /// x, repeat purchase days.
    pub repeats: Vec<u32>,
    /// `t_x`, days from the first purchase to the last.
    pub last: Vec<u32>,
    /// T, days from the first purchase to the day of the analysis.
    pub observed: Vec<u32>,
    /// m, mean amount of a repeat purchase day; 0 where there is none.
    pub repeat_value: Vec<f64>,
}

/// One customer's x, `t_x` and T.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Days {
    pub repeats: u32,
    pub last: u32,
    pub observed: u32,
}

/// Longer than any shop's books; more is taken for an error.
const MOST_DAYS: u32 = 100_000;

/// Above this a mean amount is taken for an error.
const MOST_VALUE: f64 = 1e15;

impl Days {
    /// What is nearest to the figures and keeps x <= `t_x` <= T, and `t_x` = 0 where x = 0.
    fn made_consistent(self) -> Self {
        let observed = self.observed.min(MOST_DAYS);
        let last = self.last.min(observed);
        let repeats = self.repeats.min(last);
        Self { repeats, last: if repeats == 0 { 0 } else { last }, observed }
    }
}

/// A mean amount that can be reckoned with, 0 for one that cannot.
pub(crate) fn usable_value(value: f64) -> f64 {
    if value.is_finite() { value.clamp(0.0, MOST_VALUE) } else { 0.0 }
}

impl Histories {
    pub fn len(&self) -> usize {
        self.repeats.len().min(self.last.len()).min(self.observed.len()).min(self.repeat_value.len())
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn stated(&self) -> impl Iterator<Item = Days> {
        let figures = self.repeats.iter().zip(&self.last).zip(&self.observed);
        figures.take(self.len()).map(|((&repeats, &last), &observed)| Days { repeats, last, observed })
    }

    /// The customers' days, made consistent.
    pub(crate) fn days(&self) -> impl Iterator<Item = Days> {
        self.stated().map(Days::made_consistent)
    }

    /// The mean amounts, made usable.
    pub(crate) fn values(&self) -> impl Iterator<Item = f64> {
        self.repeat_value.iter().take(self.len()).map(|value| usable_value(*value))
    }

    /// Whether each customer's figures had to be changed before they could be used.
    pub(crate) fn contradictions(&self) -> impl Iterator<Item = bool> {
        let changed = |value: f64| !(0.0..=MOST_VALUE).contains(&value);
        self.stated().zip(&self.repeat_value).map(move |(days, value)| days != days.made_consistent() || changed(*value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contradictions_are_found_and_mended() {
        let histories = Histories {
            repeats: vec![2, 0, 9, 1, 1, 3],
            last: vec![10, 4, 3, 20, 5, 7],
            observed: vec![30, 30, 30, 15, 9, 9],
            repeat_value: vec![5.0, 0.0, 1.0, 1.0, f64::NAN, -1.0],
        };
        assert_eq!(histories.contradictions().collect::<Vec<_>>(), [false, true, true, true, true, true]);
        let mended: Vec<_> = histories.days().map(|d| (d.repeats, d.last, d.observed)).collect();
        assert_eq!(mended, [(2, 10, 30), (0, 0, 30), (3, 3, 30), (1, 15, 15), (1, 5, 9), (3, 7, 9)]);
        assert_eq!(histories.values().collect::<Vec<_>>(), [5.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    }
}
