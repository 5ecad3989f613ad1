//! The local file system, with the steps a crash must not tear apart: nothing counts as written before it is on disk.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::manifest::hex;

/// Copies a file, brings it to disk, and reads it back; returns bytes and SHA-256.
pub(crate) fn copy_durably(from: &Path, to: &Path) -> Result<(u64, String), Error> {
    let source = File::open(from).map_err(Error::io("open", from))?;
    let mut target = File::create(to).map_err(Error::io("create", to))?;
    let (bytes, written) = hash(source, &mut target).map_err(Error::io("copy to", to))?;
    target.sync_all().map_err(Error::io("bring to disk", to))?;
    drop(target);
    let (read_bytes, read) = hash_file(to)?;
    if (bytes, &written) != (read_bytes, &read) {
        let detail = format!("{read_bytes} bytes with hash {read}, {bytes} with {written} were written");
        return Err(Error::ReadBack { path: to.display().to_string(), detail });
    }
    Ok((bytes, written))
}

/// Bytes and SHA-256 of a file.
pub(crate) fn hash_file(path: &Path) -> Result<(u64, String), Error> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    hash(file, &mut io::sink()).map_err(Error::io("read", path))
}

fn hash(mut source: impl Read, target: &mut impl Write) -> io::Result<(u64, String)> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        let size = source.read(&mut buffer)?;
        let Some(chunk) = buffer.get(..size).filter(|c| !c.is_empty()) else { break };
        hash.update(chunk);
        target.write_all(chunk)?;
        bytes += size as u64;
    }
    Ok((bytes, hex(&hash.finalize())))
}

/// Writes a small file so that readers see the old or the new one, never half of one.
pub(crate) fn write_atomically(path: &Path, content: &[u8]) -> Result<(), Error> {
    let staged = staged_name(path);
    let mut file = File::create(&staged).map_err(Error::io("create", &staged))?;
    file.write_all(content).map_err(Error::io("write", &staged))?;
    file.sync_all().map_err(Error::io("bring to disk", &staged))?;
    rename(&staged, path)
}

/// Puts a file of the same disk under a second name, replacing what is there.
pub(crate) fn link_atomically(from: &Path, to: &Path) -> Result<(), Error> {
    let staged = staged_name(to);
    match fs::remove_file(&staged) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(Error::io("remove", staged)(e)),
        _ => {}
    }
    // A file system without hard links gets a copy.
    if fs::hard_link(from, &staged).is_err() {
        copy_durably(from, &staged)?;
    }
    fs::rename(&staged, to).map_err(Error::io("replace", to))?;
    // Of two names of one file, renaming one to the other does nothing and leaves both.
    match fs::remove_file(&staged) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", staged)(e)),
        _ => Ok(()),
    }
}

/// Renames and makes the new name last.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    fs::rename(from, to).map_err(Error::io("rename to", to))?;
    to.parent().map_or(Ok(()), sync_folder)
}

/// Makes names created, renamed or removed in a folder last.
pub(crate) fn sync_folder(path: &Path) -> Result<(), Error> {
    extract::sync_folder(path).map_err(Error::io("bring to disk", path))
}

pub(crate) fn create_folder(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(Error::io("create", path))
}

/// Removes a folder under a name nobody reads, so that a crash leaves no half of it under its own.
pub(crate) fn remove_folder(path: &Path) -> Result<(), Error> {
    let doomed = staged_name(path);
    match fs::remove_dir_all(&doomed) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(Error::io("remove", doomed)(e)),
        _ => {}
    }
    rename(path, &doomed)?;
    fs::remove_dir_all(&doomed).map_err(Error::io("remove", doomed))
}

/// Names in a folder, sorted; none where there is no folder.
pub(crate) fn names(folder: &Path) -> Result<Vec<String>, Error> {
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(Error::io("list", folder))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry.map_err(Error::io("list", folder))?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// `.name.staging` beside `name`.
fn staged_name(path: &Path) -> PathBuf {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!(".{name}{STAGING}"))
}

/// How names end that no reader looks at.
pub(crate) const STAGING: &str = ".staging";
