//! Retention. The cohort tables are of the whole company.

use super::{MONEY, Measure, SHARE, WHOLE, measure};

/// The chosen kind of cohort, by first purchase unless said otherwise: a customer is in one cohort of each kind. Month 0, in
/// which everybody buys, counts only where months are chosen.
macro_rules! cohorts {
    ($table:literal, $rest:expr) => {
        concat!(
            "VAR Kind = IF(ISFILTERED(",
            $table,
            "[cohort_kind]), SELECTEDVALUE(",
            $table,
            "[cohort_kind]), \"first_purchase\")\n",
            $rest
        )
    };
}

pub(super) const RETENTION: &[Measure] = &[
    measure(
        "Retention rate",
        SHARE,
        "Customers who buy again, as a share of their cohort, over the months after the first that have ended.",
        cohorts!(
            "cohort_retention",
            "VAR Since = IF(ISFILTERED(cohort_retention[period]), 0, 1)
VAR Reached = FILTER(
    cohort_retention,
    cohort_retention[cohort_kind] = Kind && cohort_retention[is_complete] = TRUE() && cohort_retention[period] >= Since
)
RETURN
    DIVIDE(SUMX(Reached, cohort_retention[active_customers]), SUMX(Reached, cohort_retention[cohort_size]))"
        ),
    ),
    measure(
        "Repeat rate",
        SHARE,
        "Customers with two orders or more, as a share of the scored customers.",
        "DIVIDE(CALCULATE([Segment customers], KEEPFILTERS(customer_rfm[orders] >= 2)), [Segment customers])",
    ),
    measure(
        "Cohort customers",
        WHOLE,
        "Customers in the cohorts, each cohort counted once.",
        cohorts!(
            "cohort_retention",
            "RETURN
    SUMX(
        VALUES(cohort_retention[cohort_start]),
        CALCULATE(MAX(cohort_retention[cohort_size]), KEEPFILTERS(cohort_retention[cohort_kind] = Kind))
    )"
        ),
    ),
    measure(
        "Cohort revenue per customer",
        MONEY,
        "Revenue that a customer of the cohorts has brought by the last chosen month since the start that each cohort has reached.",
        cohorts!(
            "cohort_retention",
            "VAR Ends = ADDCOLUMNS(
    VALUES(cohort_retention[cohort_start]),
    \"@last\", CALCULATE(MAX(cohort_retention[period]), KEEPFILTERS(cohort_retention[cohort_kind] = Kind))
)
VAR Amount = SUMX(
    Ends,
    VAR LastPeriod = [@last]
    RETURN
        CALCULATE(
            SUMX(cohort_retention, cohort_retention[cumulative_revenue_per_customer] * cohort_retention[cohort_size]),
            KEEPFILTERS(cohort_retention[cohort_kind] = Kind),
            KEEPFILTERS(cohort_retention[period] = LastPeriod)
        )
)
RETURN
    DIVIDE(Amount, [Cohort customers])"
        ),
    ),
    measure(
        "Average retention",
        SHARE,
        "Mean retention over the cohorts that have reached the month, weighted by their customers.",
        cohorts!(
            "cohort_average",
            "VAR Since = IF(ISFILTERED(cohort_average[period]), 0, 1)
VAR Reached = FILTER(cohort_average, cohort_average[cohort_kind] = Kind && cohort_average[period] >= Since)
RETURN
    DIVIDE(
        SUMX(Reached, cohort_average[weighted_retention] * cohort_average[customers]),
        SUMX(Reached, cohort_average[customers])
    )"
        ),
    ),
];
