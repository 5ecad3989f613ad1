//! Databases behind a server: the questions to their catalogues, and what a proposal makes of the answers. Whoever holds the
//! connection asks them, so that neither an address nor a driver comes here.

use std::collections::BTreeMap;

use crate::source::{ColumnSample, Connection, ForeignKey, Source, TableSample};
use crate::sql;

/// Whose catalogue it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Postgres,
    /// MySQL or MariaDB.
    Mysql,
}

/// The answers of a database, each in the order of its query's columns.
#[derive(Debug, Clone)]
pub struct Catalogue {
    pub dialect: Dialect,
    pub columns: Vec<CatalogueColumn>,
    pub keys: Vec<CatalogueKey>,
    /// A table each: what `sample_query` gives.
    pub rows: Vec<CatalogueRows>,
}

/// The first rows of a table, every value as text, in the order of its columns.
#[derive(Debug, Clone)]
pub struct CatalogueRows {
    pub schema: String,
    pub table: String,
    pub rows: Vec<Vec<Option<String>>>,
}

/// A row of `columns_query`.
#[derive(Debug, Clone)]
pub struct CatalogueColumn {
    pub schema: String,
    pub table: String,
    pub column: String,
    pub data_type: String,
    /// Rows by the planner's statistics; negative where it has none.
    pub rows: i64,
}

/// A row of `keys_query`: a column of a primary key, or a reference of one column.
#[derive(Debug, Clone)]
pub struct CatalogueKey {
    pub schema: String,
    pub table: String,
    pub column: String,
    /// Schema, table and column that it refers to; absent for a primary key.
    pub references: Option<(String, String, String)>,
}

const POSTGRES_COLUMNS: &str = "\
SELECT c.table_schema, c.table_name, c.column_name, c.data_type, coalesce(k.reltuples, -1)::bigint AS row_estimate
FROM information_schema.columns AS c
LEFT JOIN pg_catalog.pg_class AS k ON k.oid = to_regclass(format('%I.%I', c.table_schema, c.table_name))
WHERE c.table_schema NOT IN ('pg_catalog', 'information_schema')
    AND has_table_privilege(format('%I.%I', c.table_schema, c.table_name), 'SELECT')
ORDER BY c.table_schema, c.table_name, c.ordinal_position";

const POSTGRES_KEYS: &str = "\
SELECT n.nspname, t.relname, a.attname, fn.nspname, ft.relname, fa.attname
FROM pg_catalog.pg_constraint AS c
INNER JOIN pg_catalog.pg_class AS t ON t.oid = c.conrelid
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
CROSS JOIN LATERAL unnest(c.conkey) WITH ORDINALITY AS u(place, position)
INNER JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = u.place
LEFT JOIN pg_catalog.pg_class AS ft ON ft.oid = c.confrelid
LEFT JOIN pg_catalog.pg_namespace AS fn ON fn.oid = ft.relnamespace
LEFT JOIN pg_catalog.pg_attribute AS fa ON fa.attrelid = c.confrelid AND fa.attnum = c.confkey[1]
WHERE c.contype = 'p' OR (c.contype = 'f' AND cardinality(c.conkey) = 1)
ORDER BY n.nspname, t.relname, c.contype, c.conname, u.position";

const MYSQL_COLUMNS: &str = "\
SELECT c.table_schema, c.table_name, c.column_name, c.data_type, coalesce(t.table_rows, -1) AS row_estimate
FROM information_schema.columns AS c
INNER JOIN information_schema.tables AS t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
WHERE c.table_schema = DATABASE()
ORDER BY c.table_name, c.ordinal_position";

const MYSQL_KEYS: &str = "\
SELECT k.table_schema, k.table_name, k.column_name,
    k.referenced_table_schema, k.referenced_table_name, k.referenced_column_name
FROM information_schema.key_column_usage AS k
WHERE k.table_schema = DATABASE()
    AND (k.constraint_name = 'PRIMARY' OR k.referenced_table_name IS NOT NULL)
    AND NOT EXISTS (
        SELECT 1 FROM information_schema.key_column_usage AS o
        WHERE o.table_schema = k.table_schema AND o.table_name = k.table_name AND o.constraint_name = k.constraint_name
            AND o.ordinal_position > 1 AND k.referenced_table_name IS NOT NULL
    )
