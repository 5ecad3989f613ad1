//! Customers and products for a pipeline that has only sales: the latest value of each attribute that is not NULL.

use std::collections::BTreeSet;
use std::path::Path;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use schema::Entity;

use crate::error::Error;
use crate::rows::staged_schema;
use crate::staged::{Finding, ORPHAN_CUSTOMERS, ORPHAN_PRODUCTS};
use crate::table_file::TableFile;

const CUSTOMERS: &str = include_str!("derive/customers.sql");
const PRODUCTS: &str = include_str!("derive/products.sql");
const CUSTOMER_CONFLICTS: &str = include_str!("derive/customer_conflicts.sql");
const PRODUCT_CONFLICTS: &str = include_str!("derive/product_conflicts.sql");
const SALES_FINDINGS: &str = include_str!("derive/sales_findings.sql");
const STRANGE_REGIONS: &str = include_str!("derive/strange_regions.sql");
const UNNUMBERED_LINES: &str = "SELECT 'unnumbered' AS finding, COUNT(*) - COUNT(line_number) AS found FROM sales";
const RESOLVED_EARLY: &str = "SELECT 'resolved_early' AS finding, COUNT(*) AS found FROM tickets WHERE resolved_at < opened_at";
const REPEATED_LINES: &str = include_str!("derive/repeated_lines.sql");

/// Writes the derived entity to `path`; its rows and what was found, or nothing for an entity that cannot be derived.
pub(crate) async fn derive(session: &SessionContext, entity: Entity, path: &Path) -> Result<Option<(u64, Vec<Finding>)>, Error> {
    let (rows, conflicts) = match entity {
        Entity::Customers => (CUSTOMERS, CUSTOMER_CONFLICTS),
        Entity::Products => (PRODUCTS, PRODUCT_CONFLICTS),
        Entity::Sales | Entity::Payments | Entity::Tickets | Entity::Users => return Ok(None),
    };
    let compute = |source| Error::Compute { entity, step: "the entity from the sales lines", source };
    let store = |source| Error::Store { entity, source };
    let mut file = TableFile::create(path, staged_schema(entity)).map_err(store)?;
    let mut batches = session.sql(rows).await.map_err(compute)?.execute_stream().await.map_err(compute)?;
    while let Some(batch) = batches.next().await {
        file.write(&batch.map_err(compute)?).map_err(store)?;
    }
    let rows = file.finish().map_err(store)?;
    let findings = counts(session, conflicts)
        .await
        .map_err(compute)?
        .into_iter()
        .map(|(attribute, count)| Finding {
            check: "conflicting_attribute".into(),
            table: format!("{entity}.{attribute}"),
            count,
            message: format!("{count} {entity} carry more than one {attribute} in their sales; the latest stands"),
        })
        .collect();
    Ok(Some((rows, findings)))
}

/// What sales lines say of customers and products that nobody else knows, and where some have no number, how many repeat another
/// of their order. Whether users have rights for places that nobody names is asked where there are any.
pub(crate) async fn findings(session: &SessionContext, has_users: bool) -> Result<Vec<Finding>, Error> {
    let compute = |source| Error::Compute { entity: Entity::Sales, step: "the findings on the sales lines", source };
    let mut found = counts(session, SALES_FINDINGS).await.map_err(compute)?;
    // A number of its own tells a line from any other; one that comes twice closes the gate.
    if !counts(session, UNNUMBERED_LINES).await.map_err(compute)?.is_empty() {
        found.extend(counts(session, REPEATED_LINES).await.map_err(compute)?);
    }
    if has_users {
        found.extend(counts(session, STRANGE_REGIONS).await.map_err(compute)?);
    }
    found.extend(counts(session, RESOLVED_EARLY).await.map_err(compute)?);
    Ok(found.into_iter().map(|(name, count)| told(&name, count)).collect())
}

