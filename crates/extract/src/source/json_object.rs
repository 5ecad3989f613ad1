//! One JSON object with its values as they are written.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Names and values. An object that has a name twice is refused: which of the two is meant, nobody can tell.
pub(super) struct Object<'a>(pub BTreeMap<String, &'a RawValue>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Once;
        impl<'de> Visitor<'de> for Once {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut values = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    if values.contains_key(&name) {
                        return Err(A::Error::custom(format!("it has `{name}` twice")));
                    }
                    values.insert(name, value);
                }
                Ok(Object(values))
            }
        }
        deserializer.deserialize_map(Once)
    }
}

impl Object<'_> {
    /// The text of each name's value, in the order of the names, or what is wrong with the first that has none.
    pub fn texts<'n>(&self, names: impl Iterator<Item = &'n str>) -> Result<Vec<Option<String>>, String> {
        names.map(|name| self.0.get(name).map_or(Ok(None), |value| text(value))).collect()
    }
}

/// A string without its quotes; a number, a truth value or a nested value as it is written; NULL for null.
fn text(value: &RawValue) -> Result<Option<String>, String> {
    let raw = value.get();
    match raw.as_bytes().first() {
        Some(b'"') => match serde_json::from_str::<String>(raw) {
            Ok(text) if text.contains('\0') => Err("holds a NUL character".to_owned()),
            Ok(text) => Ok(Some(text)),
            // Half of a pair of surrogates is JSON, and no text.
            Err(error) => Err(format!("holds a string that is no text: {error}")),
        },
        Some(b'n') => Ok(None),
        _ => Ok(Some(raw.to_owned())),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what is not there fails the test")]
mod tests {
    use super::*;

    #[test]
    fn values_are_as_they_are_written() {
        let object: Object<'_> = serde_json::from_str(r#"{"a": "x\u00e9", "b": 1.50, "c": null, "d": [1, {"e": 2}]}"#).unwrap();
        let texts = object.texts(["a", "b", "c", "d", "e"].into_iter()).unwrap();
        assert_eq!(texts, [Some("xé"), Some("1.50"), None, Some("[1, {\"e\": 2}]"), None].map(|t| t.map(str::to_owned)));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let twice = serde_json::from_str::<Object<'_>>(r#"{"a": 1, "a": 2}"#).err().unwrap().to_string();
        assert!(twice.contains("`a` twice"), "{twice}");
        for text in [r#"{"a": "\ud800"}"#, r#"{"a": "b\u0000"}"#] {
            let object: Object<'_> = serde_json::from_str(text).unwrap();
            assert!(object.texts(["a"].into_iter()).is_err(), "{text}");
        }
    }
}
