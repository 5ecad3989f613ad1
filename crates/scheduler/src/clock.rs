//! The one place of the product that reads a clock.

use chrono::{DateTime, SubsecRound, Utc};

/// The time, to the millisecond: the precision that records keep, so that a time read back equals the time written.
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(3)
}
