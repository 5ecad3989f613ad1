//! Which columns tell of a person.

/// Columns that name or reach a person, in published tables and in staged entities.
const PERSONAL: &[&str] = &[
    "email",
    "user_email",
    "customer_name",
    "first_name",
    "last_name",
    "full_name",
    "phone",
    "address",
    "street",
    "birth_on",
    "birth_date",
    "age",
    "birth_year",
    "date_of_birth",
    "user_principal_name",
];

/// Whether a column of this name, in whatever case, tells of a person.
pub fn is_personal(column: &str) -> bool {
    PERSONAL.iter().any(|name| name.eq_ignore_ascii_case(column))
}
