//! The tick that wakes the server. The server reckons from the ledger what is due, so a tick that is late or lost loses no
//! slot.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

use crate::exit::Failure;

/// How often the server looks whether a slot came due or a file changed.
const TICK: Duration = Duration::from_secs(1);

/// After so long without a tick the scheduler is begun anew. It keeps the times of its last and next tick by the wall clock,
/// and one that is set back leaves it silent, for good where it had just been set forward.
const SILENCE: Duration = Duration::from_secs(5);

pub struct Ticker {
    scheduler: JobScheduler,
    ticks: mpsc::Receiver<()>,
}

impl Ticker {
    pub async fn start() -> Result<Self, Failure> {
        begin().await.map_err(|e| Failure::step(&e))
    }

    /// Waits for the next tick, or for the end of a silence.
    pub async fn tick(&mut self) {
        if tokio::time::timeout(SILENCE, self.ticks.recv()).await.is_err() {
            tracing::info!("the clock was set; ticking anew");
            match begin().await {
                Ok(anew) => {
                    let mut silent = std::mem::replace(self, anew);
                    if let Err(error) = silent.scheduler.shutdown().await {
                        tracing::debug!(%error, "the silent ticker did not end");
                    }
                }
                // The end of the silence is a tick as well.
                Err(error) => tracing::error!(%error, "cannot tick anew"),
            }
        }
    }
}

async fn begin() -> Result<Ticker, JobSchedulerError> {
    let (tick, ticks) = mpsc::channel(1);
    let scheduler = JobScheduler::new().await?;
    let job = Job::new_repeated_async(TICK, move |_, _| {
        let tick = tick.clone();
        // One that is not taken yet is enough.
        Box::pin(async move { _ = tick.try_send(()) })
    })?;
    scheduler.add(job).await?;
    scheduler.start().await?;
    Ok(Ticker { scheduler, ticks })
}
