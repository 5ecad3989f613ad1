//! The writing of TMDL: indentation by tabs, names in quotes where they need it, an empty line around each child.
//!
//! The bytes are those that Microsoft's own serialiser writes, so that saving the project in Desktop changes nothing.

use std::fmt::Write as _;

/// Text under way.
#[derive(Debug, Default)]
pub(crate) struct Tmdl(String);

impl Tmdl {
    pub(crate) fn line(&mut self, depth: usize, text: &str) -> &mut Self {
        let _ = writeln!(self.0, "{}{text}", "\t".repeat(depth));
        self
    }

    /// Parts one from the next.
    pub(crate) fn gap(&mut self) -> &mut Self {
        self.0.push('\n');
        self
    }

    /// The description of what comes next, on one line.
    pub(crate) fn about(&mut self, depth: usize, text: &str) -> &mut Self {
        self.line(depth, &format!("/// {}", one_line(text)))
    }

    /// `head = value`: on one line where the value has one, else below it, indented by `deeper` tabs.
    pub(crate) fn value(&mut self, depth: usize, head: &str, value: &str, deeper: usize) -> &mut Self {
        if !value.contains('\n') {
            return self.line(depth, &format!("{head} = {value}"));
        }
        self.line(depth, &format!("{head} ="));
        for line in value.lines() {
            if line.is_empty() {
                self.gap()
            } else {
                self.line(depth + deeper, line)
            };
        }
        self
    }

    /// The file ends with an empty line.
    pub(crate) fn finish(mut self) -> String {
        if !self.0.ends_with("\n\n") {
            self.0.push('\n');
        }
        self.0
    }
}

/// A name as TMDL refers to it.
pub(crate) fn name(text: &str) -> String {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if plain { text.to_owned() } else { format!("'{}'", one_line(text).replace('\'', "''")) }
}

/// A value that is text: one that begins with a quote would be taken for quoted, and one with blanks at its ends would lose them.
pub(crate) fn text(value: &str) -> String {
    if value.starts_with('"') || value.trim() != value {
        return format!("\"{}\"", value.replace('"', "\"\""));
    }
    value.to_owned()
}

/// No line may end within a name or a description: what follows would be read as TMDL.
pub(crate) fn one_line(text: &str) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{85}');
    text.chars().map(|c| if breaks(c) { ' ' } else { c }).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Tmdl, name, one_line, text};

    #[test]
    fn names_are_quoted_where_they_need_it() {
        assert_eq!(name("fact_sales"), "fact_sales");
        assert_eq!(name("Average order value"), "'Average order value'");
        assert_eq!(name("O'Brien"), "'O''Brien'");
        assert_eq!(name("a\r\nb"), "'a  b'");
        assert_eq!(name("é"), "'é'");
    }

    #[test]
    fn text_that_begins_with_a_quote_is_quoted() {
        assert_eq!(text("#,##0"), "#,##0");
        assert_eq!(text("\"T\";\"F\""), "\"\"\"T\"\";\"\"F\"\"\"");
    }

    #[test]
    fn no_description_runs_into_the_next_line() {
        assert_eq!(one_line("a\u{2028}b\n\ttable x\u{85}"), "a b  table x");
    }

    #[test]
    fn a_value_of_more_lines_stands_below() {
        let mut tmdl = Tmdl::default();
        tmdl.value(1, "measure A", "1", 2).value(1, "measure B", "VAR x =\n    1\nRETURN\n    x", 2);
        assert_eq!(tmdl.finish(), "\tmeasure A = 1\n\tmeasure B =\n\t\t\tVAR x =\n\t\t\t    1\n\t\t\tRETURN\n\t\t\t    x\n\n");
    }
}
