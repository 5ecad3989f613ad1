//! Building the tables, one after the other.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use arrow::error::ArrowError;
use chrono::NaiveDate;
use config::Transform;
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::SessionContext;
use extract::{FileError, Staged, TableFile};
use futures::StreamExt;
use schema::{TABLES, Visibility};

use crate::grid;
use crate::prediction::{affinity, lifetime};
use crate::retention::survival;
use crate::sql::{Given, VIEWS, inputs, parameters, statement, view};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot create {path}")]
    Folder { path: PathBuf, source: std::io::Error },
    #[error("cannot compute table {table}")]
    Compute { table: String, source: DataFusionError },
    #[error(
        "table {table} needs more memory than `engine.memory` allows, also with joins that spill\n  help: raise `engine.memory` in config/<env>.yaml"
    )]
    Memory { table: String, source: DataFusionError },
    #[error("cannot write table {table}")]
    Write { table: String, source: FileError },
    #[error("cannot lay out the rows of table {table}")]
    Layout { table: &'static str, source: ArrowError },
    #[error("the computation of table {table} ended early: {detail}")]
    Worker { table: &'static str, detail: String },
}

/// The built tables in the run's folder. Nothing in it is proven yet: only `validate` can do that.
#[derive(Debug)]
pub struct Warehouse {
    pub folder: PathBuf,
    pub as_of: NaiveDate,
    /// In build order; tables that the gate and the publisher write are not among them.
    pub tables: Vec<Table>,
}

/// One built table.
#[derive(Debug)]
pub struct Table {
    pub contract: &'static schema::Table,
    pub path: PathBuf,
    pub rows: u64,
    /// Left out, as the pipeline file says: it has no rows.
    pub skipped: bool,
    pub elapsed: Duration,
}

/// Builds every table of `schema::TABLES` below `folder` and registers each in the session under its name.
///
/// `previous` is the folder of the snapshot before, which segments are compared with and fits start from. `progress` is
/// told the name of each table before it is built. Times are measured for the record and change no figure.
pub async fn build(
    session: &SessionContext,
    staged: &Staged,
    options: &Transform,
    previous: Option<&Path>,
    folder: &Path,
    progress: &(dyn Fn(&'static str) + Sync),
) -> Result<Warehouse, Error> {
    fs::create_dir_all(folder).map_err(|source| Error::Folder { path: folder.to_path_buf(), source })?;
    let mut warehouse = Warehouse { folder: folder.to_path_buf(), as_of: staged.as_of, tables: Vec::new() };
    let builder = Builder { session, options, as_of: staged.as_of, folder };
    builder.register_source_views().await?;
    builder.register_previous(previous).await?;
    for contract in TABLES {
        if WRITTEN_LATER.contains(&contract.name) || warehouse.tables.iter().any(|t| t.contract.name == contract.name) {
            continue;
        }
        progress(contract.name);
        let started = std::time::Instant::now();
        let built = builder.tables(contract).await?;
        let elapsed = started.elapsed();
        for (contract, path, rows) in built {
            tracing::debug!(table = contract.name, rows, ?elapsed, "built");
            let skipped = options.skip.contains(contract.name);
            warehouse.tables.push(Table { contract, path, rows, skipped, elapsed });
        }
    }
    Ok(warehouse)
}

/// Views over what was staged.
const SOURCE_VIEWS: [&str; 2] = ["sales_lines", "placed_lines"];

/// Written by the gate and the publisher.
const WRITTEN_LATER: [&str; 3] = ["meta_run", "meta_reconciliation", "meta_checks"];

pub(crate) struct Builder<'a> {
    pub session: &'a SessionContext,
    pub options: &'a Transform,
    pub as_of: NaiveDate,
    pub folder: &'a Path,
}

/// Tables that Rust computed, by name.
pub(crate) type Computed = Vec<(&'static str, Vec<RecordBatch>)>;

/// A built table's contract, file and rows.
type Built = (&'static schema::Table, PathBuf, u64);

impl Builder<'_> {
    /// Views over tables that do not exist yet cannot be planned, so only those on staged entities are made first.
    async fn register_source_views(&self) -> Result<(), Error> {
        let given = self.given().await.map_err(|source| Error::Compute { table: "sales".to_owned(), source })?;
        for name in SOURCE_VIEWS {
            self.register_view(name, given).await?;
        }
        Ok(())
    }

    async fn register_view(&self, name: &'static str, given: Given) -> Result<(), Error> {
        let compute = |source| Error::Compute { table: name.to_owned(), source };
        let Some(sql) = view(name, given, &self.options.rfm.scoring) else { return Ok(()) };
        let frame = self.frame(sql).await.map_err(compute)?;
        self.session.register_table(name, frame.into_view()).map_err(compute)?;
        Ok(())
    }

    /// Numbering lines means sorting them, and finding their region means a join: both only where they must be.
    async fn given(&self) -> Result<Given, DataFusionError> {
        let sql = "SELECT COUNT(*) - COUNT(line_number) AS unnumbered, COUNT(*) - COUNT(region) AS unplaced FROM sales";
        let missing = self.session.sql(sql).await?.collect().await?;
        let none =
            |place: usize| missing.iter().all(|b| b.column(place).as_primitive::<Int64Type>().values().iter().all(|n| *n == 0));
        Ok(Given { number: none(0), region: none(1) })
    }

    async fn frame(&self, sql: &str) -> Result<DataFrame, DataFusionError> {
        self.session.sql(sql).await?.with_param_values(parameters(self.options, self.as_of))
    }

    /// The rows of one of the inputs of a table that Rust computes.
    pub async fn input(&self, table: &'static str, name: &str) -> Result<SendableRecordBatchStream, Error> {
        let compute = |source| Error::Compute { table: table.to_owned(), source };
        let sql = inputs(table).iter().find(|(input, _)| *input == name).map_or("", |(_, sql)| sql);
        self.frame(sql).await.map_err(compute)?.execute_stream().await.map_err(compute)
    }

    /// Builds a table, and with it those that come out of the same computation.
    async fn tables(&self, contract: &'static schema::Table) -> Result<Vec<Built>, Error> {
        if contract.name == "rfm_scores" {
            let all = Given { number: true, region: true };
            for name in VIEWS.into_iter().filter(|name| !SOURCE_VIEWS.contains(name)) {
                self.register_view(name, all).await?;
            }
        }
        if let Some(family) = FAMILIES.iter().find(|family| family.contains(&contract.name)) {
            return self.family(family).await;
        }
        let path = self.path(contract);
        let rows = match statement(contract.name) {
            Some(sql) if !self.options.skip.contains(contract.name) => self.spilling(contract, sql, &path).await?,
            _ => self.store(contract, &[])?,
        };
        self.register(contract, &path).await?;
        Ok(vec![(contract, path, rows)])
    }

    /// Tables that one computation in Rust makes; it is spared when none of them is wanted.
    async fn family(&self, family: &[&'static str]) -> Result<Vec<Built>, Error> {
        let wanted = family.iter().any(|name| !self.options.skip.contains(name));
        let computed = if wanted { self.compute(family).await? } else { Vec::new() };
        let mut built = Vec::new();
        for contract in TABLES.iter().copied().filter(|t| family.contains(&t.name)) {
            let batches = computed.iter().find(|(name, _)| *name == contract.name).map(|(_, batches)| batches.as_slice());
            let kept = batches.filter(|_| !self.options.skip.contains(contract.name));
            let rows = self.store(contract, kept.unwrap_or_default())?;
            self.register(contract, &self.path(contract)).await?;
            built.push((contract, self.path(contract), rows));
        }
        Ok(built)
    }

    async fn compute(&self, family: &[&'static str]) -> Result<Computed, Error> {
        match family.first().copied() {
            Some("segment_grid") => grid::tables(self),
            Some("second_purchase_survival") => survival::tables(self).await,
            Some("customer_clv") => lifetime::tables(self).await,
            _ => affinity::tables(self).await,
        }
    }

    pub fn path(&self, contract: &schema::Table) -> PathBuf {
        self.folder.join(format!("{}.parquet", contract.name))
    }

    /// Writes a table's file from rows in memory.
    pub fn store(&self, contract: &'static schema::Table, batches: &[RecordBatch]) -> Result<u64, Error> {
        let write = || {
            let mut file = TableFile::create(&self.path(contract), contract.arrow())?;
            batches.iter().try_for_each(|batch| file.write(batch))?;
            file.finish()
        };
        write().map_err(|source| Error::Write { table: contract.name.to_owned(), source })
    }

    /// Hash joins hold one side in memory; where that does not fit, sort-merge joins, which spill, are tried once.
    async fn spilling(&self, contract: &'static schema::Table, sql: &str, path: &Path) -> Result<u64, Error> {
        match self.write(contract, sql, path).await {
            Err(Error::Compute { source, .. }) if matches!(source.find_root(), DataFusionError::ResourcesExhausted(_)) => {
                tracing::warn!(table = contract.name, "memory ran out; once more with joins that spill");
                self.prefer_hash_join(contract, false).await?;
                let again = self.write(contract, sql, path).await;
                self.prefer_hash_join(contract, true).await?;
                again.map_err(|error| match error {
                    Error::Compute { table, source } if matches!(source.find_root(), DataFusionError::ResourcesExhausted(_)) => {
                        Error::Memory { table, source }
                    }
                    other => other,
                })
            }
            result => result,
        }
    }

    async fn prefer_hash_join(&self, contract: &'static schema::Table, prefer: bool) -> Result<(), Error> {
        let sql = if prefer {
            "SET datafusion.optimizer.prefer_hash_join = true"
        } else {
            "SET datafusion.optimizer.prefer_hash_join = false"
        };
        let set = async { self.session.sql(sql).await?.collect().await };
        set.await.map(|_| ()).map_err(|source| Error::Compute { table: contract.name.to_owned(), source })
    }

    async fn write(&self, contract: &'static schema::Table, sql: &str, path: &Path) -> Result<u64, Error> {
        let compute = |source| Error::Compute { table: contract.name.to_owned(), source };
        let store = |source| Error::Write { table: contract.name.to_owned(), source };
        let create = if contract.visibility == Visibility::Working { TableFile::create_for_run } else { TableFile::create };
        let mut file = create(path, contract.arrow()).map_err(store)?;
        let mut batches = self.frame(sql).await.map_err(compute)?.execute_stream().await.map_err(compute)?;
        while let Some(batch) = batches.next().await {
            file.write(&batch.map_err(compute)?).map_err(store)?;
        }
        file.finish().map_err(store)
    }

    /// Registers the file, with its order where grouping by the key's first columns is worth a stream of its own: the
    /// largest tables are read faster in as many pieces as there are threads.
    async fn register(&self, contract: &'static schema::Table, path: &Path) -> Result<(), Error> {
        let order = if IN_PIECES.contains(&contract.name) { &[] } else { contract.key };
        let registered = extract::register(self.session, contract.name, path, order).await;
        registered.map_err(|source| Error::Compute { table: contract.name.to_owned(), source })
    }
}

/// Tables whose order the engine is not told.
const IN_PIECES: [&str; 1] = ["fact_sales"];

/// Tables that Rust computes, those together that come out of one computation.
const FAMILIES: [&[&str]; 4] = [
    &["segment_grid"],
    &["second_purchase_survival"],
    &["customer_clv", "clv_model", "clv_backtest"],
    &["basket_itemsets", "basket_rules", "basket_run", "product_recommendations", "next_best_product"],
];
