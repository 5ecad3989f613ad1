//! Reading the files.

use std::path::Path;
use std::rc::Rc;

use serde::de::DeserializeOwned;

use crate::check::{self, Check, Shared};
use crate::json_schema::{pipeline_schema, settings_schema};
use crate::node::{At, Document, MAX_BYTES, Value};
use crate::pipeline::{Pipeline, Settings};
use crate::problem::{Problem, Problems, suggestion};
use crate::roots::Roots;
use crate::{raw, shape};

/// The defaults, compiled in so that the binary needs no other file.
const DEFAULTS: &str = include_str!("../../../config/default.yaml");
const DEFAULTS_NAME: &str = "config/default.yaml";

/// What the files may ask of the machine. It enters as an argument, so that equal arguments give equal settings.
pub struct Environment<'a> {
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    pub cores: usize,
}

impl Environment<'_> {
    /// The environment of this process.
    pub fn process() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { variable: &|name| std::env::var(name).ok(), cores }
    }
}

/// Reads a pipeline file and the settings it runs under.
///
/// `config_dir` holds `default.yaml`, which may be absent, and `<env>.yaml`, which must be there if `env` names it.
pub fn load(
    file: &Path,
    config_dir: Option<&Path>,
    env: Option<&str>,
    environment: &Environment<'_>,
) -> Result<(Pipeline, Settings), Problems> {
    let mut problems = Vec::new();
    let (settings, shared) = match layers(config_dir, env, environment) {
        Ok((settings, shared)) => (Some(settings), Some(shared)),
        Err(found) => {
            problems.extend(found.0);
            (None, None)
        }
    };
    let roots = settings.as_ref().map(|settings| settings.engine.limits.roots.clone()).unwrap_or_default();
    let pipeline =
        match read_pipeline(file).and_then(|document| checked_pipeline(&document, shared.as_ref(), &roots, environment)) {
            Ok(pipeline) => Some(pipeline),
            Err(found) => {
                problems.extend(found.0);
                None
            }
        };
    match (pipeline, settings) {
        (Some(pipeline), Some(settings)) => Ok((pipeline, settings)),
        _ => Err(Problems(problems)),
    }
}

/// Reads the settings alone.
pub fn settings(config_dir: Option<&Path>, env: Option<&str>, environment: &Environment<'_>) -> Result<Settings, Problems> {
    layers(config_dir, env, environment).map(|(settings, _)| settings)
}

fn checked_pipeline(
    document: &Document,
    shared: Option<&Shared>,
    roots: &Roots,
    environment: &Environment<'_>,
) -> Result<Pipeline, Problems> {
    let raw: raw::Pipeline = shaped(document, &pipeline_schema())?;
    let mut check = Check { document, environment, roots, is_shared: false, problems: Vec::new() };
    let pipeline = check::pipeline(&mut check, raw, shared);
    finished(check, pipeline)
}

type Layers = (Settings, Shared);

fn layers(config_dir: Option<&Path>, env: Option<&str>, environment: &Environment<'_>) -> Result<Layers, Problems> {
    let mut below = layer(Document::parse(DEFAULTS_NAME, DEFAULTS.to_owned())?, None, environment)?;
    // An environment that is named must never be passed over in silence.
    let Some(folder) = config_dir.or(env.map(|_| Path::new("config"))) else { return Ok(below) };
    let default = folder.join("default.yaml");
    if default.is_file() {
        below = layer(read(&default)?, Some(below), environment)?;
    }
    if let Some(env) = env {
        let path = folder.join(format!("{env}.yaml"));
        if !path.is_file() {
            let there = yaml_names(folder);
            let names: Vec<&str> = there.iter().map(String::as_str).filter(|n| *n != "default").collect();
            return Err(Problem::whole(
                &shown(&path),
                format!("there is no environment `{env}`"),
                suggestion(env, names, "environments"),
            )
            .into());
        }
        below = layer(read(&path)?, Some(below), environment)?;
    }
    Ok(below)
}

fn layer(mut document: Document, below: Option<Layers>, environment: &Environment<'_>) -> Result<Layers, Problems> {
    // An environment without differences is a file of comments.
    if matches!(document.root.value, Value::Null) {
        document.root.value = Value::Map(Vec::new());
    }
    let document = Rc::new(document);
    let raw: raw::Settings = shaped(&document, &settings_schema())?;
    let roots = Roots::default();
    let mut check = Check { document: &document, environment, roots: &roots, is_shared: true, problems: Vec::new() };
    let settings = check::settings(&mut check, raw, below, &document);
    finished(check, settings)
}

/// The raw value of a document of the right shape.
fn shaped<T: DeserializeOwned>(document: &Document, schema: &serde_json::Value) -> Result<T, Problems> {
    let problems = shape::problems(document, schema);
    if !problems.is_empty() {
        return Err(Problems(problems));
    }
    // What has the shape of the schema deserialises; should the two ever differ, serde's own words come through.
    serde_json::from_value(document.root.to_json()).map_err(|e| document.problem(document.root.at, e.to_string(), "").into())
}

fn finished<T>(mut check: Check<'_>, value: Option<T>) -> Result<T, Problems> {
    // Problems of connections in other files come behind those of the file itself.
    let file = &check.document.file;
    check
        .problems
        .sort_by(|a, b| (a.file != *file, &a.file, a.line, a.column).cmp(&(b.file != *file, &b.file, b.line, b.column)));
    match value {
        Some(value) if check.problems.is_empty() => Ok(value),
        _ => Err(Problems(check.problems)),
    }
}

fn read_pipeline(path: &Path) -> Result<Document, Problems> {
    if !path.is_file() {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let there: Vec<String> = yaml_names(folder).iter().map(|n| shown(&folder.join(format!("{n}.yaml")))).collect();
        let names: Vec<&str> = there.iter().map(String::as_str).collect();
        let help = if names.is_empty() {
            "paths are relative to the working directory (-C DIR)".to_owned()
        } else {
            suggestion(&shown(path), names, "there are")
        };
        return Err(Problem::whole(&shown(path), "there is no such file", help).into());
    }
    read(path)
}

fn read(path: &Path) -> Result<Document, Problems> {
    let file = shown(path);
    let failed = |e: std::io::Error| Problems::from(Problem::whole(&file, format!("cannot read the file: {e}"), ""));
    if std::fs::metadata(path).map_err(failed)?.len() > MAX_BYTES {
        let message = format!("the file is larger than {} KiB", MAX_BYTES / 1024);
        return Err(Problem::whole(&file, message, "this can hardly be a configuration; is it a data file?").into());
    }
    let bytes = std::fs::read(path).map_err(failed)?;
    let text = String::from_utf8(bytes).map_err(|e| {
        let text = String::from_utf8_lossy(e.as_bytes());
        let sound = text.get(..e.utf8_error().valid_up_to()).unwrap_or_default();
        let line = sound.matches('\n').count() + 1;
        let column = sound.chars().rev().take_while(|c| *c != '\n').count() + 1;
        Problem::at(
            &file,
            &text,
            At { line: line as u64, column: column as u64 },
            "this byte is not UTF-8",
            "save the file as UTF-8",
        )
    })?;
    Ok(Document::parse(&file, text)?)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Names of the YAML files of a folder, sorted, without their ending.
fn yaml_names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.filter_map(|e| e.file_name().to_string_lossy().strip_suffix(".yaml").map(str::to_owned)).collect();
    names.sort();
    names
}
