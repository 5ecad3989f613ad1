//! The basket marts: `basket_itemsets`, `basket_rules`, `basket_run`, `product_recommendations` and `next_best_product`.
//!
//! A basket holds the products of which an order keeps some, in whatever number; orders that are no purchase make none. Anonymous
//! sales are baskets too. What is given back in an order of its own stays in the basket it was bought in. An order of n products
//! has n (n - 1) / 2 pairs, so those of more than `max_basket_items` are left out of every count, the total included, and
//! `basket_run` tells how many. The rules may be about products, subcategories or categories; a product that has none of these is
//! then in no basket, though its order still counts. Companions and offers are always products. Products that share a name have
//! their ids beside it.
//!
//! **`basket_itemsets`**: items that enough orders hold together, single ones too (Agrawal, Imieliński and Swami, SIGMOD 1993,
//! 207-216). Enough is `min_support` rounded up to whole orders, and two at least. `support` is the share of the orders that take
//! part.
//!
//! **`basket_rules`**: each item of an itemset in turn is the consequent and the others are the antecedent, where the confidence
//! reaches `min_confidence`. Of n orders let a hold the antecedent, c the consequent and b both: confidence is b/a, lift
//! b n / (a c), and `lift_low` the low end of its 95 % interval. `basket::Counts` has the other measures, with formula and
//! source. `conviction` is NULL for a rule without an exception (`is_exact`), for which it would be infinite (Brin, Motwani,
//! Ullman and Tsur, SIGMOD 1997, 255-264); `chi_square` is NULL where either side is in every order. `fisher_p` is Fisher's exact
//! test, one-sided; `q_value` corrects it for the number of rules (Benjamini and Hochberg, Journal of the Royal Statistical
//! Society B 57 (1995), 289-300), so of the rules up to this one at most that share is expected to be false. `is_redundant`: a
//! shorter antecedent says as much (Bayardo, Agrawal and Gunopulos, ICDE 1999). `is_productive`: each item of the antecedent adds
//! something beyond chance, at 5 % (Webb, Machine Learning 68 (2007), 1-33). Rules are in order of lift, support and text, so
//! their ids hang on the orders alone.
//!
//! **`basket_run`**: one row on the search. Where it finds more than `max_itemsets`, the least number of orders is raised until
//! it does not; `effective_support` and `minimum_count` tell.
//!
//! **`product_recommendations`**: beside each product of `dim_product` the same number of others, or all others where there are
//! fewer. First come those in three orders or more with it and a `lift_low` above 1, by confidence · log2(`lift_low`), a score of
//! our own that distrusts what a few orders made. Best sellers of the category and then of all fill up (`basis` is `popularity`,
//! scores are 0 or less). Ties fall by product key. `confidence` is NULL where the product was in no order, `lift` where one of
//! the two was in none.
//!
//! **`next_best_product`**: for each customer with a purchase, products that no purchase of theirs kept, by the sum of the scores
//! that the owned ones give; `because_product_key` is the one that gave most. Best sellers among customers of the segment and
//! then among all fill up, and nothing speaks for them. Who owns everything gets no row.
//!
//! Without orders there are no itemsets and no rules, `basket_run` counts 0, and best sellers that nobody bought come by key.

mod catalogue;
mod orders;

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use basket::{Baskets, BestSellers, Elsewhere, Mined, Next, Options, RecommendOptions, Recommendation, Rule, text};
use extract::TableWriter;
use tokio::runtime::Handle;

use crate::build::{Builder, Computed, Error};
use crate::rows::{batch, in_background};
use catalogue::Catalogue;
use orders::Bought;

const TABLE: &str = "basket_itemsets";
/// A pair of fewer orders says nothing about a product.
const MIN_ORDERS_BOTH: u64 = 3;
/// Nor does an itemset of fewer, however low the support asked for.
const MIN_COUNT: u64 = 2;
/// What the search may hold beside the baskets, and no more than this part of the memory; above it they are mined piece by piece,
/// with the same result.
const MINING_BYTES: usize = 512 << 20;
const MINING_PART: usize = 4;

pub(crate) async fn tables(builder: &Builder) -> Result<Computed, Error> {
    let catalogue = Catalogue::read(builder).await?;
    let bought = Bought::read(builder, &catalogue).await?;
    let room = builder.reserve(TABLE, (builder.memory() / MINING_PART).min(MINING_BYTES))?;
    let (options, elsewhere) = (builder.options.basket.clone(), extract::table_writer(&builder.session));
    let runtime = Handle::current();
    in_background(TABLE, move || {
        let elsewhere = elsewhere.as_deref().map(|machines| (machines, &runtime));
        laid_out(&catalogue, &bought, &options, room.size(), elsewhere)
    })
    .await?
}

