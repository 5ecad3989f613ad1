//! Rules of one consequent, from frequent itemsets.
//!
//! Every item of an itemset of two or more is the consequent of one rule, and the others are its antecedent. Beside the
//! measures of [`Counts`]:
//!
//! * `fisher_p`: Fisher's exact test that the antecedent draws the consequent, one-sided; `q_value` corrects it for the
//!   number of rules (Benjamini and Hochberg 1995).
//! * `improvement`: the confidence less the best confidence of any shorter antecedent, the empty one included, whose
//!   confidence is the consequent's share of all baskets (Bayardo, Agrawal and Gunopulos, *Constraint-Based Rule Mining*,
//!   ICDE 1999).
//! * `is_redundant`: the improvement is not above 0; a shorter rule says as much.
//! * `is_productive`: after Webb (*Discovering Significant Patterns*, Machine Learning 68, 2007), the confidence is beyond
//!   chance above that of the empty antecedent and of each antecedent that lacks one item. The latter is Fisher's test among
//!   the baskets of the shorter antecedent, of the missing item against the consequent; each p value is at most 0.05.

#![allow(clippy::indexing_slicing, reason = "rows are cut by numbers made from their own lengths")]

use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};

use crate::false_discovery::q_values;
use crate::fisher::upper_tail;
use crate::itemset_index::ItemsetIndex;
use crate::measures::Counts;
use crate::mined::Mined;
use crate::options::Options;
use crate::text::bytes;

/// A p value that is taken to be beyond chance.
const SIGNIFICANT: f64 = 0.05;
/// Itemsets that one step of work takes.
const CHUNK: usize = 1024;

/// Who buys the antecedent also buys the consequent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule<'a> {
    /// Place among all rules, from 1.
    pub id: u64,
    /// Both sides together, in order of name.
    pub itemset: &'a [u32],
    pub consequent: u32,
    pub counts: Counts,
    pub fisher_p: f64,
    pub q_value: f64,
    pub improvement: f64,
    pub is_redundant: bool,
    pub is_productive: bool,
}

impl Rule<'_> {
    /// The items of the antecedent in order of name.
    pub fn antecedent(&self) -> impl Iterator<Item = u32> {
        self.itemset.iter().copied().filter(|item| *item != self.consequent)
    }
}

/// The rules of sufficient confidence, by lift, then support, both descending, then by the text of antecedent and consequent.
pub fn rules<'a>(mined: &'a Mined, names: &[String], options: &Options) -> Vec<Rule<'a>> {
    let source = Source { mined, index: ItemsetIndex::new(mined), options };
    let mut rules = Vec::new();
    let mut best = Vec::new();
    for size in 2..=mined.sizes.len() {
        let (found, next) = source.of_size(size, &best);
        rules.extend(found);
        best = next;
    }
    let p_values: Vec<f64> = rules.iter().map(|rule| rule.fisher_p).collect();
    rules.iter_mut().zip(q_values(&p_values)).for_each(|(rule, q)| rule.q_value = q);
    let mut rules: Vec<(f64, Rule<'_>)> = rules.into_iter().map(|rule| (rule.counts.lift(), rule)).collect();
    rules.par_sort_unstable_by(|(left_lift, left), (right_lift, right)| {
        let antecedents = || bytes(left.antecedent(), names).cmp(bytes(right.antecedent(), names));
        let consequents = || bytes([left.consequent].into_iter(), names).cmp(bytes([right.consequent].into_iter(), names));
        // Items of equal names are apart by their numbers.
        let numbers = || (left.itemset, left.consequent).cmp(&(right.itemset, right.consequent));
        let support = right.counts.both.cmp(&left.counts.both);
        right_lift.total_cmp(left_lift).then(support).then_with(antecedents).then_with(consequents).then_with(numbers)
    });
    rules.into_iter().zip(1..).map(|((_, rule), id)| Rule { id, ..rule }).collect()
}

/// What rules are made of.
struct Source<'a, 'o> {
    mined: &'a Mined,
    index: ItemsetIndex<'a>,
    options: &'o Options,
}

