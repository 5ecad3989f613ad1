//! Rows of a table, kept from its top and evenly from further down.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::source::{ColumnSample, HEAD_ROWS, Repeats};

/// Rows kept from below the top, at most.
const SPREAD_ROWS: usize = 1_200;
/// Rows whose repetition is watched; a table of more is no matter of a few rows that came twice.
const COMPARED_ROWS: u64 = 2_000_000;

/// A row: a text for each column, absent where the source has nothing.
pub(super) type Row = Vec<Option<String>>;

pub(super) struct Spread {
    head: Vec<Row>,
    rest: Vec<Row>,
    /// Every this many rows one is kept; doubled when too many are.
    stride: u64,
    pub rows: u64,
    whole: HashSet<u64>,
    exact: u64,
    /// A column that may number the rows: its place, and what the rows are but for it.
    numbered: Option<(usize, HashSet<u64>, u64, i64)>,
}

impl Spread {
    /// `numbered` is the place of a column whose name says that it numbers the rows.
    pub fn new(numbered: Option<usize>) -> Self {
        let numbered = numbered.map(|place| (place, HashSet::new(), 0, i64::MIN));
        Self { head: Vec::new(), rest: Vec::new(), stride: 1, rows: 0, whole: HashSet::new(), exact: 0, numbered }
    }

    pub fn push(&mut self, row: Row) {
        self.rows += 1;
        if self.rows <= COMPARED_ROWS {
            self.compare(&row);
        }
        if self.head.len() < HEAD_ROWS {
            self.head.push(row);
            return;
        }
        if self.rows.is_multiple_of(self.stride) {
            self.rest.push(row);
        }
        if self.rest.len() >= SPREAD_ROWS {
            let mut place = 0_u32;
            self.rest.retain(|_| {
                place += 1;
                place.is_multiple_of(2)
            });
            self.stride *= 2;
        }
    }

    fn compare(&mut self, row: &Row) {
        self.exact += u64::from(!self.whole.insert(hash(row.iter().map(Option::as_deref))));
        if let Some((place, seen, twice, last)) = &mut self.numbered {
            let others = row.iter().enumerate().map(|(at, v)| if at == *place { None } else { v.as_deref() });
            *twice += u64::from(!seen.insert(hash(others)));
            // It numbers the rows only as long as it rises.
            let number = row.get(*place).and_then(|v| v.as_deref()?.parse::<i64>().ok());
            match number.filter(|n| *n > *last) {
                Some(number) => *last = number,
                None => self.numbered = None,
            }
        }
    }

    /// The sample as columns, and which rows came twice.
    pub fn finish(self, names: &[String], declared: &[Option<String>]) -> (Vec<ColumnSample>, Option<Repeats>) {
        let mut columns: Vec<ColumnSample> = names
            .iter()
            .enumerate()
            .map(|(place, name)| ColumnSample {
                name: name.clone(),
                header: None,
                declared_type: declared.get(place).cloned().flatten(),
                values: Vec::new(),
                nulls: Vec::new(),
            })
            .collect();
        for row in self.head.into_iter().chain(self.rest) {
            let values = row.into_iter().map(Some).chain(std::iter::repeat(None));
            for (column, value) in columns.iter_mut().zip(values) {
                column.values.push(value.flatten());
            }
        }
        let but_for = self.numbered.and_then(|(place, _, twice, _)| Some((names.get(place)?.clone(), twice)));
        let repeats = Repeats { rows: self.rows, exact: self.exact, but_for };
        (columns, (self.rows <= COMPARED_ROWS).then_some(repeats))
    }
}

fn hash<'a>(values: impl Iterator<Item = Option<&'a str>>) -> u64 {
    let mut hasher = DefaultHasher::new();
    values.for_each(|value| value.hash(&mut hasher));
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_top_and_some_of_the_rest() {
        let mut spread = Spread::new(Some(0));
        for number in 0..100_000_u64 {
            spread.push(vec![Some(number.to_string()), Some((number / 2).to_string())]);
        }
        let (columns, repeats) = spread.finish(&["Row ID".to_owned(), "b".to_owned()], &[]);
        let rows = columns.first().map(|c| c.values.len()).unwrap_or_default();
        assert!((HEAD_ROWS + SPREAD_ROWS / 2 - 1..=HEAD_ROWS + SPREAD_ROWS).contains(&rows), "{rows}");
        let expected = Repeats { rows: 100_000, exact: 0, but_for: Some(("Row ID".to_owned(), 50_000)) };
        assert_eq!(repeats, Some(expected));
    }
}
