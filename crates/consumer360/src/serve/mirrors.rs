//! What other servers publish to the stores of the pipelines watched here, kept in sight of the console.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use config::Pipeline;
use load::Target;

use super::actions::Known;
use crate::exit::chain;

/// How often stores are asked. What is published from here shows at once, because a run leaves its mirror up to date.
const EVERY: Duration = Duration::from_mins(5);
/// The pipelines are not known yet when the server begins.
const FIRST: Duration = Duration::from_secs(2);

/// Asks on a thread of its own for as long as the process lives: a store that does not answer holds nothing else up.
pub fn follow(known: Known, state: PathBuf) {
    let work = move || {
        std::thread::sleep(FIRST);
        loop {
            let pipelines: Vec<Arc<Pipeline>> = {
                let known = known.read().unwrap_or_else(PoisonError::into_inner);
                known.values().map(|(_, pipeline)| Arc::clone(pipeline)).collect()
            };
            for pipeline in pipelines.iter().filter(|p| matches!(p.publish.to, config::Target::Store { .. })) {
                let followed = Target::open(&pipeline.publish, &state).and_then(|target| target.follow());
                if let Err(error) = followed {
                    tracing::warn!(
                        pipeline = pipeline.name,
                        error = chain(&error),
                        "the console shows what was last seen of the store"
                    );
                }
            }
            std::thread::sleep(EVERY);
        }
    };
    if let Err(error) = std::thread::Builder::new().name("mirrors".to_owned()).spawn(work) {
        tracing::warn!(%error, "the console sees only what is published from here");
    }
}
