//! A workspace in a temporary folder, the program run in it, and its tables read back.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use arrow::array::{Array, RecordBatch};
use arrow::util::display::array_value_to_string;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_path_buf()
}

/// Says a line to whoever reads the log of the tests. What a test prints is shown only if it fails; how many faults it struck, or
/// that it tried nothing at all, is to be seen in any case, so it goes past the harness.
pub fn say(line: &str) {
    // One write, so that lines of tests that run side by side do not mix.
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// A folder of its own for one test; removed when the test passes.
pub struct Workspace {
    folder: tempfile::TempDir,
}

/// What a run of the program left.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Fails the test with everything the program said, unless it ended with 0.
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}\nstdout:\n{}\nstderr:\n{}", self.stdout, self.stderr))
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// The program itself, or another build of it that `CONSUMER360` names: a release build makes long sweeps short.
pub fn binary() -> PathBuf {
    std::env::var_os("CONSUMER360").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_consumer360")), PathBuf::from)
}

impl Workspace {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, its folders included.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Makes one of the repository's folders readable under its own name.
    pub fn link(&self, name: &str) {
        std::os::unix::fs::symlink(root().join(name), self.path(name)).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.current_dir(self.folder.path()).args(arguments).env("NO_COLOR", "1").env_remove("RUST_LOG");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).output().unwrap().into()
    }

    /// The name of the snapshot that `published.json` of a target names.
    pub fn snapshot(&self, to: &str) -> String {
        let text = fs::read(self.path(to).join("published.json")).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&text).unwrap();
        json["snapshot"].as_str().unwrap().to_owned()
    }

    /// Rows of a published table.
    pub fn table(&self, to: &str, name: &str) -> Rows {
        read(&self.path(to).join("current").join(format!("{name}.parquet")))
    }
}

/// Rows as text, for comparison with what a golden file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    pub names: Vec<String>,
    pub rows: Vec<Vec<Option<String>>>,
}

impl Rows {
    fn place(&self, column: &str) -> usize {
        self.names.iter().position(|n| n == column).unwrap_or_else(|| panic!("no column {column} in {:?}", self.names))
    }

    /// One column; NULL as the empty text.
    pub fn column(&self, name: &str) -> Vec<String> {
        let place = self.place(name);
        self.rows.iter().map(|r| r[place].clone().unwrap_or_default()).collect()
    }

    /// Rows in which a column has a value.
    pub fn only(&self, column: &str, value: &str) -> Rows {
        let place = self.place(column);
        let rows = self.rows.iter().filter(|r| r[place].as_deref() == Some(value)).cloned().collect();
        Rows { names: self.names.clone(), rows }
    }

    /// Two columns as a map.
    pub fn map(&self, key: &str, value: &str) -> BTreeMap<String, String> {
        self.column(key).into_iter().zip(self.column(value)).collect()
    }

    /// Every row by the names of its columns; NULL as the empty text.
    pub fn named(&self) -> Vec<BTreeMap<String, String>> {
        let row = |row: &Vec<Option<String>>| {
            self.names.iter().cloned().zip(row.iter().map(|v| v.clone().unwrap_or_default())).collect()
        };
        self.rows.iter().map(row).collect()
    }

    /// Exact sum of a decimal column, in ten-thousandths.
    pub fn sum(&self, column: &str) -> i128 {
        self.column(column).iter().filter(|v| !v.is_empty()).map(|v| ten_thousandths(v)).sum()
    }
}

/// `12.34` as 123400.
pub fn ten_thousandths(text: &str) -> i128 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    assert!(fraction.len() <= 4, "{text}");
    format!("{whole}{fraction:0<4}").parse().unwrap()
}

/// Reads a Parquet file.
pub fn read(path: &Path) -> Rows {
    let file = File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let names = builder.schema().fields().iter().map(|f| f.name().clone()).collect();
    let batches: Vec<RecordBatch> = builder.build().unwrap().map(Result::unwrap).collect();
    let mut rows = Vec::new();
    for batch in &batches {
        for row in 0..batch.num_rows() {
            let value = |c: &arrow::array::ArrayRef| (!c.is_null(row)).then(|| array_value_to_string(c, row).unwrap());
            rows.push(batch.columns().iter().map(value).collect());
        }
    }
    Rows { names, rows }
}

/// Name and content of every file below a folder, sorted: what readers can see.
pub fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().display().to_string(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// The published tables alone, byte for byte, without `meta_run`, which names the run and its times.
pub fn published_bytes(to: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut bytes = contents(&to.join("current"));
    bytes.remove("meta_run.parquet");
    assert!(bytes.len() > 30, "{} holds {} tables", to.display(), bytes.len());
    bytes
}
