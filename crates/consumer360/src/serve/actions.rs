//! What people ask of the console. Runs are begun by the server's own loop, which knows what is under way; the rest is done here.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use config::{Pipeline, Settings};
use console::{ActionRefused, ActionStarted, Actions};
use load::Target;
use scheduler::{Ledger, Outcome, RunRecord, Status, clock};
use tokio::sync::mpsc::UnboundedSender;

use crate::commands::rollback;
use crate::exit::chain;
use crate::run::{overtaken, unseen};

/// The loop answers at once; if it does not, it is stopping.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often, and how far apart, it is looked whether a run has begun; behind other runs it may not for long.
const LOOKS: usize = 40;
const PAUSE: Duration = Duration::from_millis(100);

/// A run that somebody wants.
#[derive(Debug)]
pub struct Ask {
    pub pipeline: String,
    pub what: Wish,
    pub reply: Sender<Result<(), String>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    Run,
    Retry(String),
    Release(String),
}

/// The pipelines by name, as they were last read.
pub type Known = Arc<RwLock<BTreeMap<String, (PathBuf, Arc<Pipeline>)>>>;

pub struct Doer {
    pub ledger: Arc<Ledger>,
    pub settings: Arc<Settings>,
    pub known: Known,
    pub asks: UnboundedSender<Ask>,
}

type Answer = Result<ActionStarted, ActionRefused>;

fn refused(message: impl Into<String>) -> ActionRefused {
    ActionRefused { message: message.into() }
}

fn failed(error: &dyn std::error::Error) -> ActionRefused {
    refused(chain(error))
}

impl Doer {
    fn known(&self, name: &str) -> Result<(PathBuf, Arc<Pipeline>), ActionRefused> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(name).cloned().ok_or_else(|| refused(format!("no pipeline {name} is served")))
    }

    fn pipeline(&self, name: &str) -> Result<Arc<Pipeline>, ActionRefused> {
        self.known(name).map(|(_, pipeline)| pipeline)
    }

    fn record(&self, run: &str) -> Result<RunRecord, ActionRefused> {
        self.ledger.run(run).map_err(|e| failed(&e))?.ok_or_else(|| refused(format!("there is no run {run}")))
    }

    fn ask(&self, pipeline: &str, what: Wish) -> Result<(), ActionRefused> {
        self.pipeline(pipeline)?;
        let (reply, answer) = channel();
        let stopping = || refused("the server is stopping");
        self.asks.send(Ask { pipeline: pipeline.to_owned(), what, reply }).map_err(|_| stopping())?;
        answer.recv_timeout(PATIENCE).map_err(|_| stopping())?.map_err(refused)
    }
}

impl Actions for Doer {
    fn run(&self, pipeline: &str) -> Answer {
        let asked_at = clock::now();
        self.ask(pipeline, Wish::Run)?;
        // Its process takes a moment to begin; whoever asked wants to see the run.
        let begun = || {
            let latest = self.ledger.runs(Some(pipeline), 1).ok()?.pop()?;
            (latest.started_at >= asked_at).then_some(latest.run_id)
        };
        let run_id = (0..LOOKS).find_map(|_| {
            std::thread::sleep(PAUSE);
            begun()
        });
        Ok(ActionStarted { run_id })
    }

    fn retry(&self, run: &str) -> Answer {
        let record = self.record(run)?;
        if !record.status.can_be_retried() {
            return Err(refused(format!("run {run} is {}: there is nothing to take up again", record.status)));
        }
        overtaken(&self.ledger, &record).map_err(|failure| refused(failure.in_words()))?;
        self.ask(&record.pipeline, Wish::Retry(record.run_id.clone()))?;
        Ok(ActionStarted { run_id: Some(record.run_id) })
    }

    fn release(&self, run: &str) -> Answer {
        let record = self.record(run)?;
        if record.status != Status::Held {
            return Err(refused(format!("run {run} is {}, not held", record.status)));
        }
        overtaken(&self.ledger, &record).map_err(|failure| refused(failure.in_words()))?;
        let (file, pipeline) = self.known(&record.pipeline)?;
        unseen(&self.ledger, &record, &pipeline, &file).map_err(|failure| refused(failure.in_words()))?;
        self.ask(&record.pipeline, Wish::Release(record.run_id.clone()))?;
        Ok(ActionStarted { run_id: Some(record.run_id) })
    }

    /// The run ends without having been published; what it made goes with the next clearing.
    fn discard(&self, run: &str) -> Answer {
        let record = self.record(run)?;
        if record.status != Status::Held {
            return Err(refused(format!("run {run} is {}, not held", record.status)));
        }
        let taken = self.ledger.begin_again(&record.run_id, clock::now(), env!("CARGO_PKG_VERSION")).map_err(|e| failed(&e))?;
        taken.finish(Outcome::NotPublished, clock::now()).map_err(|e| failed(&e))?;
        Ok(ActionStarted { run_id: Some(record.run_id) })
    }

    fn rollback(&self, pipeline: &str, snapshot: &str) -> Answer {
        let pipeline = self.pipeline(pipeline)?;
        let target = Target::open(&pipeline.publish, &self.settings.state).map_err(|e| failed(&e))?;
        let done = rollback::lead_back(&self.ledger, &pipeline, &self.settings, &target, Some(snapshot));
        // The pipeline's page shows what readers see now.
        done.map(|_| ActionStarted::default()).map_err(|failure| refused(failure.in_words()))
    }

    fn pause(&self, pipeline: &str) -> Answer {
        let pipeline = self.pipeline(pipeline)?;
        // Paused without one, it could not be resumed.
        crate::schedule::of_pipeline(&pipeline).ok_or_else(|| refused("it has no schedule"))?;
        self.ledger.slots().pause(&pipeline.name, Some("from the console"), clock::now()).map_err(|e| failed(&e))?;
        Ok(ActionStarted::default())
    }

    fn resume(&self, pipeline: &str) -> Answer {
        let pipeline = self.pipeline(pipeline)?;
        let schedule = crate::schedule::of_pipeline(&pipeline).ok_or_else(|| refused("it has no schedule"))?;
        self.ledger.slots().resume(&pipeline.name, &schedule, clock::now()).map_err(|e| failed(&e))?;
        Ok(ActionStarted::default())
    }
}
