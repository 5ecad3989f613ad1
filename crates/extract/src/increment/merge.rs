//! Kept records and new ones become one file, by key.
//!
//! Columns are called `c0`, `c1`, … in these files, whatever the source calls them; `l0`, `l1`, … are the lengths of the key's
//! values, by which records are sorted first, so that 9 comes before 10 and order lines come as they are published. `t` is the
//! whole record where a part of the key is missing: records that no key tells apart come in an order of their own as well.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::error::{DataFusionError, Result};
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use schema::Entity;

use super::cursor::Mark;
use super::questions::is_alive;
use super::spilling::{is_short_of_memory, that_spills};
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
    pub cursor: usize,
    pub tombstone: Option<usize>,
}

/// What is merged.
#[derive(Clone, Copy)]
pub(super) struct Parts<'a> {
    /// The records that are kept, and where the window begins that the others came in; none where these are all.
    pub kept: Option<(&'a Path, Mark)>,
    /// Those that came.
    pub incoming: &'a Path,
    /// Keys of the source with their tombstones: what has another key is gone.
    pub present: Option<&'a Path>,
}

/// What came of it.
pub(super) struct Merged {
    pub rows: u64,
    /// Kept rows that the window would have brought if they still were what they are kept as.
    pub stale: u64,
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
/// The order of a file that has none.
const NONE: &[&str] = &[];

/// Stands between the values of a record that is one text.
const BETWEEN: char = '\u{1f}';

impl Merge<'_> {
    fn kept_schema(&self) -> SchemaRef {
        let lengths = (0..self.key.len()).map(|place| Field::new(format!("l{place}"), DataType::Int32, true));
        let whole = Field::new("t", DataType::Utf8, true);
        Arc::new(Schema::new((0..self.columns).map(text).chain(lengths).chain([whole]).collect::<Vec<_>>()))
    }

    fn order(&self) -> Vec<String> {
        let key = self.key.iter().enumerate().flat_map(|(place, column)| [format!("l{place}"), format!("c{column}")]);
        key.chain(["t".to_owned()]).collect()
    }

    fn failed(&self, source: DataFusionError) -> Error {
        Error::Compute { entity: self.entity, step: "the kept records", source }
    }

    /// Writes one file of all records: those that came, and of those kept the ones that none of them replaces. Hash joins hold
    /// one side in memory; where that does not fit, joins that spill are tried once.
    pub async fn write(&self, parts: Parts<'_>, to: &Path) -> Result<Merged, Error> {
        match self.write_in(self.session, parts, to).await {
            Err(Error::Compute { source, .. }) if is_short_of_memory(&source) => {
                tracing::warn!(entity = %self.entity, "memory ran out; once more with joins that spill");
                let session = that_spills(self.session).map_err(|source| self.failed(source))?;
                self.write_in(&session, parts, to).await
            }
            written => written,
        }
    }

    async fn write_in(&self, session: &SessionContext, parts: Parts<'_>, to: &Path) -> Result<Merged, Error> {
        let order = self.order();
        let order: Vec<&str> = order.iter().map(String::as_str).collect();
        let Parts { kept, incoming, present } = parts;
        let kept = kept.map(|(path, _)| path);
        for (name, path, order) in [(INCOMING, Some(incoming), NONE), (KEPT, kept, order.as_slice()), (PRESENT, present, NONE)] {
            if let Some(path) = path {
                register(session, name, path, order).await.map_err(|source| self.failed(source))?;
            }
        }
        let written = self.fill(session, &self.statement(parts), to).await;
        for name in [INCOMING, KEPT, PRESENT] {
            session.deregister_table(name).map_err(|source| self.failed(source))?;
        }
        written
    }

    async fn fill(&self, session: &SessionContext, statement: &str, to: &Path) -> Result<Merged, Error> {
        let store = |source| Error::Store { entity: self.entity, source };
        let rows = session.sql(statement).await.map_err(|source| self.failed(source))?;
        let mut batches = rows.execute_stream().await.map_err(|source| self.failed(source))?;
        let schema = self.kept_schema();
        let columns: Vec<usize> = (0..schema.fields().len()).collect();
        let mut file = TableFile::create_for_run(to, schema).map_err(store)?;
        let (mut last, mut stale) = (None, 0);
        while let Some(batch) = batches.next().await {
            let batch = batch.map_err(|source| self.failed(source))?;
            self.unique(&mut last, &batch)?;
            let marks = batch.columns().last().and_then(|marks| marks.as_boolean_opt());
            stale += marks.map_or(0, BooleanArray::true_count) as u64;
            let batch = batch.project(&columns).map_err(|source| self.failed(source.into()))?;
            file.write(&batch).map_err(store)?;
        }
        Ok(Merged { rows: file.finish().map_err(store)?, stale })
    }

