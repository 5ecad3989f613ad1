//! Who comes back, when, and who does not.
//!
//! Active in a month is who has a purchase in it: returns alone are no activity. A month is complete when its last day is not
//! after `as_of`; incomplete ones are kept, marked, and in no average.
//!
//! **Cohorts** (`cohort_retention`): customers by the month of their first purchase, and of their signup where that is known.
//! Period k is the difference of calendar months. With N customers in the cohort and A(k) active in period k, `retention_rate` is
//! A(k)/N; `retention_on_or_after` is the share active in k or later, which only falls; `churn_rate` is 1 - A(k)/A(k-1), NULL
//! where nobody was active before; `revenue_retention` is revenue over that of period 0, NULL where that is not positive.
//! `cohort_average` weighs by customers, Σ A(k) / Σ N over complete cells; it may rise with k, as fewer cohorts reach it. The terms
//! are those of Fader and Hardie, Journal of Interactive Marketing 21 (2007), 76-90, who caution against reading one cohort's
//! churn as another's.
//!
//! **First purchases** (`cohort_first_purchase`), by month and year: churned is whose last order lies more than six calendar
//! months before `as_of`, as a share of those whose first one does.
//!
//! **Months** (`retention_monthly`): retained were active in this month and the one before, reactivated in this one and some
//! earlier, lost in the one before only. `net_revenue_retention_12m` is this month's revenue of who was active twelve months
//! before over theirs then. `repeat_purchase_rate` is the share of all buyers so far with two orders.
//!
//! **Second purchases**: the survival curve is a running product, which SQL lacks; see [`survival`].

pub(crate) mod survival;

pub(crate) const STATEMENTS: [(&str, &str); 7] = [
    ("customer_months", include_str!("retention/customer_months.sql")),
    ("customer_cohorts", include_str!("retention/customer_cohorts.sql")),
    ("second_purchase_waits", include_str!("retention/second_purchase_waits.sql")),
    ("cohort_retention", include_str!("retention/cohort_retention.sql")),
    ("cohort_average", include_str!("retention/cohort_average.sql")),
    ("cohort_first_purchase", include_str!("retention/cohort_first_purchase.sql")),
    ("retention_monthly", include_str!("retention/retention_monthly.sql")),
];
