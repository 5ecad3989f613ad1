//! What to offer a customer next.
//!
//! Every product the customer owns speaks for those that its rules recommend, with their scores; what it comes to for a product
//! the customer does not own is that product's score, and the owned product that gave most is the reason. After these come
//! the best sellers of the customer's group and then of all. A score never rises from one rank to the next.

#![allow(clippy::indexing_slicing, reason = "items are below the length the arrays were made with")]
#![allow(clippy::cast_possible_truncation, reason = "a shop has fewer than 2^32 customers and recommendations")]

use rayon::iter::{IndexedParallelIterator, ParallelIterator};

use crate::baskets::{Baskets, CHUNK};
use crate::best_sellers::BestSellers;
use crate::recommend::{Basis, Recommendation};

/// A product to offer a customer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Next {
    /// The customer's place among the baskets of owned products.
    pub customer: u32,
    /// Place, from 1.
    pub rank: u32,
    pub item: u32,
    pub score: f64,
    /// The owned product that speaks for it most; none for a best seller.
    pub because: Option<u32>,
    pub basis: Basis,
}

/// At most `rows` products for every customer, in order of customer and rank. `owned` holds the products of each customer and
/// `group_of_customer` the list of `popular` that is theirs.
pub fn next_best(
    owned: &Baskets,
    recommendations: &[Recommendation],
    popular: &BestSellers,
    group_of_customer: &[Option<u32>],
    rows: usize,
) -> Vec<Next> {
    let links = Links::new(recommendations);
    let items = links.width.max(owned.width()).max(popular.width());
    let customers = owned.chunks().enumerate().map_init(
        || Scratch::new(items),
        |scratch, (chunk, baskets)| {
            let mut all = Vec::new();
            for (customer, owned) in (chunk * CHUNK..).zip(baskets) {
                let group = group_of_customer.get(customer).copied().flatten();
                let chosen = scratch.choose(owned, &links, popular.of_group(group), rows);
                let customer = customer as u32;
                let next = |(rank, Choice { item, score, because, basis })| Next { customer, rank, item, score, because, basis };
                all.extend((1..).zip(chosen).map(next));
            }
            all
        },
    );
    customers.collect::<Vec<Vec<Next>>>().concat()
}

/// The rules among recommendations, side by side by the item that speaks.
struct Links {
    starts: Vec<usize>,
    /// The items spoken for, with their scores.
    rules: Vec<(u32, f64)>,
    /// One more than the largest item.
    width: usize,
}

impl Links {
    fn new(recommendations: &[Recommendation]) -> Self {
        let width = recommendations.iter().map(|row| row.item.max(row.recommended) as usize + 1).max().unwrap_or(0);
        let mut rules: Vec<&Recommendation> = recommendations.iter().filter(|row| row.basis == Basis::Rules).collect();
        rules.sort_by_key(|row| row.item);
        let mut starts = vec![0; width + 1];
        for row in &rules {
            starts[row.item as usize + 1] += 1;
        }
        for item in 1..starts.len() {
            starts[item] += starts[item - 1];
        }
        Self { starts, rules: rules.into_iter().map(|row| (row.recommended, row.score)).collect(), width }
    }

    fn of(&self, item: u32) -> &[(u32, f64)] {
        let item = item as usize;
        if item < self.width { &self.rules[self.starts[item]..self.starts[item + 1]] } else { &[] }
    }
}

/// One product chosen for a customer.
#[derive(Debug, Clone, Copy)]
struct Choice {
    item: u32,
    score: f64,
    because: Option<u32>,
    basis: Basis,
}

/// What a thread needs for one customer after another.
struct Scratch {
    /// What the owned items give each other one; zero between customers.
    score: Vec<f64>,
    /// The owned item that gave most, and how much.
    most: Vec<(u32, f64)>,
    met: Vec<u32>,
    /// The last customer, counted from 1 on this thread, that owned the item or was offered it.
    seen: Vec<u64>,
    turn: u64,
}

impl Scratch {
    fn new(items: usize) -> Self {
        Self { score: vec![0.0; items], most: vec![(0, 0.0); items], met: Vec::new(), seen: vec![0; items], turn: 0 }
    }

    fn choose(
        &mut self,
        owned: &[u32],
        links: &Links,
        mut sellers: impl Iterator<Item = (u32, f64)>,
        rows: usize,
    ) -> Vec<Choice> {
        self.turn += 1;
        for item in owned {
            self.seen[*item as usize] = self.turn;
        }
        self.add_up(owned, links);
        let mut chosen = self.best(rows);
        while chosen.len() < rows {
            let Some((item, score)) = sellers.next() else { break };
            if std::mem::replace(&mut self.seen[item as usize], self.turn) != self.turn {
                chosen.push(Choice { item, score, because: None, basis: Basis::Popularity });
            }
        }
        chosen
    }

    /// Adds up what each owned item gives, in order of item.
    fn add_up(&mut self, owned: &[u32], links: &Links) {
        for item in owned {
            for (other, score) in links.of(*item) {
                let at = *other as usize;
                if self.seen[at] == self.turn {
                    continue;
                }
                if self.score[at] <= 0.0 {
                    self.met.push(*other);
                    self.most[at] = (*item, *score);
                } else if *score > self.most[at].1 {
                    self.most[at] = (*item, *score);
                }
                self.score[at] += *score;
            }
        }
    }

    /// The products of the highest scores, which are then forgotten.
    fn best(&mut self, rows: usize) -> Vec<Choice> {
        let choice = |item: &u32| {
            let at = *item as usize;
            Choice { item: *item, score: self.score[at], because: Some(self.most[at].0), basis: Basis::Rules }
        };
        let mut chosen: Vec<Choice> = self.met.iter().map(choice).collect();
        for item in self.met.drain(..) {
            self.score[item as usize] = 0.0;
        }
        let by_score = |left: &Choice, right: &Choice| right.score.total_cmp(&left.score).then(left.item.cmp(&right.item));
        if chosen.len() > rows {
            chosen.select_nth_unstable_by(rows, by_score);
            chosen.truncate(rows);
        }
        chosen.sort_unstable_by(by_score);
        for choice in &chosen {
            self.seen[choice.item as usize] = self.turn;
        }
        chosen
    }
}
