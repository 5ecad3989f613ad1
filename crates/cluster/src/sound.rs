//! Whether a distributed plan computes what the statement says.
//!
//! The engine cuts a plan at its repartitions and gathers, and gives each stage between two cuts to several tasks. It does not
//! ask what the operators of a stage demand of their inputs. Two things can be wrong with that:
//!
//! - An operator that must see all rows of a group (or all there are) reads a file that the tasks of its stage have shared out
//!   among them, with nothing between that brings the rows of a group together: each task computes a whole of its part.
//! - Rows that are dealt out anew by several tasks arrive in no order, and the plan claims the order they had.
//!
//! A third thing fails where it should not: running windows find another order below them once they were sent, and refuse to run.

use std::sync::Arc;

use datafusion::physical_expr::Distribution;
use datafusion::physical_plan::windows::BoundedWindowAggExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use datafusion_distributed::{DistributedLeafExec, NetworkBoundaryExt, NetworkShuffleExec};

/// What is wrong with a plan; none if nothing is.
pub(crate) fn fault(plan: &Arc<dyn ExecutionPlan>) -> Option<&'static str> {
    stage(plan, 1, false)
}

/// Looks through a stage of so many tasks, and through those that feed it. The driver's own, the first, is not sent.
fn stage(plan: &Arc<dyn ExecutionPlan>, tasks: usize, is_sent: bool) -> Option<&'static str> {
    if is_sent && plan.is::<BoundedWindowAggExec>() {
        return Some("a running window would be sent");
    }
    if let Some(boundary) = plan.as_network_boundary() {
        let input = boundary.input_stage();
        if plan.is::<NetworkShuffleExec>() && input.task_count() > 1 && plan.output_ordering().is_some() {
            return Some("rows that several tasks deal out anew are taken to be in order");
        }
        return input.local_plan().and_then(|below| stage(below, input.task_count(), true));
    }
    if tasks > 1 {
        for (child, demand) in plan.children().into_iter().zip(plan.input_distribution_requirements().into_per_child()) {
            let is_whole = match demand {
                Distribution::UnspecifiedDistribution => true,
                Distribution::SinglePartition => gathers(child, false),
                _ => gathers(child, true),
            };
            if !is_whole {
                return Some("an operator that must see all rows of a group would see those of one task");
            }
        }
    }
    plan.children().into_iter().find_map(|child| stage(child, tasks, is_sent))
}

/// Whether what a stage reads below here was brought together before: by a broadcast or a gather, or, where the rows of a group
/// are enough, by dealing them out.
fn gathers(plan: &Arc<dyn ExecutionPlan>, by_group: bool) -> bool {
    if plan.is_network_boundary() {
        return by_group || !plan.is::<NetworkShuffleExec>();
    }
    if plan.is::<DistributedLeafExec>() {
        return false;
    }
    let children = plan.children();
    !children.is_empty() && children.into_iter().all(|child| gathers(child, by_group))
}
