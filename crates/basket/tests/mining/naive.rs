//! Small random inputs against every subset of their items.

use std::collections::BTreeMap;

use basket::{Facts, Mined, Options, Rule, mine, mine_in_parts, rules, text};

use crate::{Dice, baskets, names, random_baskets};

/// The baskets that hold each set of items, as bits.
struct Naive {
    counts: Vec<u64>,
    baskets: u64,
    excluded: u64,
}

fn mask(items: impl IntoIterator<Item = u32>) -> usize {
    items.into_iter().fold(0, |mask, item| mask | 1 << item)
}

impl Naive {
    fn new(lists: &[Vec<u32>], items: u64, options: &Options) -> Self {
        let masks: Vec<usize> = lists.iter().map(|list| mask(list.iter().copied())).collect();
        let part: Vec<usize> = masks.iter().copied().filter(|m| m.count_ones() as usize <= options.max_basket_items).collect();
        let counts = (0..1 << items).map(|set| part.iter().filter(|m| *m & set == set).count() as u64).collect();
        Self { counts, baskets: part.len() as u64, excluded: (masks.len() - part.len()) as u64 }
    }

    /// The least count, raised until the sets are within the limits, and the sets.
    fn mine(&self, options: &Options) -> (u64, BTreeMap<usize, u64>) {
        let share = (u128::from(options.min_support_ppb) * u128::from(self.baskets)).div_ceil(1_000_000_000) as u64;
        let mut minimum = share.max(options.min_count_floor).max(1);
        loop {
            let is_short = |set: &usize| set.count_ones() as usize <= options.max_items.max(1);
            let frequent = (1..self.counts.len()).filter(is_short).filter(|set| self.counts[*set] >= minimum);
            let sets: BTreeMap<usize, u64> = frequent.map(|set| (set, self.counts[set])).collect();
            let bytes: usize = sets.keys().map(|set| 16 + 4 * set.count_ones() as usize).sum();
            if sets.len() <= options.max_itemsets && bytes <= options.memory_bytes / 4 {
                return (minimum, sets);
            }
            minimum += 1;
        }
    }

    fn assert_equal(&self, mined: &Mined, options: &Options) {
        let (minimum, sets) = self.mine(options);
        let found: BTreeMap<usize, u64> = mined.itemsets().map(|set| (mask(set.items.iter().copied()), set.orders)).collect();
        assert_eq!((&found, found.len()), (&sets, mined.len()), "{options:?}");
        let Facts { baskets, items, excluded_large, effective_support, requested_support, .. } = mined.facts;
        assert_eq!((baskets, excluded_large, mined.facts.minimum_count), (self.baskets, self.excluded, minimum));
        assert_eq!(items as usize, sets.keys().filter(|set| set.is_power_of_two()).count());
        assert_eq!(mined.facts.longest_itemset, sets.keys().map(|set| set.count_ones() as usize).max().unwrap_or(0));
        assert!((requested_support..=1.0).contains(&effective_support));
    }
}

fn random_options(dice: &mut Dice) -> Options {
    Options {
        min_support_ppb: [0, 1, 40_000_000, 100_000_000, 333_333_333, 2_000_000_000][dice.below(6) as usize],
        min_count_floor: dice.below(4),
        min_confidence_ppb: [0, 250_000_000, 600_000_000][dice.below(3) as usize],
        max_items: [0, 1, 2, 3, 4, 9, usize::MAX][dice.below(7) as usize],
        max_basket_items: [3, 6, 100][dice.below(3) as usize],
        max_itemsets: [0, 5, 30, 5_000_000, 5_000_000, 5_000_000][dice.below(6) as usize],
        memory_bytes: [0, 600, 1 << 30, 1 << 30][dice.below(4) as usize],
    }
}

#[test]
fn the_miner_equals_every_subset_on_a_thousand_inputs() {
    for seed in 1..=1000 {
        let dice = &mut Dice::new(seed);
        let items = 1 + dice.below(9);
        let (number, most) = (dice.below(60), 1 + dice.below(items));
        let lists = random_baskets(dice, number, items, most);
        let mut options = random_options(dice);
        // A database cut up for want of memory is the business of the next test.
        options.memory_bytes = options.memory_bytes.max(lists.len() * 160);
        let naive = Naive::new(&lists, items, &options);
        naive.assert_equal(&mine(&baskets(&lists), &names(items as usize), &options), &options);
    }
}

#[test]
fn partitions_equal_every_subset() {
    let mut cut = 0;
    for seed in 1..=300 {
        let dice = &mut Dice::new(seed);
        let items = 2 + dice.below(6);
        let number = 70 + dice.below(200);
        let lists = random_baskets(dice, number, items, 4);
        let options = Options { memory_bytes: 1536 + 512 * dice.below(12) as usize, ..random_options(dice) };
        let options = Options { max_itemsets: 5_000_000, min_count_floor: 4 + options.min_count_floor, ..options };
        let part = 1 + lists.len() / 7;
        let parts = |at: usize| Ok::<_, ()>(lists.chunks(part).nth(at).map(baskets));
        let mined = mine_in_parts(parts, &names(items as usize), &options).unwrap();
        cut += usize::from(mined.facts.partitions > 1);
        Naive::new(&lists, items, &options).assert_equal(&mined, &options);
    }
    assert!(cut > 100, "{cut}");
}

