//! Facts and dimensions, and the working tables that every mart starts from.
//!
//! A star schema with surrogate keys and a member for what is unknown, as in Kimball and Ross, The Data Warehouse Toolkit (3rd
//! edition of 2013). Keys are hashes of the business ids, so no dimension is joined to build a fact, and they are the same in
//! every run. What a fact names and no dimension's source has becomes a member of it with `is_known` false and nothing of its own
//! but the id; what names nobody belongs to the member Unknown, key 0, which is there even without any data.
//!
//! **`fact_sales`**: order lines up to `as_of`. Where lines lack numbers they are numbered by what they hold, so that it does not
//! matter in which order the source hands them out. A return is a line of a quantity below 0; `returns: exclude` keeps those out
//! of this and so of every table. A line that names no region was sold in its customer's, as the customers source has it, or else
//! in Unknown.
//!
//! **`orders`** and **`order_items`** hold what an order came to and whether it is a purchase, and are made of the lines of
//! `fact_sales` while that is written; see [`orders`].
//!
//! **`dim_region`**: every region that a sale or a customer names. **`dim_product`**: the source's products, and those only sales
//! name.
//!
//! **`dim_customer`**: the source's customers, and those only sales, payments or tickets name. Their region is their own, or else
//! that of their latest order with one, even a return; of several at that moment the one of the larger amount, then by name. The
//! age is in whole years at `as_of`, from the date of birth or else as stated, and unknown below 0. First and last order are days
//! with a purchase, NULL for who made none; those of Unknown are the anonymous ones.
//!
//! **`dim_date`**: whole years without a gap that cover every day a fact names and `as_of`, 200,000 days at most. Signups and
//! births do not stretch it. Weeks are those of ISO 8601: they begin on Monday and belong to the year of their Thursday. A month
//! is complete when its last day is not after `as_of`.
//!
//! **`fact_payments`**, as seen on `as_of`: what was paid later is not yet paid. Late is what was paid after the day it was due,
//! or is unpaid and was due before `as_of`; on the day itself is in time. `days_late` runs to the payment or to `as_of`, 0 where
//! nothing is late. Payments due later are kept, none of them late.
//!
//! **`fact_tickets`**, as seen on `as_of`: those opened later are left out, and what was resolved later is open, without
//! `resolution_hours`.
//!
//! **`security_user_region`**: who may see which region, each pair once. Names are in lower case, as readers compare them without
//! case.
//!
//! **`customer_days`**: what each customer bought and gave back on each day, the base of every mart that follows customers
//! through time. `purchase_amount` is of purchases alone, `net_amount` of all lines; a day of returns alone has no orders. An
//! order counts once a day, however many regions it lies in, and again on another day that it has lines left on. Anonymous sales
//! are left out.

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
