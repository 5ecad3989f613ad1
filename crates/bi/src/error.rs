//! What can go wrong around a project.

use std::path::PathBuf;

/// What can go wrong when a project is written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the project has no name: say which pipeline it is of")]
    Nameless,

    #[error("the region key {key} is given twice, to `{first}` and `{second}`")]
    RegionTwice { key: i64, first: String, second: String },

    #[error(
        "`{}` was not written: {} was edited since the project was written there. Write to another folder, \
         or use --force to lose the edits",
        .folder.display(), listed(.files)
    )]
    Edited { folder: PathBuf, files: Vec<String> },

    #[error("`{}` does not lie within the project's folder", .path.display())]
    Outside { path: PathBuf },

    #[error("cannot {operation} `{}`", .path.display())]
    File { operation: &'static str, path: PathBuf, source: std::io::Error },

    #[error("`{}` is no list of the project's files: remove it to have the project's files taken as edited", .path.display())]
    Ledger { path: PathBuf },
}

/// The first few of many names.
fn listed(files: &[String]) -> String {
    let shown = files.iter().take(3).map(|file| format!("`{file}`")).collect::<Vec<_>>().join(", ");
    if files.len() > 3 { format!("{shown} and {} more", files.len() - 3) } else { shown }
}
