//! What comes out: a pipeline file, and what is not certain in it.

use std::fmt;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// A whole pipeline file that loads and runs.
#[derive(Debug, Clone)]
pub struct Proposal {
    pub yaml: String,
    /// In the order of the lines.
    pub notes: Vec<Note>,
    /// What only the user knows; the file goes on with the first answer.
    pub questions: Vec<Question>,
}

/// Why a line says what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Of the YAML, from 1.
    pub line: usize,
    pub why: String,
    pub confidence: Confidence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Nothing speaks for it but that nothing else was there.
    Guess,
    /// Name or values speak for it, and something else is possible.
    Likely,
    /// The values bear it out.
    Certain,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Of the YAML, from 1: the line that the answer may change.
    pub line: usize,
    pub text: String,
    /// The file takes the first; empty where any text may answer.
    pub answers: Vec<String>,
}

impl Proposal {
    /// Writes the file where there is none yet: what lies there stays, and the error says so.
    pub fn write_new(&self, path: &Path) -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(self.yaml.as_bytes())?;
        file.sync_all()
    }
}

/// Why nothing can be proposed: what was looked for in vain, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Refusal {
    /// The table that comes nearest to sales; absent where none has anything of them.
    pub nearest: Option<String>,
    /// Our columns and theirs, as far as they were found in it.
    pub found: Vec<(&'static str, String)>,
    /// What a sale cannot do without, each a sentence.
    pub missing: Vec<String>,
    /// The columns that are there.
    pub columns: Vec<String>,
    /// What to do about it.
    pub help: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.nearest {
            Some(table) => writeln!(f, "no table has what a sale needs; `{table}` comes nearest")?,
            None => writeln!(f, "no table has anything of a sale")?,
        }
        for (ours, theirs) in &self.found {
            writeln!(f, "  found    {ours}: {theirs}")?;
        }
        for missing in &self.missing {
            writeln!(f, "  missing  {missing}")?;
        }
        if !self.columns.is_empty() {
            writeln!(f, "  columns  {}", self.columns.join(", "))?;
        }
        write!(f, "  help     {}", self.help)
    }
}
