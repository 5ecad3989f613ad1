//! Makes a shop from `LINES SEED FOLDER [parquet|csv] [DIRT]` and prints its summary and how long it took.

use std::path::Path;
use std::time::Instant;

use sample::{Format, Shop, generate};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [lines, seed, folder, rest @ ..] = arguments.as_slice() else {
        return Err("usage: generate LINES SEED FOLDER [parquet|csv] [DIRT]".into());
    };
    let format = match rest.first().map(String::as_str) {
        None | Some("parquet") => Format::Parquet,
        Some("csv") => Format::Csv,
        Some(other) => return Err(format!("unknown format {other}").into()),
    };
    let dirt = rest.get(1).map_or(Ok(0.0), |dirt| dirt.parse())?;
    let shop = Shop { lines: lines.parse()?, seed: seed.parse()?, format, dirt };
    let start = Instant::now();
    let summary = generate(&shop, Path::new(folder))?;
    println!("{summary:#?}\n{:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}
