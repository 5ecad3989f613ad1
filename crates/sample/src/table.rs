//! One table on its way to disk.

use std::path::Path;

use crate::cell::{Cell, Column};
use crate::csv_table::CsvTable;
use crate::error::{Cause, Error};
use crate::parquet_table::ParquetTable;
use crate::part_file::PartFile;
use crate::shop::Format;

pub(crate) struct Table {
    // Before the file, because not every system can remove a file that is still open.
    writer: Writer,
    file: PartFile,
    rows: u64,
}

enum Writer {
    Csv(Box<CsvTable>),
    Parquet(Box<ParquetTable>),
}

/// A table that is whole but still has its temporary name.
pub(crate) struct WholeTable {
    pub(crate) file: PartFile,
    pub(crate) rows: u64,
}

impl Table {
    pub(crate) fn create(folder: &Path, name: &str, columns: &[Column], format: Format) -> Result<Self, Error> {
        let (part, file) = PartFile::create(folder, &format!("{name}.{}", format.extension()))?;
        let writer = match format {
            Format::Csv => CsvTable::new(file, columns).map(|table| Writer::Csv(Box::new(table))),
            Format::Parquet => ParquetTable::new(file, columns).map(|table| Writer::Parquet(Box::new(table))),
        };
        let writer = writer.map_err(|source| Error::write(part.path(), source))?;
        Ok(Self { writer, file: part, rows: 0 })
    }

    /// Appends one row: a cell for each column, in the columns' order.
    pub(crate) fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), Error> {
        self.rows += 1;
        let result = match &mut self.writer {
            Writer::Csv(table) => table.row(cells),
            Writer::Parquet(table) => table.row(cells),
        };
        result.map_err(|source| Error::write(self.file.path(), source))
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// What to report when the rows of this table cannot be made.
    pub(crate) fn error(&self, source: Cause) -> Error {
        Error::write(self.file.path(), source)
    }

    pub(crate) fn finish(self) -> Result<WholeTable, Error> {
        let result = match self.writer {
            Writer::Csv(table) => table.finish(),
            Writer::Parquet(table) => table.finish(),
        };
        result.map_err(|source| Error::write(self.file.path(), source))?;
        Ok(WholeTable { file: self.file, rows: self.rows })
    }
}
