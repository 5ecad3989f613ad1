//! The colours and type of the report.
//!
//! Text has a contrast of at least 4.5 to 1 on whatever it stands on, marks of a chart 3 to 1, and colours of data keep apart
//! for the common kinds of colour blindness. The tests compute all three.

use serde_json::{Value, json};

use crate::id;

const SCHEMA: &str = "https://raw.githubusercontent.com/microsoft/powerbi-desktop-samples/main/Report%20Theme%20JSON%20Schema/reportThemeSchema-2.152.json";

/// Colours of data series, in the order of their use.
pub const DATA_COLOURS: [&str; 6] = ["#1D4F91", "#D9590B", "#00919F", "#B050D8", "#702800", "#85855F"];
/// Text, and what it stands on.
pub const TEXT: &str = "#1B2733";
pub const QUIET_TEXT: &str = "#4D5864";
pub const SURFACE: &str = "#FFFFFF";
pub const PAGE: &str = "#F4F6F9";
const LINE: &str = "#D5DBE3";

/// The colours of a heat map, from the least value to the largest. Both leave the text readable.
#[derive(Debug, Clone, Copy)]
pub struct Ramp {
    pub low: &'static str,
    pub high: &'static str,
}

pub const BLUES: Ramp = Ramp { low: "#EDF3FB", high: "#74A9E0" };
pub const ORANGES: Ramp = Ramp { low: "#FEF3E7", high: "#F0A058" };

/// The file of the theme.
pub(super) struct Theme {
    pub(super) name: String,
    pub(super) content: Value,
}

/// Power BI keeps themes by their name, so the name changes with the content.
pub(super) fn theme() -> Theme {
    let mut digest = id::short(&content("").to_string());
    digest.truncate(8);
    let name = format!("Consumer360-{digest}.json");
    Theme { content: content(&name), name }
}

fn content(name: &str) -> Value {
    json!({
        "$schema": SCHEMA,
        "name": name,
        "dataColors": DATA_COLOURS,
        "good": "#00717D",
        "neutral": "#85855F",
        "bad": "#B3470A",
        "maximum": BLUES.high,
        "center": "#B1CEED",
        "minimum": BLUES.low,
        "foreground": TEXT,
        "foregroundNeutralSecondary": QUIET_TEXT,
        "background": SURFACE,
        "backgroundLight": PAGE,
        "tableAccent": "#1D4F91",
        "textClasses": text_classes(),
        "visualStyles": {"*": {"*": every_visual()}, "page": {"*": page()}},
    })
}

fn text_classes() -> Value {
    json!({
        "label": {"fontFace": "Segoe UI", "fontSize": 10, "color": TEXT},
        "title": {"fontFace": "Segoe UI Semibold", "fontSize": 12, "color": TEXT},
        "callout": {"fontFace": "Segoe UI Semibold", "fontSize": 20, "color": TEXT},
        "header": {"fontFace": "Segoe UI Semibold", "fontSize": 11, "color": TEXT},
    })
}

fn every_visual() -> Value {
    json!({
        "padding": [{"top": 8, "bottom": 8, "left": 8, "right": 8}],
        "background": [{"show": true, "color": {"solid": {"color": SURFACE}}, "transparency": 0}],
        "border": [{"show": true, "color": {"solid": {"color": LINE}}, "radius": 6}],
        "title": [{"fontColor": {"solid": {"color": TEXT}}, "fontSize": 12, "fontFamily": "Segoe UI Semibold"}],
    })
}

fn page() -> Value {
    json!({"background": [{"color": {"solid": {"color": PAGE}}, "transparency": 0}]})
}
