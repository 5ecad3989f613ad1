//! What is bought together, and what to offer beside a product.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use crate::Error;
use crate::data_table::{As, DataTable, count, number, percent, text};
use crate::figures::{self, of};
use crate::page::Section;
use crate::rows::{Row, Rows};
use crate::snapshot::Snapshot;

const TABLES: &[&str] = &["basket_rules", "basket_run", "product_recommendations", "product_performance"];

/// Rules in words, rules in the table, products with advice, and advice for each of them.
const IN_WORDS: usize = 5;
const IN_TABLE: usize = 50;
const PRODUCTS: i64 = 10;
const OFFERS: i64 = 3;

pub(crate) fn section(now: Snapshot<'_>) -> Result<Section, Error> {
    let columns = [
        "rule_id",
        "antecedent",
        "consequent",
        "orders_antecedent",
        "orders_both",
        "confidence",
        "lift",
        "lift_low",
        "q_value",
        "is_productive",
    ];
    let rules = now.rows("basket_rules", &columns)?;
    let body = html! {
        @if rules.is_empty() { p.absent { "No rules were mined, or none is frequent enough for the limits of the pipeline file." } }
        @else if best(&rules).is_empty() {
            p.absent { "Of " (of(length(rules.len()), "rule")) " mined, none says more than chance." }
        }
        @else { (together(now, &rules)?) }
        h3 { "What to offer beside the best sellers" }
        (offers(now)?)
    };
    Ok(Section { id: "baskets", title: "Bought together", tables: TABLES, body })
}

fn length(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// Productive rules by what they are worth at least; of two rules that are each other's mirror, the surer one.
fn best<'a>(rules: &'a Rows) -> Vec<Row<'a>> {
    let mut best: Vec<Row<'a>> = rules.iter().filter(|row| row.flag("is_productive")).collect();
    let low = |row: &Row<'_>| row.number("lift_low").unwrap_or(0.0);
    let confidence = |row: &Row<'_>| row.number("confidence").unwrap_or(0.0);
    best.sort_by(|a, b| {
        low(b).total_cmp(&low(a)).then(confidence(b).total_cmp(&confidence(a))).then(a.int("rule_id").cmp(&b.int("rule_id")))
    });
    let mut seen = BTreeSet::new();
    best.retain(|row| {
        let (a, b) = (row.text("antecedent"), row.text("consequent"));
        seen.insert(if a < b { (a, b) } else { (b, a) })
    });
    best
}

fn together(now: Snapshot<'_>, rules: &Rows) -> Result<Markup, Error> {
    let best = best(rules);
    let run = now.rows("basket_run", &["baskets", "rules"])?;
    let columns = [
        ("Who buys", As::Text),
        ("also buys", As::Text),
        ("Orders with both", As::Number),
        ("Of the first's orders", As::Number),
        ("Times chance", As::Number),
        ("at least", As::Number),
        ("False by chance", As::Number),
    ];
    let mut table = DataTable::new("Rules", &columns);
    for row in best.iter().take(IN_TABLE) {
        table.row(vec![
            text(row.text("antecedent")),
            text(row.text("consequent")),
            count(row.int("orders_both")),
            percent(row.number("confidence")),
            number(row.number("lift"), 1),
            number(row.number("lift_low"), 1),
            crate::data_table::markup(
                html! { (tiny(row.number("q_value"))) },
                row.number("q_value").map(|q| q.to_string()).unwrap_or_default(),
            ),
        ]);
    }
    Ok(html! {
        @for row in run.iter() { p.lead { (of(row.int("rules"), "rule")) " from " (of(row.int("baskets"), "order")) ". The strongest:" } }
        ul.rules { @for row in best.iter().take(IN_WORDS) { (in_words(*row)) } }
        details { summary { "The best " (table.rows.len()) " rules as a table" } (table.markup()) }
    })
}

/// A small probability without a row of noughts.
fn tiny(probability: Option<f64>) -> String {
    match probability {
        None => "–".to_owned(),
        Some(p) if p < 0.000_1 => "below 0.01\u{a0}%".to_owned(),
        Some(p) => figures::percent(p, 2),
    }
}

fn in_words(row: Row<'_>) -> Markup {
    let shown = |column: &str, places: usize| row.number(column).map(|n| figures::number(n, places));
    html! {
        li {
            "Who buys " strong { (row.text("antecedent")) } " also buys " strong { (row.text("consequent")) } ": in "
            (figures::count(row.int("orders_both"))) " of " (of(row.int("orders_antecedent"), "order"))
            @if let Some(lift) = shown("lift", 0) { ", " (lift) " times as often as by chance" }
            @if let Some(low) = shown("lift_low", 0) { " (at least " (low) " times)" } "."
        }
    }
}

fn offers(now: Snapshot<'_>) -> Result<Markup, Error> {
    let performance = now.rows("product_performance", &["product_key", "revenue_rank"])?;
    let best = performance.iter().filter(|row| row.int("revenue_rank") <= PRODUCTS);
    let ranks: BTreeMap<i64, i64> = best.map(|row| (row.int("revenue_rank"), row.int("product_key"))).collect();
    let all = now.rows("product_recommendations", &["product_key", "rank", "recommended_product_key", "orders_both", "basis"])?;
    let mut advice: BTreeMap<i64, Vec<Row<'_>>> = BTreeMap::new();
    for row in all.iter().filter(|row| row.int("rank") <= OFFERS && ranks.values().any(|key| *key == row.int("product_key"))) {
        advice.entry(row.int("product_key")).or_default().push(row);
    }
    if advice.is_empty() {
        return Ok(html! { p.absent { "There are no recommendations in this snapshot." } });
    }
    let others = advice.values().flatten().map(|row| row.int("recommended_product_key"));
    let keys: BTreeSet<i64> = ranks.values().copied().chain(others).collect();
    let names = now.names("dim_product", "product_key", "product_name", &keys)?;
    let name = |key: i64| names.get(&key).map_or("a product without a name", String::as_str);
    Ok(html! {
        ol.offers { @for key in ranks.values() { @if let Some(offers) = advice.get(key) { li {
            "Beside " strong { (name(*key)) } " offer "
            @for (at, offer) in offers.iter().enumerate() {
                @if at > 0 { @if at + 1 == offers.len() { " or " } @else { ", " } }
                (name(offer.int("recommended_product_key")))
                @if offer.text("basis") == "rules" { span.faint { " (together in " (of(offer.int("orders_both"), "order")) ")" } }
                @else { span.faint { " (best seller)" } }
            } "."
        } } } }
    })
}
