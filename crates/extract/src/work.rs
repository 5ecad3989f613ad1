//! What other machines did for the statements of a run.

use serde::Serialize;

/// Sums over the statements that ended well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Work {
    /// Machines that took part.
    pub workers: u64,
    pub statements: u64,
    /// Parts that the statements were cut into.
    pub tasks: u64,
    /// Bytes that went from worker to worker and to this machine.
    pub bytes_moved: u64,
    /// Bytes that the workers wrote to disk because their memory was short.
    pub bytes_spilled: u64,
}

impl Work {
    pub fn add(&mut self, other: &Self) {
        self.statements += other.statements;
        self.tasks += other.tasks;
        self.bytes_moved += other.bytes_moved;
        self.bytes_spilled += other.bytes_spilled;
    }
}
