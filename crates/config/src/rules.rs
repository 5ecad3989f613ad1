//! What the pipeline file demands of the tables, checked: names are those of the contract, limits are exact.

use std::fmt;

use chrono::NaiveDate;

use crate::problem::{Place, Problem};

/// One in parts per thousand million.
pub const WHOLE_PPB: u64 = 1_000_000_000;

/// A check of the pipeline file.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Small letters, digits, `-` and `_`; no other rule and no check of the gate has it.
    pub name: String,
    pub is_fatal: bool,
    pub demand: Demand,
    pub place: Place,
}

#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "a pipeline has a handful of them")]
pub enum Demand {
    EachRow {
        of: Rows,
        wants: EachRow,
        allow: Tolerance,
    },
    Whole {
        of: Rows,
        wants: Whole,
    },
    /// Rows of a query are failing rows.
    NoRow {
        query: Sql,
        allow: u64,
    },
    Equal {
        left: Figure,
        right: Figure,
        tolerance: Tolerance,
    },
}

/// Rows of a table: all, or those for which a condition is true.
#[derive(Debug, Clone)]
pub struct Rows {
    /// A published table, or `staged_<entity>`.
    pub table: String,
    /// All columns of the table, in its order.
    pub columns: Vec<&'static str>,
    pub filter: Option<Sql>,
}

/// SQL as it stands in the file. Only `validate` can tell whether it is right.
#[derive(Debug, Clone)]
pub struct Sql {
    pub text: String,
    pub place: Place,
}

/// What each row must be; a row without a value passes all but `NotNull`.
#[derive(Debug, Clone)]
pub enum EachRow {
    Unique {
        columns: Vec<&'static str>,
    },
    NotNull {
        columns: Vec<&'static str>,
    },
    /// Values as text.
    AcceptedValues {
        column: &'static str,
        values: Vec<String>,
    },
    Relationship {
        column: &'static str,
        to: String,
        to_column: &'static str,
    },
    Range {
        column: &'static str,
        is_time: bool,
        min: Option<Bound>,
        max: Option<Bound>,
    },
    Regex {
        column: &'static str,
        pattern: Sql,
    },
}

/// What the rows must be together.
#[derive(Debug, Clone)]
pub enum Whole {
    RowCount { min: Option<u64>, max: Option<u64> },
    Freshness { column: &'static str, is_date_key: bool, max_age_days: i32 },
    Drift { value: Option<Sql>, max_drop: Option<Tolerance>, max_rise: Option<Tolerance> },
    Degenerate { column: &'static str, max_share_ppb: u64 },
}

/// One number.
#[derive(Debug, Clone)]
pub enum Figure {
    Query(Sql),
    Value { of: Rows, value: Sql },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// In ten-thousandths.
    Amount(i128),
    Number(f64),
    Day(NaiveDate),
    AsOf,
}

/// How much is let pass, the limit itself included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tolerance {
    /// In ten-thousandths.
    Amount(i128),
    /// A share of the whole, in parts per thousand million.
    Share(u64),
}

impl Tolerance {
    pub const NONE: Self = Self::Amount(0);

    /// Whether `part` of `whole` is let pass; both are counted in so many of `unit` to one.
    pub fn lets_pass(self, part: i128, whole: i128, unit: i128) -> bool {
        match self {
            Self::Amount(most) => part.saturating_mul(10_000) <= most.saturating_mul(unit),
            Self::Share(ppb) => part.saturating_mul(WHOLE_PPB.into()) <= whole.saturating_abs().saturating_mul(ppb.into()),
        }
    }
}

/// As it is written: `5`, or `0.1%`.
impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ten_thousandths, sign) = match self {
            Self::Amount(amount) => (*amount, ""),
            Self::Share(ppb) => (i128::from(*ppb) / 1000, " %"),
        };
        let (whole, rest) = (ten_thousandths / 10_000, format!("{:04}", (ten_thousandths % 10_000).abs()));
        let rest = rest.trim_end_matches('0');
        if rest.is_empty() { write!(f, "{whole}{sign}") } else { write!(f, "{whole}.{rest}{sign}") }
    }
}

/// What looks at the figures of every run, whether or not anybody asked.
#[derive(Debug, Clone)]
pub struct Guards {
    /// Shops with fewer customers are not judged by shares and sums.
    pub min_customers: u64,
    /// Those that are on.
    pub on: Vec<Guard>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    pub watch: Watch,
    pub is_fatal: bool,
    /// In parts per thousand million; 0 where the guard has none.
    pub limit_ppb: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    AllAtRisk,
    OneSegment,
    NoRecentOrders,
    StaleSource,
    Champions,
    ClosedCohorts,
    JoinFanout,
    RevenueDrop,
}

impl Watch {
    pub const ALL: [Self; 8] = [
        Self::AllAtRisk,
        Self::OneSegment,
        Self::NoRecentOrders,
        Self::StaleSource,
        Self::Champions,
        Self::ClosedCohorts,
        Self::JoinFanout,
        Self::RevenueDrop,
    ];

    /// Its key under `guards`.
    pub fn name(self) -> &'static str {
        match self {
            Self::AllAtRisk => "all_at_risk",
            Self::OneSegment => "one_segment",
            Self::NoRecentOrders => "no_recent_orders",
            Self::StaleSource => "stale_source",
            Self::Champions => "champions",
            Self::ClosedCohorts => "closed_cohorts",
            Self::JoinFanout => "join_fanout",
            Self::RevenueDrop => "revenue_drop",
        }
    }
}

impl Sql {
    /// A problem of this piece of SQL.
    pub fn problem(&self, message: &str, help: &str) -> Problem {
        self.place.problem(message, help)
    }
}
