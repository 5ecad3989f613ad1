//! Leading readers back to an earlier snapshot.

use std::fs;
use std::path::Path;

use crate::error::Error;
use crate::local;
use crate::manifest::Manifest;
use crate::publish::{lock, point, published};
use crate::retention::read_manifest;

/// Where readers were and where they are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolledBack {
    pub from: String,
    pub to: Manifest,
}

/// The snapshots of a target, the one published last first; those without a readable manifest are not among them.
pub fn snapshots(to: &Path) -> Result<Vec<Manifest>, Error> {
    let folder = to.join("snapshots");
    let names = local::names(&folder)?;
    let mut known: Vec<Manifest> = names.iter().filter_map(|name| read_manifest(&folder.join(name))).collect();
    known.sort_by(|a, b| (&b.published_at, &b.snapshot).cmp(&(&a.published_at, &a.snapshot)));
    Ok(known)
}

/// Points readers at an earlier snapshot: the one named by its id or the beginning of it, or else the one published before the
/// present one. Only names change; no table is written, so it takes no longer for large tables.
pub fn rollback(to: &Path, wanted: Option<&str>, by: &str) -> Result<RolledBack, Error> {
    let _lock = lock(to, by)?;
    let nothing = || Error::NoSnapshot { to: to.to_path_buf(), detail: "nothing is published there".to_owned() };
    let from = published(to)?.ok_or_else(nothing)?.snapshot;
    let known = snapshots(to)?;
    let missing = |detail: String| Error::NoSnapshot { to: to.to_path_buf(), detail };
    let manifest = match wanted {
        None => {
            let present = known.iter().position(|m| m.snapshot == from).unwrap_or(0);
            known.into_iter().nth(present + 1).ok_or_else(|| missing(format!("there is none before {from}")))?
        }
        Some(wanted) => {
            let names: Vec<&str> = known.iter().map(|m| m.snapshot.as_str()).collect();
            let shown = names.join(", ");
            let found: Vec<&Manifest> = known.iter().filter(|m| m.snapshot.starts_with(wanted)).collect();
            match found.as_slice() {
                [one] => (*one).clone(),
                [] => return Err(missing(format!("none is named {wanted}; there are {shown}"))),
                _ => return Err(missing(format!("more than one begins with {wanted}; there are {shown}"))),
            }
        }
    };
    let folder = to.join("snapshots").join(&manifest.snapshot);
    is_there(&folder, &manifest)?;
    let current = to.join("current");
    for entry in &manifest.tables {
        let name = format!("{}.parquet", entry.table);
        local::link_atomically(&folder.join(&name), &current.join(&name))?;
    }
    local::sync_folder(&current)?;
    point(to, &manifest)?;
    Ok(RolledBack { from, to: manifest })
}

/// Every file of the snapshot has the size its manifest states.
fn is_there(folder: &Path, manifest: &Manifest) -> Result<(), Error> {
    for entry in &manifest.tables {
        let path = folder.join(format!("{}.parquet", entry.table));
        let bytes = fs::metadata(&path).map_err(Error::io("read", &path))?.len();
        if bytes != entry.bytes {
            let detail = format!("{bytes} bytes instead of {}", entry.bytes);
            return Err(Error::ReadBack { path, detail });
        }
    }
    Ok(())
}
