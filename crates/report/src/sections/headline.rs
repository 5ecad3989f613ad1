//! The figures of the first page, and what became of them since the last snapshot.

use maud::{Markup, html};

use crate::Error;
use crate::figures::{self, Money, count, percent};
use crate::page::Section;
use crate::rows::{Row, Rows};
use crate::snapshot::Snapshot;

/// What the eight cards show. A figure whose mart is left out is none.
#[derive(Default)]
struct Headline {
    revenue: Option<Money>,
    orders: Option<i64>,
    customers: Option<i64>,
    average_order_value: Option<Money>,
    at_risk: Option<i64>,
    champions_share: Option<f64>,
    clv_12m: Option<Money>,
    repeat_rate: Option<f64>,
}

pub(crate) fn section(now: Snapshot<'_>, before: Option<(Snapshot<'_>, &str)>) -> Result<Section, Error> {
    let is = measure(now)?;
    let (was, since) = match before {
        Some((snapshot, day)) => (measure(snapshot)?, Some(day)),
        None => (Headline::default(), None),
    };
    let cards = [
        amount("Revenue", "revenue", is.revenue, was.revenue),
        number("Orders", "orders", is.orders, was.orders),
        number("Customers", "customers", is.customers, was.customers),
        amount("Average order value", "average_order_value", is.average_order_value, was.average_order_value),
        amount("Expected value, 12 months", "clv_12m", is.clv_12m, was.clv_12m),
        share("Bought more than once", "repeat_rate", is.repeat_rate, was.repeat_rate),
        share("Champions", "champions_share", is.champions_share, was.champions_share),
        number("At risk", "at_risk", is.at_risk, was.at_risk),
    ];
    let body = html! {
        dl.cards { @for card in &cards { (card.markup()) } }
        p.note { @match since {
            Some(day) => { "Changes are against the snapshot as of " (day) "." }
            None => { "This is the first snapshot, so there is nothing to compare with." }
        } }
    };
    Ok(Section { id: "headline", title: "At a glance", tables: &[], body })
}

fn measure(snapshot: Snapshot<'_>) -> Result<Headline, Error> {
    let trade = trade(snapshot)?;
    let orders: i64 = trade.iter().map(|(orders, _)| orders).sum();
    let revenue: Money = trade.iter().map(|(_, revenue)| *revenue).sum();
    let buyers = snapshot.rows("customer_rfm", &["customer_key"])?;
    let value = snapshot.rows("customer_value", &["is_at_risk"])?;
    let segments = snapshot.rows("rfm_segment_summary", &["segment", "region_key", "customer_share"])?;
    let champions = segments.of("segment", "Champions").find(|row| row.int("region_key") == 0);
    let clv = snapshot.rows("customer_clv", &["clv_12m"])?;
    let worth: Vec<Money> = clv.iter().filter_map(|row| row.maybe_money("clv_12m")).collect();
    let months = snapshot.rows("retention_monthly", &["month_start", "repeat_purchase_rate"])?;
    let latest = months.iter().max_by_key(|row| row.day("month_start"));
    Ok(Headline {
        revenue: (!trade.is_empty()).then_some(revenue),
        orders: (!trade.is_empty()).then_some(orders),
        customers: size(&buyers),
        average_order_value: revenue.over(orders),
        at_risk: size(&value).map(|_| length(value.iter().filter(|row| row.flag("is_at_risk")).count())),
        champions_share: champions.map_or((!segments.is_empty()).then_some(0.0), |row| row.number("customer_share")),
        clv_12m: (!worth.is_empty()).then(|| worth.into_iter().sum()),
        repeat_rate: latest.and_then(|row| row.number("repeat_purchase_rate")),
    })
}

/// Orders and revenue of the regions or, where that mart is left out, of the months: both hold all sales once.
fn trade(snapshot: Snapshot<'_>) -> Result<Vec<(i64, Money)>, Error> {
    let figures = |row: Row<'_>| (row.orders(), row.money("net_amount"));
    let regions = snapshot.rows("region_performance", &["orders", "orders_begun", "net_amount"])?;
    if !regions.is_empty() {
        return Ok(regions.iter().map(figures).collect());
    }
    let periods = snapshot.rows("sales_trend", &["period_kind", "orders", "orders_begun", "net_amount"])?;
    Ok(periods.of("period_kind", "month").map(figures).collect())
}

fn size(rows: &Rows) -> Option<i64> {
    (!rows.is_empty()).then(|| length(rows.len()))
}

fn length(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// A card: its word, its figure, and how the figure has moved.
struct Card {
    word: &'static str,
    name: &'static str,
    exact: Option<String>,
    shown: Markup,
    /// The change in words and whether it is up, down or neither.
    change: Option<(String, &'static str)>,
}

impl Card {
    fn markup(&self) -> Markup {
        html! {
            div.card {
                dt { (self.word) }
                dd.big { @match &self.exact {
                    Some(exact) => { data data-figure=(self.name) value=(exact) { (self.shown) } }
                    None => { span.faint data-figure=(self.name) data-absent { "not published" } }
                } }
                @if let Some((text, way)) = &self.change { dd.change.(way) { (text) } }
            }
        }
    }
}

fn amount(word: &'static str, name: &'static str, is: Option<Money>, was: Option<Money>) -> Card {
    let shown = is.map(Money::shown).unwrap_or_default();
    let (whole, part) = shown.split_once('.').unwrap_or((&shown, ""));
    let change = is.zip(was).map(|(is, was)| relative(is.0 - was.0, was.0, &Money(is.0 - was.0).shown()));
    Card { word, name, exact: is.map(Money::exact), shown: html! { (whole) small { "." (part) } }, change }
}

fn number(word: &'static str, name: &'static str, is: Option<i64>, was: Option<i64>) -> Card {
    let change = is.zip(was).map(|(is, was)| relative(i128::from(is - was), was.into(), &count(is - was)));
    Card { word, name, exact: is.map(|n| n.to_string()), shown: html! { (is.map(count).unwrap_or_default()) }, change }
}

fn share(word: &'static str, name: &'static str, is: Option<f64>, was: Option<f64>) -> Card {
    let change = is.zip(was).map(|(is, was)| {
        let points = (is - was) * 100.0;
        let way = if points > 0.0 {
            "up"
        } else if points < 0.0 {
            "down"
        } else {
            "same"
        };
        let text = match way {
            "same" => "no change".to_owned(),
            _ => format!("{}{} points", if points > 0.0 { "+" } else { "" }, figures::number(points, 1)),
        };
        (text, way)
    });
    let shown = is.map(|share| percent(share, 1)).unwrap_or_default();
    Card { word, name, exact: is.map(|share| share.to_string()), shown: html! { (shown) }, change }
}

/// A difference, with how large it is beside what was.
#[allow(clippy::cast_precision_loss, reason = "one decimal is shown")]
fn relative(difference: i128, was: i128, shown: &str) -> (String, &'static str) {
    let way = match difference {
        0 => return ("no change".to_owned(), "same"),
        d if d > 0 => "up",
        _ => "down",
    };
    let sign = if difference > 0 { "+" } else { "" };
    if was <= 0 {
        return (format!("{sign}{shown}"), way);
    }
    (format!("{sign}{shown} ({sign}{})", percent(difference as f64 / was as f64, 1)), way)
}
