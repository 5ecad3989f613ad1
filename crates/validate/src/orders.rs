//! Orders that no customer has made so.

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::error::Result;
use datafusion::prelude::SessionContext;

use crate::check::Check;

/// The table of orders stands in their order, so they are counted as they go by.
const OF_SEVERAL: &str = include_str!("orders/of_several_customers.sql");

/// Days are few, however many orders there are.
const LONG_BEFORE: &str = include_str!("orders/long_before.sql");

/// Tells of orders long before all others, as a year that was mistyped makes them: the calendar and the cohorts begin there.
pub(crate) async fn long_before(session: &SessionContext) -> Result<Option<Check>> {
    for batch in session.sql(LONG_BEFORE).await?.collect().await?.iter().filter(|batch| batch.num_rows() > 0) {
        let (orders, day) = (batch.column(0).as_primitive::<Int64Type>(), cast(batch.column(1), &DataType::Utf8)?);
        if orders.is_null(0) {
            continue;
        }
        let (orders, day) = (orders.value(0).unsigned_abs(), day.as_string::<i32>().value(0).to_owned());
        let lie = if orders == 1 { "order lies" } else { "orders lie" };
        let message = format!(
            "{orders} {lie} more than three years before all others, the first on {day}; the calendar and the cohorts begin there: if a \
             year was mistyped, leave them out with `where` or mend them at the source"
        );
        return Ok(Some(Check::tells("orders_long_before", "fact_sales.ordered_at", message, orders)));
    }
    Ok(None)
}

/// Tells of orders with lines of several customers. Where numbers begin anew in every store or year, orders of strangers are one,
/// and so are their baskets.
pub(crate) async fn of_several_customers(session: &SessionContext) -> Result<Option<Check>> {
    let counted = session.sql(OF_SEVERAL).await?.collect().await?;
    let count: i64 = counted.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values()).sum();
    let (orders, as_one) = if count == 1 { ("order has", "counts as one") } else { ("orders have", "count as one each") };
    let message = format!(
        "{count} {orders} lines of several customers and {as_one}; if numbers begin anew in every store or year, map \
         something to tell them apart, such as order_id: concat(store, '-', number)"
    );
    let check = || Check::tells("orders_of_several_customers", "fact_sales.order_id", message, count.unsigned_abs());
    Ok((count > 0).then(check))
}
