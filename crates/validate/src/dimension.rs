//! The members of the dimensions, and which column of which table points at them.

use std::collections::BTreeMap;

use extract::KeySet;

/// Keys of one dimension.
pub(crate) type Members = KeySet;

/// The dimensions read so far, by table name.
pub(crate) type Dimensions = BTreeMap<&'static str, Members>;

/// The dimension a column points at.
pub(crate) fn target(column: &str) -> Option<&'static str> {
    match column {
        "customer_key" => Some("dim_customer"),
        "region_key" => Some("dim_region"),
        _ if column.ends_with("product_key") => Some("dim_product"),
        _ if column.ends_with("date_key") => Some("dim_date"),
        _ => None,
    }
}
