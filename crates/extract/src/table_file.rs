//! Parquet files as Power BI's reader takes them: snappy, data page v1, no embedded Arrow schema.
//!
//! The bytes depend on the rows and their order alone: rows are re-cut to fixed batches first, because page borders
//! follow the batches handed to the writer, and those follow the thread count.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::CastOptions;
use arrow::compute::{BatchCoalescer, cast_with_options};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};

/// Rows of a row group: small enough to hold a few in memory, large enough to scan fast.
const ROW_GROUP_ROWS: usize = 256 * 1024;
/// Rows handed to the encoder at once.
const BATCH_ROWS: usize = 8192;

#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("cannot write {path}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("cannot encode {path}")]
    Encode { path: PathBuf, source: ParquetError },
    #[error("cannot fit the rows of {path} to its columns: {detail}")]
    Shape { path: PathBuf, detail: String },
}

/// One Parquet file under construction.
pub struct TableFile {
    path: PathBuf,
    schema: SchemaRef,
    coalescer: BatchCoalescer,
    writer: ArrowWriter<File>,
    rows: u64,
}

impl TableFile {
    pub fn create(path: &Path, schema: SchemaRef) -> Result<Self, FileError> {
        let file = File::create(path).map_err(|source| FileError::Io { path: path.to_path_buf(), source })?;
        let properties = WriterProperties::builder()
            .set_writer_version(WriterVersion::PARQUET_1_0)
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_statistics_enabled(EnabledStatistics::Chunk)
            // The library's own version would change the bytes of equal tables with every upgrade.
            .set_created_by("consumer360".to_owned())
            .build();
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(file, schema.clone(), options)
            .map_err(|source| FileError::Encode { path: path.to_path_buf(), source })?;
        let coalescer = BatchCoalescer::new(schema.clone(), BATCH_ROWS);
        Ok(Self { path: path.to_path_buf(), schema, coalescer, writer, rows: 0 })
    }

    /// Appends rows; columns are matched by position and cast to the file's types without loss.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), FileError> {
        let batch = self.fit(batch)?;
        self.rows += batch.num_rows() as u64;
        self.coalescer.push_batch(batch).map_err(|e| self.shape(&e))?;
        while let Some(full) = self.coalescer.next_completed_batch() {
            self.encode(&full)?;
        }
        Ok(())
    }

    /// Writes the footer and brings the file to disk; returns the rows written.
    pub fn finish(mut self) -> Result<u64, FileError> {
        self.coalescer.finish_buffered_batch().map_err(|e| self.shape(&e))?;
        while let Some(rest) = self.coalescer.next_completed_batch() {
            self.encode(&rest)?;
        }
        let Self { path, writer, rows, .. } = self;
        let file = writer.into_inner().map_err(|source| FileError::Encode { path: path.clone(), source })?;
        file.sync_all().map_err(|source| FileError::Io { path, source })?;
        Ok(rows)
    }

    fn encode(&mut self, batch: &RecordBatch) -> Result<(), FileError> {
        self.writer.write(batch).map_err(|source| FileError::Encode { path: self.path.clone(), source })
    }

    fn fit(&self, batch: &RecordBatch) -> Result<RecordBatch, FileError> {
        if batch.num_columns() != self.schema.fields().len() {
            let detail = format!("{} columns came, {} are declared", batch.num_columns(), self.schema.fields().len());
            return Err(FileError::Shape { path: self.path.clone(), detail });
        }
        // A value that does not fit its column is an error here, never a silent NULL.
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        let columns: Vec<ArrayRef> = batch
            .columns()
            .iter()
            .zip(self.schema.fields())
            .map(|(column, field)| {
                cast_with_options(column, field.data_type(), &strict)
                    .map_err(|e| FileError::Shape { path: self.path.clone(), detail: format!("column {}: {e}", field.name()) })
            })
            .collect::<Result<_, _>>()?;
        RecordBatch::try_new(self.schema.clone(), columns).map_err(|e| self.shape(&e))
    }

    fn shape(&self, error: &ArrowError) -> FileError {
        FileError::Shape { path: self.path.clone(), detail: error.to_string() }
    }
}
