//! Sales.

use super::{MONEY, Measure, SHARE, WHOLE, measure};

/// The days of the last year in the selection up to the day the data is seen from, and the revenue of the same days one
/// year earlier: part of a year is held against the same part, never against a whole one.
macro_rules! like_for_like {
    ($result:expr) => {
        concat!(
            "VAR AsOf = MAX(meta_run[as_of])
VAR LastDay = IF(MAX(dim_date[date]) < AsOf, MAX(dim_date[date]), AsOf)
VAR Days = FILTER(VALUES(dim_date[date]), dim_date[date] <= LastDay && YEAR(dim_date[date]) = YEAR(LastDay))
VAR Before = CALCULATE([Revenue], SAMEPERIODLASTYEAR(Days))
RETURN
    ",
            $result
        )
    };
}

pub(super) const SALES: &[Measure] = &[
    measure("Revenue", MONEY, "Amount after discount, returns deducted.", "SUM(fact_sales[net_amount])"),
    measure("Gross revenue", MONEY, "Amount before discount, returns deducted.", "SUM(fact_sales[gross_amount])"),
    measure(
        "Returned amount",
        MONEY,
        "Amount after discount of what came back.",
        "CALCULATE(SUM(fact_sales[net_amount]), KEEPFILTERS(fact_sales[is_return] = TRUE())) * -1",
    ),
    measure(
        "Return rate",
        SHARE,
        "Returned amount as a share of what was sold before returns.",
        "DIVIDE([Returned amount], [Revenue] + [Returned amount])",
    ),
    measure(
        "Orders",
        WHOLE,
        "Orders that are purchases: not those wholly returned, whenever and wherever that was.",
        // As the marts judge them: whole, whatever days and regions are chosen, and with pieces left in the selection. Only an
        // order with such a line can come to nothing, so that few orders are added up.
        "VAR Doubtful = CALCULATETABLE(
    SUMMARIZE(FILTER(fact_sales, fact_sales[quantity] <= 0 || fact_sales[net_amount] < 0), fact_sales[order_id]),
    REMOVEFILTERS(dim_date),
    REMOVEFILTERS(dim_region)
)
VAR Undone = FILTER(
    INTERSECT(VALUES(fact_sales[order_id]), Doubtful),
    CALCULATE(SUM(fact_sales[quantity])) <= 0
        || CALCULATE(SUM(fact_sales[quantity]), REMOVEFILTERS(dim_date), REMOVEFILTERS(dim_region)) <= 0
        || CALCULATE(SUM(fact_sales[net_amount]), REMOVEFILTERS(dim_date), REMOVEFILTERS(dim_region)) < 0
)
RETURN
    DISTINCTCOUNT(fact_sales[order_id]) - COUNTROWS(Undone)",
    ),
    measure("Units", "#,##0.##", "Pieces sold, returns deducted.", "SUM(fact_sales[quantity])"),
    measure("Average order value", MONEY, "Revenue per order.", "DIVIDE([Revenue], 'Key measures'[Orders])"),
    measure("Units per order", "#,##0.00", "Pieces per order.", "DIVIDE('Key measures'[Units], 'Key measures'[Orders])"),
    measure(
        "Revenue last 30 days",
        MONEY,
        "Revenue of the 30 days up to the day the data is seen from, whatever dates are chosen.",
        "VAR AsOf = MAX(meta_run[as_of])
RETURN
    CALCULATE([Revenue], DATESBETWEEN(dim_date[date], AsOf - 29, AsOf))",
    ),
    measure(
        "Revenue year to date",
        MONEY,
        "Revenue from 1 January of the last year in the selection to its last day, at most the day the data is seen from.",
        "VAR AsOf = MAX(meta_run[as_of])
VAR LastDay = IF(MAX(dim_date[date]) < AsOf, MAX(dim_date[date]), AsOf)
RETURN
    IF(
        MIN(dim_date[date]) <= AsOf,
        CALCULATE([Revenue], DATESBETWEEN(dim_date[date], DATE(YEAR(LastDay), 1, 1), LastDay))
    )",
    ),
    measure(
        "Revenue same period last year",
        MONEY,
        "Revenue of the same days one year earlier; where several years are chosen, of the days of the last of them.",
        like_for_like!("Before"),
    ),
    measure(
        "Revenue growth",
        "+0.0%;-0.0%;0.0%",
        "Change against the same days one year earlier; where several years are chosen, of the last of them.",
        like_for_like!("DIVIDE(CALCULATE([Revenue], Days) - Before, Before)"),
    ),
    measure(
        "Revenue share",
        SHARE,
        "Share of the revenue of everything selected and allowed to be seen.",
        "DIVIDE([Revenue], CALCULATE([Revenue], ALLSELECTED()))",
    ),
];
