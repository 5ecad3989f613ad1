//! The frame of the report: one file that asks nobody for anything.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use crate::Content;

const STYLE: &str = include_str!("../assets/style.css");
const SCRIPTS: [&str; 4] = [
    include_str!("../assets/vendor/d3.min.js"),
    include_str!("../assets/vendor/plot.umd.min.js"),
    include_str!("../assets/charts.js"),
    include_str!("../assets/tables.js"),
];

/// A chapter of the report.
pub(crate) struct Section {
    pub id: &'static str,
    pub title: &'static str,
    /// Published tables the figures come from.
    pub tables: &'static [&'static str],
    pub body: Markup,
}

impl Section {
    /// A chapter with nothing to show, and why.
    pub fn absent(id: &'static str, title: &'static str, tables: &'static [&'static str], why: &str) -> Self {
        Self { id, title, tables, body: html! { p.absent { (why) } } }
    }

    fn markup(&self) -> Markup {
        html! {
            section aria-labelledby=(self.id) {
                h2 id=(self.id) { (self.title) }
                (self.body)
                @if !self.tables.is_empty() { p.source { "From " @for (at, name) in self.tables.iter().enumerate() {
                    @if at > 0 { ", " } code title=[schema::table(name).map(|t| t.description)] { (name) }
                } } }
            }
        }
    }
}

/// The whole document.
pub(crate) fn document(content: &Content<'_>, compared_with: Option<&str>, sections: &[Section]) -> Markup {
    let facts = &content.facts;
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "consumer360 " (facts.version) };
                title { (content.pipeline) " as of " (facts.as_of) " · consumer360" }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#content" { "Skip to the report" }
                header.top { div.wrap {
                    p.brand { (logo()) span { "consumer" b { "360" } } }
                    h1 { (content.pipeline) }
                    p.as-of { "Customer report as of " time datetime=(facts.as_of) { (facts.as_of) }
                        @if let Some(day) = compared_with { ", changes since " time datetime=(day) { (day) } } }
                } }
                div.wrap.frame {
                    nav.contents aria-label="Contents" { ol { @for section in sections { li { a href={ "#" (section.id) } { (section.title) } } } } }
                    main #content tabindex="-1" { @for section in sections { (section.markup()) } }
                }
                footer { div.wrap {
                    p { "Snapshot " code { (facts.snapshot) } ", published " (facts.published_at) " by run " code { (facts.run_id) }
                        ", consumer360 " (facts.version) "." }
                    p { "Every figure comes from the published tables; amounts are in the pipeline's currency. This file asks no server for anything." }
                } }
                @for script in SCRIPTS { script { (PreEscaped(script)) } }
            }
        }
    }
}

/// Only the scripts of this file may run, and nothing may be fetched.
fn policy() -> String {
    let hashes = SCRIPTS.map(|script| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(script))));
    format!(
        "default-src 'none'; script-src {}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'",
        hashes.join(" ")
    )
}

fn logo() -> Markup {
    html! {
        svg.logo viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" {
            circle cx="12" cy="12" r="9.5" fill="none" stroke="currentColor" stroke-width="2.2" opacity=".3" {}
            path d="M12 2.5a9.5 9.5 0 0 1 8.2 14.3" fill="none" stroke="currentColor" stroke-width="2.6" stroke-linecap="round" {}
            circle cx="12" cy="12" r="3.2" fill="currentColor" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_script_ends_itself_or_the_style() {
        for script in SCRIPTS {
            assert!(!script.to_ascii_lowercase().contains("</script") && !script.contains("<!--"));
        }
        assert!(!STYLE.to_ascii_lowercase().contains("</style") && !STYLE.contains("url(") && !STYLE.contains("@import"));
    }
}
