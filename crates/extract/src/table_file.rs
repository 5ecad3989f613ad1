//! Parquet files as Power BI's reader takes them: snappy, data page v1, no embedded Arrow schema.
//!
//! The bytes depend on the rows and their order alone: rows are re-cut to fixed batches first, because page borders
//! follow the batches handed to the encoder, and those follow the thread count. The columns of a row group are encoded
//! side by side, each by one thread from first row to last, so that the number of threads changes no byte either. That is
//! done while the rows of the next row groups are gathered: one may wait, so that whoever makes the rows seldom has to.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::CastOptions;
use arrow::compute::{BatchCoalescer, cast_with_options};
use arrow::datatypes::{DataType, Field, SchemaRef};
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriterOptions, compute_leaves,
};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use rayon::prelude::*;
use schema::Visibility;

/// Rows of a row group: small enough to hold a few in memory, large enough to scan fast.
const ROW_GROUP_ROWS: usize = 256 * 1024;
/// Rows handed to the encoder at once.
const BATCH_ROWS: usize = 8192;
/// Columns of very many values, which lines of one order have in common: written as they come they are smaller than numbered, and
/// nothing is looked up.
const MANY_VALUES: [&str; 4] = ["order_id", "ordered_at", "customer_id", "customer_key"];

#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("cannot write {path}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("cannot encode {path}")]
    Encode { path: PathBuf, source: ParquetError },
    #[error("cannot read {path}")]
    Read { path: PathBuf, source: ParquetError },
    #[error("cannot fit the rows of {path} to its columns: {detail}")]
    Shape { path: PathBuf, detail: String },
}

/// One Parquet file under construction.
pub struct TableFile {
    path: PathBuf,
    schema: SchemaRef,
    coalescer: BatchCoalescer,
    /// Batches of the row group that is being filled.
    waiting: Vec<RecordBatch>,
    encoder: Work,
    rows: u64,
}

/// Encodes row groups and appends them.
struct Encoder {
    schema: SchemaRef,
    columns: ArrowRowGroupWriterFactory,
    writer: SerializedFileWriter<File>,
}

/// Where the encoder is.
enum Work {
    /// Until the first row group is full: most tables have no second one.
    Here(Box<Encoder>),
    /// On a thread of its own, which takes row groups until there are no more.
    Away { groups: SyncSender<Vec<RecordBatch>>, thread: Thread },
    /// It failed, which was said.
    Gone,
}

impl Work {
    /// Hands over a full row group; waits while one waits already.
    fn encode(self, batches: Vec<RecordBatch>) -> Result<Self, ParquetError> {
        let (groups, thread) = match self {
            Self::Here(encoder) => set_off(encoder),
            Self::Away { groups, thread } => (groups, thread),
            Self::Gone => return Err(stopped()),
        };
        match groups.send(batches) {
            Ok(()) => Ok(Self::Away { groups, thread }),
            // It takes no more, so it says why.
            Err(_) => thread.join().unwrap_or_else(|_| Err(stopped())).and_then(|_| Err(stopped())),
        }
    }

    /// The encoder, once it has done what it was given.
    fn done(self) -> Result<Box<Encoder>, ParquetError> {
        match self {
            Self::Here(encoder) => Ok(encoder),
            Self::Away { groups, thread } => {
                drop(groups);
                thread.join().unwrap_or_else(|_| Err(stopped()))
            }
            Self::Gone => Err(stopped()),
        }
    }
}

type Thread = JoinHandle<Result<Box<Encoder>, ParquetError>>;

fn set_off(mut encoder: Box<Encoder>) -> (SyncSender<Vec<RecordBatch>>, Thread) {
    let (groups, full) = sync_channel::<Vec<RecordBatch>>(1);
    let encode_all = move || full.iter().try_for_each(|batches| encoder.row_group(&batches)).map(|()| encoder);
    (groups, thread::spawn(encode_all))
}

fn stopped() -> ParquetError {
    ParquetError::General("the encoder stopped".to_owned())
}

