//! Charts: figures that the page's script draws, and the same figures as a table for whoever does not see them drawn.

use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};
use serde_json::Value;

use crate::data_table::DataTable;

pub(crate) struct Chart {
    /// Which drawing of `charts.js` it is.
    pub kind: &'static str,
    pub title: &'static str,
    /// What the drawing shows, in a sentence, for a screen reader.
    pub says: String,
    /// Classes of colour and what they stand for.
    pub legend: &'static [(&'static str, &'static str)],
    pub data: Value,
    pub table: DataTable,
}

impl Chart {
    pub fn markup(&self) -> Markup {
        html! {
            figure.chart data-chart=(self.kind) {
                figcaption {
                    span.chart-title { (self.title) }
                    @if !self.legend.is_empty() { span.legend aria-hidden="true" {
                        @for (class, word) in self.legend { span { i.(class) {} (word) } }
                    } }
                }
                div.plot role="img" aria-label=(self.says) {}
                script type="application/json" { (PreEscaped(harmless(&self.data))) }
                details.figures { summary { "Figures of the chart as a table" } (self.table.markup()) }
            }
        }
    }
}

/// JSON that cannot end the script it stands in.
fn harmless(data: &Value) -> String {
    let text = data.to_string();
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(safe, "\\u{:04x}", u32::from(c));
            }
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_cannot_end_its_script() {
        let data = serde_json::json!({"name": "</script><!-- & \u{2028}"});
        let text = harmless(&data);
        assert!(!text.contains(['<', '>', '&', '\u{2028}']), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), data);
    }
}
