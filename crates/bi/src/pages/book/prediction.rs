use super::{REGION, SEGMENT};
use crate::pages::field::{column, measure};
use crate::pages::filter::is;
use crate::pages::page::Page;
use crate::pages::place::{Place, at};
use crate::pages::visual::{Chart, Visual, cards, chart, table};

pub(super) fn page() -> Page {
    Page {
        key: "prediction",
        title: "Prediction",
        question: "What will customers be worth, and how well did the model foretell the past?",
        slicers: vec![REGION, SEGMENT],
        visuals: vec![
            headline(),
            deciles(),
            calibration("by-decile", "Foretold and real purchases by decile", "decile", "Decile", at(4, 3, 4, 5)),
            calibration(
                "by-frequency",
                "Foretold and real purchases by past ones",
                "frequency",
                "Purchases before",
                at(8, 3, 4, 5),
            ),
            list(),
        ],
        choices: vec![("deciles", "list")],
    }
}

fn headline() -> Visual {
    cards(
        "headline",
        "The next twelve months",
        "The value of customers over the next twelve months, in all and for each, the purchases expected, and the mean chance that a customer still buys.",
        at(0, 0, 12, 3),
        ["CLV 12 months", "CLV per customer", "Expected purchases", "Probability alive"].map(|name| measure(name).into()).into(),
    )
}

fn deciles() -> Visual {
    chart(
        Chart::Columns,
        "deciles",
        "Value of the next twelve months by decile",
        "Columns of the expected value of each tenth of the customers, the most valuable tenth first.",
        at(0, 3, 4, 5),
        column("customer_clv", "clv_decile").called("Decile"),
        vec![measure("CLV 12 months").into()],
    )
    .in_order_of(column("customer_clv", "clv_decile"))
}

/// What the model said at past days beside what came to be.
fn calibration(key: &'static str, title: &'static str, buckets: &'static str, axis: &'static str, place: Place) -> Visual {
    chart(
        Chart::Columns,
        key,
        title,
        "Columns of the purchases that the model foretold for a group of customers, each beside those that came to be.",
        place,
        column("clv_backtest", "bucket").called(axis),
        vec![measure("Predicted purchases").called("Foretold"), measure("Actual purchases").called("Real")],
    )
    .in_order_of(column("clv_backtest", "bucket"))
    .only(is("clv_backtest", "bucket_kind", buckets))
}

fn list() -> Visual {
    table(
        "list",
        "Most valuable customers of the next twelve months",
        "A list of customers with their decile, the purchases expected, the chance that they still buy, and their expected value, the largest first.",
        at(0, 8, 12, 4),
        vec![
            column("dim_customer", "customer_id").called("Customer"),
            column("dim_customer", "customer_name").called("Name"),
            column("customer_clv", "clv_decile").called("Decile"),
            column("customer_clv", "status").called("Status"),
            measure("Expected purchases").into(),
            measure("Probability alive").into(),
            measure("CLV 12 months").into(),
        ],
    )
    .largest_first(measure("CLV 12 months"))
}
