//! The files of a project.

use serde_json::json;

use crate::{Error, id, model, name, pages};

/// A file of the project, by its path in the project's folder with `/` between the parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectFile {
    pub path: String,
    pub text: String,
}

/// How the model reaches the published tables. A project holds one connector: the service asks for the credentials of
/// every connector it sees, used or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A folder or a network share.
    Folder,
    /// Azure Data Lake Storage, generation 2.
    Adls,
    /// A web server, or an object store behind HTTPS.
    Http,
}

/// A region as `dim_region` knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    pub key: i64,
    pub name: String,
}

/// What the project must know of what is published. The tables themselves come from [`schema::TABLES`]: one that the
/// snapshot lacks is loaded without rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Name of the pipeline; the project is called after it.
    pub project: String,
    /// Each but key 0, the unknown region, is given a role of its own.
    pub regions: Vec<Region>,
    pub source: Source,
    /// Where the published tables are, as the connector wants it said; a person can change it in the report.
    pub location: String,
}

const SCHEMAS: &str = "https://developer.microsoft.com/json-schemas/fabric";

/// Every file of the project, sorted by path.
pub fn project(content: &Content) -> Result<Vec<ProjectFile>, Error> {
    if content.project.trim().is_empty() {
        return Err(Error::Nameless);
    }
    let project = name::file(&content.project);
    let mut files = vec![
        file(format!("{project}.pbip"), pretty(&entry(&project))),
        file(".gitignore".to_owned(), "**/.pbi/localSettings.json\n**/.pbi/cache.abf\n".to_owned()),
        file(format!("{project}.SemanticModel/.platform"), pretty(&platform(&project, content))),
        file(format!("{project}.SemanticModel/definition.pbism"), pretty(&definition())),
    ];
    let within = |part: ProjectFile| file(format!("{project}.SemanticModel/definition/{}", part.path), part.text);
    files.extend(model::files(content)?.into_iter().map(within));
    files.extend(pages::files(&project));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn file(path: String, text: String) -> ProjectFile {
    ProjectFile { path, text }
}

fn entry(project: &str) -> serde_json::Value {
    json!({
        "$schema": format!("{SCHEMAS}/pbip/pbipProperties/1.0.0/schema.json"),
        "version": "1.0",
        "artifacts": [{"report": {"path": format!("{project}.Report")}}],
        "settings": {"enableAutoRecovery": true},
    })
}

fn platform(project: &str, content: &Content) -> serde_json::Value {
    json!({
        "$schema": format!("{SCHEMAS}/gitIntegration/platformProperties/2.0.0/schema.json"),
        "metadata": {"type": "SemanticModel", "displayName": project},
        "config": {"version": "2.0", "logicalId": id::guid(&format!("{}.SemanticModel", content.project))},
    })
}

fn definition() -> serde_json::Value {
    json!({
        "$schema": format!("{SCHEMAS}/item/semanticModel/definitionProperties/1.0.0/schema.json"),
        "version": "4.2",
        "settings": {"qnaEnabled": false},
    })
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}
