//! What becomes of the slots that came due, before anything is written.

use chrono::{DateTime, TimeDelta, Utc};

use crate::schedule::{OnMissed, Schedule, SlotTime, length};
use crate::slots::GRACE;
use crate::slots::row::SlotState;

/// What becomes of a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub slot: SlotTime,
    pub state: SlotState,
    pub reason: Option<String>,
    /// Whether it comes due later than counts as on time.
    pub late: bool,
}

/// Decides on slots in their order. A slot within [`GRACE`] of its time is due, whatever the rules for missed ones.
pub fn decide(schedule: &Schedule, slots: Vec<SlotTime>, now: DateTime<Utc>) -> Vec<Verdict> {
    let newest = slots.iter().rev().find(|slot| !schedule.is_skipped(slot)).copied();
    let verdict = |slot: SlotTime| {
        let late = now - slot.at > GRACE;
        let (state, reason) = if schedule.is_skipped(&slot) {
            (SlotState::Skipped, Some(format!("calendar: {} is a skip date", slot.local.date())))
        } else if late {
            let superseded = newest.filter(|newest| newest.at > slot.at).map(|newest| newest.local_text());
            match reason_to_miss(schedule, now - slot.at, superseded) {
                Some(reason) => (SlotState::Missed, Some(reason)),
                None => (SlotState::Due, Some(format!("late: nobody ticked for {}", length(now - slot.at)))),
            }
        } else {
            (SlotState::Due, None)
        };
        Verdict { slot, state, reason, late }
    };
    slots.into_iter().map(verdict).collect()
}

/// Slots that come due in a pause are skipped.
pub fn paused(slots: Vec<SlotTime>, reason: &str) -> Vec<Verdict> {
    let verdict = |slot| Verdict { slot, state: SlotState::Skipped, reason: Some(reason.to_owned()), late: false };
    slots.into_iter().map(verdict).collect()
}

/// Why a slot that is this late does not run; none if it does. `superseded` names a newer slot, if there is one.
pub fn reason_to_miss(schedule: &Schedule, late: TimeDelta, superseded: Option<String>) -> Option<String> {
    if late > schedule.window() {
        let window = length(schedule.window());
        return Some(format!("too old: {} late, and the window for missed slots is {window}", length(late)));
    }
    match schedule.on_missed {
        OnMissed::None => Some(format!("{} late, and missed slots do not run", length(late))),
        OnMissed::Latest => superseded.map(|newer| format!("superseded by the slot of {newer}")),
        OnMissed::All => None,
    }
}
