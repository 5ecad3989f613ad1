//! What checks may read: the published tables, `staged_<entity>`, and `previous_<table>` of the snapshot before.

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider,
};
use datafusion::common::plan_err;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::empty::EmptyTable;
use datafusion::error::Result;
use datafusion::execution::SessionStateBuilder;
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use datafusion::sql::parser::Statement;
use datafusion::sql::resolve::resolve_table_references;
use schema::{ENTITIES, TABLES, Table, Visibility};

/// Begins the message about a table that is not there; its name follows.
pub(super) const NO_TABLE: &str = "there is no table ";

fn published() -> impl Iterator<Item = &'static Table> {
    TABLES.iter().copied().filter(|table| table.visibility == Visibility::Published && !table.name.starts_with("meta_"))
}

/// Every name that a check can read.
pub(super) fn names() -> Vec<String> {
    let staged = ENTITIES.iter().map(|entity| format!("staged_{entity}"));
    let tables = published().map(|table| table.name.to_owned()).chain(staged);
    tables.chain(published().map(|table| format!("previous_{}", table.name))).collect()
}

/// A session that runs where this one does and knows no table yet.
fn bare(session: &SessionContext) -> Result<SessionContext> {
    let state = session.state();
    let names = state.config_options().catalog.clone();
    let (catalogs, catalog) = (MemoryCatalogProviderList::new(), MemoryCatalogProvider::new());
    catalog.register_schema(&names.default_schema, Arc::new(MemorySchemaProvider::new()))?;
    catalogs.register_catalog(names.default_catalog, Arc::new(catalog));
    let bare = SessionStateBuilder::new_from_existing(state).with_catalog_list(Arc::new(catalogs)).build();
    Ok(SessionContext::new_with_state(bare))
}

/// The tables of a run, under the names that checks know.
pub(super) async fn of_run(session: &SessionContext, previous: Option<&Path>) -> Result<SessionContext> {
    let readable = bare(session)?;
    for table in published() {
        readable.register_table(table.name, session.table_provider(table.name).await?)?;
        let name = format!("previous_{}", table.name);
        let before = nullable(&table.arrow());
        match previous.and_then(|folder| extract::published(folder, table.name)) {
            Some(found) => {
                let options = ParquetReadOptions { schema: Some(&before), ..ParquetReadOptions::default() };
                readable.register_parquet(name, found.to_string_lossy(), options).await?;
            }
            None => _ = readable.register_table(name, Arc::new(EmptyTable::new(before)))?,
        }
    }
    for entity in ENTITIES {
        readable.register_table(format!("staged_{entity}"), session.table_provider(entity.name()).await?)?;
    }
    Ok(readable)
}

/// The same tables without a row, to plan statements before there is anything to read.
pub(crate) fn without_rows(session: &SessionContext) -> Result<SessionContext> {
    let readable = bare(session)?;
    for table in published() {
        readable.register_table(table.name, Arc::new(EmptyTable::new(table.arrow())))?;
        readable.register_table(format!("previous_{}", table.name), Arc::new(EmptyTable::new(nullable(&table.arrow()))))?;
    }
    for entity in ENTITIES {
        readable.register_table(format!("staged_{entity}"), Arc::new(EmptyTable::new(extract::staged_schema(entity))))?;
    }
    Ok(readable)
}

/// A snapshot of an earlier version may lack columns, which then read as NULL.
fn nullable(schema: &Schema) -> SchemaRef {
    let fields: Vec<Field> = schema.fields().iter().map(|f| f.as_ref().clone().with_nullable(true)).collect();
    Arc::new(Schema::new(fields))
}

/// Fails on a statement that names a table checks may not read.
pub(super) fn assert_known(statement: &Statement) -> Result<()> {
    let (tables, _ctes) = resolve_table_references(statement, false)?;
    let known = names();
    match tables.iter().find(|table| table.schema().is_some() || !known.iter().any(|name| name == table.table())) {
        Some(unknown) => plan_err!("{NO_TABLE}{unknown}"),
        None => Ok(()),
    }
}

/// Fails on a plan that reads anything else than those tables, or whose answer depends on more than them.
pub(super) fn assert_harmless(plan: &LogicalPlan) -> Result<()> {
    let known = names();
    plan.apply_with_subqueries(|node| {
        match node {
            LogicalPlan::TableScan(scan) if !known.iter().any(|name| name == scan.table_name.table()) => {
                return plan_err!("{NO_TABLE}{}", scan.table_name);
            }
            LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) | LogicalPlan::DescribeTable(_) => {
                return plan_err!("this is no SELECT");
            }
            _ => {}
        }
        node.apply_expressions(|top| {
            top.apply(|expr| match expr {
                Expr::ScalarFunction(f) if f.func.signature().volatility != Volatility::Immutable => {
                    plan_err!("{}() gives another answer each time; the day is $as_of", f.func.name())
                }
                _ => Ok(TreeNodeRecursion::Continue),
            })
        })
    })?;
    Ok(())
}
