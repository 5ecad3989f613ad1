//! Records set aside, with their raw value and the reason: `rejects/<entity>.parquet`, one row a record.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use schema::Entity;

use crate::rows::Reject;
use crate::table_file::{FileError, TableFile};

/// Columns of a rejects file.
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("entity", DataType::Utf8, false),
        Field::new("origin", DataType::Utf8, false),
        Field::new("record", DataType::Int64, false),
        Field::new("column", DataType::Utf8, false),
        Field::new("raw_value", DataType::Utf8, true),
        Field::new("reason", DataType::Utf8, false),
    ]))
}

/// Writes rejects up to a limit and counts all of them.
pub(crate) struct RejectFile {
    entity: Entity,
    path: PathBuf,
    file: TableFile,
    room: usize,
    /// Columns of the entity whose values may stand in a message; what else a source has may be anybody's name.
    told: BTreeSet<&'static str>,
    /// The first reject as a sentence, for messages.
    pub first: Option<String>,
}

impl RejectFile {
    /// Keeps at most `limit` of the records. `pii` names columns whose values stand in the file alone.
    pub fn create(path: &Path, entity: Entity, limit: usize, pii: &BTreeSet<String>) -> Result<Self, FileError> {
        let columns = schema::entity(entity).columns.iter().map(|column| column.name);
        let told = columns.filter(|column| !pii.contains(*column)).collect();
        let file = TableFile::create(path, schema())?;
        Ok(Self { entity, path: path.to_path_buf(), file, room: limit, told, first: None })
    }

    pub fn write(&mut self, rejects: &[Reject]) -> Result<(), FileError> {
        let kept = rejects.get(..self.room.min(rejects.len())).unwrap_or_default();
        self.room -= kept.len();
        let Some(first) = kept.first() else { return Ok(()) };
        if self.first.is_none() {
            let raw = first.raw.as_ref().filter(|_| self.told.contains(first.column.as_str()));
            let raw = raw.map(|r| format!(" `{r}`")).unwrap_or_default();
            self.first = Some(format!("{} record {}: {}{raw} {}", first.origin, first.number, first.column, first.reason));
        }
        let columns: Vec<ArrayRef> = vec![
            Arc::new(kept.iter().map(|_| Some(self.entity.name())).collect::<StringArray>()),
            Arc::new(kept.iter().map(|r| Some(r.origin.as_ref())).collect::<StringArray>()),
            Arc::new(kept.iter().map(|r| i64::try_from(r.number).ok()).collect::<Int64Array>()),
            Arc::new(kept.iter().map(|r| Some(r.column.as_str())).collect::<StringArray>()),
            Arc::new(kept.iter().map(|r| r.raw.as_deref()).collect::<StringArray>()),
            Arc::new(kept.iter().map(|r| Some(r.reason.as_str())).collect::<StringArray>()),
        ];
        let batch = RecordBatch::try_new(schema(), columns)
            .map_err(|e| FileError::Shape { path: self.path.clone(), detail: e.to_string() })?;
        self.file.write(&batch)
    }

    pub fn finish(self) -> Result<u64, FileError> {
        self.file.finish_on_disk()
    }
}
