//! In how many baskets given itemsets are.

use crate::baskets::Baskets;

/// The baskets of each of `sets`, which come sorted; so two in a row share what they begin with, and the baskets of that are
/// found once.
pub(crate) fn count(baskets: &Baskets, items: usize, largest: usize, sets: &[Vec<u32>]) -> Vec<u64> {
    let holding = baskets.inverted(items, largest);
    let mut prefix: Vec<u32> = Vec::new();
    let mut found: Vec<Vec<u32>> = Vec::new();
    let mut counts = Vec::with_capacity(sets.len());
    for set in sets {
        let shared = prefix.iter().zip(set).take_while(|(a, b)| a == b).count();
        prefix.truncate(shared);
        found.truncate(shared);
        for item in set.iter().skip(shared) {
            let of_item = holding.get(*item as usize);
            let next = found.last().map_or_else(|| of_item.to_vec(), |before| intersection(before, of_item));
            prefix.push(*item);
            found.push(next);
        }
        counts.push(found.last().map_or(0, |baskets| baskets.len() as u64));
    }
    counts
}

fn intersection(few: &[u32], many: &[u32]) -> Vec<u32> {
    let mut rest = many;
    let mut both = Vec::new();
    for basket in few {
        rest = rest.get(rest.partition_point(|b| b < basket)..).unwrap_or_default();
        if rest.first() == Some(basket) {
            both.push(*basket);
        }
    }
    both
}
