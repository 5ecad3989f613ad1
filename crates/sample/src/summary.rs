//! What was made, as returned and as written to `summary.json`.

use serde::Serialize;

use crate::shop::{Format, Shop};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    pub arguments: Arguments,
    pub rows: Rows,
    /// The size of the five tables together, in bytes.
    pub bytes: u64,
    pub planted: Planted,
    pub expected: Expected,
    /// The planted pairs of the most popular products, most popular first; every product has a partner.
    pub affinities: Vec<Affinity>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Arguments {
    pub lines: u64,
    pub seed: u64,
    pub format: Format,
    pub dirt: f64,
}

impl From<&Shop> for Arguments {
    fn from(shop: &Shop) -> Self {
        Self { lines: shop.lines, seed: shop.seed, format: shop.format, dirt: shop.dirt }
    }
}

/// Rows per file, headers not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Rows {
    pub customers: u64,
    pub products: u64,
    /// The lines asked for and one more for each planted duplicate.
    pub order_lines: u64,
    pub payments: u64,
    pub tickets: u64,
}

/// How many order lines got each fault; no line has two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Planted {
    /// `unit_price` is a text that is no number, such as `12,x4`. Dirty Parquet has `unit_price` as text for it.
    pub unparseable_number: u64,
    /// `customer_id` is NULL.
    pub missing_customer: u64,
    /// An exact copy of a faultless line, within the next 500 rows.
    pub duplicate_line: u64,
    /// `product_id` is above every id in products.
    pub orphan_product: u64,
    /// `unit_price` is below zero.
    pub negative_price: u64,
    /// `order_ts` lies in 2199.
    pub future_date: u64,
    /// `channel` is not UTF-8. Parquet cannot hold such a text: there it is always 0.
    pub wrong_encoding: u64,
}

/// What a load must arrive at that rejects unparseable numbers, negative prices, future dates and wrong encodings,
/// drops duplicate copies, and keeps lines whose customer is missing or whose product is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Expected {
    pub lines_loaded: u64,
    /// The exact sum of `quantity * unit_price - discount` over the loaded lines, with two decimals.
    pub net_amount: String,
    /// Distinct `order_id`s among the loaded lines.
    pub orders: u64,
    /// Distinct `customer_id`s among the loaded lines, a missing one not counted.
    pub customers_with_orders: u64,
}

/// After a line with `product_id`, the order's next line is `partner_id` with this probability.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Affinity {
    pub product_id: u64,
    pub partner_id: u64,
    pub probability: f64,
}
