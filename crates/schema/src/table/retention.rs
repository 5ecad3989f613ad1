//! Marts on retention.

use crate::Type::{Bool, Date, Int, Money, Number, Text};
use crate::table::{Group, Table, Visibility, col, null};

pub(crate) static COHORT_RETENTION: Table = Table {
    name: "cohort_retention",
    group: Group::Retention,
    visibility: Visibility::Published,
    grain: "cohort and month since its start",
    key: &["cohort_kind", "cohort_start", "period"],
    description: "How many of a cohort come back, month by month.",
    columns: &[
        col("cohort_kind", Text, "What a cohort starts with: first_purchase or signup."),
        col("cohort_start", Date, "First day of the cohort's month."),
        col("period", Int, "Calendar months since the cohort's month, 0 for that month."),
        col("cohort_size", Int, "Customers in the cohort."),
        col(
            "active_customers",
            Int,
            "Customers with a purchase in the period; in the first also those who bought only before it.",
        ),
        null("retention_rate", Number, "Active customers as a share of the cohort, 0 to 1."),
        null("retention_on_or_after", Number, "Share of the cohort with a purchase in this or a later period, 0 to 1."),
        null("churn_rate", Number, "Fall in active customers from the period before, as a share of them; negative for a rise."),
        col(
            "orders",
            Int,
            "Orders of the cohort that are purchases, in the period in which they began; what came before the first counts there.",
        ),
        col("net_amount", Money, "Revenue of the cohort in the period; what came before the first counts there."),
        null("revenue_retention", Number, "Revenue as a share of that of period 0."),
        null("cumulative_revenue_per_customer", Money, "Revenue up to the period per customer of the cohort."),
        null("average_order_value", Money, "Revenue per order."),
        col("is_complete", Bool, "True where the period had ended by as_of."),
    ],
};

pub(crate) static COHORT_AVERAGE: Table = Table {
    name: "cohort_average",
    group: Group::Retention,
    visibility: Visibility::Published,
    grain: "month since the start",
    key: &["cohort_kind", "period"],
    description: "Mean retention over the cohorts that have reached the period.",
    columns: &[
        col("cohort_kind", Text, "What a cohort starts with: first_purchase or signup."),
        col("period", Int, "Calendar months since the cohort's month, 0 for that month."),
        null("weighted_retention", Number, "Active customers as a share of all customers of these cohorts, 0 to 1."),
        null("unweighted_retention", Number, "Mean of the cohorts' retention rates, 0 to 1."),
        col("cohorts", Int, "Cohorts whose period has ended by as_of."),
        col("customers", Int, "Customers in these cohorts."),
    ],
};

pub(crate) static COHORT_FIRST_PURCHASE: Table = Table {
    name: "cohort_first_purchase",
    group: Group::Retention,
    visibility: Visibility::Published,
    grain: "cohort",
    key: &["cohort_kind", "cohort_grain", "cohort_start"],
    description: "What each cohort began with and what became of it.",
    columns: &[
        col("cohort_kind", Text, "What a cohort starts with: first_purchase or signup."),
        col("cohort_grain", Text, "Length of the cohort's period: month or year."),
        col("cohort_start", Date, "First day of the cohort."),
        col("new_customers", Int, "Customers in the cohort."),
        col("first_purchase_revenue", Money, "Revenue of their first days with a purchase."),
        null("average_first_purchase", Money, "Mean revenue of a first day with a purchase."),
        col("active_customers", Int, "Customers with an order in the six months up to as_of."),
        col("churned_customers", Int, "Customers whose last order is over six months old."),
        null("churned_rate", Number, "Churned customers as a share of those whose first order is over six months old, 0 to 1."),
        col("is_complete", Bool, "True where the cohort's period had ended by as_of."),
    ],
};

pub(crate) static RETENTION_MONTHLY: Table = Table {
    name: "retention_monthly",
    group: Group::Retention,
    visibility: Visibility::Published,
    grain: "month",
    key: &["month_start"],
    description: "Active, new, retained and lost customers.",
    columns: &[
        col("month_start", Date, "First day of the month."),
        col("active", Int, "Customers with a purchase in the month."),
        col("new", Int, "Customers whose first purchase is in the month."),
        col("retained", Int, "Customers active in this and in the previous month."),
        col("reactivated", Int, "Customers active again who were neither new nor active in the previous month."),
        col("lost", Int, "Customers active in the previous month and not in this one."),
        null("retention_rate", Number, "Retained customers as a share of the previous month's active, 0 to 1."),
        null("churn_rate", Number, "Lost customers as a share of the previous month's active, 0 to 1."),
        null("repeat_purchase_rate", Number, "Share of all buyers so far with two orders or more, 0 to 1."),
        null("net_revenue_retention_12m", Number, "Revenue now of those active twelve months before, as a share of theirs then."),
        col("is_complete", Bool, "True where the month had ended by as_of."),
    ],
};

pub(crate) static SECOND_PURCHASE_SURVIVAL: Table = Table {
    name: "second_purchase_survival",
    group: Group::Retention,
    visibility: Visibility::Published,
    grain: "day since the first purchase",
    key: &["day"],
    description: "Kaplan-Meier curve of the time to the second purchase.",
    columns: &[
        col("day", Int, "Days since the first purchase."),
        col("at_risk", Int, "Customers seen this long without a second purchase."),
        col("events", Int, "Second purchases made on this day."),
        col("survival", Number, "Estimated share still without a second purchase after this day, 0 to 1."),
        null("standard_error", Number, "Standard error of the survival, by Greenwood."),
    ],
};
