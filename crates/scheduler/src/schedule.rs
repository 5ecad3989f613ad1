//! When a pipeline is to run.

mod explain;
mod slot_time;
mod walk;

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use cron::Cron;
use twox_hash::XxHash64;

pub(crate) use explain::length;
pub use slot_time::{DstNote, SlotTime};
use walk::Walk;

use crate::timestamp;

/// How far ahead [`Schedule::next`] looks. A cron's days come at least this often (see [`Cron::parse`]).
const LOOK_AHEAD: TimeDelta = TimeDelta::days(366 * 41);

/// When a pipeline is to run, and what becomes of the moments at which it could not.
///
/// A slot is a moment that one of the crons names on the wall clock of `zone`. Crons that name one moment together name
/// one slot. Where the clocks change, two kinds of cron differ, as in Vixie cron:
///
/// - A cron whose minute and hour have neither a wildcard nor a step (`30 2 * * *`, `0 6,18 * * *`) follows the **wall
///   clock**: each time it names is one slot a day. A time that the clocks leave out is a slot at the first moment after
///   the gap, together with any other that falls there; a time that comes twice is a slot at its first pass only.
/// - A cron whose minute or hour is a wildcard or has a step (`*/15 * * * *`, `30 * * * *`, `*/15 2 * * *`) follows
///   **elapsed time**: a moment is a slot exactly if the wall clock then shows a time that the cron names. A repeated
///   hour has its slots in both passes and a gap has none, so `*/15 * * * *` comes once every 15 minutes of real time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    pub crons: Vec<Cron>,
    pub zone: Tz,
    /// Dates on the wall clock of `zone` whose slots are recorded and not run.
    pub skip_on: BTreeSet<NaiveDate>,
    pub on_missed: OnMissed,
    /// How long after its time a missed slot may still run.
    pub missed_window: Duration,
    pub on_overlap: OnOverlap,
    /// How long a run may take. Whoever runs it holds it to that.
    pub timeout: Option<Duration>,
    /// Starts are spread over this long after the slot; see [`Schedule::jitter`].
    pub start_jitter: Duration,
}

/// What becomes of slots that nobody was there to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnMissed {
    /// The newest one runs late.
    Latest,
    /// Each one runs late, in order.
    All,
    /// None runs.
    None,
}

/// What becomes of a slot that comes due while the pipeline still runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnOverlap {
    /// It does not run.
    Skip,
    /// It runs afterwards. Only the newest slot waits.
    Queue,
    /// The run under way is stopped, and it runs.
    Replace,
}

impl OnMissed {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Latest => "latest",
            Self::All => "all",
            Self::None => "none",
        }
    }
}

impl OnOverlap {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Queue => "queue",
            Self::Replace => "replace",
        }
    }
}

impl fmt::Display for OnMissed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for OnOverlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Schedule {
    /// A schedule of these crons that runs the latest missed slot of the last day, one run at a time.
    pub fn new(crons: Vec<Cron>, zone: Tz) -> Self {
        Self {
            crons,
            zone,
            skip_on: BTreeSet::new(),
            on_missed: OnMissed::Latest,
            missed_window: Duration::from_hours(24),
            on_overlap: OnOverlap::Skip,
            timeout: None,
            start_jitter: Duration::ZERO,
        }
    }

    /// The slots after `after`, up to and with `until`, in order, those on skip dates included.
    pub fn slots(&self, after: DateTime<Utc>, until: DateTime<Utc>) -> impl Iterator<Item = SlotTime> + '_ {
        Walk::new(&self.crons, self.zone, after, until)
    }

    /// The next `n` slots after `after`, those on skip dates included.
    pub fn next(&self, after: DateTime<Utc>, n: usize) -> Vec<SlotTime> {
        let until = after.checked_add_signed(LOOK_AHEAD).unwrap_or(DateTime::<Utc>::MAX_UTC);
        self.slots(after, until).take(n).collect()
    }

    /// The slot at this moment, or the bare moment if the schedule has none there (it may have been edited since).
    pub fn slot_at(&self, at: DateTime<Utc>) -> SlotTime {
        let just_before = at.checked_sub_signed(TimeDelta::milliseconds(1)).unwrap_or(at);
        self.slots(just_before, at).next().unwrap_or_else(|| SlotTime::new(at, self.zone))
    }

    pub fn is_skipped(&self, slot: &SlotTime) -> bool {
        self.skip_on.contains(&slot.local.date())
    }

    /// How long after its slot a run starts: in `[0, start_jitter)`, to the millisecond, always the same for a pipeline
    /// and a slot. Pipelines of one schedule, on one machine or many, thus do not start in one instant.
    pub fn jitter(&self, pipeline: &str, scheduled_at: DateTime<Utc>) -> Duration {
        let span = u64::try_from(self.start_jitter.as_millis()).unwrap_or(u64::MAX);
        let text = format!("{pipeline}\n{}", timestamp::text(scheduled_at));
        Duration::from_millis(XxHash64::oneshot(0, text.as_bytes()).checked_rem(span).unwrap_or(0))
    }

    /// Changes with everything that decides which slots come due, and with nothing else: what becomes of them is decided by
    /// the schedule as it is then. The order of the crons does not matter.
    pub fn fingerprint(&self) -> String {
        digest(&self.comes_due())
    }

    /// Whether a fingerprint is that of this schedule. Versions before took into it what becomes of slots. Were theirs not
    /// known, watching would begin anew with the upgrade, and slots that came due meanwhile would have no row.
    pub(crate) fn has_fingerprint(&self, fingerprint: &str) -> bool {
        let before = format!("{} {:?} {} {:?}", self.comes_due(), self.skip_on, self.on_missed, self.missed_window);
        fingerprint == self.fingerprint() || fingerprint == digest(&before)
    }

    /// What decides which slots come due, as a text.
    fn comes_due(&self) -> String {
        let crons: BTreeSet<&str> = self.crons.iter().map(Cron::as_str).collect();
        format!("{crons:?} {}", self.zone)
    }

    /// The missed window as a difference of times.
    pub(crate) fn window(&self) -> TimeDelta {
        delta(self.missed_window)
    }
}

fn digest(text: &str) -> String {
    format!("{:016x}", XxHash64::oneshot(0, text.as_bytes()))
}

/// A duration beyond what times can differ by counts as the longest that they can.
fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}
