use super::{DATES, REGION};
use crate::pages::field::{column, measure};
use crate::pages::filter::{is, is_true, within};
use crate::pages::page::Page;
use crate::pages::place::at;
use crate::pages::theme::BLUES;
use crate::pages::visual::{Chart, Visual, cards, chart, heat_map};

/// Later months are too far out for a page to show.
const LAST: u32 = 12;
/// In month 0 everybody buys: it would take all colour from the months that tell something.
const FIRST: u32 = 1;

pub(super) fn page() -> Page {
    Page {
        key: "cohorts",
        title: "Cohorts",
        question: "Who keeps buying? Cohorts are of the whole company.",
        slicers: vec![REGION, DATES],
        visuals: vec![headline(), new_and_returning(), triangle(), average(), worth()],
        choices: vec![],
    }
}

fn headline() -> Visual {
    cards(
        "headline",
        "Retention",
        "The average retention of a month, and the share of customers who bought more than once.",
        at(0, 0, 4, 3),
        vec![measure("Average retention").into(), measure("Repeat rate").into()],
    )
}

fn new_and_returning() -> Visual {
    chart(
        Chart::Line,
        "new-and-returning",
        "New and returning customers by month",
        "Lines of the customers of each month who bought for the first time and of those who came back.",
        at(4, 0, 8, 3),
        column("dim_date", "month_start").called("Month"),
        vec![measure("New customers").into(), measure("Returning customers").into()],
    )
    .in_order_of(column("dim_date", "month_start"))
}

fn triangle() -> Visual {
    heat_map(
        "triangle",
        "Retention by month of the first purchase (down) and months since (across)",
        "A grid: for customers of each month of first purchase the share of them who bought again one, two and up to twelve months later.",
        at(0, 3, 8, 9),
        [
            column("cohort_retention", "cohort_start").called("First purchase"),
            column("cohort_retention", "period").called("Months since"),
            measure("Retention rate").into(),
        ],
        BLUES,
    )
    .in_order_of(column("cohort_retention", "cohort_start"))
    .only(is("cohort_retention", "cohort_kind", "first_purchase"))
    .only(is_true("cohort_retention", "is_complete"))
    .only(within("cohort_retention", "period", FIRST, LAST))
}

fn average() -> Visual {
    chart(
        Chart::Line,
        "average",
        "Average retention, months since first order",
        "A line of the share of customers who buy in each month after their first purchase, over all cohorts.",
        at(8, 3, 4, 5),
        column("cohort_average", "period").called("Months since"),
        vec![measure("Average retention").into()],
    )
    .in_order_of(column("cohort_average", "period"))
    .only(is("cohort_average", "cohort_kind", "first_purchase"))
    .only(within("cohort_average", "period", FIRST, LAST))
}

fn worth() -> Visual {
    chart(
        Chart::Columns,
        "worth",
        "Revenue per customer, months since first order",
        "Columns of the revenue that a customer has brought by each month after the first purchase.",
        at(8, 8, 4, 4),
        column("cohort_retention", "period").called("Months since"),
        vec![measure("Cohort revenue per customer").called("Revenue per customer")],
    )
    .in_order_of(column("cohort_retention", "period"))
    .only(is("cohort_retention", "cohort_kind", "first_purchase"))
    .only(is_true("cohort_retention", "is_complete"))
    .only(within("cohort_retention", "period", 0, LAST))
}
