//! Recommendations and next best products against plain loops.

use std::collections::{BTreeMap, BTreeSet};

use basket::{Basis, BestSellers, Counts, Next, RecommendOptions, Recommendation, Seller, next_best, recommend};

use crate::{Dice, baskets, random_baskets};

fn by_score(mut scored: Vec<(f64, u32)>) -> Vec<(f64, u32)> {
    scored.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
    scored
}

/// One item's rows by counting in every basket.
fn naive_rows(
    item: u32,
    sets: &[BTreeSet<u32>],
    groups: &[Option<u32>],
    eligible: &[bool],
    options: &RecommendOptions,
) -> Vec<Recommendation> {
    let part = || sets.iter().filter(|set| set.len() <= options.max_basket_items);
    let total = part().count() as u64;
    let holding = |items: &[u32]| part().filter(|set| items.iter().all(|item| set.contains(item))).count() as u64;
    let counts =
        |other: u32| Counts { antecedent: holding(&[item]), consequent: holding(&[other]), both: holding(&[item, other]), total };
    let others: Vec<u32> = (0..groups.len() as u32).filter(|other| *other != item && eligible[*other as usize]).collect();
    let rule = |other: &u32| {
        let counts = counts(*other);
        let score = if counts.both == 0 { 0.0 } else { counts.confidence() * libm::log2(counts.lift_low()) };
        (counts.both >= options.min_orders_both && counts.both > 0 && counts.lift_low() > 1.0).then_some((score, *other))
    };
    let share = |other: u32| if total == 0 { 0.0 } else { holding(&[other]) as f64 / total as f64 };
    let sellers = |less: f64, is_in: &dyn Fn(u32) -> bool| {
        by_score(others.iter().filter(|other| is_in(**other)).map(|other| (share(*other) - less, *other)).collect())
    };
    let is_near =
        |other: u32| share(other) > 0.0 && groups[item as usize].is_some() && groups[other as usize] == groups[item as usize];
    let mut chosen: Vec<(f64, u32, Basis)> = Vec::new();
    let lists = [
        (by_score(others.iter().filter_map(rule).collect()), Basis::Rules),
        (sellers(1.0, &is_near), Basis::Popularity),
        (sellers(2.0, &|_| true), Basis::Popularity),
    ];
    for (list, basis) in lists {
        for (score, other) in list {
            if chosen.len() < options.rows && chosen.iter().all(|(_, taken, _)| *taken != other) {
                chosen.push((score, other, basis));
            }
        }
    }
    let row = |(rank, (score, recommended, basis)): (u32, (f64, u32, Basis))| {
        let counts = counts(recommended);
        let confidence = (counts.antecedent > 0).then(|| counts.confidence());
        let lift = (counts.antecedent > 0 && counts.consequent > 0).then(|| counts.lift());
        Recommendation { item, rank, recommended, orders_both: counts.both, confidence, lift, score, basis }
    };
    (1..).zip(chosen).map(row).collect()
}

#[test]
fn recommendations_equal_plain_loops() {
    let (mut rules, mut unsold) = (0, 0);
    for seed in 1..=120 {
        let dice = &mut Dice::new(seed);
        let items = 1 + dice.below(12);
        let number = dice.below(120);
        let lists = random_baskets(dice, number, items, 4);
        let sets: Vec<BTreeSet<u32>> = lists.iter().map(|list| list.iter().copied().collect()).collect();
        let groups: Vec<Option<u32>> = (0..items + 2).map(|_| Some(dice.below(4) as u32).filter(|group| *group > 0)).collect();
        let eligible: Vec<bool> = groups.iter().map(|_| dice.below(5) > 0).collect();
        let options = RecommendOptions {
            rows: dice.below(9) as usize,
            min_orders_both: dice.below(4),
            max_basket_items: [3, 100][dice.below(2) as usize],
        };
        let found = recommend(&baskets(&lists), &groups, &eligible, &options);
        let expected: Vec<Recommendation> =
            (0..items as u32 + 2).flat_map(|item| naive_rows(item, &sets, &groups, &eligible, &options)).collect();
        assert_eq!(found, expected, "{options:?}");
        rules += found.iter().filter(|row| row.basis == Basis::Rules).count();
        unsold += found.iter().filter(|row| row.confidence.is_none()).count();
        for item in 0..items as u32 + 2 {
            let rows: Vec<&Recommendation> = found.iter().filter(|row| row.item == item).collect();
            let others = (0..items as u32 + 2).filter(|other| *other != item && eligible[*other as usize]).count();
            assert_eq!(rows.len(), options.rows.min(others));
            assert!(rows.is_sorted_by(|left, right| left.score >= right.score));
            assert!(rows.iter().all(|row| row.score.is_finite() && (row.score > 0.0) == (row.basis == Basis::Rules)));
        }
    }
    assert!(rules > 200 && unsold > 200, "{rules} {unsold}");
}

