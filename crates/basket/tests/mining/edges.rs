//! Inputs at their ends: none, one, all alike, and far too large.

use basket::{Baskets, Options, RecommendOptions, mine, mine_in_parts, next_best, recommend, rules};

use crate::names;

fn all(options: &Options, baskets: &Baskets, names: &[String]) -> (usize, usize) {
    let mined = mine(baskets, names, options);
    let found = rules(&mined, names, options);
    for rule in &found {
        let c = rule.counts;
        let measures = [c.support(), c.confidence(), c.lift(), c.lift_low(), c.leverage(), c.zhang(), c.jaccard(), c.certainty()];
        let rest = [c.kulczynski(), rule.fisher_p, rule.q_value, rule.improvement];
        let maybe = c.conviction().into_iter().chain(c.chi_square());
        assert!(measures.into_iter().chain(rest).chain(maybe).all(f64::is_finite), "{rule:?}");
    }
    (mined.len(), found.len())
}

#[test]
fn nothing_at_all() {
    let options = Options::default();
    let mined = mine(&Baskets::new(), &[], &options);
    assert!(mined.is_empty());
    let facts = &mined.facts;
    assert_eq!((facts.baskets, facts.items, facts.excluded_large, facts.partitions, facts.longest_itemset), (0, 0, 0, 1, 0));
    assert_eq!((facts.requested_support, facts.effective_support, facts.minimum_count), (0.001, 0.001, 5));
    assert!(rules(&mined, &[], &options).is_empty());
    assert_eq!(mine_in_parts(|_| Ok::<_, ()>(None), &[], &options).unwrap().facts, mined.facts);
    assert!(recommend(&Baskets::new(), &[], &[], &RecommendOptions::default()).is_empty());
    assert!(next_best(&Baskets::new(), &[], &basket::BestSellers::default(), &[], 5).is_empty());
}

#[test]
fn one_basket_and_one_item() {
    let options = Options { min_count_floor: 1, ..Options::default() };
    let one: Baskets = [[0, 1, 2]].into_iter().collect();
    assert_eq!(all(&options, &one, &names(3)), (7, 9));
    let single: Baskets = (0..50).map(|_| [0]).collect();
    assert_eq!(all(&options, &single, &names(1)), (1, 0));
    assert_eq!(all(&options, &single, &[]), (1, 0));
    let empty: Baskets = (0..50).map(|_| [0; 0]).collect();
    assert_eq!((all(&options, &empty, &[]), mine(&empty, &[], &options).facts.baskets), ((0, 0), 50));
}

#[test]
fn all_baskets_alike() {
    let alike: Baskets = (0..1000).map(|_| [0, 1, 2, 3]).collect();
    assert_eq!(all(&Options::default(), &alike, &names(4)), (15, 28));
    let mined = mine(&alike, &names(4), &Options::default());
    let found = rules(&mined, &names(4), &Options::default());
    assert!(found.iter().all(|rule| rule.counts.is_exact() && rule.counts.conviction().is_none() && !rule.is_productive));
    assert!(found.iter().all(|rule| rule.is_redundant && rule.counts.lift() == 1.0 && rule.counts.lift_low() == 1.0));
}

/// A basket of 5,000 lines is left out, or bears with the limits.
#[test]
fn a_basket_of_five_thousand_lines() {
    let lists = std::iter::once((0..5000).collect()).chain((0..99).map(|i| vec![i, i + 1]));
    let shop: Baskets = lists.collect::<Vec<Vec<u32>>>().into_iter().collect();
    let names = names(5000);
    let apart = mine(&shop, &names, &Options { min_count_floor: 1, ..Options::default() });
    assert_eq!((apart.facts.baskets, apart.facts.excluded_large, apart.facts.items), (99, 1, 100));
    assert_eq!((apart.facts.longest_itemset, apart.len()), (2, 199));

    let wide = Options { max_basket_items: usize::MAX, min_count_floor: 1, max_itemsets: 20_000, ..Options::default() };
    let mined = mine(&shop, &names, &wide);
    // Every pair is in the large basket, so the least count has to rise to 2.
    assert_eq!((mined.facts.minimum_count, mined.facts.effective_support, mined.facts.items), (2, 0.02, 100));
    assert_eq!((mined.facts.longest_itemset, mined.len()), (2, 199));
    let deep = Options { max_items: usize::MAX, memory_bytes: 1 << 24, ..wide };
    assert_eq!((mine(&shop, &names, &deep).len(), mine(&shop, &names, &deep).facts.minimum_count), (199, 2));
    let rows = recommend(&shop, &[], &[true; 5000], &RecommendOptions { max_basket_items: usize::MAX, ..Default::default() });
    assert_eq!(rows.len(), 50_000);
}

#[test]
fn a_floor_beyond_the_baskets_finds_nothing() {
    let shop: Baskets = (0..20).map(|_| [0, 1]).collect();
    let mined = mine(&shop, &names(2), &Options { min_count_floor: 50, ..Options::default() });
    assert_eq!((mined.len(), mined.facts.minimum_count, mined.facts.effective_support), (0, 50, 1.0));
}
