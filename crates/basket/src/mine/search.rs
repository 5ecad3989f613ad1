//! The search for frequent sets, depth first.
//!
//! A set is a prefix of codes with one more code after it. The baskets with a prefix are known by the place of its last code;
//! what stands after these places, counted into one array, gives the baskets of every longer set at once (occurrence delivery,
//! Uno, Asai, Uchida and Arimura, *LCM*, 2003). Where sets may be longer still, the codes that are frequent after the prefix
//! are copied to a database of their own, in small codes and without baskets that hold fewer than two of them, and the same
//! begins again there: every step reads a shorter and denser array. Baskets are looked at only where the prefix stands, so
//! no table of pairs is kept. Where most of a projected database is full, it is turned into bitmaps, and what is left of the
//! search is done by intersecting these (Zaki, *Scalable Algorithms for Association Mining*, 2000).
//!
//! Each first code is a piece of work of its own; threads take the heaviest first.

#![allow(clippy::indexing_slicing, reason = "codes are below the length of the arrays they count into, in the innermost loop")]
#![allow(clippy::cast_possible_truncation, reason = "codes are 32 bits")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::mine::bitmaps::{Bitmaps, common, intersection, is_dense};
use crate::mine::database::{Database, END};
use crate::mine::dictionary::NONE;
use crate::mine::limit::Limit;
use crate::mine::sets::Sets;

/// Sets a thread finds before it tells the limit.
const BATCH: usize = 4096;
/// Sets a thread holds before it looks for some that have become too rare.
const PURGE: usize = 65_536;

/// The frequent sets of two to `max_items` codes, in no certain order. `codes` is the number of codes.
pub(super) fn search(database: &Database, codes: usize, limit: &Limit, max_items: usize) -> Sets {
    let first_codes = heaviest_first(database, codes);
    let identity: Vec<u32> = (0..codes as u32).collect();
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Sets::default());
    rayon::scope(|scope| {
        for _ in 0..rayon::current_num_threads() {
            scope.spawn(|_| {
                let mut worker = Worker::new(limit, max_items.min(database.longest));
                let mut frames = Vec::new();
                frames.resize_with(worker.max_items.saturating_sub(1), Frame::default);
                while let Some(code) = first_codes.get(next.fetch_add(1, Ordering::Relaxed)) {
                    worker.prefix.push(*code);
                    worker.extend(database, &identity, database.places(*code), &mut frames);
                    worker.prefix.pop();
                }
                worker.report();
                found.lock().unwrap_or_else(PoisonError::into_inner).append(worker.sets);
            });
        }
    });
    found.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Codes that others follow, those with the most lines after them first.
fn heaviest_first(database: &Database, codes: usize) -> Vec<u32> {
    let mut work = vec![0_u64; codes];
    let mut after = 0;
    for code in database.lines.iter().rev() {
        if *code == END {
            after = 0;
        } else {
            work[*code as usize] += after;
            after += 1;
        }
    }
    let mut order: Vec<u32> = (0..codes as u32).filter(|code| work[*code as usize] > 0).collect();
    order.sort_by_key(|code| (std::cmp::Reverse(work[*code as usize]), *code));
    order
}

/// What a thread needs at one depth, kept from one prefix to the next.
#[derive(Debug, Default)]
struct Frame {
    /// The frequent codes after the prefix in the codes of the root, by their code in this frame's database.
    codes: Vec<u32>,
    database: Database,
    /// Baskets by the parent's code; all zero between uses.
    counts: Vec<u32>,
    /// The parent's codes that were met.
    met: Vec<u32>,
    /// This frame's code by the parent's, or none.
    local: Vec<u32>,
}

impl Frame {
    /// Counts what stands after the places.
    fn count(&mut self, parent: &Database, codes: usize, places: &[u32]) {
        if self.counts.len() < codes {
            self.counts.resize(codes, 0);
            self.local.resize(codes, NONE);
        }
        self.met.clear();
        for place in places {
            for code in parent.after(*place) {
                let count = &mut self.counts[code as usize];
                if *count == 0 {
                    self.met.push(code);
                }
                *count += 1;
            }
        }
    }

    /// Copies the frequent codes after the places, of baskets that hold two or more.
    fn project(&mut self, parent: &Database, places: &[u32]) {
        let Self { codes, database, local, .. } = self;
        database.refill(codes.len(), |lines| {
            for place in places {
                let start = lines.len();
                lines.extend(parent.after(*place).map(|code| local[code as usize]).filter(|code| *code != NONE));
                if lines.len() < start + 2 {
                    lines.truncate(start);
                } else {
                    lines.push(END);
                }
            }
        });
    }
}

