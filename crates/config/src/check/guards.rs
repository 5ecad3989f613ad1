//! Guards: which are on, and their limits.

use super::{Check, amounts};
use crate::raw;
use crate::rules::{Guard, Guards, Tolerance, WHOLE_PPB, Watch};

/// What a limit of a guard is.
enum Limit {
    /// A share up to all.
    Share(u64),
    /// How many times.
    Times(u64),
    None,
}

/// Whether the guard closes the gate, and its limit, unless the file says otherwise.
fn usual(watch: Watch) -> (bool, Limit) {
    const PERCENT: u64 = WHOLE_PPB / 100;
    match watch {
        Watch::AllAtRisk | Watch::OneSegment => (false, Limit::Share(90 * PERCENT)),
        Watch::NoRecentOrders | Watch::StaleSource => (false, Limit::Times(2 * WHOLE_PPB)),
        Watch::Champions => (false, Limit::Times(WHOLE_PPB)),
        Watch::ClosedCohorts => (false, Limit::Share(PERCENT)),
        Watch::JoinFanout => (true, Limit::None),
        Watch::RevenueDrop => (true, Limit::Share(50 * PERCENT)),
    }
}

pub(super) fn guards(check: &mut Check<'_>, raw: &raw::Guards) -> Guards {
    let on = Watch::ALL.into_iter().filter_map(|watch| guard(check, watch, written(raw, watch))).collect();
    Guards { min_customers: raw.min_customers.and_then(|n| u64::try_from(n).ok()).unwrap_or(50), on }
}

fn written(raw: &raw::Guards, watch: Watch) -> Option<&raw::Guard> {
    match watch {
        Watch::AllAtRisk => raw.all_at_risk.as_ref(),
        Watch::OneSegment => raw.one_segment.as_ref(),
        Watch::NoRecentOrders => raw.no_recent_orders.as_ref(),
        Watch::StaleSource => raw.stale_source.as_ref(),
        Watch::Champions => raw.champions.as_ref(),
        Watch::ClosedCohorts => raw.closed_cohorts.as_ref(),
        Watch::JoinFanout => raw.join_fanout.as_ref(),
        Watch::RevenueDrop => raw.revenue_drop.as_ref(),
    }
}

fn guard(check: &mut Check<'_>, watch: Watch, written: Option<&raw::Guard>) -> Option<Guard> {
    let (is_fatal, limit) = usual(watch);
    let (switch, tuned) = match written {
        None => (None, None),
        Some(raw::Guard::Switch(switch)) => (Some(*switch), None),
        Some(raw::Guard::Tuned(tuned)) => (tuned.severity, tuned.limit.as_ref()),
    };
    let limit_ppb = limit_ppb(check, watch, &limit, tuned);
    match switch {
        Some(raw::Switch::Off) => None,
        Some(switch) => Some(Guard { watch, is_fatal: switch == raw::Switch::Fail, limit_ppb }),
        None => Some(Guard { watch, is_fatal, limit_ppb }),
    }
}

fn limit_ppb(check: &mut Check<'_>, watch: Watch, usual: &Limit, written: Option<&raw::Amount>) -> u64 {
    let (Limit::Share(default) | Limit::Times(default)) = usual else {
        if written.is_some() {
            let path = ["guards", watch.name(), "limit"];
            check.say_key(&path, format!("`{}` has no limit", watch.name()), "leave `limit` out");
        }
        return 0;
    };
    let Some(written) = written else { return *default };
    let read = match usual {
        Limit::Share(_) => amounts::share_ppb("limit", written),
        _ => times(written),
    };
    check.keep(&["guards", watch.name(), "limit"], read).unwrap_or(*default)
}

/// How many times, as parts per thousand million.
fn times(written: &raw::Amount) -> Result<u64, (String, String)> {
    let wrong =
        || (format!("`limit` cannot be `{}`", amounts::shown(written)), "write how many times, such as 2 or 1.5".to_owned());
    match amounts::tolerance("limit", written) {
        Ok(Tolerance::Amount(times)) if (1..=10_000_000).contains(&times) => {
            u64::try_from(times).map(|times| times * (WHOLE_PPB / 10_000)).map_err(|_| wrong())
        }
        _ => Err(wrong()),
    }
}
