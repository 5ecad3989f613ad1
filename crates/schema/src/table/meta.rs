//! Tables about the run itself.

use crate::Type::{Bool, Count, Date, Key, Money, Text, Time};
use crate::table::{Group, Table, Visibility, col, null};

pub(crate) static META_RUN: Table = Table {
    name: "meta_run",
    group: Group::Meta,
    visibility: Visibility::Published,
    grain: "the run",
    key: &["run_id"],
    description: "Which run published this, and from what.",
    columns: &[
        col("run_id", Text, "Identifier of the run."),
        col("pipeline", Text, "Name of the pipeline."),
        col("as_of", Date, "Day all figures are seen from."),
        col("started_at", Time, "Start of the run, in the store's time zone."),
        col("published_at", Time, "Publication, in the store's time zone."),
        col("sources", Text, "Names of the sources that were read."),
        col("rows_in", Count, "Records read from all sources."),
        col("rows_out", Count, "Rows published over all other tables."),
        col("checks_passed", Count, "Checks that held."),
        col("checks_warned", Count, "Checks that warned and let the run go on."),
        col("version", Text, "Version of the program."),
    ],
};

pub(crate) static META_RECONCILIATION: Table = Table {
    name: "meta_reconciliation",
    group: Group::Meta,
    visibility: Visibility::Published,
    grain: "hop and entity",
    key: &["hop", "entity"],
    description: "The book: rows and money at every step from source to mart.",
    columns: &[
        col("hop", Text, "Step of the way: extract, star or mart."),
        col("entity", Text, "Entity or mart the row is about."),
        col("rows_in", Count, "Rows that came in, or groups expected."),
        col("rows_loaded", Count, "Rows that came out."),
        col("rows_rejected", Count, "Rows set aside."),
        col("rows_deduplicated", Count, "Rows dropped as duplicates."),
        col("rows_filtered", Count, "Rows left out because the pipeline file says so."),
        null("amount_in", Money, "Amount that came in; empty where the entity has none."),
        null("amount_rejected", Money, "Amount set aside."),
        null("amount_deduplicated", Money, "Amount dropped as duplicates."),
        null("amount_filtered", Money, "Amount left out because the pipeline file says so."),
        null("amount_out", Money, "Amount that came out."),
        col("balanced", Bool, "True where what came in equals what came out and what was left behind."),
    ],
};

pub(crate) static META_CHECKS: Table = Table {
    name: "meta_checks",
    group: Group::Meta,
    visibility: Visibility::Published,
    grain: "check and table",
    key: &["check", "table"],
    description: "What was checked and what was seen.",
    columns: &[
        col("check", Text, "Name of the check."),
        col("table", Text, "Table, entity or column it is about."),
        col("severity", Text, "What a breach does: fail or warn."),
        col("status", Text, "Outcome: passed, warned or failed."),
        col("measured", Text, "What was seen."),
        col("threshold", Text, "Limit it was held against."),
        col("failing_rows", Count, "Rows that breach the check."),
    ],
};

pub(crate) static SECURITY_USER_REGION: Table = Table {
    name: "security_user_region",
    group: Group::Meta,
    visibility: Visibility::Published,
    grain: "user and region",
    key: &["user_principal_name", "region_key"],
    description: "Who may see which region in the report; empty where the pipeline names no users.",
    columns: &[
        col("user_principal_name", Text, "Sign-in name of the user, as the report service knows it."),
        col("region_key", Key, "Region the user may see."),
    ],
};
