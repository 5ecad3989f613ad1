//! The gate itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Decimal128Array, Int64Array, RecordBatch, StringArray};
use arrow::error::ArrowError;
use config::{Guards, Limits, Pipeline, Returns, Rule};
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use extract::{Book, FileError, Staged, TableFile};
use schema::{TABLES, Type, Visibility};
use transform::Warehouse;

use crate::book::{Hop, reconcile};
use crate::check::{Check, Status};
use crate::dimension::Dimensions;
use crate::scan::scan;
use crate::{guards, ids, orders, rules};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Checks did not hold. Nothing is published.
    #[error("{} of {total} checks closed the gate:\n{}", .failed.len(), .failed.iter().map(|c| format!("- {c}")).collect::<Vec<_>>().join("\n"))]
    Closed { failed: Vec<Check>, total: usize },
    #[error("cannot read back table {table}: {detail}")]
    Scan { table: &'static str, detail: String },
    #[error("cannot make the tables readable for the checks of the pipeline file")]
    Readable { source: DataFusionError },
    #[error("cannot reconcile the book")]
    Book { source: DataFusionError },
    #[error("cannot write table {table}")]
    Write { table: &'static str, source: FileError },
    #[error("cannot encode table {table}")]
    Encode { table: &'static str, source: ArrowError },
    #[error("cannot write {path}")]
    Record { path: PathBuf, source: std::io::Error },
    #[error("cannot scan in parallel: {detail}")]
    Worker { detail: String },
}

/// What the pipeline file demands beside what every run proves.
#[derive(Debug, Clone, Copy)]
pub struct Demands<'a> {
    pub rules: &'a [Rule],
    pub guards: &'a Guards,
    /// Whether return lines are left out of every table.
    pub excludes_returns: bool,
    /// The folder of the snapshot before: the latest of an earlier `as_of`.
    pub previous: Option<&'a Path>,
    /// Failing rows kept, a check.
    pub rows_kept: usize,
    /// Columns whose values no message names.
    pub pii: &'a BTreeSet<String>,
}

impl<'a> Demands<'a> {
    pub fn of(pipeline: &'a Pipeline, limits: &Limits, previous: Option<&'a Path>) -> Self {
        let Pipeline { checks, guards, pii, transform, .. } = pipeline;
        let excludes_returns = transform.returns == Returns::Exclude;
        Self { rules: checks, guards, excludes_returns, previous, rows_kept: limits.check_rows_kept, pii }
    }
}

/// A warehouse that passed every check. There is no other way to make one than [`check`].
#[derive(Debug)]
pub struct Validated {
    warehouse: Warehouse,
    checks: Vec<Check>,
    hops: Vec<Hop>,
    /// Files of `meta_checks` and `meta_reconciliation`.
    meta: Vec<(&'static schema::Table, PathBuf, u64)>,
}

impl Validated {
    pub fn warehouse(&self) -> &Warehouse {
        &self.warehouse
    }

    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    pub fn hops(&self) -> &[Hop] {
        &self.hops
    }

    /// Every table to publish but `meta_run`, in the contract's order: contract, file, rows.
    pub fn tables(&self) -> Vec<(&'static schema::Table, &Path, u64)> {
        let built = self.warehouse.tables.iter().map(|t| (t.contract, t.path.as_path(), t.rows));
        let meta = self.meta.iter().map(|(contract, path, rows)| (*contract, path.as_path(), *rows));
        built.chain(meta).filter(|(contract, ..)| contract.visibility != Visibility::Working).collect()
    }
}

/// Proves the warehouse. Writes `checks.json` and `reconciliation.json` below `record`, whether or not the gate opens.
pub async fn check(
    session: &SessionContext,
    warehouse: Warehouse,
    staged: &Staged,
    demands: &Demands<'_>,
    record: &Path,
) -> Result<Validated, Error> {
    let mut checks = rejects(staged);
    checks.extend(staged.findings.iter().map(|f| Check::tells(&f.check, &f.table, f.message.clone(), f.count)));
    let (warehouse, mut scanned) = scan_all(warehouse).await?;
    let is_twice = ids::twice(session, &mut scanned, demands.pii).await.map_err(|source| Error::Book { source })?;
    if is_twice {
        scanned.retain(|check| check.table.starts_with("dim_") || check.status == Status::Passed);
    }
    checks.extend(scanned);
    let broken = is_twice || checks.iter().any(|c| c.check == "schema" && c.status == Status::Failed);
    let empty = published_empty(&warehouse);
    let hops = if broken {
        Vec::new()
    } else {
        let hops = reconcile(session, staged, demands.excludes_returns, &empty).await;
        hops.map_err(|source| Error::Book { source })?
    };
    checks.extend(hops.iter().map(Hop::check));
    if !broken {
        checks.extend(ids::alike(session, demands.pii).await.map_err(|source| Error::Book { source })?);
        checks.extend(orders::long_before(session).await.map_err(|source| Error::Book { source })?);
        checks.extend(orders::of_several_customers(session).await.map_err(|source| Error::Book { source })?);
        let readable = rules::readable(session, demands.previous).await.map_err(|source| Error::Readable { source })?;
        checks.extend(guards::watch(&readable, demands, warehouse.as_of).await);
        checks.extend(rules::answer(readable, demands, warehouse.as_of, record).await);
    }

    write_json(&record.join("checks.json"), &checks)?;
    write_json(&record.join("reconciliation.json"), &hops)?;
    let failed: Vec<Check> = checks.iter().filter(|c| c.status == Status::Failed).cloned().collect();
    if !failed.is_empty() {
        return Err(Error::Closed { failed, total: checks.len() });
    }
    let meta = vec![write_checks(&warehouse.folder, &checks)?, write_hops(&warehouse.folder, &hops)?];
    Ok(Validated { warehouse, checks, hops, meta })
}

/// Marts the pipeline file leaves out, and those that are made from them alone.
fn published_empty(warehouse: &Warehouse) -> BTreeSet<&'static str> {
    const MADE_FROM: [(&str, &str); 3] = [
        ("customer_rfm", "rfm_segment_summary"),
        ("customer_rfm", "segment_migration"),
        ("customer_value", "value_tier_summary"),
    ];
    let mut empty: BTreeSet<_> = warehouse.tables.iter().filter(|t| t.skipped).map(|t| t.contract.name).collect();
    let follow: Vec<_> = MADE_FROM.iter().filter(|(from, _)| empty.contains(from)).map(|(_, made)| *made).collect();
    empty.extend(follow);
    empty
}

/// Shares of records set aside against the limits of the pipeline file.
fn rejects(staged: &Staged) -> Vec<Check> {
    let mut checks = Vec::new();
    for (name, entity) in &staged.entities {
        let Some(limits) = entity.limits else { continue };
        let Book { rows_in, rows_rejected, .. } = entity.book;
        let share = share(rows_rejected, rows_in);
        let measured = format!("{rows_rejected} of {rows_in} records set aside ({:.3} %)", share * 100.0);
        let threshold = format!("warn above {:.3} %, fail above {:.3} %", limits.warn * 100.0, limits.fail * 100.0);
        let mut check = Check::must("rejects", name.name(), share <= limits.fail, measured, &threshold, rows_rejected);
        if check.status == Status::Passed && share > limits.warn {
            check.status = Status::Warned;
        }
        if check.status != Status::Passed {
            let file = entity.rejects.as_ref().map(|p| p.display().to_string()).unwrap_or_default();
            let first = entity.first_reject.as_ref().map(|r| format!("the first is {r}; ")).unwrap_or_default();
            check =
                check.with_remedy(format!("{first}all are in {file}; mend the source, or set `rejects:` under extract.{name}"));
        }
        checks.push(check);
    }
    checks
}

#[allow(clippy::cast_precision_loss, reason = "a share of rows needs no more than 53 bits")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Dimensions first, so that their members are known when facts and marts are read. Reading is off the async threads.
async fn scan_all(warehouse: Warehouse) -> Result<(Warehouse, Vec<Check>), Error> {
    let scanning = datafusion::common::runtime::SpawnedTask::spawn_blocking(move || {
        let mut dimensions = Dimensions::new();
        let mut checks = Vec::new();
        let (dims, others): (Vec<_>, Vec<_>) = warehouse.tables.iter().partition(|t| t.contract.name.starts_with("dim_"));
        // dim_customer names regions, so dim_region comes before it, as it does in the build order.
        for table in dims.into_iter().chain(others) {
            let name = table.contract.name;
            let found = scan(table.contract, &table.path, &dimensions).map_err(|detail| Error::Scan { table: name, detail })?;
            if name.starts_with("dim_") {
                dimensions.insert(name, found.members);
            }
            let whole = found.rows == table.rows;
            let measured = format!("{} of {} rows", found.rows, table.rows);
            checks.push(Check::must("read_back", name, whole, measured, "every row written", table.rows.abs_diff(found.rows)));
            checks.extend(found.checks);
        }
        Ok::<_, Error>((warehouse, checks))
    });
    scanning.await.map_err(|e| Error::Worker { detail: e.to_string() })?
}

fn write_json<T: serde::Serialize>(path: &Path, value: &T) -> Result<(), Error> {
    let text = serde_json::to_vec_pretty(value).map_err(std::io::Error::other);
    text.and_then(|text| fs::write(path, text)).map_err(|source| Error::Record { path: path.to_path_buf(), source })
}

fn contract(name: &'static str) -> Result<&'static schema::Table, Error> {
    TABLES
        .iter()
        .copied()
        .find(|t| t.name == name)
        .ok_or(Error::Scan { table: name, detail: "it is not in the contract".to_owned() })
}

type Written = (&'static schema::Table, PathBuf, u64);

fn write_table(folder: &Path, name: &'static str, columns: Vec<ArrayRef>) -> Result<Written, Error> {
    let contract = contract(name)?;
    let path = folder.join(format!("{name}.parquet"));
    let batch = RecordBatch::try_new(contract.arrow(), columns).map_err(|source| Error::Encode { table: name, source })?;
    let write = || {
        let mut file = TableFile::create(&path, contract.arrow())?;
        file.write(&batch)?;
        file.finish()
    };
    let rows = write().map_err(|source| Error::Write { table: name, source })?;
    Ok((contract, path, rows))
}

/// `meta_checks`, by check and table.
fn write_checks(folder: &Path, checks: &[Check]) -> Result<Written, Error> {
    let mut checks: Vec<&Check> = checks.iter().collect();
    checks.sort_by(|a, b| (&a.check, &a.table).cmp(&(&b.check, &b.table)));
    let text =
        |value: fn(&Check) -> &str| -> ArrayRef { Arc::new(checks.iter().map(|c| Some(value(c))).collect::<StringArray>()) };
    let columns = vec![
        text(|c| &c.check),
        text(|c| &c.table),
        text(|c| c.severity.name()),
        text(|c| c.status.name()),
        text(|c| &c.measured),
        text(|c| &c.threshold),
        Arc::new(checks.iter().map(|c| i64::try_from(c.failing_rows).ok()).collect::<Int64Array>()) as ArrayRef,
    ];
    write_table(folder, "meta_checks", columns)
}

/// `meta_reconciliation`, by hop and entity.
fn write_hops(folder: &Path, hops: &[Hop]) -> Result<Written, Error> {
    let mut hops: Vec<&Hop> = hops.iter().collect();
    hops.sort_by(|a, b| (&a.hop, &a.entity).cmp(&(&b.hop, &b.entity)));
    let count = |value: fn(&Hop) -> u64| -> ArrayRef {
        Arc::new(hops.iter().map(|h| i64::try_from(value(h)).ok()).collect::<Int64Array>())
    };
    let money = |value: fn(&Hop) -> Option<i128>| -> ArrayRef {
        Arc::new(hops.iter().map(|h| value(h)).collect::<Decimal128Array>().with_data_type(Type::Money.arrow()))
    };
    let columns = vec![
        Arc::new(hops.iter().map(|h| Some(h.hop.as_str())).collect::<StringArray>()) as ArrayRef,
        Arc::new(hops.iter().map(|h| Some(h.entity.as_str())).collect::<StringArray>()) as ArrayRef,
        count(|h| h.rows_in),
        count(|h| h.rows_loaded),
        count(|h| h.rows_rejected),
        count(|h| h.rows_deduplicated),
        count(|h| h.rows_filtered),
        money(|h| h.amount_in),
        money(|h| h.amount_rejected),
        money(|h| h.amount_deduplicated),
        money(|h| h.amount_filtered),
        money(|h| h.amount_out),
        Arc::new(hops.iter().map(|h| Some(h.balanced())).collect::<BooleanArray>()) as ArrayRef,
    ];
    write_table(folder, "meta_reconciliation", columns)
}
