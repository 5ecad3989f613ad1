//! How a CSV file is written: encoding, delimiter, header.

use crate::date::Dates;
use crate::number::Numbers;
use crate::source::{CsvShape, Encoding};

const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];
/// Values that sources write where they have nothing.
pub(super) const NULLS: [&str; 12] = ["NA", "N/A", "n/a", "#N/A", "NULL", "null", "NaN", "nan", "None", "\\N", "-", "k.A."];
/// Records that are looked at.
const RECORDS: usize = 200;

/// Byte order marks and zero bytes tell UTF-16; what is UTF-8 but for a fault here and there is UTF-8; all else is taken as
/// Windows-1252, which holds all of Latin-1 that files use. `bytes` may end within a character.
pub(super) fn encoding(bytes: &[u8]) -> Encoding {
    let zeros = bytes.iter().take(1_000).filter(|b| **b == 0).count();
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) || zeros * 4 > bytes.len().min(1_000) {
        return Encoding::Utf16;
    }
    if is_broken_utf8(bytes) && !is_mostly_utf8(bytes) { Encoding::Cp1252 } else { Encoding::Utf8 }
}

/// Whether the bytes are not UTF-8, for more than that they end within a character.
pub(super) fn is_broken_utf8(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_some())
}

/// Letters of another encoding hardly ever come out as letters of UTF-8, so where most do, the others are faults: to read
/// all as Windows-1252 for one of them would spoil every name.
fn is_mostly_utf8(bytes: &[u8]) -> bool {
    let (mut letters, mut faults) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        letters += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        faults += usize::from(!chunk.invalid().is_empty());
    }
    letters > faults
}

/// The shape of a file that begins with this text, and the names of its columns.
pub(super) fn shape(text: &str, encoding: Encoding) -> (CsvShape, Vec<String>) {
    let delimiter = delimiter(text);
    let records = records(text, delimiter);
    let (first, rest) = records.split_first().map_or((&[][..], &[][..]), |(f, r)| (f.as_slice(), r));
    let header = is_header(first, rest);
    let names = if header {
        first.iter().map(|name| name.trim().to_owned()).collect()
    } else {
        (1..=first.len()).map(|n| format!("column_{n}")).collect()
    };
    let mut null_values: Vec<String> = NULLS.iter().filter(|n| occurs(rest, n)).map(|n| (*n).to_owned()).collect();
    null_values.dedup();
    (CsvShape { delimiter, encoding, garbled: false, header, null_values }, names)
}

/// The names as a pipeline's reader has them: each of several that are equal gets its number, and an empty one says where it
/// stands.
pub(super) fn distinct(names: &[String]) -> Vec<String> {
    let count = |name: &String, among: usize| names.iter().take(among).filter(|other| *other == name).count();
    let distinct = names.iter().enumerate().map(|(place, name)| match count(name, names.len()) {
        _ if name.is_empty() => format!("column_{}", place + 1),
        1 => name.clone(),
        _ => format!("{name} ({})", count(name, place + 1)),
    });
    distinct.collect()
}

/// A mark of nothing counts as one where it stands among numbers or dates: in a column of words it may be a word.
fn occurs(records: &[Vec<String>], null: &str) -> bool {
    let width = records.first().map_or(0, Vec::len);
    (0..width).any(|place| {
        let values: Vec<&str> =
            records.iter().filter_map(|r| r.get(place)).map(String::as_str).filter(|v| !v.is_empty()).collect();
        let others: Vec<&str> = values.iter().copied().filter(|v| !NULLS.contains(v)).collect();
        let typed = Numbers::of(&others, false).is_some() || Dates::of(&others, true).is_some();
        typed && values.contains(&null)
    })
}

/// What is wrong with a file whose first line has other fields than most: a title stands above the names.
pub(super) fn title(text: &str, delimiter: char) -> Option<String> {
    let widths: Vec<usize> = records(text, delimiter).iter().map(Vec::len).collect();
    let (first, usual) = (*widths.first()?, usual(&widths)?);
    let shown = if first == 1 { "1 field".to_owned() } else { format!("{first} fields") };
    (first < usual)
        .then(|| format!("its first line has {shown} and most others {usual}: remove what stands above the names of the columns"))
}