ORDER BY k.table_name, k.constraint_name, k.ordinal_position";

impl Dialect {
    /// By the beginning of a url.
    pub fn of(url: &str) -> Option<Self> {
        match url.split_once("://")?.0 {
            "postgres" | "postgresql" => Some(Self::Postgres),
            "mysql" | "mariadb" => Some(Self::Mysql),
            _ => None,
        }
    }

    /// Columns of all tables and views that the user may read (of MySQL those of the url's database): schema, table, column, type,
    /// rows as a whole number.
    pub fn columns_query(self) -> &'static str {
        match self {
            Self::Postgres => POSTGRES_COLUMNS,
            Self::Mysql => MYSQL_COLUMNS,
        }
    }

    /// Columns of primary keys, and references of one column: schema, table, column, and schema, table and column
    /// referred to, which are NULL for a primary key.
    pub fn keys_query(self) -> &'static str {
        match self {
            Self::Postgres => POSTGRES_KEYS,
            Self::Mysql => MYSQL_KEYS,
        }
    }

    /// Where the database lies, as the pipeline file will say it.
    fn connection(self, url: &str) -> Connection {
        match self {
            Self::Postgres => Connection::Postgres(url.to_owned()),
            Self::Mysql => Connection::Mysql(url.to_owned()),
        }
    }
}

impl Catalogue {
    /// One that nothing has been asked of yet.
    pub fn new(dialect: Dialect) -> Self {
        Self { dialect, columns: Vec::new(), keys: Vec::new(), rows: Vec::new() }
    }

    /// The first rows of a table, every value as text: one for `rows`.
    pub fn sample_query(&self, schema: &str, table: &str) -> String {
        let of = self.columns.iter().filter(|c| c.schema == schema && c.table == table).map(|c| c.column.as_str());
        let (columns, quoted): (Vec<String>, fn(&str) -> String) = match self.dialect {
            Dialect::Postgres => (of.map(|column| format!("{}::text", sql::quoted(column))).collect(), sql::quoted),
            Dialect::Mysql => (of.map(sql::in_backticks).collect(), sql::in_backticks),
        };
        format!("SELECT {} FROM {}.{} LIMIT 1000", columns.join(", "), quoted(schema), quoted(table))
    }

    /// The schema whose tables go by their own names, because it is searched anyway.
    fn home(&self) -> &str {
        match self.dialect {
            Dialect::Postgres => "public",
            Dialect::Mysql => self.columns.first().map_or("", |column| column.schema.as_str()),
        }
    }
}

/// The source that the answers tell of. `url` is what the pipeline file will say, such as `${env:SHOP_URL}`.
pub fn database(url: &str, catalogue: &Catalogue) -> Source {
    let home = catalogue.home();
    let shown = |schema: &str, table: &str| if schema == home { table.to_owned() } else { format!("{schema}.{table}") };
    let mut tables: BTreeMap<String, TableSample> = BTreeMap::new();
    for column in &catalogue.columns {
        let name = shown(&column.schema, &column.table);
        let table = tables.entry(name.clone()).or_insert_with(|| TableSample { name, ..TableSample::default() });
        table.rows_hint = u64::try_from(column.rows).ok();
        let declared_type = Some(column.data_type.clone());
        table.columns.push(ColumnSample { name: column.column.clone(), declared_type, ..ColumnSample::default() });
    }
    for sampled in &catalogue.rows {
        let Some(table) = tables.get_mut(&shown(&sampled.schema, &sampled.table)) else { continue };
        for row in &sampled.rows {
            for (place, column) in table.columns.iter_mut().enumerate() {
                column.values.push(row.get(place).cloned().flatten().filter(|v| !v.is_empty()));
            }
        }
    }
    for key in &catalogue.keys {
        let Some(table) = tables.get_mut(&shown(&key.schema, &key.table)) else { continue };
        match &key.references {
            None => table.primary_key.push(key.column.clone()),
            Some((schema, other, references)) => table.foreign_keys.push(ForeignKey {
                column: key.column.clone(),
                table: shown(schema, other),
                references: references.clone(),
            }),
        }
    }
    Source { connection: catalogue.dialect.connection(url), tables: tables.into_values().collect(), passed_over: Vec::new() }
}
