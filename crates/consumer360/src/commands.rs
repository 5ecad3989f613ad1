//! The commands beside `run`.

mod backfill;
mod describe;
mod diff;
mod doctor;
mod export;
mod init;
mod plan;
mod powerbi;
mod rejects;
mod report;
pub mod rollback;
mod runs;
mod sample;
mod show;
mod state;
mod status;
mod unlock;
mod validate;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::CommandFactory;
use config::{Environment, Pipeline, Settings};
use load::{Manifest, Target};
use scheduler::{Ledger, RunFilter, Status};

use crate::cli::{Cli, Global, SchemaOf};
use crate::exit::{Failure, STEP_FAILED};
use crate::tell;

pub use backfill::backfill;
pub use describe::describe;
pub use diff::diff;
pub use doctor::doctor;
pub use export::export;
pub use init::init;
pub use plan::plan;
pub use powerbi::powerbi;
pub use report::report;
pub use rollback::rollback;
pub use runs::runs;
pub use sample::sample;
pub use show::show;
pub use state::repair;
pub use status::{parse_span, status};
pub use unlock::unlock;
pub use validate::validate;

/// Reads the pipeline file and the settings it runs under.
pub fn load(global: &Global, pipeline: &Path) -> Result<(Pipeline, Settings), Failure> {
    let (pipeline, settings) = config::load(pipeline, Some(folder(global)?), global.env.as_deref(), &Environment::process())?;
    if !pipeline.checks.is_empty() {
        // Only the engine can tell whether the SQL of a check is right.
        let session = extract::session(&settings.engine, &std::env::temp_dir()).map_err(|e| Failure::step(&e))?;
        ::validate::plan(&session, &pipeline.checks)?;
    }
    tell::channels(&pipeline)?;
    Ok((pipeline, settings))
}

/// The settings alone, for commands without a pipeline.
pub fn settings(global: &Global) -> Result<Settings, Failure> {
    Ok(config::settings(Some(folder(global)?), global.env.as_deref(), &Environment::process())?)
}

/// The folder of the settings. Without any there are the defaults, but one that is named is meant.
fn folder(global: &Global) -> Result<&Path, Failure> {
    let folder = global.config.as_path();
    if folder != Path::new("config") && !folder.is_dir() {
        return Err(Failure::usage(format!("there is no folder {}; `--config` names that of default.yaml", folder.display())));
    }
    Ok(folder)
}

/// The pipeline asked for, or that of the latest published run.
pub fn pipeline_file(global: &Global, asked: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(file) = asked {
        return Ok(file.to_path_buf());
    }
    let filter = RunFilter { pipeline: None, status: Some(Status::Published) };
    let published = ledger(&settings(global)?)?.page(filter, 0, 1)?.pop();
    let file = published.map(|run| run.file.unwrap_or_else(|| Path::new("pipelines").join(format!("{}.yaml", run.pipeline))));
    file.filter(|file| file.is_file())
        .ok_or_else(|| Failure::usage("no published run names its pipeline file; say which with --pipeline FILE"))
}

/// Where the pipeline publishes, for commands that read or lead its readers there: what another pipeline published is not shown
/// as its own.
pub fn target(pipeline: &Pipeline, settings: &Settings) -> Result<Target, Failure> {
    let target = Target::open(&pipeline.publish, &settings.state).map_err(|e| Failure::step(&e))?;
    target.is_of(&pipeline.name).map_err(|e| Failure::step(&e))?;
    Ok(target)
}

/// The snapshot that readers see.
pub fn published(target: &Target, pipeline: &Pipeline, file: &Path) -> Result<String, Failure> {
    let pointer = target.published().map_err(|e| Failure::step(&e))?;
    pointer.map(|published| published.snapshot).ok_or_else(|| {
        let to = &pipeline.publish.to;
        Failure::usage(format!("nothing is published in {to} yet (consumer360 run {})", file.display()))
    })
}

/// The one of the snapshots whose id begins so.
pub fn named<'a>(known: &'a [Manifest], id: &str) -> Result<&'a Manifest, Failure> {
    load::named(known, id).map_err(|why| Failure::usage(format!("there is no such snapshot: {why}")))
}

/// The run ledger, in the state folder or on the PostgreSQL that hosts share.
pub fn ledger(settings: &Settings) -> Result<Ledger, scheduler::Error> {
    match &settings.ledger {
        config::Ledger::File => Ledger::open(&settings.state),
        config::Ledger::Postgres { url } => Ledger::connect(&settings.state, url.expose()),
    }
}

/// The name of a pipeline that is asked for by it or by its file. One that is not on record, where others are, is misspelt.
pub fn on_record(global: &Global, ledger: &Ledger, asked: &str) -> Result<String, Failure> {
    let file = Path::new(asked);
    let name = if file.is_file() { load(global, file)?.0.name } else { asked.to_owned() };
    let known = ledger.pipelines()?;
    if !known.is_empty() && !known.contains(&name) && ledger.holder(&name)?.is_none() {
        let known = known.join(", ");
        return Err(Failure::usage(format!("no run of a pipeline `{name}` is on record; on record are {known}")));
    }
    Ok(name)
}

/// Whether there is a state to look at. To look makes none: whoever is in the wrong folder is told so. One that may not be looked
/// at is there all the same.
pub fn has_state(settings: &Settings) -> Result<bool, Failure> {
    if matches!(settings.ledger, config::Ledger::Postgres { .. }) {
        return Ok(true);
    }
    settings.state.join("runs").try_exists().map_err(|e| {
        let message = format!("cannot look into the state folder {}: {e}", settings.state.display());
        Failure::Step { code: STEP_FAILED, message }
    })
}

/// What is said where nothing has run.
pub fn no_run(settings: &Settings) -> String {
    format!("No run yet in {}. The first: consumer360 run pipelines/NAME.yaml\n", settings.state.display())
}

/// Prints a result; a reader that has seen enough is no error.
pub fn print(text: &str) -> Result<ExitCode, Failure> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(Failure::step(&e)),
        _ => Ok(ExitCode::SUCCESS),
    }
}

pub fn schema(of: SchemaOf) -> Result<ExitCode, Failure> {
    let schema = match of {
        SchemaOf::Pipeline => config::pipeline_schema(),
        SchemaOf::Settings => config::settings_schema(),
    };
    print(&format!("{schema:#}\n"))
}

/// Writes a manual page for the program and one for each command.
pub fn man(to: &Path) -> Result<ExitCode, Failure> {
    let failed = |e: io::Error| Failure::usage(format!("cannot write to {}: {e}", to.display()));
    std::fs::create_dir_all(to).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), to).map_err(failed)?;
    print(&format!("Manual pages are in {}; read one with: man {}/consumer360.1\n", to.display(), to.display()))
}

pub fn completions(shell: clap_complete::Shell) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "consumer360", &mut script);
    print(&String::from_utf8_lossy(&script))
}
