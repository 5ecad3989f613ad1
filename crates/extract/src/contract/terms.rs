//! What a source is held to while it is read, and what is seen of it on the way.

use std::collections::BTreeSet;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{can_cast_types, cast};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::util::display::array_value_to_string;
use chrono::NaiveDate;
use config::{Change, Source};
use schema::Entity;

use super::changes::{self, Offence, mend};
use super::{Kind, Seen, SeenColumn, SeenFile, fingerprint};
use crate::error::Error;
use crate::mapping::{From, MappedColumn, Mapping};
use crate::source::Opened;
use crate::staged::Finding;

/// Files of a source that are remembered one by one: with more of them a record of a run would be mostly their names.
const MOST_FILES: usize = 1000;

/// What the source of one entity is held to.
pub(crate) struct Terms {
    entity: Entity,
    source: String,
    origin: String,
    change: Change,
    columns: Vec<Term>,
    /// Columns of ours that name a row in messages: those of the key that anybody may see.
    key: Vec<&'static str>,
    files: Vec<SeenFile>,
    /// Columns that came or went, and files that went.
    told: Vec<Finding>,
}

struct Term {
    name: String,
    read: bool,
    /// What its values were; nothing where that is not known.
    was: Kind,
    /// A new one, whose records are set aside.
    unwelcome: bool,
    /// One whose values nobody may see.
    masked: bool,
}

/// What one batch, or all, showed of each column.
#[derive(Debug, Clone, Default)]
pub(crate) struct Observed(Vec<Column>);

#[derive(Debug, Clone)]
struct Column {
    kind: Kind,
    offending: u64,
    first: Option<Offence>,
}

/// A row that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Row {
    /// It goes on if nothing is wrong with it.
    Sound,
    /// It is set aside for another reason.
    Faulty,
    /// It is left out.
    Filtered,
}

/// A row to set aside, its column, value and the reason.
type Aside = (usize, String, String, String);

/// Values of a column that break its terms.
type Offending = Vec<(usize, String)>;

impl Terms {
    /// Fits the source's columns to what they were. `pii` names columns of ours that nobody may see.
    pub fn agree(
        entity: Entity,
        source: &Source,
        opened: &Opened,
        mapping: &mut Mapping,
        before: Option<&Seen>,
        pii: &BTreeSet<String>,
    ) -> Result<Self, Error> {
        let origin = opened.origin.as_str();
        let names: Vec<&str> = opened.schema.fields().iter().map(|f| f.name().as_str()).collect();
        let mut told = match before {
            Some(before) => changes::columns(entity, origin, &names, before, source.contract.columns)?,
            None => Vec::new(),
        };
        told.extend(before.into_iter().flat_map(|before| changes::files(entity, &opened.files, before)));
        let files = &opened.files;
        let files = if files.len() <= MOST_FILES { files.iter().map(SeenFile::of).collect() } else { Vec::new() };
        let masked = masked(mapping, pii);
        let key = told_key(entity, mapping, pii, &masked);
        let mut columns = Vec::with_capacity(names.len());
        for (place, name) in names.iter().enumerate() {
            let known = before.and_then(|before| before.column(name));
            let unwelcome = source.contract.columns == Change::Quarantine && before.is_some() && known.is_none();
            let read = mapping.wanted.get(place).copied().unwrap_or(false);
            if let Some(wanted) = mapping.wanted.get_mut(place) {
                *wanted |= unwelcome;
            }
            let was = known.and_then(|column| column.kind).unwrap_or(Kind::Nothing);
            columns.push(Term { name: (*name).to_owned(), read, was, unwelcome, masked: masked.contains(&place) });
        }
        Ok(Self {
            entity,
            source: fingerprint(source),
            origin: origin.to_owned(),
            change: source.contract.types,
            columns,
            key,
            files,
            told,
        })
    }

    /// Columns of ours that name a row in messages.
    pub fn key(&self) -> &[&'static str] {
        &self.key
    }

    /// Looks at a batch. Rows that are to be set aside come back with their column, value and reason.
    pub fn observe(
        &self,
        batch: &RecordBatch,
        rows: &[Row],
        origin: &str,
        numbers: &[u64],
        key: &dyn Fn(usize) -> String,
    ) -> Result<(Observed, Vec<Aside>), ArrowError> {
        let mut observed = Vec::with_capacity(self.columns.len());
        let mut aside = Vec::new();
        for (term, values) in self.columns.iter().zip(batch.columns()) {
            let mut column = Column { kind: Kind::Nothing, offending: 0, first: None };
            if term.unwelcome {
                let present = (0..values.len()).filter(|row| values.is_valid(*row) && rows.get(*row) == Some(&Row::Sound));
                for row in present {
                    let reason = "stands in a column that is new since the last published run".to_owned();
                    aside.push((row, term.name.clone(), array_value_to_string(values, row)?, reason));
                }
            } else if term.read {
                let offending = self.look(term, values, rows, &mut column)?;
                column.offending = offending.len() as u64;
                if let Some((row, value)) = offending.first() {
                    let record = numbers.get(*row).copied().unwrap_or(0);
                    let value = (!term.masked).then(|| value.chars().take(80).collect());
                    column.first = Some(Offence { origin: origin.to_owned(), record, value, key: key(*row) });
                }
                if self.change == Change::Quarantine {
                    let reason = format!("is not one of the {} that `{}` held in the last published run", term.was, term.name);
                    aside.extend(offending.into_iter().map(|(row, value)| (row, term.name.clone(), value, reason.clone())));
                }
            }
            observed.push(column);
        }
        Ok((Observed(observed), aside))
    }

