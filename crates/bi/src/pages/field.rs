//! What a visual can show of the model.

use serde_json::{Value, json};

use super::format::named;

/// The table of the model that holds the measures.
pub const MEASURES_TABLE: &str = "Key measures";

/// A part of the model, by its names there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    Column { table: &'static str, name: &'static str },
    Measure(&'static str),
}

impl Field {
    /// The reference by which formatting and sorting find the field again within its visual.
    pub fn query_ref(self) -> String {
        match self {
            Self::Column { table, name } => format!("{table}.{name}"),
            Self::Measure(name) => format!("{MEASURES_TABLE}.{name}"),
        }
    }

    pub(super) fn expression(self) -> Value {
        match self {
            Self::Column { table, name } => json!({"Column": {"Expression": entity(table), "Property": name}}),
            Self::Measure(name) => json!({"Measure": {"Expression": entity(MEASURES_TABLE), "Property": name}}),
        }
    }

    /// The field under a heading of its own.
    pub(super) fn called(self, heading: &'static str) -> Shown {
        Shown { field: self, heading: Some(heading) }
    }

    /// The name alone, which is the heading where no other is given.
    fn name(self) -> &'static str {
        match self {
            Self::Column { name, .. } | Self::Measure(name) => name,
        }
    }
}

fn entity(table: &str) -> Value {
    json!({"SourceRef": {"Entity": table}})
}

/// A field in a visual.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    pub(super) field: Field,
    /// The model's own name is shown where there is none.
    heading: Option<&'static str>,
}

impl From<Field> for Shown {
    fn from(field: Field) -> Self {
        Self { field, heading: None }
    }
}

impl Shown {
    /// The field in a role of a visual. `active` marks what the axis or the rows are grouped by.
    pub(super) fn projection(self, active: bool) -> Value {
        let mut parts = vec![
            ("field", self.field.expression()),
            ("queryRef", json!(self.field.query_ref())),
            ("nativeQueryRef", json!(self.field.name())),
        ];
        if let Some(heading) = self.heading {
            parts.push(("displayName", json!(heading)));
        }
        if active {
            parts.push(("active", json!(true)));
        }
        named(parts)
    }
}

pub(super) const fn column(table: &'static str, name: &'static str) -> Field {
    Field::Column { table, name }
}

pub(super) const fn measure(name: &'static str) -> Field {
    Field::Measure(name)
}
