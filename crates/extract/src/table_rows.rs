//! Reading a table's file in the order of its rows.

use std::collections::VecDeque;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use rayon::prelude::*;

use crate::table_file::FileError;

/// Some columns of a table's file, from the first row to the last, in batches.
pub struct TableRows {
    path: PathBuf,
    footer: ArrowReaderMetadata,
    columns: ProjectionMask,
    /// Row groups still to be decoded.
    groups: Range<usize>,
    decoded: VecDeque<RecordBatch>,
}

impl TableRows {
    /// The columns come in the order of the file, whatever the order of their names here.
    pub fn open(path: &Path, columns: &[&str]) -> Result<Self, FileError> {
        let footer = File::open(path)
            .map_err(ParquetError::from)
            .and_then(|file| ArrowReaderMetadata::load(&file, ArrowReaderOptions::default()))
            .map_err(|source| FileError::Read { path: path.to_path_buf(), source })?;
        let columns = ProjectionMask::columns(footer.parquet_schema(), columns.iter().copied());
        let groups = 0..footer.metadata().num_row_groups();
        Ok(Self { path: path.to_path_buf(), footer, columns, groups, decoded: VecDeque::new() })
    }

    /// Rows of the whole file.
    pub fn rows(&self) -> u64 {
        u64::try_from(self.footer.metadata().file_metadata().num_rows()).unwrap_or_default()
    }

    /// Decodes as many row groups as there are threads.
    fn decode(&mut self) -> Result<(), ParquetError> {
        let groups: Vec<usize> = self.groups.by_ref().take(rayon::current_num_threads()).collect();
        let batches: Vec<Vec<RecordBatch>> = groups.into_par_iter().map(|group| self.group(group)).collect::<Result<_, _>>()?;
        self.decoded.extend(batches.into_iter().flatten());
        Ok(())
    }

    fn group(&self, group: usize) -> Result<Vec<RecordBatch>, ParquetError> {
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(File::open(&self.path)?, self.footer.clone());
        let batches = builder.with_row_groups(vec![group]).with_projection(self.columns.clone()).build()?;
        batches.map(|batch| batch.map_err(ParquetError::from)).collect()
    }
}

impl Iterator for TableRows {
    type Item = Result<RecordBatch, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.decoded.is_empty() && !self.groups.is_empty() {
            let decoded = self.decode();
            if let Err(source) = decoded {
                self.groups = 0..0;
                return Some(Err(FileError::Read { path: self.path.clone(), source }));
            }
        }
        self.decoded.pop_front().map(Ok)
    }
}
