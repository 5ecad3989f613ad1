//! A visual: what it shows, where, and how Power BI has it written.

mod kinds;

use serde_json::{Value, json};

pub(super) use kinds::{Chart, Slicer, cards, chart, heading, heat_map, matrix, slicer, table};

use super::SCHEMAS;
use super::field::{Field, Shown};
use super::filter::Filter;
use super::format::{flag, named, object, size, text};
use super::place::Place;
use crate::id;

/// A part of a page.
#[derive(Debug, Clone)]
pub(super) struct Visual {
    /// Part of the identifiers: the title may change, this may not.
    pub(super) key: &'static str,
    pub(super) title: &'static str,
    /// What a screen reader says: what is to be seen, not how it looks.
    pub(super) alt: &'static str,
    pub(super) place: Place,
    /// Power BI's name for the kind.
    kind: &'static str,
    /// A text or a slicer says its title itself.
    shows_title: bool,
    /// A visual without a frame stands on the page itself.
    framed: bool,
    roles: Vec<Role>,
    sort: Option<Sort>,
    objects: Value,
    filters: Vec<Filter>,
    /// Slicers of one group keep one choice on all pages.
    group: Option<&'static str>,
}

/// The fields that a visual has in one of its wells.
#[derive(Debug, Clone)]
struct Role {
    name: &'static str,
    /// Whether the visual groups by these fields.
    groups: bool,
    fields: Vec<Shown>,
}

#[derive(Debug, Clone, Copy)]
struct Sort {
    field: Field,
    direction: &'static str,
}

impl Visual {
    /// The visual with a filter of its own.
    pub(super) fn only(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// The visual with its largest value of `field` first.
    pub(super) fn largest_first(mut self, field: Field) -> Self {
        self.sort = Some(Sort { field, direction: "Descending" });
        self
    }

    /// The visual in the order of `field`.
    pub(super) fn in_order_of(mut self, field: Field) -> Self {
        self.sort = Some(Sort { field, direction: "Ascending" });
        self
    }

    /// Everything of the model that the visual names.
    pub(super) fn fields(&self) -> Vec<Field> {
        let shown = self.roles.iter().flat_map(|role| role.fields.iter().map(|shown| shown.field));
        shown.chain(self.sort.map(|sort| sort.field)).chain(self.filters.iter().map(|filter| filter.field())).collect()
    }

    /// The content of `visual.json` for the visual at `path`, the `order`th to be reached with the tab key.
    pub(super) fn json(&self, path: &str, order: usize) -> Value {
        let order = order * 1000;
        let Place { x, y, width, height } = self.place;
        let mut parts = vec![
            ("$schema", json!(format!("{SCHEMAS}/definition/visualContainer/2.2.0/schema.json"))),
            ("name", json!(id::short(path))),
            ("position", json!({"x": x, "y": y, "z": order, "height": height, "width": width, "tabOrder": order})),
            ("visual", self.configuration()),
        ];
        if !self.filters.is_empty() {
            let filters: Vec<Value> = self.filters.iter().map(|filter| filter.json(path)).collect();
            parts.push(("filterConfig", json!({"filters": filters})));
        }
        named(parts)
    }

    fn configuration(&self) -> Value {
        let mut parts = vec![("visualType", json!(self.kind))];
        if !self.roles.is_empty() {
            parts.push(("query", self.query()));
        }
        parts.push(("objects", self.objects.clone()));
        parts.push(("visualContainerObjects", self.container()));
        if let Some(group) = self.group {
            parts.push(("syncGroup", json!({"groupName": group, "fieldChanges": true, "filterChanges": true})));
        }
        parts.push(("drillFilterOtherVisuals", json!(true)));
        named(parts)
    }

    fn query(&self) -> Value {
        let projections = |role: &Role| {
            let fields = role.fields.iter().map(|shown| shown.projection(role.groups));
            (role.name.to_owned(), json!({"projections": fields.collect::<Vec<_>>()}))
        };
        let mut parts = vec![("queryState", Value::Object(self.roles.iter().map(projections).collect()))];
        if let Some(Sort { field, direction }) = self.sort {
            let sort = json!([{"field": field.expression(), "direction": direction}]);
            parts.push(("sortDefinition", json!({"sort": sort, "isDefaultSort": false})));
        }
        named(parts)
    }

    /// What surrounds the visual. A visual with a container of its own does not take the theme's padding.
    fn container(&self) -> Value {
        let title = [("show", flag(self.shows_title)), ("text", text(self.title)), ("heading", text("Heading3"))];
        let padding = size(if self.framed { 8 } else { 0 });
        let sides = ["top", "bottom", "left", "right"].map(|side| (side, padding.clone()));
        let mut parts = vec![
            ("title", json!([object(title)])),
            ("general", json!([object([("altText", text(self.alt))])])),
            ("padding", json!([object(sides)])),
        ];
        if !self.framed {
            let absent = json!([object([("show", flag(false))])]);
            parts.extend([("background", absent.clone()), ("border", absent)]);
        }
        named(parts)
    }
}
