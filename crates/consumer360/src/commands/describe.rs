//! `consumer360 describe`: the contract, from the same lists the tables are built by.

use std::fmt::Write as _;
use std::process::ExitCode;

use schema::{ENTITIES, EntityTable, Group, TABLES, Table, Visibility, entity};
use serde_json::json;

use crate::cli::{Global, Output};
use crate::exit::Failure;

pub fn describe(global: &Global, name: Option<&str>) -> Result<ExitCode, Failure> {
    let tables = published();
    let Some(name) = name else {
        return super::print(&match global.output {
            Output::Text => overview(&tables),
            Output::Json => format!("{:#}\n", json!(tables.iter().map(|t| as_json(t)).collect::<Vec<_>>())),
        });
    };
    if let Some(given) = ENTITIES.iter().find(|given| given.name() == name.trim_start_matches("staged_")) {
        return super::print(&match global.output {
            Output::Text => source(entity(*given)),
            Output::Json => format!("{:#}\n", source_as_json(entity(*given))),
        });
    }
    let Some(table) = tables.iter().find(|t| t.name == name) else {
        return Err(Failure::usage(unknown(name)));
    };
    super::print(&match global.output {
        Output::Text => one(table),
        Output::Json => format!("{:#}\n", as_json(table)),
    })
}

/// Tables that readers see.
pub fn published() -> Vec<&'static Table> {
    TABLES.iter().copied().filter(|t| t.visibility != Visibility::Working).collect()
}

/// What to say to a name that is no table.
pub fn unknown(name: &str) -> String {
    let near: Vec<&str> = published().iter().map(|t| t.name).filter(|t| t.contains(name) || name.contains(t)).collect();
    let near = if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) };
    format!("there is no table `{name}`{near} (all of them: consumer360 describe)")
}

fn overview(tables: &[&Table]) -> String {
    let mut text = String::new();
    for group in Group::ALL {
        let _ = writeln!(text, "{}", group.title());
        for table in tables.iter().filter(|table| table.group == group) {
            let _ = writeln!(text, "  {:<26}{}", table.name, table.description);
        }
        text.push('\n');
    }
    let given: Vec<&str> = ENTITIES.iter().map(|given| given.name()).collect();
    let _ = writeln!(
        text,
        "consumer360 describe TABLE prints its columns, and those that a source may give of {}.",
        given.join(", ")
    );
    text
}

/// What a source may give: the names that a mapping gives values to.
fn source(table: &EntityTable) -> String {
    let mut text = format!("{}: {}\n", table.entity, table.description);
    let _ = writeln!(
        text,
        "What a source gives of them; checks read it as staged_{}. Key: {}.\n",
        table.entity,
        table.key.join(", ")
    );
    let width = table.columns.iter().map(|c| c.name.len()).max().unwrap_or_default() + 2;
    for column in table.columns {
        let needed = if column.required { "required" } else { "" };
        let _ = writeln!(text, "  {:<width$}{:<10}{needed:<10}{}", column.name, column.kind.name(), column.description);
    }
    text
}

fn source_as_json(table: &EntityTable) -> serde_json::Value {
    let columns: Vec<_> = table
        .columns
        .iter()
        .map(|c| json!({"name": c.name, "type": c.kind.name(), "required": c.required, "description": c.description}))
        .collect();
    json!({"entity": table.entity.name(), "description": table.description, "key": table.key, "columns": columns})
}

fn one(table: &Table) -> String {
    let mut text = format!("{}: {}\n", table.name, table.description);
    let _ = writeln!(text, "One row is: {}. Key and order: {}.", table.grain, table.key.join(", "));
    text.push('\n');
    let width = table.columns.iter().map(|c| c.name.len()).max().unwrap_or_default() + 2;
    for column in table.columns {
        let null = if column.nullable { "" } else { "not null" };
        let _ = writeln!(text, "  {:<width$}{:<10}{null:<10}{}", column.name, column.kind.name(), column.description);
    }
    text
}

fn as_json(table: &Table) -> serde_json::Value {
    let columns: Vec<_> = table
        .columns
        .iter()
        .map(|c| json!({"name": c.name, "type": c.kind.name(), "nullable": c.nullable, "description": c.description}))
        .collect();
    json!({
        "table": table.name,
        "description": table.description,
        "grain": table.grain,
        "key": table.key,
        "columns": columns,
    })
}
