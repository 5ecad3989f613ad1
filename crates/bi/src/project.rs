//! The files of a project.

/// A file of the project, by its path in the project's folder with `/` between the parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectFile {
    pub path: String,
    pub text: String,
}
