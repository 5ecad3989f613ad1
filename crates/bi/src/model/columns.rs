//! How a column of the contract looks in the model.

use schema::{Column, Table, Type};

use crate::id;
use crate::tmdl::{self, Tmdl};

/// Columns whose numbers are names, such as a year: no thousands are parted.
const NUMBERS_AS_NAMES: [&str; 9] =
    ["year", "quarter", "month", "year_month", "iso_year", "iso_week", "day_of_month", "day_of_week", "line_number"];

/// Endings and beginnings of columns that hold a share of 1.
const SHARES: [&str; 5] = ["share", "rate", "retention", "probability", "coverage"];

/// The same, by their whole name.
const NAMED_SHARES: [&str; 6] =
    ["support", "confidence", "survival", "retention_on_or_after", "requested_support", "effective_support"];

/// Columns of the facts that only measures should add up.
const MEASURED: [&str; 6] = ["quantity", "gross_amount", "discount_amount", "net_amount", "cost_amount", "line_number"];

/// The column that tells which snapshot a table was loaded from.
pub(super) const SNAPSHOT: Column = Column {
    name: "snapshot_id",
    kind: Type::Text,
    nullable: false,
    description: "Snapshot the table was loaded from; the measure Snapshot check compares them.",
};

/// The words of TMDL and M for a type, in this order.
pub(super) fn types(kind: Type) -> (&'static str, &'static str) {
    match kind {
        Type::Key | Type::DateKey | Type::Int | Type::Count | Type::Score => ("int64", "Int64.Type"),
        Type::Text => ("string", "text"),
        Type::Date => ("dateTime", "date"),
        Type::Time => ("dateTime", "datetime"),
        // Fixed decimal: four places, exact.
        Type::Money | Type::Quantity => ("decimal", "Currency.Type"),
        Type::Number => ("double", "number"),
        Type::Bool => ("boolean", "logical"),
    }
}

fn format(column: &Column) -> Option<&'static str> {
    let share =
        || SHARES.iter().any(|word| column.name.split('_').any(|part| part == *word)) || NAMED_SHARES.contains(&column.name);
    match column.kind {
        Type::Text => None,
        Type::Bool => Some("\"TRUE\";\"TRUE\";\"FALSE\""),
        Type::Date => Some("yyyy-mm-dd"),
        Type::Time => Some("yyyy-mm-dd hh:nn:ss"),
        Type::Key | Type::DateKey | Type::Score => Some("0"),
        Type::Int if NUMBERS_AS_NAMES.contains(&column.name) => Some("0"),
        Type::Int | Type::Count => Some("#,##0"),
        Type::Number if share() => Some("0.0%"),
        Type::Number if column.name.ends_with("_p") || column.name.starts_with("q_") => Some("0.0000"),
        Type::Number | Type::Money | Type::Quantity => Some("#,##0.00"),
    }
}

/// Keys join tables and mean nothing to a reader.
fn hidden(table: &Table, column: &Column) -> bool {
    matches!(column.kind, Type::Key | Type::DateKey)
        || column.name == SNAPSHOT.name
        || (table.name == "fact_sales" && MEASURED.contains(&column.name))
}

/// The column that another is to be sorted by, since its own order means nothing.
fn sorted_by(column: &str) -> Option<&'static str> {
    match column {
        "month_name" => Some("month"),
        "day_name" => Some("day_of_week"),
        _ => None,
    }
}

/// The one column by which rows of the table are told apart and related to.
fn is_key(table: &Table, column: &Column) -> bool {
    match table.name {
        "dim_date" => column.name == "date",
        name => name.starts_with("dim_") && table.key == [column.name],
    }
}

pub(super) fn write(text: &mut Tmdl, table: &Table, column: &Column) {
    text.about(1, column.description).line(1, &format!("column {}", tmdl::name(column.name)));
    text.line(2, &format!("dataType: {}", types(column.kind).0));
    if hidden(table, column) {
        text.line(2, "isHidden");
    }
    if is_key(table, column) {
        text.line(2, "isKey");
    }
    if let Some(format) = format(column) {
        text.line(2, &format!("formatString: {}", tmdl::text(format)));
    }
    text.line(2, &format!("lineageTag: {}", id::guid(&format!("{}/{}", table.name, column.name))));
    text.line(2, "summarizeBy: none").line(2, &format!("sourceColumn: {}", column.name));
    if let Some(other) = sorted_by(column.name).filter(|other| table.column(other).is_some()) {
        text.line(2, &format!("sortByColumn: {other}"));
    }
    text.gap().line(2, "annotation SummarizationSetBy = User").gap();
    if column.kind == Type::Date {
        text.line(2, "annotation UnderlyingDateTimeDataType = Date").gap();
    }
}
