//! `consumer360 doctor`: what a pipeline needs of the machine it runs on, each thing tried for real.

use std::fmt::Write as _;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Instant, SystemTime};

use chrono::{DateTime, TimeDelta, Utc};
use config::{Pipeline, Settings};
use load::Target;
use scheduler::clock;
use serde_json::json;

use crate::cli::{Global, Output};
use crate::exit::{Failure, STEP_FAILED, chain};
use crate::figures::bytes;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Fine,
    Doubtful,
    Wrong,
}

/// What was tried, what was seen, and what to do about it.
struct Finding {
    what: &'static str,
    verdict: Verdict,
    seen: String,
    remedy: &'static str,
}

fn fine(what: &'static str, seen: impl Into<String>) -> Finding {
    Finding { what, verdict: Verdict::Fine, seen: seen.into(), remedy: "" }
}

fn doubtful(what: &'static str, seen: impl Into<String>, remedy: &'static str) -> Finding {
    Finding { what, verdict: Verdict::Doubtful, seen: seen.into(), remedy }
}

fn wrong(what: &'static str, seen: impl Into<String>, remedy: &'static str) -> Finding {
    Finding { what, verdict: Verdict::Wrong, seen: seen.into(), remedy }
}

/// Ends with 1 if anything is wrong.
pub fn doctor(global: &Global, file: &Path) -> Result<ExitCode, Failure> {
    let (pipeline, settings) = super::load(global, file)?;
    let mut findings = vec![fine("pipeline file", format!("{} is sound", file.display()))];
    findings.push(time_zone(&pipeline));
    findings.extend(folder("state folder", &settings.state));
    findings.push(time_of(&settings.state));
    findings.push(ledger(&settings));
    findings.extend(target(&pipeline, &settings));
    findings.push(space(&pipeline, &settings));
    findings.push(memory(&settings));
    findings.extend(sources(&pipeline, &settings)?);
    let text = match global.output {
        Output::Json => as_json(&findings),
        Output::Text => as_text(&findings),
    };
    super::print(&text)?;
    let is_wrong = findings.iter().any(|finding| finding.verdict == Verdict::Wrong);
    Ok(if is_wrong { ExitCode::from(STEP_FAILED) } else { ExitCode::SUCCESS })
}

fn time_zone(pipeline: &Pipeline) -> Finding {
    let local = clock::now().with_timezone(&pipeline.timezone);
    fine("time zone", format!("{}, where it is {}", pipeline.timezone, local.format("%Y-%m-%d %H:%M %Z")))
}

/// Everything a crash-safe publication asks of a folder, done there once.
fn folder(what: &'static str, path: &Path) -> Vec<Finding> {
    let trial = path.join(format!(".doctor-{}", std::process::id()));
    let tried = fs::create_dir_all(path).and_then(|()| try_out(&trial));
    for name in [trial.clone(), trial.with_extension("second"), trial.with_extension("link")] {
        let _ = fs::remove_file(name);
    }
    let shown = path.display();
    match tried {
        Err(error) if error.kind() == io::ErrorKind::StorageFull => {
            vec![wrong(what, format!("{shown}: {error}"), "make room on the disk")]
        }
        Err(error) => vec![wrong(what, format!("{shown}: {error}"), "it must be writable by the user this runs as")],
        Ok(Tried { sync, is_locking, is_linking }) => {
            let mut findings = vec![if sync > 1.0 {
                doubtful(what, format!("{shown} brings a file to disk in {sync:.1} s"), "a slow disk makes publishing slow")
            } else {
                fine(what, format!("{shown} is writable and brings a file to disk in {:.0} ms", sync * 1000.0))
            }];
            if !is_locking {
                let remedy = "two runs could publish at once; use a file system with locks, such as a local disk or NFS 4";
                findings.push(wrong(what, format!("{shown} lets two holders have one lock"), remedy));
            }
            if !is_linking {
                let seen = format!("{shown} has no hard links, so every table is stored twice");
                findings.push(doubtful(what, seen, "it works, and takes twice the space"));
            }
            findings
        }
    }
}

struct Tried {
    /// Seconds of an fsync.
    sync: f64,
    is_locking: bool,
    is_linking: bool,
}

