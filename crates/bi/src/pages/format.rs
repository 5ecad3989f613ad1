//! Formatting properties: literals in Power BI's own notation, and the objects that carry them.

use serde_json::{Map, Value, json};

/// Text stands in single quotes, and a quote inside is doubled.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn literal(value: &str) -> Value {
    json!({"expr": {"Literal": {"Value": value}}})
}

pub(super) fn text(text: &str) -> Value {
    literal(&quoted(text))
}

pub(super) fn flag(flag: bool) -> Value {
    literal(if flag { "true" } else { "false" })
}

/// A size in points.
pub(super) fn size(points: u32) -> Value {
    literal(&format!("{points}D"))
}

/// A whole number, such as a count of cards or one of a list of choices.
pub(super) fn whole(number: u32) -> Value {
    literal(&format!("{number}L"))
}

/// Properties for the whole visual.
pub(super) fn object<const N: usize>(properties: [(&str, Value); N]) -> Value {
    json!({"properties": named(properties)})
}

/// Properties for the part that `selector` picks.
pub(super) fn object_for<const N: usize>(selector: &Value, properties: [(&str, Value); N]) -> Value {
    json!({"properties": named(properties), "selector": selector})
}

/// Several objects or properties by their names, in this order.
pub(super) fn named<'a>(parts: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::Object(parts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}
