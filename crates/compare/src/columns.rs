//! What became of a table's columns.

use arrow::datatypes::{DataType, Field, Schema};
use serde::Serialize;

/// A column that is new, gone or of another type. Types are written as Arrow calls them, with `?` where there may be NULL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnChange {
    pub column: String,
    /// None for a column that is new.
    pub before: Option<String>,
    /// None for a column that is gone.
    pub after: Option<String>,
}

/// Changes in the order of the columns, those that are gone last.
pub(crate) fn changes(before: &Schema, after: &Schema) -> Vec<ColumnChange> {
    let change = |name: &str| {
        let (before, after) = (shape(before, name), shape(after, name));
        (before != after).then(|| ColumnChange { column: name.to_owned(), before, after })
    };
    let gone = before.fields().iter().filter(|field| after.field_with_name(field.name()).is_err());
    after.fields().iter().chain(gone).filter_map(|field| change(field.name())).collect()
}

/// Columns whose values can be compared: both have them, of one type.
pub(crate) fn shared(before: &Schema, after: &Schema) -> Vec<String> {
    let same = |field: &&Field| before.field_with_name(field.name()).is_ok_and(|other| other.data_type() == field.data_type());
    after.fields().iter().map(AsRef::as_ref).filter(same).map(|field| field.name().clone()).collect()
}

fn shape(schema: &Schema, name: &str) -> Option<String> {
    let field = schema.field_with_name(name).ok()?;
    Some(format!("{}{}", word(field.data_type()), if field.is_nullable() { "?" } else { "" }))
}

fn word(kind: &DataType) -> String {
    match kind {
        DataType::Utf8 => "text".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Boolean => "bool".to_owned(),
        DataType::Timestamp(..) => "time".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        other => other.to_string().to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_come_go_and_change_their_type() {
        let field = |name: &str, kind, nullable| Field::new(name, kind, nullable);
        let before = Schema::new(vec![
            field("key", DataType::Int64, false),
            field("gone", DataType::Utf8, true),
            field("score", DataType::Int16, false),
            field("amount", DataType::Decimal128(18, 4), false),
        ]);
        let after = Schema::new(vec![
            field("score", DataType::Float64, false),
            field("key", DataType::Int64, false),
            field("amount", DataType::Decimal128(18, 4), true),
            field("new", DataType::Date32, false),
        ]);
        let change = |column: &str, before: Option<&str>, after: Option<&str>| ColumnChange {
            column: column.to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        assert_eq!(
            changes(&before, &after),
            [
                change("score", Some("int16"), Some("float64")),
                change("amount", Some("decimal(18,4)"), Some("decimal(18,4)?")),
                change("new", None, Some("date")),
                change("gone", Some("text?"), None),
            ]
        );
        assert_eq!(shared(&before, &after), ["key", "amount"]);
        assert_eq!(changes(&before, &before), []);
    }
}
