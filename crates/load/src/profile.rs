//! The write profile that Power BI's Parquet reader takes, asserted on the footers of the files themselves.
//!
//! Power BI sits on Parquet C++ of different ages in Desktop, service and gateway. The profile is what all of them
//! read: snappy or none, plain or dictionary encodings, data page v1, no embedded Arrow schema.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use parquet::basic::{Compression, Encoding, LogicalType, TimeUnit, Type as Physical};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use crate::error::Error;

/// Precision above which .NET readers lose digits.
const MAX_PRECISION: i32 = 28;
/// Places behind the point that Power BI's fixed decimal number keeps.
const MAX_SCALE: i32 = 4;

/// Rows of the file, if every column keeps to the profile.
pub(crate) fn assert(path: &Path) -> Result<u64, Error> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    let unreadable = |detail: String| Error::ReadBack { path: path.display().to_string(), detail };
    let reader = SerializedFileReader::new(file).map_err(|e| unreadable(e.to_string()))?;
    let footer = reader.metadata();
    deviation(footer).map_or(Ok(()), |detail| Err(Error::Profile { path: path.to_path_buf(), detail }))?;
    u64::try_from(footer.file_metadata().num_rows()).map_err(|e| unreadable(e.to_string()))
}

/// The first thing that leaves the profile.
fn deviation(footer: &ParquetMetaData) -> Option<String> {
    let file = footer.file_metadata();
    if file.version() != 1 {
        return Some(format!("format version {} instead of 1", file.version()));
    }
    if file.key_value_metadata().is_some_and(|pairs| pairs.iter().any(|p| p.key == "ARROW:schema")) {
        return Some("an embedded Arrow schema".to_owned());
    }
    let mut names = BTreeSet::new();
    for column in file.schema_descr().columns() {
        let name = column.name();
        // A model takes names that differ in case alone for one.
        if !names.insert(name.to_lowercase()) {
            return Some(format!("column {name} is there twice but for case"));
        }
        if let Some(what) = of_type(column) {
            return Some(format!("column {name} {what}"));
        }
    }
    footer.row_groups().iter().flat_map(parquet::file::metadata::RowGroupMetaData::columns).find_map(|chunk| {
        let name = chunk.column_path().string();
        if !matches!(chunk.compression(), Compression::SNAPPY | Compression::UNCOMPRESSED) {
            return Some(format!("column {name} is compressed as {}", chunk.compression()));
        }
        chunk
            .encodings()
            .find(|e| !matches!(e, Encoding::PLAIN | Encoding::RLE | Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY))
            .map(|e| format!("column {name} is encoded as {e}"))
    })
}

