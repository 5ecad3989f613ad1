//! The README's table dictionary.

use std::fmt::Write as _;

use crate::{Column, ENTITIES, EntityTable, Group, TABLES, Table, Visibility, entity};

/// What sources give and every table that readers see as Markdown: a heading and a table for the sources and for each group, in
/// the order of [`TABLES`].
pub fn dictionary_markdown() -> String {
    let mut text = String::from(
        "Key columns are bold, and rows are sorted by them. A type followed by `?` marks a column that may be NULL.\n",
    );
    text.push_str("\n### What sources give\n\n| entity | what it is | columns |\n|---|---|---|\n");
    for one in ENTITIES {
        text.push_str(&entity_row(entity(one)));
    }
    for group in Group::ALL {
        let _ = write!(text, "\n### {}\n\n| table | one row is | columns |\n|---|---|---|\n", group.title());
        for table in TABLES.iter().filter(|t| t.group == group && t.visibility != Visibility::Working) {
            text.push_str(&row(table));
        }
    }
    text
}

fn entity_row(table: &EntityTable) -> String {
    let cell = |column: &crate::EntityColumn| {
        let bold = if table.key.contains(&column.name) { "**" } else { "" };
        let optional = if column.required { "" } else { "?" };
        format!("{bold}`{}`{bold} {}{optional}", column.name, column.kind.name())
    };
    let columns: Vec<String> = table.columns.iter().map(cell).collect();
    format!("| `{}` | {} | {} |\n", table.entity, table.description, columns.join(", "))
}

fn row(table: &Table) -> String {
    let columns: Vec<String> = table.columns.iter().map(|c| cell(table, c)).collect();
    format!("| `{}` | {} | {} |\n", table.name, table.grain, columns.join(", "))
}

fn cell(table: &Table, column: &Column) -> String {
    let bold = if table.key.contains(&column.name) { "**" } else { "" };
    let null = if column.nullable { "?" } else { "" };
    format!("{bold}`{}`{bold} {}{null}", column.name, column.kind.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_states_key_types_and_nulls() {
        let row = crate::table("dim_region").map(row);
        assert_eq!(
            row.as_deref(),
            Some("| `dim_region` | region, and key 0 for Unknown | **`region_key`** key, `region_name` text |\n")
        );
        assert!(dictionary_markdown().contains("`paid_date_key` date_key?, `amount` money,"));
    }

    #[test]
    fn every_table_readers_see_has_one_row() {
        let text = dictionary_markdown();
        for table in TABLES {
            let rows = text.lines().filter(|line| line.starts_with(&format!("| `{}`", table.name))).count();
            assert_eq!(rows, usize::from(table.visibility != Visibility::Working), "{}", table.name);
        }
    }

    #[test]
    fn every_row_has_three_cells() {
        for line in dictionary_markdown().lines().filter(|line| line.starts_with('|')) {
            assert_eq!(line.matches('|').count(), 4, "{line}");
        }
    }
}
