//! The committed JSON Schemas are those of the types, and every YAML of the repository fits them and loads.
//!
//! `UPDATE_GOLDEN=1 cargo test -p config` writes the schemas anew.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};

use config::{Environment, load, pipeline_schema, settings, settings_schema};
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn yaml_files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).into_iter().flatten();
    let mut files: Vec<PathBuf> =
        entries.map(|e| e.unwrap().path()).filter(|f| f.extension().is_some_and(|e| e == "yaml")).collect();
    files.sort();
    files
}

/// Stands for every variable that a file asks for.
fn environment() -> Environment<'static> {
    Environment { variable: &|_| Some("postgres://localhost/test".to_owned()), cores: 2 }
}

#[test]
fn committed_schemas_are_those_of_the_types() {
    for (name, schema) in [("pipeline", pipeline_schema()), ("settings", settings_schema())] {
        let path = root().join("config").join(format!("{name}.schema.json"));
        let generated = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, &generated).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == generated, "{} is stale: UPDATE_GOLDEN=1 cargo test -p config writes it anew", path.display());
    }
}

#[test]
fn every_key_of_a_schema_is_described() {
    fn walk(schema: &Value, path: &str, bare: &mut Vec<String>) {
        for (key, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let path = format!("{path}.{key}");
            if property.get("description").is_none() {
                bare.push(path.clone());
            }
            walk(property, &path, bare);
        }
        for (name, definition) in schema.get("$defs").and_then(Value::as_object).into_iter().flatten() {
            walk(definition, name, bare);
        }
    }
    let mut bare = Vec::new();
    walk(&pipeline_schema(), "pipeline", &mut bare);
    walk(&settings_schema(), "settings", &mut bare);
    assert!(bare.is_empty(), "without a description: {bare:?}");
}

#[test]
fn every_pipeline_fits_the_schema_and_loads() {
    let schema = jsonschema::validator_for(&pipeline_schema()).unwrap();
    let files = yaml_files("pipelines");
    for file in &files {
        let value: Value = serde_yaml::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let errors: Vec<String> = schema.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", file.display());
        if let Err(problems) = load(file, Some(&root().join("config")), None, &environment()) {
            panic!("{problems}");
        }
    }
    println!("{} pipelines fit the schema and load", files.len());
}

#[test]
fn every_settings_file_fits_the_schema_and_loads() {
    let schema = jsonschema::validator_for(&settings_schema()).unwrap();
    let files = yaml_files("config");
    for file in &files {
        let value: Value = serde_yaml::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let errors: Vec<String> = schema.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", file.display());
        let env = file.file_stem().unwrap().to_str().unwrap();
        if let Err(problems) = settings(Some(&root().join("config")), Some(env), &environment()) {
            panic!("{problems}");
        }
    }
    assert!(!files.is_empty(), "config/default.yaml is not there");
}

#[test]
fn the_default_file_states_every_key() {
    let value: Value = serde_yaml::from_str(&fs::read_to_string(root().join("config/default.yaml")).unwrap()).unwrap();
    let schema = settings_schema();
    for (key, property) in schema["properties"].as_object().unwrap() {
        let stated = value.get(key).unwrap_or_else(|| panic!("config/default.yaml lacks {key}"));
        let definition = property.get("$ref").and_then(Value::as_str).and_then(|r| r.rsplit('/').next());
        let inner = definition.and_then(|d| schema["$defs"][d]["properties"].as_object());
        for inner in inner.into_iter().flat_map(|p| p.keys()) {
            assert!(stated.get(inner).is_some(), "config/default.yaml lacks {key}.{inner}");
        }
    }
}
