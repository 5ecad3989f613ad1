//! What customers are worth, and who is worth an effort.
//!
//! Revenue is that of `rfm_measures`: net of discounts and of everything given back, so it may lie below 0, for each customer
//! with a purchase. Anonymous sales (key 0) are nobody's. Sums are decimal: a tie on the edge of a tier is one in whatever order
//! the rows come.
//!
//! **`customer_value`**, a row for each customer with a purchase. `value_tier` is `NTILE(4)` over revenue, highest first: VIP,
//! Core, Occasional, Low. Of n customers each tier takes n div 4, and the first n mod 4 tiers one more; fewer than four customers
//! leave the lower tiers empty. Equals on an edge are split by `customer_id`, ids of digits first and as numbers; with
//! `tiers: tied` they go together to where the middle of their places falls. `ltv_segment` is Low below the 25th percentile of
//! revenue, High above the 75th and Mid between, the bounds included (type 7: Hyndman and Fan, The American Statistician 50
//! (1996), 361-365). Equals share a `revenue_rank`. `cumulative_revenue_share` adds up from the best down, so it passes 1 where
//! customers of negative revenue follow; it is NULL where all revenue comes to nothing or less. A comeback is a pause of at least
//! `comeback_gap` between two days with a purchase; `longest_gap_days` is NULL for who has one such day.
//!
//! At risk is whom `at_risk` says. `recency_quartile`: the last quarter of `NTILE(4)` over days since the last order, ties by
//! `customer_id`; among fewer than four customers, nobody. `days`: so many days without an order, or more. `p_alive`: a chance of
//! being active under one half, among the better half by expected purchases of a year times the expected value of one. Of an odd
//! number the one in the middle belongs to the better half, equals go by key, and who lacks a figure is not at risk.
//!
//! **`value_tier_summary`**: both splits, one under the other. A tier without customers has no row; without revenue in all there
//! are no shares.
//!
//! **`value_concentration`**: all customers with a purchase, those of each business segment and those of each region; who has
//! neither is in `all` only. Amounts below 0 count as 0. With v(1) to v(n) rising, the Gini coefficient is
//! 2 Σ i v(i) / (n Σ v) - (n+1)/n (Gini, Variabilità e mutabilità, 1912; in this form Dorfman, Review of Economics and Statistics
//! 61 (1979), 146-149): 0 where all bring alike, (n-1)/n where one brings all. Top shares are those of the best ⌈1 %⌉, ⌈10 %⌉ and
//! ⌈20 %⌉ of the customers; `customers_for_80_percent` counts those whose betters alone do not yet bring 80 %; `hhi` is the sum
//! of squared shares (Hirschman, American Economic Review 54 (1964), 761). Where nobody brought anything all of them are NULL:
//! there is nothing to share.
//!
//! **`business_segment_summary`**: everybody in `dim_customer` by business segment, NULL as Unknown, whether they bought or not.
//! `average_customer_value` divides by those with a purchase, NULL without any, and `average_per_customer` by all. At risk are
//! here, whatever `at_risk` says, those without a purchase in the last six calendar months, and those who never made one.
//!
//! **`winback_targets`**: the customers at risk. P0 are VIP, P1 others who came back before, P2 the rest.
//! `expected_recovered_value` is the chance of a purchase within 30 days times the expected value of an order, NULL where one of
//! them is. The arm follows from a hash of campaign and customer alone, which is the same on every machine and in every run: who
//! leaves the list and comes back is where they were, and newcomers of any week have a control group. So each priority and tier
//! has its shares as a draw has them, to within chance, and a handful of customers may have no control group.
//!
//! **`customer_risk`**: everybody in `dim_customer`; empty where no payment is due by `as_of` and nobody has a ticket, as there
//! is nothing to judge by. A payment is late if paid after the day it was due, or unpaid and due before `as_of`; one due after
//! `as_of` is not judged, nor is one of no more than 0, which the customer is to have. `late_payment_rate` is late over due, NULL without any due; days late run to `as_of` where nothing was
//! paid. High risk is who reaches the limits of the pipeline file, in late payments due in the last 365 days or in tickets of the
//! last 90. `risk_score` is 50 min(1, rate / 0.5) + 30 min(1, tickets of 90 days / 5) + 20 (1 - chance of being active), 0 to
//! 100, with weights of our own. A rate that is not known counts as 0 and a chance as 1: nobody is blamed for what nobody saw.

pub(crate) const STATEMENTS: [(&str, &str); 6] = [
    ("customer_value", include_str!("value/customer_value.sql")),
    ("value_tier_summary", include_str!("value/value_tier_summary.sql")),
    ("value_concentration", include_str!("value/value_concentration.sql")),
    ("business_segment_summary", include_str!("value/business_segment_summary.sql")),
    ("winback_targets", include_str!("value/winback_targets.sql")),
    ("customer_risk", include_str!("value/customer_risk.sql")),
];
