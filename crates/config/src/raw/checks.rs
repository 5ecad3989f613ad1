//! What the pipeline file demands of the tables, as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Amount, OneOrMore};

/// One check of the tables, run before they are published. It has one of the kinds.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OneCheck {
    /// No two rows have the same values; rows without a value in one of the columns are nobody's twin.
    pub unique: Option<OfColumns>,
    /// Every row has a value in each column.
    pub not_null: Option<OfColumns>,
    /// Every value is one of a list.
    pub accepted_values: Option<AcceptedValues>,
    /// Every value is found in a column of another table.
    pub relationships: Option<Relationships>,
    /// Every value lies between two bounds.
    pub range: Option<Range>,
    /// Every text matches a regular expression.
    pub regex: Option<Regex>,
    /// The table has so many rows.
    pub row_count: Option<RowCount>,
    /// The newest day of a column is not too old.
    pub freshness: Option<Freshness>,
    /// A query of one's own that must return no row.
    pub sql: Option<NoRow>,
    /// Two figures agree.
    pub reconcile: Option<Reconcile>,
    /// A figure did not move too far since the snapshot before.
    pub drift: Option<Drift>,
    /// No single value has too large a share of the rows.
    pub degenerate: Option<Degenerate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Severity {
    Fail,
    Warn,
}

/// Columns of a table.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfColumns {
    /// A published table, or a staged one such as `staged_sales`.
    pub table: String,
    /// One column or a list.
    pub columns: OneOrMore,
    /// SQL condition; only rows for which it is true are checked.
    pub r#where: Option<String>,
    /// Failing rows that are let pass: a number, or a share such as `0.1%`. Default: none.
    pub allow: Option<Amount>,
    /// `fail` (default) publishes nothing when the check does not hold, `warn` tells of it.
    pub severity: Option<Severity>,
    /// Name in the results and of the file of failing rows. Default: kind, table and columns.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]*$"), length(max = 64))]
    pub name: Option<String>,
}

/// The values a column may have.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptedValues {
    /// A published table, or a staged one such as `staged_sales`.
    pub table: String,
    /// A column of text, whole numbers, or true and false.
    pub column: String,
    /// What may stand in it. A row without a value passes.
    pub values: Vec<Accepted>,
    /// SQL condition; only rows for which it is true are checked.
    pub r#where: Option<String>,
    /// Failing rows that are let pass: a number, or a share such as `0.1%`. Default: none.
    pub allow: Option<Amount>,
    /// `fail` (default) publishes nothing when the check does not hold, `warn` tells of it.
    pub severity: Option<Severity>,
    /// Name in the results and of the file of failing rows. Default: kind, table and column.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]*$"), length(max = 64))]
    pub name: Option<String>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(crate) enum Accepted {
    Whole(i64),
    Bool(bool),
    Text(String),
}

/// A column whose values another table must have.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Relationships {
    /// A published table, or a staged one such as `staged_sales`.
    pub table: String,
    /// The column that points. A row without a value passes.
    pub column: String,
    /// The table pointed at.
    pub to: String,
    /// Its column. Default: the same name.
    pub to_column: Option<String>,
    /// SQL condition; only rows for which it is true are checked.
    pub r#where: Option<String>,
    /// Failing rows that are let pass: a number, or a share such as `0.1%`. Default: none.
    pub allow: Option<Amount>,
    /// `fail` (default) publishes nothing when the check does not hold, `warn` tells of it.
    pub severity: Option<Severity>,
    /// Name in the results and of the file of failing rows. Default: kind, table and column.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]*$"), length(max = 64))]
    pub name: Option<String>,
}

/// The bounds of a column, themselves allowed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Range {
    /// A published table, or a staged one such as `staged_sales`.
    pub table: String,
    /// A column of numbers, days or times. A row without a value passes.
    pub column: String,
    /// The least value: a number, a day such as 2020-01-01, or `as_of`.
    pub min: Option<Amount>,
    /// The greatest value: a number, a day, or `as_of`.
    pub max: Option<Amount>,
    /// SQL condition; only rows for which it is true are checked.
    pub r#where: Option<String>,
    /// Failing rows that are let pass: a number, or a share such as `0.1%`. Default: none.
    pub allow: Option<Amount>,
    /// `fail` (default) publishes nothing when the check does not hold, `warn` tells of it.
    pub severity: Option<Severity>,
    /// Name in the results and of the file of failing rows. Default: kind, table and column.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]*$"), length(max = 64))]
    pub name: Option<String>,
}

/// What texts look like.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Regex {
    /// A published table, or a staged one such as `staged_sales`.
    pub table: String,
    /// A column of text. A row without a value passes.
    pub column: String,
    /// Regular expression that must match somewhere in the text; `^…$` for the whole of it.
    #[schemars(length(min = 1))]
    pub pattern: String,
    /// SQL condition; only rows for which it is true are checked.
    pub r#where: Option<String>,
    /// Failing rows that are let pass: a number, or a share such as `0.1%`. Default: none.
    pub allow: Option<Amount>,
    /// `fail` (default) publishes nothing when the check does not hold, `warn` tells of it.
    pub severity: Option<Severity>,
    /// Name in the results and of the file of failing rows. Default: kind, table and column.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]*$"), length(max = 64))]
    pub name: Option<String>,
}

/// How many rows a table has.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RowCount {
    /// A published table, or a staged one such as `staged_sales`.
    pub table: String,
    /// The fewest rows.
    #[schemars(range(min = 0))]
    pub min: Option<i64>,
    /// The most rows.
    #[schemars(range(min = 0))]
    pub max: Option<i64>,
    /// SQL condition; only rows for which it is true are counted.
    pub r#where: Option<String>,
    /// `fail` (default) publishes nothing when the check does not hold, `warn` tells of it.
    pub severity: Option<Severity>,
    /// Name in the results. Default: kind and table.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]*$"), length(max = 64))]
    pub name: Option<String>,
}

