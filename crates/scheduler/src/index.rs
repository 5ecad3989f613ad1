//! The index of the runs: a database table that holds every record, to list and to look up. It also remembers runs
//! whose folders were pruned.

use std::collections::BTreeSet;

use crate::database::{Connection, Database, Row, Value};
use crate::error::Error;
use crate::lock::{epoch, fence};
use crate::record::{RunRecord, Status};

/// How many runs an ambiguous beginning is answered with.
const MOST_CANDIDATES: i64 = 5;
/// How many ids one statement asks for; both databases take some thousands.
const IDS_AT_ONCE: usize = 500;

const RECORDS: &str = "SELECT run_id, record FROM consumer360_run";
const NEWEST_FIRST: &str = "ORDER BY started_at DESC, length(run_id) DESC, run_id DESC";

/// Which runs to list: all of them, or those of one pipeline, of one status, or of both.
#[derive(Debug, Clone, Copy, Default)]
pub struct RunFilter<'a> {
    pub pipeline: Option<&'a str>,
    pub status: Option<Status>,
}

/// The table of the runs.
#[derive(Debug, Clone)]
pub struct Index {
    database: Database,
}

impl Index {
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Writes a run's record over the one it holds, unless the run's lock was taken over. `before` is done once that is
    /// certain, and the row is only written if it succeeds.
    pub fn put(&self, record: &RunRecord, before: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
        self.database.write("write a run", |connection| {
            fence(connection, &record.run_id, &record.pipeline, record.epoch)?;
            before()?;
            insert(connection, REPLACE, record)
        })
    }

    /// Writes the record of another run, which died, under the lock of `epoch`.
    pub fn put_of_dead(&self, record: &RunRecord, epoch: u64) -> Result<(), Error> {
        self.database.write("settle a run", |connection| {
            fence(connection, &record.run_id, &record.pipeline, epoch)?;
            insert(connection, REPLACE, record)
        })
    }

    /// Adds records of runs that the index does not know; a run that it came to know meanwhile keeps its record.
    pub fn add(&self, records: &[RunRecord]) -> Result<(), Error> {
        self.database.write("add runs", |connection| records.iter().try_for_each(|record| insert(connection, KEEP, record)))
    }

    pub fn knows(&self, run_id: &str) -> Result<bool, Error> {
        self.database.read("look up a run", |connection| is_known(connection, run_id))
    }

    /// Those of the runs that the index does not know.
    pub fn unknown(&self, run_ids: Vec<String>) -> Result<Vec<String>, Error> {
        let known = |ids: &[String]| {
            let places: Vec<String> = (1..=ids.len()).map(|place| format!("?{place}")).collect();
            let sql = format!("SELECT run_id FROM consumer360_run WHERE run_id IN ({})", places.join(", "));
            let parameters: Vec<Value> = ids.iter().map(Value::from).collect();
            self.database.read("look up runs", |connection| connection.query(&sql, &parameters, |row| row.text(0)))
        };
        let mut all_known = BTreeSet::new();
        for ids in run_ids.chunks(IDS_AT_ONCE) {
            all_known.extend(known(ids)?);
        }
        Ok(run_ids.into_iter().filter(|run_id| !all_known.contains(run_id)).collect())
    }

    /// The latest runs, newest first.
    pub fn latest(&self, pipeline: Option<&str>, limit: usize) -> Result<Vec<RunRecord>, Error> {
        self.page(RunFilter { pipeline, status: None }, 0, limit as u64)
    }

    /// The pipeline's runs with their statuses, newest first.
    pub fn statuses(&self, pipeline: &str) -> Result<Vec<(String, String)>, Error> {
        let sql = format!("SELECT run_id, status FROM consumer360_run WHERE pipeline = ?1 {NEWEST_FIRST}");
        self.database
            .read("list runs", |connection| connection.query(&sql, &[pipeline.into()], |row| Ok((row.text(0)?, row.text(1)?))))
    }

    /// The names of all pipelines that ever ran, in order. Each is found by a step of its own through the index: there
    /// are few pipelines and many runs.
    pub fn pipelines(&self) -> Result<Vec<String>, Error> {
        let sql = "SELECT pipeline FROM consumer360_run WHERE pipeline > ?1 ORDER BY pipeline LIMIT 1";
        self.database.read("list the pipelines", |connection| {
            let mut names: Vec<String> = Vec::new();
            loop {
                let last = names.last().cloned().unwrap_or_default();
                match connection.query(sql, &[last.into()], |row| row.text(0))?.pop() {
                    Some(name) => names.push(name),
                    None => return Ok(names),
                }
            }
        })
    }

    /// The latest run of the pipeline that has this status.
    pub fn latest_of_status(&self, pipeline: &str, status: Status) -> Result<Option<RunRecord>, Error> {
        let filter = RunFilter { pipeline: Some(pipeline), status: Some(status) };
        Ok(self.page(filter, 0, 1)?.pop())
    }