/// A thread's own sets.
struct Worker<'a> {
    limit: &'a Limit,
    max_items: usize,
    prefix: Vec<u32>,
    sets: Sets,
    /// Baskets and items of the sets that the limit does not know of.
    batch: Vec<(u64, usize)>,
    purge_at: usize,
    bitmaps: Bitmaps,
}

impl<'a> Worker<'a> {
    fn new(limit: &'a Limit, max_items: usize) -> Self {
        let (prefix, batch) = (Vec::new(), Vec::with_capacity(BATCH));
        Self { limit, max_items, prefix, sets: Sets::default(), batch, purge_at: PURGE, bitmaps: Bitmaps::default() }
    }

    /// Finds the sets that begin with the prefix, whose last code stands at the places; `codes` are the parent's in those of
    /// the root.
    fn extend(&mut self, parent: &Database, codes: &[u32], places: &[u32], frames: &mut [Frame]) {
        let Some((frame, deeper)) = frames.split_first_mut() else { return };
        let minimum = self.limit.minimum();
        if (places.len() as u64) < minimum {
            return;
        }
        frame.count(parent, codes.len(), places);
        frame.codes.clear();
        frame.met.sort_unstable();
        for code in &frame.met {
            let count = u64::from(std::mem::take(&mut frame.counts[*code as usize]));
            if count >= minimum {
                frame.local[*code as usize] = frame.codes.len() as u32;
                frame.codes.push(codes[*code as usize]);
                self.found(codes[*code as usize], count);
            }
        }
        let is_longer = !deeper.is_empty() && frame.codes.len() > 1;
        if is_longer {
            frame.project(parent, places);
        }
        for code in &frame.met {
            frame.local[*code as usize] = NONE;
        }
        if is_longer {
            self.descend(frame, deeper);
        }
    }

    /// Goes on with every code of the frame that others follow.
    fn descend(&mut self, frame: &Frame, deeper: &mut [Frame]) {
        if is_dense(&frame.database, frame.codes.len(), deeper.len() + 1) {
            let mut bitmaps = std::mem::take(&mut self.bitmaps);
            bitmaps.refill(&frame.database, frame.codes.len());
            let all: Vec<u32> = (0..frame.codes.len() as u32).collect();
            for (at, local) in (1..).zip(&all) {
                self.prefix.push(frame.codes[*local as usize]);
                self.intersect(frame, &bitmaps, bitmaps.row(*local), &all[at..]);
                self.prefix.pop();
            }
            self.bitmaps = bitmaps;
            return;
        }
        for (local, code) in (0..).zip(&frame.codes) {
            self.prefix.push(*code);
            self.extend(&frame.database, &frame.codes, frame.database.places(local), deeper);
            self.prefix.pop();
        }
    }

    /// Finds the sets that begin with the prefix, whose baskets are in the row, and go on with some of the others.
    fn intersect(&mut self, frame: &Frame, bitmaps: &Bitmaps, row: &[u64], others: &[u32]) {
        let minimum = self.limit.minimum();
        let mut frequent = Vec::new();
        for local in others {
            let count = common(row, bitmaps.row(*local));
            if count >= minimum {
                frequent.push(*local);
                self.found(frame.codes[*local as usize], count);
            }
        }
        if self.prefix.len() + 2 > self.max_items {
            return;
        }
        for (at, local) in (1..frequent.len()).zip(&frequent) {
            self.prefix.push(frame.codes[*local as usize]);
            let narrower = intersection(row, bitmaps.row(*local));
            self.intersect(frame, bitmaps, &narrower, &frequent[at..]);
            self.prefix.pop();
        }
    }

    fn found(&mut self, last: u32, orders: u64) {
        self.sets.push(&self.prefix, last, orders);
        self.batch.push((orders, self.prefix.len() + 1));
        if self.batch.len() >= BATCH {
            self.report();
        }
    }

    /// Tells the limit what was found, and drops what has become too rare when that has become much.
    fn report(&mut self) {
        self.limit.count(self.batch.drain(..));
        if self.sets.len() >= self.purge_at {
            self.sets.retain(self.limit.minimum());
            self.purge_at = 2 * self.sets.len() + PURGE;
        }
    }
}