/// How old the newest row may be, seen from `as_of`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Freshness {
    /// A published table, or a staged one such as `staged_tickets`.
    pub table: String,
    /// A column of days or times.
    pub column: String,
    /// Days from the newest value to `as_of`, such as `8d`.
    pub max_age: String,
    /// SQL condition; only rows for which it is true are looked at.
    pub r#where: Option<String>,
    /// `fail` (default) publishes nothing when the check does not hold, `warn` tells of it.
    pub severity: Option<Severity>,
    /// Name in the results. Default: kind, table and column.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]*$"), length(max = 64))]
    pub name: Option<String>,
}

/// A query that must return no row.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoRow {
    /// Name in the results and of the file of the rows it returned.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]*$"), length(max = 64))]
    pub name: String,
    /// One SELECT over published tables, `staged_sales` and the like, and `previous_<table>` of the snapshot before. `$as_of`
    /// is the day all figures are seen from.
    #[schemars(length(min = 1))]
    pub query: String,
    /// Rows that are let pass, a number. Default: none.
    pub allow: Option<Amount>,
    /// `fail` (default) publishes nothing when the check does not hold, `warn` tells of it.
    pub severity: Option<Severity>,
}

/// Two figures that must agree.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reconcile {
    /// Name in the results.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]*$"), length(max = 64))]
    pub name: String,
    /// One figure: a query that gives one number, or `{table, value, where}` such as `{table: fact_sales, value: SUM(net_amount)}`.
    pub left: Side,
    /// The other figure.
    pub right: Side,
    /// How far apart they may be: an amount, or a share of the right one such as `0.1%`. Default: not at all.
    pub tolerance: Option<Amount>,
    /// `fail` (default) publishes nothing when the check does not hold, `warn` tells of it.
    pub severity: Option<Severity>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(crate) enum Side {
    Query(String),
    Value(ValueOf),
}

/// A figure of a table.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ValueOf {
    /// A published table, or a staged one such as `staged_sales`.
    pub table: String,
    /// What is reckoned over its rows, such as `SUM(net_amount)`.
    pub value: String,
    /// SQL condition; only rows for which it is true count.
    pub r#where: Option<String>,
}

/// How far a figure may move since the snapshot before, which is the latest of an earlier `as_of`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Drift {
    /// A published table.
    pub table: String,
    /// What is reckoned over its rows, such as `SUM(net_amount)`. Default: the number of rows.
    pub value: Option<String>,
    /// How much less it may be: an amount, or a share of the earlier figure such as `5%`.
    pub max_drop: Option<Amount>,
    /// How much more it may be: an amount, or a share of the earlier figure.
    pub max_rise: Option<Amount>,
    /// SQL condition; only rows for which it is true count, now and then.
    pub r#where: Option<String>,
    /// `fail` (default) publishes nothing when the check does not hold, `warn` tells of it.
    pub severity: Option<Severity>,
    /// Name in the results. Default: kind and table.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]*$"), length(max = 64))]
    pub name: Option<String>,
}

/// How large a share of the rows one value may have.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Degenerate {
    /// A published table, or a staged one such as `staged_sales`.
    pub table: String,
    /// Any column; rows without a value count as one value.
    pub column: String,
    /// The largest share, such as `90%`.
    pub max_share: Amount,
    /// SQL condition; only rows for which it is true are counted.
    pub r#where: Option<String>,
    /// `fail` (default) publishes nothing when the check does not hold, `warn` tells of it.
    pub severity: Option<Severity>,
    /// Name in the results. Default: kind, table and column.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]*$"), length(max = 64))]
    pub name: Option<String>,
}

/// Guards against figures that look right and mislead. All are on; each is `off`, `warn`, `fail`, or `{severity, limit}`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Guards {
    /// Shops with fewer customers than this are not judged by shares and sums. Default: 50.
    #[schemars(range(min = 1))]
    pub min_customers: Option<i64>,
    /// More than this share of the customers is at risk. Default: warn, 90%.
    pub all_at_risk: Option<Guard>,
    /// One RFM segment holds more than this share of the customers. Default: warn, 90%.
    pub one_segment: Option<Guard>,
    /// No order up to `as_of` for longer than this many times the shop's longest pause, and a week at least. Default: warn, 2.
    pub no_recent_orders: Option<Guard>,
    /// Nothing new in payments or tickets for longer than this many times their longest pause, and a week at least. Default:
    /// warn, 2.
    pub stale_source: Option<Guard>,
    /// Champions spend less on average than this many times what all customers do. Default: warn, 1.
    pub champions: Option<Guard>,
    /// Closed cohorts differ from the snapshot before by more than this share of their customers. Default: warn, 1%.
    pub closed_cohorts: Option<Guard>,
    /// A fact gains rows when it is joined with its dimensions. Default: fail.
    pub join_fanout: Option<Guard>,
    /// The revenue of the days of the snapshot before is lower by more than this share. Default: fail, 50%.
    pub revenue_drop: Option<Guard>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(crate) enum Guard {
    Switch(Switch),
    Tuned(Tuned),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Switch {
    Off,
    Warn,
    Fail,
}

/// A guard with a limit of one's own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(crate) struct Tuned {
    /// What it does when it speaks. Default: the guard's own.
    pub severity: Option<Switch>,
    /// When it speaks: a share such as `90%`, or for pauses and Champions how many times.
    pub limit: Option<Amount>,
}
