//! What is known of the files of a source before their records are read.

use std::collections::BTreeMap;
use std::hash::Hasher;

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use twox_hash::XxHash64;

use super::files::{self, FileRef};
use crate::error::Error;

/// One of the files that a source consists of.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub origin: String,
    pub bytes: u64,
    /// When it was changed last.
    pub changed: DateTime<Utc>,
    /// Its columns in its own order; none where they are learnt from the records.
    pub columns: Vec<String>,
}

impl Head {
    pub(super) fn of(file: &FileRef, columns: Vec<String>) -> Self {
        Self { origin: file.origin.clone(), bytes: file.meta.size, changed: file.meta.last_modified, columns }
    }
}

/// The columns of all files: those of the first, and behind them what later ones have beyond.
pub(super) fn union(heads: &[Head]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in heads.iter().flat_map(|head| &head.columns) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// Bytes up to which a file of one of the formats that say nothing of their records may well hold none.
const MAY_BE_EMPTY: u64 = 8192;

/// That no file is a copy of another one: every record in it would count twice. One that can hold no record may be.
pub(super) async fn distinct(files: &[FileRef], is_text: bool) -> Result<(), Error> {
    let mut by_size: BTreeMap<u64, Vec<&FileRef>> = BTreeMap::new();
    for file in files.iter().filter(|file| file.meta.size > if is_text { 0 } else { MAY_BE_EMPTY }) {
        by_size.entry(file.meta.size).or_default().push(file);
    }
    for alike in by_size.into_values().filter(|alike| alike.len() > 1) {
        let mut known: BTreeMap<String, &FileRef> = BTreeMap::new();
        for file in alike {
            let Some(content) = content(file, is_text).await? else { continue };
            if let Some(other) = known.insert(content, file) {
                return Err(Error::Copy { origin: file.origin.clone(), of: other.origin.clone() });
            }
        }
    }
    Ok(())
}

/// What tells the content of a file from any other's: of one in a store its tag, which follows from it; of a local one two hashes.
/// None for a store without tags, and for a text of one line, which is a header: that is the same in every file.
async fn content(file: &FileRef, is_text: bool) -> Result<Option<String>, Error> {
    if files::is_remote(&file.origin) {
        return Ok(file.meta.e_tag.clone());
    }
    let failed =
        |error: object_store::Error| Error::Read { origin: file.origin.clone(), detail: files::told(&file.origin, &error) };
    let mut bytes = file.store.get(&file.meta.location).await.map_err(failed)?.into_stream();
    let (mut one, mut other) = (XxHash64::with_seed(1), XxHash64::with_seed(2));
    let mut lines = 0;
    while let Some(piece) = bytes.try_next().await.map_err(failed)? {
        one.write(&piece);
        other.write(&piece);
        lines += piece.split(|byte| *byte == b'\n').count() - 1;
    }
    Ok((!is_text || lines > 1).then(|| format!("{:016x}{:016x}", one.finish(), other.finish())))
}
