//! The book: rows and money at every hop, from the source's records to the last mart.
//!
//! Each side of a hop is counted on its own: what goes in from what was read, what comes out from the file that will be
//! published, and what is left out by the rule that leaves it out, not by what is missing. The marts' expected rows are counted on the fact table by a statement of their own.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::AsArray;
use arrow::datatypes::{Decimal128Type, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use extract::{Book, Origin, Staged};
use schema::{ENTITIES, Entity};
use serde::{Serialize, Serializer};

use crate::check::Check;

/// One row of `meta_reconciliation`. Amounts are in ten-thousandths of the currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hop {
    pub hop: String,
    pub entity: String,
    pub rows_in: u64,
    pub rows_loaded: u64,
    pub rows_rejected: u64,
    pub rows_deduplicated: u64,
    pub rows_filtered: u64,
    #[serde(serialize_with = "shown")]
    pub amount_in: Option<i128>,
    #[serde(serialize_with = "shown")]
    pub amount_rejected: Option<i128>,
    #[serde(serialize_with = "shown")]
    pub amount_deduplicated: Option<i128>,
    #[serde(serialize_with = "shown")]
    pub amount_filtered: Option<i128>,
    #[serde(serialize_with = "shown")]
    pub amount_out: Option<i128>,
}

#[allow(clippy::trivially_copy_pass_by_ref, clippy::ref_option, reason = "the signature serde asks for")]
fn shown<S: Serializer>(amount: &Option<i128>, serializer: S) -> Result<S::Ok, S::Error> {
    amount.map(extract::decimal::display).serialize(serializer)
}

impl Hop {
    /// In equals out plus everything that was left behind on the way, in rows and to the last ten-thousandth.
    pub fn balanced(&self) -> bool {
        let rows = self.rows_loaded + self.rows_rejected + self.rows_deduplicated + self.rows_filtered;
        let left = [self.amount_rejected, self.amount_deduplicated, self.amount_filtered].into_iter().flatten().sum::<i128>();
        let amounts = match (self.amount_in, self.amount_out) {
            (Some(before), Some(after)) => before == after + left,
            (None, None) => true,
            _ => false,
        };
        rows == self.rows_in && amounts
    }

    pub(crate) fn check(&self) -> Check {
        let amount = |a: Option<i128>| a.map(extract::decimal::display).unwrap_or_default();
        let measured = if self.balanced() {
            format!("{} rows in, {} out {}", self.rows_in, self.rows_loaded, amount(self.amount_out)).trim_end().to_owned()
        } else {
            format!(
                "rows: {} in, {} loaded, {} rejected, {} duplicates, {} filtered; amount: {} in, {} out",
                self.rows_in,
                self.rows_loaded,
                self.rows_rejected,
                self.rows_deduplicated,
                self.rows_filtered,
                amount(self.amount_in),
                amount(self.amount_out)
            )
        };
        let off = self.rows_in.abs_diff(self.rows_loaded + self.rows_rejected + self.rows_deduplicated + self.rows_filtered);
        let name = format!("reconcile_{}", self.hop);
        let check =
            Check::must(&name, &self.entity, self.balanced(), measured, "in = out + rejected + duplicates + filtered", off);
        if self.balanced() {
            return check;
        }
        check.with_remedy(if self.hop == "star" && self.rows_loaded > self.rows_in {
            "a join gave rows twice: a dimension's source has an id twice; see the unique_key check of the dimension"
        } else {
            "rows or money were lost between these two; keep the run folder and report it"
        })
    }
}

/// The whole book of a run, in the order of the data's road. Marts in `empty` are published empty and have no figures.
pub async fn reconcile(
    session: &SessionContext,
    staged: &Staged,
    excludes_returns: bool,
    empty: &BTreeSet<&'static str>,
) -> Result<Vec<Hop>, DataFusionError> {
    let rules = [
        ("as_of", ScalarValue::Date32(Some(staged.as_of.to_epoch_days()))),
        ("exclude_returns", ScalarValue::from(excludes_returns)),
    ];
    let mut hops = Vec::new();
    for entity in ENTITIES {
        if staged.entities.get(&entity).is_some_and(|e| e.origin == Origin::Source) {
            hops.push(extracted(entity, &staged.book(entity)));
        }
    }
    for entity in ENTITIES {
        let origin = staged.entities.get(&entity).map_or(Origin::Absent, |e| e.origin);
        if origin != Origin::Absent {
            hops.push(star(session, entity, &staged.book(entity), &rules).await?);
        }
    }
    let mut counted: BTreeMap<&str, Figures> = BTreeMap::new();
    for mart in MARTS.iter().filter(|m| !empty.contains(m.table)) {
        if !counted.contains_key(mart.expected) {
            counted.insert(mart.expected, figures(session, mart.expected, &[]).await?);
        }
        if let Some(expected) = counted.get(mart.expected) {
            hops.push(mart_hop(session, mart, expected).await?);
        }
    }
    Ok(hops)
}

fn extracted(entity: Entity, book: &Book) -> Hop {
    Hop {
        hop: "extract".to_owned(),
        entity: entity.name().to_owned(),
        rows_in: book.rows_in,
        rows_loaded: book.rows_loaded,
        rows_rejected: book.rows_rejected,
        rows_deduplicated: book.rows_deduplicated,
        rows_filtered: book.rows_filtered,
        amount_in: book.amount_in,
        amount_rejected: book.amount_rejected,
        amount_deduplicated: book.amount_deduplicated,
        amount_filtered: book.amount_filtered,
        amount_out: book.amount_loaded,
    }
}

