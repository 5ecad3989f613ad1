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
    AtMost(u32),
}

/// The column has this text.
pub(super) const fn is(table: &'static str, name: &'static str, text: &'static str) -> Filter {
    Filter { table, name, condition: Condition::Is(text) }
}

/// The column is true.
pub(super) const fn is_true(table: &'static str, name: &'static str) -> Filter {
    Filter { table, name, condition: Condition::IsTrue }
}

/// The column is no larger than this.
pub(super) const fn at_most(table: &'static str, name: &'static str, limit: u32) -> Filter {
    Filter { table, name, condition: Condition::AtMost(limit) }
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
            Condition::AtMost(limit) => ("Advanced", at_most_condition(&column, limit)),
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

/// Kind 4 of a comparison is "less than or equal".
fn at_most_condition(column: &Value, limit: u32) -> Value {
    json!({"Comparison": {"ComparisonKind": 4, "Left": column, "Right": {"Literal": {"Value": format!("{limit}L")}}}})
}
