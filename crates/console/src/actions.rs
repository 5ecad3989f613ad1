//! What a person can ask for on a page.

/// Does what a page asks for. Calls may block; they are made off the async threads.
pub trait Actions: Send + Sync {
    fn run(&self, pipeline: &str) -> Result<ActionStarted, ActionRefused>;
    fn retry(&self, run_id: &str) -> Result<ActionStarted, ActionRefused>;
    /// Publishes what a held run made.
    fn release(&self, run_id: &str) -> Result<ActionStarted, ActionRefused>;
    /// Gives up what a held run made.
    fn discard(&self, run_id: &str) -> Result<ActionStarted, ActionRefused>;
    fn rollback(&self, pipeline: &str, snapshot: &str) -> Result<ActionStarted, ActionRefused>;
    fn pause(&self, pipeline: &str) -> Result<ActionStarted, ActionRefused>;
    fn resume(&self, pipeline: &str) -> Result<ActionStarted, ActionRefused>;
}

/// The request was taken; what comes of it is seen in the ledger.
#[derive(Debug, Clone, Default)]
pub struct ActionStarted {
    /// The run to look at, where there is one already.
    pub run_id: Option<String>,
}

/// The request cannot be met now.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ActionRefused {
    /// A sentence for the operator.
    pub message: String,
}
