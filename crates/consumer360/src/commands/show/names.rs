//! Names in the place of keys: a person knows customers, products and regions by name.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use datafusion::error::DataFusionError;
use datafusion::prelude::{ParquetReadOptions, SessionContext, col, lit};
use extract::KeyMap;

/// The dimension, its key, name and business id that a column of keys points at.
fn dimension(column: &str) -> Option<(&'static str, &'static str, &'static str, &'static str)> {
    match column {
        "customer_key" => Some(("dim_customer", "customer_key", "customer_name", "customer_id")),
        "region_key" => Some(("dim_region", "region_key", "region_name", "region_name")),
        _ if column.ends_with("product_key") => Some(("dim_product", "product_key", "product_name", "product_id")),
        _ => None,
    }
}

/// The same rows with names where keys were, or ids where names are masked. In a dimension itself the keys stay.
pub(super) async fn of_keys(
    session: &SessionContext,
    snapshot: &Path,
    batches: Vec<RecordBatch>,
    masked: &[String],
) -> Result<Vec<RecordBatch>, DataFusionError> {
    let mut named = Vec::with_capacity(batches.len());
    for batch in batches {
        let mut fields: Vec<Field> = Vec::new();
        let mut columns: Vec<ArrayRef> = Vec::new();
        let schema = batch.schema();
        for (field, column) in schema.fields().iter().zip(batch.columns()) {
            let is_masked = |name: &str| masked.iter().any(|masked| masked == name);
            // Who may not be told by name is told by id, and who may not by id is told by the key.
            let known = dimension(field.name())
                .filter(|(_, _, name, _)| schema.index_of(name).is_err())
                .map(|(table, key, name, id)| (table, key, name, if is_masked(id) { key } else { id }))
                .map(|(table, key, name, id)| (table, key, if is_masked(name) { id } else { name }, id));
            let column = match known {
                Some(dimension) => names(session, snapshot, dimension, column).await?,
                None => Arc::clone(column),
            };
            fields.push(Field::new(field.name(), column.data_type().clone(), true));
            columns.push(column);
        }
        named.push(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?);
    }
    Ok(named)
}

async fn names(
    session: &SessionContext,
    snapshot: &Path,
    (table, key, name, id): (&str, &str, &str, &str),
    keys: &ArrayRef,
) -> Result<ArrayRef, DataFusionError> {
    let Some(keys) = keys.as_primitive_opt::<Int64Type>() else { return Ok(Arc::clone(keys)) };
    let path = snapshot.join(format!("{table}.parquet"));
    let wanted = keys.iter().flatten().map(lit).collect();
    let members = session
        .read_parquet(path.to_string_lossy().as_ref(), ParquetReadOptions::default())
        .await?
        .filter(col(key).in_list(wanted, false))?
        .select(vec![col(key), col(name).alias("name"), col(id).alias("id")])?
        .collect()
        .await?;
    let mut found: Vec<(i64, String, String)> = Vec::new();
    for members in members {
        let texts = |place: usize| cast(members.column(place), &DataType::Utf8);
        let (names, ids) = (texts(1)?, texts(2)?);
        let (names, ids) = (names.as_string::<i32>(), ids.as_string::<i32>());
        for (row, key) in members.column(0).as_primitive::<Int64Type>().values().iter().enumerate() {
            let name = if names.is_valid(row) { names.value(row) } else { ids.value(row) };
            found.push((*key, name.to_owned(), ids.value(row).to_owned()));
        }
    }
    let known = told_apart(&found);
    let text = keys.iter().map(|key| key.and_then(|key| known.get(&key).cloned().or_else(|| Some(key.to_string()))));
    Ok(Arc::new(text.collect::<StringArray>()))
}

/// What each key is called: its name, with the id behind it where another of these has the same.
fn told_apart(found: &[(i64, String, String)]) -> KeyMap<String> {
    let mut bearers: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, name, _) in found {
        *bearers.entry(name.as_str()).or_default() += 1;
    }
    let is_shared = |name: &str| bearers.get(name).is_some_and(|bearers| *bearers > 1);
    let called = |name: &String, id: &String| if is_shared(name) { format!("{name} ({id})") } else { name.clone() };
    found.iter().map(|(key, name, id)| (*key, called(name, id))).collect()
}
