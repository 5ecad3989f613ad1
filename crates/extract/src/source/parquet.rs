//! Parquet: types as the file has them, only the columns that are wanted.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryFutureExt};
use object_store::ObjectStoreExt;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStreamBuilder};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use super::files::{self, FileRef};
use super::head::Head;
use super::unpacked;
use super::{BATCH_ROWS, Opened, Records, Sender, spawned};
use crate::error::Error;

type Builder = ParquetRecordBatchStreamBuilder<StoredFile>;

/// A file of an object store as Parquet's reader asks for it.
struct StoredFile(FileRef);

impl AsyncFileReader for StoredFile {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        let told = |e| ParquetError::External(files::told(&self.0.origin, &e).into());
        self.0.store.get_range(&self.0.meta.location, range).map_err(told).boxed()
    }

    fn get_metadata<'a>(&'a mut self, _: Option<&'a ArrowReaderOptions>) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        async move {
            let size = self.0.meta.size;
            ParquetMetaDataReader::new().load_and_finish(self, size).await.map(Arc::new)
        }
        .boxed()
    }
}

pub(super) async fn open(files: Vec<FileRef>, expansion: u64) -> Result<Opened, Error> {
    let Some(first) = files.first() else {
        return Err(Error::Read { origin: String::new(), detail: "no file".to_owned() });
    };
    let (mut heads, mut fields) = (Vec::with_capacity(files.len()), Vec::<FieldRef>::new());
    for file in &files {
        let own = builder(file).await?.schema().clone();
        heads.push(Head::of(file, own.fields().iter().map(|field| field.name().clone()).collect()));
        let fresh =
            own.fields().iter().filter(|field| file.origin == first.origin || !fields.iter().any(|f| f.name() == field.name()));
        let fresh: Vec<FieldRef> = fresh.cloned().collect();
        fields.extend(fresh);
    }
    let schema = SchemaRef::new(Schema::new(fields));
    let columns = schema.clone();
    let opened = Opened::new(first.origin.clone(), schema, move |wanted| {
        spawned(|sender| async move {
            for file in &files {
                if !read(file, &columns, &wanted, expansion, &sender).await? {
                    break;
                }
                files::same(file).await?;
            }
            Ok(())
        })
    });
    Ok(opened.with_files(heads))
}

async fn builder(file: &FileRef) -> Result<Builder, Error> {
    ParquetRecordBatchStreamBuilder::new(StoredFile(file.clone())).await.map_err(|e| match e {
        ParquetError::External(told) => failed(file, &told.to_string()),
        _ => failed(file, &format!("{e}\n  help: the file was cut off, or is not Parquet (see `format:`)")),
    })
}

fn failed(file: &FileRef, detail: &str) -> Error {
    Error::Read { origin: file.origin.clone(), detail: detail.to_owned() }
}

/// That the row groups unpack to no more than they may, as the footer says. A footer that lies is not found out here; pages are
/// then bound by their own headers alone.
fn measure(file: &FileRef, metadata: &ParquetMetaData, expansion: u64) -> Result<(), Error> {
    let sizes = metadata.row_groups().iter().map(|group| u64::try_from(group.total_byte_size()).unwrap_or(0));
    let unpacked = sizes.fold(0, u64::saturating_add);
    let limit = unpacked::limit(file.meta.size, expansion);
    if unpacked <= limit {
        return Ok(());
    }
    let detail = format!("{} bytes unpack to {unpacked}, more than {limit}", file.meta.size);
    Err(Error::Limit { origin: file.origin.clone(), key: "expansion", detail })
}

/// Sends the file's rows; false when nobody reads any more.
async fn read(file: &FileRef, schema: &SchemaRef, wanted: &[bool], expansion: u64, sender: &Sender) -> Result<bool, Error> {
    let builder = builder(file).await?;
    measure(file, builder.metadata(), expansion)?;
    let own = builder.schema().clone();
    let mut roots = Vec::new();
    let twice = own.fields().iter().find(|f| own.fields().iter().filter(|other| other.name() == f.name()).count() > 1);
    if let Some(twice) = twice {
        return Err(failed(file, &format!("it has several columns `{}`, and which is meant nobody can tell", twice.name())));
    }
    for (field, wanted) in schema.fields().iter().zip(wanted) {
        match own.index_of(field.name()) {
            Ok(root) if *wanted => match (own.field(root).data_type(), field.data_type()) {
                (found, first) if found == first || found.is_integer() && first.is_numeric() => roots.push(root),
                (DataType::Null, _) => {}
                (found, first) => {
                    let (name, help) = (field.name(), "write it as one type in all files");
                    let detail = format!("column `{name}` is {found} here and {first} in the first file\n  help: {help}");
                    return Err(failed(file, &detail));
                }
            },
            _ => {}
        }
    }
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    let mut stream =
        builder.with_projection(mask).with_batch_size(BATCH_ROWS).build().map_err(|e| failed(file, &e.to_string()))?;
    let origin: Arc<str> = Arc::from(file.origin.as_str());
    let mut next = 1;
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(|e| {
            let behind = format!("behind record {}", next - 1);
            match e {
                ParquetError::External(told) => failed(file, &format!("{behind}: {told}")),
                e => failed(file, &format!("{behind}: {e}\n  help: the file is damaged: fetch it again")),
            }
        })?;
        let rows = batch.num_rows();
        let batch = widen(&batch, schema).map_err(|e| failed(file, &e.to_string()))?;
        let numbers = (next..).take(rows).collect();
        next += rows as u64;
        if sender.send(Ok(Records { origin: Arc::clone(&origin), batch, numbers, malformed: Vec::new() })).await.is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Puts NULL where a column was not read, and whole numbers into the type of the first file, if they fit: a column of them has
/// another type in some weeks because no fraction, or no empty cell, is among them.
fn widen(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, arrow::error::ArrowError> {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let column = |field: &FieldRef| match batch.column_by_name(field.name()) {
        Some(column) => cast_with_options(column, field.data_type(), &strict),
        None => Ok(new_null_array(field.data_type(), batch.num_rows())),
    };
    let columns: Vec<ArrayRef> = schema.fields().iter().map(column).collect::<Result<_, _>>()?;
    let fields: Vec<_> = schema.fields().iter().map(|f| f.as_ref().clone().with_nullable(true)).collect();
    let nullable = Arc::new(arrow::datatypes::Schema::new(fields));
    RecordBatch::try_new_with_options(nullable, columns, &RecordBatchOptions::new().with_row_count(Some(batch.num_rows())))
}
