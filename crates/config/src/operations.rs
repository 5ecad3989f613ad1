//! When a pipeline runs, what holds its result back, and who is told, checked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::NaiveDate;
use cron::Cron;

use crate::problem::Place;
use crate::secret::Secret;

/// When a pipeline runs by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Expressions of five fields, or nicknames such as `@weekly`; at least one.
    pub crons: Vec<Cron>,
    /// Days without a run.
    pub skip_on: BTreeSet<NaiveDate>,
    pub on_missed: OnMissed,
    /// Missed slots older than this are not made up for.
    pub missed_window: Duration,
    pub on_overlap: OnOverlap,
    pub timeout: Duration,
    pub start_jitter: Duration,
}

/// Which missed slots are made up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnMissed {
    Latest,
    All,
    None,
}

/// What a slot does that comes due while the pipeline runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnOverlap {
    Skip,
    Queue,
    Replace,
}

/// How often a scheduled run that failed for a passing reason is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// The first one included.
    pub attempts: u32,
    pub first_after: Duration,
    pub longest_after: Duration,
}

/// What parks a finished run before publishing. Shares are between 0 and 1; none means that it is not asked.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Hold {
    pub revenue_change: Option<f64>,
    pub segment_migration: Option<f64>,
    pub checks_warned: Option<u32>,
}

/// One channel, and what it is told of.
#[derive(Debug, Clone)]
pub struct Notify {
    pub on: BTreeSet<Occasion>,
    pub channel: Channel,
    /// Where it stands in the file.
    pub place: Place,
}

/// What people can be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Occasion {
    Failed,
    Recovered,
    Late,
    Missed,
    Warned,
    Published,
    Held,
}

/// How people are told.
#[derive(Debug, Clone)]
pub enum Channel {
    Webhook { url: Secret, shape: Shape, headers: BTreeMap<String, Secret> },
    Email { server: Secret, from: String, to: Vec<String> },
    Heartbeat { url: Secret },
}

/// How the messages of a webhook are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Generic,
    Slack,
    Teams,
}
