//! Where a published table lies in the folder of its snapshot: in a file, or in a folder of parts.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// The file of a table or the folder of its parts, which the engine reads as one; none where the snapshot has neither.
pub fn published(snapshot: &Path, table: &str) -> Option<PathBuf> {
    let (file, parts) = (file(snapshot, table), snapshot.join(table));
    if file.is_file() { Some(file) } else { parts.is_dir().then_some(parts) }
}

/// The files of a table in the order of its rows. Where the snapshot has none, it is the one file that is missing.
pub fn table_files(snapshot: &Path, table: &str) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(snapshot.join(table)) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(vec![file(snapshot, table)]),
        entries => entries?,
    };
    let mut parts: Vec<PathBuf> = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
    parts.retain(|path| path.extension().is_some_and(|ending| ending == "parquet"));
    parts.sort();
    Ok(parts)
}

fn file(snapshot: &Path, table: &str) -> PathBuf {
    snapshot.join(format!("{table}.parquet"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot make its files has failed")]
mod tests {
    use super::*;

    #[test]
    fn parts_come_in_the_order_of_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let snapshot = folder.path();
        fs::create_dir(snapshot.join("fact_sales")).unwrap();
        let names = ["part-00010.parquet", "part-00002.parquet", ".part-00003.parquet.7.part", "part-00000.parquet"];
        for name in names {
            fs::write(snapshot.join("fact_sales").join(name), "").unwrap();
        }
        fs::write(snapshot.join("dim_date.parquet"), "").unwrap();
        let wanted = ["part-00000.parquet", "part-00002.parquet", "part-00010.parquet"];
        assert_eq!(table_files(snapshot, "fact_sales").unwrap(), wanted.map(|name| snapshot.join("fact_sales").join(name)));
        assert_eq!(published(snapshot, "fact_sales"), Some(snapshot.join("fact_sales")));
        for known in ["dim_date", "dim_region"] {
            assert_eq!(table_files(snapshot, known).unwrap(), [snapshot.join(format!("{known}.parquet"))]);
        }
        assert_eq!(published(snapshot, "dim_date"), Some(snapshot.join("dim_date.parquet")));
        assert_eq!(published(snapshot, "dim_region"), None);
    }
}