async fn star(session: &SessionContext, entity: Entity, book: &Book, rules: &[Rule]) -> Result<Hop, DataFusionError> {
    let figures = figures(session, star_sql(entity), rules).await?;
    let with_amount = book.amount_loaded.is_some();
    Ok(Hop {
        hop: "star".to_owned(),
        entity: entity.name().to_owned(),
        rows_in: book.rows_loaded,
        rows_loaded: figures.rows,
        rows_rejected: 0,
        rows_deduplicated: 0,
        rows_filtered: figures.filtered_rows,
        amount_in: book.amount_loaded,
        amount_rejected: with_amount.then_some(0),
        amount_deduplicated: with_amount.then_some(0),
        amount_filtered: with_amount.then_some(figures.filtered_amount),
        amount_out: with_amount.then_some(figures.amount),
    })
}

async fn mart_hop(session: &SessionContext, mart: &Mart, expected: &Figures) -> Result<Hop, DataFusionError> {
    let published = figures(session, mart.published, &[]).await?;
    Ok(Hop {
        hop: "mart".to_owned(),
        entity: mart.figure.to_owned(),
        rows_in: expected.expected_rows,
        rows_loaded: published.rows,
        rows_rejected: 0,
        rows_deduplicated: 0,
        rows_filtered: expected.filtered_rows,
        amount_in: Some(expected.expected_amount),
        amount_rejected: Some(0),
        amount_deduplicated: Some(0),
        amount_filtered: Some(expected.filtered_amount),
        amount_out: Some(published.amount),
    })
}

#[derive(Default)]
struct Figures {
    rows: u64,
    amount: i128,
    filtered_rows: u64,
    filtered_amount: i128,
    expected_rows: u64,
    expected_amount: i128,
}

/// What decides which rows are left out, by the name a statement has for it.
type Rule = (&'static str, ScalarValue);

/// The one row of a statement whose columns are named as the fields of [`Figures`].
async fn figures(session: &SessionContext, sql: &str, rules: &[Rule]) -> Result<Figures, DataFusionError> {
    let mut figures = Figures::default();
    for batch in session.sql(sql).await?.with_param_values(rules.to_vec())?.collect().await? {
        let count = |name: &str| {
            let column = batch.column_by_name(name).and_then(|c| c.as_primitive_opt::<Int64Type>());
            column.map_or(0, |c| c.iter().flatten().map(i64::unsigned_abs).sum())
        };
        let amount = |name: &str| {
            let column = batch.column_by_name(name).and_then(|c| c.as_primitive_opt::<Decimal128Type>());
            column.map_or(0, |c| c.iter().flatten().sum())
        };
        figures.rows += count("rows_out");
        figures.filtered_rows += count("filtered_rows");
        figures.expected_rows += count("expected_rows");
        figures.amount += amount("amount");
        figures.filtered_amount += amount("filtered_amount");
        figures.expected_amount += amount("expected_amount");
    }
    Ok(figures)
}

fn star_sql(entity: Entity) -> &'static str {
    match entity {
        Entity::Sales => include_str!("book/star_sales.sql"),
        Entity::Customers => include_str!("book/star_customers.sql"),
        Entity::Products => include_str!("book/star_products.sql"),
        Entity::Payments => include_str!("book/star_payments.sql"),
        Entity::Tickets => include_str!("book/star_tickets.sql"),
        Entity::Users => include_str!("book/star_users.sql"),
    }
}

/// A figure of a mart, and what it must equal.
struct Mart {
    table: &'static str,
    /// The table, or the part of it that the figure is about.
    figure: &'static str,
    /// Rows and amount of the file that will be published.
    published: &'static str,
    /// The same counted on the fact table; marts on one grain share one count.
    expected: &'static str,
}

const fn mart(table: &'static str, figure: &'static str, published: &'static str, expected: &'static str) -> Mart {
    Mart { table, figure, published, expected }
}

const CUSTOMERS: &str = include_str!("book/expected_customers.sql");

const MARTS: [Mart; 13] = [
    mart("sales_trend", "sales_trend (day)", include_str!("book/sales_trend_day.sql"), include_str!("book/expected_days.sql")),
    mart("sales_trend", "sales_trend (week)", include_str!("book/sales_trend_week.sql"), include_str!("book/expected_weeks.sql")),
    mart(
        "sales_trend",
        "sales_trend (month)",
        include_str!("book/sales_trend_month.sql"),
        include_str!("book/expected_months.sql"),
    ),
    mart(
        "product_performance",
        "product_performance",
        include_str!("book/product_performance.sql"),
        include_str!("book/expected_products.sql"),
    ),
    mart(
        "region_performance",
        "region_performance",
        include_str!("book/region_performance.sql"),
        include_str!("book/expected_regions.sql"),
    ),
    mart(
        "age_band_performance",
        "age_band_performance",
        include_str!("book/age_band_performance.sql"),
        include_str!("book/expected_age_bands.sql"),
    ),
    mart(
        "customer_region",
        "customer_region",
        include_str!("book/customer_region.sql"),
        include_str!("book/expected_customer_regions.sql"),
    ),
    mart("customer_rfm", "customer_rfm", include_str!("book/customer_rfm.sql"), CUSTOMERS),
    mart("rfm_segment_summary", "rfm_segment_summary", include_str!("book/rfm_segment_summary.sql"), CUSTOMERS),
    mart("segment_migration", "segment_migration", include_str!("book/segment_migration.sql"), CUSTOMERS),
    mart("customer_value", "customer_value", include_str!("book/customer_value.sql"), CUSTOMERS),
    mart("value_tier_summary", "value_tier_summary", include_str!("book/value_tier_summary.sql"), CUSTOMERS),
    mart("cohort_retention", "cohort_retention (first_purchase)", include_str!("book/cohort_retention.sql"), CUSTOMERS),
];
