//! The YAML as text: lines, comments beside or above them, and which line each note is about.

use crate::mapped::{Mapped, Remark, Value};
use crate::proposal::{Confidence, Note, Proposal, Question};

/// A comment that would reach beyond this stands above its line.
const WIDTH: usize = 110;
/// Where comments beside lines begin, if the line leaves room.
const COLUMN: usize = 44;

#[derive(Debug, Default)]
pub(crate) struct Page {
    lines: Vec<String>,
    notes: Vec<Note>,
    questions: Vec<Question>,
}

impl Page {
    pub fn line(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    /// A comment of its own, wrapped; `indent` in spaces.
    pub fn comment(&mut self, indent: usize, text: &str) {
        let room = WIDTH.saturating_sub(indent + 2);
        let mut line = String::new();
        for word in text.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > room {
                self.lines.push(format!("{}# {line}", " ".repeat(indent)));
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        if !line.is_empty() {
            self.lines.push(format!("{}# {line}", " ".repeat(indent)));
        }
    }

    /// A line and what is to be said of it.
    pub fn remarked(&mut self, line: impl Into<String>, remark: Option<&Remark>) {
        let line = line.into();
        let Some(remark) = remark else { return self.line(line) };
        let mark = if remark.confidence == Confidence::Guess { "CHECK: " } else { "" };
        let text = single_line(&format!("{mark}{}", remark.why));
        let beside = line.chars().count().max(COLUMN) + 3 + text.chars().count();
        if beside <= WIDTH {
            self.line(format!("{line:<COLUMN$} # {text}"));
        } else {
            let indent = line.len() - line.trim_start().len();
            self.comment(indent, &text);
            self.line(line);
        }
        let at = self.lines.len();
        self.notes.push(Note { line: at, why: remark.why.clone(), confidence: remark.confidence });
        if let Some((text, answers)) = &remark.ask {
            self.questions.push(Question { line: at, text: text.clone(), answers: answers.clone() });
        }
    }

    /// What is said of the file as a whole, or of what is not in it.
    pub fn said(&mut self, indent: usize, remark: &Remark) {
        let mark = if remark.confidence == Confidence::Guess { "CHECK: " } else { "" };
        self.comment(indent, &single_line(&format!("{mark}{}", remark.why)));
        let line = self.lines.len();
        self.notes.push(Note { line, why: remark.why.clone(), confidence: remark.confidence });
        if let Some((text, answers)) = &remark.ask {
            self.questions.push(Question { line, text: text.clone(), answers: answers.clone() });
        }
    }

    pub fn mapping(&mut self, mapped: &Mapped) {
        let value = match &mapped.value {
            Value::Column(name) => scalar(name),
            // A number or a single word would be taken for a column's name.
            Value::Sql(sql) if sql.chars().all(char::is_alphanumeric) => format!("{{sql: {}}}", quoted(sql)),
            Value::Sql(sql) => scalar(sql),
            Value::Dated(name, pattern) => format!("{{column: {}, format: {}}}", in_braces(name), quoted(pattern)),
            Value::DatedSql(sql, pattern) => format!("{{sql: {}, format: {}}}", quoted(sql), quoted(pattern)),
        };
        self.remarked(format!("      {}: {value}", mapped.ours), mapped.remark.as_ref());
    }

    pub fn finish(self) -> Proposal {
        Proposal { yaml: self.lines.join("\n") + "\n", notes: self.notes, questions: self.questions }
    }
}

/// Names of a source may hold anything, and a comment ends with its line.
fn single_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text as YAML takes it: bare where it cannot be taken for anything else.
pub(crate) fn scalar(text: &str) -> String {
    let words = ["true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan", "inf"];
    let bare = text.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_alphanumeric() || " _-./()'\"*,$%=<>|".contains(c))
        && !text.ends_with(' ')
        && !words.contains(&text.to_lowercase().as_str());
    if bare { text.to_owned() } else { quoted(text) }
}

/// The same within `{…}`, where a comma or a brace would end it.
pub(crate) fn in_braces(text: &str) -> String {
    if text.chars().all(|c| c.is_alphanumeric() || " _-".contains(c)) { scalar(text) } else { quoted(text) }
}

pub(crate) fn quoted(text: &str) -> String {
    if text.chars().any(char::is_control) {
        // JSON's escapes are YAML's, too.
        let escaped: String = text
            .chars()
            .map(|c| match c {
                '"' | '\\' => format!("\\{c}"),
                c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
                c => c.to_string(),
            })
            .collect();
        return format!("\"{escaped}\"");
    }
    if text.contains('"') || text.contains('\\') { format!("'{}'", text.replace('\'', "''")) } else { format!("\"{text}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_stay_what_they_are() {
        for (text, written) in [
            ("Order ID", "Order ID"),
            ("Sub-Category", "Sub-Category"),
            ("No", "\"No\""),
            ("2024", "\"2024\""),
            ("a: b", "\"a: b\""),
            ("\"Sales\" / \"Quantity\"", "'\"Sales\" / \"Quantity\"'"),
            ("it's \"x\"", "it's \"x\""),
            ("Preis €", "\"Preis €\""),
            ("a\tb", "\"a\\u0009b\""),
            ("# Stück", "\"# Stück\""),
        ] {
            assert_eq!(scalar(text), written);
        }
        assert_eq!(in_braces("Date, local"), "\"Date, local\"");
    }

    #[test]
    fn long_comments_stand_above() {
        let mut page = Page::default();
        page.remarked("  a: b", Some(&Remark::guess("short")));
        page.remarked("  c: d", Some(&Remark::likely("long ".repeat(40))));
        let proposal = page.finish();
        assert!(proposal.yaml.starts_with("  a: b                                       # CHECK: short\n  # long"));
        assert!(proposal.yaml.lines().all(|line| line.len() <= WIDTH));
        assert_eq!(proposal.notes.iter().map(|n| n.line).collect::<Vec<_>>(), [1, 4]);
    }
}
