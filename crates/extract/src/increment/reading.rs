//! A source that is read in increments: its columns, what is kept of it, and what it is asked.

use arrow::array::{ArrayRef, AsArray};
use config::{Incremental, Input, Limits, Pipeline, Source};
use datafusion::prelude::SessionContext;
use schema::Entity;

use super::cursor::{Mark, Shown};
use super::history::{History, Record, fingerprint};
use super::questions::Questions;
use crate::error::Error;
use crate::mapping::{From, Mapping};
use crate::source::Opened;
use crate::stage::connect;

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
pub(super) struct Columns {
    pub names: Vec<String>,
    pub places: Vec<usize>,
    /// The others are places among those kept.
    pub key: Vec<usize>,
    pub cursor: usize,
    pub tombstone: Option<usize>,
    /// Names of those of cursor and key that may hold an empty text.
    texts: Vec<String>,
}

/// From where a source is read.
pub(super) enum Start {
    /// From this mark on, into these records, which end at this watermark.
    At(Mark, Record, Shown),
    /// All of it, because.
    Whole(String),
}

impl Columns {
    fn key_names(&self) -> Vec<String> {
        self.key.iter().filter_map(|place| self.names.get(*place).cloned()).collect()
    }
}

impl Reading<'_> {
    pub(super) fn wrong(&self, detail: impl Into<String>, help: impl Into<String>) -> Error {
        Error::Increment { entity: self.entity, detail: detail.into(), help: help.into() }
    }

    /// The columns the mapping reads, and those the increments need.
    pub(super) fn columns(&self, opened: &Opened, mapping: &Mapping) -> Result<Columns, Error> {
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
        let name = |place: &usize| opened.schema.fields().get(*place).map(|field| field.name().clone());
        let is_text = |place: &&usize| !opened.never_empty.get(**place).copied().unwrap_or(false);
        Ok(Columns {
            names: places.iter().filter_map(name).collect(),
            key: key.iter().map(|place| among(*place)).collect(),
            cursor: among(cursor),
            tombstone: tombstone.map(among),
            texts: std::iter::once(&cursor).chain(&key).filter(is_text).filter_map(name).collect(),
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

    pub(super) fn questions(&self, columns: &Columns) -> Result<Questions<'_>, Error> {
        let connection = self.pipeline.connections.get(&self.source.connection);
        let connection =
            connection.ok_or_else(|| self.wrong("its connection is not defined", "define it under `connections:`"))?;
        Ok(Questions::new(connection, self.source, self.how, columns.key_names(), columns.texts.clone()))
    }

    pub(super) fn start(&self, columns: &Columns) -> Start {
        let whole = |reason: &str| Start::Whole(reason.to_owned());
        if self.history.refresh {
            return whole("it was asked for");
        }
        let Some(record) = self.history.record(self.entity) else { return whole("nothing is kept of it yet") };
        if record.source != fingerprint(self.source, self.pipeline) {
            return whole("the pipeline file describes it anew");
        }
        if record.columns != columns.names {
            return whole("other columns of it are read than before");
        }
        if let Some((end, begin)) = record.hole() {
            return Start::Whole(format!("nothing is kept of it between {end} and {begin}"));
        }
        let Some(watermark) = record.watermark().and_then(Shown::parse) else { return whole("it had no row with a cursor") };
        let Some(from) = watermark.mark.from(self.how) else { return whole("its cursor is of another kind than `lookback`") };
        if !self.history.is_sound(self.entity, &record) {
            return whole("what was kept of it is gone or damaged");
        }
        Start::At(from, record, watermark)
    }

    pub(super) async fn ask(&self, question: String) -> Result<Opened, Error> {
        connect(self.pipeline, self.limits, self.source, &Input::Query(question), Vec::new()).await
    }

    /// The one number a question is answered with.
    pub(super) async fn number(&self, question: String) -> Result<u64, Error> {
        number(self.ask(question).await?, self.limits).await
    }

    /// The one value a question is answered with; none for NULL.
    pub(super) async fn value(&self, question: String) -> Result<Option<String>, Error> {
        value(self.ask(question).await?, self.limits).await
    }
}

/// The one number that is all a query gives.
pub(crate) async fn number(answer: Opened, limits: &Limits) -> Result<u64, Error> {
    let origin = answer.origin.clone();
    let number = value(answer, limits).await?.and_then(|value| value.parse().ok());
    number.ok_or_else(|| Error::Read { origin, detail: "it gives no number where rows were to be counted".to_owned() })
}

async fn value(answer: Opened, limits: &Limits) -> Result<Option<String>, Error> {
    let mut answer = answer.start(vec![true], limits.silence);
    let mut value = None;
    while let Some(records) = answer.next().await {
        let values = records?.batch.columns().first().cloned();
        value = values.and_then(|values| first(&values)).or(value);
    }
    Ok(value)
}

/// The first text of a column that is there.
pub(super) fn first(values: &ArrayRef) -> Option<String> {
    values.as_string_opt::<i32>()?.iter().flatten().next().map(str::to_owned)
}