    /// Every column of the file, and behind them whether a kept row is stale.
    fn statement(&self, parts: Parts<'_>) -> String {
        let columns: Vec<String> = (0..self.columns).map(|place| format!("c{place}")).collect();
        let lengths =
            self.key.iter().enumerate().map(|(place, column)| format!("CAST(character_length(c{column}) AS INT) AS l{place}"));
        let values: Vec<String> = columns.iter().map(|column| format!("coalesce('+' || {column}, '-')")).collect();
        let unnamed: Vec<String> = self.key.iter().map(|column| format!("c{column} IS NULL")).collect();
        let whole = format!(
            "CASE WHEN {} THEN concat_ws('{BETWEEN}', {}) END AS t, false AS stale",
            unnamed.join(" OR "),
            values.join(", ")
        );
        let incoming: Vec<String> = columns.iter().cloned().chain(lengths).chain([whole]).collect();
        let alive = self.tombstone.map(|column| format!(" WHERE {}", is_alive(&format!("c{column}"))));
        let mut rows = format!("SELECT {} FROM {INCOMING}{}", incoming.join(", "), alive.unwrap_or_default());
        if let Some((_, window)) = parts.kept {
            rows = format!("{} UNION ALL {rows}", self.kept(&columns, window, parts.present.is_some()));
        }
        format!("SELECT * FROM ({rows}) ORDER BY {}", self.order().join(", "))
    }

    /// The kept rows that stay.
    fn kept(&self, columns: &[String], window: Mark, present: bool) -> String {
        let lengths = (0..self.key.len()).map(|place| format!("l{place}"));
        // Those without a cursor come with every read as well.
        let stale = format!("coalesce({}, true) AS stale", window.brings(&format!("c{}", self.cursor)));
        let all: Vec<String> = columns.iter().cloned().chain(lengths).chain(["t".to_owned(), stale]).collect();
        // Those without a key come with every read.
        let mut conditions: Vec<String> = self.key.iter().map(|column| format!("c{column} IS NOT NULL")).collect();
        let replaced = self.same("kept", "came", false);
        conditions.push(format!("NOT EXISTS (SELECT 1 FROM {INCOMING} AS came WHERE {replaced})"));
        if present {
            let there = self.same("kept", "there", true);
            conditions.push(format!("EXISTS (SELECT 1 FROM {PRESENT} AS there WHERE {there}{})", self.present_and_alive()));
        }
        format!("SELECT {} FROM {KEPT} AS kept WHERE {}", all.join(", "), conditions.join(" AND "))
    }

    /// That two tables have the same key; among the keys of the source its parts come first.
    fn same(&self, one: &str, other: &str, other_is_keys: bool) -> String {
        let equal = self.key.iter().enumerate().map(|(place, own)| {
            let theirs = if other_is_keys { place } else { *own };
            format!("{other}.c{theirs} = {one}.c{own}")
        });
        equal.collect::<Vec<_>>().join(" AND ")
    }

    /// Behind the key comes the tombstone.
    fn present_and_alive(&self) -> String {
        let alive = self.tombstone.map(|_| format!(" AND {}", is_alive(&format!("there.c{}", self.key.len()))));
        alive.unwrap_or_default()
    }