fn try_out(path: &Path) -> io::Result<Tried> {
    let mut file = File::options().create(true).write(true).truncate(true).open(path)?;
    file.write_all(&[0; 4096])?;
    let started = Instant::now();
    file.sync_all()?;
    let sync = started.elapsed().as_secs_f64();
    let second = path.with_extension("second");
    fs::rename(path, &second)?;
    let is_linking = fs::hard_link(&second, path.with_extension("link")).is_ok();
    let holder = File::options().write(true).open(&second)?;
    let other = File::options().write(true).open(&second)?;
    holder.lock()?;
    let is_locking = matches!(other.try_lock(), Err(TryLockError::WouldBlock));
    Ok(Tried { sync, is_locking, is_linking })
}

/// The clock against that of the file system, which may be another machine's.
fn time_of(state: &Path) -> Finding {
    const WHAT: &str = "clock";
    let path = state.join(format!(".doctor-clock-{}", std::process::id()));
    let written = File::create(&path).and_then(|file| file.metadata()).and_then(|metadata| metadata.modified());
    let _ = fs::remove_file(&path);
    let now = clock::now();
    match written.map(|at: SystemTime| now.signed_duration_since(DateTime::<Utc>::from(at))) {
        Err(error) => wrong(WHAT, format!("the file system tells no time: {error}"), "schedules need a clock"),
        Ok(off) if off.abs() > TimeDelta::seconds(5) => {
            let seen = format!("it is {} s off the clock of the file system", off.num_seconds());
            doubtful(WHAT, seen, "let both follow a time server (timedatectl, chronyc)")
        }
        Ok(_) => fine(WHAT, now.format("%Y-%m-%d %H:%M:%S UTC").to_string()),
    }
}

fn ledger(settings: &Settings) -> Finding {
    const WHAT: &str = "ledger";
    let newest = super::ledger(settings).and_then(|ledger| ledger.runs(None, 1));
    match newest.map(|mut runs| runs.pop()) {
        Err(error) => wrong(WHAT, chain(&error), "see the message"),
        Ok(Some(run)) if run.started_at > clock::now() + TimeDelta::minutes(5) => {
            let seen = format!("the newest run began in the future: {}", run.run_id);
            doubtful(WHAT, seen, "the clock went back since; slots before that moment count as done")
        }
        Ok(Some(run)) => fine(WHAT, format!("opens; the newest run is {}", run.run_id)),
        Ok(None) => fine(WHAT, "opens; no run yet"),
    }
}

/// The target, tried out, and what is published there.
fn target(pipeline: &Pipeline, settings: &Settings) -> Vec<Finding> {
    const WHAT: &str = "target";
    let to = &pipeline.publish.to;
    let target = match Target::open(&pipeline.publish, &settings.state) {
        Ok(target) => target,
        Err(error) => return vec![wrong(WHAT, chain(&error), "see the message")],
    };
    let mut findings = match to {
        config::Target::Folder(path) => folder(WHAT, path),
        config::Target::Store { .. } => vec![match target.probe() {
            Ok(()) => fine(WHAT, format!("{to} can be written and read, and honours conditional writes")),
            Err(error) => return vec![wrong(WHAT, chain(&error), "see the message")],
        }],
    };
    findings.push(publisher(&target, &pipeline.name));
    findings
}

fn publisher(target: &Target, pipeline: &str) -> Finding {
    const WHAT: &str = "publication";
    if let Err(error) = target.is_of(pipeline) {
        return wrong(WHAT, error.to_string(), "see the message");
    }
    match target.published() {
        Ok(Some(published)) => fine(WHAT, format!("readers see {} as of {}", published.snapshot, published.as_of)),
        Ok(None) => fine(WHAT, "nothing is published yet"),
        // It says itself what to do.
        Err(error) => wrong(WHAT, chain(&error), ""),
    }
}

