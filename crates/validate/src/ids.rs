//! Ids that may be two names of one.

use std::collections::BTreeSet;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::error::Result;
use datafusion::prelude::SessionContext;

use crate::check::Check;

const ALIKE: &str = include_str!("ids/alike.sql");

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
