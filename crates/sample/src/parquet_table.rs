//! Writes cells as Parquet.

use std::fs::File;
use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, Date32Builder, Decimal128Builder, Int32Builder, Int64Builder, RecordBatch, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use crate::cell::{Cell, Column, Kind, push_cents};
use crate::error::Cause;

/// An open row group is held in memory: this bounds it to some megabytes a file.
const ROW_GROUP_ROWS: usize = 128 * 1024;

/// Rows collected before they are handed to the writer.
const BATCH_ROWS: usize = 16 * 1024;

pub(crate) struct ParquetTable {
    writer: ArrowWriter<File>,
    schema: SchemaRef,
    columns: Vec<Builder>,
    rows: usize,
    /// The decimal text of an amount in a text column, kept for its allocation.
    amount: Vec<u8>,
}

impl ParquetTable {
    pub(crate) fn new(file: File, columns: &[Column]) -> Result<Self, Cause> {
        let fields: Vec<Field> = columns.iter().map(|column| Field::new(column.name, data_type(column.kind), true)).collect();
        let schema = Arc::new(Schema::new(fields));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .build();
        Ok(Self {
            writer: ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties))?,
            schema,
            columns: columns.iter().map(|column| Builder::new(column.kind)).collect::<Result<_, _>>()?,
            rows: 0,
            amount: Vec::new(),
        })
    }

    pub(crate) fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), Cause> {
        for (column, &cell) in self.columns.iter_mut().zip(cells) {
            column.push(cell, &mut self.amount)?;
        }
        self.rows += 1;
        if self.rows == BATCH_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Cause> {
        let columns: Vec<ArrayRef> = self.columns.iter_mut().map(Builder::finish).collect();
        self.writer.write(&RecordBatch::try_new(Arc::clone(&self.schema), columns)?)?;
        self.rows = 0;
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<(), Cause> {
        self.flush()?;
        self.writer.close()?;
        Ok(())
    }
}

fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Whole => DataType::Int64,
        Kind::Small => DataType::Int32,
        Kind::Text => DataType::Utf8,
        Kind::Cents(digits) => DataType::Decimal128(digits, 2),
        Kind::Date => DataType::Date32,
        Kind::Time => DataType::Timestamp(TimeUnit::Microsecond, None),
    }
}

/// The values of one column that were not handed to the writer yet.
enum Builder {
    Whole(Int64Builder),
    Small(Int32Builder),
    Text(StringBuilder),
    Cents(Decimal128Builder),
    Date(Date32Builder),
    Time(TimestampMicrosecondBuilder),
}

impl Builder {
    fn new(kind: Kind) -> Result<Self, Cause> {
        Ok(match kind {
            Kind::Whole => Self::Whole(Int64Builder::new()),
            Kind::Small => Self::Small(Int32Builder::new()),
            Kind::Text => Self::Text(StringBuilder::new()),
            Kind::Cents(digits) => Self::Cents(Decimal128Builder::new().with_precision_and_scale(digits, 2)?),
            Kind::Date => Self::Date(Date32Builder::new()),
            Kind::Time => Self::Time(TimestampMicrosecondBuilder::new()),
        })
    }

    fn push(&mut self, cell: Cell<'_>, amount: &mut Vec<u8>) -> Result<(), Cause> {
        match (self, cell) {
            (Self::Whole(column), Cell::Whole(number)) => column.append_value(number),
            (Self::Small(column), Cell::Small(number)) => column.append_value(number),
            (Self::Text(column), Cell::Text(text)) => column.append_value(text),
            (Self::Text(column), Cell::Cents(cents)) => {
                amount.clear();
                push_cents(amount, cents)?;
                column.append_value(std::str::from_utf8(amount)?);
            }
            (Self::Cents(column), Cell::Cents(cents)) => column.append_value(i128::from(cents)),
            (Self::Date(column), Cell::Date(day)) => column.append_value(day),
            (Self::Time(column), Cell::Time(micros)) => column.append_value(micros),
            (Self::Whole(column), Cell::Null) => column.append_null(),
            (Self::Small(column), Cell::Null) => column.append_null(),
            (Self::Text(column), Cell::Null) => column.append_null(),
            (Self::Cents(column), Cell::Null) => column.append_null(),
            (Self::Date(column), Cell::Null) => column.append_null(),
            (Self::Time(column), Cell::Null) => column.append_null(),
            (_, cell) => return Err(format!("{cell:?} does not fit its column").into()),
        }
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        let column: &mut dyn ArrayBuilder = match self {
            Self::Whole(column) => column,
            Self::Small(column) => column,
            Self::Text(column) => column,
            Self::Cents(column) => column,
            Self::Date(column) => column,
            Self::Time(column) => column,
        };
        column.finish()
    }
}
