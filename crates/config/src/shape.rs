//! The tree against the JSON Schema of the raw types: every unknown key, missing key and value of the wrong kind, each
//! with its place. What passes here deserialises.

use serde_json::Value as Json;

use crate::node::{At, Document, Node, Value};
use crate::problem::{Problem, suggestion};

/// All problems of the document's shape, in the order of its lines.
pub(crate) fn problems(document: &Document, schema: &Json) -> Vec<Problem> {
    let mut walk = Walk { document, definitions: schema.get("$defs"), problems: Vec::new() };
    walk.node(&document.root, schema, "the file", document.root.at);
    walk.problems.sort_by_key(|p| (p.line, p.column));
    walk.problems
}

struct Walk<'a> {
    document: &'a Document,
    definitions: Option<&'a Json>,
    problems: Vec<Problem>,
}

impl<'a> Walk<'a> {
    fn say(&mut self, at: At, message: String, help: impl Into<String>) {
        self.problems.push(self.document.problem(at, message, help));
    }

    fn resolve(&self, schema: &'a Json) -> &'a Json {
        let name = schema.get("$ref").and_then(Json::as_str).and_then(|r| r.strip_prefix("#/$defs/"));
        name.and_then(|n| self.definitions?.get(n)).unwrap_or(schema)
    }

    /// `name` is what messages call the value; `key` is where its key stands.
    fn node(&mut self, node: &'a Node, schema: &'a Json, name: &str, key: At) {
        let schema = self.resolve(schema);
        if let Some(choices) = schema.get("anyOf").and_then(Json::as_array) {
            self.choice(node, choices, name, key);
            return;
        }
        let kinds = kinds(schema);
        if !kinds.is_empty() && !kinds.iter().any(|k| fits(k, &node.value)) {
            let wanted = kinds.iter().filter(|k| **k != "null").map(|k| word(k)).collect::<Vec<_>>().join(" or ");
            let help = match (&node.value, kinds.first()) {
                (Value::Integer(_) | Value::Float(_) | Value::Bool(_), Some(&"string")) => "put it in quotes",
                (Value::Null, _) => "give it a value, or leave the key out",
                _ => "",
            };
            let at = if matches!(node.value, Value::Null | Value::Map(_)) { key } else { node.at };
            self.say(at, format!("{name} must be {wanted}, not {}", node.kind()), help);
            return;
        }
        match &node.value {
            Value::Map(_) => self.map(node, schema, name, key),
            Value::List(items) => {
                if let Some(each) = schema.get("items") {
                    for item in items {
                        self.node(item, each, &format!("each item of {name}"), item.at);
                    }
                }
            }
            _ => self.scalar(node, schema, name),
        }
    }

    /// The alternative of the value's own kind says what is wrong with it.
    fn choice(&mut self, node: &'a Node, choices: &'a [Json], name: &str, key: At) {
        let fitting = choices.iter().map(|c| self.resolve(c)).find(|c| kinds(c).iter().any(|k| fits(k, &node.value)));
        if let Some(schema) = fitting {
            self.node(node, schema, name, key);
            return;
        }
        let wanted: Vec<&str> =
            choices.iter().flat_map(|c| kinds(self.resolve(c))).filter(|k| *k != "null").map(word).collect();
        let at = if matches!(node.value, Value::Null | Value::Map(_)) { key } else { node.at };
        self.say(at, format!("{name} must be {}, not {}", wanted.join(" or "), node.kind()), "");
    }

    fn map(&mut self, node: &'a Node, schema: &'a Json, name: &str, key: At) {
        let Value::Map(entries) = &node.value else { return };
        let properties = schema.get("properties").and_then(Json::as_object);
        let rest = schema.get("additionalProperties");
        for (own, value) in entries {
            if let Some(property) = properties.and_then(|p| p.get(&own.name)) {
                self.node(value, property, &format!("`{}`", own.name), own.at);
            } else if let Some(rest @ Json::Object(_)) = rest {
                self.node(value, rest, &format!("`{}`", own.name), own.at);
            } else if let Some(properties) = properties {
                let known = properties.keys().map(String::as_str).collect::<Vec<_>>();
                let place = if name == "the file" { String::new() } else { format!(" in {name}") };
                self.say(own.at, format!("unknown key `{}`{place}", own.name), suggestion(&own.name, known, "known keys"));
            }
        }
        for required in schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
            if !entries.iter().any(|(own, _)| own.name == required) {
                let help = properties.and_then(|p| p.get(required)).and_then(|p| self.resolve(p).get("description")).and_then(Json::as_str);
                let help = help.map(|h| h.lines().next().unwrap_or_default().to_owned()).unwrap_or_default();
                self.say(key, format!("{name} lacks the key `{required}`"), help);
            }
        }
    }

