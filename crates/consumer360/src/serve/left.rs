//! What is to be told of slots that nobody ran, or whose process is gone.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use scheduler::{Ledger, SlotRecord, SlotState};

use crate::tell::{self, Event};

/// Missed slots that are told of at once, a pipeline; the ledger has them all.
const MOST_MISSED: usize = 20;

/// What is to be told of the slots that this process found to be missed, at one of the moments `decided`. Whoever else shares
/// the ledger sees them as well, and tells of its own.
pub fn missed(
    ledger: &Ledger,
    pipeline: &str,
    decided: &BTreeSet<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<Vec<Event>, scheduler::Error> {
    let slots = ledger.slots().slots(Some(pipeline), MOST_MISSED)?;
    let is_ours = |slot: &&SlotRecord| slot.state == SlotState::Missed && decided.contains(&slot.decided_at);
    Ok(slots.iter().filter(is_ours).map(|slot| tell::of_missed(slot, now)).collect())
}

/// What is to be told of slots that a process left open when it died, and that are settled now.
pub fn settled(ledger: &Ledger, slots: &[SlotRecord], now: DateTime<Utc>) -> Vec<Event> {
    let run = |slot: &SlotRecord| slot.run_id.as_ref().and_then(|run| ledger.run(run).ok().flatten());
    slots.iter().flat_map(|slot| tell::of_settled(slot, run(slot).as_ref(), now)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what is not there fails the test")]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn of_those_who_share_a_ledger_the_one_that_decided_on_a_missed_slot_tells_of_it() {
        let state = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(state.path()).unwrap();
        let hourly = scheduler::Schedule::new(vec![cron::Cron::parse("0 * * * *").unwrap()], "UTC".parse().unwrap());
        let at = |minutes| DateTime::<Utc>::UNIX_EPOCH + TimeDelta::minutes(minutes);
        ledger.slots().tick("shop", &hourly, at(30)).unwrap();
        // One process ticks after a sleep, another a minute later, and both tell of what was missed in that time.
        ledger.slots().tick("shop", &hourly, at(210)).unwrap();
        ledger.slots().tick("shop", &hourly, at(211)).unwrap();
        let told = |decided| missed(&ledger, "shop", &BTreeSet::from([decided]), at(212)).unwrap().len();
        assert_eq!((told(at(210)), told(at(211))), (2, 0));
    }
}
