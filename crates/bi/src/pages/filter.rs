//! Filters that a visual keeps, whatever is chosen elsewhere on the page.

use serde_json::{Value, json};

use super::field::Field;
use super::format::quoted;
use crate::id;

/// A condition on one column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filter {
    table: &'static str,
    name: &'static str,
    condition: Condition,
}

#[derive(Debug, Clone, Copy)]
enum Condition {
    Is(&'static str),
    IsTrue,
    Within(u32, u32),
}

/// The column has this text.
pub(super) const fn is(table: &'static str, name: &'static str, text: &'static str) -> Filter {
    Filter { table, name, condition: Condition::Is(text) }
}

/// The column is true.
pub(super) const fn is_true(table: &'static str, name: &'static str) -> Filter {
    Filter { table, name, condition: Condition::IsTrue }
}

/// The column is one of these numbers or between them.
pub(super) const fn within(table: &'static str, name: &'static str, least: u32, most: u32) -> Filter {
    Filter { table, name, condition: Condition::Within(least, most) }
}

impl Filter {
    pub(super) fn field(self) -> Field {
        Field::Column { table: self.table, name: self.name }
    }

    /// The filter of the visual at `path`, which makes its name unique in the report. Within the condition the table goes
    /// by an alias: Power BI refuses its name there.
    pub(super) fn json(self, path: &str) -> Value {
        let column = json!({"Column": {"Expression": {"SourceRef": {"Source": "t"}}, "Property": self.name}});
        let (kind, condition) = match self.condition {
            Condition::Is(text) => ("Categorical", one_of(&column, &quoted(text))),
            Condition::IsTrue => ("Categorical", one_of(&column, "true")),
            Condition::Within(least, most) => ("Advanced", between(&column, least, most)),
        };
        json!({
            "name": format!("Filter{}", id::short(&format!("{path}/{}.{}", self.table, self.name))),
            "field": self.field().expression(),
            "type": kind,
            "filter": {
                "Version": 2,
                "From": [{"Name": "t", "Entity": self.table, "Type": 0}],
                "Where": [{"Condition": condition}],
            },
            "howCreated": "User",
        })
    }
}

fn one_of(column: &Value, literal: &str) -> Value {
    json!({"In": {"Expressions": [column], "Values": [[{"Literal": {"Value": literal}}]]}})
}

/// Kind 2 of a comparison is "at least", kind 4 "at most".
fn between(column: &Value, least: u32, most: u32) -> Value {
    let compare = |kind: u32, limit: u32| {
        json!({"Comparison": {
            "ComparisonKind": kind,
            "Left": column,
            "Right": {"Literal": {"Value": format!("{limit}L")}},
        }})
    };
    json!({"And": {"Left": compare(2, least), "Right": compare(4, most)}})
}
