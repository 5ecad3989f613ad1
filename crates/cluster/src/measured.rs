//! What the workers did for a statement: in how many parts, what they sent and what they had to spill.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use datafusion::physical_plan::ExecutionPlan;
use datafusion_distributed::{DistributedMetricsFormat, NetworkBoundaryExt, rewrite_distributed_plan_with_metrics};
use extract::Work;
use tokio::time::timeout;

/// Figures of workers come behind the rows; what has not come by then is left out.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many parts a statement was cut into.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Size {
    pub stages: u64,
    pub tasks: u64,
}

/// Is told of statements as they go by, for whoever waits for them.
pub type Told = Arc<dyn Fn(&str) + Send + Sync>;

/// Adds up what the statements of a run took.
#[derive(Clone)]
pub(crate) struct Measure {
    sum: Arc<Mutex<Work>>,
    told: Told,
}

impl fmt::Debug for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.so_far())
    }
}

impl Measure {
    pub fn new(told: Told) -> Self {
        Self { sum: Arc::default(), told }
    }

    /// What the writer of tables was told by the workers.
    pub fn add(&self, work: &Work) {
        self.sum.lock().unwrap_or_else(PoisonError::into_inner).add(work);
    }

    pub fn say(&self, words: &str) {
        (self.told)(words);
    }

    pub fn so_far(&self) -> Work {
        *self.sum.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn begin(&self, plan: &Arc<dyn ExecutionPlan>) -> Size {
        let mut size = Size::default();
        count(plan, &mut size);
        tracing::debug!(stages = size.stages, tasks = size.tasks, "a statement begins on the workers");
        (self.told)(&format!("{} tasks on the workers", size.tasks));
        size
    }

    pub fn under_way(&self, size: Size, rows: usize) {
        (self.told)(&format!("{} tasks on the workers, {rows} rows came", size.tasks));
    }

    /// Waits for the figures of a statement whose rows have all come.
    pub async fn end(&self, plan: &Arc<dyn ExecutionPlan>, size: Size, rows: usize) {
        let figures = rewrite_distributed_plan_with_metrics(Arc::clone(plan), DistributedMetricsFormat::Aggregated);
        let mut work = Work { statements: 1, tasks: size.tasks, ..Work::default() };
        match timeout(PATIENCE, figures).await {
            Ok(Ok(measured)) => add_up(&measured, &mut work),
            Ok(Err(error)) => tracing::debug!(%error, "the workers' figures cannot be read"),
            Err(_) => tracing::debug!("the workers' figures did not come"),
        }
        let Work { bytes_moved, bytes_spilled, .. } = work;
        tracing::debug!(
            stages = size.stages,
            tasks = size.tasks,
            rows,
            bytes_moved,
            bytes_spilled,
            "a statement ended on the workers"
        );
        self.add(&work);
    }
}

fn count(plan: &Arc<dyn ExecutionPlan>, size: &mut Size) {
    if let Some(boundary) = plan.as_network_boundary() {
        let stage = boundary.input_stage();
        size.stages += 1;
        size.tasks += stage.task_count() as u64;
    }
    // A boundary's child is the stage that feeds it.
    plan.children().into_iter().for_each(|child| count(child, size));
}

fn add_up(plan: &Arc<dyn ExecutionPlan>, work: &mut Work) {
    if let Some(metrics) = plan.metrics() {
        work.bytes_spilled += metrics.spilled_bytes().unwrap_or_default() as u64;
        let moved = metrics.iter().filter(|metric| metric.value().name() == "bytes_transferred");
        work.bytes_moved += moved.map(|metric| metric.value().as_usize() as u64).sum::<u64>();
    }
    plan.children().into_iter().for_each(|child| add_up(child, work));
}