impl TableFile {
    /// The file of a table of the contract.
    pub fn of(path: &Path, table: &schema::Table) -> Result<Self, FileError> {
        let create = if table.visibility == Visibility::Working { Self::create_for_run } else { Self::create };
        create(path, table.arrow())
    }

    /// A file for readers: values that repeat are kept once, which costs time and makes it small.
    pub fn create(path: &Path, schema: SchemaRef) -> Result<Self, FileError> {
        Self::with(path, schema, WriterProperties::builder())
    }

    /// A file that only this run reads: numbers are written as they come, and nothing is measured of ids and where nothing can be
    /// missing.
    /// The engine takes a column without measures beside one that has them for empty when it guesses the size of a join, which may
    /// turn the sides of one, and never what comes of it.
    pub fn create_for_run(path: &Path, schema: SchemaRef) -> Result<Self, FileError> {
        let mut properties = WriterProperties::builder();
        for field in schema.fields() {
            if !matches!(field.data_type(), DataType::Utf8) {
                properties = as_it_comes(properties, field.name());
            }
            if MANY_VALUES.contains(&field.name().as_str()) || !field.is_nullable() {
                properties = unmeasured(properties, field.name());
            }
        }
        Self::with(path, schema, properties)
    }

    fn with(path: &Path, schema: SchemaRef, properties: WriterPropertiesBuilder) -> Result<Self, FileError> {
        // Whoever began this file before and was let go may still be writing; theirs is another file then.
        let _ = fs::remove_file(path);
        let file = File::create(path).map_err(|source| FileError::Io { path: path.to_path_buf(), source })?;
        Self::over(file, path, schema, properties)
    }

    fn over(file: File, path: &Path, schema: SchemaRef, properties: WriterPropertiesBuilder) -> Result<Self, FileError> {
        let properties = MANY_VALUES.into_iter().fold(properties, as_it_comes);
        // Rows that come by order tell nothing of where the least and the largest amounts lie.
        let amounts = schema.fields().iter().filter(|f| matches!(f.data_type(), DataType::Decimal128(..)));
        let properties = amounts
            .fold(properties, |properties, field| unmeasured(properties, field.name()))
            .set_writer_version(WriterVersion::PARQUET_1_0)
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_statistics_enabled(EnabledStatistics::Chunk)
            // The library's own version would change the bytes of equal tables with every upgrade.
            .set_created_by("consumer360".to_owned())
            .build();
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let (writer, columns) = ArrowWriter::try_new_with_options(file, schema.clone(), options)
            .and_then(ArrowWriter::into_serialized_writer)
            .map_err(|source| FileError::Encode { path: path.to_path_buf(), source })?;
        let coalescer = BatchCoalescer::new(schema.clone(), BATCH_ROWS);
        let encoder = Work::Here(Box::new(Encoder { schema: schema.clone(), columns, writer }));
        Ok(Self { path: path.to_path_buf(), schema, coalescer, waiting: Vec::new(), encoder, rows: 0 })
    }

