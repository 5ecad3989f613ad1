//! Whether the figures can be trusted.

use super::{Measure, TEXT, WHOLE, measure};

pub(super) const TRUST: &[Measure] = &[
    measure("Snapshot", TEXT, "Name of the snapshot that was loaded.", "MAX(meta_run[snapshot_id])"),
    measure("As of", "yyyy-mm-dd", "The day all figures are seen from.", "MAX(meta_run[as_of])"),
    measure("Checks passed", WHOLE, "Checks of the run that held.", "SUM(meta_run[checks_passed])"),
    measure("Checks warned", WHOLE, "Checks of the run that warned.", "SUM(meta_run[checks_warned])"),
    measure("Rows read", WHOLE, "Records the run read from all sources.", "SUM(meta_run[rows_in])"),
    measure("Rows published", WHOLE, "Rows the run published over all tables.", "SUM(meta_run[rows_out])"),
    measure("Rows rejected", WHOLE, "Rows the run set aside.", "SUM(meta_reconciliation[rows_rejected])"),
];

pub(super) const SNAPSHOT_CHECK: Measure =
    measure("Snapshot check", TEXT, "Says whether all tables were loaded from one snapshot.", TEXT);

/// Power BI loads each table by itself, so that a publication during a refresh can mix two snapshots.
pub(super) fn snapshot_check<'a>(tables: impl Iterator<Item = &'a str>) -> String {
    let seen: Vec<_> = tables.map(|table| format!("    CALCULATE(MAX({table}[snapshot_id]), REMOVEFILTERS())")).collect();
    format!(
        "VAR Seen = {{\n{}\n}}
VAR Known = FILTER(Seen, NOT ISBLANK([Value]))
RETURN
    IF(MINX(Known, [Value]) = MAXX(Known, [Value]), \"One snapshot\", \"Mixed snapshots: refresh again\")",
        seen.join(",\n")
    )
}
