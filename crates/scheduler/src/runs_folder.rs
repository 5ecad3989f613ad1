//! The runs on disk: a folder a run, and in it the record, always whole.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::record::RunRecord;

const RECORD: &str = "run.json";
/// Where a record is written before it takes the place of the last one. Nobody reads it.
const RECORD_PART: &str = "run.json.part";

/// `<state>/runs`.
#[derive(Debug, Clone)]
pub struct RunsFolder {
    path: PathBuf,
}

impl RunsFolder {
    pub fn open(path: PathBuf) -> Result<Self, Error> {
        fs::create_dir_all(&path).map_err(|source| Error::CreateFolder { path: path.clone(), source })?;
        Ok(Self { path })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn of(&self, run_id: &str) -> PathBuf {
        self.path.join(run_id)
    }

    /// Makes a new run's folder; false when there is one of that name.
    pub fn create(&self, run_id: &str) -> Result<bool, Error> {
        let path = self.of(run_id);
        match fs::create_dir(&path).and_then(|()| sync_folder(&self.path)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(source) => Err(Error::CreateFolder { path, source }),
        }
    }

    /// Removes the folder of a run that died before its first record; one that holds anything else stays.
    pub fn remove_unborn(&self, run_id: &str) -> Result<(), Error> {
        let folder = self.of(run_id);
        if folder.join(RECORD).exists() {
            return Ok(());
        }
        let removed = match fs::remove_file(folder.join(RECORD_PART)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => fs::remove_dir(&folder),
        };
        match removed {
            Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty) => {
                Err(Error::Remove { path: folder, source: error })
            }
            _ => Ok(()),
        }
    }

    /// Replaces the run's record, whole and on disk when this returns: a reader and a crash see the last or the new.
    pub fn write(&self, record: &RunRecord) -> Result<(), Error> {
        let folder = self.of(&record.run_id);
        let mut text =
            serde_json::to_vec_pretty(record).map_err(|source| Error::EncodeRecord { run_id: record.run_id.clone(), source })?;
        text.push(b'\n');
        replace(&folder, &text).map_err(|source| Error::WriteRecord { path: folder.join(RECORD), source })
    }

    /// Reads the run's record. A record whose folder bears another name is refused: it would count a run twice.
    pub fn read(&self, run_id: &str) -> Result<RunRecord, Error> {
        let path = self.of(run_id).join(RECORD);
        let text = fs::read(&path).map_err(|source| Error::ReadRecord { path: path.clone(), source })?;
        let record: RunRecord =
            serde_json::from_slice(&text).map_err(|source| Error::NotARecord { path: path.clone(), source })?;
        if record.run_id != run_id {
            return Err(Error::RecordOutOfPlace { path, run_id: record.run_id });
        }
        Ok(record)
    }

    /// The names of the run folders, sorted. Names that begin with a dot are not runs.
    pub fn names(&self) -> Result<Vec<String>, Error> {
        let failed = |source| Error::ListRuns { path: self.path.clone(), source };
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // A name that is no text was not given by this program.
            let Ok(name) = entry.file_name().into_string() else { continue };
            if !name.starts_with('.') && entry.file_type().map_err(failed)?.is_dir() {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }
}

fn replace(folder: &Path, text: &[u8]) -> io::Result<()> {
    let part = folder.join(RECORD_PART);
    let mut file = File::create(&part)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&part, folder.join(RECORD))?;
    sync_folder(folder)
}

/// Makes the names in a folder last through a power cut.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Windows opens no folder as a file and keeps its names by itself.
#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "the same signature everywhere")]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