/// Partitions of baskets that other machines search, where these do not fit here.
const SEARCH: &str = "itemsets";
/// Partitions under way at once: each takes a quarter of the miner's memory.
const AWAY_AT_ONCE: usize = 3;

/// What a machine that takes part in a run computes by name, from bytes to bytes: partitions of baskets.
pub fn compute(what: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    if what == SEARCH { basket::search_bytes(bytes) } else { None }
}

type Machines<'a> = (&'a dyn TableWriter, &'a Handle);

fn mined(baskets: &Baskets, names: &[String], options: &Options, elsewhere: Option<Machines<'_>>) -> Result<Mined, Error> {
    let Some((machines, runtime)) = elsewhere else { return Ok(basket::mine(baskets, names, options)) };
    let send = |bytes: Vec<u8>| runtime.block_on(machines.compute(SEARCH, bytes));
    let elsewhere = Elsewhere { send: &send, at_once: machines.machines().clamp(1, AWAY_AT_ONCE) };
    let mined = basket::mine_elsewhere(baskets, names, options, &elsewhere);
    mined.map_err(|source| Error::Compute { table: TABLE.to_owned(), source })
}

fn laid_out(
    catalogue: &Catalogue,
    bought: &Bought,
    basket: &config::Basket,
    memory: usize,
    elsewhere: Option<Machines<'_>>,
) -> Result<Computed, Error> {
    let level = catalogue.level(basket.items);
    let at_level;
    let baskets = match &level.of_product {
        None => &bought.baskets,
        Some(of_product) => {
            at_level = raised(&bought.baskets, of_product);
            &at_level
        }
    };
    let options = mining(basket, memory);
    let mined = mined(baskets, &level.names, &options, elsewhere)?;
    let rules = basket::rules(&mined, &level.names, &options);
    let all = vec![true; catalogue.keys.len()];
    let wanted = RecommendOptions {
        rows: basket.recommendations,
        min_orders_both: MIN_ORDERS_BOTH,
        max_basket_items: basket.max_basket_items,
    };
    let companions = basket::recommend(&bought.baskets, &catalogue.groups, &all, &wanted);
    let popular = BestSellers::of_baskets(&bought.owned, &bought.segments, &all);
    let offers = basket::next_best(&bought.owned, &companions, &popular, &bought.segments, basket.offers);
    Ok(vec![
        (TABLE, vec![itemsets(&mined, &level.names)?]),
        ("basket_rules", vec![rule_rows(&rules, &level.names)?]),
        ("basket_run", vec![run(&mined, rules.len())?]),
        ("product_recommendations", vec![companion_rows(&companions, &catalogue.keys)?]),
        ("next_best_product", vec![offer_rows(&offers, &bought.customers, &catalogue.keys)?]),
    ])
}

fn mining(basket: &config::Basket, memory: usize) -> Options {
    Options {
        min_support_ppb: basket.min_support_ppb,
        min_count_floor: MIN_COUNT,
        min_confidence_ppb: basket.min_confidence_ppb,
        max_items: basket.max_items,
        max_basket_items: basket.max_basket_items,
        max_itemsets: basket.max_itemsets,
        memory_bytes: memory,
    }
}

/// Baskets of products as baskets of what the products belong to; what belongs to nothing is left out.
fn raised(baskets: &Baskets, of_product: &[Option<u32>]) -> Baskets {
    let mut raised = Baskets::default();
    let mut items = Vec::new();
    for products in baskets.iter() {
        items.clear();
        items.extend(products.iter().filter_map(|product| of_product.get(*product as usize).copied().flatten()));
        raised.push(items.iter().copied());
    }
    raised
}

fn whole(values: impl Iterator<Item = u64>) -> ArrayRef {
    Arc::new(values.map(|n| i32::try_from(n).ok()).collect::<Int32Array>())
}

fn number(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(values.collect::<Float64Array>())
}

fn itemsets(mined: &Mined, names: &[String]) -> Result<RecordBatch, Error> {
    let all = mined.facts.baskets;
    let rows = || mined.itemsets();
    let columns = vec![
        whole((1..).zip(rows()).map(|(id, _)| id)),
        Arc::new(rows().map(|set| Some(text(set.items.iter().copied(), names))).collect::<StringArray>()) as ArrayRef,
        whole(rows().map(|set| set.items.len() as u64)),
        whole(rows().map(|set| set.orders)),
        number(rows().map(|set| Some(share(set.orders, all)))),
    ];
    batch(TABLE, columns)
}