    /// No key may come twice: of two rows that only one key names, the one would replace the other. What the key is may be
    /// nobody's business, so it is not said.
    fn unique(&self, last: &mut Option<Vec<String>>, batch: &RecordBatch) -> Result<(), Error> {
        let columns: Vec<&StringArray> =
            self.key.iter().filter_map(|column| batch.column(*column).as_string_opt::<i32>()).collect();
        for row in 0..batch.num_rows() {
            if columns.iter().any(|values| values.is_null(row)) {
                continue;
            }
            let same = last.as_ref().is_some_and(|last| columns.iter().zip(last).all(|(values, last)| values.value(row) == last));
            if same {
                let detail = "two of its rows have the same key".to_owned();
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

    /// How many keys of the source are neither among the merged records nor among those that came, one of which may have been
    /// deleted a moment after it was asked for.
    pub async fn missing(&self, present: &Path, incoming: &Path, records: &Path) -> Result<u64, Error> {
        let (kept, came) = (self.same("kept", "there", true), self.same("came", "there", true));
        let known = (0..self.key.len()).map(|place| format!("there.c{place} IS NOT NULL")).collect::<Vec<_>>().join(" AND ");
        let statement = format!(
            "SELECT count(*) FROM {PRESENT} AS there WHERE {known}{} \
             AND NOT EXISTS (SELECT 1 FROM {KEPT} AS kept WHERE {kept}) \
             AND NOT EXISTS (SELECT 1 FROM {INCOMING} AS came WHERE {came})",
            self.present_and_alive()
        );
        self.count(&[(PRESENT, present), (INCOMING, incoming), (KEPT, records)], &statement).await
    }

    /// How many of the kept rows with this cursor did not come, whether the source still has them or not.
    pub async fn gone(&self, cursor: &str, kept: &Path, incoming: &Path) -> Result<u64, Error> {
        let known = self.key.iter().map(|column| format!(" AND c{column} IS NOT NULL")).collect::<Vec<_>>().concat();
        let statement = format!(
            "SELECT count(*) FROM {KEPT} AS kept WHERE trim(c{}) = '{cursor}'{known} \
             AND NOT EXISTS (SELECT 1 FROM {INCOMING} AS came WHERE {})",
            self.cursor,
            self.same("kept", "came", false)
        );
        self.count(&[(KEPT, kept), (INCOMING, incoming)], &statement).await
    }

    /// The one number of a statement over these files.
    async fn count(&self, tables: &[(&str, &Path)], statement: &str) -> Result<u64, Error> {
        let counted = match count(self.session, tables, statement).await {
            Err(source) if is_short_of_memory(&source) => {
                let session = that_spills(self.session).map_err(|source| self.failed(source))?;
                count(&session, tables, statement).await
            }
            counted => counted,
        };
        counted.map_err(|source| Error::Compute { entity: self.entity, step: "the keys of the source", source })
    }
}

async fn count(session: &SessionContext, tables: &[(&str, &Path)], statement: &str) -> Result<u64> {
    for (name, path) in tables {
        register(session, name, path, NONE).await?;
    }
    let counted = async { session.sql(statement).await?.collect().await };
    let counted: Result<Vec<RecordBatch>> = counted.await;
    for (name, _) in tables {
        session.deregister_table(*name)?;
    }
    let counted = counted?;
    let count = counted.first().and_then(|batch| batch.column(0).as_primitive_opt::<Int64Type>().map(Int64Array::values));
    Ok(count.and_then(|count| count.first()).and_then(|count| u64::try_from(*count).ok()).unwrap_or(0))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use arrow::array::ArrayRef;
    use datafusion::execution::runtime_env::RuntimeEnvBuilder;
    use datafusion::prelude::SessionConfig;

    use super::*;
    use crate::table_rows::TableRows;

    /// A session as runs have it: with so much memory, and without views of texts.
    fn session() -> SessionContext {
        let mut config = SessionConfig::new().with_target_partitions(1);
        config.options_mut().execution.parquet.schema_force_view_types = false;
        let runtime = RuntimeEnvBuilder::new().with_memory_limit(256 << 20, 1.0).build_arc().unwrap();
        SessionContext::new_with_config_rt(config, runtime)
    }

    /// Records of a key, a cursor and a value; an empty text is none.
    fn write(path: &Path, rows: &[[&str; 3]]) {
        let column = |place: usize| -> ArrayRef {
            let values = rows.iter().map(|row| Some(row[place]).filter(|value| !value.is_empty()));
            Arc::new(values.collect::<StringArray>())
        };
        let mut file = TableFile::create_for_run(path, incoming_schema(3)).unwrap();
        file.write(&RecordBatch::try_new(incoming_schema(3), (0..3).map(column).collect()).unwrap()).unwrap();
        file.finish().unwrap();
    }

    fn values(path: &Path) -> String {
        let batches = TableRows::open(path, &["c2"]).unwrap().map(Result::unwrap);
        batches.map(|batch| batch.column(0).as_string::<i32>().iter().flatten().collect::<String>()).collect()
    }

    #[tokio::test]
    async fn records_are_merged_alike_with_joins_that_spill() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(format!("{name}.parquet"));
        let (first, kept, came, keys, to) = (path("first"), path("kept"), path("came"), path("keys"), path("to"));
        let (x, w) = (["", "2026-01-01", "x"], ["", "2026-01-01", "w"]);
        write(&first, &[x, ["10", "2026-01-01", "c"], ["9", "2026-01-05 10:00:00", "b"], w, ["1", "", "a"]]);
        write(&came, &[x, w, ["1", "2026-01-06", "A"]]);
        write(&keys, &[["1", "", ""], ["10", "", ""], ["", "", ""], ["11", "", ""]]);
        let (plain, from) = (session(), Mark::parse("2026-01-05").unwrap());
        for session in [&plain, &that_spills(&plain).unwrap()] {
            let merge = Merge { session, entity: Entity::Sales, columns: 3, key: &[0], cursor: 1, tombstone: None };
            let all = merge.write(Parts { kept: None, incoming: &first, present: None }, &kept).await.unwrap();
            assert_eq!((all.rows, all.stale, values(&kept).as_str()), (5, 0, "abcwx"));
            // One of those kept lies in the window and did not come.
            let parts = Parts { kept: Some((kept.as_path(), from)), incoming: &came, present: None };
            let merged = merge.write(parts, &to).await.unwrap();
            assert_eq!((merged.rows, merged.stale, values(&to).as_str()), (5, 1, "Abcwx"));
            // The source has it no more, and one that nobody knows.
            let merged = merge.write(Parts { present: Some(&keys), ..parts }, &to).await.unwrap();
            assert_eq!((merged.rows, merged.stale, values(&to).as_str()), (4, 0, "Acwx"));
            assert_eq!(merge.missing(&keys, &came, &to).await.unwrap(), 1);
            assert_eq!(merge.gone("2026-01-05 10:00:00", &kept, &came).await.unwrap(), 1);
            assert_eq!(merge.gone("2026-01-06", &kept, &came).await.unwrap(), 0);
        }
    }
}
