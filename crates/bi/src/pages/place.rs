//! The grid that every page is laid out on.
//!
//! A page is 1280 by 720. Below the header lie twelve columns and twelve rows with a gap of 12 between them, all whole
//! pixels, with a margin of 16 around.

/// Width and height of a page in pixels.
pub(super) const PAGE: (u32, u32) = (1280, 720);

const MARGIN: u32 = 16;
const GAP: u32 = 12;
const COLUMN: u32 = 93;
const ROW: u32 = 39;
const HEADER: Place = Place { x: MARGIN, y: 12, width: PAGE.0 - 2 * MARGIN, height: 80 };
const CONTENT_TOP: u32 = 104;

/// Where a visual stands, in pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// A place below the header: first column and row, counted from 0, and how many of each.
pub(super) const fn at(column: u32, row: u32, columns: u32, rows: u32) -> Place {
    Place {
        x: MARGIN + column * (COLUMN + GAP),
        y: CONTENT_TOP + row * (ROW + GAP),
        width: columns * (COLUMN + GAP) - GAP,
        height: rows * (ROW + GAP) - GAP,
    }
}

/// A place in the header: its first column, and how many.
pub(super) const fn header(column: u32, columns: u32) -> Place {
    Place { y: HEADER.y, height: HEADER.height, ..at(column, 0, columns, 1) }
}