    fn scalar(&mut self, node: &'a Node, schema: &'a Json, name: &str) {
        let shown = match &node.value {
            Value::Text(text) => text.clone(),
            Value::Integer(number) => number.to_string(),
            _ => return,
        };
        if let Some(only) = schema.get("const") {
            if *only != node.to_json() {
                self.say(node.at, format!("{name} is {shown}, it must be {only}"), "this is the only version there is");
            }
            return;
        }
        let choices = enumeration(schema);
        if !choices.is_empty() && !choices.contains(&shown.as_str()) {
            self.say(node.at, format!("{name} cannot be `{shown}`"), suggestion(&shown, choices, "it can be"));
        }
        if let (Value::Integer(number), bounds) = (&node.value, bounds(schema)) {
            if bounds.0.is_some_and(|min| *number < min) || bounds.1.is_some_and(|max| *number > max) {
                let (min, max) = (bounds.0.unwrap_or_default(), bounds.1.unwrap_or(i64::MAX));
                self.say(node.at, format!("{name} is {shown}, it must be between {min} and {max}"), "");
            }
        }
        if let Value::Text(text) = &node.value {
            let length = text.chars().count() as u64;
            if schema.get("minLength").and_then(Json::as_u64).is_some_and(|min| length < min) {
                self.say(node.at, format!("{name} is empty"), "");
            } else if schema.get("pattern").is_some() && !is_name(text) {
                self.say(node.at, format!("{name} is `{text}`"), "use small letters, digits, `-` and `_`, beginning with a letter or a digit");
            }
        }
    }
}

/// The one pattern there is, of a pipeline's name.
fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.chars().count() <= 64 && text.starts_with(plain) && text.chars().all(|c| plain(c) || c == '-' || c == '_')
}

fn kinds(schema: &Json) -> Vec<&str> {
    match schema.get("type") {
        Some(Json::String(kind)) => vec![kind],
        Some(Json::Array(kinds)) => kinds.iter().filter_map(Json::as_str).collect(),
        // Enumerations with a description each stand as `oneOf` constants.
        _ if !enumeration(schema).is_empty() => vec!["string"],
        _ => Vec::new(),
    }
}

fn enumeration(schema: &Json) -> Vec<&str> {
    schema.get("enum").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect()
}

fn bounds(schema: &Json) -> (Option<i64>, Option<i64>) {
    (schema.get("minimum").and_then(Json::as_i64), schema.get("maximum").and_then(Json::as_i64))
}

fn fits(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => matches!(value, Value::Null),
        "boolean" => matches!(value, Value::Bool(_)),
        "integer" => matches!(value, Value::Integer(_)),
        "number" => matches!(value, Value::Integer(_) | Value::Float(_)),
        "string" => matches!(value, Value::Text(_)),
        "array" => matches!(value, Value::List(_)),
        "object" => matches!(value, Value::Map(_)),
        _ => false,
    }
}

fn word(kind: &str) -> &'static str {
    match kind {
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        "string" => "text",
        "array" => "a list",
        _ => "a mapping",
    }
}
