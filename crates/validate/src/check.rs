//! A check and what it saw.

use std::fmt;

use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Closes the gate when it does not hold.
    Fail,
    /// Is told and published, and holds nothing up.
    Warn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Passed,
    Warned,
    Failed,
}

/// One row of `meta_checks`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    pub check: String,
    pub table: String,
    pub severity: Severity,
    pub status: Status,
    /// What was seen, in words or as a number.
    pub measured: String,
    /// What it was held against.
    pub threshold: String,
    pub failing_rows: u64,
    /// What to do about it; empty where it passed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remedy: String,
    /// Where its failing rows are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<Kept>,
}

/// Failing rows of a check, as many of them as `limits.check_rows_kept` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Below the run's folder.
    pub file: String,
    pub rows: u64,
}

impl Check {
    /// A check that must hold.
    pub fn must(check: &str, table: &str, holds: bool, measured: impl Into<String>, threshold: &str, failing_rows: u64) -> Self {
        let status = if holds { Status::Passed } else { Status::Failed };
        Self {
            check: check.to_owned(),
            table: table.to_owned(),
            severity: Severity::Fail,
            status,
            measured: measured.into(),
            threshold: threshold.to_owned(),
            failing_rows,
            remedy: String::new(),
            kept: None,
        }
    }

    /// A check that warns where it is not fatal.
    pub fn asked(
        check: &str,
        table: &str,
        is_fatal: bool,
        holds: bool,
        measured: impl Into<String>,
        threshold: &str,
        failing_rows: u64,
    ) -> Self {
        let told = Self::must(check, table, holds, measured, threshold, failing_rows);
        match (is_fatal, holds) {
            (true, _) => told,
            (false, true) => Self { severity: Severity::Warn, ..told },
            (false, false) => Self { severity: Severity::Warn, status: Status::Warned, ..told },
        }
    }

    /// Something an analyst should know.
    pub fn tells(check: &str, table: &str, measured: impl Into<String>, failing_rows: u64) -> Self {
        Self { severity: Severity::Warn, status: Status::Warned, ..Self::must(check, table, false, measured, "", failing_rows) }
    }

    #[must_use]
    pub fn with_remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: remedy.into(), ..self }
    }
}

impl Severity {
    pub fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Warn => "warn",
        }
    }
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Warned => "warned",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}: {}", self.check, self.table, self.measured)?;
        if !self.threshold.is_empty() {
            write!(f, " (wanted: {})", self.threshold)?;
        }
        if let Some(Kept { file, rows }) = &self.kept {
            write!(f, "\n  rows: {file} in the run's folder holds {rows} of the {} that fail", self.failing_rows)?;
        }
        if !self.remedy.is_empty() {
            write!(f, "\n  help: {}", self.remedy)?;
        }
        Ok(())
    }
}
