//! The published tables.

mod customers;
mod meta;
mod prediction;
mod retention;
mod star;
mod trade;
mod working;

use std::sync::Arc;

use arrow_schema::{Field, Schema, SchemaRef};

use crate::Type;

/// A chapter of the dictionary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Star,
    Trade,
    Customers,
    Retention,
    Prediction,
    Meta,
}

impl Group {
    /// In the order of the dictionary.
    pub const ALL: [Self; 6] = [Self::Star, Self::Trade, Self::Customers, Self::Retention, Self::Prediction, Self::Meta];

    pub fn title(self) -> &'static str {
        match self {
            Self::Star => "Star",
            Self::Trade => "Trade",
            Self::Customers => "Customers",
            Self::Retention => "Retention",
            Self::Prediction => "Prediction and affinity",
            Self::Meta => "Meta",
        }
    }
}

/// What becomes of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Built and published.
    Published,
    /// Built for the tables after it, never published.
    Working,
}

#[derive(Debug)]
pub struct Column {
    pub name: &'static str,
    pub kind: Type,
    pub nullable: bool,
    pub description: &'static str,
}

#[derive(Debug)]
pub struct Table {
    pub name: &'static str,
    pub group: Group,
    pub visibility: Visibility,
    /// What one row is.
    pub grain: &'static str,
    /// Rows are unique by these columns and sorted by them, ascending, NULLs last. A working table may have none: its
    /// rows come in no order.
    pub key: &'static [&'static str],
    pub description: &'static str,
    pub columns: &'static [Column],
}

/// A column that always has a value.
const fn col(name: &'static str, kind: Type, description: &'static str) -> Column {
    Column { name, kind, nullable: false, description }
}

/// A column that may be NULL.
const fn null(name: &'static str, kind: Type, description: &'static str) -> Column {
    Column { name, kind, nullable: true, description }
}

impl Table {
    /// The table's shape as text: a published file's schema hash is taken over it.
    pub fn signature(&self) -> String {
        let columns = self.columns.iter().map(|c| format!("{} {}{}", c.name, c.kind.name(), if c.nullable { "?" } else { "" }));
        format!("{}({})", self.name, columns.collect::<Vec<_>>().join(", "))
    }

    pub fn arrow(&self) -> SchemaRef {
        let fields: Vec<Field> = self.columns.iter().map(|c| Field::new(c.name, c.kind.arrow(), c.nullable)).collect();
        Arc::new(Schema::new(fields))
    }

    /// Whether the first column of the key is sorted by length before its text, so that order 9 comes before order 10.
    pub fn shorter_ids_first(&self) -> bool {
        self.name == "fact_sales"
    }

    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|c| c.name == name)
    }
}

/// The table of this name.
pub fn table(name: &str) -> Option<&'static Table> {
    TABLES.iter().copied().find(|t| t.name == name)
}

/// Every table, in build order: a table reads only staged entities and tables above it.
pub static TABLES: &[&Table] = &[
    &star::FACT_SALES,
    &working::ORDERS,
    &working::ORDER_ITEMS,
    &star::DIM_REGION,
    &star::DIM_CUSTOMER,
    &star::DIM_PRODUCT,
    &star::DIM_DATE,
    &star::FACT_PAYMENTS,
    &star::FACT_TICKETS,
    &trade::SALES_TREND,
    &trade::PRODUCT_PERFORMANCE,
    &trade::REGION_PERFORMANCE,
    &trade::AGE_BAND_PERFORMANCE,
    &customers::CUSTOMER_REGION,
    &working::CUSTOMER_DAYS,
    &working::RFM_MEASURES,
    &working::RFM_SCORES,
    &working::SEGMENT_GRID,
    &customers::CUSTOMER_RFM,
    &customers::RFM_SEGMENT_SUMMARY,
    &customers::RFM_VALIDATION,
    &customers::SEGMENT_MIGRATION,
    &prediction::CUSTOMER_CLV,
    &prediction::CLV_MODEL,
    &prediction::CLV_BACKTEST,
    &customers::CUSTOMER_VALUE,
    &customers::VALUE_TIER_SUMMARY,
    &customers::VALUE_CONCENTRATION,
    &customers::BUSINESS_SEGMENT_SUMMARY,
    &customers::WINBACK_TARGETS,
    &customers::CUSTOMER_RISK,
    &working::CUSTOMER_MONTHS,
    &working::CUSTOMER_COHORTS,
    &working::SECOND_PURCHASE_WAITS,
    &retention::COHORT_RETENTION,
    &retention::COHORT_AVERAGE,
    &retention::COHORT_FIRST_PURCHASE,
    &retention::RETENTION_MONTHLY,
    &retention::SECOND_PURCHASE_SURVIVAL,
    &prediction::BASKET_ITEMSETS,
    &prediction::BASKET_RULES,
    &prediction::BASKET_RUN,
    &prediction::PRODUCT_RECOMMENDATIONS,
    &prediction::NEXT_BEST_PRODUCT,
    &meta::META_RUN,
    &meta::META_RECONCILIATION,
    &meta::META_CHECKS,
    &meta::SECURITY_USER_REGION,
];
