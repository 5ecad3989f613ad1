//! Which statement builds which table, and the values bound to its parameters.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use config::{AtRisk, Frequency, PriceSensitive, Returns, Scoring, Thresholds, Tiers, Transform, Universe};
use datafusion::scalar::ScalarValue;
use datafusion::sql::parser::DFParser;
use datafusion::sql::resolve::resolve_table_references;

use crate::{retention, rfm, star, trade, value};

/// Views between tables, in the order they are made; each is looked up by [`view`].
pub const VIEWS: [&str; 5] = ["sales_lines", "placed_lines", "score_values", "score_ranks", "scores"];

/// The statement that builds a table of `schema::TABLES`; none for tables that other crates write and for tables that
/// this version publishes empty.
pub fn statement(table: &str) -> Option<&'static str> {
    let all = [&star::STATEMENTS[..], &trade::STATEMENTS, &rfm::STATEMENTS, &value::STATEMENTS, &retention::STATEMENTS];
    all.into_iter().flatten().find(|(name, _)| *name == table).map(|(_, sql)| *sql)
}

/// What a table that Rust computes is computed from: its statements, each with the name of what it reads.
pub fn inputs(table: &str) -> &'static [(&'static str, &'static str)] {
    match table {
        "second_purchase_survival" => &[("waits", include_str!("retention/waits.sql"))],
        "customer_clv" => &[
            ("purchase_days", include_str!("prediction/purchase_days.sql")),
            ("known_models", include_str!("prediction/known_models.sql")),
        ],
        "basket_itemsets" => {
            &[("items", include_str!("prediction/items.sql")), ("buyers", include_str!("prediction/buyers.sql"))]
        }
        _ => &[],
    }
}

/// Tables that Rust goes over from the first row to the last, an order that no statement promises.
pub fn files(table: &str) -> &'static [&'static str] {
    match table {
        "orders" => &["fact_sales"],
        "basket_itemsets" => &["order_items"],
        _ => &[],
    }
}

/// What every sales line of the source has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Given {
    /// A line number of its own.
    pub number: bool,
    pub region: bool,
}

/// The statement behind a view.
pub(crate) fn view(name: &str, given: Given, scoring: &Scoring) -> Option<&'static str> {
    Some(match name {
        "sales_lines" if given.number => include_str!("star/sales_lines_given.sql"),
        "sales_lines" => include_str!("star/sales_lines_numbered.sql"),
        "placed_lines" if given.region => return view("sales_lines", given, scoring),
        "placed_lines" => include_str!("star/placed_lines_by_customer.sql"),
        "score_values" => include_str!("rfm/score_values.sql"),
        "score_ranks" => include_str!("rfm/score_ranks.sql"),
        "scores" => match scoring {
            Scoring::NtileTied => include_str!("rfm/score_ntile_tied.sql"),
            Scoring::Ntile => include_str!("rfm/score_ntile.sql"),
            Scoring::Quantile => include_str!("rfm/score_quantile.sql"),
            Scoring::PandasFirst => include_str!("rfm/score_pandas_first.sql"),
            Scoring::Fixed(_) => include_str!("rfm/score_fixed.sql"),
        },
        _ => return None,
    })
}

/// Every view with all the statements it can stand for, so that a test can read each of them whatever the options are.
pub fn view_statements() -> Vec<(&'static str, Vec<&'static str>)> {
    let no_bounds = Thresholds { recency: [0; 4], frequency: [0; 4], monetary: [0; 4] };
    let modes = [Scoring::NtileTied, Scoring::Ntile, Scoring::Quantile, Scoring::PandasFirst, Scoring::Fixed(no_bounds)];
    let variants = |name| {
        let mut found = Vec::new();
        for sql in
            modes.iter().flat_map(|mode| [true, false].map(|all| view(name, Given { number: all, region: all }, mode))).flatten()
        {
            if !found.contains(&sql) {
                found.push(sql);
            }
        }
        (name, found)
    };
    VIEWS.into_iter().map(variants).collect()
}

/// What sales name and no source has; where that is nothing, nobody looks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Orphans {
    pub customers: bool,
    pub products: bool,
}

