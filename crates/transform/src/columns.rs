//! Which columns each column of a table is computed from, read off the plans of the statements.
//!
//! A column comes from every column that its expression names, through views, joins, aggregates and windows. What only
//! decides which rows there are (a filter, a join's condition, an order) is not counted: it would name every column of
//! everything. Tables that Rust computes have no plan and are left out.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan};
use datafusion::prelude::SessionContext;
use schema::TABLES;

use crate::sql::statement;

/// Columns as `table.column`.
pub type Origins = BTreeSet<String>;

/// By table, and by column of the table, what it is computed from. Call it once the tables are built: the session must know
/// them.
pub async fn columns(session: &SessionContext) -> Result<BTreeMap<&'static str, BTreeMap<String, Origins>>, DataFusionError> {
    let mut found = BTreeMap::new();
    for contract in TABLES {
        let Some(sql) = statement(contract.name) else { continue };
        let plan = session.state().create_logical_plan(sql).await?;
        let names = plan.schema().fields().iter().map(|field| field.name().clone());
        found.insert(contract.name, names.zip(origins(&plan)?).collect());
    }
    Ok(found)
}

/// What each column of a plan comes from, in the order of its columns.
fn origins(plan: &LogicalPlan) -> Result<Vec<Origins>, DataFusionError> {
    Ok(match plan {
        LogicalPlan::TableScan(scan) => {
            if let Some(view) = scan.source.get_logical_plan() {
                let all = origins(&view)?;
                let places: Vec<usize> = scan.projection.clone().unwrap_or_else(|| (0..all.len()).collect());
                places.into_iter().map(|place| all.get(place).cloned().unwrap_or_default()).collect()
            } else {
                let table = scan.table_name.table();
                let name = |name: &String| Origins::from([format!("{table}.{name}")]);
                scan.projected_schema.fields().iter().map(|field| name(field.name())).collect()
            }
        }
        LogicalPlan::Projection(projection) => computed(&projection.expr, &projection.input)?,
        LogicalPlan::Aggregate(aggregate) => {
            let keys = computed(&aggregate.group_expr, &aggregate.input)?;
            let figures = computed(&aggregate.aggr_expr, &aggregate.input)?;
            // Grouping sets have one key column more than expressions; none of our statements uses them.
            keys.into_iter().chain(figures).collect()
        }
        LogicalPlan::Window(window) => {
            let kept = origins(&window.input)?;
            kept.into_iter().chain(computed(&window.window_expr, &window.input)?).collect()
        }
        LogicalPlan::Join(join) => match join.join_type {
            JoinType::LeftSemi | JoinType::LeftAnti => origins(&join.left)?,
            JoinType::RightSemi | JoinType::RightAnti => origins(&join.right)?,
            _ => {
                let mut both = origins(&join.left)?;
                both.extend(origins(&join.right)?);
                both
            }
        },
        LogicalPlan::Union(union) => {
            let mut all = vec![Origins::new(); union.schema.fields().len()];
            for arm in &union.inputs {
                for (column, more) in all.iter_mut().zip(origins(arm)?) {
                    column.extend(more);
                }
            }
            all
        }
        LogicalPlan::Values(_) | LogicalPlan::EmptyRelation(_) => vec![Origins::new(); plan.schema().fields().len()],
        // Whatever else there is passes the columns of its one input on: filters, orders, limits, aliases, DISTINCT.
        other => match other.inputs().as_slice() {
            [input] => origins(input)?,
            _ => vec![Origins::new(); other.schema().fields().len()],
        },
    })
}

/// What each of the expressions over a plan's columns comes from.
fn computed(expressions: &[Expr], input: &LogicalPlan) -> Result<Vec<Origins>, DataFusionError> {
    let known = origins(input)?;
    expressions.iter().map(|expression| of_expression(expression, input.schema(), &known)).collect()
}

fn of_expression(expression: &Expr, schema: &DFSchema, known: &[Origins]) -> Result<Origins, DataFusionError> {
    let mut found = Origins::new();
    let named = |column: &Column| schema.maybe_index_of_column(column).and_then(|place| known.get(place));
    expression.apply(|part| {
        match part {
            Expr::Column(column) => found.extend(named(column).into_iter().flatten().cloned()),
            Expr::ScalarSubquery(query) => found.extend(origins(&query.subquery)?.into_iter().flatten()),
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}
