//! The tree against the JSON Schema of the raw types: every unknown key, missing key and value of the wrong kind, each
//! with its place. What passes here deserialises.

use serde_json::Value as Json;

use crate::node::{At, Document, Node, Value};
use crate::problem::{Problem, nearest, suggestion};

/// What messages call the root.
const FILE: &str = "the file";

/// All problems of the document's shape, in the order of its lines.
pub(crate) fn problems(document: &Document, schema: &Json) -> Vec<Problem> {
    let mut walk = Walk { document, definitions: schema.get("$defs"), problems: Vec::new() };
    walk.node(&document.root, schema, FILE, document.root.at);
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

    /// What a value may be one of, with alternatives inside alternatives laid out flat.
    fn alternatives(&self, schema: &'a Json) -> Vec<&'a Json> {
        let mut flat = Vec::new();
        for choice in schema.get("anyOf").and_then(Json::as_array).into_iter().flatten() {
            let choice = self.resolve(choice);
            match self.alternatives(choice) {
                inner if inner.is_empty() => flat.push(choice),
                inner => flat.extend(inner),
            }
        }
        flat
    }

    /// `name` is what messages call the value; `key` is where its key stands.
    fn node(&mut self, node: &'a Node, schema: &'a Json, name: &str, key: At) {
        let schema = self.resolve(schema);
        let choices = self.alternatives(schema);
        if !choices.is_empty() {
            self.choice(node, &choices, name, key);
            return;
        }
        let kinds = kinds(schema);
        if !kinds.is_empty() && !kinds.iter().any(|k| fits(k, &node.value)) {
            self.misfit(node, &kinds, name, key);
            return;
        }
        match &node.value {
            Value::Map(_) => self.map(node, schema, name, key),
            Value::List(items) => {
                if let Some(each) = schema.get("items") {
                    for item in items {
                        self.node(item, each, &format!("an item of {name}"), item.at);
                    }
                }
            }
            _ => self.scalar(node, schema, name),
        }
    }

    /// The alternative of the value's own kind says what is wrong with it.
    fn choice(&mut self, node: &'a Node, choices: &[&'a Json], name: &str, key: At) {
        let fitting = choices.iter().find(|c| kinds(c).iter().any(|k| fits(k, &node.value)));
        if let Some(schema) = fitting {
            self.node(node, schema, name, key);
            return;
        }
        let kinds: Vec<&str> = choices.iter().flat_map(|c| kinds(c)).collect();
        self.misfit(node, &kinds, name, key);
    }

    /// A value of another kind than the schema wants.
    fn misfit(&mut self, node: &'a Node, kinds: &[&str], name: &str, key: At) {
        let wanted = kinds.iter().map(|k| word(k)).collect::<Vec<_>>().join(" or ");
        if name == FILE && matches!(node.value, Value::Null) {
            let problem = Problem::whole(
                &self.document.file,
                "the file is empty",
                "it must hold keys and values, beginning with `version: 1`",
            );
            self.problems.push(problem);
            return;
        }
        let help = match &node.value {
            Value::Null => "give it a value, or leave it out",
            Value::Integer(_) | Value::Float(_) | Value::Bool(_) if kinds.contains(&"string") => "put it in quotes",
            Value::Text(_) | Value::Integer(_) | Value::Float(_) if kinds == ["array"] => "put it in brackets: [ ]",
            Value::Text(_) if kinds == ["boolean"] => "write true or false, without quotes",
            Value::Text(_) if kinds == ["integer"] => "write digits alone, without quotes",
            _ if kinds == ["object"] => "write it as `key: value` lines",
            _ => "",
        };
        let at = if matches!(node.value, Value::Null | Value::Map(_)) { key } else { node.at };
        self.say(at, format!("{name} must be {wanted}, not {}", node.kind()), help);
    }

    fn map(&mut self, node: &'a Node, schema: &'a Json, name: &str, key: At) {
        let Value::Map(entries) = &node.value else { return };
        let properties = schema.get("properties").and_then(Json::as_object);
        let rest = schema.get("additionalProperties");
        let known: Vec<&str> = properties.into_iter().flat_map(|p| p.keys().map(String::as_str)).collect();
        let mut meant = Vec::new();
        for (index, (own, value)) in entries.iter().enumerate() {
            if let Some((first, _)) = entries.iter().take(index).find(|(earlier, _)| earlier.name == own.name) {
                self.say(
                    own.at,
                    format!("the key `{}` stands twice in {name}", own.name),
                    format!("the other is in line {}; remove one of the two", first.at.line),
                );
            }
            if let Some(property) = properties.and_then(|p| p.get(&own.name)) {
                self.node(value, property, &format!("`{}`", own.name), own.at);
            } else if let Some(rest @ Json::Object(_)) = rest {
                self.node(value, rest, &format!("`{}`", own.name), own.at);
            } else if properties.is_some() {
                let place = if name == FILE { String::new() } else { format!(" in {name}") };
                self.say(
                    own.at,
                    format!("unknown key `{}`{place}", own.name),
                    suggestion(&own.name, known.clone(), "known keys"),
                );
                meant.extend(nearest(&own.name, known.clone()));
            }
        }
        for required in schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
            // A key that is misspelt is not missing as well.
            if !meant.contains(&required) && !entries.iter().any(|(own, _)| own.name == required) {
                let property = properties.and_then(|p| p.get(required)).unwrap_or(&Json::Null);
                self.missing(required, property, name, key);
            }
        }
    }

    fn missing(&mut self, required: &str, property: &'a Json, name: &str, key: At) {
        let described = [property, self.resolve(property)].into_iter().find_map(|p| p.get("description").and_then(Json::as_str));
        let help = match (enumeration(self.resolve(property)), described) {
            (choices, _) if !choices.is_empty() => format!("it can be: {}", choices.join(", ")),
            (_, Some(text)) => format!("add `{required}:` ({})", text.lines().next().unwrap_or_default().trim_end_matches('.')),
            _ => String::new(),
        };
        let message = format!("{name} lacks the key `{required}`");
        if name == FILE {
            self.problems.push(Problem::whole(&self.document.file, message, help));
        } else {
            self.say(key, message, help);
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
                self.say(node.at, format!("{name} is {shown}, it must be {only}"), "this program reads version 1 of the format");
            }
            return;
        }
        let choices = enumeration(schema);
        if !choices.is_empty() && !choices.contains(&shown.as_str()) {
            self.say(node.at, format!("{name} cannot be `{shown}`"), suggestion(&shown, choices, "it can be"));
        }
        if let (Value::Integer(number), bounds) = (&node.value, bounds(schema))
            && (bounds.0.is_some_and(|min| *number < min) || bounds.1.is_some_and(|max| *number > max))
        {
            let (min, max) = (bounds.0.unwrap_or_default(), bounds.1.unwrap_or(i64::MAX));
            let described = schema.get("description").and_then(Json::as_str).unwrap_or_default();
            self.say(
                node.at,
                format!("{name} is {shown}, it must be between {min} and {max}"),
                described.lines().next().unwrap_or_default(),
            );
        }
        if let Value::Text(text) = &node.value {
            let length = text.chars().count() as u64;
            if schema.get("minLength").and_then(Json::as_u64).is_some_and(|min| length < min) {
                self.say(node.at, format!("{name} is empty"), "give it a value, or leave the key out");
            } else if schema.get("pattern").is_some() && !is_name(text) {
                self.say(
                    node.at,
                    format!("{name} cannot be `{text}`"),
                    "use at most 64 small letters, digits, `-` and `_`, such as superstore-weekly",
                );
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
