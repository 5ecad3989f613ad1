//! The query session: the one place that knows where the engine runs.

use std::mem::take;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use chrono_tz::Tz;
use config::Engine;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::TrackConsumersPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::ScalarUDF;
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::error::Error;
use crate::memory::SharedMemory;
use crate::{date_key, key, moment};

/// Spilled runs that a sort merges at once: each holds a batch of rows that nothing can be spilled of.
const MERGED_AT_ONCE: usize = 8;

/// Opens a session whose operators hold three quarters of `engine.memory` and spill the rest to `spill`.
pub fn session(engine: &Engine, spill: &Path) -> Result<SessionContext, Error> {
    open(engine, spill, config(engine))
}

/// The tables of a session in one that joins tables larger than memory: by sorting, which spills, where a hash join would hold one
/// side.
pub fn that_spills(session: &SessionContext) -> SessionContext {
    with_tables_of(session, |mut config| {
        config.options_mut().optimizer.prefer_hash_join = false;
        // With a single partition the engine would take a hash join after all.
        let partitions = config.target_partitions().max(2);
        config.with_target_partitions(partitions)
    })
}

/// The tables of a session in one whose statements are not dealt out to several threads.
pub fn in_one_piece(session: &SessionContext) -> SessionContext {
    with_tables_of(session, |config| config.with_target_partitions(1))
}

fn with_tables_of(session: &SessionContext, change: impl FnOnce(SessionConfig) -> SessionConfig) -> SessionContext {
    let state = session.state();
    let mut config = change(state.config().clone());
    // Or the empty catalog of a new session would take the place of the one with the tables.
    config.options_mut().catalog.create_default_catalog_and_schema = false;
    SessionContext::new_with_state(SessionStateBuilder::new_from_existing(state).with_config(config).build())
}

fn config(engine: &Engine) -> SessionConfig {
    let mut config = SessionConfig::new().with_target_partitions(engine.threads).with_information_schema(false);
    configure(&mut config, engine);
    config
}

/// How statements are read, planned and computed, on this machine and on any other that has a part in them.
pub fn configure(config: &mut SessionConfig, engine: &Engine) {
    // A merge holds a batch of each of its inputs, so where memory is little they are short. Results do not depend on it.
    *config = take(config).with_batch_size((engine.memory >> 16).clamp(1024, 8192).next_power_of_two());
    let options = config.options_mut();
    // Pushing dynamic filters into joins has dropped rows of derived tables with two columns of one name.
    options.optimizer.enable_join_dynamic_filter_pushdown = false;
    // Column names of sources are taken as they are written, so `Quantity <> 0` needs no quotes.
    options.sql_parser.enable_ident_normalization = false;
    // Slices of view arrays each count the buffer they share, and sorts would spill long before memory is short.
    options.execution.parquet.schema_force_view_types = false;
    // A dimension of some hundred thousand members is held once and not dealt out: the fact keeps its order and its place.
    options.optimizer.hash_join_single_partition_threshold = engine.memory / 16;
    options.optimizer.hash_join_single_partition_threshold_rows = engine.memory / 512;
    // 0.6 in a statement is the decimal 0.6.
    options.sql_parser.parse_float_as_decimal = true;
    // Every sort reserves this up front for its merge; the default is made for larger pools and few sorts.
    options.execution.sort_spill_reservation_bytes = (engine.memory / 256).clamp(1 << 20, 10 << 20);
}

/// Functions of SQL beside those of the engine; some take the place of its own. A mapping has its own, which know the store's zone.
pub fn functions() -> Vec<ScalarUDF> {
    let mut functions = vec![key::surrogate_key(), date_key::date_key()];
    functions.extend(moment::functions(Tz::UTC));
    functions
}

fn open(engine: &Engine, spill: &Path, config: SessionConfig) -> Result<SessionContext, Error> {
    // Decoding and encoding hold memory that no operator accounts for; a quarter is left for them.
    let memory = SharedMemory::new(engine.memory / 4 * 3);
    let pool = TrackConsumersPool::new(memory, NonZeroUsize::MIN.saturating_add(4));
    let disk = DiskManagerBuilder::default()
        .with_mode(DiskManagerMode::Directories(vec![spill.to_path_buf()]))
        .with_max_spill_merge_fan_in(MERGED_AT_ONCE)
        .with_max_temp_directory_size(engine.spill_limit);
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(pool))
        .with_disk_manager_builder(disk)
        .build_arc()
        .map_err(|source| Error::Session { source })?;

    let session = SessionContext::new_with_config_rt(config, runtime);
    for function in functions() {
        session.register_udf(function);
    }
    Ok(session)
}
