//! Baskets recoded, and mined whenever they fill the memory allowed, here or elsewhere.

use std::mem::take;
use std::panic::resume_unwind;
use std::thread;

use rayon::iter::{IndexedParallelIterator, ParallelIterator};

use crate::baskets::Baskets;
use crate::mine::candidates::Candidates;
use crate::mine::database::{BYTES_A_LINE, Database, END, MAX_LINES};
use crate::mine::dictionary::Dictionary;
use crate::mine::limit::Limit;
use crate::mine::piece::{Elsewhere, Piece, answered};
use crate::mine::search::search;
use crate::mine::sets::Sets;
use crate::options::Options;

/// Chunks of baskets recoded before they are put in place.
const CHUNKS: usize = 64;
/// Candidates of all partitions for one itemset that may be kept.
const CANDIDATES_A_SET: usize = 8;

/// What all partitions came to.
#[derive(Debug)]
pub(super) enum Found {
    /// All fitted in memory: the sets are final.
    Sets(Sets),
    /// What is frequent in some partition, to be counted in all.
    Candidates(Candidates),
    /// More candidates than may be kept.
    TooMany,
}

/// The partition being filled, and what was found in those before it.
pub(super) struct Partitions<'a, E> {
    dictionary: &'a Dictionary,
    options: &'a Options,
    elsewhere: Option<&'a Elsewhere<'a, E>>,
    /// Partitions that are to go elsewhere.
    waiting: Vec<Piece>,
    failed: Option<E>,
    /// The least count among all baskets.
    minimum: u64,
    total: u64,
    lines: Vec<u32>,
    /// Baskets of the partition, those too short to be in the lines included.
    baskets: u64,
    mined: usize,
    candidates: Candidates,
    is_too_many: bool,
}

impl<'a, E: Send> Partitions<'a, E> {
    pub fn new(
        dictionary: &'a Dictionary,
        minimum: u64,
        total: u64,
        options: &'a Options,
        elsewhere: Option<&'a Elsewhere<'a, E>>,
    ) -> Self {
        Self {
            dictionary,
            options,
            elsewhere,
            waiting: Vec::new(),
            failed: None,
            minimum,
            total,
            lines: Vec::new(),
            baskets: 0,
            mined: 0,
            candidates: Candidates::default(),
            is_too_many: false,
        }
    }

    /// Partitions in all, the one being filled included.
    pub fn number(&self) -> usize {
        self.mined + usize::from(self.baskets > 0 || self.mined == 0)
    }

    /// Adds baskets. Borders of partitions follow the baskets and the memory allowed alone, never the threads.
    pub fn add(&mut self, baskets: &Baskets) {
        let max_lines = (self.options.memory_bytes / 2 / BYTES_A_LINE).min(MAX_LINES);
        let chunks = baskets.chunks().len();
        for first in (0..chunks).step_by(CHUNKS) {
            let encode = |chunk| encode(chunk, self.dictionary, self.options.max_basket_items);
            let encoded: Vec<(Vec<u32>, u64)> = baskets.chunks().skip(first).take(CHUNKS).map(encode).collect();
            for (lines, number) in encoded {
                if !self.lines.is_empty() && self.lines.len() + lines.len() > max_lines {
                    self.close();
                }
                self.lines.extend(lines);
                self.baskets += number;
            }
        }
    }

    /// Mines the partition at the share asked for of all.
    fn close(&mut self) {
        let (lines, baskets) = (take(&mut self.lines), take(&mut self.baskets));
        self.mined += 1;
        if self.is_too_many || self.failed.is_some() {
            return;
        }
        // A set below this in every partition is below the least count in all.
        let share = u128::from(self.minimum) * u128::from(baskets);
        let minimum = u64::try_from(share.div_ceil(u128::from(self.total.max(1)))).unwrap_or(u64::MAX);
        let piece = Piece {
            lines,
            codes: self.dictionary.len() as u64,
            minimum,
            baskets,
            max_sets: self.max_sets() as u64,
            memory_bytes: (self.options.memory_bytes / 2) as u64,
            max_items: self.options.max_items as u64,
        };
        match self.elsewhere {
            None => self.keep(piece.search()),
            Some(elsewhere) => {
                self.waiting.push(piece);
                if self.waiting.len() >= elsewhere.at_once {
                    self.send(elsewhere);
                }
            }
        }
    }

    fn max_sets(&self) -> usize {
        self.options.max_itemsets.saturating_mul(CANDIDATES_A_SET)
    }

    /// What is frequent in one more partition; none where that is more than may be kept.
    fn keep(&mut self, found: Option<Sets>) {
        let Some(found) = found else {
            self.is_too_many = true;
            return;
        };
        self.candidates.add(found);
        let (sets, codes) = self.candidates.size();
        self.is_too_many |= sets > self.max_sets() || codes > self.options.memory_bytes / 8;
    }

    /// Has the waiting partitions searched elsewhere, side by side. What is no answer is searched for here.
    fn send(&mut self, elsewhere: &Elsewhere<'_, E>) {
        let waiting = take(&mut self.waiting);
        let answers: Vec<Result<Vec<u8>, E>> = thread::scope(|scope| {
            let asked = waiting.iter().map(|piece| scope.spawn(move || (elsewhere.send)(piece.to_bytes())));
            let asked: Vec<_> = asked.collect();
            asked.into_iter().map(|answer| answer.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
        });
        for (piece, answer) in waiting.into_iter().zip(answers) {
            match answer {
                Ok(bytes) => self.keep(answered(&bytes).unwrap_or_else(|()| piece.search())),
                Err(error) => self.failed = Some(error),
            }
        }
    }

    /// What there is, after the last basket. `limit` is that of the result.
    pub fn finish(mut self, limit: &Limit) -> Result<Found, E> {
        if self.mined == 0 {
            let codes = self.dictionary.len();
            return Ok(Found::Sets(search(&Database::new(self.lines, codes), codes, limit, self.options.max_items)));
        }
        if self.baskets > 0 {
            self.close();
        }
        if let Some(elsewhere) = self.elsewhere {
            self.send(elsewhere);
        }
        match self.failed {
            Some(error) => Err(error),
            None if self.is_too_many => Ok(Found::TooMany),
            None => Ok(Found::Candidates(self.candidates)),
        }
    }
}

/// The baskets that hold two frequent items or more, and the number of all that take part.
fn encode<'a>(chunk: impl Iterator<Item = &'a [u32]>, dictionary: &Dictionary, max_basket_items: usize) -> (Vec<u32>, u64) {
    let (mut lines, mut number) = (Vec::new(), 0);
    let mut codes = Vec::new();
    for basket in chunk.filter(|basket| basket.len() <= max_basket_items) {
        number += 1;
        dictionary.encode(basket, &mut codes);
        if codes.len() > 1 {
            lines.extend_from_slice(&codes);
            lines.push(END);
        }
    }
    (lines, number)
}
