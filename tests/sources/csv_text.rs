//! CSV read and written by the test itself, so that the program's own reader is not its own judge.

pub type Table = Vec<Vec<String>>;

/// Fields of a CSV with commas and double quotes, the header first.
pub fn parse(text: &str) -> Table {
    let (mut table, mut row, mut field, mut quoted) = (Table::new(), Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                table.push(std::mem::take(&mut row));
            }
            '\r' if !quoted => {}
            other => field.push(other),
        }
    }
    assert!(row.is_empty() && field.is_empty() && !quoted, "the text ends in the middle of a record");
    table
}

/// The table with another delimiter; a field is quoted where it must be.
pub fn write(table: &[Vec<String>], delimiter: char) -> String {
    let field = |text: &String| {
        let quoted = text.contains([delimiter, '"', '\n', '\r']);
        if quoted { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.clone() }
    };
    let line = |row: &Vec<String>| row.iter().map(field).collect::<Vec<_>>().join(&delimiter.to_string()) + "\r\n";
    table.iter().map(line).collect()
}

/// Windows-1252, of which Latin-1 is the greater part; what lies between is the alphabets' few letters of 0x80 to 0x9F.
pub fn cp1252(text: &str) -> Vec<u8> {
    let byte = |character: char| match character {
        '€' => 0x80,
        'Š' => 0x8A,
        'Œ' => 0x8C,
        'Ž' => 0x8E,
        '’' => 0x92,
        'š' => 0x9A,
        'œ' => 0x9C,
        'ž' => 0x9E,
        'Ÿ' => 0x9F,
        '\u{0}'..='\u{7F}' | '\u{A0}'..='\u{FF}' => u8::try_from(u32::from(character)).unwrap(),
        other => panic!("{other} is not in Windows-1252"),
    };
    text.chars().map(byte).collect()
}

/// UTF-16, little endian, with the mark that says so.
pub fn utf16(text: &str) -> Vec<u8> {
    std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}
