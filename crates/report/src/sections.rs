//! The chapters of the report, in the order they are read.

mod baskets;
mod book;
mod checks;
mod cohorts;
mod concentration;
mod definitions;
mod headline;
mod lifetime;
mod retention;
mod rfm;
mod risk;
mod segments;
mod trend;
mod winback;

use maud::{Markup, html};

use crate::page::Section;
use crate::snapshot::Snapshot;
use crate::{Content, Error};

/// Every chapter; `before` is the snapshot to compare with and the day it is seen from.
pub(crate) fn all(content: &Content<'_>, before: Option<(Snapshot<'_>, &str)>) -> Result<Vec<Section>, Error> {
    let now = Snapshot { folder: content.snapshot, masked: content.masked };
    Ok(vec![
        headline::section(now, before)?,
        trend::section(now, &content.facts.as_of)?,
        rfm::section(now)?,
        segments::section(now)?,
        cohorts::section(now)?,
        retention::section(now)?,
        lifetime::section(now)?,
        baskets::section(now)?,
        winback::section(now)?,
        risk::section(now)?,
        concentration::section(now)?,
        book::section(now)?,
        checks::section(now, content.run)?,
        definitions::section(),
    ])
}

/// A figure a reader looks for: its name to programs, its value in full, and how it is shown.
fn figure(name: &str, exact: &str, shown: &str) -> Markup {
    html! { data data-figure=(name) value=(exact) { (shown) } }
}

/// A row of figures with a word each.
fn facts(facts: &[(&str, Markup)]) -> Markup {
    html! { dl.facts { @for (word, figure) in facts { div { dt { (word) } dd { (figure) } } } } }
}

/// `a`, `a and b`, `a, b and c`.
fn sentence(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}
