//! A file under a temporary name until it is whole.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::error::Error;

pub(crate) struct PartFile {
    path: PathBuf,
    part: PathBuf,
    published: bool,
}

impl PartFile {
    /// Creates the file beside its final place, as `.<name>.part`.
    pub(crate) fn create(folder: &Path, name: &str) -> Result<(Self, File), Error> {
        let path = folder.join(name);
        let part = folder.join(format!(".{name}.part"));
        let file = File::create(&part).map_err(|source| Error::write(&path, source))?;
        Ok((Self { path, part, published: false }, file))
    }

    /// The final path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes written so far.
    pub(crate) fn bytes(&self) -> Result<u64, Error> {
        let metadata = fs::metadata(&self.part).map_err(|source| Error::write(&self.path, source))?;
        Ok(metadata.len())
    }

    /// Gives the file its final name, in place of an older one.
    pub(crate) fn publish(mut self) -> Result<(), Error> {
        fs::rename(&self.part, &self.path).map_err(|source| Error::write(&self.path, source))?;
        self.published = true;
        Ok(())
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if !self.published {
            // The error that led here is the one to report, not that its rest could not be removed.
            let _ = fs::remove_file(&self.part);
        }
    }
}
