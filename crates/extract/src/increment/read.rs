//! The road of one source: what is kept, what is new, and both together as if the source had been read whole.

use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef};
use config::{Deletions, Incremental, Input, Limits, Pipeline, Source};
use datafusion::prelude::SessionContext;
use schema::Entity;

use super::cursor::Mark;
use super::history::{History, Increment, Record, Renewed, fingerprint, in_run};
use super::merge::{Merge, incoming_schema};
use super::questions::Questions;
use crate::error::Error;
use crate::mapping::{From, Mapping};
use crate::outlook::Outlook;
use crate::resume::hash;
use crate::source::{Opened, kept};
use crate::stage::connect;
use crate::table_file::TableFile;

/// A source that is read in increments, and what it takes to read it.
pub(crate) struct Reading<'a> {
    pub session: &'a SessionContext,
    pub pipeline: &'a Pipeline,
    pub limits: &'a Limits,
    pub entity: Entity,
    pub source: &'a Source,
    pub how: &'a Incremental,
    pub history: &'a History,
}

/// Columns of the source that are kept, by their places in it, and what they are to the reading.
struct Columns {
    names: Vec<String>,
    places: Vec<usize>,
    /// The others are places among those kept.
    key: Vec<usize>,
    cursor: usize,
    tombstone: Option<usize>,
}

/// From where a source is read.
enum Start {
    /// From this mark on, into these records.
    At(Mark, Record),
    /// All of it, because.
    Whole(String),
}

/// What came over the wire.
struct Came {
    rows: u64,
    newest: Option<Mark>,
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
        Start::At(from, record) => match road.increment(from, &record).await? {
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

/// What a run would read now, without reading it.
pub(crate) async fn forecast(reading: &Reading<'_>, opened: &Opened, mapping: &Mapping) -> Result<Outlook, Error> {
    let columns = reading.columns(opened, mapping)?;
    let key = columns.key_names();
    let questions = reading.questions(&key)?;
    let origin = opened.origin.clone();
    let there = reading.number(questions.count()).await?;
    let outlook = Outlook { entity: reading.entity, origin, from: None, rows: Some(there), why: String::new(), may_differ: true };
    match reading.start(&columns) {
        Start::Whole(reason) => Ok(Outlook { why: reason, ..outlook }),
        Start::At(from, record) => {
            let watermark = record.watermark().unwrap_or_default();
            let rows = reading.number(questions.window_count(from)).await?;
            let newer = match Mark::parse(watermark) {
                Some(mark) => reading.number(questions.newer_count(mark)).await?,
                None => rows,
            };
            let kept = record.rows();
            let why = format!("{newer} rows newer than {watermark}, {kept} kept, {there} there");
            let may_differ = newer > 0 || there != kept;
            Ok(Outlook { from: Some(from.to_string()), rows: Some(rows), why, may_differ, ..outlook })
        }
    }
}

impl Columns {
    fn key_names(&self) -> Vec<String> {
        self.key.iter().filter_map(|place| self.names.get(*place).cloned()).collect()
    }
}

impl Reading<'_> {
    fn wrong(&self, detail: impl Into<String>, help: impl Into<String>) -> Error {
        Error::Increment { entity: self.entity, detail: detail.into(), help: help.into() }
    }

    /// The columns the mapping reads, and those the increments need.
    fn columns(&self, opened: &Opened, mapping: &Mapping) -> Result<Columns, Error> {
        let place = |name: &String| {
            let found = opened.schema.fields().iter().position(|field| field.name() == name);
            found.ok_or_else(|| {
                let names: Vec<&str> = opened.schema.fields().iter().map(|field| field.name().as_str()).collect();
                let detail = format!("{} has no column `{name}`, which `incremental` names", opened.origin);
                self.wrong(detail, format!("its columns are: {}", names.join(", ")))
            })
        };
        let cursor = place(&self.how.cursor)?;
        let tombstone = self.how.tombstone.as_ref().map(place).transpose()?;
        let key = if self.how.key.is_empty() {
            self.mapped_key(mapping)?
        } else {
            self.how.key.iter().map(place).collect::<Result<_, _>>()?
        };
        let needed = |place: &usize| {
            let wanted = mapping.wanted.get(*place).copied().unwrap_or(false);
            wanted || *place == cursor || Some(*place) == tombstone || key.contains(place)
        };
        let places: Vec<usize> = (0..opened.schema.fields().len()).filter(needed).collect();
        let among = |place: usize| places.iter().position(|known| *known == place).unwrap_or(0);
        Ok(Columns {
            names: places.iter().filter_map(|place| opened.schema.fields().get(*place)).map(|f| f.name().clone()).collect(),
            key: key.iter().map(|place| among(*place)).collect(),
            cursor: among(cursor),
            tombstone: tombstone.map(among),
            places,
        })
    }

    /// The source columns that the entity's key is read from as it stands.
    fn mapped_key(&self, mapping: &Mapping) -> Result<Vec<usize>, Error> {
        let of = |name: &&str| {
            let column = mapping.columns.iter().find(|column| column.target.name == *name);
            if let Some(From::Column(place)) = column.map(|column| &column.from) {
                return Ok(*place);
            }
            let detail = format!("`{name}`, which is part of the key, is read from no column of the source");
            Err(self.wrong(detail, "say which columns of the source name a row: `incremental: {key: [...]}`"))
        };
        schema::entity(self.entity).key.iter().map(of).collect()
    }

    fn questions<'k>(&'k self, key: &'k [String]) -> Result<Questions<'k>, Error> {
        let connection = self.pipeline.connections.get(&self.source.connection);
        let connection =
            connection.ok_or_else(|| self.wrong("its connection is not defined", "define it under `connections:`"))?;
        Ok(Questions::new(connection, self.source, self.how, key))
    }

    fn start(&self, columns: &Columns) -> Start {
        let whole = |reason: &str| Start::Whole(reason.to_owned());
        if self.history.refresh {
            return whole("it was asked for");
        }
        let Some(record) = self.history.record(self.entity) else { return whole("nothing is kept of it yet") };
        if record.source != fingerprint(self.source) {
            return whole("the pipeline file describes it anew");
        }
        if record.columns != columns.names {
            return whole("other columns of it are read than before");
        }
        let Some(watermark) = record.watermark().and_then(Mark::parse) else { return whole("it had no row with a cursor") };
        let Some(from) = watermark.from(self.how) else { return whole("its cursor is of another kind than `lookback`") };
        if !self.history.is_sound(self.entity, &record) {
            return whole("what was kept of it is gone or damaged");
        }
        Start::At(from, record)
    }

    async fn ask(&self, question: String) -> Result<Opened, Error> {
        connect(self.pipeline, self.limits, self.source, &Input::Query(question), Vec::new()).await
    }

    /// The one number a question is answered with.
    async fn number(&self, question: String) -> Result<u64, Error> {
        number(self.ask(question).await?, self.limits).await
    }
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
        let Columns { names, key, tombstone, .. } = self.columns;
        let Reading { session, entity, .. } = *self.reading;
        Merge { session, entity, columns: names.len(), key, tombstone: *tombstone }
    }

