//! Settings: the defaults with an environment's differences laid over them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use super::{Check, Declared, Shared, connections, sizes};
use crate::cluster::Cluster;
use crate::node::Document;
use crate::pipeline::{Engine, Ledger, Limits, LineageTarget, Serve, Settings, Telemetry};
use crate::postgres::postgres_url;
use crate::raw;
use crate::roots::Roots;
use crate::secret::{Secret, resolve};

/// Turns one file's settings into checked ones; `below` gives what the file leaves out.
pub(crate) fn settings(
    check: &mut Check<'_>,
    raw: raw::Settings,
    below: Option<(Settings, Shared)>,
    document: &Rc<Document>,
) -> Option<(Settings, Shared)> {
    let (lower, mut shared) = below.unwrap_or_else(|| (floor(), Shared::new()));
    check.references();
    for (name, raw) in raw.connections {
        connections::address(check, &name, &raw);
        shared.insert(name, Declared { document: Rc::clone(document), raw });
    }
    let size = |check: &mut Check<'_>, path: [&str; 2], text: &Option<String>, lower: u64| match text {
        Some(text) => check.keep(&path, sizes::bytes(path[1], text)),
        None => Some(lower),
    };
    let memory = size(check, ["engine", "memory"], &raw.engine.memory, lower.engine.memory as u64)?;
    let spill_limit = size(check, ["engine", "spill"], &raw.engine.spill, lower.engine.spill_limit)?;
    let record = size(check, ["limits", "record_bytes"], &raw.limits.record_bytes, lower.engine.limits.record_bytes as u64)?;
    let count = |value: Option<i64>, lower: usize| value.and_then(|v| usize::try_from(v).ok()).unwrap_or(lower);
    let threads = match count(raw.engine.threads, lower.engine.threads) {
        0 => check.environment.cores,
        threads => threads,
    };
    let limits = Limits {
        columns: count(raw.limits.columns, lower.engine.limits.columns),
        record_bytes: usize::try_from(record).ok()?,
        expansion: count(raw.limits.expansion, usize::try_from(lower.engine.limits.expansion).ok()?) as u64,
        silence: span(check, &["limits", "silence"], raw.limits.silence.as_deref(), lower.engine.limits.silence)?,
        rejects_kept: count(raw.limits.rejects_kept, lower.engine.limits.rejects_kept),
        check_rows_kept: count(raw.limits.check_rows_kept, lower.engine.limits.check_rows_kept),
        roots: raw.limits.roots.map_or(lower.engine.limits.roots, Roots::new),
    };
    let tables_at_once = count(raw.engine.tables_at_once, lower.engine.tables_at_once);
    let cluster = cluster(check, raw.engine.cluster, lower.engine.cluster)?;
    let engine = Engine { memory: usize::try_from(memory).ok()?, threads, tables_at_once, spill_limit, cluster, limits };
    let state = raw.state.as_ref().map_or(lower.state, PathBuf::from);
    let ledger = ledger(check, raw.ledger.postgres.as_deref(), lower.ledger);
    let serve = serve(check, &raw.serve, lower.serve)?;
    let telemetry = telemetry(check, raw.telemetry, lower.telemetry)?;
    let keep_runs = count(raw.runs.keep, lower.keep_runs);
    Some((Settings { engine, state, ledger: ledger?, keep_runs, serve, telemetry }, shared))
}

/// A span that something may take at the most.
fn span(check: &mut Check<'_>, path: &[&str], written: Option<&str>, lower: Duration) -> Option<Duration> {
    const LONGEST: Duration = Duration::from_hours(168);
    let Some(text) = written else { return Some(lower) };
    let name = path.last().copied().unwrap_or_default();
    let span = check.keep(path, sizes::span(name, text))?;
    if span.is_zero() || span > LONGEST {
        let help = "write a span from 1s to 7d, such as 15m";
        check.say(path, format!("`{name}` cannot be `{text}`"), help);
        return None;
    }
    Some(span)
}