#[test]
fn next_best_products_equal_plain_loops() {
    let mut reasons = 0;
    for seed in 1..=120 {
        let dice = &mut Dice::new(seed);
        let items = 2 + dice.below(12);
        let number = 20 + dice.below(100);
        let shop = random_baskets(dice, number, items, 5);
        let eligible: Vec<bool> = (0..items).map(|_| dice.below(6) > 0).collect();
        let advice = RecommendOptions { rows: 4, min_orders_both: 1, max_basket_items: 100 };
        let rows = recommend(&baskets(&shop), &[], &eligible, &advice);
        let owned = random_baskets(dice, 40, items, 4);
        let segments: Vec<Option<u32>> =
            owned.iter().map(|_| Some(dice.below(4) as u32).filter(|segment| *segment > 0)).collect();
        let owned = baskets(&owned);
        let popular = BestSellers::of_baskets(&owned, &segments, &eligible);
        let wanted = dice.below(6) as usize;
        let found = next_best(&owned, &rows, &popular, &segments, wanted);
        let mut expected = Vec::new();
        for (customer, products) in owned.iter().enumerate() {
            let mut score: BTreeMap<u32, (f64, f64, u32)> = BTreeMap::new();
            for row in rows.iter().filter(|row| row.basis == Basis::Rules && products.contains(&row.item)) {
                let entry = score.entry(row.recommended).or_insert((0.0, 0.0, 0));
                entry.0 += row.score;
                if row.score > entry.1 {
                    (entry.1, entry.2) = (row.score, row.item);
                }
            }
            let scored = score.iter().filter(|(item, _)| !products.contains(item)).map(|(item, entry)| (entry.0, *item));
            let mut chosen: Vec<(f64, u32, Option<u32>)> =
                by_score(scored.collect()).into_iter().map(|(sum, item)| (sum, item, Some(score[&item].2))).collect();
            for (sum, item) in sellers(&owned, &segments, segments[customer], &eligible) {
                if !products.contains(&item) && chosen.iter().all(|(_, taken, _)| *taken != item) {
                    chosen.push((sum, item, None));
                }
            }
            expected.extend((1..).zip(chosen.into_iter().take(wanted)).map(|(rank, (score, item, because))| {
                let basis = if because.is_some() { Basis::Rules } else { Basis::Popularity };
                Next { customer: customer as u32, rank, item, score, because, basis }
            }));
        }
        assert_eq!(found, expected);
        reasons += found.iter().filter(|next| next.because.is_some()).count();
    }
    assert!(reasons > 500, "{reasons}");
}

/// The best sellers of a segment, then of all.
fn sellers(owned: &basket::Baskets, segments: &[Option<u32>], segment: Option<u32>, eligible: &[bool]) -> Vec<(f64, u32)> {
    let list = |less: f64, is_in: &dyn Fn(usize) -> bool| {
        let customers: Vec<&[u32]> = owned.iter().enumerate().filter(|(at, _)| is_in(*at)).map(|(_, owned)| owned).collect();
        let share = |item: u32| customers.iter().filter(|owned| owned.contains(&item)).count() as f64 / customers.len() as f64;
        let items = (0..eligible.len() as u32).filter(|item| eligible[*item as usize]);
        by_score(items.map(|item| (share(item) - less, item)).collect())
    };
    let own = if segment.is_some() { list(1.0, &|at| segments[at] == segment) } else { Vec::new() };
    // What the segment never bought is none of its best sellers.
    own.into_iter().filter(|(score, _)| *score > -1.0).chain(list(2.0, &|_| true)).collect()
}

#[test]
fn a_new_customer_gets_the_best_sellers_of_the_segment() {
    let popular = BestSellers::new(
        vec![vec![Seller { item: 3, share: 0.5 }, Seller { item: 1, share: 0.25 }]],
        vec![Seller { item: 1, share: 0.75 }, Seller { item: 2, share: 0.5 }],
    );
    let next = next_best(&baskets(&[vec![], vec![3, 9]]), &[], &popular, &[Some(0), Some(0)], 3);
    let found: Vec<(u32, u32, u32, f64)> = next.iter().map(|row| (row.customer, row.rank, row.item, row.score)).collect();
    assert_eq!(found, [(0, 1, 3, -0.5), (0, 2, 1, -0.75), (0, 3, 2, -1.5), (1, 1, 1, -0.75), (1, 2, 2, -1.5)]);
}
