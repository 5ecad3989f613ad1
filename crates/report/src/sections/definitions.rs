//! What the figures mean: the words of the README, and what each published table holds.

use maud::{Markup, html};
use schema::{Group, TABLES, Visibility};

use crate::page::Section;

const README: &str = include_str!("../../../../README.md");
const CHAPTER: &str = "## What the figures mean\n";

pub(crate) fn section() -> Section {
    let body = html! {
        dl.definitions { @for paragraph in chapter().split("\n\n").filter(|p| !p.trim().is_empty()) { (definition(paragraph)) } }
        details { summary { "What each published table holds" }
            dl.tables { @for group in Group::ALL { @for table in TABLES.iter().filter(|t| t.group == group && t.visibility != Visibility::Working) {
                div { dt { code { (table.name) } } dd { (table.description) " One row is " (table.grain) "." } }
            } } }
        }
    };
    Section { id: "definitions", title: "What the figures mean", tables: &[], body }
}

/// The README's chapter, up to the next one.
fn chapter() -> &'static str {
    let (_, rest) = README.split_once(CHAPTER).unwrap_or_default();
    rest.split_once("\n## ").map_or(rest, |(chapter, _)| chapter).trim()
}

/// A paragraph that begins with a bold word defines it.
fn definition(paragraph: &str) -> Markup {
    let named = paragraph.strip_prefix("**").and_then(|rest| rest.split_once("**"));
    let (term, text) = named.unwrap_or(("In general", paragraph));
    html! { div { dt { (term.trim_end_matches('.')) } dd { (inline(text.trim())) } } }
}

/// Text in which `` ` `` marks names and `**` marks terms.
fn inline(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } }
            @else { @for (at, part) in part.split("**").enumerate() { @if at % 2 == 1 { strong { (part) } } @else { (part) } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_has_the_chapter() {
        let text = section().body.into_string();
        for word in ["Win-back", "Lifetime value", "Retention", "<code>clv_12m</code>", "In general"] {
            assert!(text.contains(word), "{word}");
        }
        assert!(!text.contains("**") && !text.contains('`'));
    }
}
