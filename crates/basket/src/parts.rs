//! Mining baskets that do not fit in memory, part by part.
//!
//! A set that is frequent in all baskets is frequent, by the same share, in at least one part of them. So each part is mined
//! by itself, and what any of them found is counted in all of them: exact, in two passes (Savasere, Omiecinski and Navathe,
//! "An efficient algorithm for mining association rules in large databases", VLDB 1995, p. 432).

use std::collections::BTreeSet;

use crate::baskets::Baskets;
use crate::count::count;
use crate::frequent::frequent;
use crate::itemsets::Itemsets;
use crate::mine::{Mined, Options, Sizes, finish, raised, share_of, wanted};

/// The same as [`crate::mine`] over all parts together. `part` gives the part of a number, and nothing after the last; it is
/// called for each part at least twice.
pub fn mine_in_parts<E>(
    mut part: impl FnMut(usize) -> Result<Option<Baskets>, E>,
    names: &[String],
    options: &Options,
) -> Result<Mined, E> {
    let mut sizes = Sizes::default();
    let mut counts = vec![0_u64; names.len()];
    let mut parts = Vec::new();
    while let Some(baskets) = part(parts.len())? {
        let here = Sizes::of(&baskets, options);
        sizes.mined += here.mined;
        sizes.excluded += here.excluded;
        counts.iter_mut().zip(baskets.counts(names.len(), options.max_basket_items)).for_each(|(sum, more)| *sum += more);
        parts.push(here);
    }
    let mut minimum_count = sizes.minimum_count(options);
    let mut is_support_raised = false;
    loop {
        let found = candidates(&mut part, &parts, sizes, minimum_count, names, options)?;
        let itemsets = match found {
            Some(candidates) => counted(&mut part, parts.len(), &candidates, minimum_count, names, options)?,
            None => None,
        };
        if let Some(itemsets) = itemsets {
            return Ok(finish(&itemsets, counts, names, sizes, minimum_count, is_support_raised, options));
        }
        minimum_count = raised(minimum_count);
        is_support_raised = true;
    }
}

/// What is frequent in some part; nothing where one part alone has too many sets for all of them to stay within bounds.
fn candidates<E>(
    part: &mut impl FnMut(usize) -> Result<Option<Baskets>, E>,
    parts: &[Sizes],
    all: Sizes,
    minimum_count: u64,
    names: &[String],
    options: &Options,
) -> Result<Option<Vec<Vec<u32>>>, E> {
    let mut union: BTreeSet<Vec<u32>> = BTreeSet::new();
    for (number, sizes) in parts.iter().enumerate() {
        let Some(baskets) = part(number)? else { continue };
        // The part's share of the least number, so that a set below it in every part is below it in all.
        let here = (u128::from(minimum_count) * u128::from(sizes.mined)).div_ceil(u128::from(all.mined.max(1)));
        let here = u64::try_from(here).unwrap_or(u64::MAX).max(1);
        let counts = baskets.counts(names.len(), options.max_basket_items);
        // A small part may have many sets by chance; they are bounded, but not by what all parts together may have.
        let mut bounds = wanted(options, here);
        bounds.max_itemsets = bounds.max_itemsets.saturating_mul(4);
        let Some(found) = frequent(&baskets, &counts, bounds) else { return Ok(None) };
        union.extend(found.iter().map(|(items, _)| items.to_vec()));
    }
    debug_assert!(share_of(options.min_support_ppb, all.mined) <= minimum_count);
    Ok(Some(union.into_iter().collect()))
}

/// Candidates that are frequent in all parts together; nothing where there are too many.
fn counted<E>(
    part: &mut impl FnMut(usize) -> Result<Option<Baskets>, E>,
    parts: usize,
    candidates: &[Vec<u32>],
    minimum_count: u64,
    names: &[String],
    options: &Options,
) -> Result<Option<Itemsets>, E> {
    let mut totals = vec![0_u64; candidates.len()];
    for number in 0..parts {
        let Some(baskets) = part(number)? else { continue };
        let here = count(&baskets, names.len(), options.max_basket_items, candidates);
        totals.iter_mut().zip(here).for_each(|(sum, more)| *sum += more);
    }
    let mut itemsets = Itemsets::default();
    for (items, total) in candidates.iter().zip(totals).filter(|(_, total)| *total >= minimum_count) {
        itemsets.push(items.iter().copied(), total);
    }
    Ok((itemsets.len() <= options.max_itemsets.max(1)).then_some(itemsets))
}
