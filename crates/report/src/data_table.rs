//! Tables of figures: plain without a script, sorted and filtered with one.

use maud::{Markup, html};

use crate::figures::{self, Money};

/// From this many rows on, a table scrolls in a box of its own and has a field to filter by.
const LONG: usize = 12;

/// Text of so many characters stays on one line.
const SHORT: usize = 26;

/// A cell: what is seen, and what it is sorted by where that differs.
pub(crate) struct Cell {
    shown: Markup,
    exact: Option<String>,
    /// So little text that it may stay on one line.
    is_short: bool,
}

pub(crate) fn text(text: &str) -> Cell {
    Cell { shown: html! { (text) }, exact: None, is_short: text.chars().count() <= SHORT }
}

pub(crate) fn markup(shown: Markup, exact: impl Into<String>) -> Cell {
    Cell { shown, exact: Some(exact.into()), is_short: false }
}

pub(crate) fn count(number: i64) -> Cell {
    markup(html! { (figures::count(number)) }, number.to_string())
}

pub(crate) fn money(amount: Option<Money>) -> Cell {
    amount.map_or_else(none, |amount| markup(html! { (amount.shown()) }, amount.exact()))
}

pub(crate) fn percent(share: Option<f64>) -> Cell {
    share.map_or_else(none, |share| markup(html! { (figures::percent(share, 1)) }, share.to_string()))
}

pub(crate) fn number(number: Option<f64>, places: usize) -> Cell {
    number.map_or_else(none, |number| markup(html! { (figures::number(number, places)) }, number.to_string()))
}

/// A share with a bar of its length, relative to the longest.
pub(crate) fn bar(share: Option<f64>, longest: f64) -> Cell {
    let Some(share) = share else { return none() };
    let length = if longest > 0.0 { (share / longest).clamp(0.0, 1.0) * 100.0 } else { 0.0 };
    let shown = html! { span.bar-cell { span.track { span.bar style={ "width:" (format!("{length:.1}")) "%" } {} } span { (figures::percent(share, 1)) } } };
    markup(shown, share.to_string())
}

pub(crate) fn none() -> Cell {
    markup(html! { span.faint { "–" } }, "")
}

/// How a column stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum As {
    Text,
    Number,
}

pub(crate) struct DataTable {
    pub caption: String,
    pub columns: Vec<(&'static str, As)>,
    pub rows: Vec<Vec<Cell>>,
}

impl DataTable {
    pub fn new(caption: impl Into<String>, columns: &[(&'static str, As)]) -> Self {
        Self { caption: caption.into(), columns: columns.to_vec(), rows: Vec::new() }
    }

    pub fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    pub fn markup(&self) -> Markup {
        let is_long = self.rows.len() > LONG;
        html! {
            div.table data-filter[is_long] {
                div.scroll.tall[is_long] tabindex="0" role="region" aria-label=(self.caption) { table.sortable {
                    caption.hidden { (self.caption) }
                    thead { tr { @for (title, kind) in &self.columns { th.n[*kind == As::Number] scope="col" { (title) } } } }
                    tbody { @for row in &self.rows { tr { @for (at, (cell, (_, kind))) in row.iter().zip(&self.columns).enumerate() {
                        @if at == 0 && *kind == As::Text { th.short[cell.is_short] scope="row" data-value=[cell.exact.as_ref()] { (cell.shown) } }
                        @else { td.n[*kind == As::Number].short[cell.is_short] data-value=[cell.exact.as_ref()] { (cell.shown) } }
                    } } } }
                } }
            }
        }
    }
}
