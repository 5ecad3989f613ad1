//! The kinds of visuals, each with what it needs to be of use.

use serde_json::{Value, json};

use super::{Role, Visual};
use crate::pages::field::{Field, Shown};
use crate::pages::format::{flag, named, object, object_for, size, text, whole};
use crate::pages::place::Place;
use crate::pages::theme::Ramp;

fn visual(kind: &'static str, key: &'static str, title: &'static str, alt: &'static str, place: Place) -> Visual {
    Visual {
        key,
        title,
        alt,
        place,
        kind,
        shows_title: true,
        framed: true,
        roles: Vec::new(),
        sort: None,
        objects: json!({}),
        filters: Vec::new(),
        group: None,
    }
}

fn grouping(name: &'static str, fields: Vec<Shown>) -> Role {
    Role { name, groups: true, fields }
}

fn values(name: &'static str, fields: Vec<Shown>) -> Role {
    Role { name, groups: false, fields }
}

/// The page's title over the question it answers.
pub(in crate::pages) fn heading(title: &'static str, question: &'static str, place: Place) -> Visual {
    let run = |value: &str, font: &str, size: &str| {
        json!({
            "textRuns": [{"value": value, "textStyle": {"fontFamily": font, "fontSize": size}}],
            "horizontalTextAlignment": "left",
        })
    };
    let paragraphs = json!([run(title, "Segoe UI Semibold", "20pt"), run(question, "Segoe UI", "11pt")]);
    Visual {
        shows_title: false,
        framed: false,
        objects: named([("general", json!([{"properties": {"paragraphs": paragraphs}}]))]),
        ..visual("textbox", "heading", title, question, place)
    }
}

/// A choice in the header of a page.
#[derive(Debug, Clone, Copy)]
pub(in crate::pages) struct Slicer {
    pub(in crate::pages) key: &'static str,
    pub(in crate::pages) title: &'static str,
    pub(in crate::pages) alt: &'static str,
    pub(in crate::pages) field: Field,
    /// Power BI's name for how one chooses.
    pub(in crate::pages) mode: &'static str,
    /// How many columns of the grid it takes.
    pub(in crate::pages) columns: u32,
    pub(in crate::pages) group: Option<&'static str>,
}

pub(in crate::pages) fn slicer(slicer: &Slicer, place: Place) -> Visual {
    Visual {
        shows_title: false,
        roles: vec![grouping("Values", vec![slicer.field.called(slicer.title)])],
        objects: named([
            ("data", json!([object([("mode", text(slicer.mode))])])),
            ("header", json!([object([("show", flag(true)), ("text", text(slicer.title))])])),
            // The header of a page has room for two boxes of dates, not for the slider under them.
            ("slider", json!([object([("show", flag(false))])])),
        ]),
        group: slicer.group,
        ..visual("slicer", slicer.key, slicer.title, slicer.alt, place)
    }
}

/// Figures side by side. All of them are shown at once, where Power BI would turn pages.
pub(in crate::pages) fn cards(
    key: &'static str,
    title: &'static str,
    alt: &'static str,
    place: Place,
    figures: Vec<Shown>,
) -> Visual {
    let all = json!({"id": "default"});
    let count = u32::try_from(figures.len()).unwrap_or(u32::MAX);
    Visual {
        roles: vec![values("Data", figures)],
        objects: named([
            ("layout", json!([object_for(&all, [("maxTiles", whole(count))])])),
            ("outline", json!([object_for(&all, [("show", flag(false))])])),
            ("value", json!([object_for(&all, [("fontSize", size(18)), ("textWrap", flag(true))])])),
            ("label", json!([object_for(&all, [("fontSize", size(10)), ("textWrap", flag(true))])])),
        ]),
        ..visual("cardVisual", key, title, alt, place)
    }
}

/// The charts that have one axis of groups and one of values.
#[derive(Debug, Clone, Copy)]
pub(in crate::pages) enum Chart {
    Line,
    Bars,
    Columns,
}

