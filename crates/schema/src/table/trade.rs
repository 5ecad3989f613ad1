//! Marts on trade.

use crate::Type::{Bool, Date, Int, Key, Money, Number, Quantity, Text};
use crate::table::{Group, Table, Visibility, col, null};

pub(crate) static SALES_TREND: Table = Table {
    name: "sales_trend",
    group: Group::Trade,
    visibility: Visibility::Published,
    grain: "day, week or month, by region of the sale",
    key: &["period_kind", "period_start", "region_key"],
    description: "Sales over time.",
    columns: &[
        col("period_kind", Text, "Length of the period: day, week (from Monday) or month."),
        col("period_start", Date, "First day of the period."),
        col("region_key", Key, "Region of the sale."),
        col("orders", Int, "Orders that are purchases, not wholly returned."),
        col("customers", Int, "Customers with a purchase, anonymous sales aside."),
        col("units", Quantity, "Pieces, returns deducted."),
        col("gross_amount", Money, "Amount before discount."),
        col("discount_amount", Money, "Discounts given."),
        col("net_amount", Money, "Revenue after discount, returns deducted."),
        null("average_order_value", Money, "Revenue per order."),
        col("is_complete", Bool, "The period had ended by as_of."),
        col("orders_begun", Int, "Orders that begin in this region and period; unlike orders they add up over rows."),
    ],
};

pub(crate) static PRODUCT_PERFORMANCE: Table = Table {
    name: "product_performance",
    group: Group::Trade,
    visibility: Visibility::Published,
    grain: "product sold",
    key: &["product_key"],
    description: "What each product brings, and its rank.",
    columns: &[
        col("product_key", Key, "Key of the product."),
        col("units", Quantity, "Pieces, returns deducted."),
        col("net_amount", Money, "Revenue after discount, returns deducted."),
        col("orders", Int, "Orders that kept some of it."),
        col("customers", Int, "Customers who kept some of it, anonymous sales aside."),
        col("revenue_rank", Int, "Place by revenue, 1 for the most; each place is given once."),
        col("units_rank", Int, "Place by pieces, 1 for the most; each place is given once."),
        null("revenue_share", Number, "Share of all revenue, 1 for the whole."),
        null("cumulative_revenue_share", Number, "Revenue share of this and all better ranked products, 1 for the whole."),
        null("first_sold_on", Date, "Day of the first sale."),
        null("last_sold_on", Date, "Day of the latest sale."),
    ],
};

pub(crate) static REGION_PERFORMANCE: Table = Table {
    name: "region_performance",
    group: Group::Trade,
    visibility: Visibility::Published,
    grain: "region of the sale",
    key: &["region_key"],
    description: "What each region brings.",
    columns: &[
        col("region_key", Key, "Region of the sale."),
        col("customers", Int, "Customers with a purchase, anonymous sales aside."),
        col("orders", Int, "Orders that are purchases."),
        col("net_amount", Money, "Revenue after discount, returns deducted."),
        null("revenue_share", Number, "Share of all revenue, 1 for the whole."),
        null("average_order_value", Money, "Revenue per order."),
        col("orders_begun", Int, "Orders that begin in this region; unlike orders they add up over rows."),
    ],
};

pub(crate) static AGE_BAND_PERFORMANCE: Table = Table {
    name: "age_band_performance",
    group: Group::Trade,
    visibility: Visibility::Published,
    grain: "age band",
    key: &["age_band"],
    description: "Sales by the customer's age at as_of.",
    columns: &[
        col("age_band", Text, "<25, 25-34, 35-54, 55+ or Unknown."),
        col("customers", Int, "Customers with a purchase, anonymous sales aside."),
        col("orders", Int, "Orders that are purchases."),
        col("net_amount", Money, "Revenue after discount, returns deducted."),
        null("average_order_value", Money, "Revenue per order."),
    ],
};
