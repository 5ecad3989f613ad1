//! Prints the proposal for a CSV file, a folder of them, or a SQLite database: `propose PATH`.
use std::path::Path;
use std::process::ExitCode;

use proposal::{Wishes, propose, read};

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: propose PATH");
        return ExitCode::from(2);
    };
    let path = Path::new(&path);
    let database = path.extension().is_some_and(|e| e == "sqlite" || e == "db");
    let source = match if database { read::sqlite(path) } else { read::csv(path) } {
        Ok(source) => source,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    match propose(&source, &Wishes::default()) {
        Ok(proposal) => print!("{}", proposal.yaml),
        Err(refusal) => {
            eprintln!("{refusal}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
