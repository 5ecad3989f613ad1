//! Customers and their segments.

use super::{MONEY, Measure, SHARE, WHOLE, measure, of_buyers};

/// Moves between segments, by the segment chosen on the customers where there is one.
macro_rules! moves {
    ($condition:expr, $column:expr) => {
        concat!(
            "VAR Moves = FILTER(segment_migration, ",
            $condition,
            ")
RETURN
    IF(
        ISFILTERED(customer_rfm[segment]),
        SUMX(FILTER(Moves, ",
            $column,
            " IN VALUES(customer_rfm[segment])), segment_migration[customers]),
        SUMX(Moves, segment_migration[customers])
    )"
        )
    };
}

pub(super) const CUSTOMERS: &[Measure] = &[
    measure(
        "Customers",
        WHOLE,
        "Customers who ever bought in the regions chosen, whatever dates are chosen.",
        "CALCULATE(DISTINCTCOUNT(customer_region[customer_key]), KEEPFILTERS(customer_region[orders] > 0))",
    ),
    measure(
        "Active customers",
        WHOLE,
        "Known customers with a sale in the selection.",
        "CALCULATE(
    DISTINCTCOUNT(fact_sales[customer_key]),
    KEEPFILTERS(fact_sales[customer_key] <> 0),
    KEEPFILTERS(fact_sales[is_return] = FALSE())
)",
    ),
    measure(
        "New customers",
        WHOLE,
        "Customers whose first purchase lies in the dates chosen.",
        "VAR FirstDay = MIN(dim_date[date])
VAR LastDay = MAX(dim_date[date])
RETURN
    CALCULATE(
        'Key measures'[Customers],
        KEEPFILTERS(dim_customer[first_order_on] >= FirstDay),
        KEEPFILTERS(dim_customer[first_order_on] <= LastDay)
    )",
    ),
    measure(
        "Returning customers",
        WHOLE,
        "Customers with a sale in the dates chosen whose first purchase was before them.",
        "VAR FirstDay = MIN(dim_date[date])
RETURN
    CALCULATE(
        [Active customers],
        KEEPFILTERS(dim_customer[first_order_on] < FirstDay),
        KEEPFILTERS(NOT ISBLANK(dim_customer[first_order_on]))
    )",
    ),
    measure(
        "Customers at risk",
        WHOLE,
        "Customers who are slipping away, by the rule of the pipeline.",
        of_buyers!("COUNTROWS(customer_value), KEEPFILTERS(customer_value[is_at_risk] = TRUE())"),
    ),
    measure(
        "Champions",
        WHOLE,
        "Customers in the segment Champions.",
        "CALCULATE([Segment customers], KEEPFILTERS(customer_rfm[segment] = \"Champions\"))",
    ),
    measure(
        "Champions share",
        SHARE,
        "Champions as a share of the scored customers.",
        "DIVIDE([Champions], [Segment customers])",
    ),
    measure("Segment customers", WHOLE, "Scored customers.", of_buyers!("COUNTROWS(customer_rfm)")),
    measure(
        "Segment revenue",
        MONEY,
        "Revenue of the scored customers, by what they were scored on: all regions and dates.",
        of_buyers!("SUM(customer_rfm[monetary])"),
    ),
    measure(
        "Moved in",
        WHOLE,
        "Customers who came to a segment since the previous snapshot, new ones too. Of the whole company.",
        moves!(
            "segment_migration[from_segment] <> segment_migration[to_segment] && segment_migration[to_segment] <> \"Gone\"",
            "segment_migration[to_segment]"
        ),
    ),
    measure(
        "Moved out",
        WHOLE,
        "Customers who left a segment since the previous snapshot. Of the whole company.",
        moves!(
            "segment_migration[from_segment] <> segment_migration[to_segment] && segment_migration[from_segment] <> \"New\"",
            "segment_migration[from_segment]"
        ),
    ),
    measure(
        "Stayed",
        WHOLE,
        "Customers in the same segment as in the previous snapshot. Of the whole company.",
        moves!("segment_migration[from_segment] = segment_migration[to_segment]", "segment_migration[to_segment]"),
    ),
];
