//! One pass over a table's file, as readers will see it: schema, order and uniqueness of the key, references, numbers.

use std::fs::File;
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::kernels::length::length;
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, Schema};
use arrow::row::{OwnedRow, RowConverter, SortField};
use arrow::util::display::array_value_to_string;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use rayon::prelude::*;
use schema::Table;

use crate::check::Check;
use crate::dimension::{Dimensions, Members, target};

/// What a pass over one table found.
pub(crate) struct Scan {
    pub rows: u64,
    pub checks: Vec<Check>,
    /// Members, if the table is a dimension.
    pub members: Members,
}

struct Reference {
    column: usize,
    name: &'static str,
    dimension: &'static str,
    lost: u64,
    example: Option<i64>,
}

struct Pass<'a> {
    contract: &'static Table,
    dimensions: &'a Dimensions,
    keys: Vec<usize>,
    converter: RowConverter,
    /// The key of the first and of the last row so far.
    first: Option<OwnedRow>,
    previous: Option<OwnedRow>,
    references: Vec<Reference>,
    repeated: u64,
    repeated_example: Option<String>,
    missing: Vec<u64>,
    not_finite: u64,
    members: Members,
    rows: u64,
}

/// Reads a published table. Its dimensions must have been scanned before.
pub(crate) fn scan(contract: &'static Table, path: &Path, dimensions: &Dimensions) -> Result<Scan, String> {
    let file = File::open(path).map_err(|e| e.to_string())?;
    let footer = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default()).map_err(|e| e.to_string())?;
    let schema_check = schema_check(contract, footer.schema());
    if schema_check.status != crate::Status::Passed {
        return Ok(Scan { rows: 0, checks: vec![schema_check], members: Members::default() });
    }
    // Row groups side by side; put together in their order, they are one pass from the first row to the last.
    let passes: Vec<Pass> = (0..footer.metadata().num_row_groups())
        .into_par_iter()
        .map(|group| row_group(contract, path, dimensions, footer.clone(), group))
        .collect::<Result<_, String>>()?;
    let mut whole = Pass::new(contract, dimensions)?;
    for pass in passes {
        whole.append(pass);
    }
    Ok(whole.finish(schema_check))
}

fn row_group<'a>(
    contract: &'static Table,
    path: &Path,
    dimensions: &'a Dimensions,
    footer: ArrowReaderMetadata,
    group: usize,
) -> Result<Pass<'a>, String> {
    let file = File::open(path).map_err(|e| e.to_string())?;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, footer).with_row_groups(vec![group]);
    let mut pass = Pass::new(contract, dimensions)?;
    for batch in builder.with_batch_size(8192).build().map_err(|e| e.to_string())? {
        pass.batch(&batch.map_err(|e| e.to_string())?).map_err(|e| e.to_string())?;
    }
    Ok(pass)
}

fn schema_check(contract: &Table, schema: &Schema) -> Check {
    let found: Vec<String> = schema.fields().iter().map(|f| format!("{} {}", f.name(), f.data_type())).collect();
    let wanted: Vec<String> = contract.arrow().fields().iter().map(|f| format!("{} {}", f.name(), f.data_type())).collect();
    let off: Vec<String> = wanted.iter().filter(|w| !found.contains(w)).cloned().collect();
    let holds = found == wanted;
    let measured = if holds { format!("{} columns", found.len()) } else { format!("not as declared: {}", off.join(", ")) };
    Check::must("schema", contract.name, holds, measured, "the columns of the contract", 0)
}

impl<'a> Pass<'a> {
    fn new(contract: &'static Table, dimensions: &'a Dimensions) -> Result<Self, String> {
        let schema = contract.arrow();
        let keys: Vec<usize> = contract.key.iter().filter_map(|k| schema.index_of(k).ok()).collect();
        let length = contract.shorter_ids_first().then(|| SortField::new(DataType::Int32));
        let key = keys.iter().map(|k| SortField::new(schema.field(*k).data_type().clone()));
        let fields = length.into_iter().chain(key).collect();
        let references = contract
            .columns
            .iter()
            .enumerate()
            .filter_map(|(column, c)| Some((column, c.name, target(c.name)?)))
            .filter(|(_, _, dimension)| *dimension != contract.name)
            .map(|(column, name, dimension)| Reference { column, name, dimension, lost: 0, example: None })
            .collect();
        Ok(Self {
            contract,
            dimensions,
            keys,
            converter: RowConverter::new(fields).map_err(|e| e.to_string())?,
            first: None,
            previous: None,
            references,
            repeated: 0,
            repeated_example: None,
            missing: vec![0; contract.columns.len()],
            not_finite: 0,
            members: Members::default(),
            rows: 0,
        })
    }

    fn batch(&mut self, batch: &RecordBatch) -> Result<(), arrow::error::ArrowError> {
        self.rows += batch.num_rows() as u64;
        self.order(batch)?;
        for (place, (column, values)) in self.contract.columns.iter().zip(batch.columns()).enumerate() {
            if !column.nullable
                && let Some(missing) = self.missing.get_mut(place)
            {
                *missing += values.null_count() as u64;
            }
            if let Some(numbers) = values.as_primitive_opt::<Float64Type>() {
                self.not_finite += numbers.iter().flatten().filter(|x| !x.is_finite()).count() as u64;
            }
        }
        for reference in &mut self.references {
            let Some(members) = self.dimensions.get(reference.dimension) else { continue };
            each_key(batch.column(reference.column), |key| {
                if !members.contains(&key) {
                    reference.lost += 1;
                    reference.example.get_or_insert(key);
                }
            });
        }
        if self.contract.name.starts_with("dim_")
            && let Some(key) = self.keys.first()
        {
            let members = &mut self.members;
            each_key(batch.column(*key), |key| {
                members.insert(key);
            });
        }
        Ok(())
    }

