//! The write profile that Power BI's Parquet reader takes, asserted on the footers of the files themselves.
//!
//! Power BI sits on Parquet C++ of different ages in Desktop, service and gateway. The profile is what all of them
//! read: snappy or none, plain or dictionary encodings, data page v1, no embedded Arrow schema.

use std::fs::File;
use std::path::Path;

use parquet::basic::{Compression, Encoding, LogicalType, TimeUnit, Type as Physical};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};

use crate::error::Error;

/// Precision above which .NET readers lose digits.
const MAX_PRECISION: i32 = 28;

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
    for column in file.schema_descr().columns() {
        let name = column.name();
        if column.max_rep_level() > 0 || column.max_def_level() > 1 {
            return Some(format!("column {name} is nested"));
        }
        if column.physical_type() == Physical::INT96 {
            return Some(format!("column {name} is INT96"));
        }
        match column.logical_type_ref() {
            Some(LogicalType::Integer(int)) if !int.is_signed => return Some(format!("column {name} is unsigned")),
            Some(LogicalType::Timestamp(time)) if time.is_adjusted_to_u_t_c => {
                return Some(format!("column {name} is an instant in UTC"));
            }
            Some(LogicalType::Timestamp(time)) if time.unit == TimeUnit::NANOS => {
                return Some(format!("column {name} is in nanoseconds"));
            }
            Some(LogicalType::Decimal(decimal)) if decimal.precision > MAX_PRECISION => {
                return Some(format!("column {name} has {} digits", decimal.precision));
            }
            _ => {}
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