    fn incoming(&self) -> PathBuf {
        self.folder.join(format!("{}_came.parquet", self.reading.entity))
    }

    /// What is new, merged into what is kept; or why the source has to be read whole.
    async fn increment(&self, from: Mark, record: &Record) -> Result<Result<Renewed, String>, Error> {
        let Reading { entity, how, history, .. } = *self.reading;
        let key = self.columns.key_names();
        let questions = self.reading.questions(&key)?;
        let window = self.reading.ask(questions.window(from)).await?;
        // The same columns as a moment ago, or else somebody is changing the table.
        let came = self.drain(window).await?;
        let kept = history.records_path(entity, &record.hash);
        let present = match how.deletions {
            Deletions::Compare => Some(self.keys(questions.keys(), key.len()).await?),
            Deletions::Count | Deletions::Keep => None,
        };
        let rows = self.merge().write(Some(&kept), &self.incoming(), present.as_deref(), &self.to).await?;
        if let Some(present) = &present {
            let missing = self.merge().missing(present, &self.to).await?;
            remove(present)?;
            if missing > 0 {
                return Ok(Err(format!("it has {missing} rows that came later than `lookback` allows for")));
            }
        }
        if how.deletions == Deletions::Count {
            let there = self.reading.number(questions.count()).await?;
            if there != rows {
                return Ok(Err(format!("it has {there} rows where the increments come to {rows}")));
            }
        }
        remove(&self.incoming())?;
        self.renewed(Some(record), Some(from), None, &came, rows).map(Ok)
    }

    /// All of the source.
    async fn whole(&self, opened: Opened, before: Option<&Record>, reason: String) -> Result<Renewed, Error> {
        let came = self.drain(opened).await?;
        let rows = self.merge().write(None, &self.incoming(), None, &self.to).await?;
        remove(&self.incoming())?;
        self.renewed(before, None, Some(reason), &came, rows)
    }

