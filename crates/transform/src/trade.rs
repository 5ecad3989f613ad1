//! What was sold: by time, product, region and age.
//!
//! Amounts and pieces are sums over all lines, returns with their sign. Orders are those that are purchases, each once in every
//! row it falls in: pieces left over and no negative amount. Customers are counted once a row; anonymous sales belong to none.
//! `average_order_value` is net revenue, returns deducted, over orders that are purchases, NULL without any.
//!
//! `sales_trend` has days, weeks from Monday and months, each by the region of the sale. In `product_performance` an order counts
//! for a product if it keeps some of it, and ranks are places without ties (by product key). The age of `age_band_performance` is
//! in whole years at `as_of`. `customer_region` splits a customer's sales by where they were made.

pub(crate) const STATEMENTS: [(&str, &str); 5] = [
    ("sales_trend", include_str!("trade/sales_trend.sql")),
    ("product_performance", include_str!("trade/product_performance.sql")),
    ("region_performance", include_str!("trade/region_performance.sql")),
    ("age_band_performance", include_str!("trade/age_band_performance.sql")),
    ("customer_region", include_str!("trade/customer_region.sql")),
];