pub(in crate::pages) fn chart(
    kind: Chart,
    key: &'static str,
    title: &'static str,
    alt: &'static str,
    place: Place,
    axis: Shown,
    shown: Vec<Shown>,
) -> Visual {
    let (kind, objects) = match kind {
        Chart::Line => ("lineChart", named([("lineStyles", json!([object([("showMarker", flag(true))])]))])),
        Chart::Bars => ("clusteredBarChart", named([figures()])),
        Chart::Columns => ("clusteredColumnChart", named([figures(), one_place_a_group()])),
    };
    Visual { roles: vec![grouping("Category", vec![axis]), values("Y", shown)], objects, ..visual(kind, key, title, alt, place) }
}

/// The figure at each bar, so that nobody has to guess it from the axis.
fn figures() -> (&'static str, Value) {
    ("labels", json!([object([("show", flag(true))])]))
}

/// Groups that are numbers, such as deciles, would else stand on a scale.
fn one_place_a_group() -> (&'static str, Value) {
    ("categoryAxis", json!([object([("axisType", text("Categorical"))])]))
}

/// Rows of fields and measures.
pub(in crate::pages) fn table(
    key: &'static str,
    title: &'static str,
    alt: &'static str,
    place: Place,
    shown: Vec<Shown>,
) -> Visual {
    Visual {
        roles: vec![values("Values", shown)],
        objects: named([("columnHeaders", growing_columns()), ("total", json!([object([("totals", flag(false))])]))]),
        ..visual("tableEx", key, title, alt, place)
    }
}

/// Groups down the side, measures across.
pub(in crate::pages) fn matrix(
    key: &'static str,
    title: &'static str,
    alt: &'static str,
    place: Place,
    rows: Shown,
    shown: Vec<Shown>,
) -> Visual {
    Visual {
        roles: vec![grouping("Rows", vec![rows]), values("Values", shown)],
        objects: named([("columnHeaders", growing_columns()), ("subTotals", no_totals())]),
        ..visual("pivotTable", key, title, alt, place)
    }
}

/// A grid in which the colour of a cell follows its value.
pub(in crate::pages) fn heat_map(
    key: &'static str,
    title: &'static str,
    alt: &'static str,
    place: Place,
    [rows, columns, value]: [Shown; 3],
    ramp: Ramp,
) -> Visual {
    Visual {
        roles: vec![grouping("Rows", vec![rows]), grouping("Columns", vec![columns]), values("Values", vec![value])],
        objects: named([
            ("columnHeaders", growing_columns()),
            ("subTotals", no_totals()),
            ("values", json!([heat(value.field, ramp)])),
        ]),
        ..visual("pivotTable", key, title, alt, place)
    }
}

/// The colours stand bare in the gradient: Power BI takes neither an expression nor a colour of the theme there. The
/// selector has to name the field as the query does.
fn heat(field: Field, ramp: Ramp) -> Value {
    let stop = |colour: &str| json!({"color": {"Literal": {"Value": format!("'{colour}'")}}});
    let fill = json!({"solid": {"color": {"expr": {"FillRule": {
        "Input": {"SelectRef": {"ExpressionName": field.query_ref()}},
        "FillRule": {"linearGradient2": {
            "min": stop(ramp.low),
            "max": stop(ramp.high),
            "nullColoringStrategy": {"strategy": {"Literal": {"Value": "'noColor'"}}},
        }},
    }}}}});
    let cells = json!({"data": [{"dataViewWildcard": {"matchingOption": 1}}], "metadata": field.query_ref()});
    object_for(&cells, [("backColor", fill)])
}

fn growing_columns() -> Value {
    json!([object([("autoSizeColumnWidth", flag(true)), ("columnAdjustment", text("growToFit"))])])
}

fn no_totals() -> Value {
    json!([object([("rowSubtotals", flag(false)), ("columnSubtotals", flag(false))])])
}
