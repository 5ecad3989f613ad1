//! Mining frequent itemsets.
//!
//! An itemset is frequent if the number of baskets that hold all its items reaches the least count: the least support rounded
//! up to whole baskets, and the floor. Baskets of more items than allowed take no part and are no part of the total.
//!
//! The baskets are read twice: to count single items, then to recode those that hold two frequent ones or more. Where that
//! is more than half of the memory allowed, it is cut into partitions, each is mined at the same share as it is filled, and a
//! third reading counts what was frequent in any of them. The result is the same.

mod bitmaps;
mod candidates;
mod database;
mod dictionary;
mod limit;
mod partitions;
mod piece;
mod search;
mod sets;

use std::convert::Infallible;

use rayon::iter::ParallelIterator;

use crate::baskets::Baskets;
use crate::mined::{Facts, Mined, Raw};
use crate::options::Options;
use candidates::Tree;
use dictionary::{Census, Dictionary};
use limit::Limit;
use partitions::{Found, Partitions};
pub use piece::{Elsewhere, search_bytes};

/// The frequent itemsets of the baskets. `names` gives each item's text, which orders the result; an item beyond them has none.
pub fn mine(baskets: &Baskets, names: &[String], options: &Options) -> Mined {
    let scan = |visit: &mut dyn FnMut(&Baskets)| {
        visit(baskets);
        Ok::<(), Infallible>(())
    };
    match run(scan, names, options, None) {
        Ok(mined) => mined,
        Err(never) => match never {},
    }
}

/// The same, with the partitions searched elsewhere where the baskets are cut into some.
pub fn mine_elsewhere<E: Send>(
    baskets: &Baskets,
    names: &[String],
    options: &Options,
    elsewhere: &Elsewhere<'_, E>,
) -> Result<Mined, E> {
    let scan = |visit: &mut dyn FnMut(&Baskets)| {
        visit(baskets);
        Ok(())
    };
    run(scan, names, options, Some(elsewhere))
}

/// The frequent itemsets of baskets that come in parts, 0 and on until there is none; the same as of all in one.
///
/// The parts are read twice, or three times where their frequent items do not fit in memory, and have to be the same each
/// time. One exception to the sameness: where a partition alone has far more frequent sets than may be kept, the least count
/// rises by quarters, and may end above the lowest that would do.
pub fn mine_in_parts<E: Send>(
    mut parts: impl FnMut(usize) -> Result<Option<Baskets>, E>,
    names: &[String],
    options: &Options,
) -> Result<Mined, E> {
    let scan = |visit: &mut dyn FnMut(&Baskets)| {
        let mut part = 0;
        while let Some(baskets) = parts(part)? {
            visit(&baskets);
            part += 1;
        }
        Ok(())
    };
    run(scan, names, options, None)
}

fn run<E: Send>(
    mut scan: impl FnMut(&mut dyn FnMut(&Baskets)) -> Result<(), E>,
    names: &[String],
    options: &Options,
    elsewhere: Option<&Elsewhere<'_, E>>,
) -> Result<Mined, E> {
    let mut census = Census::default();
    scan(&mut |baskets| census.add(baskets, options.max_basket_items))?;
    let mut minimum = options.minimum_count(census.baskets);
    loop {
        let limit = limit_of_singles(&census, minimum, options);
        let dictionary = Dictionary::new(&census.counts, limit.minimum());
        let mut partitions = Partitions::new(&dictionary, limit.minimum(), census.baskets, options, elsewhere);
        if options.max_items > 1 && dictionary.len() > 1 {
            scan(&mut |baskets| partitions.add(baskets))?;
        }
        let number = partitions.number();
        let sets = match partitions.finish(&limit)? {
            Found::Sets(sets) => sets,
            Found::Candidates(mut candidates) => {
                let tree = candidates.link(dictionary.len());
                let mut counts = tree.zeros();
                scan(&mut |baskets| tally(baskets, &tree, &dictionary, options, &mut counts))?;
                let sets = tree.counted(&counts);
                limit.count(sets.counts());
                sets
            }
            Found::TooMany => {
                minimum = minimum.saturating_add((minimum / 4).max(1));
                continue;
            }
        };
        let facts = facts(&census, limit.minimum(), number, options);
        let rows = sets.levels.into_iter().skip(1).map(|level| (level.items, level.orders)).collect();
        return Ok(Mined::new(Raw { items: &dictionary.items, counts: &dictionary.counts, rows }, names, facts));
    }
}

/// A limit that knows of the frequent items.
fn limit_of_singles(census: &Census, minimum: u64, options: &Options) -> Limit {
    let largest = census.counts.iter().copied().max().unwrap_or(0);
    let limit = Limit::new(minimum, largest, options.max_itemsets, options.memory_bytes / 4);
    limit.count(census.counts.iter().map(|count| (*count, 1)));
    limit
}

/// Adds a part's counts of the candidates.
fn tally(baskets: &Baskets, tree: &Tree<'_>, dictionary: &Dictionary, options: &Options, counts: &mut [Vec<u64>]) {
    let empty = || (tree.zeros(), Vec::new());
    let counted = baskets.chunks().fold(empty, |(mut counts, mut codes), chunk| {
        for basket in chunk.filter(|basket| basket.len() <= options.max_basket_items) {
            dictionary.encode(basket, &mut codes);
            tree.count(&codes, &mut counts);
        }
        (counts, codes)
    });
    let plus = |mut sum: Vec<Vec<u64>>, more: Vec<Vec<u64>>| {
        sum.iter_mut().flatten().zip(more.into_iter().flatten()).for_each(|(sum, more)| *sum += more);
        sum
    };
    // Sums of integers are the same in any order.
    let counted = counted.map(|(counts, _)| counts).reduce(|| tree.zeros(), plus);
    counts.iter_mut().flatten().zip(counted.into_iter().flatten()).for_each(|(sum, more)| *sum += more);
}

#[allow(clippy::cast_precision_loss, reason = "counts of baskets are far below 2^52")]
fn facts(census: &Census, minimum_count: u64, partitions: usize, options: &Options) -> Facts {
    let requested_support = options.requested_support();
    let is_raised = minimum_count > options.count_of_share(census.baskets).max(1) && census.baskets > 0;
    let raised = minimum_count.min(census.baskets) as f64 / census.baskets as f64;
    Facts {
        baskets: census.baskets,
        items: 0,
        excluded_large: census.excluded,
        requested_support,
        effective_support: if is_raised { raised.max(requested_support) } else { requested_support },
        minimum_count,
        longest_itemset: 0,
        partitions,
    }
}
