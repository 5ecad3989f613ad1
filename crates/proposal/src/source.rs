//! What a source holds, as far as it was looked at: the input of a proposal.

/// Rows from the top of a table that are neighbours in it. Behind them a sample holds rows further apart, so whether a
/// value repeats is asked of these alone.
pub const HEAD_ROWS: usize = 300;

/// One place where data lies, and a sample of each of its tables.
#[derive(Debug, Clone)]
pub struct Source {
    pub connection: Connection,
    pub tables: Vec<TableSample>,
    /// What was seen and not looked into, such as a spreadsheet, each a sentence.
    pub passed_over: Vec<String>,
}

/// Where it lies, in the words that the pipeline file is to use: nothing here is opened by a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connection {
    /// A folder of files.
    Folder(String),
    /// A SQLite database file.
    Sqlite(String),
    /// A reference such as `${env:SHOP_URL}`; never the address itself, which holds a password.
    Postgres(String),
    /// The same of MySQL or MariaDB.
    Mysql(String),
}

impl Connection {
    pub(crate) fn is_database(&self) -> bool {
        !matches!(self, Self::Folder(_))
    }
}

/// The first rows of a table, or of the files that a glob matches, and some from further down.
#[derive(Debug, Clone, Default)]
pub struct TableSample {
    /// A table (PostgreSQL: `schema.table`), or a path or glob below the folder.
    pub name: String,
    pub columns: Vec<ColumnSample>,
    /// Rows of the whole table, where that is known or estimated.
    pub rows_hint: Option<u64>,
    pub foreign_keys: Vec<ForeignKey>,
    pub primary_key: Vec<String>,
    /// How the files are written; absent for a database.
    pub csv: Option<CsvShape>,
    /// Rows that occur twice, where the table was read as far as that takes.
    pub repeats: Option<Repeats>,
}

/// A column and its values, in the order of the rows: the values of one place in all columns are one row.
#[derive(Debug, Clone, Default)]
pub struct ColumnSample {
    pub name: String,
    /// What the file calls it, where it calls several columns so and `name` has a number behind it.
    pub header: Option<String>,
    /// As the database declares it; absent for a file.
    pub declared_type: Option<String>,
    /// The first `HEAD_ROWS` rows, then some from further down. Absent where the source has nothing or an empty text.
    pub values: Vec<Option<String>>,
    /// Texts that stand for nothing in this column of a file, and are words in another. They are absent in `values`.
    pub nulls: Vec<String>,
}

/// A reference from a column of the table to a column of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    pub column: String,
    pub table: String,
    pub references: String,
}

/// Rows equal to an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeats {
    /// Rows that were compared.
    pub rows: u64,
    /// Those equal to an earlier row in every column.
    pub exact: u64,
    /// A column that numbers the rows, and the rows that are equal to an earlier one in all columns but it.
    pub but_for: Option<(String, u64)>,
}

/// How CSV files are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvShape {
    pub delimiter: char,
    pub encoding: Encoding,
    /// Some text is not of this encoding: a run sets its rows aside.
    pub garbled: bool,
    /// Whether the first line names the columns. Without one they are `column_1`, `column_2`, …
    pub header: bool,
    /// Values that stand for nothing in every column, such as `N/A`.
    pub null_values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    Cp1252,
    Utf16,
}

impl Encoding {
    /// As a pipeline file names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Cp1252 => "cp1252",
            Self::Utf16 => "utf-16",
        }
    }
}
