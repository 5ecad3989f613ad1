//! Proposals for exports as shops and their tills write them: whether what is read is what the file says.
#![allow(clippy::unwrap_used)]

use std::fs;

use proposal::{Confidence, Proposal, Refusal, Wishes, propose, read};
use tempfile::TempDir;

/// The proposal for a folder of these files.
fn of(files: &[(&str, String)]) -> Result<Proposal, Box<Refusal>> {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    propose(&read::csv(folder.path()).unwrap(), &Wishes::default())
}

/// One line of text a number.
fn rows(numbers: std::ops::Range<usize>, row: impl Fn(usize) -> String) -> String {
    numbers.map(row).collect::<Vec<_>>().concat()
}

fn has(proposal: &Proposal, line: &str) {
    let found = proposal.yaml.lines().any(|l| l.split(" # ").next().unwrap().trim() == line);
    assert!(found, "no line `{line}` in\n{}", proposal.yaml);
}

/// Whether something that is not certain has these words.
fn says(proposal: &Proposal, words: &str) {
    let said = proposal.notes.iter().any(|note| note.confidence != Confidence::Certain && note.why.contains(words));
    assert!(said, "nobody says `{words}` in\n{}", proposal.yaml);
}

#[test]
fn a_thousand_pieces_are_no_piece_and_a_fraction() {
    let proposed = |mark: char| {
        let lines = rows(0..90, |n| {
            let pieces = if n % 30 == 7 { "1.200".to_owned() } else { format!("{}", 1 + n % 4) };
            format!("{n};{:02}.03.2024;K{};A{};{pieces};12{mark}50\n", 1 + n % 28, n % 9, n % 7)
        });
        of(&[("verkauf.csv", format!("Bestellnr;Datum;Kundennr;Artikelnr;Menge;Einzelpreis\n{lines}"))]).unwrap()
    };
    let german = proposed(',');
    has(&german, r#"quantity: 'replace(regexp_replace("Menge", ''\.(\d{3})\b'', ''\1'', ''g''), '','', ''.'')'"#);
    says(&german, "a point before three digits is taken to part thousands");
    // Where prices have a point, so have fractions of pieces.
    has(&proposed('.'), "quantity: Menge");
}
