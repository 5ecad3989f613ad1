//! One batch of raw records through mapping, types and rules: what is accepted, and what is set aside and why.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, new_null_array};
use arrow::compute::filter_record_batch;
use arrow::compute::kernels::length::length;
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Field, Schema, SchemaRef, TimestampMicrosecondType};
use arrow::util::display::array_value_to_string;
use chrono::NaiveDate;
use chrono_tz::Tz;
use datafusion::error::DataFusionError;
use schema::{Entity, Type, entity};

use crate::amounts::{self, Given};
use crate::contract::{Observed, Row, Terms};
use crate::fit::fit;
use crate::mapping::{From, MappedColumn, Mapping};
use crate::moment::days;
use crate::source::Records;

const MICROS_PER_DAY: i64 = 86_400_000_000;
/// Years a date can be meant to lie in.
const FIRST_YEAR: i32 = 1900;
const LAST_YEAR: i32 = 2199;
/// Characters of a text that Power BI's model holds; an id is never so long, and a file that is damaged has them by the megabyte.
const LONGEST_TEXT: usize = 32_766;
/// Characters of a raw value that are kept.
const RAW_SHOWN: usize = 500;

/// What the rules of one entity need to know.
pub(crate) struct Rules {
    pub entity: Entity,
    pub mapping: Mapping,
    pub staged: SchemaRef,
    pub terms: Terms,
    pub zone: Tz,
    /// The day of the run: a later sale cannot have happened.
    pub today: NaiveDate,
    /// Later sales are left out: an `as_of` fixed beforehand, or the day of a slot that runs late.
    pub until: Option<NaiveDate>,
}

/// A record that is set aside.
pub(crate) struct Reject {
    pub origin: Arc<str>,
    pub number: u64,
    pub column: String,
    pub raw: Option<String>,
    pub reason: String,
    pub amount: i128,
}

/// What became of one batch.
pub(crate) struct Sorted {
    pub accepted: RecordBatch,
    pub rejects: Vec<Reject>,
    pub read: u64,
    pub filtered: u64,
    pub amount_accepted: i128,
    pub amount_filtered: i128,
    /// Accepted lines whose amounts, all stated, do not agree.
    pub disagreeing: usize,
    /// Lines that their discount makes dearer.
    pub surcharged: usize,
    /// Of accepted lines, where nothing says what one is worth in another.
    pub currencies: BTreeSet<String>,
    /// When the first of the sales was that were left out for lying after `as_of`, in microseconds.
    pub first_later: Option<i64>,
    pub observed: Observed,
}

/// Columns of a staged entity. Sales carry all four amounts; what an entity's source does not give is NULL.
pub fn staged_schema(name: Entity) -> SchemaRef {
    let mut fields: Vec<Field> = Vec::new();
    for column in entity(name).columns {
        if matches!(column.name, "discount_rate" | "exchange_rate") {
            continue;
        }
        if column.name == "discount_amount" {
            fields.push(Field::new("gross_amount", Type::Money.arrow(), true));
        }
        fields.push(Field::new(column.name, column.kind.arrow(), true));
    }
    if name == Entity::Sales {
        // The fact table is sorted by it first, so that 9 comes before 10.
        fields.push(Field::new("order_length", DataType::Int32, true));
    }
    Arc::new(Schema::new(fields))
}

/// The column whose sum is followed from hop to hop.
pub(crate) fn amount_column(name: Entity) -> Option<&'static str> {
    match name {
        Entity::Sales => Some("net_amount"),
        Entity::Payments => Some("amount"),
        Entity::Customers | Entity::Products | Entity::Tickets | Entity::Users => None,
    }
}

/// Amounts of which any two give the third.
const STATED: [&str; 3] = ["unit_price", "net_amount", "discount_amount"];

struct Fault {
    column: String,
    raw: Option<String>,
    reason: String,
}

/// Columns of ours, with the first fault of each row.
struct Mapped {
    columns: Vec<(&'static str, ArrayRef)>,
    faults: BTreeMap<usize, Fault>,
}

impl Mapped {
    fn get(&self, name: &str) -> Option<&ArrayRef> {
        self.columns.iter().find(|(n, _)| *n == name).map(|(_, values)| values)
    }

