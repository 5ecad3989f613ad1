//! Which columns of a wide table a person wants first, and in what order its rows rank.

/// The columns shown unless all are asked for; none where all of them fit.
pub(super) fn columns(table: &str) -> Option<&'static [&'static str]> {
    Some(match table {
        "basket_rules" => {
            &["antecedent", "consequent", "orders_both", "support", "confidence", "lift", "lift_low", "q_value", "is_productive"]
        }
        "customer_rfm" => {
            &["customer_key", "days_since_last_order", "orders", "monetary", "rfm_code", "segment", "segment_reason"]
        }
        "customer_value" => &[
            "customer_key",
            "lifetime_value",
            "orders",
            "value_tier",
            "ltv_segment",
            "revenue_rank",
            "cumulative_revenue_share",
            "comebacks",
            "is_at_risk",
        ],
        "customer_clv" => &[
            "customer_key",
            "repeat_purchases",
            "probability_alive",
            "expected_purchases_365d",
            "purchases_365d_low",
            "purchases_365d_high",
            "expected_order_value",
            "clv_12m",
            "model",
            "status",
        ],
        "winback_targets" => &[
            "customer_key",
            "priority",
            "days_since_last_order",
            "lifetime_value",
            "value_tier",
            "comebacks",
            "probability_buys_30d",
            "expected_recovered_value",
            "arm",
        ],
        "customer_risk" => &["customer_key", "risk_score", "is_high_risk", "overdue_amount", "risk_reasons"],
        "cohort_retention" => &[
            "cohort_kind",
            "cohort_start",
            "period",
            "cohort_size",
            "active_customers",
            "retention_rate",
            "retention_on_or_after",
            "net_amount",
            "cumulative_revenue_per_customer",
            "is_complete",
        ],
        _ => return None,
    })
}

/// What the rows of a table rank by, best first: columns, and whether less is better.
pub(super) fn order(table: &str) -> &'static [(&'static str, bool)] {
    match table {
        "product_performance" | "customer_value" => &[("revenue_rank", true)],
        "region_performance" | "rfm_segment_summary" | "value_tier_summary" | "business_segment_summary" => {
            &[("net_amount", false)]
        }
        "customer_rfm" => &[("monetary", false)],
        "customer_clv" => &[("clv_12m", false)],
        "winback_targets" => &[("priority", true), ("expected_recovered_value", false), ("lifetime_value", false)],
        "customer_risk" => &[("risk_score", false)],
        "segment_migration" => &[("customers", false)],
        "basket_itemsets" => &[("orders", false)],
        _ => &[],
    }
}

/// A column's heading; a rule reads as a sentence.
pub(super) fn title(table: &str, column: &str) -> String {
    match (table, column) {
        ("basket_rules", "antecedent") => "who buys".to_owned(),
        ("basket_rules", "consequent") => "also buys".to_owned(),
        (_, "customer_key") => "customer".to_owned(),
        (_, "region_key") => "region".to_owned(),
        (_, column) if column.ends_with("product_key") => column.trim_end_matches("_key").to_owned(),
        _ => column.to_owned(),
    }
}

/// A number as its kind is read: shares and chances in percent, small p values in powers of ten.
pub(super) fn number(column: &str, value: f64) -> String {
    const SHARES: [&str; 14] = [
        "_share",
        "_rate",
        "share_of_from",
        "support",
        "confidence",
        "probability_alive",
        "probability_alive_bgnbd",
        "probability_buys_30d",
        "probability_buys_90d",
        "retention_on_or_after",
        "_retention",
        "certainty",
        "interval_coverage",
        "net_revenue_retention_12m",
    ];
    if SHARES.iter().any(|name| if name.starts_with('_') { column.ends_with(name) } else { column == *name }) {
        format!("{:.2} %", value * 100.0)
    } else if (column == "q_value" || column == "fisher_p") && value > 0.0 && value < 1e-3 {
        format!("{value:.1e}")
    } else {
        format!("{value:.4}")
    }
}
