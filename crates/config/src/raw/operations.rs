//! When a pipeline runs, what holds its result back, and who is told, as it is written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Share;

/// When the pipeline runs by itself. Times are those of `timezone`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Schedule {
    /// Minute, hour, day of the month, month, day of the week, such as `0 6 * * MON`; or `@weekly`; or a list of these.
    pub cron: OneOrMore,
    /// Days without a run, such as 2026-12-25.
    #[serde(default)]
    pub calendar: Vec<String>,
    /// Which of the slots that came due while nothing ran are made up for: the `latest` (default), `all`, or `none`.
    pub on_missed: Option<OnMissed>,
    /// A missed slot older than this is not made up for. Default: 7d.
    pub missed_window: Option<String>,
    /// What a slot does that comes due while the pipeline runs: `skip` (default), `queue` behind it, or `replace` it. A run that
    /// another process began, such as one by hand, is not stopped but waited for.
    pub on_overlap: Option<OnOverlap>,
    /// A run that takes longer is stopped. Default: 6h.
    pub timeout: Option<String>,
    /// Spreads the starts of many pipelines: each slot starts up to this much later, always the same. Default: 0s.
    pub start_jitter: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(crate) enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum OnMissed {
    Latest,
    All,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum OnOverlap {
    Skip,
    Queue,
    Replace,
}

/// How often a scheduled run that failed for a passing reason is tried again.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retries {
    /// Attempts in all, the first included. Default: 3.
    #[schemars(range(min = 1, max = 20))]
    pub attempts: Option<u32>,
    /// Time to the second attempt; it doubles with each one. Default: 1m.
    pub first_after: Option<String>,
    /// The longest time between two. Default: 30m.
    pub longest_after: Option<String>,
}

/// What parks a finished run before publishing, until somebody looks: `publish RUN` releases it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hold {
    /// Change of the total revenue against the published snapshot, up or down.
    pub revenue_change: Option<Share>,
    /// Share of the customers that changed their segment since the snapshot before.
    pub segment_migration: Option<Share>,
    /// This many warnings of checks, or more.
    #[schemars(range(min = 1, max = 10_000))]
    pub checks_warned: Option<u32>,
}

/// One channel, and what it is told of. It has one of `webhook`, `email` and `heartbeat`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notify {
    /// What it is told of. Default: failed, recovered, missed, held. A heartbeat is told of every run that published, and of
    /// `failed` and `held` where they are named.
    pub on: Option<Vec<Occasion>>,
    /// Address that messages are posted to.
    pub webhook: Option<String>,
    /// How the messages of a webhook are written. Default: generic.
    pub shape: Option<Shape>,
    /// Headers of the webhook's requests.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Mail.
    pub email: Option<Email>,
    /// Address that is called after every run that published; a watcher elsewhere notices when the calls stop. Runs that
    /// failed or are held, where `on` names them, call `<address>/fail`.
    pub heartbeat: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Occasion {
    Failed,
    Recovered,
    Late,
    Missed,
    Warned,
    Published,
    Held,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Shape {
    Generic,
    Slack,
    Teams,
}

/// Mail through a server.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Email {
    /// `smtps://user:password@host:465`, or `smtp+starttls://user:password@host:587`, or `smtp://host:25` without encryption.
    pub server: String,
    /// Address the mail comes from.
    pub from: String,
    /// Addresses it goes to.
    pub to: Vec<String>,
}
