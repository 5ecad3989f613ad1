//! The pipeline files that a server watches. One that breaks keeps its last good reading.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use config::{Pipeline, Settings};

use crate::cli::Global;
use crate::commands;
use crate::exit::Failure;

/// How often a file with a problem is read again though nothing of it changed: what is wrong may lie beside it, as a secret or a
/// folder of data that comes a moment later than the server.
const AGAIN: Duration = Duration::from_mins(1);

/// A file as it was last read.
#[derive(Debug, Clone)]
pub struct Watched {
    pub file: PathBuf,
    /// The last good reading; none for a file that never was good.
    reading: Option<(Arc<Pipeline>, Arc<Settings>)>,
    /// What is wrong with the file now.
    problem: Option<String>,
    /// The name that is this file's alone.
    holds: Option<String>,
    /// Another file of the same name, which has it or is at odds about it as well.
    twin: Option<PathBuf>,
    /// The text of the last good reading.
    good: Vec<u8>,
    stamp: Stamp,
    read_at: Instant,
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
    files.sort();
    files.dedup();
    Ok(files)
}

/// Whether the file lay in a folder of the command line that is not there now, as one that is mounted or put in place anew.
pub fn is_away(file: &Path, paths: &[PathBuf]) -> bool {
    let folder = paths.iter().find(|path| file.parent() == Some(path.as_path()));
    folder.is_some_and(|folder| !folder.exists())
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
        let file = file.to_path_buf();
        let (good, read_at) = (Vec::new(), Instant::now());
        let mut watched = Self { file, reading: None, problem: None, holds: None, twin: None, good, stamp: None, read_at };
        watched.read_again(global);
        watched
    }

    /// Reads the file if it changed since, and now and then while it has a problem; true if there is something new to say of it.
    pub fn refresh(&mut self, global: &Global) -> bool {
        let has_changed = stamp(&self.file) != self.stamp;
        if !has_changed && (self.problem.is_none() || self.read_at.elapsed() < AGAIN) {
            return false;
        }
        let before = self.problem.clone();
        self.read_again(global);
        has_changed || self.problem != before
    }

    fn read_again(&mut self, global: &Global) {
        self.stamp = stamp(&self.file);
        self.read_at = Instant::now();
        let text = fs::read(&self.file);
        match commands::load(global, &self.file) {
            // One that is being written is read again when it has been.
            Ok(_) if stamp(&self.file) != self.stamp => self.stamp = None,
            Ok((pipeline, settings)) => {
                self.reading = Some((Arc::new(pipeline), Arc::new(settings)));
                self.problem = None;
                self.good = text.unwrap_or_default();
            }
            Err(failure) => self.problem = Some(failure.in_words()),
        }
    }

    /// The last good reading, whether or not it is in force.
    pub fn reading(&self) -> Option<(&Arc<Pipeline>, &Arc<Settings>)> {
        self.reading.as_ref().map(|(pipeline, settings)| (pipeline, settings))
    }

    /// The pipeline in force: the last good reading, if its name is this file's alone.
    pub fn pipeline(&self) -> Option<&Arc<Pipeline>> {
        self.reading().map(|(pipeline, _)| pipeline).filter(|_| self.twin.is_none())
    }

    /// What is wrong with the file now.
    pub fn problem(&self) -> Option<String> {
        let (name, twin) = (self.reading().map(|(pipeline, _)| &pipeline.name), self.twin.as_ref());
        let shared = name.zip(twin).map(|(name, twin)| {
            format!(
                "{} names a pipeline `{name}` as well, and a name stands for one record, one schedule and one lock\n  \
                 help: give one of the two another `name:`, or move it out of the folder; until then this one does not run",
                twin.display()
            )
        });
        shared.or_else(|| self.problem.clone())
    }

    /// The file that a run is to read: the last good reading is kept below `state` for as long as the file is broken.
    pub fn to_run(&self, state: &Path) -> PathBuf {
        let (Some(_), Some(pipeline)) = (&self.problem, self.pipeline()) else { return self.file.clone() };
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

    /// The pipeline in force and its schedule, where it has one.
    pub fn scheduled(&self) -> Option<(Arc<Pipeline>, scheduler::Schedule)> {
        let pipeline = self.pipeline()?;
        Some((Arc::clone(pipeline), crate::schedule::of_pipeline(pipeline)?))
    }
}

/// Sets aside files that share the name of a pipeline, such as a copy left in the folder: whoever had the name keeps it, and
/// where nobody had, nobody can know which one is meant. Returns the files that are set aside anew.
pub fn part_twins(watched: &mut BTreeMap<PathBuf, Watched>) -> Vec<PathBuf> {
    let mut named: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for (file, one) in &*watched {
        if let Some((pipeline, _)) = one.reading() {
            named.entry(pipeline.name.clone()).or_default().push(file.clone());
        }
    }
    let mut anew = Vec::new();
    for (name, files) in named {
        let has_it = |file: &&PathBuf| watched.get(*file).is_some_and(|one| one.holds.as_ref() == Some(&name));
        let had = files.iter().find(has_it);
        let holder = had.or(if files.len() == 1 { files.first() } else { None }).cloned();
        for file in &files {
            let other = holder.as_ref().or_else(|| files.iter().find(|other| *other != file));
            let twin = other.filter(|other| *other != file).cloned();
            let Some(one) = watched.get_mut(file) else { continue };
            if one.twin.is_none() && twin.is_some() {
                anew.push(file.clone());
            }
            one.holds = twin.is_none().then(|| name.clone());
            one.twin = twin;
        }
    }
    anew
}
