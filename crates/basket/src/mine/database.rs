//! Baskets in codes, with the places of each code.

#![allow(clippy::indexing_slicing, reason = "codes and places come from the same arrays, in the innermost loops of the search")]
#![allow(clippy::cast_possible_truncation, reason = "a database has at most MAX_LINES lines")]

/// Ends a basket.
pub(super) const END: u32 = u32::MAX;
/// Lines of the largest database, ends of baskets included: places are 32 bits.
pub(super) const MAX_LINES: usize = u32::MAX as usize - 1;
/// Bytes of a line: the code, and its place.
pub(super) const BYTES_A_LINE: usize = 8;

/// Baskets of two or more codes, ascending and each followed by [`END`].
#[derive(Debug, Default)]
pub(super) struct Database {
    pub lines: Vec<u32>,
    /// Where each code stands in the lines, code by code and ascending.
    places: Vec<u32>,
    starts: Vec<usize>,
    /// Codes in the longest basket.
    pub longest: usize,
    baskets: usize,
}

impl Database {
    /// Finds the places of codes below `codes`.
    pub fn new(lines: Vec<u32>, codes: usize) -> Self {
        let mut database = Self { lines, ..Self::default() };
        database.index(codes);
        database
    }

    /// Replaces the lines, keeping the memory.
    pub fn refill(&mut self, codes: usize, fill: impl FnOnce(&mut Vec<u32>)) {
        self.lines.clear();
        fill(&mut self.lines);
        self.index(codes);
    }

    fn index(&mut self, codes: usize) {
        let Self { lines, places, starts, longest, baskets } = self;
        starts.clear();
        starts.resize(codes + 2, 0);
        let mut length = 0;
        (*longest, *baskets) = (0, 0);
        for code in lines.iter() {
            if *code == END {
                *longest = length.max(*longest);
                length = 0;
                *baskets += 1;
            } else {
                starts[*code as usize + 2] += 1;
                length += 1;
            }
        }
        for code in 2..starts.len() {
            starts[code] += starts[code - 1];
        }
        places.clear();
        places.resize(starts[codes + 1], 0);
        // Each start moves to the end of its code, which is the start of the next.
        for (place, code) in lines.iter().enumerate() {
            if *code != END {
                let slot = &mut starts[*code as usize + 1];
                places[*slot] = place as u32;
                *slot += 1;
            }
        }
    }

    pub fn baskets(&self) -> usize {
        self.baskets
    }

    /// The places of a code.
    pub fn places(&self, code: u32) -> &[u32] {
        &self.places[self.starts[code as usize]..self.starts[code as usize + 1]]
    }

    /// The codes after a place, in the same basket.
    #[inline]
    pub fn after(&self, place: u32) -> impl Iterator<Item = u32> {
        self.lines[place as usize + 1..].iter().copied().take_while(|code| *code != END)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_codes() {
        let mut database = Database::new(vec![0, 2, END, 1, 2, 3, END, 0, 3, END], 5);
        assert_eq!(
            (database.places(0), database.places(2), database.places(4), database.longest),
            (&[0, 7][..], &[1, 4][..], &[][..], 3)
        );
        assert_eq!((database.after(3).collect::<Vec<_>>(), database.after(1).count()), (vec![2, 3], 0));
        database.refill(2, |lines| lines.extend([0, 1, END]));
        assert_eq!((database.places(0), database.places(1), database.longest), (&[0][..], &[1][..], 2));
        database.refill(0, |_| ());
        assert_eq!(database.longest, 0);
    }
}