    /// Rows rise strictly by the key: that is unique and sorted in one.
    fn order(&mut self, batch: &RecordBatch) -> Result<(), arrow::error::ArrowError> {
        if self.keys.is_empty() {
            return Ok(());
        }
        let columns: Vec<ArrayRef> = self.keys.iter().map(|k| batch.column(*k).clone()).collect();
        let lengths = columns.first().filter(|_| self.contract.shorter_ids_first()).map(|ids| length(ids)).transpose()?;
        let sorted_by: Vec<ArrayRef> = lengths.into_iter().chain(columns.iter().cloned()).collect();
        let rows = self.converter.convert_columns(&sorted_by)?;
        if self.first.is_none() && rows.num_rows() > 0 {
            self.first = Some(rows.row(0).owned());
        }
        for (place, row) in rows.iter().enumerate() {
            let rises = if place == 0 {
                self.previous.as_ref().is_none_or(|previous| previous.row() < row)
            } else {
                rows.row(place - 1) < row
            };
            if !rises {
                self.repeated += 1;
                self.repeated_example.get_or_insert_with(|| {
                    columns.iter().map(|c| array_value_to_string(c, place).unwrap_or_default()).collect::<Vec<_>>().join(", ")
                });
            }
        }
        if let Some(last) = batch.num_rows().checked_sub(1) {
            self.previous = Some(rows.row(last).owned());
        }
        Ok(())
    }

    /// What follows in the file, read by itself.
    fn append(&mut self, next: Pass<'_>) {
        if let (Some(last), Some(first)) = (&self.previous, &next.first)
            && last.row() >= first.row()
        {
            self.repeated += 1;
            self.repeated_example.get_or_insert_with(|| "the first row of a row group".to_owned());
        }
        self.rows += next.rows;
        self.repeated += next.repeated;
        self.repeated_example = self.repeated_example.take().or(next.repeated_example);
        self.previous = next.previous.or(self.previous.take());
        self.first = self.first.take().or(next.first);
        self.not_finite += next.not_finite;
        self.missing.iter_mut().zip(next.missing).for_each(|(sum, more)| *sum += more);
        for (mine, theirs) in self.references.iter_mut().zip(next.references) {
            mine.lost += theirs.lost;
            mine.example = mine.example.or(theirs.example);
        }
        self.members.extend(next.members);
    }

    fn finish(self, schema_check: Check) -> Scan {
        let name = self.contract.name;
        let mut checks = vec![schema_check];
        let key = self.contract.key.join(", ");
        let measured = match &self.repeated_example {
            None => format!("{} keys", self.rows),
            Some(example) => format!("{} rows repeat a key, the first is ({example})", self.repeated),
        };
        let unique = Check::must(
            "unique_key",
            name,
            self.repeated == 0,
            measured,
            &format!("({key}) unique and ascending"),
            self.repeated,
        );
        checks.push(if self.repeated == 0 { unique } else { unique.with_remedy(remedy(name)) });

        let missing: u64 = self.missing.iter().sum();
        let columns: Vec<&str> =
            self.contract.columns.iter().zip(&self.missing).filter(|(_, n)| **n > 0).map(|(c, _)| c.name).collect();
        let measured = if missing == 0 { "none is NULL".to_owned() } else { format!("NULL in {}", columns.join(", ")) };
        checks.push(Check::must("not_null", name, missing == 0, measured, "no NULL in columns that must have a value", missing));

        if self.contract.columns.iter().any(|c| c.kind.arrow() == DataType::Float64) {
            let measured = format!("{} are not finite", self.not_finite);
            checks.push(Check::must(
                "finite_numbers",
                name,
                self.not_finite == 0,
                measured,
                "no NaN, no infinity",
                self.not_finite,
            ));
        }
        for reference in self.references {
            let measured = match reference.example {
                None => "every key is found".to_owned(),
                Some(example) => {
                    format!("{} rows have no member of {}, the first key is {example}", reference.lost, reference.dimension)
                }
            };
            let check = format!("reference_{}", reference.name);
            let threshold = format!("found in {}", reference.dimension);
            checks.push(Check::must(&check, name, reference.lost == 0, measured, &threshold, reference.lost));
        }
        Scan { rows: self.rows, checks, members: self.members }
    }
}

fn remedy(table: &str) -> &'static str {
    match table {
        "fact_sales" => {
            "the source has lines of one order and line number twice; set `deduplicate: {exact: true}` or `deduplicate: {keys: [order_id, line_number], keep: last_by(ordered_at)}` under extract.sales"
        }
        "dim_customer" => {
            "the source has a customer twice; set `deduplicate: {keys: [customer_id], keep: last_by(…)}` under extract.customers"
        }
        "dim_product" => {
            "the source has a product twice; set `deduplicate: {keys: [product_id], keep: last_by(…)}` under extract.products"
        }
        "fact_payments" => {
            "the source has a payment twice; set `deduplicate: {keys: [payment_id], keep: last_by(due_on)}` under extract.payments"
        }
        "fact_tickets" => {
            "the source has a ticket twice; set `deduplicate: {keys: [ticket_id], keep: last_by(opened_at)}` under extract.tickets"
        }
        _ => "this should not happen; keep the run folder and report it",
    }
}

fn each_key(keys: &ArrayRef, mut see: impl FnMut(i64)) {
    if let Some(keys) = keys.as_primitive_opt::<Int64Type>() {
        keys.iter().flatten().for_each(&mut see);
    } else if let Some(keys) = keys.as_primitive_opt::<Int32Type>() {
        keys.iter().flatten().map(i64::from).for_each(&mut see);
    }
}
