//! One slot from its moment to its end: attempts, each a process of its own, until one publishes or none is worth it.

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use config::{Pipeline, Retries, Settings};
use futures::FutureExt;
use scheduler::{Ledger, RunRecord, SlotDecision, SlotEnd, SlotState, Status, clock};
use tokio::sync::{Semaphore, watch};
use twox_hash::XxHash64;

use super::child::{self, Ended, Options, Stop, Task};
use crate::exit::{HELD, LOCKED, STEP_FAILED, TIMED_OUT};
use crate::tell::{self, Teller};

/// What the runs of a server share.
#[derive(Debug, Clone)]
pub struct Runner {
    pub ledger: Arc<Ledger>,
    pub options: Options,
    pub settings: Arc<Settings>,
    /// As many runs as may go on at once.
    pub places: Arc<Semaphore>,
}

/// What came of a slot, or of a run that somebody asked for.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// As the program would have ended.
    pub code: u8,
    /// The run, if one began.
    pub record: Option<RunRecord>,
    /// Why there is none, or why it was left.
    pub message: Option<String>,
    pub attempts: u32,
    pub stopped: Option<Stop>,
    /// The slot, if no run of it could begin because another process has the pipeline: what becomes of it is to be decided again.
    pub again: Option<SlotDecision>,
}

impl Outcome {
    pub fn new(code: u8, record: Option<RunRecord>, attempts: u32) -> Self {
        Self { code, record, message: None, attempts, stopped: None, again: None }
    }
}

/// Work that breaks down is over as well, or its pipeline would count as running for ever.
pub async fn whatever_happens(work: impl Future<Output = Outcome>) -> Outcome {
    let lost = |_| Outcome { message: Some("the server lost sight of it".to_owned()), ..Outcome::new(STEP_FAILED, None, 0) };
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(lost)
}

