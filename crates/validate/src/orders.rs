//! Orders that no customer has made.

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use datafusion::error::Result;
use datafusion::prelude::SessionContext;

use crate::check::Check;

/// The table of orders stands in their order, so they are counted as they go by.
const OF_SEVERAL: &str = include_str!("orders/of_several_customers.sql");

/// Tells of orders with lines of several customers. Where numbers begin anew in every store or year, orders of strangers are one,
/// and so are their baskets.
pub(crate) async fn of_several_customers(session: &SessionContext) -> Result<Option<Check>> {
    let counted = session.sql(OF_SEVERAL).await?.collect().await?;
    let count: i64 = counted.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values()).sum();
    let orders = if count == 1 { "order has" } else { "orders have" };
    let message = format!(
        "{count} {orders} lines of several customers and count as one each; if numbers begin anew in every store or year, map \
         something to tell them apart, such as order_id: concat(store, '-', number)"
    );
    let check = || Check::tells("orders_of_several_customers", "fact_sales.order_id", message, count.unsigned_abs());
    Ok((count > 0).then(check))
}
