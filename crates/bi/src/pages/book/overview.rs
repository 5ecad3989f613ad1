use super::{DATES, REGION, SEGMENT};
use crate::pages::field::{column, measure};
use crate::pages::page::Page;
use crate::pages::place::at;
use crate::pages::visual::{Chart, Visual, cards, chart};

pub(super) fn page() -> Page {
    Page {
        key: "overview",
        title: "Overview",
        question: "How is the business doing, and can these figures be trusted?",
        slicers: vec![REGION, SEGMENT, DATES],
        visuals: vec![headline(), by_month(), by_region(), segments(), recent(), trust()],
        choices: vec![],
    }
}

fn headline() -> Visual {
    cards(
        "headline",
        "Headline figures",
        "Revenue, growth against the year before, orders, average order value, active customers, and the share of customers who are champions.",
        at(0, 0, 12, 3),
        ["Revenue", "Revenue growth", "Orders", "Average order value", "Active customers", "Champions share"]
            .map(|name| measure(name).into())
            .into(),
    )
}

fn by_month() -> Visual {
    chart(
        Chart::Line,
        "by-month",
        "Revenue by month, with the same month a year before",
        "Lines of the revenue of each month and of the same month one year before.",
        at(0, 3, 8, 4),
        column("dim_date", "month_start").called("Month"),
        vec![measure("Revenue").into(), measure("Revenue same period last year").called("A year before")],
    )
    .in_order_of(column("dim_date", "month_start"))
}

fn by_region() -> Visual {
    chart(
        Chart::Bars,
        "by-region",
        "Revenue by region",
        "Bars of the revenue of each region, the largest first.",
        at(8, 3, 4, 4),
        column("dim_region", "region_name").called("Region"),
        vec![measure("Revenue").into()],
    )
    .largest_first(measure("Revenue"))
}

fn segments() -> Visual {
    chart(
        Chart::Bars,
        "segments",
        "Customers by segment",
        "Bars of the number of customers in each segment, the largest first.",
        at(0, 7, 6, 5),
        column("customer_rfm", "segment").called("Segment"),
        vec![measure("Segment customers").called("Customers")],
    )
    .largest_first(measure("Segment customers"))
}

fn recent() -> Visual {
    cards(
        "recent",
        "Lately",
        "Revenue of the last 30 days and of the year to date, the share of money that went back, and the customers at risk.",
        at(6, 7, 6, 3),
        ["Revenue last 30 days", "Revenue year to date", "Return rate", "Customers at risk"]
            .map(|name| measure(name).into())
            .into(),
    )
}

fn trust() -> Visual {
    cards(
        "trust",
        "Where the figures come from",
        "The day the figures are seen from, whether all tables are of one snapshot, and how many checks passed and warned.",
        at(6, 10, 6, 2),
        ["As of", "Snapshot check", "Checks passed", "Checks warned"].map(|name| measure(name).into()).into(),
    )
}
