//! Recency, frequency and monetary value: scores, segments, and whether they hold.
//!
//! **Measures** (`rfm_measures`), for every customer with a purchase: days from the latest purchase to `as_of`; orders, or days
//! with a purchase where `rfm: frequency: purchase_days`; revenue after discount less returns. Nobody without a purchase is
//! scored. The three are those of direct mail: Bult and Wansbeek, Marketing Science 14 (1995), 378-394; Hughes, Strategic
//! Database Marketing (1994).
//!
//! **Scores** (`rfm_scores`) from 1, the worst, to 5. With n customers ordered from worst to best, q = n div 5 and m = n mod 5,
//! the customer at place i (from 0) scores 1 + i div (q+1) while i < m(q+1), and 1 + m + (i - m(q+1)) div q after: that is SQL's
//! `NTILE(5)`. `ntile_tied` gives everybody of a group of equals the score of its middle, place (2L + E - 1) div 2 for L customers
//! below it and E in it; the group of the worst scores 1, that of the best 5. Fewer than five customers are spread over 1 to
//! 5; where all are equal all score 3. `ntile` breaks ties by `customer_id`, `quantile` cuts at the 20th to 80th percentile (type 7:
//! Hyndman and Fan, The American Statistician 50 (1996), 361-365), `fixed` at bounds of the pipeline file, `pandas_first` by the
//! order of rows, as notebooks do. `score_quality` says where scores bear little: few customers, one value, ties of over 40 %.
//!
//! **Segments** (`customer_rfm`): R against the mean of F and M, rounded half up, in a grid of 25 cells that [`crate::grid`]
//! lays out. Price Sensitive lies over five of the middling segments: at least two orders, at least 60 % of them with a discount,
//! and a discount rate above 1.25 times the store's; without discounts in the data, R of at least 3 and F at least 2 above M.
//!
//! **Validation** (`rfm_validation`): Champions rank first by mean revenue; their share of revenue is at least 1.5 times their
//! share of customers; 80 % of the top tenth of spenders are in the best three segments; and the chance that a Champion outspends
//! somebody else (the area under the ROC curve, from ranks: Hanley and `McNeil`, Radiology 143 (1982), 29-36). Each is NULL where
//! there are no Champions, or nobody else.

pub(crate) const STATEMENTS: [(&str, &str); 6] = [
    ("rfm_measures", include_str!("rfm/rfm_measures.sql")),
    ("rfm_scores", include_str!("rfm/rfm_scores.sql")),
    ("customer_rfm", include_str!("rfm/customer_rfm.sql")),
    ("rfm_segment_summary", include_str!("rfm/rfm_segment_summary.sql")),
    ("rfm_validation", include_str!("rfm/rfm_validation.sql")),
    ("segment_migration", include_str!("rfm/segment_migration.sql")),
];
