//! What a file means: from the raw types to the checked ones, every problem said with its place.

mod connections;
mod segments;
mod settings;
mod sizes;
mod sources;
mod transform;

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::NaiveDate;

use crate::load::Environment;
use crate::node::Document;
use crate::pipeline::{AsOf, Connection, Pipeline, Publish};
use crate::problem::{Problem, suggestion};
use crate::raw;

pub(crate) use settings::settings;

/// One file's check: where problems gather.
pub(crate) struct Check<'a> {
    pub document: &'a Document,
    pub environment: &'a Environment<'a>,
    pub problems: Vec<Problem>,
}

impl Check<'_> {
    pub fn say(&mut self, path: &[&str], message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(self.document.problem(self.document.at(path), message, help));
    }

    /// The value, or nothing and a problem at the path.
    pub fn keep<T>(&mut self, path: &[&str], result: Result<T, (String, String)>) -> Option<T> {
        result.map_err(|(message, help)| self.say(path, message, help)).ok()
    }
}

/// A pipeline file that has the right shape, with the connections the settings share.
pub(crate) fn pipeline(check: &mut Check<'_>, raw: raw::Pipeline, shared: &BTreeMap<String, Connection>) -> Option<Pipeline> {
    let timezone = timezone(check, raw.timezone.as_deref());
    let as_of = as_of(check, raw.as_of.as_deref());
    let mut connections = shared.clone();
    for (name, connection) in &raw.connections {
        if let Some(own) = connections::connection(check, name, connection) {
            connections.insert(name.clone(), own);
        }
    }
    let sources = sources::sources(check, raw.extract, &raw.connections, &connections);
    let transform = transform::transform(check, &raw.transform);
    let publish = publish(check, &raw.publish);
    connections.retain(|name, _| sources.values().any(|s| s.connection == *name));
    Some(Pipeline { name: raw.name, timezone: timezone?, as_of: as_of?, connections, sources, transform: transform?, publish: publish? })
}

fn timezone(check: &mut Check<'_>, name: Option<&str>) -> Option<chrono_tz::Tz> {
    let name = name.unwrap_or("UTC");
    let known = chrono_tz::TZ_VARIANTS.iter().map(|t| t.name());
    let result = name.parse().map_err(|_| {
        let near = crate::problem::nearest(name, known);
        let help = near.map_or_else(|| "use a name such as Europe/Zurich or America/New_York".to_owned(), |n| format!("did you mean `{n}`?"));
        (format!("there is no time zone `{name}`"), help)
    });
    check.keep(&["timezone"], result)
}

fn as_of(check: &mut Check<'_>, text: Option<&str>) -> Option<AsOf> {
    let result = match text.map(|t| t.replace(' ', "")).as_deref() {
        None | Some("max(sales.ordered_at)") => Ok(AsOf::LastSale),
        Some("slot") => Ok(AsOf::Slot),
        Some(day) => NaiveDate::parse_from_str(day, "%Y-%m-%d").map(AsOf::On).map_err(|_| {
            (format!("`as_of` cannot be `{day}`"), "it is max(sales.ordered_at), slot, or a day such as 2017-12-30".to_owned())
        }),
    };
    check.keep(&["as_of"], result)
}

fn publish(check: &mut Check<'_>, raw: &raw::Publish) -> Option<Publish> {
    if raw.to.contains("://") {
        check.say(
            &["publish", "to"],
            format!("`{}` is not a folder", raw.to),
            "this version publishes to a local or mounted folder; object stores can be read but not yet published to",
        );
        return None;
    }
    Some(Publish { to: PathBuf::from(&raw.to), keep: raw.keep.and_then(|k| usize::try_from(k).ok()).unwrap_or(12) })
}

/// "did you mean …" over the names of a map.
pub(crate) fn known<T>(word: &str, map: &BTreeMap<String, T>, what: &str) -> String {
    let names: Vec<&str> = map.keys().map(String::as_str).collect();
    suggestion(word, names, what)
}
