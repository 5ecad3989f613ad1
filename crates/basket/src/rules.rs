//! Rules: who buys the antecedent also buys the consequent, one item.
//!
//! `improvement` is the confidence less the best confidence of any part of the antecedent, nothing at all included, for the
//! same consequent (Bayardo, Agrawal and Gunopulos 2000); a rule without any says no more than a shorter one and is
//! redundant. A rule is productive if each of its shorter forms, one item of the antecedent left out, is bettered by more
//! than chance: among the baskets of the shorter antecedent, Fisher's exact test between the item left out and the consequent
//! has p <= 0.05 (Webb, "Discovering Significant Patterns", Machine Learning 68 (2007), p. 1). `q_value` is Benjamini and
//! Hochberg's, over all rules there are: the share of false rules to expect among those up to this one.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::fisher;
use crate::itemsets::Itemsets;
use crate::measures::Counts;
use crate::mine::{Mined, Options, PARTS, by_name};

/// What a rule's shorter forms are bettered by at most by chance.
const SIGNIFICANT: f64 = 0.05;

#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Items of the antecedent, ascending by number.
    pub antecedent: Vec<u32>,
    pub consequent: u32,
    pub orders_antecedent: u64,
    pub orders_consequent: u64,
    pub orders_both: u64,
    pub orders_total: u64,
    pub support: f64,
    pub confidence: f64,
    pub lift: f64,
    pub lift_low: f64,
    pub leverage: f64,
    /// None where the rule never fails.
    pub conviction: Option<f64>,
    pub zhang: f64,
    pub jaccard: f64,
    pub certainty: f64,
    pub kulczynski: f64,
    pub chi_square: f64,
    pub fisher_p: f64,
    pub q_value: f64,
    pub improvement: f64,
    /// The rule never fails.
    pub is_exact: bool,
    /// A part of the antecedent says as much.
    pub is_redundant: bool,
    /// Each item of the antecedent adds something that is not chance.
    pub is_productive: bool,
}

/// The rules of the itemsets, best lift first; then by support, then by the texts of antecedent and consequent.
pub fn rules(mined: &Mined, names: &[String], options: &Options) -> Vec<Rule> {
    let sets = &mined.itemsets;
    let book = Book { sets, index: sets.index(), all: mined.facts.baskets, counts: &mined.counts };
    let best = book.best_confidences();
    let mut rules: Vec<Rule> = (0..sets.len())
        .into_par_iter()
        .flat_map_iter(|set| (0..sets.items(set).len()).map(move |place| (set, place)))
        .filter_map(|(set, place)| book.rule(set, place, &best, options))
        .collect();
    correct(&mut rules);
    let text = |rule: &Rule| (by_name(&rule.antecedent, names), by_name(&[rule.consequent], names));
    rules.sort_by(|a, b| {
        let measures = b.lift.total_cmp(&a.lift).then(b.orders_both.cmp(&a.orders_both));
        measures.then_with(|| text(a).cmp(&text(b))).then_with(|| (&a.antecedent, a.consequent).cmp(&(&b.antecedent, b.consequent)))
    });
    rules
}

/// Benjamini and Hochberg: p times the number of rules over its rank, never more than that of a greater p.
#[allow(clippy::cast_precision_loss, reason = "rules are fewer than 2^53")]
fn correct(rules: &mut [Rule]) {
    let tests = rules.len() as f64;
    let mut order: Vec<usize> = (0..rules.len()).collect();
    let p = |place: &usize| rules.get(*place).map_or(1.0, |rule| rule.fisher_p);
    order.sort_by(|a, b| p(a).total_cmp(&p(b)).then(a.cmp(b)));
    let ranked: Vec<(usize, f64)> = order.iter().map(|place| (*place, p(place))).collect();
    let mut least: f64 = 1.0;
    for (rank, (place, p)) in ranked.into_iter().enumerate().rev() {
        least = least.min(p * tests / (rank + 1) as f64);
        if let Some(rule) = rules.get_mut(place) {
            rule.q_value = least;
        }
    }
}

struct Book<'a> {
    sets: &'a Itemsets,
    index: HashMap<&'a [u32], usize>,
    all: u64,
    /// Of single items.
    counts: &'a [u64],
}

