//! Staging: each entity from its source to a Parquet file in the run's folder, batch by batch.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::compute::max;
use arrow::datatypes::TimestampMicrosecondType;
use chrono::{DateTime, NaiveDate};
use config::{AsOf, Input, Limits, Pipeline, Source};
use datafusion::logical_expr::ident;
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use futures::{StreamExt, stream};
use schema::{ENTITIES, Entity};

use crate::contract::{self, Observed, SeenSources, Terms};
use crate::error::Error;
use crate::increment::{self, History, Renewed};
use crate::mapping::{self, Mapping};
use crate::rejects::RejectFile;
use crate::rows::{Rules, Sorted, amount_column, staged_schema};
use crate::shared::{Elsewhere, location};
use crate::source::{self, Opened, Reading, Stream};
use crate::source_order::SourceOrder;
use crate::staged::{Book, Origin, Staged, StagedEntity};
use crate::table_file::TableFile;
use crate::{deduplicate, derive, moment};

/// The day a run stands for and where it keeps its files.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    /// The run's folder; `staged/` and `rejects/` are made in it.
    pub folder: &'a Path,
    /// The day of the slot, which the run stands for however late it is: what was sold since is left out.
    pub day: NaiveDate,
    /// The day on which the sources are read: nothing can have been sold after it.
    pub today: NaiveDate,
    /// `--as-of`, which wins over the pipeline's `as_of`.
    pub as_of: Option<NaiveDate>,
    /// What the sources gave in the last published run.
    pub before: &'a SeenSources,
    /// What earlier runs read of sources that are read in increments.
    pub history: &'a History,
}

/// Reads every source of the pipeline. Registers each entity in the session as a table of its name.
///
/// `progress` is told the entity and the records read so far.
pub async fn stage(
    session: &SessionContext,
    pipeline: &Pipeline,
    limits: &Limits,
    place: &Place<'_>,
    progress: &(dyn Fn(Entity, u64) + Sync),
) -> Result<Staged, Error> {
    for folder in ["staged", "rejects"] {
        let path = place.folder.join(folder);
        fs::create_dir_all(&path).map_err(|source| Error::Folder { path, source })?;
    }
    let fixed = match (place.as_of, pipeline.as_of) {
        (Some(day), _) | (None, AsOf::On(day)) => Some(day),
        (None, AsOf::Slot) => Some(place.day),
        (None, AsOf::LastSale) => None,
    };
    let mut staged =
        Staged { as_of: fixed.unwrap_or(place.day), entities: BTreeMap::new(), findings: Vec::new(), changes: Vec::new() };
    for entity in ENTITIES {
        let job = Job { session, pipeline, limits, place, entity, as_of: fixed };
        let (one, newest) = match pipeline.sources.get(&entity) {
            Some(source) => job.read(source, progress, &mut staged).await?,
            None => (job.without_source(&mut staged).await?, None),
        };
        if entity == Entity::Sales {
            let source = pipeline.sources.get(&entity);
            staged.as_of = as_of(fixed, newest, &one).map_err(|e| contract::nothing_left(e, place.before, entity, source))?;
        }
        register_staged(session, entity, &one.path, one.in_order).await?;
        match one.origin {
            Origin::Source => tracing::info!(%entity, rows = one.book.rows_loaded, rejected = one.book.rows_rejected, "staged"),
            Origin::Derived => tracing::info!(%entity, rows = one.book.rows_loaded, "derived from sales"),
            Origin::Absent => tracing::debug!(%entity, "no source"),
        }
        staged.entities.insert(entity, one);
    }
    let has_users = staged.book(Entity::Users).rows_loaded > 0;
    staged.findings.extend(derive::findings(session, has_users).await?);
    for change in &staged.changes {
        tracing::warn!(source = change.table, "{}", change.message);
    }
    Ok(staged)
}

pub(crate) async fn register_staged(session: &SessionContext, entity: Entity, path: &Path, in_order: bool) -> Result<(), Error> {
    let order: &[&str] = if in_order { &["order_length", "order_id", "line_number"] } else { &[] };
    let registered = register(session, entity.name(), path, order).await;
    registered.map_err(|source| Error::Compute { entity, step: "the staged rows", source })
}