    /// A page of the runs that a filter lets through, newest first.
    pub fn page(&self, filter: RunFilter<'_>, offset: u64, limit: u64) -> Result<Vec<RunRecord>, Error> {
        let (condition, mut parameters) = condition(filter);
        let (limited, skipped) = (parameters.len() + 1, parameters.len() + 2);
        parameters.extend([limit.into(), offset.into()]);
        self.select(&format!("{RECORDS} {condition} {NEWEST_FIRST} LIMIT ?{limited} OFFSET ?{skipped}"), &parameters)
    }

    /// How many runs a filter lets through.
    pub fn count(&self, filter: RunFilter<'_>) -> Result<u64, Error> {
        let (condition, parameters) = condition(filter);
        let sql = format!("SELECT count(*) FROM consumer360_run {condition}");
        let counted = self.database.read("count runs", |connection| connection.query(&sql, &parameters, |row| row.integer(0)))?;
        Ok(counted.first().and_then(|count| u64::try_from(*count).ok()).unwrap_or(0))
    }

    /// The pipeline's runs of a status, oldest first.
    pub fn of_status(&self, pipeline: &str, status: Status) -> Result<Vec<RunRecord>, Error> {
        let sql = format!("{RECORDS} WHERE pipeline = ?1 AND status = ?2 ORDER BY started_at, length(run_id), run_id");
        self.select(&sql, &[pipeline.into(), status.as_str().into()])
    }

    /// The run of this very id.
    pub fn exact(&self, run_id: &str) -> Result<Option<RunRecord>, Error> {
        Ok(self.select(&format!("{RECORDS} WHERE run_id = ?1"), &[run_id.into()])?.pop())
    }

    /// The run of that id, or else the only one whose id begins so.
    pub fn find(&self, prefix: &str) -> Result<Option<RunRecord>, Error> {
        if let Some(record) = self.exact(prefix)? {
            return Ok(Some(record));
        }
        // The last code point there is stands after every id with the prefix; unlike LIKE, `_` and `%` mean themselves.
        let end = format!("{prefix}\u{10FFFF}");
        let sql = format!("{RECORDS} WHERE run_id >= ?1 AND run_id < ?2 ORDER BY run_id LIMIT ?3");
        let mut found = self.select(&sql, &[prefix.into(), end.into(), MOST_CANDIDATES.into()])?;
        if found.len() > 1 {
            let candidates = found.into_iter().map(|record| record.run_id).collect();
            return Err(Error::AmbiguousRun { prefix: prefix.to_owned(), candidates });
        }
        Ok(found.pop())
    }

    fn select(&self, sql: &str, parameters: &[Value]) -> Result<Vec<RunRecord>, Error> {
        let text = |row: &Row| Ok((row.text(0)?, row.text(1)?));
        let rows = self.database.read("read runs", |connection| connection.query(sql, parameters, text))?;
        let record = |(run_id, text): (String, String)| {
            serde_json::from_str(&text).map_err(|source| Error::UnreadableRow { place: self.database.place(), run_id, source })
        };
        rows.into_iter().map(record).collect()
    }
}

/// The condition of a filter and its parameters. Each filter has its own, so that an index answers it.
fn condition(filter: RunFilter<'_>) -> (&'static str, Vec<Value>) {
    match (filter.pipeline, filter.status.map(Status::as_str)) {
        (None, None) => ("", Vec::new()),
        (Some(pipeline), None) => ("WHERE pipeline = ?1", vec![pipeline.into()]),
        (None, Some(status)) => ("WHERE status = ?1", vec![status.into()]),
        (Some(pipeline), Some(status)) => ("WHERE pipeline = ?1 AND status = ?2", vec![pipeline.into(), status.into()]),
    }
}

pub fn is_known(connection: &Connection<'_>, run_id: &str) -> Result<bool, Error> {
    connection.exists("SELECT 1 FROM consumer360_run WHERE run_id = ?1", &[run_id.into()])
}

/// The fencing number of a run, if the run is known.
pub fn epoch_of(connection: &Connection<'_>, run_id: &str) -> Result<Option<u64>, Error> {
    let sql = "SELECT epoch FROM consumer360_run WHERE run_id = ?1";
    Ok(connection.query(sql, &[run_id.into()], |row| epoch(row.integer(0)?))?.pop())
}

/// What becomes of a record that is there already.
const KEEP: &str = "NOTHING";
const REPLACE: &str = "UPDATE SET pipeline = excluded.pipeline, status = excluded.status, started_at = excluded.started_at,
                           record = excluded.record, epoch = excluded.epoch";

fn insert(connection: &Connection<'_>, on_conflict: &str, record: &RunRecord) -> Result<(), Error> {
    let text = serde_json::to_string(record).map_err(|source| Error::EncodeRecord { run_id: record.run_id.clone(), source })?;
    let sql = format!(
        "INSERT INTO consumer360_run (run_id, pipeline, status, started_at, record, epoch)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (run_id) DO {on_conflict}"
    );
    let (run_id, pipeline, status) = ((&record.run_id).into(), (&record.pipeline).into(), record.status.as_str().into());
    connection.execute(&sql, &[run_id, pipeline, status, record.started_at.into(), text.into(), record.epoch.into()])?;
    Ok(())
}
