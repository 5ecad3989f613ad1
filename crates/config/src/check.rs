//! What a file means: from the raw types to the checked ones, every problem said with its place.

mod amounts;
mod connections;
mod contract;
mod guards;
mod incremental;
mod marts;
mod operations;
mod publish;
mod rules;
mod segments;
mod settings;
mod sizes;
mod sources;
mod subject;
mod transform;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use chrono::NaiveDate;

use crate::connection::Connection;
use crate::load::Environment;
use crate::node::{At, Document, Node, Value};
use crate::pipeline::{AsOf, Pipeline};
use crate::problem::{Place, Problem};
use crate::raw;
use crate::roots::Roots;
use crate::secret::{files_of, resolve};

pub(crate) use settings::settings;

/// One file's check: where problems gather.
pub(crate) struct Check<'a> {
    pub document: &'a Document,
    pub environment: &'a Environment<'a>,
    /// Below which files are read and published; any while the settings are wrong.
    pub roots: &'a Roots,
    /// Whether it is of the settings, which say what pipelines may do and need no leave themselves.
    pub is_shared: bool,
    pub problems: Vec<Problem>,
}

impl Check<'_> {
    /// A problem at the value of a path.
    pub fn say(&mut self, path: &[&str], message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(self.document.problem(self.document.at(path), message, help));
    }

    /// A problem at the key of a path.
    pub fn say_key(&mut self, path: &[&str], message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(self.document.problem(self.document.key_at(path), message, help));
    }

    /// References outside `connections`, `ledger`, `notify`, `serve`, `telemetry` and the workers' token are not filled in; one there
    /// would be taken for a name.
    pub fn references(&mut self) {
        let Value::Map(entries) = &self.document.root.value else { return };
        let token = self.document.at(&["engine", "cluster", "token"]);
        let found = entries
            .iter()
            .filter(|(key, _)| !["connections", "ledger", "notify", "serve", "telemetry"].contains(&key.name.as_str()))
            .flat_map(|(_, node)| references(node))
            .filter(|at| *at != token);
        let help = "write the value out here; only addresses of connections, channels, watchers and the ledger, and tokens, are filled in";
        let document = self.document;
        self.problems.extend(found.map(|at| {
            document.problem(
                at,
                "references such as ${env:NAME} are filled in under `connections`, `ledger`, `notify`, `serve` and `telemetry` only",
                help,
            )
        }));
    }

    /// Where the value of a path stands.
    pub fn place(&self, path: &[&str]) -> Place {
        Place::new(self.document.problem(self.document.at(path), "", ""))
    }

    /// Whether a folder, file or url may be used; a problem at the path if not. What a reference stood for is not shown.
    pub fn is_allowed(&mut self, path: &[&str], place: &str) -> bool {
        if self.roots.hold(place) {
            return true;
        }
        let message = format!("`{}` leads out of what pipelines may use", path.last().copied().unwrap_or_default());
        let help = format!("`limits: roots` of the settings allows {}; links are followed", self.roots);
        self.say(path, message, help);
        false
    }

    /// The text with its references filled in. A pipeline file has no secret read from where it may read nothing else.
    pub fn filled(&mut self, path: &[&str], text: &str) -> Option<String> {
        if !self.is_shared && files_of(text).any(|file| !self.roots.hold(file)) {
            let message = "`${file:…}` leads out of what pipelines may use";
            let help = format!(
                "`limits: roots` of the settings allows {}; a connection of the settings may read its secret anywhere",
                self.roots
            );
            self.say(path, message, help);
            return None;
        }
        self.keep(path, resolve(text, self.environment))
    }

    /// The value, or nothing and a problem at the path.
    pub fn keep<T>(&mut self, path: &[&str], result: Result<T, (String, String)>) -> Option<T> {
        result.map_err(|(message, help)| self.say(path, message, help)).ok()
    }
}

/// Where references stand.
fn references(node: &Node) -> Vec<At> {
    match &node.value {
        Value::Text(text) if ["${env:", "${file:"].iter().any(|r| text.contains(r)) => vec![node.at],
        Value::List(items) => items.iter().flat_map(references).collect(),
        Value::Map(entries) => entries.iter().flat_map(|(_, value)| references(value)).collect(),
        _ => Vec::new(),
    }
}

/// A connection of the settings. It is filled in when a pipeline names it, so that one job does not need the secrets of all.
pub(crate) struct Declared {
    pub document: Rc<Document>,
    pub raw: raw::Connection,
}

/// The connections of the settings, by name.
pub(crate) type Shared = BTreeMap<String, Declared>;

