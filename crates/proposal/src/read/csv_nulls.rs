//! Marks of nothing that may as well be words: `NA` is North America, too.

use std::collections::BTreeSet;

use super::csv_shape::NULLS;
use crate::source::ColumnSample;

const MAY_BE_WORDS: [&str; 2] = ["NA", "None"];

/// Where such marks stand: the place of the column, and the mark.
#[derive(Default)]
pub(super) struct Marks(BTreeSet<(usize, String)>);

impl Marks {
    /// Whether a mark stays in the sample for now, because only its whole column tells what it means.
    pub fn keeps(&mut self, place: usize, mark: &str) -> bool {
        let keeps = MAY_BE_WORDS.contains(&mark);
        if keeps {
            self.0.insert((place, mark.to_owned()));
        }
        keeps
    }

    /// Takes each mark for nothing but where it stands among words. One that does somewhere is no mark of the whole file: it
    /// is one of the other columns alone.
    pub fn settle(self, columns: &mut [ColumnSample], of_the_file: &mut Vec<String>) {
        let among_words = |place: usize| columns.get(place).is_some_and(holds_words);
        let (words, nothing): (Vec<_>, Vec<_>) = self.0.into_iter().partition(|(place, _)| among_words(*place));
        of_the_file.retain(|mark| !words.iter().any(|(_, word)| word == mark));
        for (place, mark) in nothing {
            let Some(column) = columns.get_mut(place) else { continue };
            for value in column.values.iter_mut().filter(|value| value.as_deref() == Some(mark.as_str())) {
                *value = None;
            }
            if words.iter().any(|(_, word)| *word == mark) {
                column.nulls.push(mark);
            }
        }
    }
}

/// Numbers, days and identifiers have digits; nobody calls a customer `NA` among others that are called `C37`.
fn holds_words(column: &ColumnSample) -> bool {
    let values = column.values.iter().flatten().filter(|value| !NULLS.contains(&value.as_str()));
    let (digits, words): (Vec<_>, Vec<_>) = values.partition(|value| value.contains(|c: char| c.is_ascii_digit()));
    words.len() > digits.len()
}