impl Runner {
    /// Runs a slot that is due, and settles it. A server that stops leaves it open: the next one takes it up. One whose pipeline another
    /// process has is left open as well, for the caller to decide on again.
    pub async fn slot(
        &self,
        file: PathBuf,
        pipeline: Arc<Pipeline>,
        due: SlotDecision,
        mut stop: watch::Receiver<Stop>,
    ) -> Outcome {
        let wait = (due.start_at - clock::now()).to_std().unwrap_or_default();
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            why = child::asked(&mut stop) => {
                self.settle_stopped(&due, why);
                return Outcome { stopped: Some(why), ..Outcome::new(STEP_FAILED, None, 0) };
            }
        }
        let outcome = self.attempts(&file, &pipeline, &due, stop).await;
        if outcome.again.is_some() {
            return outcome;
        }
        self.settle(&due, &outcome);
        if outcome.stopped.is_none() {
            self.tell(&pipeline, &due, &outcome).await;
        }
        outcome
    }

    async fn attempts(
        &self,
        file: &std::path::Path,
        pipeline: &Pipeline,
        due: &SlotDecision,
        mut stop: watch::Receiver<Stop>,
    ) -> Outcome {
        let timeout = due.timeout.unwrap_or(Duration::MAX);
        let mut earlier: Option<String> = None;
        let mut attempt = 0;
        loop {
            let task = earlier.as_deref().map_or(Task::Slot(due.slot.at), |run| Task::Retry { run, supervised: true });
            // Others run while this one waits for its next attempt.
            let place = tokio::select! {
                place = self.places.acquire() => place,
                why = child::asked(&mut stop) => {
                    let record = self.record(&due.pipeline, due.slot.at);
                    return Outcome { stopped: Some(why), ..Outcome::new(STEP_FAILED, record, attempt) };
                }
            };
            attempt += 1;
            let ended = child::run(&self.options, file, &task, timeout, stop.clone()).await;
            drop(place);
            let record = self.record(&due.pipeline, due.slot.at);
            let code = match ended {
                Err(error) => {
                    let message = Some(format!("the run could not be started: {error}"));
                    return Outcome { message, ..Outcome::new(STEP_FAILED, record, attempt) };
                }
                Ok(Ended::Stopped(why)) => {
                    return Outcome { stopped: Some(why), ..Outcome::new(STEP_FAILED, record, attempt) };
                }
                Ok(Ended::TimedOut) => {
                    let message = Some(format!("it was stopped after {} s, as `schedule: timeout` says", timeout.as_secs()));
                    return Outcome { message, ..Outcome::new(TIMED_OUT, record, attempt) };
                }
                Ok(Ended::Code(code)) => code.and_then(|code| u8::try_from(code).ok()).unwrap_or(STEP_FAILED),
            };
            if code == LOCKED && self.is_taken(due, record.as_ref()) {
                return Outcome { again: Some(due.clone()), ..Outcome::new(code, None, attempt) };
            }
            let may_pass = code == LOCKED || record.as_ref().is_some_and(|record| record.may_pass);
            if code == 0 || !may_pass || attempt >= pipeline.retries.attempts {
                return Outcome::new(code, record, attempt);
            }
            let pause = backoff(&pipeline.retries, attempt, &due.pipeline, due.slot.at);
            tracing::warn!(pipeline = due.pipeline, attempt, seconds = pause.as_secs(), "it may pass by itself; once more later");
            earlier = record.filter(|record| record.status.can_be_retried()).map(|record| record.run_id);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                why = child::asked(&mut stop) => {
                    let record = self.record(&due.pipeline, due.slot.at);
                    return Outcome { stopped: Some(why), ..Outcome::new(code, record, attempt) };
                }
            }
        }
    }

    /// A run that somebody asked for, beside the slots.
    pub async fn asked(&self, file: PathBuf, task: Task<'_>, timeout: Duration, stop: watch::Receiver<Stop>) -> Outcome {
        let _place = self.places.acquire().await;
        match child::run(&self.options, &file, &task, timeout, stop).await {
            Ok(Ended::Code(code)) => Outcome::new(code.and_then(|c| u8::try_from(c).ok()).unwrap_or(STEP_FAILED), None, 1),
            Ok(Ended::TimedOut) => Outcome::new(TIMED_OUT, None, 1),
            Ok(Ended::Stopped(why)) => Outcome { stopped: Some(why), ..Outcome::new(STEP_FAILED, None, 1) },
            Err(error) => Outcome { message: Some(error.to_string()), ..Outcome::new(STEP_FAILED, None, 0) },
        }
    }

    /// Whether another process has the pipeline or the slot. A run of the slot that began here claimed it, and has ended by now: what it
    /// found locked was its target.
    fn is_taken(&self, due: &SlotDecision, record: Option<&RunRecord>) -> bool {
        let Ok(slot) = self.ledger.slots().slot(&due.pipeline, due.slot.at) else { return false };
        slot.is_none_or(|slot| slot.state != SlotState::Running) || record.is_none_or(|run| run.status == Status::Running)
    }

    /// The run of a slot.
    fn record(&self, pipeline: &str, at: DateTime<Utc>) -> Option<RunRecord> {
        let run = self.ledger.slots().slot(pipeline, at).ok()??.run_id?;
        self.ledger.run(&run).ok()?
    }

    /// Off the threads that serve: a channel may take its time.
    async fn tell(&self, pipeline: &Pipeline, due: &SlotDecision, outcome: &Outcome) {
        let now = clock::now();
        let events = match (&outcome.record, &outcome.message) {
            (_, Some(message)) => vec![tell::of_nothing(&due.pipeline, due.slot.at, message, now)],
            (Some(record), None) => tell::of_run(record, now),
            (None, None) => {
                let message = format!("the run ended with code {} and left no record", outcome.code);
                vec![tell::of_nothing(&due.pipeline, due.slot.at, &message, now)]
            }
        };
        let teller = Teller::new(pipeline, &self.settings);
        if let Err(error) = tokio::task::spawn_blocking(move || teller.tell(&events)).await {
            tracing::error!(%error, "nobody could be told");
        }
    }

    fn settle(&self, due: &SlotDecision, outcome: &Outcome) {
        if let Some(why) = outcome.stopped {
            return self.settle_stopped(due, why);
        }
        let said = outcome.record.as_ref().and_then(|record| record.message.as_ref());
        let reason = outcome.message.clone().or_else(|| said.and_then(|message| message.lines().next()).map(str::to_owned));
        let end = match outcome.code {
            0 | HELD => SlotEnd::Ran,
            _ => SlotEnd::Failed,
        };
        let reason = if outcome.record.as_ref().is_some_and(|record| record.status == Status::Held) {
            Some("held until somebody releases it".to_owned())
        } else {
            reason.filter(|_| end == SlotEnd::Failed)
        };
        self.settle_as(due, end, reason.as_deref());
    }

    fn settle_stopped(&self, due: &SlotDecision, why: Stop) {
        if why == Stop::Replaced {
            self.replaced(due);
        }
    }

    /// A newer slot has taken the place of this one.
    pub fn replaced(&self, due: &SlotDecision) {
        self.settle_as(due, SlotEnd::Skipped, Some("replaced by a newer slot"));
    }

    /// A ledger that cannot be written to is put right at the next start.
    fn settle_as(&self, due: &SlotDecision, end: SlotEnd, reason: Option<&str>) {
        if let Err(error) = self.ledger.slots().settle(&due.pipeline, due.slot.at, end, reason, clock::now()) {
            tracing::error!(%error, pipeline = due.pipeline, slot = %due.slot.at, "cannot record what became of the slot");
        }
    }
}

/// Twice as long each time, up to the longest; a tenth more or less, always the same for a slot, so that many pipelines that
/// wait for one server do not come back at once.
fn backoff(retries: &Retries, attempt: u32, pipeline: &str, at: DateTime<Utc>) -> Duration {
    let doubled = retries.first_after.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
    let pause = doubled.min(retries.longest_after);
    let share = XxHash64::oneshot(u64::from(attempt), format!("{pipeline} {at}").as_bytes()) % 200;
    pause.saturating_mul(900 + u32::try_from(share).unwrap_or(0)) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let retries = Retries { attempts: 9, first_after: Duration::from_mins(1), longest_after: Duration::from_mins(10) };
        let at = DateTime::<Utc>::UNIX_EPOCH;
        let pauses: Vec<u64> = (1..7).map(|attempt| backoff(&retries, attempt, "shop", at).as_secs()).collect();
        for (pause, middle) in pauses.iter().zip([60, 120, 240, 480, 600, 600]) {
            assert!(pause.abs_diff(middle) <= middle / 10, "{pauses:?}");
        }
        assert_ne!(backoff(&retries, 1, "shop", at), backoff(&retries, 1, "other", at));
    }
}
