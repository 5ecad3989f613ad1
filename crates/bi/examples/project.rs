//! Writes a Power BI project for the tables published in a folder:
//! `project PUBLISHED TO NAME [--source folder|adls|http] [--force] [KEY=REGION ...]`.

use std::error::Error;
use std::path::Path;

use bi::{Content, Region, Source};

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = Vec::new();
    let (mut source, mut force) = (Source::Folder, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(word) = arguments.next() {
        match word.as_str() {
            "--force" => force = true,
            "--source" => {
                source = match arguments.next().as_deref() {
                    Some("folder") => Source::Folder,
                    Some("adls") => Source::Adls,
                    Some("http") => Source::Http,
                    _ => return Err("--source takes folder, adls or http".into()),
                }
            }
            _ => words.push(word),
        }
    }
    let [location, to, project, regions @ ..] = words.as_slice() else {
        return Err("which folder is published, where to write, and what name?".into());
    };
    let region = |text: &String| -> Result<Region, Box<dyn Error>> {
        let (key, name) = text.split_once('=').ok_or_else(|| format!("`{text}` is no KEY=REGION"))?;
        Ok(Region { key: key.parse()?, name: name.to_owned() })
    };
    let regions = regions.iter().map(region).collect::<Result<_, _>>()?;
    let files = bi::project(&Content { project: project.clone(), regions, source, location: location.clone() })?;
    println!("{:?}", bi::write(Path::new(to), &files, force)?);
    Ok(())
}