/// What of a column's type leaves the profile.
fn of_type(column: &ColumnDescriptor) -> Option<String> {
    if column.max_rep_level() > 0 || column.max_def_level() > 1 {
        return Some("is nested".to_owned());
    }
    let found = match (column.physical_type(), column.logical_type_ref()) {
        (Physical::INT96, _) => "is INT96",
        (Physical::FLOAT, _) => "is a float of 32 bits",
        (_, Some(LogicalType::Integer(int))) if !int.is_signed => "is unsigned",
        (_, Some(LogicalType::Timestamp(time))) if time.is_adjusted_to_u_t_c => "is an instant in UTC",
        (_, Some(LogicalType::Timestamp(time))) if time.unit == TimeUnit::NANOS => "is in nanoseconds",
        (_, Some(LogicalType::Decimal(decimal))) if decimal.precision > MAX_PRECISION => {
            return Some(format!("has {} digits", decimal.precision));
        }
        (_, Some(LogicalType::Decimal(decimal))) if decimal.scale > MAX_SCALE => {
            return Some(format!("has {} digits behind the point", decimal.scale));
        }
        (Physical::BYTE_ARRAY, kind) if !matches!(kind, Some(LogicalType::String)) => "is raw binary",
        (Physical::FIXED_LEN_BYTE_ARRAY, kind) if !matches!(kind, Some(LogicalType::Decimal(_))) => "is fixed binary",
        _ => return None,
    };
    Some(found.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what is not there fails the test")]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch, new_null_array};
    use arrow::datatypes::{DataType, Field, Schema, TimeUnit as Unit};
    use parquet::arrow::ArrowWriter;
    use parquet::arrow::arrow_writer::ArrowWriterOptions;
    use parquet::basic::ZstdLevel;
    use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;
    use schema::Type;

    use super::*;

    /// What is said of a file with these columns.
    fn said(properties: WriterPropertiesBuilder, columns: Vec<(&str, ArrayRef)>) -> Option<String> {
        let options = ArrowWriterOptions::new().with_properties(properties.build()).with_skip_arrow_metadata(true);
        said_of(options, columns)
    }

    fn said_of(options: ArrowWriterOptions, columns: Vec<(&str, ArrayRef)>) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.parquet");
        let fields: Vec<Field> =
            columns.iter().map(|(name, values)| Field::new(*name, values.data_type().clone(), true)).collect();
        let schema = Arc::new(Schema::new(fields));
        let values = columns.into_iter().map(|(_, values)| values).collect();
        let batch = RecordBatch::try_new(Arc::clone(&schema), values).unwrap();
        let mut writer = ArrowWriter::try_new_with_options(File::create(&path).unwrap(), schema, options).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        assert(&path).err().map(|error| error.to_string())
    }

    fn plain() -> WriterPropertiesBuilder {
        WriterProperties::builder().set_writer_version(WriterVersion::PARQUET_1_0).set_compression(Compression::SNAPPY)
    }

    fn numbers() -> ArrayRef {
        Arc::new(Int64Array::from(vec![1, 2, 3]))
    }

    fn assert_says(said: Option<String>, words: &str) {
        let said = said.unwrap_or_default();
        assert!(said.contains(words), "`{words}` is not in `{said}`");
    }

    #[test]
    fn every_type_of_the_contract_keeps_to_the_profile() {
        let all = [
            Type::Key,
            Type::DateKey,
            Type::Text,
            Type::Date,
            Type::Time,
            Type::Money,
            Type::Quantity,
            Type::Int,
            Type::Count,
            Type::Score,
            Type::Number,
            Type::Bool,
        ];
        let columns = all.map(|kind| (kind.name(), new_null_array(&kind.arrow(), 1)));
        assert_eq!(said(plain(), columns.into()), None);
    }

    #[test]
    fn a_type_that_a_reader_may_not_take_is_told() {
        let list = DataType::List(Arc::new(Field::new("item", DataType::Int64, true)));
        let types = [
            (DataType::Float32, "column c is a float of 32 bits"),
            (DataType::Binary, "column c is raw binary"),
            (DataType::FixedSizeBinary(2), "column c is fixed binary"),
            (DataType::UInt32, "column c is unsigned"),
            (DataType::Timestamp(Unit::Microsecond, Some("UTC".into())), "column c is an instant in UTC"),
            (DataType::Timestamp(Unit::Nanosecond, None), "column c is in nanoseconds"),
            (DataType::Decimal128(38, 4), "column c has 38 digits"),
            (DataType::Decimal128(18, 6), "column c has 6 digits behind the point"),
            (list, "is nested"),
        ];
        for (kind, words) in types {
            assert_says(said(plain(), vec![("c", new_null_array(&kind, 1))]), words);
        }
        // Arrow has no such type any more, so its column is declared by hand.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.parquet");
        let declared = Arc::new(parse_message_type("message m { OPTIONAL INT96 c; }").unwrap());
        let properties = Arc::new(plain().build());
        SerializedFileWriter::new(File::create(&path).unwrap(), declared, properties).unwrap().close().unwrap();
        assert_says(assert(&path).err().map(|error| error.to_string()), "column c is INT96");
    }

    #[test]
    fn a_file_that_a_reader_may_not_take_is_told() {
        let one = || vec![("c", numbers())];
        assert_eq!(said(plain(), one()), None);
        let zstd = plain().set_compression(Compression::ZSTD(ZstdLevel::default()));
        assert_says(said(zstd, one()), "column c is compressed as ZSTD");
        let delta = plain().set_dictionary_enabled(false).set_encoding(Encoding::DELTA_BINARY_PACKED);
        assert_says(said(delta, one()), "column c is encoded as DELTA_BINARY_PACKED");
        let version = plain().set_writer_version(WriterVersion::PARQUET_2_0);
        assert_says(said(version, one()), "format version 2 instead of 1");
        let embedding = ArrowWriterOptions::new().with_properties(plain().build());
        assert_says(said_of(embedding, one()), "an embedded Arrow schema");
        assert_says(said(plain(), vec![("name", numbers()), ("Name", numbers())]), "column Name is there twice but for case");
    }
}
