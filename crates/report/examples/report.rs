//! Writes the report of what is published in a folder: `cargo run -p report --example report -- PUBLISHED OUT.html`
//! Names and addresses are masked unless a third word is given, `personal`.

use std::error::Error;
use std::path::{Path, PathBuf};

use report::{Content, Facts};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [published, out, rest @ ..] = words.as_slice() else { return Err("usage: report PUBLISHED OUT.html [personal]".into()) };
    let published = Path::new(published);
    let pointer: serde_json::Value = serde_json::from_slice(&std::fs::read(published.join("published.json"))?)?;
    let text = |name: &str| pointer.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    let snapshot = published.join("snapshots").join(text("snapshot"));
    let facts = Facts::read(&snapshot)?;
    let previous = previous(published, &facts.as_of)?;
    let masked = if rest.is_empty() { vec!["customer_name".to_owned(), "email".to_owned()] } else { Vec::new() };
    let pipeline = text("pipeline");
    let content =
        Content { pipeline: &pipeline, snapshot: &snapshot, previous: previous.as_deref(), facts, masked: &masked, run: None };
    std::fs::write(out, report::html(&content)?)?;
    Ok(())
}

/// The latest snapshot that is seen from an earlier day.
fn previous(published: &Path, as_of: &str) -> Result<Option<PathBuf>, Box<dyn Error>> {
    let mut earlier = Vec::new();
    for folder in std::fs::read_dir(published.join("snapshots"))? {
        let folder = folder?.path();
        let day = Facts::read(&folder)?.as_of;
        if day.as_str() < as_of {
            earlier.push((day, folder));
        }
    }
    Ok(earlier.into_iter().max().map(|(_, folder)| folder))
}
