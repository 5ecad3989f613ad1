//! What lies in the folder already: an earlier shop gives way to a new one, files of anybody else never do.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::Error;
use crate::shop::{Format, Shop};

/// Tells of a shop, and by that which of the files beside it are its own.
pub(crate) const SUMMARY: &str = "summary.json";

const TABLES: [&str; 5] = ["customers", "products", "order_lines", "payments", "tickets"];

/// The tables of an earlier shop that the new one does not replace, because they are in the other format; or the file of
/// somebody else that is in the way.
pub(crate) fn outlived(shop: &Shop, folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let files = |format: Format| TABLES.map(|table| folder.join(format!("{table}.{}", format.extension())));
    // Of a link that leads nowhere the name is taken, too.
    let is_there = |path: &PathBuf| fs::symlink_metadata(path).is_ok();
    let earlier = format_of_earlier(folder);
    let foreign = if earlier == Some(shop.format) { None } else { files(shop.format).into_iter().find(is_there) };
    let summary = Some(folder.join(SUMMARY)).filter(|path| earlier.is_none() && is_there(path));
    if let Some(path) = foreign.or(summary) {
        return Err(Error::Taken { path });
    }
    let other = earlier.filter(|format| *format != shop.format).map(files);
    Ok(other.into_iter().flatten().filter(is_there).collect())
}

/// The format of the shop in the folder, if the summary there is one that was written here.
fn format_of_earlier(folder: &Path) -> Option<Format> {
    let summary: Value = serde_json::from_slice(&fs::read(folder.join(SUMMARY)).ok()?).ok()?;
    let format = summary.get("arguments")?.get("format")?.as_str()?;
    let ours = summary.get("planted").is_some() && summary.get("expected").is_some();
    [Format::Parquet, Format::Csv].into_iter().find(|known| ours && known.extension() == format)
}
