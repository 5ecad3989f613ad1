//! The star: facts and dimensions.

use crate::Type::{Bool, Date, DateKey, Int, Key, Money, Number, Quantity, Text, Time};
use crate::table::{Group, Table, Visibility, col, null};

pub(crate) static FACT_SALES: Table = Table {
    name: "fact_sales",
    group: Group::Star,
    visibility: Visibility::Published,
    grain: "order line",
    key: &["order_id", "line_number"],
    description: "Every sale and return, line by line.",
    columns: &[
        col("order_id", Text, "The order's number at the source."),
        col("line_number", Int, "The line within the order."),
        col("date_key", DateKey, "Day of the sale as yyyymmdd."),
        col("ordered_at", Time, "When, in the store's time zone."),
        col("customer_key", Key, "Who bought; 0 for anonymous sales."),
        col("product_key", Key, "What was bought."),
        col("region_key", Key, "Region of the sale, which may differ from the customer's own."),
        null("channel", Text, "Shop, web, phone, as the source says."),
        col("quantity", Quantity, "How many; negative for a return."),
        col("unit_price", Money, "Price of one before discount."),
        col("gross_amount", Money, "Amount before discount."),
        col("discount_amount", Money, "Discount on the line."),
        col("net_amount", Money, "Amount after discount: what counts as revenue everywhere."),
        null("cost_amount", Money, "What the goods cost the retailer, where the source says."),
        col("is_return", Bool, "True where the quantity is negative."),
    ],
};

pub(crate) static DIM_REGION: Table = Table {
    name: "dim_region",
    group: Group::Star,
    visibility: Visibility::Published,
    grain: "region, and key 0 for Unknown",
    key: &["region_key"],
    description: "Sales regions.",
    columns: &[col("region_key", Key, "Key of the region."), col("region_name", Text, "Name of the region; Unknown for key 0.")],
};

pub(crate) static DIM_CUSTOMER: Table = Table {
    name: "dim_customer",
    group: Group::Star,
    visibility: Visibility::Published,
    grain: "customer, and key 0 for Unknown",
    key: &["customer_key"],
    description: "Customers, also those only sales, payments or tickets name.",
    columns: &[
        col("customer_key", Key, "Key of the customer."),
        null("customer_id", Text, "The customer's number at the source; empty for key 0."),
        null("customer_name", Text, "Name of the customer; Unknown for key 0."),
        null("email", Text, "E-mail address of the customer."),
        null("business_segment", Text, "The retailer's own segment, such as Consumer or Corporate."),
        col("region_key", Key, "The customer's own region, or that of the latest order."),
        null("country", Text, "Country of the customer."),
        null("city", Text, "City of the customer."),
        null("age_band", Text, "Age at as_of: <25, 25-34, 35-54 or 55+; empty where unknown."),
        null("signup_on", Date, "Day the account was opened."),
        null("first_order_on", Date, "Day of the first purchase."),
        null("last_order_on", Date, "Day of the latest purchase."),
        col("is_known", Bool, "False where only sales, payments or tickets name the customer."),
    ],
};

pub(crate) static DIM_PRODUCT: Table = Table {
    name: "dim_product",
    group: Group::Star,
    visibility: Visibility::Published,
    grain: "product, and key 0 for Unknown",
    key: &["product_key"],
    description: "Products, also those only sales name.",
    columns: &[
        col("product_key", Key, "Key of the product."),
        null("product_id", Text, "The product's number at the source; empty for key 0."),
        null("product_name", Text, "Name of the product; Unknown for key 0."),
        null("category", Text, "Category the product belongs to."),
        null("subcategory", Text, "Subcategory within the category."),
        null("brand", Text, "Brand of the product."),
        null("list_price", Money, "List price of one."),
        null("unit_cost", Money, "What one costs the retailer."),
        col("is_known", Bool, "False where only sales name the product."),
    ],
};

pub(crate) static DIM_DATE: Table = Table {
    name: "dim_date",
    group: Group::Star,
    visibility: Visibility::Published,
    grain: "day",
    key: &["date_key"],
    description: "The calendar of whole years that covers every fact and as_of.",
    columns: &[
        col("date_key", DateKey, "Day as yyyymmdd."),
        col("date", Date, "The day."),
        col("year", Int, "Calendar year."),
        col("quarter", Int, "Quarter, 1 to 4."),
        col("month", Int, "Month, 1 to 12."),
        col("month_name", Text, "English name of the month."),
        col("year_month", Int, "Year and month as yyyymm."),
        col("month_start", Date, "First day of the month."),
        col("week_start", Date, "Monday of the week."),
        col("iso_year", Int, "Year the ISO week belongs to."),
        col("iso_week", Int, "ISO week, 1 to 53."),
        col("day_of_month", Int, "Day of the month, 1 to 31."),
        col("day_of_week", Int, "Day of the week, 1 for Monday."),
        col("day_name", Text, "English name of the day."),
        col("is_weekend", Bool, "Saturday or Sunday."),
        col("is_complete_month", Bool, "The month had ended by as_of."),
    ],
};

pub(crate) static FACT_PAYMENTS: Table = Table {
    name: "fact_payments",
    group: Group::Star,
    visibility: Visibility::Published,
    grain: "payment",
    key: &["payment_id"],
    description: "Payments due and made, as seen on as_of.",
    columns: &[
        col("payment_id", Text, "The payment's number at the source."),
        null("order_id", Text, "The order it is for."),
        col("customer_key", Key, "Who owes it."),
        col("due_date_key", DateKey, "Day it was due as yyyymmdd."),
        null("paid_date_key", DateKey, "Day it was paid as yyyymmdd; empty while unpaid."),
        col("amount", Money, "Amount due."),
        col("is_late", Bool, "Owed by the customer, and paid after the due day, or due before as_of and still unpaid."),
        col("days_late", Int, "Days late by payment or by as_of; 0 when not late."),
    ],
};

pub(crate) static FACT_TICKETS: Table = Table {
    name: "fact_tickets",
    group: Group::Star,
    visibility: Visibility::Published,
    grain: "ticket",
    key: &["ticket_id"],
    description: "Support tickets opened by as_of.",
    columns: &[
        col("ticket_id", Text, "The ticket's number at the source."),
        col("customer_key", Key, "Who opened it."),
        col("opened_date_key", DateKey, "Day it was opened as yyyymmdd."),
        null("resolved_date_key", DateKey, "Day it was resolved as yyyymmdd; empty while open."),
        null("category", Text, "What it is about."),
        null("priority", Text, "Priority, as the source says."),
        null(
            "resolution_hours",
            Number,
            "Hours from opening to resolution; empty while open, and where the source says it was resolved before.",
        ),
        null("satisfaction", Number, "The customer's rating, as the source says."),
    ],
};
