//! Sets that are frequent in some part of the baskets, counted in all of them.
//!
//! A set in a share of all baskets is in that share of at least one part (Savasere, Omiecinski and Navathe, *An Efficient
//! Algorithm for Mining Association Rules in Large Databases*, VLDB 1995). So the sets frequent in some part are all there can
//! be, and a second reading counts them exactly. They are kept as a tree: with any set stands the one without its last code.

#![allow(clippy::indexing_slicing, reason = "rows and children are indexed by numbers made from their own lengths")]

use crate::mine::sets::{Level, Sets};

/// Sets of two codes and more; level 0 holds those of two. Rows ascend, and each is there once.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    levels: Vec<Rows>,
}

/// Sets of one size, and the first of each one's children in the level below, with an end.
#[derive(Debug, Default)]
struct Rows {
    codes: Vec<u32>,
    children: Vec<usize>,
}

impl Candidates {
    /// Adds what was found in a part.
    pub fn add(&mut self, sets: Sets) {
        let found: Vec<Level> = sets.levels.into_iter().skip(1).collect();
        if self.levels.len() < found.len() {
            self.levels.resize_with(found.len(), Rows::default);
        }
        for ((rows, mut level), size) in self.levels.iter_mut().zip(found).zip(2..) {
            rows.codes.append(&mut level.items);
            rows.codes = ascending(&rows.codes, size);
        }
    }

    /// Sets and the codes in them.
    pub fn size(&self) -> (usize, usize) {
        let sets = self.levels.iter().zip(2..).map(|(rows, size)| rows.codes.len() / size).sum();
        (sets, self.levels.iter().map(|rows| rows.codes.len()).sum())
    }

    /// Ties every set to those that begin with it. `codes` is the number of codes.
    pub fn link(&mut self, codes: usize) -> Tree<'_> {
        let singles: Vec<u32> = (0..).take(codes).collect();
        let pairs = self.levels.first().map_or(&[][..], |rows| &rows.codes);
        let roots = children(&singles, 1, pairs);
        for level in 0..self.levels.len() {
            let below = self.levels.get(level + 1).map_or(&[][..], |rows| &rows.codes);
            self.levels[level].children = children(&self.levels[level].codes, level + 2, below);
        }
        Tree { levels: &self.levels, roots }
    }
}

/// Rows of one size, ascending and each once.
fn ascending(codes: &[u32], size: usize) -> Vec<u32> {
    let mut rows: Vec<&[u32]> = codes.chunks_exact(size).collect();
    rows.sort_unstable();
    rows.dedup();
    rows.concat()
}

/// For each row the first of those one code longer that begin with it, and an end; both ascend.
fn children(rows: &[u32], size: usize, longer: &[u32]) -> Vec<usize> {
    let mut firsts = Vec::with_capacity(rows.len() / size + 1);
    let mut at = 0;
    firsts.push(0);
    for row in rows.chunks_exact(size) {
        let begins = |child: &[u32]| &child[..size] == row;
        at += longer[at * (size + 1)..].chunks_exact(size + 1).take_while(|child| begins(child)).count();
        firsts.push(at);
    }
    firsts
}

/// Candidates that can be counted.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    levels: &'a [Rows],
    roots: Vec<usize>,
}

impl Tree<'_> {
    /// A count of zero for every set.
    pub fn zeros(&self) -> Vec<Vec<u64>> {
        self.levels.iter().zip(2..).map(|(rows, size)| vec![0; rows.codes.len() / size]).collect()
    }

    /// Counts the sets in a basket of ascending codes.
    pub fn count(&self, basket: &[u32], counts: &mut [Vec<u64>]) {
        for (at, code) in (1..).zip(basket) {
            let root = *code as usize;
            self.walk(0, self.roots[root], self.roots[root + 1], &basket[at..], counts);
        }
    }

    /// Counts the sets of rows `from..to` whose last code is in the rest of the basket, and those that begin with them.
    fn walk(&self, level: usize, from: usize, to: usize, rest: &[u32], counts: &mut [Vec<u64>]) {
        let Some(rows) = self.levels.get(level) else { return };
        let size = level + 2;
        let last = |row: usize| rows.codes[row * size + size - 1];
        let mut row = from;
        for (at, code) in (1..).zip(rest) {
            row += first_not_below(to - row, |ahead| last(row + ahead) < *code);
            if row == to {
                return;
            }
            if last(row) == *code {
                counts[level][row] += 1;
                self.walk(level + 1, rows.children[row], rows.children[row + 1], &rest[at..], counts);
            }
        }
    }

    /// The sets with their counts.
    pub fn counted(&self, counts: &[Vec<u64>]) -> Sets {
        let mut sets = Sets::default();
        for ((rows, orders), size) in self.levels.iter().zip(counts).zip(2..) {
            for (row, orders) in rows.codes.chunks_exact(size).zip(orders) {
                if let Some((last, prefix)) = row.split_last() {
                    sets.push(prefix, *last, *orders);
                }
            }
        }
        sets
    }
}

/// The first of `length` numbers for which `is_below` fails, where it fails for all after.
fn first_not_below(length: usize, is_below: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, length);
    while low < high {
        let middle = usize::midpoint(low, high);
        if is_below(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_counted_once_each() {
        let mut candidates = Candidates::default();
        for found in [&[(&[][..], 0), (&[0], 1), (&[0], 2), (&[1], 2), (&[0, 1], 2)][..], &[(&[1], 3), (&[0], 1), (&[], 3)]] {
            let mut sets = Sets::default();
            for (prefix, last) in found {
                sets.push(prefix, *last, 1);
            }
            candidates.add(sets);
        }
        assert_eq!(candidates.size(), (5, 11));
        let tree = candidates.link(5);
        let mut counts = tree.zeros();
        for basket in [&[0, 1, 2, 3, 4][..], &[0, 2], &[1, 3, 4], &[4]] {
            tree.count(basket, &mut counts);
        }
        assert_eq!(counts, [vec![1, 2, 1, 2], vec![1]]);
        assert_eq!(tree.counted(&counts).counts().collect::<Vec<_>>(), [(1, 2), (2, 2), (1, 2), (2, 2), (1, 3)]);
    }

    #[test]
    fn no_candidates() {
        let mut candidates = Candidates::default();
        let tree = candidates.link(3);
        let mut counts = tree.zeros();
        tree.count(&[0, 1, 2], &mut counts);
        assert_eq!(tree.counted(&counts).len(), 0);
    }
}
