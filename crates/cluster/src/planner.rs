//! Plans for the cluster, and for this machine alone where the cluster's plan would not be right.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::error::Result;
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner};
use datafusion_distributed::DistributedExec;

use crate::measured::Measure;
use crate::sound;
use crate::watched::Watched;

#[derive(Debug)]
pub(crate) struct Planner {
    distributed: Option<Arc<dyn QueryPlanner + Send + Sync>>,
    deadline: Duration,
    measure: Measure,
}

impl Planner {
    pub fn over(distributed: Option<Arc<dyn QueryPlanner + Send + Sync>>, deadline: Duration, measure: Measure) -> Self {
        Self { distributed, deadline, measure }
    }
}

#[async_trait]
impl QueryPlanner for Planner {
    async fn create_physical_plan(&self, statement: &LogicalPlan, session: &dyn Session) -> Result<Arc<dyn ExecutionPlan>> {
        if let Some(distributed) = &self.distributed {
            let plan = distributed.create_physical_plan(statement, session).await?;
            if !plan.is::<DistributedExec>() {
                return Ok(plan);
            }
            match sound::fault(&plan) {
                None => return Ok(Arc::new(Watched::new(plan, self.deadline, self.measure.clone()))),
                Some(fault) => tracing::debug!(fault, "planned for this machine alone"),
            }
        }
        DefaultPhysicalPlanner::default().create_physical_plan(statement, session).await
    }
}
