//! Bytes packed and damaged.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression as PageCompression;
use parquet::file::properties::WriterProperties;

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ::zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Without its last bytes.
pub fn cut(bytes: &[u8], less: usize) -> Vec<u8> {
    bytes[..bytes.len() - less].to_vec()
}

/// With one byte turned over.
pub fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 0xFF;
    bytes
}

/// The four lines as columns; `orders` many times over.
pub fn orders(quantity: ArrayRef, unit_price: ArrayRef) -> RecordBatch {
    let text = |values: [&str; 4]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
    RecordBatch::try_from_iter([
        ("order_id", text(["A1", "A2", "A3", "A4"])),
        ("ordered_at", text(["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"])),
        ("customer_id", text(["C1", "C2", "C1", "C3"])),
        ("product_id", text(["P1", "P1", "P2", "P2"])),
        ("quantity", quantity),
        ("unit_price", unit_price),
    ])
    .unwrap()
}

pub fn quantities() -> ArrayRef {
    Arc::new(Int64Array::from(vec![1, 1, 2, 4]))
}

pub fn prices() -> ArrayRef {
    Arc::new(Float64Array::from(vec![1.0, 2.0, 2.0, 2.0]))
}

pub fn parquet(batch: &RecordBatch, compression: PageCompression) -> Vec<u8> {
    let properties = WriterProperties::builder().set_compression(compression).set_dictionary_enabled(false).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}
