//! The semantic model.

mod columns;
mod links;
mod measures;
mod queries;
mod roles;
mod tables;

use schema::{TABLES, Table, Visibility};

use crate::tmdl::{self, Tmdl};
use crate::{Content, Error, ProjectFile};

/// The table that holds the measures.
const MEASURES: &str = "Key measures";

/// Every table that is published, in build order.
fn published() -> impl Iterator<Item = &'static Table> {
    TABLES.iter().copied().filter(|table| table.visibility != Visibility::Working)
}

/// The files of the model by their path in its `definition` folder.
pub(crate) fn files(content: &Content) -> Result<Vec<ProjectFile>, Error> {
    let roles = roles::roles(content)?;
    let mut files = vec![
        file("database.tmdl", "database\n\tcompatibilityLevel: 1601\n\n".to_owned()),
        file("model.tmdl", model(&roles)),
        file("expressions.tmdl", queries::expressions(content)),
        file("relationships.tmdl", links::relationships()),
        file(&format!("tables/{MEASURES}.tmdl"), measures::table()),
    ];
    files.extend(published().map(|table| file(&format!("tables/{}.tmdl", table.name), tables::table(table))));
    files.extend(roles.iter().map(|role| file(&format!("roles/{}.tmdl", role.name), roles::role(role))));
    Ok(files)
}

fn file(path: &str, text: String) -> ProjectFile {
    ProjectFile { path: path.to_owned(), text }
}

fn model(roles: &[roles::Role]) -> String {
    let tables: Vec<&str> = published().map(|table| table.name).chain([MEASURES]).collect();
    let order = queries::NAMES.iter().chain(&tables).map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let mut text = Tmdl::default();
    text.line(0, "model Model").line(1, "culture: en-US").line(1, "defaultPowerBIDataSourceVersion: powerBI_V3");
    text.line(1, "discourageImplicitMeasures").line(1, "sourceQueryCulture: en-US").line(1, "dataAccessOptions");
    text.line(2, "legacyRedirects").line(2, "returnErrorValuesAsNull").gap();
    // Without this, Desktop makes a hidden calendar for every date column.
    text.line(0, "annotation __PBI_TimeIntelligenceEnabled = 0").gap();
    text.line(0, &format!("annotation PBI_QueryOrder = [{order}]")).gap();
    for table in tables {
        text.line(0, &format!("ref table {}", tmdl::name(table)));
    }
    text.gap();
    for role in roles {
        text.line(0, &format!("ref role {}", tmdl::name(&role.name)));
    }
    text.finish()
}
