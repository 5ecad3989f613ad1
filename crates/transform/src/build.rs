//! Building the tables, one after the other.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Int16Array, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use chrono::NaiveDate;
use config::Transform;
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::ident;
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use extract::{FileError, Staged, TableFile};
use futures::StreamExt;
use schema::{TABLES, Visibility};

use crate::grid;
use crate::sql::{VIEWS, parameters, statement, view};

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
    pub elapsed: Duration,
}

/// Builds every table of `schema::TABLES` below `folder` and registers each in the session under its name.
///
/// `progress` is told the name of each table before it is built; `clock` measures, and changes no figure.
pub async fn build(
    session: &SessionContext,
    staged: &Staged,
    options: &Transform,
    folder: &Path,
    progress: &(dyn Fn(&'static str) + Sync),
) -> Result<Warehouse, Error> {
    fs::create_dir_all(folder).map_err(|source| Error::Folder { path: folder.to_path_buf(), source })?;
    let mut warehouse = Warehouse { folder: folder.to_path_buf(), as_of: staged.as_of, tables: Vec::new() };
    let builder = Builder { session, options, as_of: staged.as_of, folder };
    builder.register_views().await?;
    for contract in TABLES {
        if WRITTEN_LATER.contains(&contract.name) {
            continue;
        }
        progress(contract.name);
        let started = std::time::Instant::now();
        let (path, rows) = builder.table(contract).await?;
        let elapsed = started.elapsed();
        tracing::debug!(table = contract.name, rows, ?elapsed, "built");
        warehouse.tables.push(Table { contract, path, rows, elapsed });
    }
    Ok(warehouse)
}

/// Written by the gate and the publisher.
const WRITTEN_LATER: [&str; 3] = ["meta_run", "meta_reconciliation", "meta_checks"];

struct Builder<'a> {
    session: &'a SessionContext,
    options: &'a Transform,
    as_of: NaiveDate,
    folder: &'a Path,
}

impl Builder<'_> {
    /// Views over tables that do not exist yet cannot be planned, so only those on staged entities are made first.
    async fn register_views(&self) -> Result<(), Error> {
        self.register_view("sales_lines").await
    }

    async fn register_view(&self, name: &'static str) -> Result<(), Error> {
        let compute = |source| Error::Compute { table: name.to_owned(), source };
        let numbered = name != "sales_lines" || self.every_line_is_numbered().await.map_err(compute)?;
        let Some(sql) = view(name, numbered, &self.options.rfm.scoring) else { return Ok(()) };
        let frame = self.frame(sql).await.map_err(compute)?;
        self.session.register_table(name, frame.into_view()).map_err(compute)?;
        Ok(())
    }

    async fn every_line_is_numbered(&self) -> Result<bool, DataFusionError> {
        let unnumbered =
            self.session.sql("SELECT COUNT(*) AS unnumbered FROM sales WHERE line_number IS NULL").await?.collect().await?;
        Ok(unnumbered.iter().all(|b| b.column(0).as_primitive::<Int64Type>().values().iter().all(|n| *n == 0)))
    }

    async fn frame(&self, sql: &str) -> Result<DataFrame, DataFusionError> {
        self.session.sql(sql).await?.with_param_values(parameters(self.options, self.as_of))
    }

    async fn table(&self, contract: &'static schema::Table) -> Result<(PathBuf, u64), Error> {
        let path = self.folder.join(format!("{}.parquet", contract.name));
        let table = || contract.name.to_owned();
        if contract.name == "rfm_scores" {
            for name in VIEWS.into_iter().filter(|name| *name != "sales_lines") {
                self.register_view(name).await?;
            }
        }
        let rows = match (contract.visibility, statement(contract.name)) {
            (Visibility::Empty, _) | (_, None) if contract.name != "segment_grid" => TableFile::create(&path, contract.arrow())
                .and_then(TableFile::finish)
                .map_err(|source| Error::Write { table: table(), source })?,
            (_, Some(sql)) => self.spilling(contract, sql, &path).await?,
            (_, None) => self.segment_grid(contract, &path)?,
        };
        self.register(contract, &path).await.map_err(|source| Error::Compute { table: table(), source })?;
        Ok((path, rows))
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
        let mut file = TableFile::create(path, contract.arrow()).map_err(store)?;
        let mut batches = self.frame(sql).await.map_err(compute)?.execute_stream().await.map_err(compute)?;
        while let Some(batch) = batches.next().await {
            file.write(&batch.map_err(compute)?).map_err(store)?;
        }
        file.finish().map_err(store)
    }

    fn segment_grid(&self, contract: &'static schema::Table, path: &Path) -> Result<u64, Error> {
        let cells = grid::cells(&self.options.rfm.grid);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(cells.iter().map(|c| c.0).collect::<Int16Array>()),
            Arc::new(cells.iter().map(|c| c.1).collect::<Int32Array>()),
            Arc::new(cells.iter().map(|c| Some(c.2.as_str())).collect::<StringArray>()),
        ];
        let store = |source| Error::Write { table: contract.name.to_owned(), source };
        let batch = RecordBatch::try_new(contract.arrow(), columns)
            .map_err(|e| Error::Compute { table: contract.name.to_owned(), source: e.into() })?;
        let mut file = TableFile::create(path, contract.arrow()).map_err(store)?;
        file.write(&batch).map_err(store)?;
        file.finish().map_err(store)
    }

    /// Registers the file with its order, so that grouping by the key's first columns needs no hash table.
    async fn register(&self, contract: &'static schema::Table, path: &Path) -> Result<(), DataFusionError> {
        let order = contract.key.iter().map(|column| ident(*column).sort(true, false)).collect();
        let options = ParquetReadOptions { file_sort_order: vec![order], ..ParquetReadOptions::default() };
        self.session.register_parquet(contract.name, path.to_string_lossy().as_ref(), options).await
    }
}