/// Makes a Parquet file readable as a table; `order` names the columns its rows are sorted by, ascending. Other machines are not
/// told of it: they share a file out among them, and what they deal out anew is in no order.
pub async fn register(
    session: &SessionContext,
    name: &str,
    path: &Path,
    order: &[&str],
) -> Result<(), datafusion::error::DataFusionError> {
    let order: Vec<_> = order.iter().map(|column| ident(*column).sort(true, false)).collect();
    let is_here = session.copied_config().get_extension::<Elsewhere>().is_none();
    let file_sort_order = if is_here && !order.is_empty() { vec![order] } else { Vec::new() };
    let options = ParquetReadOptions { file_sort_order, ..ParquetReadOptions::default() };
    session.register_parquet(name, location(session, path).await?, options).await
}

fn as_of(fixed: Option<NaiveDate>, newest: Option<i64>, sales: &StagedEntity) -> Result<NaiveDate, Error> {
    let newest = newest.and_then(DateTime::from_timestamp_micros).map(|t| t.date_naive());
    newest.map(|newest| fixed.unwrap_or(newest)).ok_or_else(|| Error::NothingAccepted {
        read: sales.book.rows_in,
        filtered: sales.book.rows_filtered,
        rejected: sales.book.rows_rejected,
        reason: sales.first_reject.clone(),
        rejects: sales.rejects.clone().unwrap_or_default(),
    })
}

/// The staging of one entity.
struct Job<'a> {
    session: &'a SessionContext,
    pipeline: &'a Pipeline,
    limits: &'a Limits,
    place: &'a Place<'a>,
    entity: Entity,
    as_of: Option<NaiveDate>,
}

