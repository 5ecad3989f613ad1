//! Tables built for the tables after them, never published.

use crate::Type::{Bool, Count, Date, Int, Key, Money, Quantity, Score, Text, Time};
use crate::table::{Group, Table, Visibility, col, null};

pub(crate) static ORDERS: Table = Table {
    name: "orders",
    group: Group::Meta,
    visibility: Visibility::Working,
    grain: "order as far as it lies in one customer, day and region",
    key: &[],
    description: "Orders, nearly always one row each.",
    columns: &[
        col("order_number", Int, "Place of the order in fact_sales, from 0."),
        col("customer_key", Key, "Who bought."),
        col("region_key", Key, "Region of the sale."),
        col("ordered_on", Date, "Day of its lines."),
        col("ordered_at", Time, "Time of its first line, in the store's time zone."),
        col("lines", Int, "Order lines in it."),
        col("quantity", Quantity, "Pieces, returns deducted."),
        col("gross_amount", Money, "Amount before discount."),
        col("discount_amount", Money, "Discounts given."),
        col("net_amount", Money, "Revenue after discount, returns deducted."),
        col(
            "is_purchase",
            Bool,
            "Neither the order nor what this customer bought in it is wholly returned, and this part keeps some pieces.",
        ),
        col("is_purchase_of_day", Bool, "The same of what the customer bought in it on this day, in whatever region."),
        col("is_order", Bool, "The customer's first day with a purchase in this order, so that adding these up counts orders."),
        col("is_order_of_day", Bool, "The customer's purchase of this day in this order, once."),
        col("is_discounted", Bool, "It is the order's first, and some purchase of this customer in it had a discount."),
        col("is_order_begun", Bool, "The first purchase of the order, whoever bought, wherever and when."),
        col("is_order_of_region", Bool, "The first purchase of the order in this region, whoever bought."),
        col("is_order_of_region_day", Bool, "The first of these on this day."),
        col("is_order_of_region_week", Bool, "The first of these in this week, from Monday."),
        col("is_order_of_region_month", Bool, "The first of these in this month."),
    ],
};

pub(crate) static ORDER_ITEMS: Table = Table {
    name: "order_items",
    group: Group::Meta,
    visibility: Visibility::Working,
    grain: "order, customer and product of which some pieces were kept",
    key: &["order_number", "product_key", "customer_key"],
    description: "What was bought together.",
    columns: &[
        col("order_number", Int, "Place of the order in fact_sales, from 0."),
        col("product_key", Key, "What was bought and not wholly returned."),
        col("customer_key", Key, "Who bought."),
        col("is_purchase", Bool, "The order as a whole keeps some pieces and brought in no negative amount."),
        col("is_order_of_product", Bool, "The first of this product in the order, if the order as a whole keeps some of it."),
    ],
};

pub(crate) static CUSTOMER_DAYS: Table = Table {
    name: "customer_days",
    group: Group::Meta,
    visibility: Visibility::Working,
    grain: "customer and day with order lines",
    key: &["customer_key", "ordered_on"],
    description: "What each known customer did on each day.",
    columns: &[
        col("customer_key", Key, "Who bought or gave back."),
        col("ordered_on", Date, "The day."),
        col("orders", Int, "Orders that are purchases; 0 on days of returns alone."),
        col("orders_begun", Int, "Those of them that are counted on no other day, so that adding these up counts orders."),
        col("purchase_amount", Money, "Revenue of these orders."),
        col("net_amount", Money, "Revenue of the day, returns deducted."),
    ],
};

pub(crate) static CUSTOMER_MONTHS: Table = Table {
    name: "customer_months",
    group: Group::Meta,
    visibility: Visibility::Working,
    grain: "customer with a purchase and month with order lines",
    key: &["customer_key", "month_number"],
    description: "What each customer did in each month.",
    columns: &[
        col("customer_key", Key, "Who bought or gave back."),
        col("month_number", Int, "Twelve times the year and the months before this one."),
        col("orders", Int, "Orders that are purchases, once a day; 0 in months of returns alone."),
        col("orders_begun", Int, "Orders that are purchases, each in one month only."),
        col("net_amount", Money, "Revenue of the month, returns deducted."),
    ],
};

pub(crate) static CUSTOMER_COHORTS: Table = Table {
    name: "customer_cohorts",
    group: Group::Meta,
    visibility: Visibility::Working,
    grain: "kind of cohort and customer",
    key: &["cohort_kind", "customer_key"],
    description: "The cohorts a customer belongs to.",
    columns: &[
        col("cohort_kind", Text, "What the cohort starts with: first_purchase or signup."),
        col("customer_key", Key, "The customer."),
        col("cohort_month", Int, "The cohort's month, numbered as in customer_months."),
        col("started_on", Date, "Day of the first purchase or the signup."),
        null("first_order_on", Date, "Day of the first purchase."),
        null("last_order_on", Date, "Day of the latest purchase."),
        null("first_month", Int, "Month of the first purchase, numbered alike."),
        null("last_month", Int, "Month of the latest purchase, numbered alike."),
    ],
};

pub(crate) static SECOND_PURCHASE_WAITS: Table = Table {
    name: "second_purchase_waits",
    group: Group::Meta,
    visibility: Visibility::Working,
    grain: "days of waiting",
    key: &["day"],
    description: "How long customers waited for their second purchase.",
    columns: &[
        col("day", Int, "Days since the first purchase."),
        col("events", Count, "Second purchases made on this day."),
        col("censored", Count, "Customers watched this long and still without one."),
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
        col("customer_place", Count, "Place in the order of customer_id, by which ties fall."),
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
