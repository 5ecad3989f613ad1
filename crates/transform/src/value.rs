//! What customers are worth, and who is worth an effort.
//!
//! **Tiers** (`customer_value`): VIP, Core, Occasional and Low are `NTILE(4)` over revenue, highest first; sizes are n div 4, the
//! remainder goes to the first tiers. Ties fall by `customer_id`, ids of digits as numbers; with `tiers: tied` equals share a tier.
//! `ltv_segment` is Low below the 25th percentile of revenue, Mid up to the 75th, High above it (type 7: Hyndman and Fan, The
//! American Statistician 50 (1996), 361-365). A comeback is a gap of at least `comeback_gap_days` between two days with an order.
//! At risk is the last quarter by recency, or `days` without an order, or a chance of being active under one half among the better
//! half by expected value. All sums are decimal: a tie on the edge of a tier is a tie, whatever the order of the rows.
//!
//! **Concentration** (`value_concentration`), for everybody, each region and business segment, amounts below 0 counted as 0: the
//! Gini coefficient 2 Σ i v(i) / (n Σ v) - (n+1)/n with v ascending (Dorfman, Review of Economics and Statistics 61 (1979),
//! 146-149), the revenue share of the first ⌈1 %⌉, ⌈10 %⌉ and ⌈20 %⌉ of the customers, how many bring 80 %, and the sum of
//! squared shares (Hirschman, American Economic Review 54 (1964), 761). Without revenue there is no coefficient: NULL.
//!
//! **Business segments** (`business_segment_summary`) count everybody of a segment; means are given over buyers and over all. At
//! risk are those without an order for six months, and those who never ordered.
//!
//! **Win-back** (`winback_targets`): of the customers at risk, P0 are VIP, P1 those who came back before, P2 the rest. Expected
//! recovered value is the chance of a purchase within 30 days times the expected value of an order. The arm of the trial comes
//! from the hash of campaign and customer within priority and tier, so it is the same on every machine; who is in the trial keeps
//! their arm while the campaign lasts.
//!
//! **Risk** (`customer_risk`): a payment is late if paid after it was due, or unpaid and due by `as_of`; one due later is not
//! judged. The score is 50 min(1, late rate / 0.5) + 30 min(1, tickets of 90 days / 5) + 20 (1 - chance of being active), 0 to 100.
//! Without any payment or ticket the table is empty.

pub(crate) const STATEMENTS: [(&str, &str); 6] = [
    ("customer_value", include_str!("value/customer_value.sql")),
    ("value_tier_summary", include_str!("value/value_tier_summary.sql")),
    ("value_concentration", include_str!("value/value_concentration.sql")),
    ("business_segment_summary", include_str!("value/business_segment_summary.sql")),
    ("winback_targets", include_str!("value/winback_targets.sql")),
    ("customer_risk", include_str!("value/customer_risk.sql")),
];
