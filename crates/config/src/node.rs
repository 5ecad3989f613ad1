//! The YAML as a tree in which every key and value knows where it stands.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::Spanned;
use serde_yaml::budget::BudgetBreach;

use crate::problem::Problem;

/// Bytes of a file; pipelines have a few thousand.
pub(crate) const MAX_BYTES: u64 = 1 << 20;

/// Levels of nesting; a pipeline has seven.
const MAX_DEPTH: usize = 32;

/// Keys and values of a file, aliases filled in.
const MAX_NODES: usize = 50_000;

/// Line and column, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct At {
    pub line: u64,
    pub column: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub at: At,
    pub value: Value,
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub at: At,
    pub name: String,
}

/// A file and its tree.
#[derive(Debug)]
pub(crate) struct Document {
    pub file: String,
    pub text: String,
    pub root: Node,
}

impl Document {
    /// Parses a file's text; what YAML itself forbids is one problem, because nothing after it can be trusted.
    pub fn parse(file: &str, text: String) -> Result<Self, Problem> {
        let text = text.strip_prefix('\u{FEFF}').map(str::to_owned).unwrap_or(text);
        let options = serde_yaml::options! {
            with_snippet: false,
            // `off` is a word of this format, and `no` the code of a country.
            strict_booleans: true,
            // Keys that stand twice come through, so that all of them are reported, with the other problems.
            duplicate_keys: serde_yaml::DuplicateKeyPolicy::PassThrough,
            budget: serde_yaml::budget! { max_depth: MAX_DEPTH, max_nodes: MAX_NODES, max_aliases: 1_000, max_anchors: 200, max_documents: 1 },
        };
        let parsed: Result<Spanned<Value>, _> = serde_yaml::from_str_with_options(&text, options);
        match parsed {
            Ok(root) => {
                let at = at(&root);
                Ok(Self { file: file.to_owned(), root: Node { at, value: root.value }, text })
            }
            Err(error) => {
                let place = error.location().map(|l| At { line: l.line(), column: l.column() }).unwrap_or_default();
                let (message, help) = explain(&error);
                Err(Problem::at(file, &text, place, &message, help))
            }
        }
    }

    pub fn problem(&self, at: At, message: impl Into<String>, help: impl Into<String>) -> Problem {
        Problem::at(&self.file, &self.text, at, &message.into(), &help.into())
    }

    /// Where a path stands: its value, or the deepest part of it that is there.
    pub fn at(&self, path: &[&str]) -> At {
        self.places(path).1
    }

    /// Where the key of a path stands.
    pub fn key_at(&self, path: &[&str]) -> At {
        self.places(path).0
    }

    fn places(&self, path: &[&str]) -> (At, At) {
        let mut node = &self.root;
        let mut places = (node.at, node.at);
        for step in path {
            let next = match &node.value {
                Value::Map(entries) => entries.iter().find(|(key, _)| key.name == *step).map(|(key, value)| (key.at, value)),
                Value::List(items) => step.parse::<usize>().ok().and_then(|i| items.get(i)).map(|n| (n.at, n)),
                _ => None,
            };
            let Some((key, value)) = next else { break };
            // Of a nested value the key says more than its first line.
            places = (key, if matches!(value.value, Value::Map(_) | Value::Null) { key } else { value.at });
            node = value;
        }
        places
    }
}

/// The parser's words, and what to do about them.
fn explain(error: &serde_yaml::Error) -> (String, &'static str) {
    let mut error = error.without_snippet();
    while let serde_yaml::Error::AliasError { error: inner, .. } = error {
        error = inner;
    }
    if let serde_yaml::Error::Budget { breach, .. } = error {
        return beyond(breach);
    }
    let message = error.to_string();
    let words = message.split(" at line ").next().unwrap_or(&message).trim();
    if words.to_lowercase().contains("tab") {
        return ("a tab stands where YAML wants spaces".to_owned(), "indent with spaces");
    }
    (format!("this is not YAML: {words}"), "look at the indentation, the brackets and the quotes around this place")
}

/// What a file does that no configuration does. It is refused while it is read, before it can grow.
fn beyond(breach: &BudgetBreach) -> (String, &'static str) {
    let help = "a configuration is small and flat; is this the right file?";
    match breach {
        BudgetBreach::Documents { .. } => {
            ("the file holds more than one YAML document".to_owned(), "`---` begins another one; a file holds one")
        }
        BudgetBreach::Depth { .. } => (format!("the file nests deeper than {MAX_DEPTH} levels"), help),
        BudgetBreach::Nodes { .. } | BudgetBreach::Events { .. } => (
            format!("the file grows beyond {MAX_NODES} values, its aliases filled in"),
            "write values out instead of repeating them by alias (`*name`)",
        ),
        _ => (
            "the file goes beyond the limits for anchors and aliases".to_owned(),
            "write values out instead of repeating them by alias (`*name`)",
        ),
    }
}

fn at<T>(spanned: &Spanned<T>) -> At {
    At { line: spanned.referenced.line(), column: spanned.referenced.column() }
}

impl Node {
    /// The same without places, for serde.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(b) => (*b).into(),
            Value::Integer(n) => (*n).into(),
            Value::Float(x) => (*x).into(),
            Value::Text(t) => t.clone().into(),
            Value::List(items) => items.iter().map(Node::to_json).collect(),
            Value::Map(entries) => {
                serde_json::Value::Object(entries.iter().map(|(key, value)| (key.name.clone(), value.to_json())).collect())
            }
        }
    }

    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Integer(_) => "a number",
            Value::Float(_) => "a decimal number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or_else(|_| Value::Text(value.to_string()), Value::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Spanned<Value>>()? {
            list.push(Node { at: at(&item), value: item.value });
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map: Vec<(Key, Node)> = Vec::new();
        while let Some(key) = entries.next_key::<Spanned<String>>()? {
            let value = entries.next_value::<Spanned<Value>>()?;
            map.push((Key { at: at(&key), name: key.value }, Node { at: at(&value), value: value.value }));
        }
        Ok(Value::Map(map))
    }
}
