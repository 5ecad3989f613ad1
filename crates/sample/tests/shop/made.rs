//! A shop in a folder of its own, and its tables as text.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::util::display::array_value_to_string;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sample::{Format, Shop, Summary, generate};
use tempfile::TempDir;

pub const TABLES: [&str; 5] = ["customers", "products", "order_lines", "payments", "tickets"];

pub struct Made {
    pub folder: TempDir,
    pub shop: Shop,
    pub summary: Summary,
}

pub fn csv(lines: u64, seed: u64, dirt: f64) -> Shop {
    Shop { lines, seed, format: Format::Csv, dirt }
}

pub fn parquet(lines: u64, seed: u64, dirt: f64) -> Shop {
    Shop { lines, seed, format: Format::Parquet, dirt }
}

pub fn make(shop: Shop) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let summary = generate(&shop, folder.path()).unwrap();
    Made { folder, shop, summary }
}

impl Made {
    pub fn path(&self, table: &str) -> PathBuf {
        self.folder.path().join(format!("{table}.{}", self.shop.format.extension()))
    }

    /// The bytes of all files, the summary too.
    pub fn files(&self) -> Vec<Vec<u8>> {
        let mut files: Vec<_> = TABLES.iter().map(|table| fs::read(self.path(table)).unwrap()).collect();
        files.push(fs::read(self.folder.path().join("summary.json")).unwrap());
        files
    }

    pub fn table(&self, table: &str) -> Table {
        match self.shop.format {
            Format::Csv => Table::from_csv(&self.path(table)),
            Format::Parquet => Table::from_parquet(&self.path(table)),
        }
    }
}

/// Every value as the bytes of its text, NULL as no bytes.
#[derive(PartialEq, Eq)]
pub struct Table {
    pub header: Vec<String>,
    pub rows: Vec<Vec<Vec<u8>>>,
}

impl Table {
    fn from_csv(path: &Path) -> Self {
        let mut reader = ::csv::Reader::from_path(path).unwrap();
        let header = reader.headers().unwrap().iter().map(str::to_owned).collect();
        let rows = reader.byte_records().map(|row| row.unwrap().iter().map(<[u8]>::to_vec).collect());
        Self { header, rows: rows.collect() }
    }

    fn from_parquet(path: &Path) -> Self {
        let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
        let header = builder.schema().fields().iter().map(|field| field.name().clone()).collect();
        let mut rows = Vec::new();
        for batch in builder.build().unwrap() {
            let batch = batch.unwrap();
            for row in 0..batch.num_rows() {
                let cell = |column| array_value_to_string(column, row).unwrap().into_bytes();
                rows.push(batch.columns().iter().map(|column| cell(column)).collect());
            }
        }
        Self { header, rows }
    }

    pub fn at(&self, column: &str) -> usize {
        self.header.iter().position(|name| name == column).unwrap()
    }

    /// A column's values as text.
    pub fn column(&self, name: &str) -> Vec<String> {
        let at = self.at(name);
        self.rows.iter().map(|row| String::from_utf8_lossy(&row[at]).into_owned()).collect()
    }

    /// A column's values as numbers.
    pub fn numbers(&self, name: &str) -> Vec<i64> {
        self.column(name).iter().map(|value| value.parse().unwrap()).collect()
    }
}

/// The cents of a decimal text, if it is one.
pub fn cents(text: &str) -> Option<i64> {
    let (whole, hundredths) = text.split_once('.')?;
    if hundredths.len() != 2 {
        return None;
    }
    format!("{whole}{hundredths}").parse().ok()
}
