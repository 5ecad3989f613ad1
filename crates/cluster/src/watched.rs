//! A statement on the cluster, under its deadline.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, exec_datafusion_err};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use extract::WorkerFailure;
use futures::StreamExt;
use futures::stream::unfold;
use tokio::time::{Instant, timeout_at};

use crate::measured::{Measure, Size};

/// Runs what is below it and ends it at the deadline; what is dropped is cancelled on the workers.
#[derive(Debug)]
pub(crate) struct Watched {
    input: Arc<dyn ExecutionPlan>,
    deadline: Duration,
    measure: Measure,
}

impl Watched {
    pub fn new(input: Arc<dyn ExecutionPlan>, deadline: Duration, measure: Measure) -> Self {
        Self { input, deadline, measure }
    }
}

impl DisplayAs for Watched {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watched: {} s", self.deadline.as_secs())
    }
}

impl ExecutionPlan for Watched {
    fn name(&self) -> &'static str {
        "Watched"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let [input] = <[_; 1]>::try_from(children).map_err(|_| exec_datafusion_err!("a watched plan has one input"))?;
        Ok(Arc::new(Self { input, deadline: self.deadline, measure: self.measure.clone() }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let rows = self.input.execute(partition, context)?;
        let schema = rows.schema();
        let running = Running {
            rows,
            plan: Arc::clone(&self.input),
            deadline: self.deadline,
            ends_at: Instant::now() + self.deadline,
            size: self.measure.begin(&self.input),
            arrived: 0,
            measure: self.measure.clone(),
        };
        let watched = unfold(Some(running), |running| async move { running?.next().await });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, watched)))
    }
}

/// A statement under way.
struct Running {
    rows: SendableRecordBatchStream,
    plan: Arc<dyn ExecutionPlan>,
    deadline: Duration,
    ends_at: Instant,
    size: Size,
    arrived: usize,
    measure: Measure,
}

type Batch = datafusion::arrow::array::RecordBatch;

impl Running {
    /// The next rows; an error is the last of them.
    async fn next(mut self) -> Option<(Result<Batch>, Option<Self>)> {
        // Rows that are always ready would never be late.
        let next = if Instant::now() < self.ends_at { timeout_at(self.ends_at, self.rows.next()).await.ok() } else { None };
        match next {
            Some(None) => {
                self.measure.end(&self.plan, self.size, self.arrived).await;
                None
            }
            Some(Some(Ok(batch))) => {
                self.arrived += batch.num_rows();
                self.measure.under_way(self.size, self.arrived);
                Some((Ok(batch), Some(self)))
            }
            Some(Some(Err(error))) => Some((Err(told(error)), None)),
            None => Some((Err(DataFusionError::External(Box::new(WorkerFailure::Late { after: self.deadline }))), None)),
        }
    }
}

/// What it means to whoever runs the pipeline; what a single machine may say as well stays as it is.
fn told(error: DataFusionError) -> DataFusionError {
    const LOST: [&str; 5] = ["h2 protocol error", "http2 error", "transport error", "currently unavailable", "connection"];
    let text = error.to_string();
    let failure = if matches!(error.find_root(), DataFusionError::ResourcesExhausted(_)) {
        return error;
    } else if ["No such file", "not found", "NotFound"].iter().any(|words| text.contains(words)) {
        WorkerFailure::Unseen { source: error }
    } else if LOST.iter().any(|words| text.contains(words)) {
        WorkerFailure::Lost { source: error }
    } else {
        return error;
    };
    DataFusionError::External(Box::new(failure))
}
