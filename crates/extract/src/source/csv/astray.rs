//! Quotes that stand in a table by mistake: the text between two of them is read as one value, with the records that stand in it.

use std::iter;

use csv::ByteRecord;

/// Whether the record takes in others of a table with so many fields. A value of a note or an address hardly has a line behind
/// its first with as many delimiters as a record; two quotes that stand astray make one of every line between them, and the width
/// of the whole may fit. Where it does not, it is enough that each of its lines has the width.
pub(super) fn takes_in_records(record: &ByteRecord, delimiter: u8, width: usize) -> bool {
    if width <= 2 || !record.as_slice().contains(&b'\n') {
        return false;
    }
    let is_record = |line: &[u8]| fields(line, delimiter) == width;
    record.iter().any(|field| lines(field).skip(1).any(is_record))
        || (record.len() != width && lines(&text(record, delimiter)).all(is_record))
}

/// The record as it stood in the file, but for its quotes.
pub(super) fn text(record: &ByteRecord, delimiter: u8) -> Vec<u8> {
    record.iter().collect::<Vec<_>>().join(&delimiter)
}

/// The records that stand in the text of one. Each has the lines behind it that are too short for one of their own, so that every
/// line is in one of them; a line may be too long, because the quotes around its delimiters are gone.
pub(super) fn records(text: &[u8], delimiter: u8, width: usize) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    iter::from_fn(move || {
        let mut lines = rest.split_inclusive(|byte| *byte == b'\n');
        let first = lines.next()?.len();
        let others = lines.take_while(|line| fields(line, delimiter) < width).map(<[u8]>::len).sum::<usize>();
        let (record, behind) = rest.split_at_checked(first + others)?;
        rest = behind;
        Some(record)
    })
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n')
}

fn fields(line: &[u8], delimiter: u8) -> usize {
    line.split(|byte| *byte == delimiter).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken_in(fields: &[&str], width: usize) -> Option<Vec<String>> {
        let record = ByteRecord::from(fields.to_vec());
        let text = text(&record, b',');
        let records = records(&text, b',', width).map(|one| String::from_utf8_lossy(one).into_owned());
        takes_in_records(&record, b',', width).then(|| records.collect())
    }

    #[test]
    fn values_of_several_lines_are_no_records() {
        assert_eq!(taken_in(&["7", "12 Main St, Apt 4\nSpringfield, IL", "web"], 3), None);
        assert_eq!(taken_in(&["7", "one\n\ntwo\r\nthree", "web"], 3), None);
        assert_eq!(taken_in(&["7", "a,b\nc,d"], 2), None);
        // Too many fields, but not because of its lines.
        assert_eq!(taken_in(&["7", "12 Main St\nSpringfield", "IL", "USA"], 3), None);
    }

    #[test]
    fn every_line_between_two_quotes_is_in_a_record() {
        let expected = ["1,a,web\n", "2,b,shop\nshort\n\n", "3,c,web\n", "4,d,shop"].map(str::to_owned).to_vec();
        assert_eq!(taken_in(&["1", "a", "web\n2,b,shop\nshort\n\n3,c,web\n4,d,shop"], 3), Some(expected.clone()));
        // The same with quotes in other columns, so that the whole is too wide.
        assert_eq!(taken_in(&["1", "a,web\n2,b,shop\nshort\n\n3,c,web\n4", "d", "shop"], 3), Some(expected));
    }

    #[test]
    fn lines_side_by_side_show_where_the_whole_does_not_fit() {
        let expected = vec!["1,a,web\n".to_owned(), "2,b,shop".to_owned()];
        assert_eq!(taken_in(&["1", "a,web\n2", "b", "shop"], 3), Some(expected));
    }

    #[test]
    fn the_last_line_may_have_delimiters_in_quotes_of_its_own() {
        let expected = vec!["1,a,web\n".to_owned(), "2,b,shop\n".to_owned(), "3,c,web, or shop".to_owned()];
        assert_eq!(taken_in(&["1", "a,web\n2,b,shop\n3,c", "web, or shop"], 3), Some(expected));
    }
}
