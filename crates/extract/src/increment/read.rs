//! The road of one source: what is kept, what is new, and both together as if the source had been read whole.

use std::cmp::Ordering;
use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef};
use config::Deletions;
use schema::Entity;

use super::cursor::{Mark, Shown, later};
use super::history::{Increment, Record, Renewed, fingerprint, in_run};
use super::merge::{Merge, Merged, Parts, incoming_schema};
use super::reading::{Columns, Reading, Start, first};
use crate::error::Error;
use crate::mapping::Mapping;
use crate::resume::hash;
use crate::source::{Opened, kept};
use crate::table_file::TableFile;

/// What came over the wire.
struct Came {
    rows: u64,
    newest: Option<Shown>,
    /// How many rows the source has that are not deleted, where they were counted with these.
    there: Option<u64>,
}

/// All records of the source: those kept, brought up to date. `opened` is the source itself, `run` the run's folder.
pub(crate) async fn records(
    reading: &Reading<'_>,
    opened: Opened,
    mapping: &Mapping,
    run: &Path,
    progress: &(dyn Fn(Entity, u64) + Sync),
) -> Result<(Opened, Renewed), Error> {
    let columns = reading.columns(&opened, mapping)?;
    let (origin, schema) = (opened.origin.clone(), opened.schema.clone());
    let folder = run.join("history");
    fs::create_dir_all(&folder).map_err(|source| Error::Folder { path: folder.clone(), source })?;
    let road = Road { reading, columns: &columns, to: in_run(run, reading.entity), folder, progress };
    let renewed = match reading.start(&columns) {
        Start::At(from, record, watermark) => match road.increment(from, &record, &watermark).await? {
            Ok(renewed) => renewed,
            Err(reason) => road.whole(opened, Some(&record), reason).await?,
        },
        Start::Whole(reason) => road.whole(opened, reading.history.record(reading.entity).as_ref(), reason).await?,
    };
    if let Some(increment) = renewed.increment() {
        let Increment { from, whole_because, rows_read, rows, .. } = increment;
        let (from, why) = (from.as_deref().unwrap_or("the beginning"), whole_because.as_deref().unwrap_or_default());
        tracing::info!(entity = %reading.entity, rows_read, rows, from, why, "read");
    }
    Ok((kept(origin, schema, road.to, columns.places), renewed))
}

/// One reading under way.
struct Road<'a> {
    reading: &'a Reading<'a>,
    columns: &'a Columns,
    /// The file of all records, in the run's folder.
    to: PathBuf,
    folder: PathBuf,
    progress: &'a (dyn Fn(Entity, u64) + Sync),
}