    /// The kind of a column's values and those that are not of the kind it was.
    fn look(&self, term: &Term, values: &ArrayRef, rows: &[Row], column: &mut Column) -> Result<Offending, ArrowError> {
        let counts = |row: &usize| match rows.get(*row) {
            Some(Row::Sound) => values.is_valid(*row),
            // Frozen, even what is set aside for another reason breaks the contract.
            Some(Row::Faulty) => self.change == Change::Freeze && values.is_valid(*row),
            _ => false,
        };
        if let Some(kind) = Kind::of_type(values.data_type()).filter(|kind| term.was.holds(*kind)) {
            column.kind = if (0..values.len()).any(|row| counts(&row)) { kind } else { Kind::Nothing };
            return Ok(Vec::new());
        }
        if !can_cast_types(values.data_type(), &DataType::Utf8) {
            let nested = |row| (row, format!("a value of type {}", values.data_type()));
            return Ok((0..values.len()).filter(counts).map(nested).collect());
        }
        let texts = cast(values, &DataType::Utf8)?;
        let texts = texts.as_string::<i32>();
        let mut offending = Vec::new();
        for row in (0..values.len()).filter(counts).filter(|row| texts.is_valid(*row)) {
            // Nothing is wider than text.
            if column.kind == Kind::Text && matches!(term.was, Kind::Nothing | Kind::Text) {
                break;
            }
            let kind = Kind::of_text(texts.value(row));
            if term.was.holds(kind) {
                column.kind = column.kind.with(kind);
            } else {
                offending.push((row, texts.value(row).to_owned()));
                if self.change != Change::Quarantine {
                    column.kind = column.kind.with(kind);
                }
            }
        }
        Ok(offending)
    }

    /// The end of the run, if types are frozen and one has changed.
    pub fn hold(&self, observed: &Observed) -> Result<(), Error> {
        let changes: Vec<String> = if self.change == Change::Freeze { self.changed(observed) } else { Vec::new() };
        if changes.is_empty() {
            return Ok(());
        }
        let help = mend("`contract: {types: evolve}`");
        Err(Error::Contract { entity: self.entity, origin: self.origin.clone(), changes, help })
    }

    fn changed(&self, observed: &Observed) -> Vec<String> {
        let columns = self.columns.iter().zip(&observed.0);
        columns.filter_map(|(term, column)| Some(column.first.as_ref()?.of(&term.name, term.was, column.offending))).collect()
    }

    /// Everything that has changed, in words.
    pub fn changes(&self, observed: &Observed) -> Vec<Finding> {
        let columns = self.columns.iter().zip(&observed.0);
        let types = columns.filter_map(|(term, column)| {
            Some(Finding {
                check: "changed_type".into(),
                table: format!("{}.{}", self.entity, term.name),
                count: column.offending,
                message: column.first.as_ref()?.of(&term.name, term.was, column.offending),
            })
        });
        self.told.iter().cloned().chain(types).collect()
    }

    /// What later runs are held to. A column only widens, and one that is not welcome stays new.
    pub fn seen(&self, observed: &Observed, records: u64, newest: Option<NaiveDate>) -> Seen {
        // A source without a record showed nothing of its columns.
        let kind = |place: usize| observed.0.get(place).map_or(Kind::Nothing, |column| column.kind);
        let welcome = self.columns.iter().enumerate().filter(|(_, term)| !term.unwelcome);
        let columns = welcome
            .map(|(place, term)| SeenColumn { name: term.name.clone(), kind: term.read.then(|| term.was.with(kind(place))) });
        Seen { source: self.source.clone(), columns: columns.collect(), records, newest, files: self.files.clone() }
    }
}

impl Observed {
    pub fn add(&mut self, other: &Self) {
        if self.0.is_empty() {
            self.0.clone_from(&other.0);
            return;
        }
        for (all, one) in self.0.iter_mut().zip(&other.0) {
            all.kind = all.kind.with(one.kind);
            all.offending += one.offending;
            if all.first.is_none() {
                all.first.clone_from(&one.first);
            }
        }
    }
}

/// Source columns that a column nobody may see is read from.
fn masked(mapping: &Mapping, pii: &BTreeSet<String>) -> BTreeSet<usize> {
    let hidden = mapping.columns.iter().filter(|column| pii.contains(column.target.name));
    hidden.flat_map(reads).collect()
}

/// Columns of the key whose values are neither masked themselves nor read from what is.
fn told_key(entity: Entity, mapping: &Mapping, pii: &BTreeSet<String>, masked: &BTreeSet<usize>) -> Vec<&'static str> {
    let is_told =
        |column: &MappedColumn| !pii.contains(column.target.name) && reads(column).iter().all(|place| !masked.contains(place));
    let names = |name: &&str| mapping.columns.iter().any(|column| column.target.name == *name && is_told(column));
    schema::entity(entity).key.iter().copied().filter(names).collect()
}

/// Source columns that one of ours is read from.
fn reads(column: &MappedColumn) -> Vec<usize> {
    match &column.from {
        From::Column(place) => vec![*place],
        From::Expression(expression) => expression.reads.clone(),
    }
}
