//! What is on which page.

mod cohorts;
mod customers;
mod overview;
mod prediction;
mod products;
mod quality;
mod rfm;
mod risk;

use super::field::column;
use super::page::Page;
use super::visual::Slicer;

/// In reading order; the first is open when the report is.
pub(super) fn pages() -> Vec<Page> {
    vec![
        overview::page(),
        rfm::page(),
        customers::page(),
        cohorts::page(),
        products::page(),
        prediction::page(),
        risk::page(),
        quality::page(),
    ]
}

const REGION: Slicer = Slicer {
    key: "region",
    title: "Region",
    alt: "Choice of regions. It holds on every page that has it.",
    field: column("dim_region", "region_name"),
    mode: "Dropdown",
    columns: 2,
    group: Some("region"),
};

const SEGMENT: Slicer = Slicer {
    key: "segment",
    title: "Segment",
    alt: "Choice of customer segments. It holds on every page that has it.",
    field: column("customer_rfm", "segment"),
    mode: "Dropdown",
    columns: 2,
    group: Some("segment"),
};

const DATES: Slicer = Slicer {
    key: "dates",
    title: "Dates",
    alt: "Choice of the first and the last day. It holds on every page that has it.",
    field: column("dim_date", "date"),
    mode: "Between",
    columns: 3,
    group: Some("dates"),
};
