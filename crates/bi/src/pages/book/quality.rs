use crate::pages::field::{column, measure};
use crate::pages::page::Page;
use crate::pages::place::at;
use crate::pages::visual::{Slicer, Visual, cards, table};

pub(super) fn page() -> Page {
    Page {
        key: "quality",
        title: "Data quality",
        question: "What came in, what went out, what was left behind, and which checks warned?",
        slicers: vec![STATUS],
        visuals: vec![snapshot(), rows(), book(), checks(), segments()],
        choices: vec![],
    }
}

const STATUS: Slicer = Slicer {
    key: "status",
    title: "Outcome of a check",
    alt: "Choice of outcomes: passed, warned or failed. It filters the list of checks.",
    field: column("meta_checks", "status"),
    mode: "Dropdown",
    columns: 2,
    group: None,
};

fn snapshot() -> Visual {
    cards(
        "snapshot",
        "Snapshot",
        "The snapshot that is shown, the day it is seen from, and whether all tables are of one snapshot.",
        at(0, 0, 6, 3),
        ["Snapshot", "As of", "Snapshot check"].map(|name| measure(name).into()).into(),
    )
}

fn rows() -> Visual {
    cards(
        "rows",
        "Rows and checks",
        "Rows read, published and rejected, and how many checks passed and warned.",
        at(6, 0, 6, 3),
        ["Rows read", "Rows published", "Rows rejected", "Checks passed", "Checks warned"]
            .map(|name| measure(name).into())
            .into(),
    )
}

fn book() -> Visual {
    let shown = [
        ("hop", "Step"),
        ("entity", "Of"),
        ("rows_in", "Rows in"),
        ("rows_loaded", "Loaded"),
        ("rows_rejected", "Rejected"),
        ("rows_deduplicated", "Duplicates"),
        ("rows_filtered", "Left out"),
        ("amount_in", "Amount in"),
        ("amount_out", "Amount out"),
        ("balanced", "Balanced"),
    ];
    table(
        "book",
        "Reconciliation book",
        "For each step and entity the rows that came in, were loaded, rejected, dropped as duplicates or left out, the amounts, and whether they balance.",
        at(0, 3, 12, 4),
        shown.map(|(name, heading)| column("meta_reconciliation", name).called(heading)).into(),
    )
    .in_order_of(column("meta_reconciliation", "hop"))
}

fn checks() -> Visual {
    let shown = [
        ("check", "Check"),
        ("table", "Of"),
        ("status", "Outcome"),
        ("measured", "Seen"),
        ("threshold", "Limit"),
        ("failing_rows", "Rows"),
    ];
    table(
        "checks",
        "Checks",
        "A list of checks with what they are about, the outcome, what was seen, the limit and how many rows breach it, warnings first.",
        at(0, 7, 8, 5),
        shown.map(|(name, heading)| column("meta_checks", name).called(heading)).into(),
    )
    .largest_first(column("meta_checks", "status"))
}

fn segments() -> Visual {
    let shown = [("check", "Check"), ("value", "Value"), ("threshold", "Limit"), ("passed", "Holds")];
    table(
        "segments",
        "Do the segments mean anything?",
        "A list of tests of the segments, such as whether champions spend more than others, with the value, the limit and whether it holds.",
        at(8, 7, 4, 5),
        shown.map(|(name, heading)| column("rfm_validation", name).called(heading)).into(),
    )
}
