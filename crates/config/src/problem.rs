//! What is wrong with a file of the user's, where, and what to do.

use std::fmt;

use serde::Serialize;

use crate::excerpt::{excerpt, redact};
use crate::node::At;

/// One thing to mend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    pub file: String,
    /// From 1; 0 where the problem is the file as a whole.
    pub line: u64,
    /// From 1, in characters.
    pub column: u64,
    pub message: String,
    /// What to do; empty where the message says it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub help: String,
    /// The line itself, as it is shown.
    #[serde(skip)]
    pub text: String,
    /// Characters of `text` before the place.
    #[serde(skip)]
    pub caret: usize,
}

/// Every problem of a file, in the order of its lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problems(pub Vec<Problem>);

impl Problem {
    /// A problem of a file as a whole.
    pub fn whole(file: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::at(file, "", At::default(), &message.into(), &help.into())
    }

    /// A problem at a place of a file's text. The message may quote the file; the help holds names and advice alone.
    pub(crate) fn at(file: &str, text: &str, at: At, message: &str, help: &str) -> Self {
        let index = usize::try_from(at.line.saturating_sub(1)).unwrap_or_default();
        let (shown, caret) = excerpt(text.lines().nth(index).unwrap_or_default(), at.column);
        Self {
            file: file.to_owned(),
            line: at.line,
            column: at.column,
            message: redact(message),
            help: help.to_owned(),
            text: shown,
            caret,
        }
    }
}

/// Where something stands in a file, for problems that only a later look can find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place(Problem);

impl Place {
    /// A place to be given its message.
    pub(crate) fn new(empty: Problem) -> Self {
        Self(empty)
    }

    pub fn problem(&self, message: &str, help: &str) -> Problem {
        Problem { message: redact(message), help: help.to_owned(), ..self.0.clone() }
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl std::error::Error for Problems {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", self.message)?;
        if self.line == 0 {
            writeln!(f, "  --> {}", self.file)?;
        } else {
            let number = self.line.to_string();
            let margin = " ".repeat(number.len());
            let indent = " ".repeat(self.caret);
            writeln!(f, "{margin}--> {}:{}:{}", self.file, self.line, self.column)?;
            writeln!(f, "{margin} |\n{number} | {}", self.text)?;
            writeln!(f, "{margin} | {indent}{}", "^".repeat(self.width()))?;
        }
        if !self.help.is_empty() {
            writeln!(f, "  = help: {}", self.help)?;
        }
        Ok(())
    }
}

impl Problem {
    /// Characters of the word at the place: to the closing quote or bracket, or to what ends a plain one.
    fn width(&self) -> usize {
        let rest: Vec<char> = self.text.chars().skip(self.caret).collect();
        let end = match rest.first() {
            Some(quote @ ('"' | '\'')) => rest.iter().skip(1).position(|c| c == quote).map(|p| p + 2),
            Some('[' | '{') => closing(&rest),
            _ => {
                let flow = rest.iter().position(|c| ",]}".contains(*c));
                let block = rest.windows(2).position(|w| matches!(w, [':', ' '] | [' ', '#']));
                flow.into_iter().chain(block).min()
            }
        };
        let word: String = rest.iter().take(end.unwrap_or(rest.len())).collect();
        word.trim_end().trim_end_matches(':').chars().count().max(1)
    }
}

/// Characters up to the bracket that closes the first one.
fn closing(text: &[char]) -> Option<usize> {
    let mut open = 0;
    for (place, c) in text.iter().enumerate() {
        match c {
            '[' | '{' => open += 1,
            ']' | '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some(place + 1);
        }
    }
    None
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.0 {
            writeln!(f, "{problem}")?;
        }
        let count = self.0.len();
        writeln!(f, "{count} problem{} in the configuration; nothing was run", if count == 1 { "" } else { "s" })
    }
}

/// The candidate nearest to a word, if one is near enough to have been meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .map(|c| (strsim::damerau_levenshtein(&c.to_lowercase(), &word), c))
        .filter(|(distance, c)| *distance <= 1 + c.chars().count().max(word.chars().count()) / 4)
        .min()
        .map(|(_, c)| c)
}

/// "did you mean …" if something is near, else the list of what there is.
pub fn suggestion<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str> + Clone, what: &str) -> String {
    if let Some(near) = nearest(word, candidates.clone()) {
        return format!("did you mean `{near}`?");
    }
    let all: Vec<&str> = candidates.into_iter().collect();
    if all.is_empty() { "there are none".to_owned() } else { format!("{what}: {}", all.join(", ")) }
}
