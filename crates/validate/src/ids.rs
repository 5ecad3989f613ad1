//! Ids that may be two names of one.

use std::collections::BTreeSet;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::error::Result;
use datafusion::prelude::SessionContext;

use crate::check::{Check, Status};

const ALIKE: &str = include_str!("ids/alike.sql");
/// Dimensions whose members a source names, their ids, and which of these come twice.
const TWICE: [(&str, &str, &str); 2] = [
    ("dim_customer", "customer_id", include_str!("ids/customers_twice.sql")),
    ("dim_product", "product_id", include_str!("ids/products_twice.sql")),
];
/// Ids that are named.
const NAMED: usize = 3;

/// Dimensions in which an id stands twice. Every row that names such a member counts twice in all that is joined with it, so
/// nothing else can be told of this warehouse. The check of the key is told with the ids, where they are not masked.
pub(crate) async fn twice(session: &SessionContext, checks: &mut [Check], pii: &BTreeSet<String>) -> Result<bool> {
    let mut found = false;
    for (table, id, sql) in TWICE {
        let of_key = |check: &&mut Check| check.check == "unique_key" && check.table == table && check.status == Status::Failed;
        let Some(check) = checks.iter_mut().find(of_key) else { continue };
        found = true;
        let mut ids = Vec::new();
        for batch in session.sql(sql).await?.collect().await? {
            let texts = cast(batch.column(0), &DataType::Utf8)?;
            ids.extend(texts.as_string::<i32>().iter().flatten().map(|id| format!("`{id}`")));
        }
        if !ids.is_empty() && !pii.contains(id) {
            let more = if ids.len() > NAMED { ", …" } else { "" };
            let (count, named) = (ids.len(), ids.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", "));
            check.measured = format!("{count} {id} more than once: {named}{more}; what depends on it was not looked at");
        }
    }
    Ok(found)
}

/// Tells of ids that differ only in case, blanks or leading zeros: a spreadsheet cuts zeros, a till writes small letters, and one
/// customer becomes two, each with half of the orders. Ids of masked columns are not named.
pub(crate) async fn alike(session: &SessionContext, pii: &BTreeSet<String>) -> Result<Vec<Check>> {
    let mut checks = Vec::new();
    for batch in session.sql(ALIKE).await?.collect().await? {
        let text = |column: usize| cast(batch.column(column), &DataType::Utf8);
        let (columns, examples) = (text(0)?, text(2)?);
        let counts = batch.column(1).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let column = columns.as_string::<i32>().value(row);
            let id = column.rsplit('.').next().unwrap_or(column);
            let example = match examples.as_string::<i32>().value(row) {
                _ if pii.contains(id) => String::new(),
                example => format!(", such as {example}"),
            };
            let message = format!(
                "{} ids differ from another in nothing but case, blanks or leading zeros{example}, and count as different ones; if \
                 they are not, map them alike in every source, such as {id}: upper(trim(id))",
                counts.value(row)
            );
            checks.push(Check::tells("ids_alike", column, message, counts.value(row).unsigned_abs()));
        }
    }
    Ok(checks)
}