/// The number of fields that most records have, the larger of two that are as common.
fn usual(widths: &[usize]) -> Option<usize> {
    let count = |width: usize| widths.iter().filter(|w| **w == width).count();
    widths.iter().copied().max_by_key(|width| (count(*width), *width))
}

/// The character that cuts most records into the same number of fields, more than one.
fn delimiter(text: &str) -> char {
    let mut best = (0, ',');
    for delimiter in DELIMITERS {
        let widths: Vec<usize> = records(text, delimiter).iter().map(Vec::len).collect();
        let Some(width) = usual(&widths).filter(|w| *w > 1) else { continue };
        let equal = widths.iter().filter(|w| **w == width).count();
        let score = equal * 1_000 / widths.len().max(1) * 100 + width.min(99);
        if score > best.0 {
            best = (score, delimiter);
        }
    }
    best.1
}

fn records(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let byte = u8::try_from(delimiter).unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new().delimiter(byte).has_headers(false).flexible(true).from_reader(text.as_bytes());
    let records = reader.records().take(RECORDS).map_while(Result::ok);
    records.map(|record| record.iter().map(str::to_owned).collect()).collect()
}

/// Names are words, all of them different; a row of data has a number or a date somewhere.
fn is_header(first: &[String], rest: &[Vec<String>]) -> bool {
    let names: Vec<&str> = first.iter().map(|n| n.trim()).collect();
    let typed = |value: &str| Numbers::of(&[value], false).is_some() || Dates::of(&[value], true).is_some();
    let words = !names.is_empty() && !names.iter().any(|n| typed(n));
    let data_is_typed = rest.iter().take(20).any(|r| r.iter().any(|v| typed(v)));
    words && (data_is_typed || names.iter().all(|n| !n.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_delimiter_header_and_nulls() {
        let text = "Bestellnr;Datum;Betrag;Ort\n1;31.12.2024;1.234,50;Köln, Nord\n2;NA;5,00;NA\n";
        let (shape, names) = super::shape(text, Encoding::Utf8);
        assert_eq!((shape.delimiter, shape.header), (';', true));
        assert_eq!(shape.null_values, ["NA"]);
        assert_eq!(names, ["Bestellnr", "Datum", "Betrag", "Ort"]);
        let (shape, names) = super::shape("1|a|2.5\n2|b|3.5\n", Encoding::Utf8);
        assert_eq!((shape.delimiter, shape.header, names.len()), ('|', false, 3));
    }

    #[test]
    fn names_are_those_that_a_run_has() {
        let names = ["a", "", "b", "a", ""].map(str::to_owned);
        assert_eq!(distinct(&names), ["a (1)", "column_2", "b", "a (2)", "column_5"]);
    }

    #[test]
    fn a_title_above_the_names_is_told() {
        let said = title("Report of May\n\na;b\n1;2\n3;4\n", ';').unwrap_or_default();
        assert!(said.starts_with("its first line has 1 field and most others 2"), "{said}");
        assert_eq!(title("a;b\n1;2\n3\n", ';'), None);
    }

    #[test]
    fn tells_encodings() {
        assert_eq!(encoding("Größe".as_bytes()), Encoding::Utf8);
        assert_eq!(encoding(b"Gr\xF6\xDFe;1"), Encoding::Cp1252);
        assert_eq!(encoding(&[0xFF, 0xFE, b'a', 0]), Encoding::Utf16);
        let one_fault = ["Größe Łukasz Ü".as_bytes(), b"M\xFCller;1".as_slice()].concat();
        assert_eq!((encoding(&one_fault), is_broken_utf8(&one_fault)), (Encoding::Utf8, true));
        // Two letters of Windows-1252 that happen to be one of UTF-8.
        assert_eq!(encoding(b"\xC3\xBC M\xFCller Gr\xF6\xDFe"), Encoding::Cp1252);
        let cut = "Größe".as_bytes().get(..3).unwrap_or_default();
        assert_eq!((encoding(cut), is_broken_utf8(cut)), (Encoding::Utf8, false));
    }
}
