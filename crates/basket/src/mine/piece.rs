//! A partition of the baskets, and its way to another machine and back: numbers of four and eight bytes, the low one first.

use crate::mine::database::Database;
use crate::mine::limit::Limit;
use crate::mine::search::search;
use crate::mine::sets::{Level, Sets};

/// A place to search partitions in that is not here: what it is given goes to [`search_bytes`], whose answer it gives back.
pub struct Elsewhere<'a, E> {
    pub send: &'a (dyn Fn(Vec<u8>) -> Result<Vec<u8>, E> + Sync),
    /// Partitions that are away at once; each is held until its answer is there.
    pub at_once: usize,
}

/// A partition, and how far it is searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// Baskets of codes, each with its end.
    pub lines: Vec<u32>,
    /// Number of codes.
    pub codes: u64,
    /// The least count among its baskets.
    pub minimum: u64,
    pub baskets: u64,
    pub max_sets: u64,
    pub memory_bytes: u64,
    pub max_items: u64,
}

impl Piece {
    /// The frequent sets; none where there are more than may be kept.
    pub fn search(self) -> Option<Sets> {
        let limit = Limit::new(self.minimum, self.baskets, size(self.max_sets), size(self.memory_bytes));
        let codes = size(self.codes);
        let sets = search(&Database::new(self.lines, codes), codes, &limit, size(self.max_items));
        (limit.minimum() <= self.minimum).then_some(sets)
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let head = [self.codes, self.minimum, self.baskets, self.max_sets, self.memory_bytes, self.max_items];
        let mut bytes = Vec::with_capacity(head.len() * 8 + self.lines.len() * 4);
        bytes.extend(head.into_iter().flat_map(u64::to_le_bytes));
        bytes.extend(self.lines.iter().flat_map(|line| line.to_le_bytes()));
        bytes
    }

    fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let mut head = [0; 6];
        for value in &mut head {
            *value = whole(&mut bytes)?;
        }
        let [codes, minimum, baskets, max_sets, memory_bytes, max_items] = head;
        Some(Self { lines: words(bytes)?, codes, minimum, baskets, max_sets, memory_bytes, max_items })
    }
}

/// Searches a partition that came as bytes, for the answer that goes back; none where the bytes are no partition.
pub fn search_bytes(bytes: &[u8]) -> Option<Vec<u8>> {
    let piece = Piece::from_bytes(bytes)?;
    let Some(sets) = piece.search() else { return Some(Vec::new()) };
    // Single items are known to whoever asks, and counts are taken anew from all baskets.
    let levels: Vec<&Level> = sets.levels.iter().skip(1).collect();
    let mut answer = (levels.len() as u64).to_le_bytes().to_vec();
    for level in levels {
        answer.extend((level.items.len() as u64).to_le_bytes());
        answer.extend(level.items.iter().flat_map(|item| item.to_le_bytes()));
    }
    Some(answer)
}

/// What an answer says: the sets, none where there were too many, or an error where it is no answer.
pub(super) fn answered(mut bytes: &[u8]) -> Result<Option<Sets>, ()> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let mut sets = Sets::default();
    sets.levels.push(Level::default());
    for _ in 0..whole(&mut bytes).ok_or(())? {
        let length = whole(&mut bytes).and_then(|items| usize::try_from(items).ok()?.checked_mul(4)).ok_or(())?;
        let (items, rest) = bytes.split_at_checked(length).ok_or(())?;
        sets.levels.push(Level { items: words(items).ok_or(())?, orders: Vec::new() });
        bytes = rest;
    }
    if bytes.is_empty() { Ok(Some(sets)) } else { Err(()) }
}

fn whole(bytes: &mut &[u8]) -> Option<u64> {
    let (value, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*value))
}

fn words(bytes: &[u8]) -> Option<Vec<u32>> {
    let (words, rest) = bytes.as_chunks();
    rest.is_empty().then(|| words.iter().map(|word| u32::from_le_bytes(*word)).collect())
}

fn size(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mine::database::END;

    #[test]
    fn what_is_no_partition_or_no_answer_is_told() {
        let piece = Piece {
            lines: vec![0, 1, END, 0, 1, 2, END],
            codes: 3,
            minimum: 2,
            baskets: 2,
            max_sets: 9,
            memory_bytes: 1 << 20,
            max_items: 3,
        };
        let bytes = piece.to_bytes();
        assert_eq!(Piece::from_bytes(&bytes), Some(piece));
        let answer = search_bytes(&bytes).unwrap();
        let sets = answered(&answer).unwrap().unwrap();
        assert_eq!(sets.levels.iter().map(|level| level.items.clone()).collect::<Vec<_>>(), [vec![], vec![0, 1]]);
        for cut in [0, 7, 47, bytes.len() - 1] {
            assert_eq!(search_bytes(&bytes[..cut]), None, "{cut}");
        }
        for cut in [1, 7, 15, answer.len() - 1] {
            assert!(answered(&answer[..cut]).is_err(), "{cut}");
        }
    }
}
