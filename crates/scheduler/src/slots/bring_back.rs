//! Slots that come back from the records of the runs that filled them.

use std::collections::BTreeMap;

use chrono::{DateTime, Timelike, Utc};

use crate::error::Error;
use crate::record::{FilledSlot, RunRecord, Status};
use crate::slots::row::{self, SlotRecord, SlotState};
use crate::slots::{GRACE, SlotLedger};

impl SlotLedger<'_> {
    /// Adds the slots that these runs filled and that have no row, so that none of them runs again; returns how many.
    pub(crate) fn bring_back(self, runs: &[RunRecord]) -> Result<usize, Error> {
        // Of several runs of one slot the last says what became of it.
        let mut slots: BTreeMap<(&str, DateTime<Utc>), (&RunRecord, FilledSlot)> = BTreeMap::new();
        for run in runs {
            let Some(filled) = filled(run) else { continue };
            let known = slots.entry((&run.pipeline, run.scheduled_at)).or_insert_with(|| (run, filled.clone()));
            if known.0.started_at < run.started_at {
                *known = (run, filled);
            }
        }
        if slots.is_empty() {
            return Ok(0);
        }
        self.ledger.database.write("bring back slots", |connection| {
            let mut added = 0;
            for (run, filled) in slots.values() {
                added += usize::from(row::insert(connection, &slot(run, filled))?);
            }
            Ok(added)
        })
    }
}

/// The slot of a run. Records of versions that did not note it do not tell a slot of the schedule from a start by hand, but by
/// the fraction of a second that no schedule has: a row too many runs nothing, one that is missing might.
fn filled(run: &RunRecord) -> Option<FilledSlot> {
    if let Some(filled) = &run.slot {
        return Some(filled.clone());
    }
    (run.scheduled_at.nanosecond() == 0 && run.status != Status::RolledBack).then(|| FilledSlot {
        local: run.scheduled_at.format("%Y-%m-%d %H:%M UTC").to_string(),
        planned_at: run.scheduled_at,
        late_seconds: (run.first_started_at() - run.scheduled_at).num_seconds().max(0),
        attempts: u32::try_from(run.earlier_attempts.len()).unwrap_or(u32::MAX).saturating_add(1),
        in_turn: false,
    })
}

fn slot(run: &RunRecord, filled: &FilledSlot) -> SlotRecord {
    let (state, reason) = match run.status {
        // Whoever looks at open slots next finds out whether its process lives.
        Status::Running => (SlotState::Running, None),
        Status::Published | Status::NotPublished | Status::Held | Status::RolledBack => {
            let is_late = filled.late_seconds > GRACE.num_seconds();
            (if is_late { SlotState::RanLate } else { SlotState::Ran }, None)
        }
        Status::CheckFailed | Status::SourceFailed | Status::Failed | Status::Interrupted => {
            (SlotState::Failed, run.message.clone())
        }
    };
    SlotRecord {
        pipeline: run.pipeline.clone(),
        scheduled_at: run.scheduled_at,
        local: filled.local.clone(),
        state,
        reason,
        run_id: Some(run.run_id.clone()),
        attempts: filled.attempts,
        late_seconds: filled.late_seconds,
        planned_at: filled.planned_at,
        in_turn: filled.in_turn,
        decided_at: run.finished_at.unwrap_or(run.started_at),
    }
}
