//! SQLite: opened for reading only; tables, declared types, keys and the first rows.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection as Database, OpenFlags};

use super::Error;
use super::spread::{Row, Spread};
use crate::source::{Connection, ForeignKey, Source, TableSample};
use crate::sql::quoted;

/// Rows of a table that are read.
const READ_ROWS: usize = 200_000;

/// Looks at every table and view of a database file. `path` is what the pipeline file will say.
pub fn sqlite(path: &Path) -> Result<Source, Error> {
    let tables = tables(path).map_err(|source| Error::Sqlite { path: path.to_path_buf(), source })?;
    Ok(Source { connection: Connection::Sqlite(path.display().to_string()), tables, passed_over: Vec::new() })
}

fn tables(path: &Path) -> rusqlite::Result<Vec<TableSample>> {
    let database = Database::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    let mut listed = database.prepare(
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite^_%' ESCAPE '^' ORDER BY name",
    )?;
    let names = listed.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    names.into_iter().map(|name| table(&database, name)).collect()
}

fn table(database: &Database, name: String) -> rusqlite::Result<TableSample> {
    let mut statement = database.prepare(&format!("SELECT * FROM {} LIMIT {READ_ROWS}", quoted(&name)))?;
    let names: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
    let declared = declared_types(database, &name, &names)?;
    let mut spread = Spread::new(None);
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let values = (0..names.len()).map(|place| row.get_ref(place).map(text)).collect::<rusqlite::Result<Row>>()?;
        spread.push(values);
    }
    let read = spread.rows;
    let rows_hint = if read < READ_ROWS as u64 { Some(read) } else { count(database, &name)? };
    let (columns, _) = spread.finish(&names, &declared);
    let (primary_key, foreign_keys) = (primary_key(database, &name)?, foreign_keys(database, &name)?);
    Ok(TableSample { name, columns, rows_hint, foreign_keys, primary_key, csv: None, repeats: None })
}

/// In the order of the columns; a view has none of its own.
fn declared_types(database: &Database, table: &str, columns: &[String]) -> rusqlite::Result<Vec<Option<String>>> {
    let mut statement = database.prepare("SELECT type FROM pragma_table_info(?1) WHERE name = ?2")?;
    let mut types = Vec::with_capacity(columns.len());
    for column in columns {
        let mut found = statement.query_map([table, column.as_str()], |row| row.get::<_, String>(0))?;
        types.push(found.next().transpose()?.filter(|declared| !declared.is_empty()));
    }
    Ok(types)
}

/// As a run reads it: a number by its shortest text, an empty text as nothing.
fn text(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(n) => Some(n.to_string()),
        ValueRef::Real(x) => Some(x.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            Some(String::from_utf8_lossy(bytes).into_owned()).filter(|t| !t.is_empty())
        }
    }
}

fn count(database: &Database, name: &str) -> rusqlite::Result<Option<u64>> {
    let rows: i64 = database.query_row(&format!("SELECT count(*) FROM {}", quoted(name)), [], |row| row.get(0))?;
    Ok(u64::try_from(rows).ok())
}

fn primary_key(database: &Database, name: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = database.prepare("SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk")?;
    let names = statement.query_map([name], |row| row.get(0))?;
    names.collect()
}

/// References of one column; one of several columns at once cannot be followed by one name.
fn foreign_keys(database: &Database, name: &str) -> rusqlite::Result<Vec<ForeignKey>> {
    let mut statement = database.prepare(
        "SELECT f.\"from\", f.\"table\", \
         coalesce(f.\"to\", (SELECT p.name FROM pragma_table_info(f.\"table\") AS p WHERE p.pk = 1)) \
         FROM pragma_foreign_key_list(?1) AS f \
         WHERE NOT EXISTS (SELECT 1 FROM pragma_foreign_key_list(?1) AS g WHERE g.id = f.id AND g.seq > 0) ORDER BY f.id",
    )?;
    let keys = statement
        .query_map([name], |row| Ok(row.get::<_, Option<String>>(2)?.map(|references| (row.get(0), row.get(1), references))))?;
    let mut found = Vec::new();
    for key in keys {
        if let Some((column, table, references)) = key? {
            found.push(ForeignKey { column: column?, table: table?, references });
        }
    }
    // SQLite lists the last one declared first.
    found.reverse();
    Ok(found)
}
