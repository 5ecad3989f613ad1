//! Writing a project into a folder that a person may have worked in.
//!
//! A list of what was written, with a hash of each file, lies beside the project. A file that differs from its hash was
//! edited by a person and is left alone.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Component, Path};
use std::{fs, io};

use serde_json::json;

use crate::id::hash;
use crate::{Error, ProjectFile};

/// The list of what was written.
const LEDGER: &str = ".consumer360.json";

/// What became of the files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// New or changed files.
    pub written: usize,
    /// Files that were there with the same bytes.
    pub unchanged: usize,
    /// Files of an earlier writing that the project no longer has.
    pub removed: usize,
}

/// Writes the project into `folder`, which is made where it is not there.
///
/// Nothing is written where a file of an earlier writing was edited, unless `force` says that edits may be lost. Files that
/// are not the project's are left alone. Each file is replaced in one step; the list comes last, so that a writing cut
/// short is taken up by the next.
pub fn write(folder: &Path, files: &[ProjectFile], force: bool) -> Result<Written, Error> {
    for file in files {
        within(&file.path)?;
    }
    let before = ledger(folder)?;
    let wanted: BTreeMap<&str, &str> = files.iter().map(|file| (file.path.as_str(), file.text.as_str())).collect();
    let mut present = BTreeMap::new();
    for path in before.keys().map(String::as_str).chain(wanted.keys().copied()) {
        if let Some(bytes) = read(&folder.join(path))? {
            present.insert(path, hash(&bytes));
        }
    }
    let edited: Vec<String> = present
        .iter()
        .filter(|(path, found)| {
            let as_wanted = wanted.get(*path).is_some_and(|text| hash(text.as_bytes()) == **found);
            before.get(**path) != Some(*found) && !as_wanted
        })
        .map(|(path, _)| (*path).to_owned())
        .collect();
    if !edited.is_empty() && !force {
        return Err(Error::Edited { folder: folder.to_owned(), files: edited });
    }

    let mut done = Written::default();
    for (path, text) in &wanted {
        if present.get(path) == Some(&hash(text.as_bytes())) {
            done.unchanged += 1;
        } else {
            replace(&folder.join(path), text.as_bytes())?;
            done.written += 1;
        }
    }
    for path in present.keys().filter(|path| !wanted.contains_key(**path)) {
        remove(folder, path)?;
        done.removed += 1;
    }
    let hashes: BTreeMap<_, _> = wanted.iter().map(|(path, text)| (*path, hash(text.as_bytes()))).collect();
    let text =
        format!("{:#}\n", json!({"note": "What was written here, by SHA-256; a file that differs was edited.", "files": hashes}));
    if read(&folder.join(LEDGER))?.as_deref() != Some(text.as_bytes()) {
        replace(&folder.join(LEDGER), text.as_bytes())?;
    }
    Ok(done)
}

/// What was written last, by path; nothing where no project was.
fn ledger(folder: &Path) -> Result<BTreeMap<String, String>, Error> {
    let path = folder.join(LEDGER);
    let Some(bytes) = read(&path)? else { return Ok(BTreeMap::new()) };
    let entries = serde_json::from_slice::<serde_json::Value>(&bytes).ok();
    let files = entries.as_ref().and_then(|value| value.get("files")).and_then(serde_json::Value::as_object);
    let Some(files) = files else { return Err(Error::Ledger { path }) };
    let mut known = BTreeMap::new();
    for (name, hash) in files {
        // The list lies in reach of everybody, and what it names may be removed.
        within(name)?;
        known.insert(name.clone(), hash.as_str().unwrap_or_default().to_owned());
    }
    Ok(known)
}

fn within(path: &str) -> Result<(), Error> {
    let inside = !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    if inside { Ok(()) } else { Err(Error::Outside { path: path.into() }) }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(source) => Err(Error::File { operation: "read", path: path.to_owned(), source }),
    }
}

fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let failed = |source| Error::File { operation: "write", path: path.to_owned(), source };
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    let mut builder = tempfile::Builder::new();
    // A temporary file is its owner's alone; the project is read by whom the folder lets in.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.prefix(".").tempfile_in(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Removes a file, and the folders that are empty without it.
fn remove(folder: &Path, path: &str) -> Result<(), Error> {
    let whole = folder.join(path);
    fs::remove_file(&whole).map_err(|source| Error::File { operation: "remove", path: whole.clone(), source })?;
    for above in whole.ancestors().skip(1).take_while(|above| *above != folder) {
        if fs::remove_dir(above).is_err() {
            break;
        }
    }
    Ok(())
}