/// What sources can name.
struct Connections {
    sound: BTreeMap<String, Connection>,
    /// Those with problems of their own included.
    names: BTreeSet<String>,
    /// Whether the settings could be read.
    complete: bool,
}

/// A pipeline file that has the right shape, with the connections the settings share; none if the settings are wrong.
pub(crate) fn pipeline(check: &mut Check<'_>, raw: raw::Pipeline, shared: Option<&Shared>) -> Option<Pipeline> {
    let timezone = timezone(check, raw.timezone.as_deref());
    let as_of = as_of(check, raw.as_of.as_deref());
    check.references();
    let known = connections(check, &raw, shared);
    let sources = sources::sources(check, raw.extract, &known);
    let transform = transform::transform(check, &raw.transform);
    let rules = rules::rules(check, &raw.checks);
    let guards = guards::guards(check, &raw.guards);
    let publish = publish::publish(check, &raw.publish);
    let schedule = raw.schedule.as_ref().map(|schedule| operations::schedule(check, schedule));
    let retries = operations::retries(check, &raw.retries);
    let hold = operations::hold(check, &raw.hold);
    let notify = operations::notify(check, &raw.notify);
    let pii = pii(check, raw.pii.as_deref());
    let mut connections = known.sound;
    connections.retain(|name, _| sources.values().any(|s| s.connection == *name));
    Some(Pipeline {
        name: raw.name,
        timezone: timezone?,
        as_of: as_of?,
        connections,
        sources,
        transform: transform?,
        checks: rules,
        guards,
        publish: publish?,
        schedule: schedule.map_or(Some(None), |schedule| schedule.map(Some))?,
        retries: retries?,
        hold,
        notify,
        pii,
    })
}

/// The pipeline's own connections, and those of the settings that its sources name.
fn connections(check: &mut Check<'_>, raw: &raw::Pipeline, shared: Option<&Shared>) -> Connections {
    let mut sound = BTreeMap::new();
    let mut names: BTreeSet<String> = shared.into_iter().flat_map(BTreeMap::keys).cloned().collect();
    for (name, connection) in &raw.connections {
        names.insert(name.clone());
        sound.extend(connections::connection(check, name, connection).map(|c| (name.clone(), c)));
    }
    let used: BTreeSet<&String> = raw.extract.sources().map(|source| &source.from).collect();
    for (name, declared) in
        shared.into_iter().flatten().filter(|(name, _)| used.contains(name) && !raw.connections.contains_key(*name))
    {
        let mut other = Check {
            document: &declared.document,
            environment: check.environment,
            roots: check.roots,
            is_shared: true,
            problems: Vec::new(),
        };
        sound.extend(connections::connection(&mut other, name, &declared.raw).map(|c| (name.clone(), c)));
        check.problems.extend(other.problems);
    }
    Connections { sound, names, complete: shared.is_some() }
}

fn timezone(check: &mut Check<'_>, name: Option<&str>) -> Option<chrono_tz::Tz> {
    check.keep(&["timezone"], time_zone(name.unwrap_or("UTC")))
}

/// The zone of this name, or what is wrong with it and what to do.
pub fn time_zone(name: &str) -> Result<chrono_tz::Tz, (String, String)> {
    name.parse().map_err(|_| {
        let near = crate::problem::nearest(name, chrono_tz::TZ_VARIANTS.iter().map(|t| t.name()));
        let help = near.map_or_else(
            || "use a name such as Europe/Zurich or America/New_York".to_owned(),
            |n| format!("did you mean `{n}`?"),
        );
        (format!("there is no time zone `{name}`"), help)
    })
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

/// Columns to mask: those that are named and, unless none is (`pii: []`), all that tell of a person. A column of a source counts
/// as well, because what is wrong with a record is told under its name.
fn pii(check: &mut Check<'_>, written: Option<&[String]>) -> BTreeSet<String> {
    let published = schema::TABLES.iter().flat_map(|table| table.columns).map(|column| column.name);
    let staged = schema::ENTITIES.iter().flat_map(|entity| schema::entity(*entity).columns).map(|column| column.name);
    let columns: BTreeSet<&str> = published.chain(staged).collect();
    let named = written.unwrap_or_default();
    for (place, name) in named.iter().enumerate().filter(|(_, name)| !columns.contains(name.as_str())) {
        let help = crate::problem::suggestion(name, columns.iter().copied(), "columns");
        check.say(&["pii", &place.to_string()], format!("no table has a column `{name}`"), help);
    }
    if written.is_some_and(<[String]>::is_empty) {
        return BTreeSet::new();
    }
    let personal = columns.iter().filter(|name| schema::is_personal(name)).map(|name| (*name).to_owned());
    personal.chain(named.iter().cloned()).collect()
}
