//! Facts and dimensions, and the working tables that every mart starts from.
//!
//! Keys are hashes of the business ids, so no dimension is joined to build a fact. What a fact names and no dimension's source
//! has becomes a member of it, marked as inferred; what names nobody belongs to the member Unknown, key 0.

pub(crate) mod orders;

pub(crate) const STATEMENTS: [(&str, &str); 9] = [
    ("fact_sales", include_str!("star/fact_sales.sql")),
    ("dim_region", include_str!("star/dim_region.sql")),
    ("dim_customer", include_str!("star/dim_customer.sql")),
    ("dim_product", include_str!("star/dim_product.sql")),
    ("dim_date", include_str!("star/dim_date.sql")),
    ("fact_payments", include_str!("star/fact_payments.sql")),
    ("fact_tickets", include_str!("star/fact_tickets.sql")),
    ("security_user_region", include_str!("star/security_user_region.sql")),
    ("customer_days", include_str!("star/customer_days.sql")),
];
