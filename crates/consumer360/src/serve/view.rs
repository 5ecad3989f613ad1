//! What the console is shown of the pipelines.

use std::path::Path;
use std::sync::LazyLock;

use console::{Edge, NextSlot, PiiPolicy, PipelineView, SlotRow};
use scheduler::{DstNote, Ledger, Schedule, SlotRecord, SlotTime, clock};

use super::files::Watched;

/// Slots to come that are shown.
const NEXT: usize = 5;
/// Slots past that are shown.
const LAST: usize = 20;

/// Which table is made from which, the same for every pipeline.
static LINEAGE: LazyLock<Vec<Edge>> =
    LazyLock::new(|| transform::lineage().into_iter().map(|(table, reads)| Edge { table: table.to_owned(), reads }).collect());

/// A pipeline as it stands; one whose file never was good is shown by its file, with what is wrong.
pub fn of(watched: &Watched, ledger: &Ledger, state: &Path) -> PipelineView {
    let file = watched.file.display().to_string();
    let Some(pipeline) = watched.pipeline() else {
        let name = watched.file.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        return PipelineView { name, file, problem: watched.problem(), ..PipelineView::default() };
    };
    let schedule = watched.scheduled().map(|(_, schedule)| schedule);
    let slots = ledger.slots();
    let is_paused = slots.watch(&pipeline.name).ok().flatten().is_some_and(|watch| watch.paused_at.is_some());
    let crons =
        pipeline.schedule.as_ref().map(|schedule| schedule.crons.iter().map(ToString::to_string).collect()).unwrap_or_default();
    PipelineView {
        name: pipeline.name.clone(),
        file,
        timezone: pipeline.timezone.to_string(),
        schedule_text: crons,
        is_paused,
        next_slots: schedule.map(|schedule| next(&schedule)).unwrap_or_default(),
        last_slots: slots.slots(Some(&pipeline.name), LAST).unwrap_or_default().into_iter().map(row).collect(),
        publish_to: load::readable(&pipeline.publish, state),
        is_in_force: true,
        problem: watched.problem(),
        pii: PiiPolicy { show_personal: pipeline.pii.is_empty(), also_personal: pipeline.pii.iter().cloned().collect() },
        lineage: LINEAGE.clone(),
        sources: pipeline.sources.iter().map(|(entity, source)| (entity.to_string(), source.connection.clone())).collect(),
    }
}

fn next(schedule: &Schedule) -> Vec<NextSlot> {
    let one = |slot: SlotTime| {
        let note = match slot.dst {
            _ if schedule.is_skipped(&slot) => "skipped: in the calendar".to_owned(),
            DstNote::None => String::new(),
            DstNote::Gap { wanted_local, .. } => format!("the clocks go forward over {}", wanted_local.format("%H:%M")),
            DstNote::Overlap { .. } => "the clocks go back".to_owned(),
        };
        NextSlot { utc: slot.at, local: slot.local.format("%a %Y-%m-%d %H:%M").to_string(), note }
    };
    schedule.next(clock::now(), NEXT).into_iter().map(one).collect()
}

fn row(slot: SlotRecord) -> SlotRow {
    SlotRow {
        scheduled: slot.scheduled_at,
        state: slot.state.as_str().replace('_', " "),
        reason: slot.reason.unwrap_or_default(),
        run_id: slot.run_id,
    }
}
