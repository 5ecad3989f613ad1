use super::{REGION, SEGMENT};
use crate::pages::field::{column, measure};
use crate::pages::page::Page;
use crate::pages::place::at;
use crate::pages::visual::{Chart, Visual, cards, chart, table};

pub(super) fn page() -> Page {
    Page {
        key: "customers",
        title: "Customers and win-back",
        question: "Whom do we win back first, and what is it worth?",
        slicers: vec![REGION, SEGMENT],
        visuals: vec![headline(), priorities(), tiers(), kinds(), list()],
        choices: vec![("priorities", "list"), ("tiers", "list")],
    }
}

fn headline() -> Visual {
    cards(
        "headline",
        "Customers at risk and what they are worth",
        "Customers, customers at risk, their value, the customers on the win-back list, and the value expected to come back.",
        at(0, 0, 12, 3),
        ["Customers", "Returning customers", "Customers at risk", "Value at risk", "Win-back customers", "Win-back value"]
            .map(|name| measure(name).into())
            .into(),
    )
}

fn priorities() -> Visual {
    chart(
        Chart::Columns,
        "priorities",
        "Win-back value by priority",
        "Columns of the value expected to come back for each priority, P0 first.",
        at(0, 3, 4, 3),
        column("winback_targets", "priority").called("Priority"),
        vec![measure("Win-back value").into()],
    )
    .in_order_of(column("winback_targets", "priority"))
}

fn tiers() -> Visual {
    chart(
        Chart::Bars,
        "tiers",
        "Win-back customers by value tier",
        "Bars of the number of customers to win back in each value tier, the largest first.",
        at(0, 6, 4, 3),
        column("winback_targets", "value_tier").called("Value tier"),
        vec![measure("Win-back customers").into()],
    )
    .largest_first(measure("Win-back customers"))
}

fn kinds() -> Visual {
    chart(
        Chart::Bars,
        "kinds",
        "Revenue by kind of customer",
        "Bars of the revenue of each kind of customer, the largest first.",
        at(0, 9, 4, 3),
        column("dim_customer", "business_segment").called("Kind of customer"),
        vec![measure("Revenue").into()],
    )
    .largest_first(measure("Revenue"))
}

fn list() -> Visual {
    table(
        "list",
        "Win-back list",
        "The customers to win back: priority, value tier, days since the last order, test group, the day to write by, and the value expected to come back, the largest first.",
        at(4, 3, 8, 9),
        vec![
            column("winback_targets", "priority").called("Priority"),
            column("dim_customer", "customer_id").called("Customer"),
            column("dim_customer", "customer_name").called("Name"),
            column("winback_targets", "value_tier").called("Tier"),
            column("winback_targets", "days_since_last_order").called("Days since order"),
            column("winback_targets", "arm").called("Test group"),
            column("winback_targets", "contact_by").called("Contact by"),
            measure("Win-back value").called("Expected back"),
        ],
    )
    .largest_first(measure("Win-back value"))
}
