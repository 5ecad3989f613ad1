//! Threads, the order of baskets and how they are cut change nothing.

use std::sync::atomic::{AtomicUsize, Ordering};

use basket::{
    Baskets, BestSellers, Elsewhere, Mined, Options, RecommendOptions, mine, mine_elsewhere, mine_in_parts, next_best, recommend,
    rules, search_bytes,
};
use proptest::prelude::{Just, Strategy, proptest};

use crate::{Dice, baskets, names, random_baskets};

fn shop(baskets: u64) -> Vec<Vec<u32>> {
    random_baskets(&mut Dice::new(4), baskets, 60, 6)
}

fn options() -> Options {
    Options { min_support_ppb: 2_000_000, max_itemsets: 2000, ..Options::default() }
}

/// All itemsets and rules, bit for bit.
fn listing(mined: &Mined, names: &[String], options: &Options) -> Vec<String> {
    let sets = mined.itemsets().map(|set| format!("{set:?}"));
    sets.chain(rules(mined, names, options).iter().map(|rule| format!("{rule:?} {:?}", rule.counts.lift_low().to_bits())))
        .collect()
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let (shop, names) = (baskets(&shop(40_000)), names(60));
    let groups: Vec<Option<u32>> = (0..60).map(|item| (item % 7 > 0).then_some(item % 4)).collect();
    let segments: Vec<Option<u32>> = (0..40_000).map(|customer| Some(customer % 5)).collect();
    // The limit bites, and in the second run the baskets are cut.
    for options in [options(), Options { memory_bytes: 1 << 20, ..options() }] {
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mined = mine(&shop, &names, &options);
                let rows = recommend(&shop, &groups, &[true; 60], &RecommendOptions::default());
                let popular = BestSellers::of_baskets(&shop, &segments, &[true; 60]);
                let next = next_best(&shop, &rows, &popular, &segments, 3);
                let listing = listing(&mined, &names, &options);
                (listing, mined.facts, rows, next)
            })
        };
        let one = run(1);
        assert!(one.0.len() > 3000 && one.1.minimum_count > 80, "{} {:?}", one.0.len(), one.1);
        assert_eq!(one.1.partitions > 1, options.memory_bytes == 1 << 20);
        assert!(one == run(2) && one == run(8));
    }
}

#[test]
fn seven_parts_equal_one() {
    let shop = shop(60_000);
    let names = names(60);
    let whole = mine(&baskets(&shop), &names, &options());
    let parts = |at: usize| Ok::<_, ()>(shop.chunks(shop.len().div_ceil(7)).nth(at).map(baskets));
    for (memory_bytes, partitions) in [(700_000, 7), (1 << 30, 1)] {
        let cut = Options { memory_bytes, ..options() };
        let mined = mine_in_parts(parts, &names, &cut).unwrap();
        assert_eq!(mined.facts.partitions, partitions);
        assert!(listing(&mined, &names, &cut) == listing(&whole, &names, &options()));
        assert_eq!(mined.facts.minimum_count, whole.facts.minimum_count);
    }
}

#[test]
fn partitions_searched_elsewhere_equal_those_searched_here() {
    let (shop, names) = (baskets(&shop(60_000)), names(60));
    let asked = AtomicUsize::new(0);
    let send = |bytes: Vec<u8>| {
        asked.fetch_add(1, Ordering::SeqCst);
        Ok::<_, &str>(search_bytes(&bytes).unwrap())
    };
    for at_once in [1, 3] {
        let elsewhere = Elsewhere { send: &send, at_once };
        for memory_bytes in [700_000, 1 << 30] {
            let cut = Options { memory_bytes, ..options() };
            let (here, there) = (mine(&shop, &names, &cut), mine_elsewhere(&shop, &names, &cut, &elsewhere).unwrap());
            assert_eq!(here.facts, there.facts);
            assert!(listing(&here, &names, &cut) == listing(&there, &names, &cut));
            // What fits is not sent.
            let expected = if here.facts.partitions > 1 { here.facts.partitions } else { 0 };
            assert_eq!(asked.swap(0, Ordering::SeqCst), expected, "{memory_bytes}");
        }
    }
    // Whoever answers nonsense is not believed, and whoever is lost is told.
    let cut = Options { memory_bytes: 700_000, ..options() };
    let nonsense = Elsewhere { send: &|_| Ok::<_, &str>(vec![1, 2, 3]), at_once: 2 };
    let mined = mine_elsewhere(&shop, &names, &cut, &nonsense).unwrap();
    assert!(listing(&mined, &names, &cut) == listing(&mine(&shop, &names, &cut), &names, &cut));
    let lost = Elsewhere { send: &|_| Err("lost"), at_once: 2 };
    assert_eq!(mine_elsewhere(&shop, &names, &cut, &lost).unwrap_err(), "lost");
}

/// One part is full of sets that are rare in all: the least count rises by quarters, and is the truth where it ends.
#[test]
fn a_part_with_too_many_sets_raises_the_least_count() {
    let alike = || vec![(20..34).collect(); 300];
    let pairs = (0..2000_u32).map(|i| vec![i % 4, 4 + i % 3]).collect::<Vec<_>>();
    let shop: Vec<Vec<u32>> = [alike(), pairs].concat();
    let cut = Options { min_count_floor: 210, max_items: 14, max_itemsets: 100, memory_bytes: 60_000, ..Options::default() };
    let parts = |at: usize| Ok::<_, ()>(shop.chunks(300).nth(at).map(baskets));
    let mined = mine_in_parts(parts, &names(40), &cut).unwrap();
    assert_eq!((mined.facts.minimum_count, mined.facts.longest_itemset), (327, 1));
    assert_eq!(mined.facts.effective_support, 327.0 / 2300.0);
    let whole = mine(&baskets(&shop), &names(40), &Options { min_count_floor: 327, memory_bytes: 1 << 30, ..cut.clone() });
    assert!(listing(&mined, &names(40), &cut) == listing(&whole, &names(40), &cut));
    // All at once finds the lowest that will do.
    assert_eq!(mine(&baskets(&shop), &names(40), &Options { memory_bytes: 1 << 30, ..cut }).facts.minimum_count, 301);
}

#[test]
fn the_error_of_a_part_is_handed_on() {
    let parts = |at: usize| if at < 2 { Ok(Some(baskets(&shop(10)))) } else { Err("gone") };
    assert_eq!(mine_in_parts(parts, &names(60), &options()).unwrap_err(), "gone");
}

fn lists() -> impl Strategy<Value = (Vec<Vec<u32>>, Vec<Vec<u32>>)> {
    let basket = proptest::collection::vec(0..12_u32, 0..8);
    proptest::collection::vec(basket, 0..60).prop_flat_map(|lists| (Just(lists.clone()), Just(lists).prop_shuffle()))
}

proptest! {
    #[test]
    fn the_order_of_baskets_does_not_matter((lists, shuffled) in lists()) {
        let names = names(12);
        let options = Options { min_count_floor: 2, max_itemsets: 60, ..Options::default() };
        let [left, right] = [lists, shuffled].map(|lists| {
            let shop: Baskets = baskets(&lists);
            let mined = mine(&shop, &names, &options);
            let advice = RecommendOptions { min_orders_both: 1, ..Default::default() };
            let rows = recommend(&shop, &[Some(0); 12], &[true; 12], &advice);
            (listing(&mined, &names, &options), rows)
        });
        assert!(left == right);
    }
}