impl Job<'_> {
    fn path(&self, folder: &str, name: &str) -> PathBuf {
        self.place.folder.join(folder).join(format!("{name}.parquet"))
    }

    async fn without_source(&self, staged: &mut Staged) -> Result<StagedEntity, Error> {
        let path = self.path("staged", self.entity.name());
        let derived = derive::derive(self.session, self.entity, &path).await?;
        let origin = if derived.is_some() { Origin::Derived } else { Origin::Absent };
        let rows = match derived {
            Some((rows, findings)) => {
                staged.findings.extend(findings);
                rows
            }
            None => self.store(TableFile::create(&path, staged_schema(self.entity)).and_then(TableFile::finish))?,
        };
        let book = Book { rows_in: rows, rows_loaded: rows, ..Book::default() };
        Ok(StagedEntity {
            path,
            origin,
            book,
            in_order: false,
            limits: None,
            rejects: None,
            first_reject: None,
            seen: None,
            renewed: None,
        })
    }

    /// The staged entity and its newest sale in microseconds.
    async fn read(
        &self,
        source: &Source,
        progress: &(dyn Fn(Entity, u64) + Sync),
        staged: &mut Staged,
    ) -> Result<(StagedEntity, Option<i64>), Error> {
        let before = contract::before(self.place.before, self.entity, source);
        let opened = open(self.session, self.pipeline, self.limits, self.entity, source).await;
        let (opened, mut mapping) = opened.map_err(|e| contract::lost(e, before))?;
        let (origin, pii) = (opened.origin.clone(), &self.pipeline.pii);
        let terms = Terms::agree(self.entity, source, &opened, &mut mapping, before, pii)?;
        let (opened, renewed) = self.brought_up_to_date(source, opened, &mapping, progress).await?;
        let records = opened.start(mapping.wanted.clone(), self.limits.silence);
        let rules = Rules {
            entity: self.entity,
            mapping,
            staged: staged_schema(self.entity),
            terms,
            zone: self.pipeline.timezone,
            today: self.place.today,
            until: self.as_of.or((self.place.day < self.place.today).then_some(self.place.day)),
        };
        let kept = self.path("staged", self.entity.name());
        let path = if source.deduplicate.is_some() {
            self.path("staged", &format!("{}_with_duplicates", self.entity))
        } else {
            kept.clone()
        };
        let rules = Arc::new(rules);
        let mut tally = self.drain(records, &rules, &path, progress).await?;
        let newest = tally.newest.and_then(DateTime::from_timestamp_micros).map(|t| t.date_naive());
        staged.changes.extend(rules.terms.changes(&tally.observed));
        staged.findings.extend(derive::disagreeing_amounts(tally.disagreeing));
        staged.findings.extend(derive::negative_discounts(tally.surcharged));
        staged.findings.extend(derive::mixed_currencies(&tally.currencies));
        let stale = before.and_then(|before| contract::stale(before, &tally.book, newest, self.as_of));
        if let Some(stale) = stale {
            staged.changes.push(contract::told(self.entity, source, origin, stale)?);
        }
        if let Some((as_of, first)) = self.as_of.zip(tally.first_of_later_alone()) {
            return Err(Error::NoSaleYet { as_of, first });
        }
        if let Some(how) = &source.deduplicate {
            deduplicate::deduplicate(self.session, self.entity, how, &path, &kept, &mut tally.book).await?;
        }
        let records_in = tally.book.rows_in;
        let entity = StagedEntity {
            path: kept,
            origin: Origin::Source,
            book: tally.book,
            in_order: self.entity == Entity::Sales && source.deduplicate.is_none() && tally.order.holds(),
            limits: Some(source.rejects),
            rejects: Some(self.path("rejects", self.entity.name())),
            first_reject: tally.first_reject,
            seen: Some(rules.terms.seen(&tally.observed, records_in, newest)),
            renewed,
        };
        Ok((entity, tally.newest))
    }

    /// Of a source that is read in increments all its records, from what is kept and what is new; any other as it is.
    async fn brought_up_to_date(
        &self,
        source: &Source,
        opened: Opened,
        mapping: &Mapping,
        progress: &(dyn Fn(Entity, u64) + Sync),
    ) -> Result<(Opened, Option<Renewed>), Error> {
        let Some(how) = &source.incremental else { return Ok((opened, None)) };
        let Self { session, pipeline, limits, entity, .. } = *self;
        let reading = increment::Reading { session, pipeline, limits, entity, source, how, history: self.place.history };
        let (opened, renewed) = increment::records(&reading, opened, mapping, self.place.folder, progress).await?;
        Ok((opened, Some(renewed)))
    }

    /// Every batch through the rules, in parallel and in order.
    async fn drain(
        &self,
        records: Stream,
        rules: &Arc<Rules>,
        path: &Path,
        progress: &(dyn Fn(Entity, u64) + Sync),
    ) -> Result<Tally, Error> {
        let entity = self.entity;
        let workers = self.session.copied_config().target_partitions();
        let mut accepted = self.store(TableFile::create_for_run(path, Arc::clone(&rules.staged)))?;
        let (aside, limit) = (self.path("rejects", entity.name()), self.limits.rejects_kept);
        let mut rejects = self.store(RejectFile::create(&aside, entity, limit, &self.pipeline.pii))?;
        let mut tally = Tally::new(entity);
        let batches = stream::unfold(records, |mut records| async { records.next().await.map(|next| (next, records)) });
        let mut sorted = std::pin::pin!(
            batches
                .map(|next| {
                    let rules = Arc::clone(rules);
                    async move {
                        let records = next?;
                        tokio::task::spawn_blocking(move || rules.sort(records))
                            .await
                            .map_err(|e| Error::Worker { entity, detail: e.to_string() })?
                            .map_err(|source| Error::Compute { entity, step: "the mapped columns", source })
                    }
                })
                .buffered(workers.max(1))
        );
        while let Some(batch) = sorted.next().await {
            let batch = batch?;
            self.store(accepted.write(&batch.accepted))?;
            self.store(rejects.write(&batch.rejects))?;
            tally.add(&batch);
            rules.terms.hold(&batch.observed)?;
            progress(entity, tally.book.rows_in);
        }
        tally.first_reject = rejects.first.take();
        self.store(accepted.finish())?;
        self.store(rejects.finish())?;
        Ok(tally)
    }

    fn store<T>(&self, result: Result<T, crate::table_file::FileError>) -> Result<T, Error> {
        result.map_err(|source| Error::Store { entity: self.entity, source })
    }
}

struct Tally {
    book: Book,
    newest: Option<i64>,
    order: SourceOrder,
    first_reject: Option<String>,
    disagreeing: usize,
    surcharged: usize,
    currencies: BTreeSet<String>,
    first_later: Option<i64>,
    observed: Observed,
}

