//! Values that must never be shown, and the references that stand for them.

use std::fmt;
use std::fs::File;
use std::io::Read;

use secrecy::{ExposeSecret, SecretString};

use crate::load::Environment;

/// A resolved secret; it prints as `***`.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    pub fn new(value: String) -> Self {
        Self(SecretString::from(value))
    }

    /// With `${env:NAME}` and `${file:/path}` filled in. An error says what is missing and what to do, and holds no value.
    pub fn resolved(text: &str, environment: &Environment<'_>) -> Result<Self, String> {
        resolve(text, environment).map(Self::new).map_err(|(message, help)| format!("{message}; {help}"))
    }

    /// The value itself, for the one place that connects.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<&Secret> for SecretString {
    fn from(secret: &Secret) -> Self {
        secret.0.clone()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Fills in `${env:NAME}` and `${file:/path}`. The result is never parsed again, so a value cannot add keys.
///
/// An error is a message and what to do; neither holds a value.
pub(crate) fn resolve(text: &str, environment: &Environment<'_>) -> Result<String, (String, String)> {
    let mut resolved = String::new();
    for part in parts(text) {
        match part {
            Part::Text(text) => resolved.push_str(text),
            Part::Reference(reference) => resolved.push_str(&value(reference, environment)?),
            Part::Open => return Err(("`${` is never closed".to_owned(), "write ${env:NAME} or ${file:/path}".to_owned())),
        }
    }
    Ok(resolved)
}

/// The files that `${file:…}` names in a text.
pub(crate) fn files_of(text: &str) -> impl Iterator<Item = &str> {
    parts(text).into_iter().filter_map(|part| match part {
        Part::Reference(reference) => reference.strip_prefix("file:"),
        Part::Text(_) | Part::Open => None,
    })
}

enum Part<'t> {
    Text(&'t str),
    /// What stands between `${` and the next `}`.
    Reference(&'t str),
    /// `${` without an end.
    Open,
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once("${") {
        parts.push(Part::Text(before));
        let Some((reference, behind)) = after.split_once('}') else {
            parts.push(Part::Open);
            return parts;
        };
        parts.push(Part::Reference(reference));
        rest = behind;
    }
    parts.push(Part::Text(rest));
    parts
}

/// Bytes of a secret file; what is longer is another file, or endless.
const MAX_BYTES: u64 = 64 << 10;

fn read(path: &str) -> std::io::Result<String> {
    let mut text = String::new();
    let read = File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)? as u64;
    if read > MAX_BYTES {
        return Err(std::io::Error::other(format!("it is larger than {} KiB", MAX_BYTES / 1024)));
    }
    Ok(text)
}

fn value(reference: &str, environment: &Environment<'_>) -> Result<String, (String, String)> {
    match reference.split_once(':') {
        Some(("env", name)) => (environment.variable)(name).ok_or_else(|| {
            (
                format!("the environment variable {name} is not set"),
                format!("set {name} where this runs, or put the value in a file and write ${{file:/path}}"),
            )
        }),
        Some(("file", path)) => match read(path) {
            Ok(text) => Ok(text.trim_end_matches(['\n', '\r']).to_owned()),
            Err(error) => {
                Err((format!("the secret file {path} cannot be read: {error}"), "check the path and who may read it".to_owned()))
            }
        },
        _ => Err((format!("`${{{reference}}}` is neither ${{env:NAME}} nor ${{file:/path}}"), "use one of these two".to_owned())),
    }
}
