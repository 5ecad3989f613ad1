//! What was sold: by time, product, region and age.
//!
//! These are sums and counts, with no source but their definition. Amounts and pieces are added up over all lines, returns with
//! their sign (`returns: exclude` keeps them out of everything). Anonymous sales are in every figure but the counts of customers.
//!
//! Orders are those that are purchases: pieces left over and no negative amount, over the whole order and, where several customers
//! share one, over what each of them bought. The part of it in one region and on one day counts if it has pieces left over too. An
//! order or a customer counts once in each row they fall in. Where they fall in two, as an order of two regions does, they are in
//! both, so counts, unlike amounts, do not add up over rows; `orders_begun` counts each order in the one row its first purchase
//! falls in, and does. `average_order_value` is net revenue, returns deducted, over orders, NULL without any. Revenue shares are NULL
//! where the whole is 0, and may lie outside 0 to 1 where returns outweigh sales. Without sales every table is empty.
//!
//! **`sales_trend`**: days, weeks from Monday (ISO 8601) and months, each by region of the sale. A period without a line in a
//! region has no row. `is_complete` is whether its last day is not after `as_of`, whose own day counts as over. It looks at the
//! end alone: the first week or month may have begun before the data do.
//!
//! **`product_performance`**: each product with a line. An order counts for a product if it keeps some of it, even if the order
//! as a whole is no purchase, and so does its customer unless anonymous. Ranks by revenue and by pieces are places without ties,
//! the smaller product key first: the first ten are ten products. `cumulative_revenue_share` adds up by rank, so it passes 1
//! where products of negative revenue follow. First and last day are those of lines with pieces above 0, NULL without any.
//!
//! **`region_performance`**: by region of the sale. A line that names none was sold in its customer's, as the customers source
//! has it, or else in Unknown (key 0).
//!
//! **`age_band_performance`**: by the customer's age in whole years at `as_of`, not at the sale, so that everybody is in one
//! band: below 25, 25 to 34, 35 to 54, 55 and above. Anonymous sales and customers of unknown age are in Unknown.
//!
//! **`customer_region`**: each customer in each region they bought in, the bridge by which who may see some regions sees their
//! customers. Who only gave back in a region has a row for it, with no orders and no `last_order_on`.

pub(crate) const STATEMENTS: [(&str, &str); 5] = [
    ("sales_trend", include_str!("trade/sales_trend.sql")),
    ("product_performance", include_str!("trade/product_performance.sql")),
    ("region_performance", include_str!("trade/region_performance.sql")),
    ("age_band_performance", include_str!("trade/age_band_performance.sql")),
    ("customer_region", include_str!("trade/customer_region.sql")),
];
