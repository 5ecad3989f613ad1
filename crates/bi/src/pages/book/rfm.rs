use super::{REGION, SEGMENT};
use crate::pages::field::{column, measure};
use crate::pages::page::Page;
use crate::pages::place::at;
use crate::pages::theme::BLUES;
use crate::pages::visual::{Chart, Visual, chart, heat_map, matrix, table};

pub(super) fn page() -> Page {
    Page {
        key: "rfm",
        title: "RFM matrix",
        question: "Who buys lately and often? Choose cells to see the customers in them.",
        slicers: vec![REGION, SEGMENT],
        visuals: vec![grid(), segments(), moves(), list()],
        choices: vec![("grid", "list"), ("grid", "segments"), ("segments", "list")],
    }
}

fn grid() -> Visual {
    heat_map(
        "grid",
        "Customers by recency (down) and frequency (across), 5 is best",
        "A grid of five by five: the number of customers with each recency score and frequency score. Choosing cells filters the list of customers.",
        at(0, 0, 5, 7),
        [
            column("customer_rfm", "r_score").called("Recency"),
            column("customer_rfm", "f_score").called("Frequency"),
            measure("Segment customers").called("Customers"),
        ],
        BLUES,
    )
    .largest_first(column("customer_rfm", "r_score"))
}

fn segments() -> Visual {
    matrix(
        "segments",
        "Segments",
        "For each segment the number of its customers and what they have spent, the most valuable first.",
        at(5, 0, 7, 5),
        column("customer_rfm", "segment").called("Segment"),
        vec![measure("Segment customers").called("Customers"), measure("Segment revenue").called("Spent")],
    )
    .largest_first(measure("Segment revenue"))
}

fn moves() -> Visual {
    chart(
        Chart::Columns,
        "moves",
        "Moves into segments since the snapshot before",
        "Columns of the customers who moved into each segment since the snapshot before, and of those who stayed.",
        at(0, 7, 5, 5),
        column("segment_migration", "to_segment").called("Segment"),
        vec![measure("Moved in").into(), measure("Stayed").into()],
    )
    .largest_first(measure("Moved in"))
}

fn list() -> Visual {
    table(
        "list",
        "Customers in the chosen cells",
        "A list of customers with their segment, their scores, the days since their last order, and what they have spent, the largest first.",
        at(5, 5, 7, 7),
        vec![
            column("dim_customer", "customer_id").called("Customer"),
            column("dim_customer", "customer_name").called("Name"),
            column("customer_rfm", "segment").called("Segment"),
            column("customer_rfm", "rfm_code").called("RFM"),
            column("customer_rfm", "days_since_last_order").called("Days since order"),
            measure("Segment revenue").called("Spent"),
        ],
    )
    .largest_first(measure("Segment revenue"))
}