    fn fault(&mut self, row: usize, fault: Fault) {
        self.faults.entry(row).or_insert(fault);
    }
}

impl Rules {
    pub fn sort(&self, records: Records) -> Result<Sorted, DataFusionError> {
        let mut mapped = Mapped { columns: Vec::new(), faults: BTreeMap::new() };
        let mut kept = self.filter(&records.batch, &mut mapped)?;
        for column in &self.mapping.columns {
            self.map(column, &records.batch, &mut mapped)?;
        }
        let mut first_later = None;
        if self.entity == Entity::Sales {
            self.complete_sales(&records.batch, &mut mapped);
            first_later = self.leave_out_later(&mapped, &mut kept);
        }
        let observed = self.observe(&records, &mut mapped, &kept)?;
        Ok(Sorted { first_later, observed, ..self.part(records, &mapped, &kept)? })
    }

    /// What the batch shows of the source's columns; what its contract sets aside has a fault.
    fn observe(&self, records: &Records, mapped: &mut Mapped, kept: &[bool]) -> Result<Observed, DataFusionError> {
        let row = |(row, kept): (usize, &bool)| match (kept, mapped.faults.contains_key(&row)) {
            (false, _) => Row::Filtered,
            (true, false) => Row::Sound,
            (true, true) => Row::Faulty,
        };
        let rows: Vec<Row> = kept.iter().enumerate().map(row).collect();
        let named = |row: usize| {
            let value = |name: &&str| {
                let values = mapped.get(name).filter(|values| values.is_valid(row))?;
                Some(format!("{name} {}", array_value_to_string(values, row).ok()?))
            };
            self.terms.key().iter().filter_map(value).collect::<Vec<_>>().join(", ")
        };
        let (observed, aside) = self.terms.observe(&records.batch, &rows, &records.origin, &records.numbers, &named)?;
        for (row, column, raw, reason) in aside {
            mapped.fault(row, Fault { column, raw: Some(raw), reason });
        }
        Ok(observed)
    }

    /// Rows for which `where` is true or could not be computed; the latter have a fault.
    fn filter(&self, batch: &RecordBatch, mapped: &mut Mapped) -> Result<Vec<bool>, DataFusionError> {
        let Some(filter) = &self.mapping.filter else { return Ok(vec![true; batch.num_rows()]) };
        let evaluated = filter.evaluate(batch)?;
        let values = arrow::compute::cast(&evaluated.values, &DataType::Boolean)?;
        let values = values.as_boolean();
        let mut kept: Vec<bool> = (0..batch.num_rows()).map(|row| values.is_valid(row) && values.value(row)).collect();
        for (row, reason) in evaluated.failures {
            if let Some(flag) = kept.get_mut(row) {
                *flag = true;
            }
            let raw = Some(shown(batch, &filter.reads, row));
            mapped.fault(row, Fault { column: "where".to_owned(), raw, reason });
        }
        Ok(kept)
    }

    fn map(&self, column: &MappedColumn, batch: &RecordBatch, mapped: &mut Mapped) -> Result<(), DataFusionError> {
        let target = column.target;
        let (raw, reads, early) = match &column.from {
            From::Column(place) => (Arc::clone(batch.column(*place)), vec![*place], Vec::new()),
            From::Expression(expression) => {
                let evaluated = expression.evaluate(batch)?;
                (evaluated.values, expression.reads.clone(), evaluated.failures)
            }
        };
        let fitted = fit(&raw, target.kind, column.format.as_deref(), self.zone)?;
        for (row, reason) in early.into_iter().chain(fitted.failures) {
            let raw = Some(shown(batch, &reads, row));
            mapped.fault(row, Fault { column: target.name.to_owned(), raw, reason });
        }
        if target.required && fitted.values.null_count() > 0 {
            for row in (0..batch.num_rows()).filter(|row| fitted.values.is_null(*row)) {
                mapped.fault(row, Fault { column: target.name.to_owned(), raw: None, reason: "is missing".to_owned() });
            }
        }
        for row in too_long(&fitted.values) {
            let raw = Some(shown(batch, &reads, row));
            let reason = format!("is longer than {LONGEST_TEXT} characters");
            mapped.fault(row, Fault { column: target.name.to_owned(), raw, reason });
        }
        for row in with_nul(&fitted.values) {
            let raw = Some(shown(batch, &reads, row).replace('\0', "\\0"));
            mapped.fault(row, Fault { column: target.name.to_owned(), raw, reason: "holds a NUL character".to_owned() });
        }
        for row in implausible(&fitted.values) {
            let raw = Some(shown(batch, &reads, row));
            let reason = format!("lies outside the years {FIRST_YEAR} to {LAST_YEAR}");
            mapped.fault(row, Fault { column: target.name.to_owned(), raw, reason });
        }
        mapped.columns.push((target.name, fitted.values));
        Ok(())
    }

