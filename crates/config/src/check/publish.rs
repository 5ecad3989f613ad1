//! Where a pipeline publishes.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use super::{Check, sizes};
use crate::pipeline::{Publish, Target};
use crate::raw;

const KEEP: usize = 12;
const LEASE: Duration = Duration::from_mins(1);

pub(super) fn publish(check: &mut Check<'_>, raw: &raw::Publish) -> Option<Publish> {
    let to = target(check, &raw.to).filter(|_| check.is_allowed(&["publish", "to"], &raw.to));
    let lease = lease(check, raw.lease.as_deref());
    let keep = raw.keep.and_then(|k| usize::try_from(k).ok()).unwrap_or(KEEP);
    // Less than none is told by the schema.
    let rows_per_file = raw.rows_per_file.and_then(|rows| u64::try_from(rows).ok()).and_then(NonZeroU64::new);
    let (report, powerbi) = (raw.report.unwrap_or(false), raw.powerbi.unwrap_or(false));
    if powerbi && matches!(to, Some(Target::Store { .. })) {
        let help = "leave it out, and write the project to a folder with `consumer360 powerbi PIPELINE --to DIR --source adls`";
        check.say(&["publish", "powerbi"], "a Power BI project is opened from a folder, not from a store".to_owned(), help);
        return None;
    }
    Some(Publish { to: to?, keep, rows_per_file, lease: lease?, report, powerbi })
}

fn target(check: &mut Check<'_>, to: &str) -> Option<Target> {
    let path = ["publish", "to"];
    let Some((scheme, rest)) = to.split_once("://") else { return Some(Target::Folder(PathBuf::from(to))) };
    if !["s3", "az", "gs"].contains(&scheme) {
        let help = "write a folder, or a url that begins with s3://, az:// or gs://";
        check.say(&path, format!("`{scheme}://` is nothing that can be published to"), help);
        return None;
    }
    let bucket = rest.split('/').next().unwrap_or_default();
    if bucket.contains('@') || rest.contains('?') {
        // What stands there may be a secret, so the message does not repeat it.
        let help = "leave them out: the store takes them from the environment (AWS_ACCESS_KEY_ID and so on)";
        check.say(&path, "the url of the target holds credentials", help);
        return None;
    }
    if bucket.is_empty() {
        check.say(&path, format!("`{to}` names no bucket"), format!("such as {scheme}://bucket/shop"));
        return None;
    }
    Some(Target::Store { url: to.trim_end_matches('/').to_owned() })
}

fn lease(check: &mut Check<'_>, written: Option<&str>) -> Option<Duration> {
    let Some(written) = written else { return Some(LEASE) };
    let span = check.keep(&["publish", "lease"], sizes::span("lease", written))?;
    if (Duration::from_secs(5)..=Duration::from_hours(1)).contains(&span) {
        return Some(span);
    }
    let help =
        "write 5s to 1h: shorter, and a slow network looks like a dead publisher; longer, and the next run waits that long";
    check.say(&["publish", "lease"], format!("`lease` cannot be `{written}`"), help);
    None
}