#[allow(clippy::cast_precision_loss, reason = "orders are fewer than 2^53")]
fn share(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { part as f64 / all as f64 }
}

fn rule_rows(rules: &[Rule<'_>], names: &[String]) -> Result<RecordBatch, Error> {
    let count = |value: fn(&Rule<'_>) -> u64| whole(rules.iter().map(value));
    let measure = |value: fn(&Rule<'_>) -> f64| number(rules.iter().map(|rule| Some(value(rule))));
    let maybe = |value: fn(&Rule<'_>) -> Option<f64>| number(rules.iter().map(value));
    let flag = |value: fn(&Rule<'_>) -> bool| -> ArrayRef {
        Arc::new(rules.iter().map(|rule| Some(value(rule))).collect::<BooleanArray>())
    };
    let antecedents = rules.iter().map(|rule| Some(text(rule.antecedent(), names)));
    let consequents = rules.iter().map(|rule| Some(text([rule.consequent], names)));
    let columns = vec![
        count(|rule| rule.id),
        Arc::new(antecedents.collect::<StringArray>()) as ArrayRef,
        Arc::new(consequents.collect::<StringArray>()) as ArrayRef,
        count(|rule| rule.antecedent().count() as u64),
        count(|rule| rule.counts.antecedent),
        count(|rule| rule.counts.consequent),
        count(|rule| rule.counts.both),
        count(|rule| rule.counts.total),
        measure(|rule| rule.counts.support()),
        measure(|rule| rule.counts.confidence()),
        measure(|rule| rule.counts.lift()),
        measure(|rule| rule.counts.lift_low()),
        measure(|rule| rule.counts.leverage()),
        maybe(|rule| rule.counts.conviction()),
        measure(|rule| rule.counts.zhang()),
        measure(|rule| rule.counts.jaccard()),
        measure(|rule| rule.counts.certainty()),
        measure(|rule| rule.counts.kulczynski()),
        maybe(|rule| rule.counts.chi_square()),
        measure(|rule| rule.fisher_p),
        measure(|rule| rule.q_value),
        measure(|rule| rule.improvement),
        flag(|rule| rule.counts.is_exact()),
        flag(|rule| rule.is_redundant),
        flag(|rule| rule.is_productive),
    ];
    batch("basket_rules", columns)
}

fn run(mined: &Mined, rules: usize) -> Result<RecordBatch, Error> {
    let facts = &mined.facts;
    let one = |value: u64| whole(std::iter::once(value));
    let columns = vec![
        Arc::new(StringArray::from(vec!["baskets"])) as ArrayRef,
        one(facts.baskets),
        one(facts.items),
        one(facts.excluded_large),
        number(std::iter::once(Some(facts.requested_support))),
        number(std::iter::once(Some(facts.effective_support))),
        one(facts.minimum_count),
        one(mined.len() as u64),
        one(rules as u64),
        one(facts.longest_itemset as u64),
    ];
    batch("basket_run", columns)
}

/// The keys behind numbers; every number comes from the list itself.
fn keys(numbers: impl Iterator<Item = u32>, of: &[i64]) -> ArrayRef {
    Arc::new(numbers.map(|number| of.get(number as usize).copied()).collect::<Int64Array>())
}

fn companion_rows(companions: &[Recommendation], products: &[i64]) -> Result<RecordBatch, Error> {
    let rows = || companions.iter();
    let columns = vec![
        keys(rows().map(|c| c.item), products),
        whole(rows().map(|c| u64::from(c.rank))),
        keys(rows().map(|c| c.recommended), products),
        whole(rows().map(|c| c.orders_both)),
        number(rows().map(|c| c.confidence)),
        number(rows().map(|c| c.lift)),
        number(rows().map(|c| Some(c.score))),
        Arc::new(rows().map(|c| Some(c.basis.name())).collect::<StringArray>()) as ArrayRef,
    ];
    batch("product_recommendations", columns)
}

fn offer_rows(offers: &[Next], customers: &[i64], products: &[i64]) -> Result<RecordBatch, Error> {
    let rows = || offers.iter();
    let because = rows().map(|o| o.because.and_then(|product| products.get(product as usize).copied()));
    let columns = vec![
        keys(rows().map(|o| o.customer), customers),
        whole(rows().map(|o| u64::from(o.rank))),
        keys(rows().map(|o| o.item), products),
        number(rows().map(|o| Some(o.score))),
        Arc::new(because.collect::<Int64Array>()) as ArrayRef,
        Arc::new(rows().map(|o| Some(o.basis.name())).collect::<StringArray>()) as ArrayRef,
    ];
    batch("next_best_product", columns)
}