/// Fisher's test in whole numbers.
fn fisher(total: u64, marked: u64, drawn: u64, hits: u64) -> f64 {
    let choose = |n: u64, k: u64| if k > n { 0 } else { (1..=k).fold(1_u128, |c, i| c * u128::from(n - k + i) / u128::from(i)) };
    let ways = |k: u64| choose(marked, k) * choose(total - marked, drawn - k);
    (hits..=marked.min(drawn)).map(ways).sum::<u128>() as f64 / choose(total, drawn) as f64
}

fn assert_rule(rule: &Rule<'_>, naive: &Naive) {
    let consequent = 1 << rule.consequent;
    let antecedent = mask(rule.antecedent());
    let count = |set: usize| naive.counts[set];
    let (a, c, b, n) = (count(antecedent), count(consequent), count(antecedent | consequent), naive.baskets);
    let counts = rule.counts;
    assert_eq!((counts.antecedent, counts.consequent, counts.both, counts.total), (a, c, b, n));
    assert!((rule.fisher_p / fisher(n, c, a, b) - 1.0).abs() < 1e-12);
    let subsets = || (0..antecedent).filter(|set| set & antecedent == *set);
    let confidence = |set: usize| count(set | consequent) as f64 / count(set) as f64;
    let best = subsets().map(confidence).fold(0.0, f64::max);
    assert_eq!(rule.improvement, b as f64 / a as f64 - best);
    let is_redundant = subsets().any(|set| count(set | consequent) * a >= b * count(set));
    assert_eq!(rule.is_redundant, is_redundant);
    let is_one_shorter = |set: &usize| set.count_ones() + 1 == antecedent.count_ones();
    let better = |set: usize| fisher(count(set), count(set | consequent), a, b) <= 0.05;
    assert_eq!(rule.is_productive, better(0) && subsets().filter(is_one_shorter).all(better));
}

#[test]
fn rules_equal_plain_loops() {
    let mut seen = [0_u32; 4];
    for seed in 1..=300 {
        let dice = &mut Dice::new(seed);
        let items = 2 + dice.below(6);
        let number = 5 + dice.below(115);
        let mut lists = random_baskets(dice, number, items, 4);
        // Two together draw a third, so that some longer rules say more than the shorter ones.
        for list in lists.iter_mut().filter(|list| items > 5 && list.contains(&3) && list.contains(&4)) {
            list.push(5);
        }
        let options = Options { max_items: 5, memory_bytes: 1 << 30, max_itemsets: 1 << 20, ..random_options(dice) };
        let naive = Naive::new(&lists, items, &options);
        let names = names(items as usize);
        let mined = mine(&baskets(&lists), &names, &options);
        let found = rules(&mined, &names, &options);
        let (_, sets) = naive.mine(&options);
        let is_confident = |set: usize, item: u32| {
            let both = u128::from(naive.counts[set]) * 1_000_000_000;
            both >= u128::from(options.min_confidence_ppb) * u128::from(naive.counts[set & !(1 << item)])
        };
        let pairs = sets.keys().flat_map(|set| (0..items as u32).map(move |item| (*set, item)));
        let expected =
            pairs.filter(|(set, item)| set.count_ones() > 1 && set >> item & 1 == 1 && is_confident(*set, *item)).count();
        assert_eq!(found.len(), expected);
        for (rule, id) in found.iter().zip(1..) {
            assert_eq!(rule.id, id);
            assert_rule(rule, &naive);
            let flags = [true, rule.is_redundant, rule.is_productive, rule.itemset.len() > 2 && rule.is_productive];
            seen.iter_mut().zip(flags).for_each(|(seen, flag)| *seen += u32::from(flag));
        }
        let key = |rule: &Rule<'_>| (text(rule.antecedent(), &names), text([rule.consequent], &names));
        assert!(found.is_sorted_by(|left, right| {
            let (left_lift, right_lift) = (left.counts.lift(), right.counts.lift());
            right_lift
                .total_cmp(&left_lift)
                .then(right.counts.both.cmp(&left.counts.both))
                .then(key(left).cmp(&key(right)))
                .is_le()
        }));
        let share = |p: f64| found.len() as f64 / found.iter().filter(|other| other.fisher_p <= p).count() as f64;
        for rule in &found {
            let rarer = found.iter().map(|other| other.fisher_p).filter(|p| *p >= rule.fisher_p);
            assert_eq!(rule.q_value, rarer.map(|p| p * share(p)).fold(1.0, f64::min));
        }
    }
    assert!(seen.iter().all(|count| *count > 20), "{seen:?}");
}
