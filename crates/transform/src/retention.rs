//! Who comes back, when, and who does not.
//!
//! Active in a month is who has a purchase in it: returns alone are no activity, though they lower the revenue of their month.
//! Anonymous sales are nobody who could come back. A month is complete when its last day is not after `as_of`; incomplete ones
//! are kept, marked, and in no average. Orders are counted by day (`customer_days`), so one whose lines lie on two days counts on
//! both.
//!
//! **Working tables.** `customer_months` holds orders and revenue of everybody with a purchase, month by month.
//! `customer_cohorts` holds the month of each first purchase, and the month of signup of everybody who signed up by `as_of`,
//! whether they bought or not. `second_purchase_waits` is what [`survival`] reads.
//!
//! **`cohort_retention`**: cohorts by month, in every month from their own to that of `as_of`, whether anybody bought in it or
//! not. Period k is the difference of calendar months. With N customers in the cohort and A(k) active in period k,
//! `retention_rate` is A(k)/N, and `retention_on_or_after` the share active in k or later, which only falls; its last periods are
//! low because later ones are yet to come. `churn_rate` is 1 - A(k)/A(k-1), negative for a rise, NULL where nobody was active
//! before. `revenue_retention` is revenue over that of period 0, NULL where that is not positive;
//! `cumulative_revenue_per_customer` is all revenue up to k over N. What was bought before a signup, or given back before a first
//! purchase, counts in period 0, so that no revenue is lost. Months begin with that of the first sale, whatever payments or
//! tickets say: a signup cohort from before it begins with the period of that month, for nobody knows what was bought earlier.
//! Rates rise with the age of a cohort because those likely to leave go first, so an old cohort's churn says little of a young
//! one's (Fader and Hardie, Journal of Interactive Marketing 21 (2007), 76-90).
//!
//! **`cohort_average`**, over the cohorts whose period k is complete: Σ A(k) / Σ N, and the plain mean of their rates, which are
//! added up as decimals so that no order of adding shows. Either may rise with k, as fewer and older cohorts reach it; `cohorts`
//! says how many do. A period that no cohort has completed has no row.
//!
//! **`cohort_first_purchase`**: cohorts by month and by year, of which the running ones are marked. First revenue is that of all
//! purchases on the first day with one, and its mean is over buyers; who signed up and never bought is counted in `new_customers`
//! only. Churned is whose last purchase lies more than six calendar months before `as_of`, active every other buyer.
//! `churned_rate` divides by those whose first purchase lies as far back, since nobody else can have been away so long; NULL
//! where there are none.
//!
//! **`retention_monthly`**: every month from the first purchase to that of `as_of`. New are those who never bought before,
//! retained those active in the month before too, reactivated the others of this month, lost those active in the month before and
//! not in this one: in the running month everybody who is yet to come. `retention_rate` and `churn_rate` are retained and lost
//! over the active of the month before, NULL without any. `repeat_purchase_rate` is the share of all buyers so far with two
//! orders or more, on one day or not. `net_revenue_retention_12m` is what those active twelve months before brought this month,
//! if only returns or nothing, over what they brought then; NULL where that is not positive or nobody was active.
//!
//! **`second_purchase_survival`** is a running product, which SQL lacks; see [`survival`]. Without a purchase every table is
//! empty but for signup cohorts, in which nobody is active.

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
