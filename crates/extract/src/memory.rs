//! The memory that operators share: for whoever asks first, but for a part that is kept for those who hold little.
//!
//! Of the engine's own pools one gives everything to whoever comes first, and the operator that comes last fails with nothing to
//! spill; the other gives every operator an equal share, also those that need none, and a plan of many parts leaves each too
//! little to merge what it spilled. Here whoever holds much is told to spill while there still is room for the rest to begin. One
//! who asks again has given back what it could, and needs what it asks for to go on: a hash table keeps its size when it is emptied.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use datafusion::common::resources_err;
use datafusion::error::Result;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation, human_readable_size};

/// Holding no more than this part of the memory is little.
const LITTLE: usize = 8;
/// The part that is kept from those who hold more and could spill it.
const KEPT: usize = 4;
/// And from those who hold more and cannot.
const KEPT_FROM_ALL: usize = 16;

#[derive(Debug)]
pub(crate) struct SharedMemory {
    bytes: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    used: usize,
    /// Those who were told to spill when they asked last.
    refused: BTreeSet<usize>,
}

impl SharedMemory {
    pub fn new(bytes: usize) -> Self {
        Self { bytes, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much may be in use once a reservation has grown to `held`.
    fn limit(&self, held: usize, can_spill: bool, asks_again: bool) -> usize {
        let kept = if held <= self.bytes / LITTLE || asks_again {
            0
        } else if can_spill {
            self.bytes / KEPT
        } else {
            self.bytes / KEPT_FROM_ALL
        };
        self.bytes - kept
    }
}

impl MemoryPool for SharedMemory {
    fn name(&self) -> &'static str {
        "shared"
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.state().refused.remove(&consumer.id());
    }

    fn grow(&self, _: &MemoryReservation, additional: usize) {
        self.state().used += additional;
    }

    fn shrink(&self, _: &MemoryReservation, less: usize) {
        let mut state = self.state();
        state.used = state.used.saturating_sub(less);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let consumer = reservation.consumer();
        let mut state = self.state();
        let asks_again = state.refused.remove(&consumer.id());
        let limit = self.limit(reservation.size().saturating_add(additional), consumer.can_spill(), asks_again);
        let grown = state.used.saturating_add(additional);
        if grown <= limit {
            state.used = grown;
            return Ok(());
        }
        if consumer.can_spill() {
            state.refused.insert(consumer.id());
        }
        resources_err!(
            "{} holds {} and asks for {} more, {} of {} are in use",
            consumer.name(),
            human_readable_size(reservation.size()),
            human_readable_size(additional),
            human_readable_size(state.used),
            human_readable_size(self.bytes)
        )
    }

    fn reserved(&self) -> usize {
        self.state().used
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.bytes)
    }
}

impl fmt::Display for SharedMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shared({})", human_readable_size(self.bytes))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what fits is given")]
mod tests {
    use std::sync::Arc;

    use super::*;

    const MIB: usize = 1 << 20;

    #[test]
    fn whoever_holds_much_spills_while_others_can_still_begin() {
        let pool: Arc<dyn MemoryPool> = Arc::new(SharedMemory::new(64 * MIB));
        let sort = MemoryConsumer::new("sort").with_can_spill(true).register(&pool);
        sort.try_grow(48 * MIB).unwrap();
        assert!(sort.try_grow(MIB).unwrap_err().to_string().contains("sort holds 48.0 MB and asks for 1024.0 KB more"));
        // A sort that has not begun, and a hash table that nothing can be spilled of.
        let (late, table) = (MemoryConsumer::new("late").with_can_spill(true), MemoryConsumer::new("table"));
        let (late, table) = (late.register(&pool), table.register(&pool));
        late.try_grow(8 * MIB).unwrap();
        assert!(late.try_grow(MIB).is_err());
        // It has spilled, and cannot go on without.
        late.try_grow(MIB).unwrap();
        late.shrink(MIB);
        table.try_grow(4 * MIB).unwrap();
        assert!(table.try_grow(8 * MIB).is_err());
        MemoryConsumer::new("last").register(&pool).try_grow(4 * MIB).unwrap();
        sort.shrink(40 * MIB);
        assert!(sort.try_grow(MIB).is_ok());
    }

    #[test]
    fn no_more_is_in_use_than_there_is() {
        let pool: Arc<dyn MemoryPool> = Arc::new(SharedMemory::new(16 * MIB));
        let all: Vec<_> = (0..64).map(|n| MemoryConsumer::new(format!("{n}")).register(&pool)).collect();
        let grown = all.iter().filter(|one| one.try_grow(MIB).is_ok()).count();
        assert_eq!((grown, pool.reserved()), (16, 16 * MIB));
        drop(all);
        assert_eq!(pool.reserved(), 0);
    }
}