    fn complete_sales(&self, batch: &RecordBatch, mapped: &mut Mapped) {
        let given = Given::of(|name| mapped.get(name));
        let amounts = amounts::complete(&given, batch.num_rows());
        for (row, column, reason) in amounts.faults {
            let raw = self.raw(batch, column, row);
            mapped.fault(row, Fault { column: column.to_owned(), raw, reason });
        }
        mapped.columns.retain(|(n, _)| !matches!(*n, "unit_price" | "net_amount" | "discount_amount" | "cost_amount"));
        mapped.columns.extend([
            ("unit_price", amounts.unit_price),
            ("gross_amount", amounts.gross),
            ("discount_amount", amounts.discount),
            ("net_amount", amounts.net),
            ("cost_amount", amounts.cost),
        ]);
        if let Some(Ok(lengths)) = mapped.get("order_id").map(|ids| length(ids)) {
            mapped.columns.push(("order_length", lengths));
        }
        for row in later_than(mapped.get("ordered_at"), self.today) {
            let raw = self.raw(batch, "ordered_at", row);
            let reason = format!("lies after {}, the day of the run", self.today);
            mapped.fault(row, Fault { column: "ordered_at".to_owned(), raw, reason });
        }
    }

    /// With a day in the past, what was sold since is not a fault: it is not part of the picture. Returns when the first of it
    /// was sold.
    fn leave_out_later(&self, mapped: &Mapped, kept: &mut [bool]) -> Option<i64> {
        let (until, values) = (self.until?, mapped.get("ordered_at")?);
        let times = values.as_primitive_opt::<TimestampMicrosecondType>()?;
        let mut first: Option<i64> = None;
        for row in later_than(Some(values), until) {
            let is_sound = !mapped.faults.contains_key(&row);
            if let Some(flag) = kept.get_mut(row).filter(|flag| **flag && is_sound) {
                *flag = false;
                first = first.into_iter().chain([times.value(row)]).min();
            }
        }
        first
    }

    fn part(&self, records: Records, mapped: &Mapped, kept: &[bool]) -> Result<Sorted, DataFusionError> {
        let Records { origin, batch, numbers, malformed } = records;
        let rows = batch.num_rows();
        let amounts = amount_column(self.entity).and_then(|n| mapped.get(n)).map(AsArray::as_primitive::<Decimal128Type>);
        let amount = |row: usize| amounts.filter(|a| a.is_valid(row)).map_or(0, |a| a.value(row));
        let mut sorted = Sorted {
            accepted: RecordBatch::new_empty(Arc::clone(&self.staged)),
            rejects: Vec::new(),
            read: (rows + malformed.len()) as u64,
            filtered: 0,
            amount_accepted: 0,
            amount_filtered: 0,
            disagreeing: 0,
            surcharged: 0,
            currencies: BTreeSet::new(),
            first_later: None,
            observed: Observed::default(),
        };
        let mut accepted = Vec::with_capacity(rows);
        for (row, (number, kept)) in numbers.iter().zip(kept).enumerate() {
            let fault = mapped.faults.get(&row);
            accepted.push(*kept && fault.is_none());
            match fault {
                _ if !kept => {
                    sorted.filtered += 1;
                    sorted.amount_filtered += amount(row);
                }
                Some(Fault { column, raw, reason }) => sorted.rejects.push(Reject {
                    origin: Arc::clone(&origin),
                    number: *number,
                    column: column.clone(),
                    raw: raw.clone(),
                    reason: reason.clone(),
                    amount: amount(row),
                }),
                None => sorted.amount_accepted += amount(row),
            }
        }
        sorted.rejects.extend(malformed.into_iter().map(|m| Reject {
            origin: Arc::clone(&origin),
            number: m.number,
            column: "(record)".to_owned(),
            raw: Some(m.raw),
            reason: m.reason,
            amount: 0,
        }));
        sorted.rejects.sort_by_key(|r| r.number);
        sorted.accepted = filter_record_batch(&self.staged_batch(mapped, rows)?, &BooleanArray::from(accepted))?;
        let is_mapped = |name: &str| self.mapping.columns.iter().any(|column| column.target.name == name);
        if STATED.into_iter().all(is_mapped) {
            sorted.disagreeing = amounts::disagreeing(&sorted.accepted);
        }
        if self.entity == Entity::Sales {
            sorted.surcharged = amounts::surcharged(&sorted.accepted);
        }
        if is_mapped("currency") && !is_mapped("exchange_rate") {
            let currencies = sorted.accepted.column_by_name("currency").and_then(|column| column.as_string_opt::<i32>());
            sorted.currencies = currencies.into_iter().flatten().flatten().map(str::to_owned).collect();
        }
        Ok(sorted)
    }

