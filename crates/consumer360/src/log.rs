//! What a run says on the way: lines on stderr, and all of it as NDJSON in the run's folder.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::cli::{Global, LogForm};

/// The log of the run under way; lines before there is one have no file to go to.
static RUN_LOG: Mutex<Option<File>> = Mutex::new(None);

/// Target of lines that belong in the run's log alone, because the command says them on stderr in its own words.
pub const RECORD: &str = "record";

/// The crates of the program that have something to say.
const OWN: [&str; 9] = ["consumer360", "alerts", "cluster", "config", "console", "extract", "load", "scheduler", "transform"];

/// Starts logging. With a progress bar on the terminal only warnings are printed beside it.
pub fn start(global: &Global, bar: bool) {
    let level = match (global.quiet, global.verbose, bar) {
        (true, ..) => LevelFilter::ERROR,
        (_, 0, true) => LevelFilter::WARN,
        (_, 0, false) => LevelFilter::INFO,
        (_, 1, _) => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let stderr = match global.log {
        LogForm::Text => lines.with_ansi(colour).with_target(false).without_time().boxed(),
        LogForm::Json => lines.json().flatten_event(true).boxed(),
    };
    let file = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(RunLog);
    // Libraries speak only when asked for everything.
    let own = |level: LevelFilter, record: &str| {
        let own: Vec<String> = OWN.iter().map(|n| format!("{n}={level}")).collect();
        let others = if level == LevelFilter::TRACE { "debug" } else { "warn" };
        EnvFilter::new(format!("{others},{RECORD}={record},{}", own.join(",")))
    };
    let registry = tracing_subscriber::registry()
        .with(stderr.with_filter(own(level, "off")))
        .with(file.with_filter(own(LevelFilter::DEBUG, "debug")));
    // A second start in one process, as in tests, keeps the first.
    let _ = registry.try_init();
}

/// Sends every further line to `log.ndjson` of this folder as well.
pub fn into(folder: &Path) -> io::Result<()> {
    let file = File::options().create(true).append(true).open(folder.join("log.ndjson"))?;
    *RUN_LOG.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
    Ok(())
}

struct RunLog;

impl<'a> MakeWriter<'a> for RunLog {
    type Writer = Line;

    fn make_writer(&'a self) -> Self::Writer {
        Line
    }
}

struct Line;

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match RUN_LOG.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(file) => file.write(bytes),
            None => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
