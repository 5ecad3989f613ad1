//! Where a pipeline publishes, and how readers on this machine come to it.

use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use config::Publish;
use validate::Validated;

use crate::error::Error;
use crate::manifest::{Manifest, Published};
use crate::publish::{RunFacts, Snapshot};
use crate::rollback::{RolledBack, choose};
use crate::store::{Store, mirror_folder};
use crate::{folder, local, retention};

/// A target that is open. A store is asked each time; what its mirror holds is no more than a copy.
pub struct Target(Place);

enum Place {
    Folder { to: PathBuf, keep: usize },
    Store(Box<Store>),
}

/// The local folder of the usual layout in which readers on this machine find what is published: the target itself, or the
/// mirror of a store below the state folder. It asks no store, so a mirror says what was last seen.
pub fn readable(publish: &Publish, state: &Path) -> PathBuf {
    match &publish.to {
        config::Target::Folder(to) => to.clone(),
        config::Target::Store { url } => mirror_folder(state, url),
    }
}

impl Target {
    /// Errors if the environment lacks what a store's client needs. It is not talked to yet.
    pub fn open(publish: &Publish, state: &Path) -> Result<Self, Error> {
        let keep = publish.keep;
        Ok(Self(match &publish.to {
            config::Target::Folder(to) => Place::Folder { to: to.clone(), keep },
            config::Target::Store { url } => {
                Place::Store(Box::new(Store::open(url, mirror_folder(state, url), keep, publish.lease)?))
            }
        }))
    }

    /// The same as [`readable`] of the target.
    pub fn folder(&self) -> &Path {
        match &self.0 {
            Place::Folder { to, .. } => to,
            Place::Store(store) => store.mirror(),
        }
    }

    /// What is published; nothing where nothing is.
    pub fn published(&self) -> Result<Option<Published>, Error> {
        match &self.0 {
            Place::Folder { to, .. } => folder::published(to),
            Place::Store(store) => store.published(),
        }
    }

    /// The snapshots that are kept, the one published last first; those without a readable manifest are not among them.
    pub fn snapshots(&self) -> Result<Vec<Manifest>, Error> {
        match &self.0 {
            Place::Folder { to, .. } => retention::snapshots(to),
            Place::Store(store) => store.snapshots(),
        }
    }

    /// The local folder of a snapshot; of a store its files are fetched first, and compared with its manifest.
    pub fn snapshot(&self, id: &str) -> Result<PathBuf, Error> {
        match &self.0 {
            Place::Folder { to, .. } => Ok(to.join("snapshots").join(id)),
            Place::Store(store) => store.snapshot(id),
        }
    }

    /// The local folder of the snapshot that was current before `as_of`: of those seen from the latest earlier day the one
    /// published last that readers were not led away from.
    pub fn previous(&self, as_of: NaiveDate) -> Result<Option<PathBuf>, Error> {
        let (withdrawn, known) = (self.withdrawn()?, self.snapshots()?);
        retention::previous(&known, &withdrawn, as_of).map(|manifest| self.snapshot(&manifest.snapshot)).transpose()
    }

    /// The snapshots that readers were led away from. A pointer that is damaged names none, and is put right by the next
    /// publication.
    pub fn withdrawn(&self) -> Result<Vec<String>, Error> {
        match self.published() {
            Err(Error::Manifest { .. }) => Ok(Vec::new()),
            seen => Ok(seen?.map(|seen| seen.withdrawn).unwrap_or_default()),
        }
    }

    /// Brings the mirror of a store up to what is published, so that readers of [`readable`] see it; a folder needs none of it.
    pub fn follow(&self) -> Result<(), Error> {
        let Place::Store(store) = &self.0 else { return Ok(()) };
        store.snapshots()?;
        if let Some(published) = store.published()? {
            store.snapshot(&published.snapshot)?;
        }
        Ok(())
    }

    /// [`Error::OfAnother`] if what readers see here is of another pipeline, and what a store refuses. What is damaged here says
    /// nothing, and is put right by the next publication.
    pub fn is_of(&self, pipeline: &str) -> Result<(), Error> {
        match self.published() {
            Ok(Some(seen)) if seen.pipeline != pipeline => {
                let to = match &self.0 {
                    Place::Folder { to, .. } => to.display().to_string(),
                    Place::Store(store) => store.url().to_owned(),
                };
                Err(Error::OfAnother { to, theirs: seen.pipeline, ours: pipeline.to_owned() })
            }
            Err(error) if !matches!(error, Error::Manifest { .. } | Error::Io { .. }) => Err(error),
            _ => Ok(()),
        }
    }

    /// Publishes what the gate let through: all of it, or nothing that readers see.
    pub fn publish(&self, validated: &Validated, run: &RunFacts<'_>) -> Result<Snapshot, Error> {
        self.is_of(run.pipeline)?;
        match &self.0 {
            Place::Folder { to, keep } => folder::publish(validated, to, *keep, run),
            Place::Store(store) => store.publish(validated, run),
        }
    }

    /// Puts a file of this name beside what is published, or replaces it, in one step.
    pub fn put(&self, name: &str, content: &[u8]) -> Result<(), Error> {
        match &self.0 {
            Place::Folder { to, .. } => local::write_atomically(&to.join(name), content),
            Place::Store(store) => store.put(name, content),
        }
    }

    /// Points readers at an earlier snapshot: the one named by its id or the beginning of it, or else the one they saw before the
    /// present one, which is withdrawn. No table is written. Those of another pipeline are not ours to lead.
    pub fn rollback(&self, pipeline: &str, wanted: Option<&str>, by: &str) -> Result<RolledBack, Error> {
        self.is_of(pipeline)?;
        match &self.0 {
            Place::Folder { to, .. } => folder::rollback(to, wanted, by),
            Place::Store(store) => store.rollback(wanted, by),
        }
    }

    /// [`Error::NoSnapshot`] if [`rollback`](Self::rollback) would find none, [`Error::OfAnother`] if it would lead readers of
    /// another pipeline.
    pub fn can_go_back(&self, pipeline: &str, wanted: Option<&str>) -> Result<(), Error> {
        self.is_of(pipeline)?;
        choose(&self.folder().display().to_string(), self.published()?, &self.snapshots()?, wanted).map(|_| ())
    }

    /// Frees the lease that a dead publisher left on a store, and says whose it was; none if nobody holds it. One that lives is
    /// [`Error::Locked`]. A folder's lock goes with its process.
    pub fn unlock(&self, by: &str) -> Result<Option<String>, Error> {
        match &self.0 {
            Place::Folder { .. } => Ok(None),
            Place::Store(store) => store.unlock(by),
        }
    }

    /// Tries out on a store what a publication asks of it; a folder is the caller's to try.
    pub fn probe(&self) -> Result<(), Error> {
        match &self.0 {
            Place::Folder { .. } => Ok(()),
            Place::Store(store) => store.probe(),
        }
    }
}
