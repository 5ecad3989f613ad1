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

/// Text in Windows-1252.
pub fn cp1252(text: &str) -> Vec<u8> {
    text.chars().map(|c| cp1252_byte(c).unwrap_or_else(|| panic!("{c} is not in Windows-1252"))).collect()
}

/// Latin-1, and of what Windows-1252 has at 0x80 to 0x9F the letters, the euro and the apostrophe.
pub fn cp1252_byte(character: char) -> Option<u8> {
    match character {
        '€' => Some(0x80),
        'Š' => Some(0x8A),
        'Œ' => Some(0x8C),
        'Ž' => Some(0x8E),
        '’' => Some(0x92),
        'š' => Some(0x9A),
        'œ' => Some(0x9C),
        'ž' => Some(0x9E),
        'Ÿ' => Some(0x9F),
        '\u{0}'..='\u{7F}' | '\u{A0}'..='\u{FF}' => u8::try_from(u32::from(character)).ok(),
        _ => None,
    }
}

/// UTF-16, little endian, with the mark that says so.
pub fn utf16(text: &str) -> Vec<u8> {
    std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}
