//! The M that reads the published tables.

use std::fmt::Write as _;

use schema::{Table, Type};

use super::columns;
use crate::tmdl::Tmdl;
use crate::{Content, Source, id};

/// The shared queries, in the order of the query editor.
pub(super) const NAMES: [&str; 3] = ["DataLocation", "PinnedSnapshot", "ReadTable"];

/// A text of M.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\"\""),
            // `#(` begins an escape.
            '#' => out.push_str("#(#)"),
            '\n' => out.push_str("#(lf)"),
            '\r' => out.push_str("#(cr)"),
            '\t' => out.push_str("#(tab)"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                let _ = write!(out, "#({:04X})", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// How `Fetch` gets a file by the parts of its path. The call to the source has the parameter alone as its address and
/// the rest is navigation, so that the service can tell the source before it refreshes.
fn fetch(source: Source) -> &'static str {
    match source {
        Source::Folder => {
            "        Root = Folder.Contents(DataLocation),
        Step = (here as table, part as text) => here{[Name = part]}[Content],
        Fetch = (parts as list) as binary => List.Accumulate(parts, Root, Step),"
        }
        Source::Adls => {
            "        Root = AzureStorage.DataLake(DataLocation, [HierarchicalNavigation = true]),
        Step = (here as table, part as text) => here{[Name = part]}[Content],
        Fetch = (parts as list) as binary => List.Accumulate(parts, Root, Step),"
        }
        Source::Http => {
            "        // Parquet is read at its end first, which a web response cannot do unless it is held whole.
        Fetch = (parts as list) as binary => Binary.Buffer(Web.Contents(DataLocation, [RelativePath = Text.Combine(parts, \"/\")])),"
        }
    }
}

/// Reads one table of the chosen snapshot. A table or a column that the snapshot does not have is loaded empty.
fn read_table(source: Source) -> String {
    format!(
        "(tableName as text, shape as type) as table =>
    let
{}
        // The pointer is replaced in one step after all files are there, so that it always names a whole snapshot.
        Pointer = Json.Document(Fetch({{\"published.json\"}}), TextEncoding.Utf8),
        Chosen = if PinnedSnapshot = null or PinnedSnapshot = \"\" then Pointer[snapshot] else PinnedSnapshot,
        Manifest = Json.Document(Fetch({{\"snapshots\", Chosen, \"manifest.json\"}}), TextEncoding.Utf8),
        // A table has one file of its name, or a folder of parts, which the manifest names.
        Files = List.Select(Manifest[tables], each [table] = tableName),
        Place = (entry as record) as list => Text.Split(Record.FieldOrDefault(entry, \"file\", tableName & \".parquet\"), \"/\"),
        Read = (entry as record) as table => Parquet.Document(Fetch({{\"snapshots\", Chosen}} & Place(entry))),
        Empty = #table(shape, {{}}),
        Rows = if List.IsEmpty(Files) then Empty else if List.Count(Files) = 1 then Read(Files{{0}}) else Table.Combine(List.Transform(Files, Read)),
        Wanted = Table.ColumnNames(Empty),
        AddEmpty = (rows as table, column as text) => Table.AddColumn(rows, column, each null),
        Whole = List.Accumulate(List.Difference(Wanted, Table.ColumnNames(Rows)), Rows, AddEmpty),
        Shaped = Table.SelectColumns(Whole, Wanted),
        Stamped = Table.AddColumn(Shaped, \"snapshot_id\", each Chosen, type text)
    in
        Stamped",
        fetch(source)
    )
}

fn where_to_look(source: Source) -> &'static str {
    match source {
        Source::Folder => {
            "Folder that holds published.json and the snapshots, such as C:\\\\Consumer360\\\\out or a share. The one setting to change."
        }
        Source::Adls => {
            "Address of the folder that holds published.json, such as https://account.dfs.core.windows.net/container/out. The one setting to change."
        }
        Source::Http => "Web address below which published.json is found. The one setting to change.",
    }
}

pub(super) fn expressions(content: &Content) -> String {
    let mut text = Tmdl::default();
    let mut parameter = |name: &str, about: &str, value: &str, required: bool| {
        let meta = format!("meta [IsParameterQuery=true, Type=\"Text\", IsParameterQueryRequired={required}]");
        text.about(0, about).line(0, &format!("expression {name} = {} {meta}", quoted(value)));
        text.line(1, &format!("lineageTag: {}", id::guid(&format!("expression {name}")))).gap();
        text.line(1, "annotation PBI_ResultType = Text").gap();
    };
    parameter("DataLocation", &where_to_look(content.source).replace("\\\\", "\\"), &content.location, true);
    parameter("PinnedSnapshot", "Leave empty for the newest snapshot; name one to load exactly that.", "", false);
    text.about(0, "Reads one table of the snapshot; one that the snapshot does not have is empty.");
    text.value(0, "expression ReadTable", &read_table(content.source), 2);
    text.line(1, &format!("lineageTag: {}", id::guid("expression ReadTable"))).gap();
    text.line(1, "annotation PBI_ResultType = Function");
    text.finish()
}

/// The query of one table.
///
/// Keys keep the type of the file: a conversion may go through a double, which has not the digits for them.
pub(super) fn query(table: &Table) -> String {
    let shape: Vec<_> = table.columns.iter().map(|c| format!("{} = {}", field(c.name), columns::types(c.kind).1)).collect();
    let converted = table.columns.iter().filter(|c| c.kind != Type::Key);
    let types: Vec<_> = converted.map(|c| format!("{{\"{}\", {}}}", c.name, conversion(c.kind))).collect();
    format!(
        "let\n    Source = ReadTable(\"{}\", type table [{}]),\n    Typed = Table.TransformColumnTypes(Source, {{{}}}, \"en-US\")\nin\n    Typed",
        table.name,
        shape.join(", "),
        types.join(", ")
    )
}

/// A type as a value: those of M's own grammar need the word before them.
fn conversion(kind: Type) -> String {
    let word = columns::types(kind).1;
    if word.ends_with(".Type") { word.to_owned() } else { format!("type {word}") }
}

/// A field in a record type: names that M reads otherwise are quoted.
fn field(name: &str) -> String {
    let keywords = [
        "and", "as", "each", "else", "error", "false", "if", "in", "is", "let", "meta", "not", "null", "or", "then", "true",
        "try", "type",
    ];
    if keywords.contains(&name) { format!("#\"{name}\"") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn no_text_ends_its_own_quotes() {
        assert_eq!(quoted("C:\\a \"b\" #(lf)\n"), "\"C:\\a \"\"b\"\" #(#)(lf)#(lf)\"");
        assert_eq!(quoted("é🛒\u{1}\u{2028}"), "\"é🛒#(0001)#(2028)\"");
    }
}