    /// Appends rows; columns are matched by position and cast to the file's types without loss.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), FileError> {
        let batch = self.fit(batch)?;
        self.rows += batch.num_rows() as u64;
        // Cut as it is to be: nothing is copied.
        if batch.num_rows() == BATCH_ROWS && self.coalescer.is_empty() {
            return self.take(batch);
        }
        self.coalescer.push_batch(batch).map_err(|e| self.shape(&e))?;
        while let Some(full) = self.coalescer.next_completed_batch() {
            self.take(full)?;
        }
        Ok(())
    }

    /// Writes the footer; returns the rows written. The disk is not waited for: this is for files that are lost with the run, and that
    /// nobody takes up again without their hash.
    pub fn finish(self) -> Result<u64, FileError> {
        self.end().map(|(rows, _)| rows)
    }

    /// The same for a file that is kept: it is on disk afterwards.
    pub fn finish_on_disk(self) -> Result<u64, FileError> {
        let path = self.path.clone();
        let (rows, file) = self.end()?;
        file.sync_all().map_err(|source| FileError::Io { path, source })?;
        Ok(rows)
    }

    fn end(mut self) -> Result<(u64, File), FileError> {
        self.coalescer.finish_buffered_batch().map_err(|e| self.shape(&e))?;
        while let Some(rest) = self.coalescer.next_completed_batch() {
            self.take(rest)?;
        }
        let Self { path, waiting, rows, encoder, .. } = self;
        let encode = |source| FileError::Encode { path: path.clone(), source };
        let mut encoder = encoder.done().map_err(encode)?;
        if !waiting.is_empty() {
            encoder.row_group(&waiting).map_err(encode)?;
        }
        let file = encoder.writer.into_inner().map_err(encode)?;
        Ok((rows, file))
    }

    fn take(&mut self, batch: RecordBatch) -> Result<(), FileError> {
        self.waiting.push(batch);
        if self.waiting.len() * BATCH_ROWS < ROW_GROUP_ROWS {
            return Ok(());
        }
        let batches = std::mem::take(&mut self.waiting);
        let encoder = std::mem::replace(&mut self.encoder, Work::Gone);
        self.encoder = encoder.encode(batches).map_err(|source| FileError::Encode { path: self.path.clone(), source })?;
        Ok(())
    }

    /// Rows as the file holds them.
    pub fn fit(&self, batch: &RecordBatch) -> Result<RecordBatch, FileError> {
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

fn as_it_comes(properties: WriterPropertiesBuilder, column: &str) -> WriterPropertiesBuilder {
    properties.set_column_dictionary_enabled(ColumnPath::from(column), false)
}

fn unmeasured(properties: WriterPropertiesBuilder, column: &str) -> WriterPropertiesBuilder {
    properties.set_column_statistics_enabled(ColumnPath::from(column), EnabledStatistics::None)
}

impl Encoder {
    fn row_group(&mut self, batches: &[RecordBatch]) -> Result<(), ParquetError> {
        let writers = self.columns.create_column_writers(self.writer.flushed_row_groups().len())?;
        let columns: Vec<_> = writers.into_iter().zip(self.schema.fields()).enumerate().collect();
        let encoded: Vec<ArrowColumnChunk> = columns
            .into_par_iter()
            .map(|(place, (writer, field))| column_chunk(writer, field, batches.iter().map(|batch| batch.column(place))))
            .collect::<Result<_, _>>()?;
        let mut group = self.writer.next_row_group()?;
        for chunk in encoded {
            chunk.append_to_row_group(&mut group)?;
        }
        group.close().map(|_| ())
    }
}

/// One column of a row group; the tables have no nested types, so a field has one column.
fn column_chunk<'a>(
    mut writer: ArrowColumnWriter,
    field: &Field,
    values: impl Iterator<Item = &'a ArrayRef>,
) -> Result<ArrowColumnChunk, ParquetError> {
    for values in values {
        for leaf in compute_leaves(field, values)? {
            writer.write(&leaf)?;
        }
    }
    writer.close()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what is not there fails the test")]
mod tests {
    use std::error::Error as _;
    use std::sync::Arc;

    use arrow::array::Int64Array;
    use arrow::datatypes::Schema;

    use super::*;

    /// Rows of five row groups, written to a file that takes nothing. Of what happens to the encoder on its thread nothing is lost.
    #[test]
    fn what_the_disk_says_comes_back_from_the_encoder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        std::fs::write(&path, "").unwrap();
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
        let read_only = File::open(&path).unwrap();
        let mut file = TableFile::over(read_only, &path, schema.clone(), WriterProperties::builder()).unwrap();
        let rows = |from: i64| {
            let numbers = Int64Array::from_iter_values(
                (from..from + 65_536).map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64.cast_signed())),
            );
            RecordBatch::try_new(schema.clone(), vec![Arc::new(numbers)]).unwrap()
        };
        let written = (0..20).try_for_each(|batch| file.write(&rows(batch * 65_536)));
        let failed = written.and_then(|()| file.finish().map(|_| ())).unwrap_err();
        assert!(matches!(failed, FileError::Encode { .. }), "{failed}");
        let reason = failed.source().unwrap().to_string();
        assert!(reason.contains("Bad file descriptor"), "{reason}");
    }
}
