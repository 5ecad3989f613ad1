//! Building the tables, each once what it reads is there.

use std::collections::BTreeSet;
use std::fs;
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use arrow::error::ArrowError;
use chrono::NaiveDate;
use config::Transform;
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryReservation};
use datafusion::prelude::SessionContext;
use extract::{FileError, Staged, TableFile, WorkerFailure};
use futures::StreamExt;
use schema::{Entity, TABLES};
use tokio::task::{JoinError, JoinSet};

use crate::grid;
use crate::jobs::{Job, Jobs};
use crate::prediction::{affinity, lifetime};
use crate::retention::survival;
use crate::sql::{Given, Orphans, inputs, parameters, statement};
use crate::star::orders;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot create {path}")]
    Folder { path: PathBuf, source: std::io::Error },
    #[error("cannot compute table {table}")]
    Compute { table: String, source: DataFusionError },
    #[error(
        "table {table} needs more memory than `engine.memory` allows, also with joins that spill\n  help: raise `engine.memory` in \
         config/<env>.yaml, and in that of the workers if there are some"
    )]
    Memory { table: String, source: DataFusionError },
    #[error("cannot write table {table}")]
    Write { table: String, source: FileError },
    #[error("cannot lay out the rows of table {table}")]
    Layout { table: &'static str, source: ArrowError },
    #[error("the computation of table {table} ended early: {detail}")]
    Worker { table: &'static str, detail: String },
    #[error("the computation of a table ended early")]
    Lost { source: JoinError },
}

impl Error {
    /// Whether another attempt may go better though nobody does anything: a worker was lost, or is slow.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Compute { source, .. } if WorkerFailure::among(source).is_some())
    }

    /// The same, with what can be done about it where nothing is left to try.
    fn said_of_memory(self) -> Self {
        match self {
            Self::Compute { table, source } if is_exhausted(&source) => Self::Memory { table, source },
            other => other,
        }
    }

    fn is_short_of_memory(&self) -> bool {
        matches!(self, Self::Compute { source, .. } if is_exhausted(source))
    }
}

fn is_exhausted(error: &DataFusionError) -> bool {
    matches!(error.find_root(), DataFusionError::ResourcesExhausted(_))
}

/// The built tables in the run's folder. Nothing in it is proven yet: only `validate` can do that.
#[derive(Debug)]
pub struct Warehouse {
    pub folder: PathBuf,
    pub as_of: NaiveDate,
    /// In build order; tables that the gate and the publisher write are not among them.
    pub tables: Vec<Table>,
}

