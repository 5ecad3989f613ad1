//! What is known of the files of a source before their records are read.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use object_store::ObjectStoreExt;

use super::files::{self, FileRef};
use crate::error::Error;

/// One of the files that a source consists of.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub origin: String,
    pub bytes: u64,
    /// Its columns in its own order; none where they are learnt from the records.
    pub columns: Vec<String>,
}

impl Head {
    pub(super) fn of(file: &FileRef, columns: Vec<String>) -> Self {
        Self { origin: file.origin.clone(), bytes: file.meta.size, columns }
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
        for (place, file) in alike.iter().enumerate() {
            for other in alike.iter().skip(place + 1) {
                if is_copy(file, other, is_text).await? {
                    return Err(Error::Copy { origin: other.origin.clone(), of: file.origin.clone() });
                }
            }
        }
    }
    Ok(())
}

/// Of files in a store their tags are compared, which follow from what is in them; of local ones the bytes, piece by piece.
async fn is_copy(one: &FileRef, other: &FileRef, is_text: bool) -> Result<bool, Error> {
    if files::is_remote(&one.origin) {
        return Ok(one.meta.e_tag.is_some() && one.meta.e_tag == other.meta.e_tag);
    }
    let read = |file: &FileRef, error: object_store::Error| Error::Read {
        origin: file.origin.clone(),
        detail: files::told(&file.origin, &error),
    };
    let open = |file: FileRef| async move { file.store.get(&file.meta.location).await.map_err(|e| read(&file, e)) };
    let (mut left, mut right) = (open(one.clone()).await?.into_stream(), open(other.clone()).await?.into_stream());
    let (mut held, mut against) = (bytes::Bytes::new(), bytes::Bytes::new());
    let mut lines = 0;
    loop {
        if held.is_empty() {
            held = left.try_next().await.map_err(|e| read(one, e))?.unwrap_or_default();
        }
        if against.is_empty() {
            against = right.try_next().await.map_err(|e| read(other, e))?.unwrap_or_default();
        }
        let size = held.len().min(against.len());
        if size == 0 {
            // A header alone is the same in every file.
            return Ok(held.is_empty() && against.is_empty() && (!is_text || lines > 1));
        }
        let (mine, theirs) = (held.split_to(size), against.split_to(size));
        if mine != theirs {
            return Ok(false);
        }
        lines += mine.split(|byte| *byte == b'\n').count() - 1;
    }
}