fn told(name: &str, count: u64) -> Finding {
    let (check, table, what) = match name {
        "anonymous" => {
            ("anonymous_sales", "sales.customer_id", "lines have no customer; they count in sales and under the Unknown customer")
        }
        "orphan_customer" => (
            ORPHAN_CUSTOMERS,
            "sales.customer_id",
            "lines name a customer that the customers source does not have; the customer is kept with is_known = false",
        ),
        "orphan_product" => (
            ORPHAN_PRODUCTS,
            "sales.product_id",
            "lines name a product that the products source does not have; the product is kept with is_known = false",
        ),
        "strange_region" => (
            "users_of_unknown_regions",
            "users.region",
            "grants are for a region that neither a sale nor a customer names; check how it is written",
        ),
        "repeated_line" => (
            "repeated_lines",
            "sales",
            "more than once in the same order with the same product, time and amounts; if a join in the source's query has \
             multiplied lines, revenue is too high: map `line_number`, or leave them out with `deduplicate`",
        ),
        "resolved_early" => (
            "tickets_resolved_early",
            "tickets.resolved_at",
            "tickets were resolved before they were opened; how long they took is left empty",
        ),
        _ => (
            "customers_in_several_regions",
            "sales.region",
            "customers bought in more than one region; a sale keeps its own, the customer has that of the latest order",
        ),
    };
    let lines = if count == 1 { "line stands" } else { "lines stand" };
    let what = if name == "repeated_line" { format!("{lines} {what}") } else { what.to_owned() };
    Finding { check: check.into(), table: table.to_owned(), count, message: format!("{count} {what}") }
}

/// Of lines for which a source states more than it needs to.
pub(crate) fn disagreeing_amounts(lines: usize) -> Option<Finding> {
    let count = u64::try_from(lines).unwrap_or(u64::MAX);
    let what = "whose quantity and unit price do not give their net amount and discount: gross_amount is the sum of these two; see \
                whether one of the columns holds something else, or leave one out";
    let lines = if count == 1 { "line" } else { "lines" };
    let message = format!("{count} {lines} {what}");
    (count > 0).then(|| Finding { check: "disagreeing_amounts".into(), table: "sales".to_owned(), count, message })
}

/// Of discounts that are none.
pub(crate) fn negative_discounts(lines: usize) -> Option<Finding> {
    let count = u64::try_from(lines).unwrap_or(u64::MAX);
    let lines = if count == 1 { "line has" } else { "lines have" };
    let message = format!(
        "{count} {lines} a discount below 0, which makes them dearer; if the source writes discounts with a minus, turn them over: \
         discount_amount: '-\"Discount\"'"
    );
    (count > 0).then(|| Finding { check: "negative_discounts".into(), table: "sales".to_owned(), count, message })
}

/// Of amounts that are added up though they are in several currencies.
pub(crate) fn mixed_currencies(currencies: &BTreeSet<String>) -> Option<Finding> {
    let few: Vec<&str> = currencies.iter().map(String::as_str).take(5).collect();
    let more = if currencies.len() > few.len() { " …" } else { "" };
    let count = currencies.len() as u64;
    let message = format!(
        "{count} currencies ({}{more}) are added up as if they were one: map `exchange_rate`, or read one of them with `where`",
        few.join(", ")
    );
    (count > 1).then(|| Finding { check: "mixed_currencies".into(), table: "sales.currency".to_owned(), count, message })
}

/// Rows of (name, count) with a count above 0, in the query's order.
async fn counts(session: &SessionContext, sql: &str) -> Result<Vec<(String, u64)>, DataFusionError> {
    let mut found = Vec::new();
    for batch in session.sql(sql).await?.collect().await? {
        let names = arrow::compute::cast(batch.column(0), &arrow::datatypes::DataType::Utf8)?;
        let counts = batch.column(1).as_primitive::<Int64Type>();
        for (name, count) in names.as_string::<i32>().iter().zip(counts) {
            if let (Some(name), Some(count @ 1..)) = (name, count) {
                found.push((name.to_owned(), count.unsigned_abs()));
            }
        }
    }
    Ok(found)
}