/// Room for what the last run left, once more: its folder, and its snapshot before and after promotion.
fn space(pipeline: &Pipeline, settings: &Settings) -> Finding {
    const WHAT: &str = "free space";
    let last = super::ledger(settings).and_then(|ledger| {
        let run = ledger.runs(Some(&pipeline.name), 1)?.pop();
        Ok(run.map(|run| size(&ledger.folder(&run.run_id))))
    });
    // Of a store it is the mirror that takes space here.
    let readable = load::readable(&pipeline.publish, &settings.state);
    let snapshot = match &pipeline.publish.to {
        config::Target::Folder(to) => size(&to.join("current")),
        config::Target::Store { .. } => {
            size(&readable.join("snapshots")) / u64::try_from(pipeline.publish.keep).unwrap_or(1).max(1)
        }
    };
    let needed = last.ok().flatten().unwrap_or(0) + 2 * snapshot;
    let on = if readable.is_dir() { readable.as_path() } else { settings.state.as_path() };
    let Some(free) = free(&settings.state).zip(free(on)).map(|(state, target)| state.min(target)) else {
        return doubtful(WHAT, "this system does not tell", "look yourself before the first large run");
    };
    if needed == 0 {
        return fine(WHAT, format!("{} are free; what a run takes is known after the first", bytes(free)));
    }
    let seen = format!("{} are free, the last run took {}", bytes(free), bytes(needed));
    match free {
        free if free < needed => wrong(WHAT, seen, "clear the disk, or keep fewer runs and snapshots (runs.keep, publish.keep)"),
        free if free < 3 * needed => doubtful(WHAT, seen, "it is enough for the next run, not for many"),
        _ => fine(WHAT, seen),
    }
}

/// Bytes of the files below a folder.
fn size(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let of = |path: PathBuf| match fs::symlink_metadata(&path) {
        Ok(metadata) if metadata.is_dir() => size(&path),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.flatten().map(|entry| of(entry.path())).sum()
}

#[cfg(unix)]
fn free(path: &Path) -> Option<u64> {
    let system = rustix::fs::statvfs(path).ok()?;
    Some(system.f_bavail * system.f_frsize)
}

#[cfg(not(unix))]
fn free(_: &Path) -> Option<u64> {
    None
}

fn memory(settings: &Settings) -> Finding {
    const WHAT: &str = "memory";
    let wanted = settings.engine.memory as u64;
    let available = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?.trim().strip_suffix("kB")?;
        Some(line.trim().parse::<u64>().ok()? * 1024)
    });
    match available {
        Some(available) if available < wanted + wanted / 3 => {
            let seen = format!("{} are available, `engine.memory` is {}", bytes(available), bytes(wanted));
            doubtful(WHAT, seen, "lower `engine.memory` in config/<env>.yaml; queries then spill to disk sooner")
        }
        Some(available) => fine(WHAT, format!("{} are available, a run plans with {}", bytes(available), bytes(wanted))),
        None => fine(WHAT, format!("a run plans with {}", bytes(wanted))),
    }
}

fn sources(pipeline: &Pipeline, settings: &Settings) -> Result<Vec<Finding>, Failure> {
    const WHAT: &str = "sources";
    let runtime = crate::runtime::wide(settings).map_err(|e| Failure::step(&e))?;
    let probed = runtime.block_on(async {
        let session = extract::session(&settings.engine, &std::env::temp_dir())?;
        extract::probe(&session, pipeline, &settings.engine.limits).await
    });
    Ok(match probed {
        Ok(probed) => probed
            .iter()
            .map(|one| fine(WHAT, format!("{}: {} answers with {} columns", one.entity, one.origin, one.columns.len())))
            .collect(),
        // Each says itself what to do.
        Err(error) => vec![wrong(WHAT, chain(&error), "")],
    })
}

fn as_text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let mark = match finding.verdict {
            Verdict::Fine => "ok",
            Verdict::Doubtful => "look",
            Verdict::Wrong => "WRONG",
        };
        let _ = writeln!(text, "{mark:<7}{:<15}{}", finding.what, finding.seen);
        if !finding.remedy.is_empty() {
            let _ = writeln!(text, "{:<22}help: {}", "", finding.remedy);
        }
    }
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    match (count(Verdict::Wrong), count(Verdict::Doubtful)) {
        (0, 0) => text += "\nEverything is as a run needs it.\n",
        (0, look) => _ = writeln!(text, "\nA run can start; {look} to look at."),
        (wrong, _) => _ = writeln!(text, "\n{wrong} wrong: a run would fail."),
    }
    text
}

fn as_json(findings: &[Finding]) -> String {
    let one = |finding: &Finding| {
        let verdict = match finding.verdict {
            Verdict::Fine => "ok",
            Verdict::Doubtful => "look",
            Verdict::Wrong => "wrong",
        };
        json!({"what": finding.what, "verdict": verdict, "seen": finding.seen, "help": finding.remedy})
    };
    format!("{:#}\n", serde_json::Value::from(findings.iter().map(one).collect::<Vec<_>>()))
}