impl Warehouse {
    /// Makes the tables readable in another session than the one they were built in, which shares its names.
    pub async fn share(&self, session: &SessionContext) -> Result<(), Error> {
        for Table { contract, path, .. } in &self.tables {
            let failed = |source| Error::Compute { table: contract.name.to_owned(), source };
            session.deregister_table(contract.name).map_err(failed)?;
            register(session, contract, path).await?;
        }
        Ok(())
    }
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
/// As many are built side by side as `engine.tables_at_once` says, each once what it reads is there. Where they do not fit
/// into memory together, the rest is built one by one. `previous` is the folder of the snapshot before, which segments are
/// compared with and fits start from. `progress` is told the name of each table before it is built. Times are measured for
/// the record and change no figure.
pub async fn build(
    session: &SessionContext,
    staged: &Staged,
    options: &Transform,
    tables_at_once: usize,
    previous: Option<&Path>,
    folder: &Path,
    progress: &(dyn Fn(&'static str) + Sync),
) -> Result<Warehouse, Error> {
    fs::create_dir_all(folder).map_err(|source| Error::Folder { path: folder.to_path_buf(), source })?;
    let [customers, products] = [Entity::Customers, Entity::Products].map(|entity| staged.has_orphans(entity));
    let is_in_order = staged.entities.get(&Entity::Sales).is_some_and(|sales| sales.in_order);
    let builder = Builder {
        session: session.clone(),
        is_in_order,
        options: options.clone(),
        as_of: staged.as_of,
        orphans: Orphans { customers, products },
        folder: folder.to_path_buf(),
    };
    builder.register_previous(previous).await?;
    let mut tables = Arc::new(builder).all(tables_at_once, progress).await?;
    tables.sort_by_key(|table| TABLES.iter().position(|contract| contract.name == table.contract.name));
    Ok(Warehouse { folder: folder.to_path_buf(), as_of: staged.as_of, tables })
}

/// Written by the gate and the publisher.
pub(crate) const WRITTEN_LATER: [&str; 3] = ["meta_run", "meta_reconciliation", "meta_checks"];

pub(crate) struct Builder {
    pub session: SessionContext,
    /// Whether order lines come as `fact_sales` has them.
    pub is_in_order: bool,
    pub options: Transform,
    pub as_of: NaiveDate,
    pub orphans: Orphans,
    pub folder: PathBuf,
}

/// Tables that Rust computed, by name.
pub(crate) type Computed = Vec<(&'static str, Vec<RecordBatch>)>;

/// A built table's contract, file and rows.
type Built = (&'static schema::Table, PathBuf, u64);

impl Builder {
    /// Every table, each as soon as what it reads is there and one of `at_once` places is free.
    async fn all(self: Arc<Self>, at_once: usize, progress: &(dyn Fn(&'static str) + Sync)) -> Result<Vec<Table>, Error> {
        let plan = |source| Error::Compute { table: "sales".to_owned(), source };
        let given = self.given().await.map_err(plan)?;
        let mut jobs = Jobs::new(&self.session, given, &self.options, at_once <= 1).map_err(plan)?;
        let (mut made, mut tables, mut running) = (BTreeSet::new(), Vec::new(), JoinSet::new());
        loop {
            while let Some((name, sql)) = jobs.next_view(&made) {
                self.register_view(name, sql).await?;
                made.insert(name);
            }
            while let Some(job) = jobs.next(&made, running.len(), at_once) {
                progress(job.name());
                let builder = Arc::clone(&self);
                running.spawn(async move { (builder.job(&job).await, job) });
            }
            let Some(ended) = running.join_next().await else { break };
            match ended.map_err(|source| Error::Lost { source })? {
                (Ok(built), job) => {
                    made.extend(job.tables.iter().map(|table| table.name));
                    tables.extend(built);
                    jobs.ended(&job);
                }
                (Err(error), job) if error.is_short_of_memory() && !job.is_alone => {
                    tracing::warn!(table = job.name(), "memory ran out beside other tables; once more, with nothing beside it");
                    jobs.ended(&job);
                    jobs.put_back(job);
                }
                (Err(error), _) => {
                    running.shutdown().await;
                    return Err(error.said_of_memory());
                }
            }
        }
        Ok(tables)
    }

    async fn job(&self, job: &Job) -> Result<Vec<Table>, Error> {
        let started = std::time::Instant::now();
        let built = self.tables(job).await?;
        let elapsed = started.elapsed();
        let table = |(contract, path, rows): Built| {
            tracing::debug!(table = contract.name, rows, ?elapsed, "built");
            Table { contract, path, rows, skipped: self.options.skip.contains(contract.name), elapsed }
        };
        Ok(built.into_iter().map(table).collect())
    }

    async fn register_view(&self, name: &'static str, sql: &str) -> Result<(), Error> {
        let compute = |source| Error::Compute { table: name.to_owned(), source };
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
        self.frame_in(&self.session, sql).await
    }

    async fn frame_in(&self, session: &SessionContext, sql: &str) -> Result<DataFrame, DataFusionError> {
        session.sql(sql).await?.with_param_values(parameters(&self.options, self.as_of, self.orphans))
    }

    /// The rows of one of the inputs of a table that Rust computes.
    pub async fn input(&self, table: &'static str, name: &str) -> Result<SendableRecordBatchStream, Error> {
        let compute = |source| Error::Compute { table: table.to_owned(), source };
        let sql = inputs(table).iter().find(|(input, _)| *input == name).map_or("", |(_, sql)| sql);
        self.frame(sql).await.map_err(compute)?.execute_stream().await.map_err(compute)
    }

    async fn tables(&self, job: &Job) -> Result<Vec<Built>, Error> {
        let family = FAMILIES.iter().find(|family| family.iter().any(|table| job.makes(table)));
        if let Some(family) = family.filter(|_| !job.makes(orders::FACTS)) {
            return self.family(family).await;
        }
        let Some(contract) = job.tables.first().copied() else { return Ok(Vec::new()) };
        let path = self.path(contract);
        let rows = match statement(contract.name) {
            Some(sql) if !self.options.skip.contains(contract.name) => self.spilling(job, contract, sql, &path).await?,
            _ => job.tables.iter().map(|contract| self.store(contract, &[])).collect::<Result<_, _>>()?,
        };
        let mut built = Vec::new();
        for (contract, rows) in job.tables.iter().copied().zip(rows) {
            let path = self.path(contract);
            self.register(contract, &path).await?;
            built.push((contract, path, rows));
        }
        Ok(built)
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

    /// Memory for what Rust computes a table from, out of that which the engine's operators share.
    pub fn reserve(&self, table: &'static str, bytes: usize) -> Result<MemoryReservation, Error> {
        let room = MemoryConsumer::new(table).register(&self.session.runtime_env().memory_pool);
        room.try_grow(bytes).map_err(|source| Error::Compute { table: table.to_owned(), source })?;
        Ok(room)
    }

    /// Bytes that there are to be shared.
    pub fn memory(&self) -> usize {
        match self.session.runtime_env().memory_pool.memory_limit() {
            MemoryLimit::Finite(bytes) => bytes,
            MemoryLimit::Infinite | MemoryLimit::Unknown => usize::MAX,
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

    /// Hash joins hold one side in memory; where that does not fit, sort-merge joins, which spill, are tried once. Beside
    /// other tables that is no reason yet: the job is done again with nothing beside it.
    async fn spilling(&self, job: &Job, contract: &'static schema::Table, sql: &str, path: &Path) -> Result<Vec<u64>, Error> {
        // Dealt out to several threads, rows in order would have to be merged again. Other machines are not told of their order.
        let is_in_order = self.is_in_order && contract.name == orders::FACTS && extract::table_writer(&self.session).is_none();
        let session = if is_in_order { &extract::in_one_piece(&self.session) } else { &self.session };
        match self.write(session, contract, sql, path).await {
            Err(error) if error.is_short_of_memory() && job.is_alone => {
                tracing::warn!(table = contract.name, "memory ran out; once more with joins that spill");
                self.write(&extract::that_spills(&self.session), contract, sql, path).await
            }
            result => result,
        }
    }

    /// The rows of the table, and of those that are made out of its rows.
    async fn write(
        &self,
        session: &SessionContext,
        contract: &'static schema::Table,
        sql: &str,
        path: &Path,
    ) -> Result<Vec<u64>, Error> {
        let compute = |source| Error::Compute { table: contract.name.to_owned(), source };
        let store = |source| Error::Write { table: contract.name.to_owned(), source };
        let frame = self.frame_in(session, sql).await.map_err(compute)?;
        if let Some(elsewhere) = extract::table_writer(session) {
            let written = elsewhere.write(session, frame.into_unoptimized_plan(), contract, path).await;
            let mut rows = vec![written.map_err(compute)?];
            if contract.name == orders::FACTS {
                rows.extend(orders::read(self).await?);
            }
            return Ok(rows);
        }
        let mut file = TableFile::of(path, contract).map_err(store)?;
        let mut batches = frame.execute_stream().await.map_err(compute)?;
        if contract.name == orders::FACTS {
            return self.facts(file, batches).await;
        }
        while let Some(batch) = batches.next().await {
            file.write(&batch.map_err(compute)?).map_err(store)?;
        }
        Ok(vec![file.finish().map_err(store)?])
    }

    /// Writes `fact_sales`, and makes orders of its rows on the way.
    async fn facts(&self, mut file: TableFile, mut batches: SendableRecordBatchStream) -> Result<Vec<u64>, Error> {
        let store = |source| Error::Write { table: orders::FACTS.to_owned(), source };
        let compute = |source| Error::Compute { table: orders::FACTS.to_owned(), source };
        let follower = orders::Follower::start(&self.folder)?;
        let written = async {
            while let Some(batch) = batches.next().await {
                let batch = file.fit(&batch.map_err(compute)?).map_err(store)?;
                follower.take(&batch).await?;
                file.write(&batch).map_err(store)?;
            }
            file.finish().map_err(store)
        };
        match written.await {
            Ok(rows) => Ok(iter::once(rows).chain(follower.finish().await?).collect()),
            Err(error) => Err(follower.abandon().await.unwrap_or(error)),
        }
    }

    async fn register(&self, contract: &'static schema::Table, path: &Path) -> Result<(), Error> {
        register(&self.session, contract, path).await
    }
}

/// Registers the file, with its order where grouping by the key's first columns is worth a stream of its own: the largest tables
/// are read faster in as many pieces as there are threads.
async fn register(session: &SessionContext, contract: &'static schema::Table, path: &Path) -> Result<(), Error> {
    let order = if IN_PIECES.contains(&contract.name) { &[] } else { contract.key };
    let registered = extract::register(session, contract.name, path, order).await;
    registered.map_err(|source| Error::Compute { table: contract.name.to_owned(), source })
}

/// Tables whose order the engine is not told.
const IN_PIECES: [&str; 2] = [orders::FACTS, orders::ITEMS];

/// Tables that come out of one computation, and those that Rust computes.
pub(crate) const FAMILIES: [&[&str]; 5] = [
    &[orders::FACTS, orders::ORDERS, orders::ITEMS],
    &["segment_grid"],
    &["second_purchase_survival"],
    &["customer_clv", "clv_model", "clv_backtest"],
    &["basket_itemsets", "basket_rules", "basket_run", "product_recommendations", "next_best_product"],
];
