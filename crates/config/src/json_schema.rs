//! The JSON Schemas of the files, made from the types they are read into.

use serde_json::Value as Json;

use crate::raw;

/// The JSON Schema of pipeline files.
pub fn pipeline_schema() -> Json {
    without_null(schemars::schema_for!(raw::Pipeline).to_value())
}

/// The JSON Schema of `config/*.yaml`.
pub fn settings_schema() -> Json {
    without_null(schemars::schema_for!(raw::Settings).to_value())
}

/// A key without a value is a slip (`where:` would read every row), so what may be left out may still not be null.
fn without_null(schema: Json) -> Json {
    match schema {
        Json::Object(mut object) => {
            for list in ["type", "enum", "anyOf"] {
                if let Some(Json::Array(items)) = object.get_mut(list) {
                    items.retain(|item| !item.is_null() && item != "null" && item.get("type").is_none_or(|t| t != "null"));
                }
            }
            for list in ["type", "anyOf"] {
                let Some([only]) = object.get(list).and_then(Json::as_array).map(Vec::as_slice) else { continue };
                let only = only.clone();
                object.shift_remove(list);
                match only {
                    Json::Object(inner) => object.extend(inner),
                    kind => drop(object.insert(list.to_owned(), kind)),
                }
            }
            // A default of null says no more than that the key may be left out.
            object.retain(|key, value| !(key == "default" && value.is_null()));
            Json::Object(object.into_iter().map(|(key, value)| (key, without_null(value))).collect())
        }
        Json::Array(items) => items.into_iter().map(without_null).collect(),
        other => other,
    }
}