/// What is written empty is none, whatever stands below.
fn telemetry(check: &mut Check<'_>, raw: raw::Telemetry, lower: Telemetry) -> Option<Telemetry> {
    let key = match raw.openlineage_key.as_deref() {
        None | Some("") => None,
        Some(text) => Some(Secret::new(check.keep(&["telemetry", "openlineage_key"], resolve(text, check.environment))?)),
    };
    let openlineage = match raw.openlineage.as_deref() {
        None => match lower.openlineage {
            // The key alone may be that of this environment.
            Some(LineageTarget::Http { url, key: below }) => Some(LineageTarget::Http { url, key: key.clone().or(below) }),
            lower => lower,
        },
        Some("") => None,
        Some(text) => match check.keep(&["telemetry", "openlineage"], resolve(text, check.environment))? {
            url if is_http(&url) => Some(LineageTarget::Http { url: Secret::new(url), key: key.clone() }),
            path => Some(LineageTarget::File(PathBuf::from(path))),
        },
    };
    if key.is_some() && !matches!(openlineage, Some(LineageTarget::Http { .. })) {
        let help = "write an address of http:// or https:// as `openlineage`, or leave the key out";
        check.say(&["telemetry", "openlineage_key"], "there is no address that the key is sent to".to_owned(), help);
        return None;
    }
    let traces = match raw.traces.as_deref() {
        None => lower.traces,
        Some("") => None,
        Some(text) => {
            let url = check.keep(&["telemetry", "traces"], resolve(text, check.environment))?;
            if !is_http(&url) {
                let help = "write the collector's address, such as http://localhost:4318/v1/traces";
                check.say(&["telemetry", "traces"], "`traces` is no address of http:// or https://".to_owned(), help);
                return None;
            }
            Some(Secret::new(url))
        }
    };
    let metrics = raw.metrics.map_or(lower.metrics, |path| (!path.is_empty()).then(|| PathBuf::from(path)));
    Some(Telemetry { openlineage, traces, metrics })
}

fn is_http(address: &str) -> bool {
    address.starts_with("http://") || address.starts_with("https://")
}

/// What is written empty is the file, whatever stands below. A reference that is empty is none: a host that has lost its
/// variable must not begin a ledger of its own.
fn ledger(check: &mut Check<'_>, written: Option<&str>, lower: Ledger) -> Option<Ledger> {
    let path = ["ledger", "postgres"];
    let url = match written {
        None => return Some(lower),
        Some("") => return Some(Ledger::File),
        Some(text) => check.keep(&path, resolve(text, check.environment))?,
    };
    if !connections::is_postgres(&url) {
        let help = "write postgres://user:password@host:5432/database";
        check.say(&path, "the url of the ledger is not one of PostgreSQL".to_owned(), help);
        return None;
    }
    Some(Ledger::Postgres { url: Secret::new(postgres_url(&url)) })
}

const SHORTEST_TOKEN: usize = 16;

/// What people or programs must say to be let in.
fn token(check: &mut Check<'_>, path: &[&str], written: &str) -> Option<Secret> {
    let token = check.keep(path, resolve(written, check.environment))?;
    if token.chars().count() < SHORTEST_TOKEN {
        let help = "make one with: head -c 24 /dev/urandom | base64";
        check.say(path, format!("the token has fewer than {SHORTEST_TOKEN} characters"), help);
        return None;
    }
    Some(Secret::new(token))
}

fn cluster(check: &mut Check<'_>, raw: raw::Cluster, lower: Cluster) -> Option<Cluster> {
    const STORES: [&str; 3] = ["s3://", "az://", "gs://"];
    let at = |key| ["engine", "cluster", key];
    let workers = match raw.workers {
        None => lower.workers,
        Some(workers) => workers.into_iter().map(|worker| worker.trim_end_matches('/').to_owned()).collect(),
    };
    if let Some(worker) = workers.iter().find(|worker| !is_worker(worker)) {
        let help = "write the address of each, such as http://127.0.0.1:50051 or https://worker-1.example:50051, or \
                    dns+http://workers.example:50051 for all that bear a name";
        check.say(&at("workers"), format!("`{worker}` is no address of a worker"), help);
        return None;
    }
    let token = match raw.token.as_deref() {
        None => lower.token,
        Some("") => None,
        Some(text) => Some(token(check, &at("token"), text)?),
    };
    if let Some(worker) = workers.iter().find(|worker| !is_loopback(worker) && token.is_none()) {
        let help = "set `engine: {cluster: {token: …}}` to what the workers were given";
        check.say(&at("workers"), format!("{worker} can be reached by others, and there is no token"), help);
        return None;
    }
    let authority = match raw.authority {
        None => lower.authority,
        Some(path) => (!path.is_empty()).then(|| PathBuf::from(path)),
    };
    let storage = match raw.storage.as_deref() {
        None => lower.storage,
        Some("") => None,
        Some(url)
            if STORES.iter().any(|store| url.strip_prefix(store).is_some_and(|rest| !rest.trim_matches('/').is_empty())) =>
        {
            Some(url.trim_end_matches('/').to_owned())
        }
        Some(url) => {
            let help = "write a store and a prefix that nothing else uses, such as s3://lake/staging";
            check.say(&at("storage"), format!("`storage` cannot be `{url}`"), help);
            return None;
        }
    };
    let deadline = span(check, &at("deadline"), raw.deadline.as_deref(), lower.deadline)?;
    let piece = match raw.piece.as_deref() {
        None => lower.piece,
        Some(text) => usize::try_from(check.keep(&at("piece"), sizes::bytes("piece", text))?).ok()?.max(1),
    };
    let slots = raw.slots.and_then(|n| usize::try_from(n).ok()).unwrap_or(lower.slots);
    Some(Cluster { workers, token, authority, slots, piece, deadline, storage })
}

