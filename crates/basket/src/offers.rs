//! What to offer each customer next.
//!
//! Every product a customer owns speaks for its companions with their score by rules; what is owned already is left out, and
//! the sums rank. Where they do not fill the list, best sellers of the customer's segment follow.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "items are below the number of items, customers and ranks below 2^32; counts are below 2^53"
)]

use rayon::prelude::*;

use crate::baskets::Baskets;
use crate::recommend::{Basis, Recommendation};

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Offer {
    /// Place of the customer among `owned`.
    pub customer: u32,
    /// 1 for the best.
    pub rank: u32,
    pub item: u32,
    /// By rules, the sum of the companions' scores, above 0; by popularity, the share of the segment that owns it, less 1.
    pub score: f64,
    /// The owned item that speaks for it most.
    pub because: Option<u32>,
    pub basis: Basis,
}

/// Customers to a task; fixed, so that the parts are the same for any number of threads.
const CHUNK: usize = 4096;

/// The sums of one customer, by item; zero between customers.
struct Votes {
    sum: Vec<f64>,
    best: Vec<(f64, u32)>,
    is_owned: Vec<bool>,
    seen: Vec<u32>,
}

/// `offers` products for each customer, customer after customer and rank after rank. `segments` holds the segment of each
/// customer; `recommendations` come item after item, as [`crate::recommend()`] gives them.
pub fn next_best(
    owned: &Baskets,
    segments: &[Option<u32>],
    recommendations: &[Recommendation],
    items: usize,
    offers: usize,
) -> Vec<Offer> {
    let rules = Rules::of(recommendations, items);
    let popular = popular(owned, segments, items);
    let customers: Vec<u32> = (0..owned.len() as u32).collect();
    let lists: Vec<Vec<Offer>> = customers
        .par_chunks(CHUNK)
        .map_init(
            || Votes { sum: vec![0.0; items], best: vec![(0.0, 0); items], is_owned: vec![false; items], seen: Vec::new() },
            |votes, customers| {
                let mut list = Vec::with_capacity(customers.len() * offers);
                for customer in customers {
                    let segment = segments.get(*customer as usize).copied().flatten().map_or(0, |s| s as usize + 1);
                    one(*customer, owned.get(*customer as usize), &rules, &popular[segment], offers, votes, &mut list);
                }
                list
            },
        )
        .collect();
    lists.into_iter().flatten().collect()
}

/// The companions by rules of each item.
struct Rules {
    ends: Vec<usize>,
    links: Vec<(u32, f64)>,
}

impl Rules {
    fn of(recommendations: &[Recommendation], items: usize) -> Self {
        let mut ends = vec![0; items + 1];
        let mut links = Vec::new();
        for companion in recommendations.iter().filter(|r| r.basis == Basis::Rules) {
            links.push((companion.recommended, companion.score));
            ends[companion.item as usize + 1] = links.len();
        }
        for place in 1..ends.len() {
            ends[place] = ends[place].max(ends[place - 1]);
        }
        Self { ends, links }
    }

    fn of_item(&self, item: u32) -> &[(u32, f64)] {
        &self.links[self.ends[item as usize]..self.ends[item as usize + 1]]
    }
}

/// Of everybody (place 0) and of each segment (one place up): items by number of owners, and the owners' share.
fn popular(owned: &Baskets, segments: &[Option<u32>], items: usize) -> Vec<Vec<(u32, f64)>> {
    let last = segments.iter().flatten().max().map_or(0, |last| *last as usize + 1);
    let mut owners = vec![vec![0_u64; items]; last + 1];
    let mut customers = vec![0_u64; last + 1];
    for (customer, items) in owned.iter().enumerate() {
        let own = segments.get(customer).copied().flatten().map(|s| s as usize + 1);
        for group in std::iter::once(0).chain(own) {
            customers[group] += 1;
            items.iter().for_each(|item| owners[group][*item as usize] += 1);
        }
    }
    let ranked = |(owners, customers): (Vec<u64>, u64)| {
        let mut ranked: Vec<u32> = (0..items as u32).filter(|item| owners[*item as usize] > 0).collect();
        ranked.sort_by_key(|item| (std::cmp::Reverse(owners[*item as usize]), *item));
        ranked.into_iter().map(|item| (item, owners[item as usize] as f64 / customers as f64)).collect()
    };
    owners.into_iter().zip(customers).map(ranked).collect()
}

fn one(
    customer: u32,
    owned: &[u32],
    rules: &Rules,
    popular: &[(u32, f64)],
    offers: usize,
    votes: &mut Votes,
    list: &mut Vec<Offer>,
) {
    for item in owned {
        votes.is_owned[*item as usize] = true;
    }
    for item in owned {
        for (companion, score) in rules.of_item(*item) {
            let place = *companion as usize;
            if votes.is_owned[place] {
                continue;
            }
            if votes.sum[place] == 0.0 {
                votes.seen.push(*companion);
            }
            votes.sum[place] += score;
            if *score > votes.best[place].0 {
                votes.best[place] = (*score, *item);
            }
        }
    }
    votes.seen.sort_by(|a, b| votes.sum[*b as usize].total_cmp(&votes.sum[*a as usize]).then(a.cmp(b)));
    let start = list.len();
    for item in votes.seen.iter().take(offers) {
        let (score, because) = (votes.sum[*item as usize], votes.best[*item as usize].1);
        let rank = (list.len() - start) as u32 + 1;
        list.push(Offer { customer, rank, item: *item, score, because: Some(because), basis: Basis::Rules });
    }
    for (item, share) in popular {
        if list.len() - start >= offers {
            break;
        }
        if !votes.is_owned[*item as usize] && !list[start..].iter().any(|offer| offer.item == *item) {
            let rank = (list.len() - start) as u32 + 1;
            list.push(Offer { customer, rank, item: *item, score: share - 1.0, because: None, basis: Basis::Popularity });
        }
    }
    for item in owned {
        votes.is_owned[*item as usize] = false;
    }
    for item in std::mem::take(&mut votes.seen) {
        votes.sum[item as usize] = 0.0;
        votes.best[item as usize] = (0.0, 0);
    }
}
