use super::{REGION, SEGMENT};
use crate::pages::field::{column, measure};
use crate::pages::filter::is_true;
use crate::pages::page::Page;
use crate::pages::place::at;
use crate::pages::theme::ORANGES;
use crate::pages::visual::{Chart, Visual, cards, chart, heat_map, table};

pub(super) fn page() -> Page {
    Page {
        key: "risk",
        title: "Risk",
        question: "Who pays late, who complains, and whom do we look after first?",
        slicers: vec![REGION, SEGMENT],
        visuals: vec![headline(), late_by_month(), tickets(), kinds(), list()],
        choices: vec![("kinds", "list")],
    }
}

fn headline() -> Visual {
    cards(
        "headline",
        "Payments, tickets and risk",
        "High-risk customers, the mean risk score, late payments and tickets.",
        at(0, 0, 12, 3),
        ["High-risk customers", "Average risk score", "Late payments", "Tickets"].map(|name| measure(name).into()).into(),
    )
}

fn late_by_month() -> Visual {
    chart(
        Chart::Columns,
        "late-by-month",
        "Late payments by month of the due date",
        "Columns of the payments of each month that came late or not at all.",
        at(0, 3, 4, 4),
        column("dim_date", "month_start").called("Month"),
        vec![measure("Late payments").into()],
    )
    .in_order_of(column("dim_date", "month_start"))
}

fn tickets() -> Visual {
    heat_map(
        "tickets",
        "Tickets by category and priority",
        "A grid: the number of tickets of each category and priority.",
        at(4, 3, 4, 4),
        [
            column("fact_tickets", "category").called("Category"),
            column("fact_tickets", "priority").called("Priority"),
            measure("Tickets").into(),
        ],
        ORANGES,
    )
    .in_order_of(column("fact_tickets", "category"))
}

fn kinds() -> Visual {
    chart(
        Chart::Bars,
        "kinds",
        "High-risk customers by kind of customer",
        "Bars of the number of high-risk customers of each kind, the largest first.",
        at(8, 3, 4, 4),
        column("dim_customer", "business_segment").called("Kind of customer"),
        vec![measure("High-risk customers").into()],
    )
    .largest_first(measure("High-risk customers"))
}

fn list() -> Visual {
    table(
        "list",
        "High-risk customers",
        "A list of high-risk customers with the reasons, late payments, the amount overdue, open tickets, and the risk score, the highest first.",
        at(0, 7, 12, 5),
        vec![
            column("dim_customer", "customer_id").called("Customer"),
            column("dim_customer", "customer_name").called("Name"),
            column("customer_risk", "risk_reasons").called("Reasons"),
            column("customer_risk", "late_payments").called("Late"),
            column("customer_risk", "overdue_amount").called("Overdue"),
            column("customer_risk", "open_tickets").called("Open tickets"),
            measure("Average risk score").called("Risk score"),
        ],
    )
    .largest_first(measure("Average risk score"))
    .only(is_true("customer_risk", "is_high_risk"))
}