/// The address of one, or a name that all have. A certificate is for one name, so those of many are reached without.
fn is_worker(address: &str) -> bool {
    let one = match address.strip_prefix("dns+") {
        Some(named) => named.starts_with("http://").then_some(named),
        None => is_http(address).then_some(address),
    };
    one.is_some_and(|one| host(one).is_some())
}

/// The host of an address, without its port.
fn host(address: &str) -> Option<String> {
    let address = address.strip_prefix("dns+").unwrap_or(address);
    let host = url::Url::parse(address).ok()?.host_str()?.to_owned();
    (!host.is_empty()).then_some(host)
}

fn is_loopback(address: &str) -> bool {
    let Some(host) = host(address) else { return false };
    let ip = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

fn serve(check: &mut Check<'_>, raw: &raw::Serve, lower: Serve) -> Option<Serve> {
    let listen = match raw.listen.as_deref() {
        None => Some(lower.listen),
        Some(text) => check.keep(
            &["serve", "listen"],
            text.parse().map_err(|_| {
                (
                    format!("`listen` cannot be `{text}`"),
                    "write address and port, such as 127.0.0.1:8360 or 0.0.0.0:8360".to_owned(),
                )
            }),
        ),
    };
    let token = match raw.token.as_deref() {
        None => lower.token,
        Some("") => None,
        Some(text) => Some(token(check, &["serve", "token"], text)?),
    };
    let listen = listen?;
    if !listen.ip().is_loopback() && token.is_none() {
        let help = "set `serve: token`, or listen on 127.0.0.1 and reach it through a tunnel";
        check.say(&["serve", "listen"], format!("{listen} can be reached by others, and there is no token"), help);
        return None;
    }
    let runs_at_once = raw.runs_at_once.and_then(|n| usize::try_from(n).ok()).unwrap_or(lower.runs_at_once);
    let url = match raw.url.as_deref() {
        None => lower.url,
        Some("") => None,
        Some(url) if is_http(url) => Some(url.trim_end_matches('/').to_owned()),
        Some(url) => {
            let help = "write what people type in their browser, such as https://etl.example.com";
            check.say(&["serve", "url"], format!("`url` cannot be `{url}`"), help);
            return None;
        }
    };
    Some(Serve { listen, token, url, runs_at_once })
}

/// What holds before any file is read; `default.yaml` states every key of it again, and a test says so.
fn floor() -> Settings {
    let limits = Limits {
        columns: 2000,
        record_bytes: 16 << 20,
        expansion: 200,
        silence: Duration::from_mins(15),
        rejects_kept: 100_000,
        check_rows_kept: 1000,
        roots: Roots::default(),
    };
    let cluster = Cluster::default();
    let engine = Engine { memory: 1536 << 20, threads: 0, tables_at_once: 2, spill_limit: 20 << 30, cluster, limits };
    let serve = Serve { listen: SocketAddr::from(([127, 0, 0, 1], 8360)), token: None, url: None, runs_at_once: 1 };
    let state = PathBuf::from("state");
    Settings { engine, state, ledger: Ledger::File, keep_runs: 20, serve, telemetry: Telemetry::default() }
}
