//! The published tables in the model.

use schema::Table;

use super::{columns, queries};
use crate::id;
use crate::tmdl::{self, Tmdl};

/// Tables that serve the rules of who sees what, not readers.
const HIDDEN: [&str; 2] = ["customer_region", "security_user_region"];

/// A hierarchy of a table: its name and the columns from the widest to the narrowest.
struct Hierarchy {
    table: &'static str,
    name: &'static str,
    levels: &'static [&'static str],
}

const HIERARCHIES: [Hierarchy; 3] = [
    Hierarchy { table: "dim_date", name: "Calendar", levels: &["year", "quarter", "year_month", "date"] },
    Hierarchy { table: "dim_product", name: "Assortment", levels: &["category", "subcategory", "product_name"] },
    Hierarchy { table: "dim_customer", name: "Place", levels: &["country", "city"] },
];

pub(super) fn table(table: &Table) -> String {
    let mut text = Tmdl::default();
    text.about(0, &format!("{} One row is a {}.", table.description, table.grain));
    text.line(0, &format!("table {}", tmdl::name(table.name)));
    if HIDDEN.contains(&table.name) {
        text.line(1, "isHidden");
    }
    text.line(1, &format!("lineageTag: {}", id::guid(table.name)));
    if table.name == "dim_date" {
        text.line(1, "dataCategory: Time");
    }
    text.gap();
    for column in table.columns.iter().chain([&columns::SNAPSHOT]) {
        columns::write(&mut text, table, column);
    }
    for hierarchy in HIERARCHIES.iter().filter(|h| h.table == table.name) {
        write_hierarchy(&mut text, hierarchy);
    }
    text.line(1, &format!("partition {} = m", tmdl::name(table.name))).line(2, "mode: import");
    text.value(2, "source", &queries::query(table), 2).gap();
    text.line(1, "annotation PBI_ResultType = Table");
    text.finish()
}

fn write_hierarchy(text: &mut Tmdl, hierarchy: &Hierarchy) {
    let path = format!("{}/hierarchy {}", hierarchy.table, hierarchy.name);
    text.line(1, &format!("hierarchy {}", hierarchy.name)).line(2, &format!("lineageTag: {}", id::guid(&path))).gap();
    for level in hierarchy.levels {
        text.line(2, &format!("level {level}")).line(3, &format!("lineageTag: {}", id::guid(&format!("{path}/{level}"))));
        text.line(3, &format!("column: {level}")).gap();
    }
}
