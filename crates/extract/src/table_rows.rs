//! Reading a table's file in the order of its rows.

use std::collections::VecDeque;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use arrow::array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;

use crate::table_file::FileError;

/// Row groups decoded ahead, at most: whoever goes through them is one thread.
const AHEAD: usize = 4;

/// Some columns of a table's file, from the first row to the last, in batches. While one row group is gone through, the next ones
/// are decoded, each by a thread of its own.
pub struct TableRows {
    columns: Arc<Columns>,
    /// Row groups still to be decoded.
    groups: Range<usize>,
    ahead: VecDeque<JoinHandle<Result<Vec<RecordBatch>, ParquetError>>>,
    decoded: VecDeque<RecordBatch>,
}

struct Columns {
    path: PathBuf,
    footer: ArrowReaderMetadata,
    wanted: ProjectionMask,
}

impl Columns {
    fn decode(&self, group: usize) -> Result<Vec<RecordBatch>, ParquetError> {
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(File::open(&self.path)?, self.footer.clone());
        let batches = builder.with_row_groups(vec![group]).with_projection(self.wanted.clone()).build()?;
        batches.map(|batch| batch.map_err(ParquetError::from)).collect()
    }
}

impl TableRows {
    /// The columns come in the order of the file, whatever the order of their names here.
    pub fn open(path: &Path, columns: &[&str]) -> Result<Self, FileError> {
        let footer = File::open(path)
            .map_err(ParquetError::from)
            .and_then(|file| ArrowReaderMetadata::load(&file, ArrowReaderOptions::default()))
            .map_err(|source| FileError::Read { path: path.to_path_buf(), source })?;
        let wanted = ProjectionMask::columns(footer.parquet_schema(), columns.iter().copied());
        let groups = 0..footer.metadata().num_row_groups();
        let columns = Arc::new(Columns { path: path.to_path_buf(), footer, wanted });
        Ok(Self { columns, groups, ahead: VecDeque::new(), decoded: VecDeque::new() })
    }

    /// Rows of the whole file.
    pub fn rows(&self) -> u64 {
        u64::try_from(self.columns.footer.metadata().file_metadata().num_rows()).unwrap_or_default()
    }

    fn look_ahead(&mut self) {
        let free = rayon::current_num_threads().min(AHEAD).saturating_sub(self.ahead.len());
        for group in self.groups.by_ref().take(free) {
            let columns = Arc::clone(&self.columns);
            self.ahead.push_back(thread::spawn(move || columns.decode(group)));
        }
    }

    /// The next row group, once it is decoded.
    fn next_group(&mut self) -> Option<Result<Vec<RecordBatch>, ParquetError>> {
        self.look_ahead();
        let next = self.ahead.pop_front()?;
        self.look_ahead();
        Some(next.join().unwrap_or_else(|_| Err(ParquetError::General("the decoder stopped".to_owned()))))
    }
}

impl Iterator for TableRows {
    type Item = Result<RecordBatch, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.decoded.is_empty() {
            match self.next_group()? {
                Ok(batches) => self.decoded.extend(batches),
                Err(source) => {
                    self.groups = 0..0;
                    self.ahead.clear();
                    return Some(Err(FileError::Read { path: self.columns.path.clone(), source }));
                }
            }
        }
        self.decoded.pop_front().map(Ok)
    }
}
