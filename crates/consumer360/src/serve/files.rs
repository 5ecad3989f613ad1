//! The pipeline files that a server watches. One that breaks keeps its last good reading.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use config::{Pipeline, Settings};

use crate::cli::Global;
use crate::commands;
use crate::exit::Failure;

/// A file as it was last read.
#[derive(Debug, Clone)]
pub struct Watched {
    pub file: PathBuf,
    /// The last good reading; none for a file that never was good.
    pub pipeline: Option<Arc<Pipeline>>,
    pub settings: Option<Arc<Settings>>,
    /// What is wrong with the file now.
    pub problem: Option<String>,
    /// The text of the last good reading.
    good: Vec<u8>,
    stamp: Stamp,
}

/// What changes when a file is written.
type Stamp = Option<(SystemTime, u64)>;

/// The files of the command line: those named, and every `.yaml` of a folder that is named.
pub fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let entries = fs::read_dir(path).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
            let mut found: Vec<PathBuf> =
                entries.map_err(|e: io::Error| Failure::usage(format!("cannot list {}: {e}", path.display())))?;
            found.retain(|file| is_yaml(file));
            found.sort();
            files.extend(found);
        } else {
            files.push(path.clone());
        }
    }
    files.dedup();
    Ok(files)
}

fn is_yaml(path: &Path) -> bool {
    path.is_file() && path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml")
}

fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

impl Watched {
    pub fn read(global: &Global, file: &Path) -> Self {
        let mut watched =
            Self { file: file.to_path_buf(), pipeline: None, settings: None, problem: None, good: Vec::new(), stamp: None };
        watched.read_again(global);
        watched
    }

    /// Reads the file if it changed since; true if it did.
    pub fn refresh(&mut self, global: &Global) -> bool {
        let has_changed = stamp(&self.file) != self.stamp;
        if has_changed {
            self.read_again(global);
        }
        has_changed
    }

    fn read_again(&mut self, global: &Global) {
        self.stamp = stamp(&self.file);
        match commands::load(global, &self.file) {
            Ok((pipeline, settings)) => {
                self.pipeline = Some(Arc::new(pipeline));
                self.settings = Some(Arc::new(settings));
                self.problem = None;
                self.good = fs::read(&self.file).unwrap_or_default();
            }
            Err(Failure::Configuration(problems)) => self.problem = Some(problems.to_string()),
            Err(_) => self.problem = Some("it cannot be read".to_owned()),
        }
    }
}

impl Watched {
    /// The file that a run is to read: the last good reading is kept below `state` for as long as the file is broken.
    pub fn to_run(&self, state: &Path) -> PathBuf {
        let (Some(_), Some(pipeline)) = (&self.problem, &self.pipeline) else { return self.file.clone() };
        let folder = state.join("last_good");
        let kept = folder.join(format!("{}.yaml", pipeline.name));
        match fs::create_dir_all(&folder).and_then(|()| fs::write(&kept, &self.good)) {
            Ok(()) => kept,
            Err(error) => {
                tracing::error!(%error, path = %kept.display(), "cannot keep the last good reading");
                self.file.clone()
            }
        }
    }

    /// The pipeline and its schedule, where it has one.
    pub fn scheduled(&self) -> Option<(Arc<Pipeline>, scheduler::Schedule)> {
        let pipeline = self.pipeline.as_ref()?;
        Some((Arc::clone(pipeline), crate::schedule::of_pipeline(pipeline)?))
    }
}
