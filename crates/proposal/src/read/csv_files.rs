//! CSV files: one, or all of a folder. Files of one header are one table.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use super::Error;
use super::csv_glob::{Glob, literal};
use super::csv_nulls::Marks;
use super::csv_shape::{distinct, encoding, is_broken_utf8, shape, title};
use super::spread::{Row, Spread};
use crate::source::{Connection, CsvShape, Encoding, Source, TableSample};
use crate::target::says_what_it_holds;
use crate::words::{one_of, squeezed, words};

/// Bytes that the shape of a file is told from.
const SHAPE_BYTES: u64 = 256 * 1024;
/// Bytes of a file that are read, unpacked: a sample waits for no table of any size and takes no memory for it. Of a
/// longer one the number of rows and what its end holds stay unknown.
const READ_BYTES: u64 = 64 * 1024 * 1024;
/// Names of a column that only numbers the rows of a file.
const ROW_NUMBERS: [&str; 8] = ["rowid", "row", "rownumber", "rownum", "index", "zeile", "nr", "lfdnr"];

/// Looks at a CSV file, or at those of a folder and the folders in it. `path` is what the pipeline file will say, so
/// relative paths stay relative.
pub fn csv(path: &Path) -> Result<Source, Error> {
    let (folder, files) = if path.is_dir() {
        (path.to_path_buf(), files(path)?)
    } else {
        (path.parent().unwrap_or(Path::new(".")).to_path_buf(), vec![path.to_path_buf()])
    };
    let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
    let (read, others): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| is_csv(file));
    if read.is_empty() {
        return Err(Error::NoCsv { path: path.to_path_buf() });
    }
    let mut looked_at = Vec::new();
    for file in read {
        looked_at.push(Looked::at(&folder, file)?);
    }
    let faults: Vec<String> = looked_at.iter().filter_map(|f| Some(format!("{}: {}", f.shown, f.fault.as_ref()?))).collect();
    let mut tables = Vec::new();
    for (name, group) in grouped(looked_at) {
        tables.push(sample(name, &group)?);
    }
    let passed_over = faults.into_iter().chain(others.iter().filter_map(|file| passed_over(&folder, file))).collect();
    Ok(Source { connection: Connection::Folder(folder.display().to_string()), tables, passed_over })
}

