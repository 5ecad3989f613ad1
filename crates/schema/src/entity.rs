//! What a pipeline stages: the six canonical entities.

use std::fmt;

use crate::Type;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entity {
    Sales,
    Customers,
    Products,
    Payments,
    Tickets,
    Users,
}

impl Entity {
    pub fn name(self) -> &'static str {
        match self {
            Self::Sales => "sales",
            Self::Customers => "customers",
            Self::Products => "products",
            Self::Payments => "payments",
            Self::Tickets => "tickets",
            Self::Users => "users",
        }
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[derive(Debug)]
pub struct EntityColumn {
    pub name: &'static str,
    pub kind: Type,
    /// A row without a value here is set aside.
    pub required: bool,
    pub description: &'static str,
}

#[derive(Debug)]
pub struct EntityTable {
    pub entity: Entity,
    pub key: &'static [&'static str],
    pub description: &'static str,
    pub columns: &'static [EntityColumn],
}

pub fn entity(entity: Entity) -> &'static EntityTable {
    match entity {
        Entity::Sales => &SALES,
        Entity::Customers => &CUSTOMERS,
        Entity::Products => &PRODUCTS,
        Entity::Payments => &PAYMENTS,
        Entity::Tickets => &TICKETS,
        Entity::Users => &USERS,
    }
}

/// In staging order.
pub const ENTITIES: [Entity; 6] =
    [Entity::Sales, Entity::Customers, Entity::Products, Entity::Payments, Entity::Tickets, Entity::Users];

const fn required(name: &'static str, kind: Type, description: &'static str) -> EntityColumn {
    EntityColumn { name, kind, required: true, description }
}

const fn optional(name: &'static str, kind: Type, description: &'static str) -> EntityColumn {
    EntityColumn { name, kind, required: false, description }
}

static SALES: EntityTable = EntityTable {
    entity: Entity::Sales,
    key: &["order_id", "line_number"],
    description: "Order lines. Of unit_price and net_amount one must be mapped; the other follows.",
    columns: &[
        required("order_id", Type::Text, "The order's number at the source."),
        optional("line_number", Type::Int, "The line within the order; numbered by content where absent."),
        optional("customer_id", Type::Text, "Who bought; absent for anonymous sales."),
        required("product_id", Type::Text, "What was bought."),
        required("ordered_at", Type::Time, "When, in the store's time zone."),
        required("quantity", Type::Quantity, "How many; negative for a return."),
        optional("unit_price", Type::Money, "Price of one before discount."),
        optional("net_amount", Type::Money, "What the line came to after discount."),
        optional("discount_amount", Type::Money, "Discount on the line."),
        optional(
            "discount_rate",
            Type::Number,
            "Discount as a share of the gross amount, 0 to 1; used where no discount_amount is given.",
        ),
        optional("cost_amount", Type::Money, "What the goods of the line cost the retailer."),
        optional("region", Type::Text, "Region of the sale."),
        optional("channel", Type::Text, "Shop, web, phone …"),
        optional("status", Type::Text, "The order's status at the source, for filters."),
        optional("currency", Type::Text, "Currency of the amounts at the source."),
        optional(
            "exchange_rate",
            Type::Number,
            "Amounts are multiplied by this; a line without one is set aside where the column is mapped.",
        ),
        optional("customer_name", Type::Text, "For a pipeline without a customers source."),
        optional("email", Type::Text, "For a pipeline without a customers source."),
        optional("business_segment", Type::Text, "For a pipeline without a customers source."),
        optional("country", Type::Text, "For a pipeline without a customers source."),
        optional("city", Type::Text, "For a pipeline without a customers source."),
        optional("product_name", Type::Text, "For a pipeline without a products source."),
        optional("category", Type::Text, "For a pipeline without a products source."),
        optional("subcategory", Type::Text, "For a pipeline without a products source."),
    ],
};

static CUSTOMERS: EntityTable = EntityTable {
    entity: Entity::Customers,
    key: &["customer_id"],
    description: "Customers. Derived from sales where absent.",
    columns: &[
        required("customer_id", Type::Text, "The customer's number at the source."),
        optional("customer_name", Type::Text, "Name."),
        optional("email", Type::Text, "E-mail address."),
        optional("business_segment", Type::Text, "The retailer's own segment, such as Consumer or Corporate."),
        optional("region", Type::Text, "The customer's own region."),
        optional("country", Type::Text, "Country."),
        optional("city", Type::Text, "City."),
        optional("birth_on", Type::Date, "Date of birth; gives the age band."),
        optional("age", Type::Int, "Age in years, where the date of birth is not known."),
        optional("signup_on", Type::Date, "Day the account was opened."),
    ],
};

static PRODUCTS: EntityTable = EntityTable {
    entity: Entity::Products,
    key: &["product_id"],
    description: "Products. Derived from sales where absent.",
    columns: &[
        required("product_id", Type::Text, "The product's number at the source."),
        optional("product_name", Type::Text, "Name."),
        optional("category", Type::Text, "Category."),
        optional("subcategory", Type::Text, "Subcategory."),
        optional("brand", Type::Text, "Brand."),
        optional("list_price", Type::Money, "List price."),
        optional("unit_cost", Type::Money, "What one costs the retailer."),
    ],
};

static PAYMENTS: EntityTable = EntityTable {
    entity: Entity::Payments,
    key: &["payment_id"],
    description: "Payments due and made.",
    columns: &[
        required("payment_id", Type::Text, "The payment's number at the source."),
        required("customer_id", Type::Text, "Who owes it."),
        optional("order_id", Type::Text, "The order it is for."),
        required("due_on", Type::Date, "When it was due."),
        optional("paid_on", Type::Date, "When it was paid; absent while unpaid."),
        required("amount", Type::Money, "How much."),
        optional("status", Type::Text, "Status at the source."),
    ],
};

static TICKETS: EntityTable = EntityTable {
    entity: Entity::Tickets,
    key: &["ticket_id"],
    description: "Support tickets.",
    columns: &[
        required("ticket_id", Type::Text, "The ticket's number at the source."),
        required("customer_id", Type::Text, "Who opened it."),
        required("opened_at", Type::Time, "When it was opened."),
        optional("resolved_at", Type::Time, "When it was resolved; absent while open."),
        optional("category", Type::Text, "What it is about."),
        optional("priority", Type::Text, "Priority."),
        optional("satisfaction", Type::Number, "The customer's rating."),
    ],
};

static USERS: EntityTable = EntityTable {
    entity: Entity::Users,
    key: &["user_principal_name", "region"],
    description: "Who may see which region in the report.",
    columns: &[
        required("user_principal_name", Type::Text, "Sign-in name of the user, as the report service knows it."),
        required("region", Type::Text, "Region the user may see."),
    ],
};