impl Tally {
    fn new(entity: Entity) -> Self {
        let zero = amount_column(entity).map(|_| 0);
        let book = Book {
            amount_in: zero,
            amount_loaded: zero,
            amount_rejected: zero,
            amount_deduplicated: zero,
            amount_filtered: zero,
            ..Book::default()
        };
        Self {
            book,
            newest: None,
            order: SourceOrder::new(),
            first_reject: None,
            disagreeing: 0,
            surcharged: 0,
            currencies: BTreeSet::new(),
            first_later: None,
            observed: Observed::default(),
        }
    }

    fn add(&mut self, batch: &Sorted) {
        let rejected: i128 = batch.rejects.iter().map(|r| r.amount).sum();
        let book = &mut self.book;
        book.rows_in += batch.read;
        book.rows_loaded += batch.accepted.num_rows() as u64;
        book.rows_rejected += batch.rejects.len() as u64;
        book.rows_filtered += batch.filtered;
        for (sum, amount) in [
            (&mut book.amount_in, batch.amount_accepted + batch.amount_filtered + rejected),
            (&mut book.amount_loaded, batch.amount_accepted),
            (&mut book.amount_rejected, rejected),
            (&mut book.amount_filtered, batch.amount_filtered),
        ] {
            *sum = sum.map(|sum| sum + amount);
        }
        self.disagreeing += batch.disagreeing;
        self.surcharged += batch.surcharged;
        self.currencies.extend(batch.currencies.iter().cloned());
        self.first_later = self.first_later.into_iter().chain(batch.first_later).min();
        self.order.watch(&batch.accepted);
        self.observed.add(&batch.observed);
        if let Some(times) = batch.accepted.column_by_name("ordered_at") {
            self.newest = self.newest.max(max(times.as_primitive::<TimestampMicrosecondType>()));
        }
    }

    /// The day of the first sale, where there are sales and all of them lie after `as_of`. What was set aside may lie before.
    fn first_of_later_alone(&self) -> Option<NaiveDate> {
        let others = self.book.rows_loaded + self.book.rows_rejected;
        self.first_later.filter(|_| others == 0).and_then(DateTime::from_timestamp_micros).map(|t| t.date_naive())
    }
}

/// A source that answered.
#[derive(Debug)]
pub struct Probed {
    pub entity: Entity,
    pub origin: String,
    pub columns: Vec<String>,
}

/// Opens every source and fits the mapping to its columns, without reading a row.
pub async fn probe(session: &SessionContext, pipeline: &Pipeline, limits: &Limits) -> Result<Vec<Probed>, Error> {
    let mut probed = Vec::new();
    for (entity, source) in &pipeline.sources {
        let (opened, _) = open(session, pipeline, limits, *entity, source).await?;
        let columns = opened.schema.fields().iter().map(|f| f.name().clone()).collect();
        probed.push(Probed { entity: *entity, origin: opened.origin, columns });
    }
    Ok(probed)
}

/// A source with its columns known and the mapping fitted to them.
pub(crate) async fn open(
    session: &SessionContext,
    pipeline: &Pipeline,
    limits: &Limits,
    entity: Entity,
    source: &Source,
) -> Result<(Opened, Mapping), Error> {
    let opened = connect(pipeline, limits, source, &source.input, mapping::names(session, source)).await?;
    for function in moment::functions(pipeline.timezone) {
        session.register_udf(function);
    }
    let mapping = Mapping::compile(session, entity, source, &opened)?;
    Ok((opened, mapping))
}

/// What a source's connection gives for an input; `mentioned` are names the mapping speaks of.
pub(crate) async fn connect(
    pipeline: &Pipeline,
    limits: &Limits,
    source: &Source,
    input: &Input,
    mentioned: Vec<String>,
) -> Result<Opened, Error> {
    let connection = pipeline.connections.get(&source.connection).ok_or_else(|| Error::Connection {
        connection: source.connection.clone(),
        detail: "it is not defined".to_owned(),
        help: "define it under `connections:`".to_owned(),
    })?;
    let of_table = matches!(source.input, Input::Table(_));
    let deduplicates = source.deduplicate.is_some();
    let reading = Reading { limits: limits.clone(), zone: pipeline.timezone, of_table, deduplicates, mentioned };
    let opening = source::open(&source.connection, connection, input, &reading);
    let silent = |_| Error::Silent { origin: format!("connection `{}`", source.connection), silence: limits.silence };
    tokio::time::timeout(limits.silence, opening).await.map_err(silent)?
}