    fn renewed(
        &self,
        before: Option<&Record>,
        from: Option<Mark>,
        whole_because: Option<String>,
        came: &Came,
        rows: u64,
    ) -> Result<Renewed, Error> {
        let Reading { pipeline, source, how, history, .. } = *self.reading;
        let known = before.filter(|_| from.is_some()).and_then(|record| Mark::parse(record.watermark()?));
        let newest = came.newest.map(|mark| mark.capped(history.now, pipeline.timezone, how.settle));
        let watermark = match (known, newest) {
            (Some(known), Some(newest)) => Some(known.later(newest).unwrap_or(newest)),
            (known, newest) => newest.or(known),
        };
        if let Some(mark) = watermark
            && mark.from(how).is_none()
        {
            let (kind, help) = match mark {
                Mark::Number(_) => ("numbers", "write how many of them to look back, such as `lookback: 10000`"),
                Mark::Time { .. } => ("times", "write a span to look back, such as `lookback: 3d`"),
            };
            return Err(self
                .reading
                .wrong(format!("the cursor `{}` holds {kind}, `lookback` is of another kind", how.cursor), help));
        }
        let hash = hash(&self.to).map_err(|source| Error::Folder { path: self.to.clone(), source })?;
        let increment = Increment {
            from: from.map(|mark| mark.to_string()),
            whole_because,
            rows_read: came.rows,
            rows,
            watermark: watermark.map(|mark| mark.to_string()),
            at: history.now,
        };
        let record = Record::after(before, fingerprint(source), self.columns.names.clone(), hash, increment);
        Ok(Renewed { base: before.map(|record| record.hash.clone()), record })
    }

    /// What the source gives, as it gives it, into a file of this run.
    async fn drain(&self, opened: Opened) -> Result<Came, Error> {
        let entity = self.reading.entity;
        let store = |source| Error::Store { entity, source };
        let places: Vec<usize> = self.columns.names.iter().filter_map(|name| opened.schema.index_of(name).ok()).collect();
        if places.len() != self.columns.names.len() {
            return Err(self.reading.wrong(format!("{} has lost columns while it was read", opened.origin), "run again"));
        }
        let wanted = (0..opened.schema.fields().len()).map(|place| places.contains(&place)).collect();
        let schema = incoming_schema(places.len());
        let mut file = TableFile::create_for_run(&self.incoming(), schema.clone()).map_err(store)?;
        let mut came = Came { rows: 0, newest: None };
        let mut records = opened.start(wanted, self.reading.limits.silence);
        while let Some(next) = records.next().await {
            let next = next?;
            if let Some(malformed) = next.malformed.first() {
                let detail = format!("{} record {} {}", next.origin, malformed.number, malformed.reason);
                let help = "a record that cannot be read has no key to be kept by: mend it, or leave `incremental` out";
                return Err(self.reading.wrong(detail, help));
            }
            let batch = self.part(&next.batch, &places, &schema)?;
            came.newest = self.newest(came.newest, &batch)?;
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

    fn newest(&self, mut newest: Option<Mark>, batch: &RecordBatch) -> Result<Option<Mark>, Error> {
        let how = self.reading.how;
        let values = batch.column(self.columns.cursor);
        if how.null_cursor_fails && values.null_count() > 0 {
            let detail = format!("{} rows have no value of the cursor `{}`", values.null_count(), how.cursor);
            return Err(self
                .reading
                .wrong(detail, "fill it at the source, or read such rows every time: `on_null_cursor: read`"));
        }
        for text in values.as_string::<i32>().iter().flatten() {
            let mark = Mark::parse(text);
            let later = mark.and_then(|mark| newest.map_or(Some(mark), |newest| newest.later(mark)));
            let Some(later) = later else {
                let detail = format!("the cursor `{}` holds `{text}`, which is not a {}", how.cursor, kind(newest));
                let help = "a cursor is a column of whole numbers or of times as in ISO 8601";
                return Err(self.reading.wrong(detail, help));
            };
            newest = Some(later);
        }
        Ok(newest)
    }

    /// The keys the source has, in a file of this run.
    async fn keys(&self, question: String, columns: usize) -> Result<PathBuf, Error> {
        let entity = self.reading.entity;
        let store = |source| Error::Store { entity, source };
        let path = self.folder.join(format!("{entity}_keys.parquet"));
        let schema = incoming_schema(columns);
        let mut file = TableFile::create_for_run(&path, schema.clone()).map_err(store)?;
        let places: Vec<usize> = (0..columns).collect();
        let mut records = self.reading.ask(question).await?.start(vec![true; columns], self.reading.limits.silence);
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

/// The one number that is all a query gives.
pub(crate) async fn number(answer: Opened, limits: &Limits) -> Result<u64, Error> {
    let origin = answer.origin.clone();
    let mut answer = answer.start(vec![true], limits.silence);
    let mut number = None;
    while let Some(records) = answer.next().await {
        let values = records?.batch.columns().first().cloned();
        number = values.and_then(|values| values.as_string_opt::<i32>()?.iter().flatten().next()?.parse().ok()).or(number);
    }
    number.ok_or_else(|| Error::Read { origin, detail: "it gives no number where rows were to be counted".to_owned() })
}

fn kind(newest: Option<Mark>) -> &'static str {
    match newest {
        None => "number or a time",
        Some(Mark::Number(_)) => "number as the others are",
        Some(Mark::Time { .. }) => "time as the others are",
    }
}
