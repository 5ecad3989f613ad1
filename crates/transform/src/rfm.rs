//! Recency, frequency and monetary value: scores, segments, and whether they hold.
//!
//! **`rfm_measures`**, for every customer with a purchase: days from the latest purchase to `as_of`; orders, or days with a
//! purchase where `frequency: purchase_days`; revenue after discount less everything given back, so it may lie below 0. Who only
//! gave back is not scored, and nor are anonymous sales, which together would pass for one customer with most of the orders. The
//! three are those of direct mail: Bult and Wansbeek, Marketing Science 14 (1995), 378-394; Hughes, Strategic Database Marketing
//! (1994), who scores by quintiles. `customer_place` is the order of `customer_id`, ids of digits first and as numbers, by which
//! ties fall.
//!
//! **`rfm_scores`** from 1, the worst, to 5, among all customers or those of a region (`universe: region`). With n customers
//! ordered from worst to best, q = n div 5 and m = n mod 5, the customer at place i (from 0) scores 1 + i div (q+1) while
//! i < m(q+1), and 1 + m + (i - m(q+1)) div q after: that is SQL's `NTILE(5)`. How places are given, `scoring` says:
//!
//! * `ntile_tied`: all of a group of E equals stand at its middle, place (2L + E - 1) div 2 for L customers below it, so equals
//!   have equal scores in whatever order the rows come. The group of the worst scores 1, that of the best 5. Fewer than five
//!   customers are spread over 1 to 5 by that place; where all are equal, all score 3.
//! * `ntile`: everybody has a place of their own, ties by `customer_place`. Fewer than five customers leave the high scores
//!   empty.
//! * `quantile`: a point for each bound reached, where the bounds are the 20th to 80th percentile (type 7: Hyndman and Fan, The
//!   American Statistician 50 (1996), 361-365) plus 1, as the R package `rfm` has them. For recency, in days, each bound costs a
//!   point.
//! * `fixed`: the same with bounds of the pipeline file.
//! * `pandas_first`: `qcut(rank(method="first"), 5)`, as in notebooks. These break ties by the order of rows, this by
//!   `customer_place`.
//!
//! In every mode M is 1 for who spent nothing or less. `score_quality` says where scores bear little; of several reasons it names
//! the first: fewer than five customers, all equal in R, in F or in M, a group of equals of more than 40 %.
//!
//! **`customer_rfm`**: R against the mean of F and M, rounded half up, in a grid of 25 cells that [`crate::grid`] lays out, so
//! each of the 125 triples has one segment. Price Sensitive lies over five of the middling ones and never over the best or the
//! lost. By `price_sensitive: auto`, where customers had discounts (`discount`) it asks for two orders or more, a discount on at
//! least 60 % of them, and a discount rate above 1.25 times that of the store, anonymous sales and all, else everybody in a shop that is always
//! on sale would be one. Where nobody had any (`grid`) it asks for R of at least 3 and F at least 2 above M. A grid may also name
//! it itself (`segment_grid`); nothing is laid over the preset `workshop12`. Without a positive gross amount there is no discount
//! rate, and nobody is flagged by it. `previous_segment` is NULL for who was not scored before.
//!
//! **`rfm_segment_summary`**: segments by the customer's region, and all regions under key 0, the only place of who has no
//! region. The median of an even number is the mean of the two in the middle. `revenue_share` is NULL where a region's revenue
//! is 0.
//!
//! **`rfm_validation`**: Champions rank first by mean revenue (a tie passes); their share of revenue is at least 1.5 times their
//! share of customers; 80 % of the best ⌈10 %⌉ of spenders, ties by key, are in Champions, Loyal Customers or Can't Lose Them;
//! and the chance that a Champion outspends somebody else, a tie counting half, is at least 0.8. That is the area under the ROC
//! curve, from ranks: Mann and Whitney, Annals of Mathematical Statistics 18 (1947), 50-60; Hanley and `McNeil`, Radiology 143
//! (1982), 29-36. Without Champions all four are NULL; so is the second without positive revenue, and the last without anybody
//! else. A check that fails stops nothing.
//!
//! **`segment_migration`**: customers by their segment in the snapshot before (the latest of an earlier `as_of`) and now. Who was
//! not scored then comes from New, in a first run everybody; who has no purchase now goes to Gone, with no revenue. Where
//! `customer_rfm` is left out nobody moves.

pub(crate) const STATEMENTS: [(&str, &str); 6] = [
    ("rfm_measures", include_str!("rfm/rfm_measures.sql")),
    ("rfm_scores", include_str!("rfm/rfm_scores.sql")),
    ("customer_rfm", include_str!("rfm/customer_rfm.sql")),
    ("rfm_segment_summary", include_str!("rfm/rfm_segment_summary.sql")),
    ("rfm_validation", include_str!("rfm/rfm_validation.sql")),
    ("segment_migration", include_str!("rfm/segment_migration.sql")),
];