fn without(items: &[u32], place: usize) -> Vec<u32> {
    items.iter().enumerate().filter(|(at, _)| *at != place).map(|(_, item)| *item).collect()
}

#[allow(clippy::cast_precision_loss, reason = "counts of baskets are far below 2^53")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

impl Book<'_> {
    /// Baskets of a set; the parts of a frequent set are frequent, so they are known.
    fn count(&self, items: &[u32]) -> u64 {
        match items {
            [] => self.all,
            [item] => self.counts.get(*item as usize).copied().unwrap_or(0),
            _ => self.index.get(items).map_or(0, |set| self.sets.count(*set)),
        }
    }

    /// For each set and each item of it as the consequent, at the item's place among those of all sets: the best confidence
    /// of the rest of the set or any part of it.
    fn best_confidences(&self) -> Vec<f64> {
        let mut best = vec![0.0; self.sets.range(self.sets.len().saturating_sub(1)).end];
        let mut order: Vec<usize> = (0..self.sets.len()).collect();
        order.sort_by_key(|set| self.sets.items(*set).len());
        for set in order {
            let items = self.sets.items(set);
            for place in 0..items.len() {
                let value = self.parts_best(items, place, &best).max(share(self.sets.count(set), self.count(&without(items, place))));
                if let Some(slot) = best.get_mut(self.sets.range(set).start + place) {
                    *slot = value;
                }
            }
        }
        best
    }

    /// The best confidence of a true part of the antecedent, nothing at all included.
    fn parts_best(&self, items: &[u32], place: usize, best: &[f64]) -> f64 {
        let consequent = items.get(place).copied().unwrap_or(0);
        if items.len() <= 2 {
            return share(self.count(&[consequent]), self.all);
        }
        let of_part = |left_out: usize| {
            let part = without(items, left_out);
            let set = self.index.get(part.as_slice())?;
            let at = part.iter().position(|item| *item == consequent)?;
            best.get(self.sets.range(*set).start + at).copied()
        };
        (0..items.len()).filter(|at| *at != place).filter_map(of_part).fold(0.0, f64::max)
    }

    fn rule(&self, set: usize, place: usize, best: &[f64], options: &Options) -> Option<Rule> {
        let items = self.sets.items(set);
        if items.len() < 2 {
            return None;
        }
        let antecedent = without(items, place);
        let consequent = items.get(place).copied()?;
        let counts = Counts {
            antecedent: self.count(&antecedent),
            consequent: self.count(&[consequent]),
            both: self.sets.count(set),
            all: self.all,
        };
        let confident = u128::from(counts.both) * u128::from(PARTS);
        if confident < u128::from(options.min_confidence_ppb) * u128::from(counts.antecedent) {
            return None;
        }
        let improvement = counts.confidence() - self.parts_best(items, place, best);
        Some(Rule {
            is_productive: self.is_productive(&antecedent, consequent, counts),
            antecedent,
            consequent,
            orders_antecedent: counts.antecedent,
            orders_consequent: counts.consequent,
            orders_both: counts.both,
            orders_total: counts.all,
            support: counts.support(),
            confidence: counts.confidence(),
            lift: counts.lift(),
            lift_low: counts.lift_low(),
            leverage: counts.leverage(),
            conviction: counts.conviction(),
            zhang: counts.zhang(),
            jaccard: counts.jaccard(),
            certainty: counts.certainty(),
            kulczynski: counts.kulczynski(),
            chi_square: counts.chi_square(),
            fisher_p: fisher::at_least(counts.both, counts.antecedent, counts.consequent, counts.all),
            q_value: 1.0,
            improvement,
            is_exact: counts.both == counts.antecedent,
            is_redundant: improvement <= 0.0,
        })
    }

    fn is_productive(&self, antecedent: &[u32], consequent: u32, counts: Counts) -> bool {
        (0..antecedent.len()).all(|left_out| {
            let shorter = without(antecedent, left_out);
            let mut with_consequent = shorter.clone();
            with_consequent.push(consequent);
            with_consequent.sort_unstable();
            let (all, marked) = (self.count(&shorter), self.count(&with_consequent));
            fisher::at_least(counts.both, counts.antecedent, marked, all) <= SIGNIFICANT
        })
    }
}
