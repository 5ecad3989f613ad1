//! PostgreSQL: the questions to its catalogue, and what a proposal makes of the answers. Whoever holds the connection
//! asks them, so that neither an address nor a driver comes here.

use std::collections::BTreeMap;

use crate::source::{ColumnSample, Connection, ForeignKey, Source, TableSample};
use crate::sql;

/// The answers of a database, each in the order of its query's columns.
#[derive(Debug, Clone, Default)]
pub struct PostgresCatalogue {
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

/// A row of `COLUMNS_QUERY`.
#[derive(Debug, Clone)]
pub struct CatalogueColumn {
    pub schema: String,
    pub table: String,
    pub column: String,
    pub data_type: String,
    /// Rows by the planner's statistics; negative where it has none.
    pub rows: i64,
}

/// A row of `KEYS_QUERY`: a column of a primary key, or a reference of one column.
#[derive(Debug, Clone)]
pub struct CatalogueKey {
    pub schema: String,
    pub table: String,
    pub column: String,
    /// Schema, table and column that it refers to; absent for a primary key.
    pub references: Option<(String, String, String)>,
}

impl PostgresCatalogue {
    /// Columns of all tables and views that the user may read: schema, table, column, type, rows as bigint.
    pub const COLUMNS_QUERY: &str = "\
SELECT c.table_schema, c.table_name, c.column_name, c.data_type, coalesce(k.reltuples, -1)::bigint AS row_estimate
FROM information_schema.columns AS c
LEFT JOIN pg_catalog.pg_class AS k ON k.oid = to_regclass(format('%I.%I', c.table_schema, c.table_name))
WHERE c.table_schema NOT IN ('pg_catalog', 'information_schema')
    AND has_table_privilege(format('%I.%I', c.table_schema, c.table_name), 'SELECT')
ORDER BY c.table_schema, c.table_name, c.ordinal_position";

    /// Columns of primary keys, and references of one column: schema, table, column, and schema, table and column
    /// referred to, which are NULL for a primary key.
    pub const KEYS_QUERY: &str = "\
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

    /// The first rows of a table, every value as text: one for `rows`.
    pub fn sample_query(&self, schema: &str, table: &str) -> String {
        let of = self.columns.iter().filter(|c| c.schema == schema && c.table == table);
        let columns: Vec<String> = of.map(|c| format!("{}::text", sql::quoted(&c.column))).collect();
        format!("SELECT {} FROM {}.{} LIMIT 1000", columns.join(", "), sql::quoted(schema), sql::quoted(table))
    }
}

/// The source that the answers tell of. `url` is what the pipeline file will say, such as `${env:SHOP_URL}`.
pub fn postgres(url: &str, catalogue: &PostgresCatalogue) -> Source {
    // A table of the schema that is searched anyway goes by its own name.
    let shown = |schema: &str, table: &str| if schema == "public" { table.to_owned() } else { format!("{schema}.{table}") };
    let mut tables: BTreeMap<String, TableSample> = BTreeMap::new();
    for column in &catalogue.columns {
        let name = shown(&column.schema, &column.table);
        let table = tables.entry(name.clone()).or_insert_with(|| TableSample { name, ..TableSample::default() });
        table.rows_hint = u64::try_from(column.rows).ok();
        let declared_type = Some(column.data_type.clone());
        table.columns.push(ColumnSample { name: column.column.clone(), declared_type, values: Vec::new() });
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
    Source { connection: Connection::Postgres(url.to_owned()), tables: tables.into_values().collect(), passed_over: Vec::new() }
}