impl Road<'_> {
    fn merge(&self) -> Merge<'_> {
        let Columns { names, key, cursor, tombstone, .. } = self.columns;
        let Reading { session, entity, .. } = *self.reading;
        Merge { session, entity, columns: names.len(), key, cursor: *cursor, tombstone: *tombstone }
    }

    fn incoming(&self) -> PathBuf {
        self.folder.join(format!("{}_came.parquet", self.reading.entity))
    }

    /// What is new, merged into what is kept; or why the source has to be read whole.
    async fn increment(&self, from: Mark, record: &Record, watermark: &Shown) -> Result<Result<Renewed, String>, Error> {
        let Reading { entity, how, history, .. } = *self.reading;
        let questions = self.reading.questions(self.columns)?;
        // Asked for before the window: what is written in between comes with it, and is not taken for missing.
        let present = match how.deletions {
            Deletions::Compare => Some(self.keys(questions.keys()).await?),
            Deletions::Count | Deletions::Keep => None,
        };
        let counted = how.deletions == Deletions::Count;
        let window = if counted { questions.counted_window(from) } else { questions.window(from) };
        // The same columns as a moment ago, or else somebody is changing the table.
        let came = self.drain(self.reading.ask(window).await?, counted).await?;
        let (kept, incoming) = (history.records_path(entity, &record.hash), self.incoming());
        let parts = Parts { kept: Some((kept.as_path(), from)), incoming: &incoming, present: present.as_deref() };
        let merged = self.merge().write(parts, &self.to).await?;
        let (mut missing, mut gone) = (0, 0);
        if let Some(present) = &present {
            missing = self.merge().missing(present, &incoming, &self.to).await?;
            gone = self.merge().gone(&watermark.text, &kept, &incoming).await?;
            remove(present)?;
        }
        if let Some(doubt) = self.doubt(watermark, &came, &merged, (missing, gone)) {
            return Ok(Err(doubt));
        }
        remove(&incoming)?;
        self.renewed(Some(record), Some((from, watermark)), None, &came, merged.rows).map(Ok)
    }

    /// Why what an increment came to is not what the source has. By its keys rows may be `missing` among the records, and its
    /// newest one may be `gone`.
    fn doubt(&self, watermark: &Shown, came: &Came, merged: &Merged, (missing, gone): (u64, u64)) -> Option<String> {
        let Merged { rows, stale } = merged;
        if self.reading.how.deletions == Deletions::Keep {
            // What is kept of it is not what it has, and read whole it would be lost.
            return None;
        }
        if came.newest.as_ref().is_some_and(|newest| !newest.mark.is_alike(watermark.mark)) {
            return Some("its cursor is written in another way than before".to_owned());
        }
        if missing > 0 {
            return Some(format!("it has {missing} rows that came later than `lookback` allows for"));
        }
        if let Some(there) = came.there.filter(|there| there != rows) {
            return Some(format!("it has {there} rows where the increments come to {rows}"));
        }
        // The newest row of all lies in every window, and so do the others of its last days. Without it the source may have gone
        // back in time, to where rows that lie in none were something else.
        let reaches = |newest: &Shown| newest.mark.order(watermark.mark).is_some_and(Ordering::is_ge);
        if gone > 0 || !came.newest.as_ref().is_some_and(reaches) {
            return Some("the newest row it had is gone, or older than it was".to_owned());
        }
        (*stale > 0).then(|| format!("{stale} of the newest rows it had are gone, or older than they were"))
    }

    /// All of the source.
    async fn whole(&self, opened: Opened, before: Option<&Record>, reason: String) -> Result<Renewed, Error> {
        let came = self.drain(opened, false).await?;
        let incoming = self.incoming();
        let merged = self.merge().write(Parts { kept: None, incoming: &incoming, present: None }, &self.to).await?;
        remove(&incoming)?;
        self.renewed(before, None, Some(reason), &came, merged.rows)
    }

    /// `known` is from where an increment was read, and up to where the source was known before it.
    fn renewed(
        &self,
        before: Option<&Record>,
        known: Option<(Mark, &Shown)>,
        whole_because: Option<String>,
        came: &Came,
        rows: u64,
    ) -> Result<Renewed, Error> {
        let Reading { pipeline, source, how, history, .. } = *self.reading;
        let newest = came.newest.clone().map(|newest| newest.capped(history.now, pipeline.timezone, how.settle));
        let watermark = match (known.map(|(_, watermark)| watermark), newest) {
            (Some(known), Some(newest)) if known.mark.order(newest.mark).is_some_and(Ordering::is_gt) => Some(known.clone()),
            (known, newest) => newest.or(known.cloned()),
        };
        if let Some(watermark) = &watermark {
            self.fits(watermark.mark)?;
        }
        let hash = hash(&self.to).map_err(|source| Error::Folder { path: self.to.clone(), source })?;
        let increment = Increment {
            from: known.map(|(from, _)| from.to_string()),
            whole_because,
            rows_read: came.rows,
            rows,
            watermark: watermark.map(|watermark| watermark.text),
            at: history.now,
        };
        let record = Record::after(before, fingerprint(source, pipeline), self.columns.names.clone(), hash, increment);
        Ok(Renewed { base: before.map(|record| record.hash.clone()), record })
    }

    /// What is said of a cursor must be of its kind.
    fn fits(&self, mark: Mark) -> Result<(), Error> {
        let how = self.reading.how;
        let (kind, help) = match mark {
            Mark::Number(_) => ("numbers", "write how many of them to look back, such as `lookback: 10000`"),
            Mark::Time { .. } => ("times", "write a span to look back, such as `lookback: 3d`"),
        };
        if mark.from(how).is_none() {
            let detail = format!("the cursor `{}` holds {kind}, `lookback` is of another kind", how.cursor);
            return Err(self.reading.wrong(detail, help));
        }
        if matches!(mark, Mark::Number(_)) && !how.settle.is_zero() {
            let detail = format!("the cursor `{}` holds numbers, `settle` is for times", how.cursor);
            let help = "leave it out, and look back over as many numbers as open transactions may have taken";
            return Err(self.reading.wrong(detail, help));
        }
        Ok(())
    }

    /// What the source gives, as it gives it, into a file of this run. Counted, its last column says how many rows there are.
    async fn drain(&self, opened: Opened, counted: bool) -> Result<Came, Error> {
        let entity = self.reading.entity;
        let store = |source| Error::Store { entity, source };
        let places: Vec<usize> = self.columns.names.iter().filter_map(|name| opened.schema.index_of(name).ok()).collect();
        if places.len() != self.columns.names.len() {
            return Err(self.reading.wrong(format!("{} has lost columns while it was read", opened.origin), "run again"));
        }
        let width = opened.schema.fields().len();
        let wanted = (0..width).map(|place| places.contains(&place) || (counted && place + 1 == width)).collect();
        let schema = incoming_schema(places.len());
        let mut file = TableFile::create_for_run(&self.incoming(), schema.clone()).map_err(store)?;
        let mut came = Came { rows: 0, newest: None, there: None };
        let mut records = opened.start(wanted, self.reading.limits.silence);
        while let Some(next) = records.next().await {
            let next = next?;
            if let Some(malformed) = next.malformed.first() {
                let detail = format!("{} record {} {}", next.origin, malformed.number, malformed.reason);
                let help = "a record that cannot be read has no key to be kept by: mend it, or leave `incremental` out";
                return Err(self.reading.wrong(detail, help));
            }
            if counted && came.there.is_none() {
                came.there = next.batch.columns().last().and_then(first).and_then(|count| count.parse().ok());
            }
            let batch = self.part(&next.batch, &places, &schema)?;
            came.newest = self.newest(came.newest.as_ref(), &batch)?;
            came.rows += batch.num_rows() as u64;
            file.write(&batch).map_err(store)?;
            (self.progress)(entity, came.rows);
        }
        file.finish().map_err(store)?;
        Ok(came)
    }

    /// The kept columns of a batch as text.
    fn part(&self, batch: &RecordBatch, places: &[usize], schema: &SchemaRef) -> Result<RecordBatch, Error> {
        let columns = places.iter().map(|place| cast(batch.column(*place), &DataType::Utf8)).collect::<Result<Vec<_>, _>>();
        let part = columns.and_then(|columns| RecordBatch::try_new(schema.clone(), columns));
        let entity = self.reading.entity;
        part.map_err(|source| Error::Compute { entity, step: "the records that came", source: source.into() })
    }

    fn newest(&self, known: Option<&Shown>, batch: &RecordBatch) -> Result<Option<Shown>, Error> {
        let how = self.reading.how;
        let values = batch.column(self.columns.cursor);
        if how.null_cursor_fails && values.null_count() > 0 {
            let detail = format!("{} rows have no value of the cursor `{}`", values.null_count(), how.cursor);
            return Err(self
                .reading
                .wrong(detail, "fill it at the source, or read such rows every time: `on_null_cursor: read`"));
        }
        let mut newest = known.map(|known| (known.mark, known.text.as_str()));
        for text in values.as_string::<i32>().iter().flatten() {
            newest = Some(later(newest, text).ok_or_else(|| {
                // The value itself may be one that only the source may show.
                let detail = format!("the cursor `{}` holds a value that is not a {}", how.cursor, kind(newest));
                self.reading.wrong(detail, "a cursor is a column of whole numbers or of times as in ISO 8601")
            })?);
        }
        Ok(newest.map(|(mark, text)| Shown { mark, text: text.trim().to_owned() }))
    }

    /// The keys the source has, and behind them its tombstones, in a file of this run.
    async fn keys(&self, question: String) -> Result<PathBuf, Error> {
        let entity = self.reading.entity;
        let store = |source| Error::Store { entity, source };
        let path = self.folder.join(format!("{entity}_keys.parquet"));
        let opened = self.reading.ask(question).await?;
        let columns = opened.schema.fields().len();
        let schema = incoming_schema(columns);
        let mut file = TableFile::create_for_run(&path, schema.clone()).map_err(store)?;
        let places: Vec<usize> = (0..columns).collect();
        let mut records = opened.start(vec![true; columns], self.reading.limits.silence);
        while let Some(next) = records.next().await {
            file.write(&self.part(&next?.batch, &places, &schema)?).map_err(store)?;
        }
        file.finish().map_err(store)?;
        Ok(path)
    }
}

fn remove(path: &Path) -> Result<(), Error> {
    fs::remove_file(path).map_err(|source| Error::Folder { path: path.to_path_buf(), source })
}

fn kind(newest: Option<(Mark, &str)>) -> &'static str {
    match newest {
        None => "number or a time",
        Some((Mark::Number(_), _)) => "number as the others are",
        Some((Mark::Time { .. }, _)) => "time as the others are",
    }
}