    fn staged_batch(&self, mapped: &Mapped, rows: usize) -> Result<RecordBatch, DataFusionError> {
        let columns = self
            .staged
            .fields()
            .iter()
            .map(|f| mapped.get(f.name()).cloned().unwrap_or_else(|| new_null_array(f.data_type(), rows)))
            .collect();
        Ok(RecordBatch::try_new(Arc::clone(&self.staged), columns)?)
    }

    fn raw(&self, batch: &RecordBatch, column: &str, row: usize) -> Option<String> {
        let mapped = self.mapping.columns.iter().find(|c| c.target.name == column)?;
        let reads = match &mapped.from {
            From::Column(place) => vec![*place],
            From::Expression(expression) => expression.reads.clone(),
        };
        Some(shown(batch, &reads, row))
    }
}

// Nearly every batch has none of these rows, so the values are first looked through as they lie.

/// Rows with a text that no column of a report holds.
fn too_long(values: &ArrayRef) -> Vec<usize> {
    let Some(texts) = values.as_string_opt::<i32>().filter(|texts| texts.offsets().lengths().any(|bytes| bytes > LONGEST_TEXT))
    else {
        return Vec::new();
    };
    let is_long = |text: &str| text.len() > LONGEST_TEXT && text.chars().count() > LONGEST_TEXT;
    (0..texts.len()).filter(|row| texts.is_valid(*row) && is_long(texts.value(*row))).collect()
}

/// Rows with a text that other programs would end half-way.
fn with_nul(values: &ArrayRef) -> Vec<usize> {
    let Some(texts) = values.as_string_opt::<i32>().filter(|texts| texts.value_data().contains(&0)) else { return Vec::new() };
    (0..texts.len()).filter(|row| texts.is_valid(*row) && texts.value(*row).contains('\0')).collect()
}

/// Rows with a date or time that no retailer means: the calendar would grow without end.
fn implausible(values: &ArrayRef) -> Vec<usize> {
    let first = NaiveDate::from_ymd_opt(FIRST_YEAR, 1, 1).map_or(0, days);
    let last = NaiveDate::from_ymd_opt(LAST_YEAR, 12, 31).map_or(0, days);
    let outside = |day: i64| !(i64::from(first)..=i64::from(last)).contains(&day);
    if let Some(dates) = values.as_primitive_opt::<Date32Type>() {
        if !dates.values().iter().any(|day| outside(i64::from(*day))) {
            return Vec::new();
        }
        return (0..dates.len()).filter(|row| dates.is_valid(*row) && outside(i64::from(dates.value(*row)))).collect();
    }
    let Some(times) = values.as_primitive_opt::<TimestampMicrosecondType>() else { return Vec::new() };
    if !times.values().iter().any(|time| outside(time.div_euclid(MICROS_PER_DAY))) {
        return Vec::new();
    }
    (0..times.len()).filter(|row| times.is_valid(*row) && outside(times.value(*row).div_euclid(MICROS_PER_DAY))).collect()
}

fn later_than(times: Option<&ArrayRef>, day: NaiveDate) -> Vec<usize> {
    let end = (i64::from(days(day)) + 1) * MICROS_PER_DAY;
    let Some(times) = times.and_then(|t| t.as_primitive_opt::<TimestampMicrosecondType>()) else { return Vec::new() };
    if !times.values().iter().any(|time| *time >= end) {
        return Vec::new();
    }
    (0..times.len()).filter(|row| times.is_valid(*row) && times.value(*row) >= end).collect()
}

/// The raw value of one column, or `name=value` of each that an expression reads.
fn shown(batch: &RecordBatch, reads: &[usize], row: usize) -> String {
    let value = |place: usize| array_value_to_string(batch.column(place), row).unwrap_or_default();
    let text = match reads {
        [one] => value(*one),
        many => many.iter().map(|p| format!("{}={}", batch.schema().field(*p).name(), value(*p))).collect::<Vec<_>>().join(", "),
    };
    if text.len() > RAW_SHOWN { text.chars().take(RAW_SHOWN).collect() } else { text }
}
