//! Kept records and new ones become one file, by key.
//!
//! Columns are called `c0`, `c1`, … in these files, whatever the source calls them; `l0`, `l1`, … are the lengths of the key's
//! values, by which records are sorted first, so that 9 comes before 10 and order lines come as they are published.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::error::{DataFusionError, Result};
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use schema::Entity;

use super::questions::ALIVE;
use crate::error::Error;
use crate::stage::register;
use crate::table_file::TableFile;

/// How records of one source are merged: places of columns among those that are kept.
pub(super) struct Merge<'a> {
    pub session: &'a SessionContext,
    pub entity: Entity,
    /// How many columns are kept.
    pub columns: usize,
    pub key: &'a [usize],
    pub tombstone: Option<usize>,
}

/// Records as they came from the source.
pub(super) fn incoming_schema(columns: usize) -> SchemaRef {
    Arc::new(Schema::new((0..columns).map(text).collect::<Vec<_>>()))
}

fn text(place: usize) -> Field {
    Field::new(format!("c{place}"), DataType::Utf8, true)
}

const INCOMING: &str = "records_that_came";
const KEPT: &str = "records_kept";
const PRESENT: &str = "keys_at_the_source";

impl Merge<'_> {
    fn kept_schema(&self) -> SchemaRef {
        let lengths = (0..self.key.len()).map(|place| Field::new(format!("l{place}"), DataType::Int32, true));
        Arc::new(Schema::new((0..self.columns).map(text).chain(lengths).collect::<Vec<_>>()))
    }

    fn order(&self) -> Vec<String> {
        self.key.iter().enumerate().flat_map(|(place, column)| [format!("l{place}"), format!("c{column}")]).collect()
    }

    /// Writes one file of all records: those that came, and of those kept the ones that none of them replaces. With `present`, a
    /// file of the keys the source has, the others are gone. Returns how many there are.
    pub async fn write(&self, kept: Option<&Path>, incoming: &Path, present: Option<&Path>, to: &Path) -> Result<u64, Error> {
        let failed = |source| Error::Compute { entity: self.entity, step: "the kept records", source };
        let statement = self.statement(kept.is_some(), present.is_some());
        let order = self.order();
        let order: Vec<&str> = order.iter().map(String::as_str).collect();
        for (name, path, order) in [(INCOMING, Some(incoming), &[][..]), (KEPT, kept, &order), (PRESENT, present, &[])] {
            if let Some(path) = path {
                register(self.session, name, path, order).await.map_err(failed)?;
            }
        }
        let written = async {
            let rows = self.session.sql(&statement).await.map_err(failed)?;
            let mut batches = rows.execute_stream().await.map_err(failed)?;
            let store = |source| Error::Store { entity: self.entity, source };
            let mut file = TableFile::create_for_run(to, self.kept_schema()).map_err(store)?;
            let mut last = None;
            while let Some(batch) = batches.next().await {
                let batch = batch.map_err(failed)?;
                self.unique(&mut last, &batch)?;
                file.write(&batch).map_err(store)?;
            }
            file.finish().map_err(store)
        };
        let written = written.await;
        for name in [INCOMING, KEPT, PRESENT] {
            self.session.deregister_table(name).map_err(failed)?;
        }
        written
    }

    fn statement(&self, kept: bool, present: bool) -> String {
        let columns: Vec<String> = (0..self.columns).map(|place| format!("c{place}")).collect();
        let lengths =
            self.key.iter().enumerate().map(|(place, column)| format!("CAST(character_length(c{column}) AS INT) AS l{place}"));
        let incoming: Vec<String> = columns.iter().cloned().chain(lengths).collect();
        let alive = self.tombstone.map(|column| {
            let values = ALIVE.map(|value| format!("'{value}'")).join(", ");
            format!(" WHERE coalesce(lower(trim(c{column})), '') IN ({values})")
        });
        let mut rows = format!("SELECT {} FROM {INCOMING}{}", incoming.join(", "), alive.unwrap_or_default());
        if kept {
            let all: Vec<String> = columns.iter().cloned().chain((0..self.key.len()).map(|place| format!("l{place}"))).collect();
            // Those without a key come with every read.
            let known = self.key.iter().map(|column| format!("c{column} IS NOT NULL"));
            let same = |other: &str, column: &dyn Fn(usize, usize) -> String| {
                let equal =
                    self.key.iter().enumerate().map(|(place, own)| format!("{other}.{} = kept.c{own}", column(place, *own)));
                equal.collect::<Vec<_>>().join(" AND ")
            };
            let replaced = same("came", &|_, own| format!("c{own}"));
            let mut conditions: Vec<String> = known.collect();
            conditions.push(format!("NOT EXISTS (SELECT 1 FROM {INCOMING} AS came WHERE {replaced})"));
            if present {
                let there = same("there", &|place, _| format!("c{place}"));
                conditions.push(format!("EXISTS (SELECT 1 FROM {PRESENT} AS there WHERE {there})"));
            }
            let conditions = conditions.join(" AND ");
            rows = format!("SELECT {} FROM {KEPT} AS kept WHERE {conditions} UNION ALL {rows}", all.join(", "));
        }
        format!("SELECT * FROM ({rows}) ORDER BY {}", self.order().join(", "))
    }

    /// No key may come twice: of two rows that only one key names, the one would replace the other.
    fn unique(&self, last: &mut Option<Vec<String>>, batch: &RecordBatch) -> Result<(), Error> {
        let columns: Vec<&StringArray> =
            self.key.iter().filter_map(|column| batch.column(*column).as_string_opt::<i32>()).collect();
        for row in 0..batch.num_rows() {
            if columns.iter().any(|values| values.is_null(row)) {
                continue;
            }
            let same = last.as_ref().is_some_and(|last| columns.iter().zip(last).all(|(values, last)| values.value(row) == last));
            if same {
                let key: Vec<&str> = columns.iter().map(|values| values.value(row)).collect();
                let detail = format!("two rows have the key {}", key.join(", "));
                let help = "name the columns that no two rows share in `incremental.key`";
                return Err(Error::Increment { entity: self.entity, detail, help: help.to_owned() });
            }
            let key = last.get_or_insert_with(|| vec![String::new(); columns.len()]);
            for (place, values) in key.iter_mut().zip(&columns) {
                place.clear();
                place.push_str(values.value(row));
            }
        }
        Ok(())
    }

    /// How many keys of the source are not among the records of a file.
    pub async fn missing(&self, present: &Path, records: &Path) -> Result<u64, Error> {
        let failed = |source: DataFusionError| Error::Compute { entity: self.entity, step: "the keys of the source", source };
        let equal = self.key.iter().enumerate().map(|(place, own)| format!("there.c{place} = kept.c{own}"));
        let known = (0..self.key.len()).map(|place| format!("there.c{place} IS NOT NULL AND "));
        let statement = format!(
            "SELECT count(*) FROM {PRESENT} AS there WHERE {}NOT EXISTS (SELECT 1 FROM {KEPT} AS kept WHERE {})",
            known.collect::<String>(),
            equal.collect::<Vec<_>>().join(" AND ")
        );
        register(self.session, PRESENT, present, &[]).await.map_err(failed)?;
        register(self.session, KEPT, records, &[]).await.map_err(failed)?;
        let counted = async { self.session.sql(&statement).await?.collect().await };
        let counted: Vec<RecordBatch> = counted.await.map_err(failed)?;
        for name in [KEPT, PRESENT] {
            self.session.deregister_table(name).map_err(failed)?;
        }
        let count = counted.first().and_then(|batch| batch.column(0).as_primitive_opt::<Int64Type>().map(Int64Array::values));
        Ok(count.and_then(|count| count.first()).and_then(|count| u64::try_from(*count).ok()).unwrap_or(0))
    }
}
