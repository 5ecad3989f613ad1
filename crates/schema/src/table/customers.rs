//! Marts on customers.

use crate::Type::{Bool, Date, Int, Key, Money, Number, Score, Text};
use crate::table::{Group, Table, Visibility, col, null};

pub(crate) static CUSTOMER_REGION: Table = Table {
    name: "customer_region",
    group: Group::Customers,
    visibility: Visibility::Published,
    grain: "customer and region of the sale",
    key: &["customer_key", "region_key"],
    description: "Where each customer bought: the bridge for row-level security.",
    columns: &[
        col("customer_key", Key, "Key of the customer."),
        col("region_key", Key, "Region of the sale."),
        col("orders", Int, "Orders that are purchases."),
        col("net_amount", Money, "Revenue after discount, returns deducted."),
        null("last_order_on", Date, "Day of the latest purchase there."),
    ],
};

pub(crate) static CUSTOMER_RFM: Table = Table {
    name: "customer_rfm",
    group: Group::Customers,
    visibility: Visibility::Published,
    grain: "customer with a purchase",
    key: &["customer_key"],
    description: "Recency, frequency and monetary scores and the segment they make.",
    columns: &[
        col("customer_key", Key, "Key of the customer."),
        col("region_key", Key, "The customer's region."),
        col("days_since_last_order", Int, "Days from the latest purchase to as_of."),
        col("orders", Int, "Orders that are purchases."),
        col("monetary", Money, "Revenue of the customer, returns deducted."),
        col("r_score", Score, "Recency score, 5 for the most recent."),
        col("f_score", Score, "Frequency score, 5 for the most frequent."),
        col("m_score", Score, "Monetary score, 5 for the highest."),
        col("fm_score", Score, "Mean of the frequency and monetary scores, half rounded up."),
        col("rfm_code", Text, "The three scores side by side, such as 545."),
        col("base_segment", Text, "Segment by the scores alone."),
        col("segment", Text, "Segment after Price Sensitive is laid over the base segment."),
        col("is_price_sensitive", Bool, "True where the segment is Price Sensitive."),
        null("price_sensitive_basis", Text, "What made it so: discount, grid or segment_grid."),
        col("discounted_order_share", Number, "Share of the orders that had a discount, 0 to 1."),
        null("discount_rate", Number, "Discounts as a share of the amount before discount, 0 to 1."),
        col(
            "score_quality",
            Text,
            "How far the data bears the scores: ok, low_n, degenerate_r, degenerate_f, degenerate_m or heavy_ties.",
        ),
        col("segment_reason", Text, "The measures behind the segment, in words."),
        null("previous_segment", Text, "Segment in the previous snapshot; empty where there is none."),
    ],
};

pub(crate) static RFM_SEGMENT_SUMMARY: Table = Table {
    name: "rfm_segment_summary",
    group: Group::Customers,
    visibility: Visibility::Published,
    grain: "segment by the customer's region, key 0 for all regions",
    key: &["segment", "region_key"],
    description: "Size and worth of each segment.",
    columns: &[
        col("segment", Text, "Name of the segment."),
        col("region_key", Key, "The customer's region; 0 for all regions together."),
        col("customers", Int, "Customers in the segment."),
        col("customer_share", Number, "Share of the region's customers, 0 to 1."),
        col("net_amount", Money, "Revenue of these customers."),
        null("revenue_share", Number, "Share of the region's revenue, 1 for the whole."),
        col("average_recency_days", Number, "Mean days since the latest purchase."),
        col("average_orders", Number, "Mean number of orders of a customer."),
        col("average_monetary", Money, "Mean revenue of a customer."),
        col("median_monetary", Money, "Median revenue of a customer."),
    ],
};

pub(crate) static RFM_VALIDATION: Table = Table {
    name: "rfm_validation",
    group: Group::Customers,
    visibility: Visibility::Published,
    grain: "check",
    key: &["check"],
    description: "Whether the best segment really is the best.",
    columns: &[
        col("check", Text, "Name of the check."),
        null("value", Number, "What was measured; empty where it cannot be."),
        null("threshold", Number, "Limit it is held against."),
        null("passed", Bool, "Whether the check holds; empty where there is nothing to measure."),
    ],
};

pub(crate) static SEGMENT_MIGRATION: Table = Table {
    name: "segment_migration",
    group: Group::Customers,
    visibility: Visibility::Published,
    grain: "segment before and after",
    key: &["from_segment", "to_segment"],
    description: "Customers who moved between segments since the previous snapshot.",
    columns: &[
        col("from_segment", Text, "Segment in the previous snapshot; New for who was not in it."),
        col("to_segment", Text, "Segment now; Gone for who is no longer scored."),
        col("customers", Int, "Customers who went this way."),
        col("net_amount", Money, "Revenue of these customers so far."),
        null("share_of_from", Number, "Share of the customers of the earlier segment, 0 to 1."),
    ],
};

pub(crate) static CUSTOMER_VALUE: Table = Table {
    name: "customer_value",
    group: Group::Customers,
    visibility: Visibility::Published,
    grain: "customer with a purchase",
    key: &["customer_key"],
    description: "What a customer has been worth, and whether they are slipping away.",
    columns: &[
        col("customer_key", Key, "Key of the customer."),
        col("region_key", Key, "The customer's region."),
        col("lifetime_value", Money, "Revenue so far."),
        col("orders", Int, "Orders that are purchases."),
        null("average_order_value", Money, "Revenue per order."),
        col("value_tier", Text, "VIP, Core, Occasional or Low, by quarters of revenue."),
        col("ltv_segment", Text, "High, Mid or Low, by the 25th and 75th percentile."),
        col("revenue_rank", Int, "Place by revenue, 1 for the most."),
        null(
            "cumulative_revenue_share",
            Number,
            "Revenue share of this and all better ranked customers, those of equal rank one after the other; 1 for the whole.",
        ),
        col("comebacks", Int, "Purchases that followed a gap of 180 days or more, or of `comeback_gap` if that is set."),
        null("longest_gap_days", Int, "Longest gap between two purchases in days."),
        col("is_at_risk", Bool, "True where the customer is at risk by the mode beside it."),
        col("at_risk_mode", Text, "How at risk was judged: recency_quartile, days or p_alive."),
    ],
};

