//! The report of the project: its pages, its theme and the files around them, in the PBIR format.
//!
//! `book` says what is on which page; the other modules know how Power BI wants it written. Paths of pages and visuals make
//! their identifiers, so writing the report again keeps the bookmarks that people have set.

mod book;
mod field;
mod filter;
mod format;
mod page;
mod place;
pub mod theme;
mod visual;

use std::collections::BTreeSet;

pub use field::{Field, MEASURES_TABLE};
use page::Page;
use serde_json::{Value, json};

use crate::id;
use crate::project::ProjectFile;

/// Where the schemas of a report's files are published. The versions are the oldest that fit: Power BI Desktop refuses a
/// version newer than itself.
const SCHEMAS: &str = "https://developer.microsoft.com/json-schemas/fabric/item/report";

/// Every file under `<project>.Report`.
pub fn files(project: &str) -> Vec<ProjectFile> {
    let pages = book::pages();
    let theme = theme::theme();
    let file =
        |path: String, content: &Value| ProjectFile { path: format!("{project}.Report/{path}"), text: format!("{content:#}\n") };
    let mut files = vec![
        file(".platform".to_owned(), &platform(project)),
        file("definition.pbir".to_owned(), &connection(project)),
        file("definition/version.json".to_owned(), &version()),
        file("definition/report.json".to_owned(), &report(&theme.name)),
        file("definition/pages/pages.json".to_owned(), &order(&pages)),
        file(format!("StaticResources/RegisteredResources/{}", theme.name), &theme.content),
    ];
    for page in &pages {
        let folder = format!("definition/pages/{}", page.id());
        files.push(file(format!("{folder}/page.json"), &page.json()));
        for (id, visual) in page.visuals_json() {
            files.push(file(format!("{folder}/visuals/{id}/visual.json"), &visual));
        }
    }
    files
}

/// Every column and measure that the report shows, sorts or filters by: the model has to have them all.
pub fn fields() -> BTreeSet<Field> {
    book::pages().iter().flat_map(Page::fields).collect()
}

fn connection(project: &str) -> Value {
    json!({
        "$schema": format!("{SCHEMAS}/definitionProperties/2.0.0/schema.json"),
        "version": "4.0",
        "datasetReference": {"byPath": {"path": format!("../{project}.SemanticModel")}},
    })
}

/// What Git integration knows the report by. The identifier is the same wherever a project of this name is written.
fn platform(project: &str) -> Value {
    json!({
        "$schema": "https://developer.microsoft.com/json-schemas/fabric/gitIntegration/platformProperties/2.0.0/schema.json",
        "metadata": {"type": "Report", "displayName": project},
        "config": {"version": "2.0", "logicalId": id::guid(&format!("{project}.Report"))},
    })
}

fn version() -> Value {
    json!({"$schema": format!("{SCHEMAS}/definition/versionMetadata/1.0.0/schema.json"), "version": "2.0.0"})
}

fn report(theme: &str) -> Value {
    json!({
        "$schema": format!("{SCHEMAS}/definition/report/3.0.0/schema.json"),
        "themeCollection": {"customTheme": {
            "name": theme,
            "reportVersionAtImport": {"visual": "2.2.0", "report": "3.0.0", "page": "2.0.0"},
            "type": "RegisteredResources",
        }},
        "resourcePackages": [{
            "name": "RegisteredResources",
            "type": "RegisteredResources",
            "items": [{"name": theme, "path": theme, "type": "CustomTheme"}],
        }],
        "settings": {
            "useStylableVisualContainerHeader": true,
            "exportDataMode": "AllowSummarized",
            "defaultDrillFilterOtherVisuals": true,
            "allowChangeFilterTypes": true,
            "useEnhancedTooltips": true,
        },
    })
}

fn order(pages: &[Page]) -> Value {
    let ids: Vec<String> = pages.iter().map(Page::id).collect();
    json!({
        "$schema": format!("{SCHEMAS}/definition/pagesMetadata/1.0.0/schema.json"),
        "pageOrder": ids,
        "activePageName": ids.first(),
    })
}