impl<'a> Source<'a, '_> {
    /// The rules of the itemsets of one size, and for each item of each itemset, in order, the best confidence in it of the
    /// others or any part of them. `shorter` is the latter for the size before.
    fn of_size(&self, size: usize, shorter: &[f64]) -> (Vec<Rule<'a>>, Vec<f64>) {
        let of_size = &self.mined.sizes[size - 1];
        let chunks = of_size.items.par_chunks(size * CHUNK).zip(of_size.orders.par_chunks(CHUNK));
        let made: Vec<(Vec<Rule<'a>>, Vec<f64>)> = chunks
            .map(|(items, orders)| {
                let (mut rules, mut best) = (Vec::new(), Vec::with_capacity(items.len()));
                for (itemset, orders) in items.chunks_exact(size).zip(orders) {
                    self.of_itemset(itemset, *orders, shorter, &mut rules, &mut best);
                }
                (rules, best)
            })
            .collect();
        let (mut rules, mut best) = (Vec::new(), Vec::with_capacity(of_size.items.len()));
        for (more_rules, more_best) in made {
            rules.extend(more_rules);
            best.extend(more_best);
        }
        (rules, best)
    }

    fn of_itemset(&self, itemset: &'a [u32], both: u64, shorter: &[f64], rules: &mut Vec<Rule<'a>>, best: &mut Vec<f64>) {
        // All that lack one item: the antecedent is one of them, the others hold the consequent and a shorter antecedent.
        let parts: Vec<Part> = (0..itemset.len()).map(|lacking| self.part(itemset, lacking)).collect();
        for (place, (consequent, part)) in itemset.iter().zip(&parts).enumerate() {
            let total = self.mined.facts.baskets;
            let single = self.index.orders(&[*consequent]).unwrap_or(both);
            let counts = Counts { antecedent: part.orders, consequent: single, both, total };
            let empty = Counts { antecedent: total, consequent: single, both: single, total }.confidence();
            let others = || parts.iter().enumerate().filter(|(lacking, _)| *lacking != place);
            let confidence_of = |(lacking, other): (usize, &Part)| {
                let at = other.row * (itemset.len() - 1) + place - usize::from(lacking < place);
                shorter.get(at).copied().unwrap_or(0.0)
            };
            let known = others().map(confidence_of).fold(empty, f64::max);
            let confidence = counts.confidence();
            best.push(confidence.max(known));
            if self.options.is_confident(both, counts.antecedent) {
                let fisher_p = counts.fisher_p();
                let improvement = confidence - known;
                let betters = |(lacking, other): (usize, &Part)| self.is_better(itemset, [place, lacking], counts, other.orders);
                rules.push(Rule {
                    id: 0,
                    itemset,
                    consequent: *consequent,
                    counts,
                    fisher_p,
                    q_value: 1.0,
                    improvement,
                    is_redundant: improvement <= 0.0,
                    is_productive: fisher_p <= SIGNIFICANT && others().all(betters),
                });
            }
        }
    }

    fn part(&self, itemset: &[u32], lacking: usize) -> Part {
        let items = without(itemset, [lacking, lacking]);
        // What lacks an item of a frequent itemset is frequent too.
        let row = self.index.row(&items).unwrap_or(0);
        Part { row, orders: self.mined.sizes[items.len() - 1].orders[row] }
    }

    /// Whether a rule beats the one whose antecedent lacks an item more. `shorter_both` is the baskets of the latter's sides.
    fn is_better(&self, itemset: &[u32], [place, lacking]: [usize; 2], counts: Counts, shorter_both: u64) -> bool {
        let shorter = without(itemset, [place, lacking]);
        let antecedent = if shorter.is_empty() { Some(counts.total) } else { self.index.orders(&shorter) };
        antecedent.is_some_and(|all| upper_tail(all, shorter_both, counts.antecedent, counts.both) <= SIGNIFICANT)
    }
}

/// An itemset less one item.
struct Part {
    /// Its row among the itemsets of its size.
    row: usize,
    orders: u64,
}

/// The items at all places but two.
fn without(itemset: &[u32], places: [usize; 2]) -> Vec<u32> {
    itemset.iter().zip(0..).filter(|(_, place)| !places.contains(place)).map(|(item, _)| *item).collect()
}