pub(crate) static VALUE_TIER_SUMMARY: Table = Table {
    name: "value_tier_summary",
    group: Group::Customers,
    visibility: Visibility::Published,
    grain: "tier",
    key: &["tier_kind", "tier"],
    description: "Size and worth of each value tier.",
    columns: &[
        col("tier_kind", Text, "Which split the tier is of: value_tier or ltv_segment."),
        col("tier", Text, "Name of the tier."),
        col("customers", Int, "Customers in the tier."),
        col("net_amount", Money, "Revenue of these customers."),
        null("revenue_share", Number, "Share of all revenue, 1 for the whole."),
        null("average_value", Money, "Mean revenue of a customer in the tier."),
    ],
};

pub(crate) static VALUE_CONCENTRATION: Table = Table {
    name: "value_concentration",
    group: Group::Customers,
    visibility: Visibility::Published,
    grain: "group of customers",
    key: &["group"],
    description: "How unevenly revenue is spread over customers.",
    columns: &[
        col("group", Text, "Whom the figures are about: all, one business segment or one region of the customer."),
        null("gini", Number, "Gini coefficient, 0 where all spend alike, near 1 where one brings all."),
        null("top_1_share", Number, "Share of revenue the best 1 % of customers bring, 0 to 1."),
        null("top_10_share", Number, "Share of revenue the best 10 % of customers bring, 0 to 1."),
        null("top_20_share", Number, "Share of revenue the best 20 % of customers bring, 0 to 1."),
        null("customers_for_80_percent", Int, "Fewest customers who together bring 80 % of revenue."),
        null("hhi", Number, "Herfindahl-Hirschman index: the sum of squared revenue shares, 0 to 1."),
    ],
};

pub(crate) static BUSINESS_SEGMENT_SUMMARY: Table = Table {
    name: "business_segment_summary",
    group: Group::Customers,
    visibility: Visibility::Published,
    grain: "business segment",
    key: &["business_segment"],
    description: "Worth of the retailer's own segments.",
    columns: &[
        col("business_segment", Text, "The retailer's own segment."),
        col("customers", Int, "Customers in the segment, buyers or not."),
        col("net_amount", Money, "Revenue of those of them who bought."),
        null("average_customer_value", Money, "Mean revenue of a customer who bought."),
        null("average_per_customer", Money, "The same revenue over all customers of the segment."),
        col("at_risk_customers", Int, "Customers whose last order is over six months old, or who never ordered."),
    ],
};

pub(crate) static WINBACK_TARGETS: Table = Table {
    name: "winback_targets",
    group: Group::Customers,
    visibility: Visibility::Published,
    grain: "customer at risk",
    key: &["customer_key"],
    description: "Whom to win back first.",
    columns: &[
        col("customer_key", Key, "Key of the customer."),
        col("region_key", Key, "The customer's region."),
        col("priority", Text, "P0 for VIPs, P1 for others who have come back before, P2 for the rest."),
        col("days_since_last_order", Int, "Days from the latest purchase to as_of."),
        col("lifetime_value", Money, "Revenue so far."),
        col("value_tier", Text, "Value tier: VIP, Core, Occasional or Low."),
        col("comebacks", Int, "Purchases that followed a gap of 180 days or more, or of `comeback_gap` if that is set."),
        null("probability_buys_30d", Number, "Chance of a purchase within 30 days, 0 to 1."),
        null("expected_recovered_value", Money, "That chance times the expected order value."),
        col("campaign", Text, "Name of the campaign; a new name deals the arms anew."),
        col("arm", Text, "Arm of the trial: control (not contacted), a or b. It stays as long as the campaign."),
        null("contact_by", Date, "Last day to make contact."),
    ],
};

pub(crate) static CUSTOMER_RISK: Table = Table {
    name: "customer_risk",
    group: Group::Customers,
    visibility: Visibility::Published,
    grain: "customer",
    key: &["customer_key"],
    description: "Late payments and tickets as signs of trouble.",
    columns: &[
        col("customer_key", Key, "Key of the customer."),
        col("region_key", Key, "The customer's region."),
        col("payments_due", Int, "Payments due by as_of."),
        col("late_payments", Int, "Payments among them paid late or overdue."),
        null("late_payment_rate", Number, "Late payments as a share of those due, 0 to 1."),
        null("average_days_late", Number, "Mean days late of the late payments."),
        null("longest_days_late", Int, "Days late of the latest of them."),
        col("overdue_amount", Money, "Amount due before as_of and still unpaid."),
        col("tickets_90d", Int, "Tickets opened in the 90 days up to as_of."),
        col("tickets_365d", Int, "Tickets opened in the 365 days up to as_of."),
        col("open_tickets", Int, "Tickets still open on as_of."),
        col(
            "is_high_risk",
            Bool,
            "True where late payments due in the last 365 days, or tickets of the last 90, reach a limit of the pipeline file.",
        ),
        col("risk_score", Number, "Risk in points, 0 for none to 100."),
        null("risk_reasons", Text, "What the risk rests on, in words."),
    ],
};
