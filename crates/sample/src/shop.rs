//! What a shop is made from.

use serde::Serialize;

use crate::error::Error;

/// The most order lines a shop can have.
pub const MAX_LINES: u64 = 1_000_000_000;

/// The largest share of order lines that can be spoilt.
pub const MAX_DIRT: f64 = 0.2;

/// The arguments of a generated shop: equal arguments give equal bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shop {
    /// The exact number of order lines, 1 to [`MAX_LINES`]. Planted duplicates come on top.
    pub lines: u64,
    /// Any number; another seed gives another shop.
    pub seed: u64,
    pub format: Format,
    /// The share of the order lines that get a fault, 0 to [`MAX_DIRT`]. It does not change the other lines.
    pub dirt: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Snappy-compressed, in row groups of 128 Ki rows.
    Parquet,
    /// A header row, commas, quotes where needed, LF, UTF-8; NULL is the empty field.
    Csv,
}

impl Format {
    /// The ending of this format's file names, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
        }
    }
}

impl Shop {
    /// The number of lines, if all arguments are in range.
    pub(crate) fn checked_lines(&self) -> Result<u32, Error> {
        if !(0.0..=MAX_DIRT).contains(&self.dirt) {
            return Err(Error::DirtOutOfRange { dirt: self.dirt });
        }
        match u32::try_from(self.lines) {
            Ok(lines) if (1..=MAX_LINES).contains(&self.lines) => Ok(lines),
            _ => Err(Error::LinesOutOfRange { lines: self.lines }),
        }
    }
}