/// Every parameter any statement names; a statement takes those it needs.
pub(crate) fn parameters(options: &Transform, as_of: NaiveDate, orphans: Orphans) -> Vec<(&'static str, ScalarValue)> {
    let rule = match options.rfm.price_sensitive {
        PriceSensitive::Auto => "auto",
        PriceSensitive::Discount => "discount",
        PriceSensitive::Grid => "grid",
        PriceSensitive::Off => "off",
    };
    // The workshop's grid names Price Sensitive itself, so nothing is laid over it.
    let rule = if options.rfm.grid == config::Grid::Workshop12 { "off" } else { rule };
    let mut parameters = vec![
        ("as_of", ScalarValue::Date32(Some(day_number(as_of)))),
        ("orphan_customers", ScalarValue::from(orphans.customers)),
        ("orphan_products", ScalarValue::from(orphans.products)),
        ("exclude_returns", ScalarValue::from(options.returns == Returns::Exclude)),
        ("by_purchase_days", ScalarValue::from(options.rfm.frequency == Frequency::PurchaseDays)),
        ("by_region", ScalarValue::from(options.rfm.universe == Universe::Region)),
        ("price_rule", ScalarValue::from(rule)),
    ];
    parameters.extend(mart_parameters(options));
    if let Scoring::Fixed(thresholds) = &options.rfm.scoring {
        parameters.extend(bounds(thresholds));
    }
    parameters
}

fn mart_parameters(options: &Transform) -> Vec<(&'static str, ScalarValue)> {
    let (mode, days) = match options.value.at_risk {
        AtRisk::RecencyQuartile => ("recency_quartile", 0),
        AtRisk::Days(days) => ("days", days),
        AtRisk::PAlive => ("p_alive", 0),
    };
    vec![
        ("tied_tiers", ScalarValue::from(options.value.tiers == Tiers::Tied)),
        ("at_risk_mode", ScalarValue::from(mode)),
        ("at_risk_days", ScalarValue::from(days)),
        ("comeback_gap", ScalarValue::from(options.value.comeback_gap_days)),
        ("campaign", ScalarValue::from(options.winback.campaign.as_str())),
        ("control_slots", ScalarValue::from(options.winback.control_slots)),
        ("contact_days", ScalarValue::from(options.winback.contact_days)),
        ("late_payments", ScalarValue::from(options.risk.late_payments)),
        ("tickets_90d", ScalarValue::from(options.risk.tickets_90d)),
    ]
}

/// A day as the number a date32 holds.
pub(crate) fn day_number(day: NaiveDate) -> i32 {
    day.to_epoch_days()
}

fn bounds(thresholds: &Thresholds) -> Vec<(&'static str, ScalarValue)> {
    const RECENCY: [&str; 4] = ["recency_1", "recency_2", "recency_3", "recency_4"];
    const FREQUENCY: [&str; 4] = ["frequency_1", "frequency_2", "frequency_3", "frequency_4"];
    const MONETARY: [&str; 4] = ["monetary_1", "monetary_2", "monetary_3", "monetary_4"];
    let whole = |value: i64| ScalarValue::Decimal128(Some(i128::from(value) * extract::decimal::UNIT), 18, 4);
    let money = |value: i128| ScalarValue::Decimal128(Some(value), 18, 4);
    let recency = RECENCY.into_iter().zip(thresholds.recency.map(whole));
    let frequency = FREQUENCY.into_iter().zip(thresholds.frequency.map(whole));
    let monetary = MONETARY.into_iter().zip(thresholds.monetary.map(money));
    recency.chain(frequency).chain(monetary).collect()
}

/// What each table reads, views looked through: staged entities, tables of the snapshot before, and other tables. Tables are in
/// build order; one that nothing is known of is left out.
pub fn lineage() -> Vec<(&'static str, Vec<String>)> {
    let behind: BTreeMap<&str, BTreeSet<String>> = view_statements()
        .into_iter()
        .map(|(name, variants)| (name, variants.iter().flat_map(|sql| named(sql)).collect()))
        .collect();
    let of = |table: &'static schema::Table| {
        let statements = inputs(table.name).iter().map(|(_, sql)| *sql).chain(statement(table.name));
        let mut reads: BTreeSet<String> = statements.flat_map(named).collect();
        reads.extend(files(table.name).iter().map(|file| (*file).to_owned()));
        // A view reads views at most as often as there are views.
        for _ in VIEWS {
            reads =
                reads.into_iter().flat_map(|name| behind.get(name.as_str()).cloned().unwrap_or_else(|| [name].into())).collect();
        }
        (table.name, reads.into_iter().collect::<Vec<_>>())
    };
    schema::TABLES.iter().copied().map(of).filter(|(_, reads)| !reads.is_empty()).collect()
}

/// The tables and views a statement names; the statements are our own, so they can be read.
fn named(sql: &str) -> BTreeSet<String> {
    let Ok(statements) = DFParser::parse_sql(sql) else { return BTreeSet::new() };
    let resolved = statements.iter().filter_map(|statement| resolve_table_references(statement, false).ok());
    resolved.flat_map(|(tables, _)| tables).map(|table| table.table().to_owned()).collect()
}
