//! What the values of a column are.

use std::collections::BTreeSet;

use crate::date::Dates;
use crate::number::Numbers;
use crate::source::{ColumnSample, HEAD_ROWS};

/// Values of a column, looked through once.
#[derive(Debug, Clone)]
pub(crate) struct Profile {
    /// Values that are there.
    pub seen: usize,
    pub empty: usize,
    pub numbers: Option<Numbers>,
    pub dates: Option<Dates>,
    pub least: f64,
    pub most: f64,
    pub all_whole: bool,
    /// Different values among all sampled.
    pub distinct: usize,
    /// No value occurs twice in the rows from the top.
    pub is_unique: bool,
}

impl Profile {
    /// `day_first` settles dates that can be read both ways, `commas` numbers: their table writes fractions with one.
    pub fn of(column: &ColumnSample, day_first: bool, commas: bool) -> Self {
        let values: Vec<&str> = column.values.iter().flatten().map(String::as_str).collect();
        let dates = Dates::of(&values, day_first);
        let numbers = if dates.is_some() { None } else { Numbers::of(&values, commas) };
        let read: Vec<f64> = numbers.iter().flat_map(|n| values.iter().filter_map(|v| n.read(v))).collect();
        let head: Vec<&str> = column.values.iter().take(HEAD_ROWS).flatten().map(String::as_str).collect();
        Self {
            seen: values.len(),
            empty: column.values.len() - values.len(),
            least: read.iter().copied().fold(f64::INFINITY, f64::min),
            most: read.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            all_whole: !read.is_empty() && read.iter().all(|x| x.fract() == 0.0),
            distinct: values.iter().collect::<BTreeSet<_>>().len(),
            is_unique: head.len() > 1 && head.iter().collect::<BTreeSet<_>>().len() == head.len(),
            numbers,
            dates,
        }
    }

    /// Share of rows without a value, 0 to 1.
    #[allow(clippy::cast_precision_loss, reason = "counts of a sample")]
    pub fn share_empty(&self) -> f64 {
        let all = self.seen + self.empty;
        if all == 0 { 0.0 } else { self.empty as f64 / all as f64 }
    }
}
