//! Itemsets, rules and measures equal those of mlxtend, see `tests/golden/PROVENANCE.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use basket::{Baskets, Options, Rule, mine, rules};

struct Case {
    name: String,
    options: Options,
    itemsets: usize,
    hash: u64,
    rules: usize,
    /// Sums of the measures over all rules, in the order of [`measures`].
    sums: Vec<f64>,
    exact: usize,
}

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Fields of CSV records, quotes doubled inside quotes.
fn records(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut fields, mut field, mut is_quoted) = (Vec::new(), Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            // The second of two quotes opens again, and stands for one.
            '"' => {
                is_quoted = !is_quoted;
                field.push(c);
            }
            ',' if !is_quoted => fields.push(std::mem::take(&mut field)),
            '\n' if !is_quoted => {
                fields.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut fields));
            }
            _ => field.push(c),
        }
    }
    for field in records.iter_mut().flatten().filter(|field| field.starts_with('"')) {
        *field = field[1..field.len() - 1].replace("\"\"", "\"");
    }
    records
}

fn golden(file: &str) -> Vec<Vec<String>> {
    records(&read(&format!("tests/golden/{file}"))).into_iter().skip(1).collect()
}

fn cases() -> Vec<Case> {
    let number = |text: &String| text.parse::<u64>().unwrap();
    let case = |row: Vec<String>| Case {
        name: row[0].clone(),
        options: Options {
            min_support_ppb: number(&row[1]),
            min_count_floor: 1,
            max_items: number(&row[2]) as usize,
            min_confidence_ppb: number(&row[3]),
            ..Options::default()
        },
        itemsets: number(&row[4]) as usize,
        hash: number(&row[5]),
        rules: number(&row[6]) as usize,
        sums: row[8..17].iter().map(|sum| sum.parse().unwrap()).collect(),
        exact: number(&row[17]) as usize,
    };
    golden("totals.csv").into_iter().map(case).collect()
}

/// Baskets and the texts of their items, by case.
fn shops() -> BTreeMap<String, (Baskets, Vec<String>)> {
    let mut shops = BTreeMap::new();
    for shop in read("tests/golden/shops.txt").split("# ").skip(1) {
        let (name, lines) = shop.split_once('\n').unwrap();
        let baskets =
            lines.lines().map(|line| line.split(' ').map(|item| item.parse::<u32>().unwrap()).collect::<Vec<_>>()).collect();
        shops.insert(name.to_owned(), (baskets, (0..100).map(|item| item.to_string()).collect()));
    }
    let orders = records(&read("../../data/superstore/orders.csv"));
    let column = |name: &str| orders[0].iter().position(|field| field == name).unwrap();
    let [order, id, kind, product] = ["Order ID", "Product ID", "Sub-Category", "Product Name"].map(column);
    shops.insert("sub_category".to_owned(), superstore(&orders, order, |line| line[kind].clone()));
    shops.insert("product".to_owned(), superstore(&orders, order, |line| format!("{} {}", line[id], line[product])));
    shops
}

fn superstore(orders: &[Vec<String>], order: usize, item: impl Fn(&[String]) -> String) -> (Baskets, Vec<String>) {
    let lines = || orders[1..].iter();
    let names: Vec<String> = lines().map(|line| item(line)).collect::<BTreeSet<_>>().into_iter().collect();
    let mut baskets: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for line in lines() {
        baskets.entry(&line[order]).or_default().push(names.binary_search(&item(line)).unwrap() as u32);
    }
    (baskets.into_values().collect(), names)
}

/// The numbers of items, ascending and joined, as the reference writes them.
fn joined(items: impl Iterator<Item = u32>) -> String {
    let mut items: Vec<u32> = items.collect();
    items.sort_unstable();
    items.iter().map(u32::to_string).collect::<Vec<_>>().join(" ")
}

fn fnv(lines: &[String]) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3);
    lines.iter().flat_map(|line| line.bytes().chain([b'\n'])).fold(0xCBF2_9CE4_8422_2325, step)
}

/// The measures that mlxtend has too, in its order; none for a conviction it has as infinite.
fn measures(rule: &Rule<'_>) -> [Option<f64>; 9] {
    let c = rule.counts;
    let [before, after] =
        [[c.support(), c.confidence(), c.lift(), c.leverage()], [c.zhang(), c.jaccard(), c.certainty(), c.kulczynski()]]
            .map(|four| four.map(Some));
    let [support, confidence, lift, leverage] = before;
    let [zhang, jaccard, certainty, kulczynski] = after;
    [support, confidence, lift, leverage, c.conviction(), zhang, jaccard, certainty, kulczynski]
}

fn is_close(value: f64, expected: f64) -> bool {
    (value - expected).abs() <= 1e-10 * expected.abs().max(1.0)
}

#[test]
fn all_itemsets_equal_in_number_and_text() {
    let (shops, kept) = (shops(), golden("itemsets.csv"));
    for case in cases() {
        let (baskets, names) = &shops[&case.name];
        let mined = mine(baskets, names, &case.options);
        let counts: BTreeMap<String, u64> = mined.itemsets().map(|set| (joined(set.items.iter().copied()), set.orders)).collect();
        assert_eq!((mined.len(), counts.len()), (case.itemsets, case.itemsets), "{}", case.name);
        for row in kept.iter().filter(|row| row[0] == case.name) {
            assert_eq!(counts.get(&row[1]).map(u64::to_string).as_ref(), Some(&row[2]), "{}: {}", case.name, row[1]);
        }
        let lines: Vec<String> = counts.iter().map(|(items, orders)| format!("{items} {orders}")).collect();
        assert_eq!(fnv(&lines), case.hash, "{}", case.name);
    }
}

#[test]
fn all_rules_equal_in_number_and_measures() {
    let (shops, kept) = (shops(), golden("rules.csv"));
    let mut compared = 0;
    for case in cases() {
        let (baskets, names) = &shops[&case.name];
        let mined = mine(baskets, names, &case.options);
        let found = rules(&mined, names, &case.options);
        assert_eq!(found.len(), case.rules, "{}", case.name);
        assert_eq!(found.iter().filter(|rule| rule.counts.is_exact()).count(), case.exact, "{}", case.name);
        let mut sums = [0.0; 9];
        let mut by_text = BTreeMap::new();
        for rule in &found {
            let measures = measures(rule);
            sums.iter_mut().zip(measures).for_each(|(sum, value)| *sum += value.unwrap_or(0.0));
            by_text.insert((joined(rule.antecedent()), rule.consequent.to_string()), measures);
        }
        let close = sums.iter().zip(&case.sums).all(|(sum, expected)| is_close(*sum, *expected));
        assert!(close, "{}: {sums:?} {:?}", case.name, case.sums);
        for row in kept.iter().filter(|row| row[0] == case.name) {
            let measures = by_text[&(row[1].clone(), row[2].clone())];
            for (value, expected) in measures.iter().zip(&row[3..]) {
                let expected: f64 = expected.parse().unwrap();
                let is_equal = value.map_or(expected == f64::INFINITY, |value| is_close(value, expected));
                assert!(is_equal, "{} {row:?}: {value:?} {expected}", case.name);
                compared += 1;
            }
        }
    }
    assert!(compared > 10_000, "{compared}");
}
