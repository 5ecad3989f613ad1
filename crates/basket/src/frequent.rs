//! The search for frequent itemsets.
//!
//! Items are numbered by rising frequency and baskets are cut to their frequent items. The sets that start with one item, the
//! rarest of the set, are found in the baskets that hold it: what stands behind it there is counted in one array, which
//! gives the frequent pairs, and the rest of those baskets, cut to the items of such pairs, is searched in the same way.
//! So every pair costs one addition, no basket is looked at twice on one level, and the baskets shrink as sets grow.
//! (Depth first with a projection a level, as in Pei et al., `H-Mine`, 2001, and Uno et al., `LCM ver. 2`, 2004; against
//! Eclat's intersections of basket lists it needs no lists of its own, and no table of pairs.)
//!
//! Each first item is a task of its own; results are put together in the order of the items, so that the number of threads
//! changes nothing.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "ranks are below the number of frequent items, which is below 2^32, and offsets below the items of all baskets"
)]

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::baskets::Baskets;
use crate::itemsets::Itemsets;

/// What to search for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub min_count: u64,
    pub max_items: usize,
    pub largest_basket: usize,
    pub max_itemsets: usize,
}

/// Baskets of ranks, ascending, one after the other.
#[derive(Default)]
struct Projection {
    ends: Vec<usize>,
    ranks: Vec<u32>,
}

impl Projection {
    fn clear(&mut self) {
        self.ends.clear();
        self.ranks.clear();
    }

    fn iter(&self) -> impl Iterator<Item = &[u32]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.ranks[start..*end])
    }
}

/// One thread's arrays.
struct Scratch {
    /// By rank; zero between uses.
    counts: Vec<u64>,
    levels: Vec<Projection>,
    prefix: Vec<u32>,
    found: Itemsets,
}

struct Search<'a> {
    wanted: Wanted,
    /// The item of each rank.
    items: Vec<u32>,
    found: &'a AtomicUsize,
}

/// All itemsets of at least two items and of at least `min_count` baskets, and single items too; none where there are more
/// than `max_itemsets`. `counts` are those of the items.
pub(crate) fn frequent(baskets: &Baskets, counts: &[u64], wanted: Wanted) -> Option<Itemsets> {
    let mut items: Vec<u32> = (0..counts.len() as u32).filter(|item| counts[*item as usize] >= wanted.min_count).collect();
    items.sort_unstable_by_key(|item| (counts[*item as usize], *item));
    let total = AtomicUsize::new(items.len());
    if items.len() > wanted.max_itemsets {
        return None;
    }
    let ranked = ranked(baskets, counts.len(), &items, wanted.largest_basket);
    let holding = ranked.inverted(items.len(), usize::MAX);
    let search = Search { wanted, items, found: &total };
    let parts: Vec<Option<Itemsets>> = (0..search.items.len() as u32)
        .into_par_iter()
        .map_init(|| search.scratch(), |scratch, rank| search.first(rank, &ranked, &holding, scratch))
        .collect();
    let mut all = Itemsets::default();
    for item in &search.items {
        all.push(std::iter::once(*item), counts[*item as usize]);
    }
    for part in parts {
        all.append(&part?);
    }
    Some(all)
}

/// Baskets cut to frequent items, as ranks, without those that have no pair left.
fn ranked(baskets: &Baskets, items: usize, frequent: &[u32], largest: usize) -> Baskets {
    let mut rank = vec![u32::MAX; items];
    for (place, item) in (0_u32..).zip(frequent) {
        rank[*item as usize] = place;
    }
    let mut ranked = Baskets::default();
    let mut basket = Vec::new();
    for items in baskets.iter().filter(|b| b.len() <= largest) {
        basket.clear();
        basket.extend(items.iter().map(|item| rank[*item as usize]).filter(|rank| *rank != u32::MAX));
        if basket.len() > 1 {
            ranked.push(&mut basket);
        }
    }
    ranked
}

impl Search<'_> {
    fn scratch(&self) -> Scratch {
        Scratch {
            counts: vec![0; self.items.len()],
            levels: (0..self.wanted.max_items).map(|_| Projection::default()).collect(),
            prefix: Vec::new(),
            found: Itemsets::default(),
        }
    }

    /// The sets whose rarest item has this rank; none once there are too many.
    fn first(&self, rank: u32, ranked: &Baskets, holding: &Baskets, scratch: &mut Scratch) -> Option<Itemsets> {
        if self.wanted.max_items < 2 {
            return Some(Itemsets::default());
        }
        let rest = |basket: u32| {
            let ranks = ranked.get(basket as usize);
            &ranks[ranks.partition_point(|r| *r <= rank)..]
        };
        let mut projection = std::mem::take(&mut scratch.levels[0]);
        projection.clear();
        for basket in holding.get(rank as usize) {
            let rest = rest(*basket);
            if !rest.is_empty() {
                projection.ranks.extend_from_slice(rest);
                projection.ends.push(projection.ranks.len());
            }
        }
        scratch.prefix.push(rank);
        let done = self.deeper(&projection, scratch);
        scratch.prefix.pop();
        scratch.levels[0] = projection;
        done.then(|| std::mem::take(&mut scratch.found))
    }

    /// The sets that lengthen the prefix by items of `projection`, the baskets behind the prefix. False once there are too many.
    fn deeper(&self, projection: &Projection, scratch: &mut Scratch) -> bool {
        let mut seen: Vec<u32> = Vec::new();
        for rank in &projection.ranks {
            let count = &mut scratch.counts[*rank as usize];
            if *count == 0 {
                seen.push(*rank);
            }
            *count += 1;
        }
        seen.sort_unstable();
        let mut extensions: Vec<(u32, u64)> = Vec::new();
        for rank in seen {
            let count = std::mem::take(&mut scratch.counts[rank as usize]);
            if count >= self.wanted.min_count {
                extensions.push((rank, count));
            }
        }
        if self.found.fetch_add(extensions.len(), Ordering::Relaxed) + extensions.len() > self.wanted.max_itemsets {
            return false;
        }
        let depth = scratch.prefix.len();
        for (rank, count) in &extensions {
            let items = scratch.prefix.iter().chain([rank]).map(|r| self.items[*r as usize]);
            scratch.found.push(items.collect::<Vec<_>>().into_iter(), *count);
        }
        if depth + 1 >= self.wanted.max_items || extensions.len() < 2 {
            return true;
        }
        let is_extension = |rank: u32| extensions.binary_search_by_key(&rank, |(r, _)| *r).is_ok();
        // All but the last, behind which nothing stands.
        for (rank, _) in &extensions[..extensions.len() - 1] {
            let mut next = std::mem::take(&mut scratch.levels[depth]);
            next.clear();
            for ranks in projection.iter() {
                if let Ok(place) = ranks.binary_search(rank) {
                    let start = next.ranks.len();
                    next.ranks.extend(ranks[place + 1..].iter().copied().filter(|r| is_extension(*r)));
                    if next.ranks.len() > start {
                        next.ends.push(next.ranks.len());
                    }
                }
            }
            scratch.prefix.push(*rank);
            let done = self.deeper(&next, scratch);
            scratch.prefix.pop();
            scratch.levels[depth] = next;
            if !done {
                return false;
            }
        }
        true
    }
}