/// Every file below, in the order of their names.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| Error::Io { path, source }
    };
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).map_err(failed(&next))? {
            let path = entry.map_err(failed(&next))?.path();
            let hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
            if path.is_dir() && !hidden {
                open.push(path);
            } else if !hidden {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn unpacked(file: &Path) -> (String, &'static str) {
    let name = file.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
    for packing in [".gz", ".zst"] {
        if let Some(stem) = name.strip_suffix(packing) {
            return (stem.to_owned(), packing);
        }
    }
    (name, "")
}

fn is_csv(file: &Path) -> bool {
    let (name, _) = unpacked(file);
    // Notes lie beside data as .txt and .md; a .txt counts as data where a delimiter is in its first line.
    let plain = Path::new(&name).extension().is_some_and(|e| e == "csv" || e == "tsv");
    let text = Path::new(&name).extension().is_some_and(|e| e == "txt");
    plain || text && head(file).is_ok_and(|t| t.lines().next().is_some_and(|line| line.contains([';', '\t', '|'])))
}

/// What is to be said of a file that may hold data and is none of CSV.
fn passed_over(folder: &Path, file: &Path) -> Option<String> {
    let shown = relative(folder, file);
    match file.extension().and_then(|e| e.to_str()).unwrap_or_default() {
        "xls" | "ods" => Some(format!("{shown} is a spreadsheet of a kind that is not read: save it as .xlsx or CSV")),
        "xlsx" | "parquet" | "ndjson" | "jsonl" => {
            Some(format!("{shown} was not looked into; a pipeline can read it, with `path: {shown}`"))
        }
        "sqlite" | "sqlite3" | "db" => Some(format!("{shown} may be a database, which has a proposal of its own")),
        _ => None,
    }
}

fn relative(folder: &Path, file: &Path) -> String {
    file.strip_prefix(folder).unwrap_or(file).display().to_string().replace('\\', "/")
}

fn open(file: &Path) -> Result<Box<dyn Read>, Error> {
    let failed = |source| Error::Io { path: file.to_path_buf(), source };
    let bytes = BufReader::new(File::open(file).map_err(failed)?);
    Ok(match unpacked(file).1 {
        ".gz" => Box::new(flate2::bufread::MultiGzDecoder::new(bytes)),
        ".zst" => Box::new(zstd::stream::read::Decoder::with_buffer(bytes).map_err(failed)?),
        _ => Box::new(bytes),
    })
}

/// The text at the beginning of a file.
fn head(file: &Path) -> Result<String, Error> {
    let bytes = bytes(file, SHAPE_BYTES)?;
    Ok(decoded(&bytes, encoding(&bytes)))
}

fn bytes(file: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let read = open(file)?.take(limit).read_to_end(&mut bytes);
    read.map_err(|source| Error::Io { path: file.to_path_buf(), source })?;
    Ok(bytes)
}

fn decoded(bytes: &[u8], encoding: Encoding) -> String {
    let encoding = match encoding {
        Encoding::Utf8 => encoding_rs::UTF_8,
        Encoding::Cp1252 => encoding_rs::WINDOWS_1252,
        Encoding::Utf16 => encoding_rs::UTF_16LE,
    };
    encoding.decode(bytes).0.into_owned()
}

/// A file and how it is written.
struct Looked {
    file: PathBuf,
    shown: String,
    shape: CsvShape,
    names: Vec<String>,
    /// What keeps the file from being read as it is.
    fault: Option<String>,
}

impl Looked {
    fn at(folder: &Path, file: PathBuf) -> Result<Self, Error> {
        // A file may be UTF-8 by its beginning and not by its end.
        let (all, beginning) = (bytes(&file, READ_BYTES)?, bytes(&file, SHAPE_BYTES)?);
        let encoding = encoding(&all);
        let text = decoded(&beginning, encoding);
        // The last line may be cut.
        let cut = beginning.len() as u64 == SHAPE_BYTES;
        let text = if cut { text.rsplit_once('\n').map_or(text.as_str(), |(whole, _)| whole) } else { text.as_str() };
        let (mut shape, names) = shape(text, encoding);
        shape.garbled = encoding == Encoding::Utf8 && is_broken_utf8(&all);
        let fault = title(text, shape.delimiter);
        Ok(Self { shown: relative(folder, &file), file, shape, names, fault })
    }
}

/// Files of one header and shape under a glob that matches them and no others; a file by itself under its name.
fn grouped(files: Vec<Looked>) -> Vec<(String, Vec<Looked>)> {
    let all: Vec<String> = files.iter().map(|f| f.shown.clone()).collect();
    let mut groups: BTreeMap<String, Vec<Looked>> = BTreeMap::new();
    for file in files {
        let key = format!("{:?}{:?}{}", file.names, file.shape.delimiter, file.shape.encoding.name());
        groups.entry(key).or_default().push(file);
    }
    let mut found = Vec::new();
    for (_, group) in groups {
        let names: Vec<&str> = group.iter().map(|f| f.shown.as_str()).collect();
        let fits = |glob: &Glob| all.iter().all(|name| glob.matches(name) == names.contains(&name.as_str()));
        match Glob::of(&names).filter(|glob| fits(glob) && (!glob.is_any_file() || may_be_one(&group))) {
            Some(glob) => found.push((glob.written(), group)),
            None => found.extend(group.into_iter().map(|file| (literal(&file.shown), vec![file]))),
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// Whether files may be one table whose names have nothing in common: not where one says what its rows are, as `orders.csv`
/// does beside `returns.csv`, nor where only the number of columns is the same.
fn may_be_one(files: &[Looked]) -> bool {
    files.iter().all(|file| file.shape.header && !says_what_it_holds(&one_of(&file.shown)))
}

fn sample(name: String, files: &[Looked]) -> Result<TableSample, Error> {
    let Some(first) = files.first() else { return Ok(TableSample { name, ..TableSample::default() }) };
    let mut shape = first.shape.clone();
    shape.garbled = files.iter().any(|f| f.shape.garbled);
    for null in files.iter().flat_map(|f| &f.shape.null_values) {
        if !shape.null_values.contains(null) {
            shape.null_values.push(null.clone());
        }
    }
    let numbered = first.names.iter().position(|n| ROW_NUMBERS.contains(&squeezed(&words(n)).as_str()));
    let mut spread = Spread::new(numbered);
    let (mut marks, mut whole) = (Marks::default(), true);
    for file in files {
        whole &= read(file, &shape, &mut marks, &mut spread)?;
    }
    let rows_hint = whole.then_some(spread.rows);
    let (mut columns, repeats) = spread.finish(&distinct(&first.names), &[]);
    for (column, header) in columns.iter_mut().zip(&first.names) {
        column.header = (!header.is_empty() && column.name != *header).then(|| header.clone());
    }
    marks.settle(&mut columns, &mut shape.null_values);
    Ok(TableSample { name, columns, rows_hint, csv: Some(shape), repeats, ..TableSample::default() })
}

/// Whether the file was read to its end.
fn read(file: &Looked, shape: &CsvShape, marks: &mut Marks, spread: &mut Spread) -> Result<bool, Error> {
    let bytes = bytes(&file.file, READ_BYTES)?;
    let text = decoded(&bytes, shape.encoding);
    let delimiter = u8::try_from(shape.delimiter).unwrap_or(b',');
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).has_headers(shape.header).flexible(true).from_reader(text.as_bytes());
    for record in reader.records() {
        let record = record.map_err(|source| Error::Csv { path: file.file.clone(), source })?;
        if record.len() != file.names.len() {
            continue;
        }
        let mut is_null =
            |place: usize, v: &str| v.is_empty() || shape.null_values.iter().any(|n| n == v) && !marks.keeps(place, v);
        let row: Row = record.iter().enumerate().map(|(place, v)| (!is_null(place, v)).then(|| v.to_owned())).collect();
        spread.push(row);
    }
    Ok((bytes.len() as u64) < READ_BYTES)
}
