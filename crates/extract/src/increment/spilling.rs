//! Statements that did not fit into memory, once more.

use std::sync::Arc;

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::memory_pool::{FairSpillPool, MemoryLimit, MemoryPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::SessionContext;

use crate::session;

pub(super) fn is_short_of_memory(error: &DataFusionError) -> bool {
    matches!(error.find_root(), DataFusionError::ResourcesExhausted(_))
}

/// The tables of a session in one whose joins sort, which spills, and whose operators have an equal share of as much memory.
/// Nothing else may be under way in the other one, or both would have it.
pub(super) fn that_spills(session: &SessionContext) -> Result<SessionContext> {
    let state = session::that_spills(session).state();
    let memory: Arc<dyn MemoryPool> = match state.runtime_env().memory_pool.memory_limit() {
        MemoryLimit::Finite(bytes) => Arc::new(FairSpillPool::new(bytes)),
        MemoryLimit::Infinite | MemoryLimit::Unknown => Arc::clone(&state.runtime_env().memory_pool),
    };
    let runtime = RuntimeEnvBuilder::from_runtime_env(state.runtime_env()).with_memory_pool(memory).build_arc()?;
    let builder = SessionStateBuilder::new_from_existing(state).with_runtime_env(runtime);
    Ok(SessionContext::new_with_state(builder.build()))
}
