//! Tables built for the tables after them, never published.

use crate::Type::{Bool, Date, Int, Key, Money, Quantity, Score, Text, Time};
use crate::table::{Group, Table, Visibility, col};

pub(crate) static ORDERS: Table = Table {
    name: "orders",
    group: Group::Meta,
    visibility: Visibility::Working,
    grain: "order as far as it lies in one customer, region and day",
    key: &["order_id", "customer_key", "region_key", "ordered_on"],
    description: "Orders, nearly always one row each.",
    columns: &[
        col("order_id", Text, "The order's number at the source."),
        col("customer_key", Key, "Who bought."),
        col("region_key", Key, "Region of the sale."),
        col("ordered_on", Date, "Day of its lines."),
        col("ordered_at", Time, "Time of its first line, in the store's time zone."),
        col("lines", Int, "Order lines in it."),
        col("quantity", Quantity, "Pieces, returns deducted."),
        col("gross_amount", Money, "Amount before discount."),
        col("discount_amount", Money, "Discounts given."),
        col("net_amount", Money, "Revenue after discount, returns deducted."),
        col("is_purchase", Bool, "The whole order is not wholly returned, and this part of it keeps some pieces."),
    ],
};

pub(crate) static RFM_MEASURES: Table = Table {
    name: "rfm_measures",
    group: Group::Meta,
    visibility: Visibility::Working,
    grain: "customer with a purchase",
    key: &["customer_key"],
    description: "What customers are scored by.",
    columns: &[
        col("customer_key", Key, "Key of the customer."),
        col("customer_id", Text, "The customer's number at the source."),
        col("region_key", Key, "The customer's region."),
        col("last_purchase_on", Date, "Day of the latest purchase."),
        col("days_since_last_order", Int, "Days from there to as_of."),
        col("frequency", Int, "Orders or purchase days, as the pipeline file says."),
        col("orders", Int, "Orders that are purchases."),
        col("discounted_orders", Int, "Orders with a discount among them."),
        col("monetary", Money, "Revenue after discount, returns deducted."),
        col("gross_amount", Money, "Amount before discount."),
        col("discount_amount", Money, "Discounts given."),
    ],
};

pub(crate) static RFM_SCORES: Table = Table {
    name: "rfm_scores",
    group: Group::Meta,
    visibility: Visibility::Working,
    grain: "customer with a purchase",
    key: &["customer_key"],
    description: "The three scores.",
    columns: &[
        col("customer_key", Key, "Key of the customer."),
        col("r_score", Score, "Recency score."),
        col("f_score", Score, "Frequency score."),
        col("m_score", Score, "Monetary score."),
        col("score_quality", Text, "How far the data bears the scores."),
    ],
};

pub(crate) static SEGMENT_GRID: Table = Table {
    name: "segment_grid",
    group: Group::Meta,
    visibility: Visibility::Working,
    grain: "recency score and sum of the other two",
    key: &["r_score", "fm_sum"],
    description: "Which segment a pair falls in.",
    columns: &[
        col("r_score", Score, "Recency score."),
        col("fm_sum", Int, "Frequency plus monetary score, 2 to 10."),
        col("segment", Text, "Name of the segment."),
    ],
};
