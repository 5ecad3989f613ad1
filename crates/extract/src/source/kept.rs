//! Records of a database as earlier runs read them, from the file they are kept in.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::datatypes::SchemaRef;

use super::{Opened, Records, blocking};
use crate::error::Error;
use crate::table_rows::TableRows;

/// Reads a file whose columns `c0`, `c1`, … are those of the source at these places; the others come as NULL.
pub(crate) fn kept(origin: String, schema: SchemaRef, path: PathBuf, places: Vec<usize>) -> Opened {
    let (label, columns) = (origin.clone(), schema.clone());
    Opened::new(origin, schema, move |_| {
        blocking(move |sender| {
            let failed = |detail: String| Error::Read { origin: label.clone(), detail };
            let names: Vec<String> = (0..places.len()).map(|place| format!("c{place}")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let origin: Arc<str> = Arc::from(label.as_str());
            let mut next = 1;
            for batch in TableRows::open(&path, &names).map_err(|e| failed(e.to_string()))? {
                let batch = batch.map_err(|e| failed(e.to_string()))?;
                let rows = batch.num_rows();
                let column = |place: usize| -> ArrayRef {
                    let kept = places.iter().position(|known| *known == place);
                    let kept = kept.and_then(|kept| batch.columns().get(kept)).cloned();
                    kept.unwrap_or_else(|| new_null_array(&arrow::datatypes::DataType::Utf8, rows))
                };
                let options = RecordBatchOptions::new().with_row_count(Some(rows));
                let values = (0..columns.fields().len()).map(column).collect();
                let batch = RecordBatch::try_new_with_options(columns.clone(), values, &options);
                let batch = batch.map_err(|e| failed(e.to_string()))?;
                let numbers = (next..).take(rows).collect();
                next += rows as u64;
                let records = Records { origin: Arc::clone(&origin), batch, numbers, malformed: Vec::new() };
                if sender.blocking_send(Ok(records)).is_err() {
                    break;
                }
            }
            Ok(())
        })
    })
}
